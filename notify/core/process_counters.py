"""What this process counted since it last wrote it down. Names and labels are those that `/metrics` shows.

Worker processes come and go, so nobody could scrape them: they add what they counted to the table `meter`
(`deliveries.metering.write`) and the web shows the sums.
"""

import threading
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

# upper bounds of a histogram's buckets, in seconds
BUCKETS_S = (0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 300, 900, 3600)

_lock = threading.Lock()
_counted: defaultdict[tuple[str, str], float] = defaultdict(float)


def labels_of(labels: dict[str, str]) -> str:
    """Labels as Prometheus writes them, in order and without braces. Values are our own words, never a resident's."""
    return ",".join(f'{name}="{value}"' for name, value in sorted(labels.items()))


def count(name: str, amount: float = 1, **labels: str) -> None:
    """Add to a counter, say `notify_provider_outcomes_total`."""
    with _lock:
        _counted[name, labels_of(labels)] += amount


def observe_all(name: str, seconds: Sequence[float], **labels: str) -> None:
    """Note durations in a histogram: their buckets, their sum and their count."""
    for at, times in Counter(bisect_left(BUCKETS_S, one) for one in seconds).items():
        bound = f"{BUCKETS_S[at]:g}" if at < len(BUCKETS_S) else "+Inf"
        count(f"{name}_bucket", times, **labels, le=bound)
    if seconds:
        count(f"{name}_sum", sum(seconds), **labels)
        count(f"{name}_count", len(seconds), **labels)


def take() -> dict[tuple[str, str], float]:
    """Everything counted since the last call, by name and labels. The caller must write it down or lose it."""
    with _lock:
        taken = dict(_counted)
        _counted.clear()
    return taken


def give_back(taken: Mapping[tuple[str, str], float]) -> None:
    """Count again what was taken and could not be written down."""
    with _lock:
        for key, amount in taken.items():
            _counted[key] += amount
