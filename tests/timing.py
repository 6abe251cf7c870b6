"""Whether two kinds of request can be told apart by how long they take."""

import statistics
from collections.abc import Sequence

MOST_S = 0.005


def apart(one: Sequence[float], other: Sequence[float]) -> str:
    """What tells the two apart, in words; empty where nothing does.

    Seconds of requests that were asked in turn, so that the first of each kind stand beside each other, and so on: the
    differences of neighbours do not hold what slowed both of them down.
    """
    difference = statistics.median(a - b for a, b in zip(one, other, strict=True))
    return "" if abs(difference) < MOST_S else f"{difference * 1000:.2f} ms apart"
