"""What a test may say about time: whether two kinds of request can be told apart by it, and that a deadline held."""

import math
import statistics
from collections.abc import Sequence

MOST_S = 0.005
IN_TIME_S = 5  # servers that a test keeps mute stay so for ten: who gives up before this kept a deadline


def apart(one: Sequence[float], other: Sequence[float]) -> str:
    """What tells the two apart, in words; empty where nothing does.

    Seconds of requests that were asked in turn, so that the first of each kind stand beside each other, and so on: the
    differences of neighbours do not hold what slowed both of them down. A busy machine widens the range that the median
    lies in (99 times in 100); they are apart where all of that range is.
    """
    differences = sorted(a - b for a, b in zip(one, other, strict=True))
    middle, reach = len(differences) / 2, 1.29 * math.sqrt(len(differences))
    low, high = differences[max(0, int(middle - reach))], differences[min(len(differences) - 1, int(middle + reach))]
    is_apart = low > MOST_S or high < -MOST_S
    return f"{statistics.median(differences) * 1000:.2f} ms apart" if is_apart else ""
