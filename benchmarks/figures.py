"""Medians, percentiles and the growth of time, and lines to read them in."""

import math
from collections.abc import Mapping, Sequence
from statistics import linear_regression, median


def spread(values: Sequence[float], digits: int = 3) -> dict[str, float]:
    """The median of several runs with the least and the most."""
    return {
        name: round(value, digits)
        for name, value in (("median", median(values)), ("least", min(values)), ("most", max(values)))
    }


def percentile(values: Sequence[float], share: float) -> float:
    """The value that `share` of all values do not exceed (nearest rank). 0 where there are none."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else 0.0


def exponent(sizes: Sequence[float], seconds: Sequence[float]) -> float:
    """How time grows with size: 1.0 is linear. Least squares over the logarithms of both."""
    return linear_regression([math.log(size) for size in sizes], [math.log(time) for time in seconds]).slope


def tell(what: str, figures: Mapping[str, object]) -> None:
    """One line for people to read while a benchmark runs."""
    words = ", ".join(f"{name} {_short(value)}" for name, value in figures.items())
    print(f"{what}: {words}", flush=True)


def _short(value: object) -> str:
    if isinstance(value, Mapping):
        return "(" + ", ".join(f"{name} {_short(one)}" for name, one in value.items()) + ")"
    return f"{value:g}" if isinstance(value, float) else str(value)
