"""How many deliveries a worker takes at once."""

from notify.deliveries.service import Advice

SLICE_SECONDS = 1.0
SMALLEST_SLICE, FIRST_SLICE, LARGEST_SLICE = 20, 50, 500


class Pace:
    """How many deliveries make a slice: what the channel took lately in about a second.

    A slice is the time between two looks at cancellation, consent and suppression, and between two writes.
    """

    def __init__(self) -> None:
        self.size = FIRST_SLICE

    def learn(self, sent: int, seconds: float) -> None:
        """Take the last slice's speed into account, at most doubling."""
        if sent:
            fitting = int(sent * SLICE_SECONDS / max(seconds, 0.001))
            self.size = max(SMALLEST_SLICE, min(fitting, 2 * self.size, LARGEST_SLICE))

    def size_for(self, advice: Advice) -> int:
        """How many to take next: few while an emergency needs the machine, the relay and the database."""
        return SMALLEST_SLICE if advice.should_yield else self.size
