"""What is written in one setting, read: lists of names, days, shares, figures and colours."""

import re
from collections.abc import Mapping, Sequence
from datetime import date
from typing import NamedTuple

SCHEMES: Mapping[str, tuple[str, ...]] = {
    "database_url": ("postgresql", "postgres"),
    "redis_url": ("redis", "rediss", "unix"),
    "flood_feed": ("https", "http"),
    "flood_areas": ("https", "http"),
    "map_tiles_url": ("https",),
}
LEAST_KEY = 32
ADDRESS = re.compile(r"[^@\s<>]+@[^@\s<>]+\.[^@\s<>.]+")
FILE_PROVIDER = "file"
COLOUR = re.compile("#[0-9a-fA-F]{6}")
LEAST_CONTRAST = 4.5


def names(value: str) -> tuple[str, ...]:
    """The names that stand between commas."""
    return tuple(name.strip() for name in value.split(",") if name.strip())


def days(value: str) -> tuple[date, date] | None:
    """The first and the last day of `2027-03-22/2027-05-06`. Raises: ValueError."""
    if not value:
        return None
    try:
        first, last = (date.fromisoformat(day.strip()) for day in value.split("/"))
    except ValueError:
        raise ValueError("give two days as in 2027-03-22/2027-05-06") from None
    if last < first:
        raise ValueError("the last day comes before the first")
    return first, last


class Choice(NamedTuple):
    """An adapter that a setting names, and the share of the messages that it should be handed first."""

    name: str
    share: float | None


def choices(value: str) -> tuple[Choice, ...]:
    """The adapters of `ses:80,smtp:20`. Raises: ValueError."""
    found = []
    for item in names(value):
        name, _, share = item.partition(":")
        try:
            found.append(Choice(name.strip(), float(share) if share else None))
        except ValueError:
            raise ValueError(f"{item!r} is not a provider and its share, as in twilio-sms:80") from None
    return tuple(found)


def shares_are_whole(chosen: Sequence[Choice]) -> bool:
    """Whether each of these has a share above 0, or none has one."""
    shares = [one.share for one in chosen]
    return all(share is None for share in shares) or all(
        share is not None and 0 < share < float("inf") for share in shares
    )


def figures(value: str, what: str) -> dict[str, float]:
    """The numbers of `smtp=500,twilio=20`, each a `what`. Raises: ValueError."""
    found: dict[str, float] = {}
    for item in names(value):
        name, _, figure = item.partition("=")
        try:
            found[name.strip()] = float(figure)
        except ValueError:
            raise ValueError(f"{item!r} is not a provider and its {what}, as in smtp=2.5") from None
        if not 0 <= found[name.strip()] < float("inf"):
            raise ValueError(f"{item!r}: a {what} is a number that is not below 0")
    return found


def luminance(colour: str) -> float:
    """How light a colour #rrggbb is, from 0 to 1, as WCAG 2.2 reckons it."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast_with_white(colour: str) -> float:
    """The contrast of white words on a colour #rrggbb, from 1 to 21, as WCAG 2.2 reckons it."""
    return 1.05 / (luminance(colour) + 0.05)


DEAREST_PENCE = 10_000
