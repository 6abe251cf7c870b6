"""What people type or paste into short fields: addresses, postcodes, slugs, links, days and times.

Refusals are ValueErrors with a sentence; each route makes its own kind of error of it.
"""

import re
import unicodedata
from calendar import monthrange
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator

from notify.core import clock
from notify.core.clock import LONDON
from notify.languages import _, spoken

_MONTHS = (
    ("january", "ionawr"), ("february", "chwefror"), ("march", "mawrth"), ("april", "ebrill"), ("may", "mai"),
    ("june", "mehefin"), ("july", "gorffennaf"), ("august", "awst"), ("september", "medi"), ("october", "hydref"),
    ("november", "tachwedd"), ("december", "rhagfyr"),
)  # fmt: skip
_WEEKDAY = re.compile(r"^(?:mon|tues?|wed(?:nes)?|thur?s?|fri|sat(?:ur)?|sun)(?:day)?[\s,.]+", re.IGNORECASE)
_YEAR_FIRST = re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})")
_DAY_FIRST = re.compile(r"(\d{1,2})\s*[-/.]\s*(\d{1,2})(?:\s*[-/.]\s*(\d{4}|\d{2}))?")
_SPACED = re.compile(r"(\d{1,2}) (\d{1,2}) (\d{4})")
_DAY_AND_NAME = re.compile(r"(\d{1,2})(?:st|nd|rd|th)?(?:\s+of)?[\s-]*([a-z]{3,})\.?,?[\s-]*(\d{4})?", re.IGNORECASE)
_NAME_AND_DAY = re.compile(r"([a-z]{3,})\.?\s+(\d{1,2})(?:st|nd|rd|th)?,?\s*(\d{4})?", re.IGNORECASE)
_TIME = re.compile(r"(\d{1,2})(?:[:.](\d{2}))?(?::00)?\s*([ap])?\.?(?:m\.?)?", re.IGNORECASE)
_MOMENT = re.compile(
    r"(.+?)(?:[T,]|\s+at|\s)\s*(\d{1,2}(?:[:.]\d{2})?(?::00)?\s*(?:[ap]\.?m\.?)?|noon|midday|midnight)", re.IGNORECASE
)
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)
_HOST = re.compile(r"(?:[\w-]+\.)+[^\W\d_]{2,}(?::\d+)?(?:[/?#].*)?")
# fillers and selectors that have a category of their own and nothing to see
_UNSEEN = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0\ufff9\ufffa\ufffb")
MOMENT_EXAMPLE = "Enter a date and a time, such as 3 December 2027 6:30pm or 2027-12-03T18:30."


def without_invisible(text: str) -> str:
    """The text less every character that nobody sees: zero width, soft hyphens, marks of direction, no-break spaces.

    For addresses, postcodes and slugs, which have no need of any. Plain spaces, tabs and line ends stay.
    """
    if text.isascii():
        return text
    return "".join(character for character in text if not _is_invisible(character))


def _is_invisible(character: str) -> bool:
    if character.isascii():
        return False
    kind = unicodedata.category(character)
    is_selector = "\ufe00" <= character <= "\ufe0f" or "\U000e0000" <= character <= "\U000e0fff"
    return kind in ("Cf", "Cc", "Zs", "Zl", "Zp", "Co") or is_selector or character in _UNSEEN


def with_scheme(link: str) -> str:
    """The link with `https://` before it where it names a host and nothing says how to reach it."""
    # joiners are letters' business in other scripts
    written = "".join(one for one in link if one in "\u200c\u200d" or not _is_invisible(one)).strip()
    if written.startswith("//"):
        written = written[2:]
    is_host = _HOST.fullmatch(written) is not None
    if is_host and (not _SCHEME.match(written) or re.match(r"[^/?#]+:\d+(?:[/?#]|$)", written)):
        return f"https://{written}"
    return written


def email_key(text: str) -> str:
    """What tells one person's e-mail address from another's, as officers type it."""
    return without_invisible(text).strip().lower()


def read_day(text: str, *, is_ahead: bool = True) -> date:
    """The day that someone wrote: `3 dec`, `3rd December 2027`, `3/12/27`, `3 12 2027`, `2027-12-03`, `tomorrow`.

    Days come before months. Without a year it is the next such day, or the last one where not `is_ahead`.
    Raises: ValueError with a sentence, also for days that no calendar has.
    """
    today = clock.now().astimezone(LONDON).date()
    written = " ".join(unicodedata.normalize("NFKC", without_invisible(_spaced(text))).split())
    named = {"today": 0, "tomorrow": 1, "heddiw": 0, "yfory": 1}
    if is_ahead and written.lower() in named:  # what is past stands in files, which are read on any day
        return today + timedelta(days=named[written.lower()])
    written = _WEEKDAY.sub("", written)
    if match := _YEAR_FIRST.fullmatch(written):
        return _dated(int(match[3]), int(match[2]), int(match[1]))
    if match := _DAY_FIRST.fullmatch(written) or _SPACED.fullmatch(written):
        year = int(match[3]) + (2000 if len(match[3]) == 2 else 0) if match[3] else None
        return _of_year(int(match[1]), int(match[2]), year, today, is_ahead=is_ahead)
    match = _DAY_AND_NAME.fullmatch(written)
    day, name, said = match.groups() if match else _name_first(written)
    month = _month(name)
    return _of_year(int(day), month, int(said) if said else None, today, is_ahead=is_ahead)


def read_time(text: str) -> time:
    """The time of day that someone wrote, to the minute: `18:30`, `6.30pm`, `6pm`, `noon`. Raises: ValueError."""
    written = without_invisible(_spaced(text)).strip().lower()
    if written in ("noon", "midday"):
        return time(12)
    if written == "midnight":
        return time(0)
    match = _TIME.fullmatch(written)
    if match is None or not (match[2] or match[3]):
        raise ValueError("Enter a time like 18:30 or 6:30pm.")
    hour, minute = int(match[1]), int(match[2] or 0)
    if match[3]:
        if not 1 <= hour <= 12:
            raise ValueError(f"{hour}{match[3]}m is not a time. Enter a time like 18:30 or 6:30pm.")
        hour = hour % 12 + (12 if match[3] == "p" else 0)
    if hour > 23 or minute > 59:
        raise ValueError(f"{match[0].strip()} is not a time. Enter a time like 18:30 or 6:30pm.")
    return time(hour, minute)


def read_moment(text: str, *, is_ahead: bool = True) -> datetime:
    """The day and time that someone wrote, without a zone unless they gave one. Raises: ValueError."""
    written = without_invisible(_spaced(text)).strip()
    try:
        return datetime.fromisoformat(written) if len(written) > len("2027-12-03") else _nothing()
    except ValueError:
        match = _MOMENT.fullmatch(written)
    if match is None:
        raise ValueError(MOMENT_EXAMPLE)
    return datetime.combine(read_day(match[1], is_ahead=is_ahead), read_time(match[2]))


def _example() -> str:
    return _("Enter a date like 3 December 2027 or 3/12/2027.")


def _nothing() -> datetime:
    raise ValueError(MOMENT_EXAMPLE)


def _spaced(text: str) -> str:
    """No-break and thin spaces stand between words here, and are spaces."""
    return "".join(" " if unicodedata.category(character) == "Zs" else character for character in text)


def _name_first(written: str) -> Sequence[str]:
    match = _NAME_AND_DAY.fullmatch(written)
    if match is None:
        raise ValueError(_example())
    return match[2], match[1], match[3]


def _month(name: str) -> int:
    found = [
        number
        for number, names in enumerate(_MONTHS, start=1)
        if any(month.startswith(name.lower()) for month in names) or (number == 9 and name.lower() == "sept")
    ]
    if len(found) != 1:
        raise ValueError(_example())
    return found[0]


def _of_year(day: int, month: int, year: int | None, today: date, *, is_ahead: bool) -> date:
    if year is not None:
        return _dated(day, month, year)
    # a leap day comes within eight years
    for near in range(0, 9) if is_ahead else range(0, -9, -1):
        try:
            found = _dated(day, month, today.year + near)
        except ValueError:
            if not (day == 29 and month == 2):
                raise
            continue
        if found >= today if is_ahead else found <= today:
            return found
    raise ValueError(_example())


def _dated(day: int, month: int, year: int) -> date:
    if not 1 <= month <= 12:
        raise ValueError(_example())
    if not 1 <= year <= 9999:
        raise ValueError(_example())
    last = monthrange(year, month)[1]
    if not 1 <= day <= last:
        name = _MONTHS[month - 1][spoken() == "cy"].capitalize()
        raise ValueError(
            _("{day} {month} {year} is not a date: {month} has {last} days.", day=day, month=name, year=year, last=last)
        )
    return date(year, month, day)


def _day_if_text(value: object) -> object:
    return read_day(value) if isinstance(value, str) else value


# for fields of models: text that nobody needs invisible characters in, and a day however it is written
Typed = Annotated[str, AfterValidator(without_invisible)]
TypedDay = Annotated[date, BeforeValidator(_day_if_text)]
