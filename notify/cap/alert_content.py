"""From what a message says to the words and places of an alert."""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from babel.dates import format_datetime
from pydantic import ValidationError

from notify.alerts.hazard import Hazard, Severity, Urgency
from notify.alerts.models import Alert, AlertContent, Priority
from notify.cap.message import Area, Circle, Info, Message
from notify.cap.validation import turned
from notify.core import clock
from notify.core.clock import LONDON
from notify.core.errors import Invalid
from notify.places import geometry
from notify.places.projection import to_national_grid

LONGEST_TITLE = 120
LONGEST_REFERENCE = 100
CANCELLED = "The warning has been cancelled."
_CODE = re.compile(r"(WD|LAD)\d\dCD", re.IGNORECASE)
BEGINS: Mapping[str, str] = {"en": "This begins at {at}.", "cy": "Mae hyn yn dechrau am {at}."}


class CapAreaMissing(Invalid):
    """Nobody is meant to guess where it holds, and it never means everyone."""

    title = "The message has no area that can be used"


class CapTextNotAccepted(Invalid):
    """The words are too long, empty or cannot be sent."""

    title = "The text of the message cannot be sent"


def content_of(message: Message, *, topic: str, first: Alert | None = None) -> AlertContent:
    """The draft that a message makes: its English words, the Welsh beside them, its area and its end.

    A message that follows `first` may leave out its area, and a cancellation its words.
    Raises: CapAreaMissing, CapTextNotAccepted.
    """
    info, welsh = message.info_in("en"), message.info_in("cy")
    audience = _audience(info.areas) if info else {}
    if not audience and first is None:
        raise CapAreaMissing(
            "It has no polygon, no circle and no ward or district code such as WD25CD. Areas in words alone cannot "
            "be used, and no area never means everybody."
        )
    words = (
        _words(info) if info else (shortened(f"Cancelled: {first.title if first else ''}", LONGEST_TITLE), CANCELLED)
    )
    return draft_content(
        topic=topic,
        words=words,
        welsh=_words(welsh, "cy") if welsh else None,
        hazard=_hazard(info) if info else {},
        audience=audience or (first.audience if first else None),
        link=info.web if info else "",
        send_at=_send_at(info),
        expires_at=info.expires if info else None,
        reference=message.identifier,
    )


def draft_content(
    *,
    topic: str,
    words: tuple[str, str],
    welsh: tuple[str, str] | None,
    hazard: dict[str, object],
    audience: dict[str, object] | None,
    link: str = "",
    send_at: datetime | None = None,
    expires_at: datetime | None = None,
    reference: str = "",
) -> AlertContent:
    """The alert with this title and text. Raises: CapTextNotAccepted, which names the first thing that is wrong."""
    asked = {
        "topic": topic,
        "priority": priority_of(hazard),
        "title": words[0],
        "body": words[1],
        "translations": {"cy": {"title": welsh[0], "body": welsh[1]}} if welsh and all(welsh) else {},
        "link": link or None,
        "audience": audience,
        "send_at": send_at,
        "expires_at": expires_at,
        "reference": reference[:LONGEST_REFERENCE] or None,
        "cap": hazard,
    }
    try:
        return AlertContent.model_validate(asked)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "message"
        raise CapTextNotAccepted(f"{where}: {first['msg'].removeprefix('Value error, ')}") from None


def priority_of(hazard: dict[str, object]) -> Priority:
    """An emergency where lives are at stake and people must act now or soon; else routine."""
    is_grave = hazard.get("severity") in (Severity.EXTREME, Severity.SEVERE)
    is_soon = hazard.get("urgency") in (Urgency.IMMEDIATE, Urgency.EXPECTED)
    return Priority.EMERGENCY if is_grave and is_soon else Priority.ROUTINE


def cleaned(text: str) -> str:
    """The text without what cannot be printed; any kind of space becomes a plain one."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    kept = ["".join(" " if one.isspace() else one for one in line if one.isspace() or one.isprintable())
            for line in lines]  # fmt: skip
    return re.sub(r"\n{3,}", "\n\n", "\n".join(line.strip() for line in kept)).strip()


def shortened(text: str, most: int) -> str:
    """The text in one line and at most `most` characters, cut between words and marked where it was cut."""
    line = " ".join(text.split())
    if len(line) <= most:
        return line
    return line[: most - 1].rpartition(" ")[0].rstrip(" ,;:.") + "…" if " " in line[: most - 1] else line[:most]


def _send_at(info: Info | None) -> datetime | None:
    """When the words begin to hold, where that is yet to come: they are not sent before."""
    if info is None or info.effective is None or info.effective <= clock.now():
        return None
    is_within = info.expires is None or info.effective < info.expires
    return info.effective if is_within else None


def _begins(info: Info, language: str) -> str:
    """When what is warned of begins, for residents to read; empty where it has begun."""
    if info.onset is None or info.onset <= clock.now():
        return ""
    at = format_datetime(info.onset.astimezone(LONDON), "HH:mm, EEEE d MMMM y", locale=language)
    return BEGINS[language].format(at=at)


def _words(info: Info, language: str = "en") -> tuple[str, str]:
    title = cleaned(info.headline) or cleaned(info.event)
    told = [cleaned(info.description), _begins(info, language), cleaned(info.instruction)]
    body = "\n\n".join(part for part in told if part) or title
    return shortened(title, LONGEST_TITLE), body


def _hazard(info: Info) -> dict[str, object]:
    return Hazard(
        event=shortened(cleaned(info.event), LONGEST_TITLE) or None,
        category=info.categories[0] if info.categories else None,
        severity=info.severity,
        urgency=info.urgency,
        certainty=info.certainty,
        effective=info.effective,
        onset=info.onset,
        instruction=_instruction(info),
    ).model_dump()


def _instruction(info: Info) -> str | None:
    """What people should do, for other systems; residents read it in the text."""
    words = cleaned(info.instruction)
    is_usable = 0 < len(words) <= 5000 and all(len(word) <= 400 for word in words.split())
    return words if is_usable else None


def _audience(areas: Sequence[Area]) -> dict[str, object]:
    """Everything within the shapes, and the wards and districts of areas that have none; empty without any of them."""
    rings = [turned(ring) for area in areas for ring in area.polygons]
    circles = [circle for area in areas for circle in area.circles]
    wards, districts = _codes(area for area in areas if not area.polygons and not area.circles)
    audience: dict[str, object] = {"wards": wards, "districts": districts}
    if len(circles) == 1:
        latitude, longitude, kilometres = circles[0]
        audience["circle"] = {"lat": latitude, "lon": longitude, "radius_m": kilometres * 1000}
    polygons = [[ring] for ring in rings]
    if len(circles) > 1:
        polygons += [polygon for circle in circles for polygon in _drawn(circle)]
    if polygons:
        audience["polygon"] = {"type": "MultiPolygon", "coordinates": polygons}
    return {name: value for name, value in audience.items() if value}


def _drawn(circle: Circle) -> list[list[list[list[float]]]]:
    latitude, longitude, kilometres = circle
    shape = geometry.circle(*to_national_grid(longitude, latitude), max(kilometres * 1000, geometry.LEAST_RADIUS_M))
    drawn = geometry.to_geojson(shape)["coordinates"]
    return [drawn]  # type: ignore[list-item]


def _codes(areas: Iterable[Area]) -> tuple[list[str], list[str]]:
    found: dict[str, list[str]] = {"WD": [], "LAD": []}
    for area in areas:
        for name, code in area.geocodes:
            if kind := _CODE.fullmatch(name.strip()):
                found[kind[1].upper()].append(code.strip())
    return list(dict.fromkeys(found["WD"])), list(dict.fromkeys(found["LAD"]))
