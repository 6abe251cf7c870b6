"""What the readers of files hand to the loader, one entry at a time, whatever the file's shape."""

import re
from dataclasses import dataclass
from datetime import date

from notify.places.postcodes import normalise
from notify.waste.recurrence import Pattern

_FLAT = re.compile(r"(?:flat|apartment|apt|unit)\s+(\d+)[a-z]?\s*,?\s+([^,]+)", re.IGNORECASE)
_NUMBER = re.compile(r"(\d+)[a-z]?\b", re.IGNORECASE)
_NOT_PLAIN = re.compile(r"[^a-z0-9]+")
_NOT_REFERENCE = re.compile(r"[^A-Za-z0-9.:_-]+")
LONGEST_REFERENCE = 80


@dataclass(frozen=True, slots=True)
class StreamEntry:
    """A stream that the file names, with what it says about it. `availability` and words may be empty."""

    code: str
    names: dict[str, str]
    containers: dict[str, str]
    contents: dict[str, str]
    put_out_by: str = ""
    availability: str = ""


@dataclass(frozen=True, slots=True)
class RuleEntry:
    """When a round collects a stream."""

    round: str
    stream: str
    pattern: Pattern


@dataclass(frozen=True, slots=True)
class AssignmentEntry:
    """Which homes a round serves; `postcode` is a key."""

    round: str
    home: str | None = None
    postcode: str | None = None
    usrn: str | None = None
    building: str = ""
    number_from: int | None = None
    number_to: int | None = None
    side: str = ""


@dataclass(frozen=True, slots=True)
class HomeEntry:
    """A home; `postcode` is a key."""

    reference: str
    label: str
    postcode: str
    usrn: str | None = None
    building: str = ""
    number: int | None = None


@dataclass(frozen=True, slots=True)
class ServiceEntry:
    """A stream that a home has paid for."""

    reference: str
    stream: str
    starts: date
    ends: date


@dataclass(frozen=True, slots=True)
class DayEntry:
    """One collection of one stream at one home."""

    reference: str
    stream: str
    day: date


@dataclass(frozen=True, slots=True)
class RefusedEntry:
    """A row that was left out: where it is and why."""

    where: str
    why: str


Entry = StreamEntry | RuleEntry | AssignmentEntry | HomeEntry | ServiceEntry | DayEntry | RefusedEntry


def home_of(
    *, reference: str, address: str, postcode: str, usrn: str = "", building: str = "", number: str = ""
) -> HomeEntry:
    """The home that these words name. Number and building are read from the address where they are not given.

    Raises: PostcodeNotValid.
    """
    key = normalise(postcode)
    flat, house = _FLAT.match(address), _NUMBER.match(address)
    at = int(number) if number.isdigit() else None
    if not building and flat:
        building, at = flat[2].strip(), int(flat[1]) if at is None else at
    elif at is None and house:
        at = int(house[1])
    return HomeEntry(
        reference=reference_of(reference) or made_reference(key, address),
        label=address or spoken_postcode(key),
        postcode=key,
        usrn=usrn or None,
        building=building,
        number=at,
    )


def reference_of(text: str) -> str:
    """A council's own reference as it is kept: letters, digits and `.:_-`, so that it can stand in an address."""
    return _NOT_REFERENCE.sub("-", text.strip())[:LONGEST_REFERENCE]


def made_reference(postcode: str, words: str) -> str:
    """A reference for a home that has no UPRN: the same words give the same one. `words` may be empty."""
    plain = _NOT_PLAIN.sub("-", words.lower()).strip("-")
    return f"{postcode}-{plain}"[:LONGEST_REFERENCE].rstrip("-") if plain else postcode


def spoken_postcode(key: str) -> str:
    """`ZZ1 2AB` for `ZZ12AB`."""
    return f"{key[:-3]} {key[-3:]}"
