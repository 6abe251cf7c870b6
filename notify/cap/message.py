"""A CAP 1.2 message as values. Positions are (latitude, longitude) in degrees, WGS84, as the standard writes them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import TypeVar

from notify.alerts.hazard import Category, Certainty, Severity, Urgency
from notify.core.errors import Invalid

NAMESPACE = "urn:oasis:names:tc:emergency:cap:1.2"
MEDIA_TYPE = "application/cap+xml"
ENGLISH, WELSH = "en-GB", "cy-GB"

Position = tuple[float, float]
Ring = tuple[Position, ...]
Circle = tuple[float, float, float]  # latitude, longitude, radius in kilometres

_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[-+]\d\d:\d\d", re.ASCII)
Degree = TypeVar("Degree", Urgency, Severity, Certainty)


class CapStructureWrong(Invalid):
    """An element is missing, unknown, in the wrong place or says what it may not."""

    title = "The message is not built as CAP 1.2 asks"


class Status(StrEnum):
    """How the message is to be handled."""

    ACTUAL = "Actual"
    EXERCISE = "Exercise"
    SYSTEM = "System"
    TEST = "Test"
    DRAFT = "Draft"


class MessageType(StrEnum):
    """What the message is to those before it."""

    ALERT = "Alert"
    UPDATE = "Update"
    CANCEL = "Cancel"
    ACK = "Ack"
    ERROR = "Error"


class Scope(StrEnum):
    """Whom the message is for."""

    PUBLIC = "Public"
    RESTRICTED = "Restricted"
    PRIVATE = "Private"


class ResponseType(StrEnum):
    """What people are asked to do."""

    SHELTER = "Shelter"
    EVACUATE = "Evacuate"
    PREPARE = "Prepare"
    EXECUTE = "Execute"
    AVOID = "Avoid"
    MONITOR = "Monitor"
    ASSESS = "Assess"
    ALL_CLEAR = "AllClear"
    NONE = "None"


@dataclass(frozen=True, slots=True)
class Reference:
    """The three words that name a message for the whole world."""

    sender: str
    identifier: str
    sent: datetime

    def __str__(self) -> str:
        return f"{self.sender},{self.identifier},{written(self.sent)}"


@dataclass(frozen=True, slots=True)
class Area:
    """Places in words, as shapes, and as (name of the code list, code)."""

    description: str
    polygons: Sequence[Ring] = ()
    circles: Sequence[Circle] = ()
    geocodes: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True, slots=True)
class Info:
    """What the message says in one language."""

    language: str
    categories: Sequence[Category]
    event: str
    urgency: Urgency
    severity: Severity
    certainty: Certainty
    response_types: Sequence[ResponseType] = ()
    effective: datetime | None = None
    onset: datetime | None = None
    expires: datetime | None = None
    sender_name: str = ""
    headline: str = ""
    description: str = ""
    instruction: str = ""
    web: str = ""
    areas: Sequence[Area] = ()


@dataclass(frozen=True, slots=True)
class Message:
    """A whole message; signatures and attached resources are left out."""

    identifier: str
    sender: str
    sent: datetime
    status: Status
    kind: MessageType
    scope: Scope = Scope.PUBLIC
    references: Sequence[Reference] = ()
    infos: Sequence[Info] = ()

    @property
    def name(self) -> Reference:
        """How other messages refer to this one."""
        return Reference(self.sender, self.identifier, self.sent)

    def info_in(self, language: str) -> Info | None:
        """What it says in a language such as `en`, whichever country's; several blocks of one language as one."""
        found = self.infos_in(language)
        return joined(found) if found else None

    def infos_in(self, language: str) -> Sequence[Info]:
        """Its blocks in a language, as they are."""
        return [info for info in self.infos if info.language.lower().partition("-")[0] == language]


def joined(infos: Sequence[Info]) -> Info:
    """Blocks of one language as one: everything they say and every area, as grave and as soon as the gravest of them.

    The headline, event and link are those of the first; later headlines stand in the text.
    """
    if len(infos) == 1:
        return infos[0]
    first = infos[0]
    told = [first.description]
    for info in infos[1:]:
        told += [part for part in (info.headline, info.description) if part and part not in (first.headline, *told)]
    ends = [info.expires for info in infos]
    begins = [moment for info in infos if (moment := info.onset)]
    holds = [moment for info in infos if (moment := info.effective)]
    return replace(
        first,
        categories=tuple(dict.fromkeys(one for info in infos for one in info.categories)),
        response_types=tuple(dict.fromkeys(one for info in infos for one in info.response_types)),
        urgency=_first_of(Urgency, [info.urgency for info in infos]),
        severity=_first_of(Severity, [info.severity for info in infos]),
        certainty=_first_of(Certainty, [info.certainty for info in infos]),
        effective=min(holds, default=None),
        onset=min(begins, default=None),
        # one without an end has none
        expires=max((end for end in ends if end), default=None) if all(ends) else None,
        description="\n\n".join(part for part in told if part),
        instruction="\n\n".join(dict.fromkeys(info.instruction for info in infos if info.instruction)),
        areas=_distinct([area for info in infos for area in info.areas]),
    )


def _distinct(areas: Sequence[Area]) -> Sequence[Area]:
    return tuple(area for number, area in enumerate(areas) if area not in areas[:number])


def _first_of(degrees: type[Degree], said: Sequence[Degree]) -> Degree:
    """The gravest: CAP lists them from the gravest on, and `Unknown` last."""
    return min(said, key=list(degrees).index)


def written(moment: datetime) -> str:
    """A moment as CAP writes it: whole seconds in UTC, which the standard spells -00:00."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S-00:00")


def read_moment(text: str, name: str) -> datetime:
    """The moment in an element. Raises: CapStructureWrong."""
    try:
        if _MOMENT.fullmatch(text.strip()):
            return datetime.fromisoformat(text.strip()).astimezone(UTC)
    except (ValueError, OverflowError):
        pass  # there is no such day
    raise CapStructureWrong(f"{name} is “{text.strip()[:40]}”. CAP writes moments as 2026-01-31T14:05:00-00:00.")


def read_references(text: str) -> Sequence[Reference]:
    """The messages named in `references`. Raises: CapStructureWrong."""
    found = []
    for triple in text.split():
        parts = triple.split(",")
        if len(parts) != 3 or not all(parts):
            raise CapStructureWrong(
                f"references holds “{triple[:80]}”. Each reference is sender,identifier,sent without spaces."
            )
        found.append(Reference(parts[0], parts[1], read_moment(parts[2], "The moment in references")))
    return tuple(found)
