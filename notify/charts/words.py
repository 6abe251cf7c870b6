"""How numbers are written beside a picture and within it."""

from collections.abc import Callable
from math import inf

from notify.languages import _

Write = Callable[[float], str]
MINUTE, HOUR, DAY = 60, 3600, 86_400
# up to which length these two units are used, and the units
_LENGTHS = ((HOUR, MINUTE, "min", 1, "s"), (DAY, HOUR, "h", MINUTE, "min"), (inf, DAY, "d", HOUR, "h"))


def whole(value: float) -> str:
    """`1,234`."""
    return f"{round(value):,}"


def decimal(value: float) -> str:
    """`12.3`."""
    return f"{value:,.1f}"


def percent(share: float) -> str:
    """A share of one, as `95.3%`."""
    return f"{100 * share:,.1f}%"


def pounds(value: float) -> str:
    """`£1,234.50`."""
    return f"-£{-value:,.2f}" if value < 0 else f"£{value:,.2f}"


def pence(value: float) -> str:
    """`2.4p`."""
    return f"{value:,.1f}p"


def seconds(value: float) -> str:
    """A length of time in two units at most: `6.3 s`, `3 min 20 s`, `2 h 5 min`, `3 d 4 h`."""
    if value < MINUTE - 0.05:
        return f"{value:.1f}".removesuffix(".0") + " s"
    _limit, unit, name, part, part_name = next(one for one in _LENGTHS if round(value / one[3]) * one[3] < one[0])
    many, rest = divmod(round(value / part) * part, unit)
    return f"{many:,} {name}" + (f" {rest // part} {part_name}" if rest else "")


def not_known() -> str:
    """What is written where there is no number."""
    return _("not known")
