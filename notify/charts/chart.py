"""What a picture of numbers is made of, and what is shown of it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from zlib import crc32

from markupsafe import Markup

from notify.charts.words import Write, not_known
from notify.languages import _

MOST_SERIES = 6
MOST = 1e15  # beyond this no council counts anything, and numbers lose their units


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the table: what it is about, its cells as they are written, and perhaps a page about it."""

    label: str
    cells: tuple[str, ...]
    href: str = ""


@dataclass(frozen=True, slots=True)
class Chart:
    """A picture and the same numbers as a table; `empty` says why there is neither.

    Every mark of the picture that stands for a number carries it, as it is written, in `data-value`: the table holds
    it too. `notes` are what is marked in the picture beside its data: a name and a value each.
    """

    title: str
    about: str
    svg: Markup
    heads: tuple[str, ...]
    rows: tuple[Row, ...]
    notes: tuple[tuple[str, str], ...] = ()
    empty: str = ""


@dataclass(frozen=True, slots=True)
class Item:
    """One thing with one number. `said` replaces the number where it must not be told (“fewer than 5”).

    `more` are further cells of its line in the table.
    """

    label: str
    value: float | None
    said: str = ""
    href: str = ""
    more: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Series:
    """Numbers that belong together, one for each label of the chart. None: not known."""

    name: str
    values: Sequence[float | None]


@dataclass(frozen=True, slots=True)
class Mark:
    """A place on the chart with a name: a target, an event, a moment. `brief` is what the picture has room for."""

    label: str
    at: float
    said: str = ""
    brief: str = ""

    def drawn(self, said: str) -> str:
        """What stands beside its line."""
        return f"{self.brief or self.label} {said}"


def known(value: float | None) -> float | None:
    """The number, or None where there is none that could be drawn."""
    return float(value) if value is not None and math.isfinite(value) and abs(value) <= MOST else None


def written(value: float | None, write: Write, said: str = "") -> str:
    """The number as picture and table write it."""
    number = known(value)
    return said or (write(number) if number is not None else not_known())


def nothing(title: str, heads: Sequence[str], empty: str) -> Chart:
    """A chart without data: its place, and a sentence that says what would fill it."""
    words = empty or _("There is nothing to draw yet. It appears here as soon as there are numbers.")
    return Chart(title, "", Markup(""), tuple(heads), (), empty=words)


def key_of(*parts: object) -> str:
    """A short name that no other picture of the page has, for ids within it."""
    return f"g{crc32(repr(parts).encode()):08x}"


def extremes(labels: Sequence[str], values: Sequence[float | None], said: Sequence[str]) -> str:
    """A sentence about the highest and the lowest, for those who do not see the picture."""
    found = [(number, label, words) for value, label, words in zip(values, labels, said, strict=True)
             if (number := known(value)) is not None]  # fmt: skip
    if not found:
        return ""
    _top, highest, most = max(found, key=lambda one: one[0])
    _low, lowest, least = min(found, key=lambda one: one[0])
    if _top == _low:
        return _("{label}: {value}.", label=highest, value=most)
    return _(
        "Highest: {highest}, {most}. Lowest: {lowest}, {least}.", highest=highest, most=most, lowest=lowest, least=least
    )
