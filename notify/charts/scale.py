"""From numbers to places: scales that begin at nought and end on a number that people say."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from notify.charts.chart import known
from notify.charts.words import DAY, HOUR, MINUTE

LEAST = 1e-9  # less than this cannot be told from nothing
_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)
_SECONDS = (1, 2, 5, 10, 15, 30, *(MINUTE * many for many in (1, 2, 5, 10, 15, 30)),
            *(HOUR * many for many in (1, 2, 3, 6, 12)), DAY)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Scale:
    """From `low` to `high`, with the numbers that are written beside it."""

    low: float
    high: float
    ticks: tuple[float, ...]

    def share(self, value: float) -> float:
        """How far along the value lies, from 0 to 1."""
        return min(max((value - self.low) / (self.high - self.low), 0.0), 1.0)


def scale_of(values: Iterable[float | None], steps: int = 4) -> Scale:
    """A scale that holds nought and every number, in at most about `steps` steps."""
    numbers = [number for value in values if (number := known(value)) is not None]
    low, high = min([0.0, *numbers]), max([0.0, *numbers])
    if high - low < LEAST:
        high = 1.0
    step = _step((high - low) / steps)
    if all(number == round(number) for number in numbers):
        step = max(1.0, float(math.ceil(step)))
    first, last = math.floor(low / step), math.ceil(high / step)
    return Scale(first * step, last * step, tuple(place * step for place in range(first, last + 1)))


def _step(rough: float) -> float:
    """The next round number above."""
    power = 10.0 ** math.floor(math.log10(rough))
    return next((many * power for many in _STEPS if many * power >= rough * 0.999), 10 * power)


def seconds_scale(values: Sequence[float], steps: int = 5) -> Scale:
    """A scale of time from nought to the last moment, in seconds, minutes, hours or days."""
    last = max([1.0, *values])
    whole_days = DAY * math.ceil(last / DAY / steps)
    step = next((one for one in _SECONDS if one * steps >= last), whole_days)
    return Scale(0.0, last, tuple(float(step * place) for place in range(int(last // step) + 1)))
