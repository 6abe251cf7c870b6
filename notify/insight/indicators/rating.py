"""Red, amber, green or blue: how a figure stands to its target, relative to the target, in the better direction.

Source: Cambridgeshire County Council's corporate performance reports. Red: off target by more than 10%. Amber: off
target by 10% or less. Green: on target, or up to 5% over it. Blue: better than the target by more than 5%.
Baseline: tracked to set a target. Contextual: no target.
"""

from decimal import Decimal
from enum import StrEnum

from notify.insight.models import TargetKind

AMBER_TO, GREEN_TO = Decimal("0.10"), Decimal("0.05")


class Rag(StrEnum):
    """How a figure stands."""

    RED = "Red"
    AMBER = "Amber"
    GREEN = "Green"
    BLUE = "Blue"
    BASELINE = "Baseline"
    CONTEXTUAL = "Contextual"
    UNKNOWN = "Not known"


IN_WORDS = {
    Rag.RED: "Off target by more than 10%.",
    Rag.AMBER: "Off target by 10% or less.",
    Rag.GREEN: "On target, or up to 5% better.",
    Rag.BLUE: "Better than the target by more than 5%.",
    Rag.BASELINE: "Tracked to set a target.",
    Rag.CONTEXTUAL: "There is no target: it tells about the rest.",
    Rag.UNKNOWN: "There is no figure for these days.",
}


class Direction(StrEnum):
    """How a figure stands to the one before."""

    IMPROVING = "Improving"
    DECLINING = "Declining"
    UNCHANGED = "Unchanged"
    UNKNOWN = "Not known"
    RISING = "Rising"  # of what is neither good nor bad
    FALLING = "Falling"


def rag(
    value: Decimal | None, target: Decimal | None, *, lower_is_better: bool, kind: TargetKind = TargetKind.TARGET
) -> Rag:
    """How the figure stands. What must be zero is on target at zero and red above."""
    if kind != TargetKind.TARGET or target is None:
        return Rag.BASELINE if kind == TargetKind.BASELINE else Rag.CONTEXTUAL
    if value is None:
        return Rag.UNKNOWN
    better_by = target - value if lower_is_better else value - target
    off = abs(target)
    if better_by < 0:
        return Rag.AMBER if -better_by <= AMBER_TO * off else Rag.RED
    return Rag.GREEN if better_by <= GREEN_TO * off else Rag.BLUE


def distance(value: Decimal | None, target: Decimal | None, *, lower_is_better: bool) -> Decimal | None:
    """How much better (or, below zero, worse) than the target, relative to it; None where that cannot be said."""
    if value is None or not target:
        return None
    return (target - value if lower_is_better else value - target) / abs(target)


def direction(
    now: Decimal | None, before: Decimal | None, *, lower_is_better: bool, has_better: bool = True
) -> Direction:
    """Where it is going since the period before; `has_better` is False of what has no good end."""
    if now is None or before is None:
        return Direction.UNKNOWN
    if now == before:
        return Direction.UNCHANGED
    if not has_better:
        return Direction.RISING if now > before else Direction.FALLING
    return Direction.IMPROVING if (now < before) == lower_is_better else Direction.DECLINING
