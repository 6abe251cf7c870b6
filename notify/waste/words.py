"""Words about collections in the language that is spoken: days, streams, containers, reasons."""

from collections.abc import Mapping, Sequence
from datetime import date

from babel.dates import format_date

from notify.languages import _, later, spoken
from notify.waste.models import Cause, Stream

CAUSES: Mapping[str, str] = {
    Cause.BLOCKED_ROAD.value: later("the road was blocked"),
    Cause.BREAKDOWN.value: later("a vehicle broke down"),
    Cause.WEATHER.value: later("the weather"),
    Cause.STAFF.value: later("too few staff"),
    Cause.SITE.value: later("the disposal site is closed"),
    Cause.HOLIDAY.value: later("a bank holiday"),
    Cause.OTHER.value: later("a problem on the day"),
}
COLOURS = ("black", "blue", "brown", "green", "grey", "red", "purple", "orange", "yellow", "white")


def date_words(day: date) -> str:
    """`Tuesday 29 December 2026`."""
    return str(format_date(day, "EEEE d MMMM y", locale=spoken()))


def short_date(day: date) -> str:
    """`Tuesday 29 December`."""
    return str(format_date(day, "EEEE d MMMM", locale=spoken()))


def month_words(day: date) -> str:
    """`December 2026`."""
    return str(format_date(day, "MMMM y", locale=spoken()))


def said(words: Mapping[str, str]) -> str:
    """The words in the language that is spoken, or in English."""
    return words.get(spoken()) or words.get("en", "")


def stream_words(stream: Stream) -> str:
    """What the stream is called, with its container: `Food waste (grey caddy)`."""
    name, container = said(stream.names) or stream.code, said(stream.containers)
    return f"{name} ({container})" if container else name


def container_words(stream: Stream) -> str:
    """The container with what it is for: `grey caddy (food waste)`."""
    name, container = said(stream.names) or stream.code, said(stream.containers)
    return f"{container} ({name[:1].lower()}{name[1:]})" if container else name


def colour_of(stream: Stream) -> str:
    """The colour that its English container names, for a mark beside its words; empty where it names none."""
    said_words = stream.containers.get("en", "").lower().split()
    return next((colour for colour in COLOURS if colour in said_words), "")


def cause_words(reason: str) -> str:
    """Why a collection is not on its usual day."""
    return _(CAUSES[reason]) if reason in CAUSES else reason


def joined(parts: Sequence[str]) -> str:
    """`a, b and c`."""
    if len(parts) < 2:
        return "".join(parts)
    return _("{some} and {last}", some=", ".join(parts[:-1]), last=parts[-1])
