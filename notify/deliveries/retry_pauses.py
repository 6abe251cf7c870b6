"""How long to wait before a delivery is tried again, by lane and channel, and what providers wish."""

import random

from notify.channels import CHANNELS, Channel
from notify.core.jobs import Lane
from notify.deliveries.service import Result

SHORTEST_PAUSE_S = 0.5
# in seconds: after the first attempt, and after many; an emergency asks again as soon as asking can be of use
PAUSES_S = {Lane.EMERGENCY: (1, 10), Lane.TRANSACTIONAL: (5, 60), Lane.ROUTINE: (5, 300)}
# Svix's: in seconds after each attempt; the eighth, 27 hours and 35 minutes after the first, is the last
WEBHOOK_PAUSES_S = (5, 300, 1800, 7200, 18_000, 36_000, 36_000)
WEBHOOK_JITTER = 0.1
HURRIED_ATTEMPTS = 8  # of an emergency's webhooks, before that schedule begins


def pause_after(attempts: int, lane: Lane, channel: Channel) -> float:
    """Seconds to wait after so many attempts: at random up to 5, 10, 20 … 300, so that not all come back at once.

    Never less than half a second: a relay that just said no is not asked again in the same breath. Receivers of
    webhooks get Svix's schedule, give or take a tenth; an emergency's only after some attempts in a hurry.
    """
    hurried = HURRIED_ATTEMPTS if lane == Lane.EMERGENCY else 0
    if CHANNELS[channel].is_own_service and attempts > hurried:
        pause_s = WEBHOOK_PAUSES_S[min(attempts - hurried, len(WEBHOOK_PAUSES_S)) - 1]
        return pause_s * random.uniform(1 - WEBHOOK_JITTER, 1 + WEBHOOK_JITTER)  # noqa: S311 - no secret
    first, last = PAUSES_S[lane]
    longest = min(first * 2 ** (min(attempts, 20) - 1), last)
    return random.uniform(SHORTEST_PAUSE_S, longest)  # noqa: S311 - no secret


class Wishes:
    """How long those want to be left alone who did not take their messages of one batch."""

    def __init__(self) -> None:
        self._longest_s = 0.0
        self._shortest_own_s: float | None = None

    def hear(self, result: Result) -> None:
        """Take one delivery's wish into account; a delivery that is settled has none."""
        wish_s = result.retry_after_s or 0.0
        if not result.is_own_wish:
            self._longest_s = max(self._longest_s, wish_s)
        elif self._shortest_own_s is None or wish_s < self._shortest_own_s:
            self._shortest_own_s = wish_s

    @property
    def seconds(self) -> float:
        """When to come back: a provider speaks for all, a receiver of webhooks keeps no other one waiting."""
        return max(self._longest_s, self._shortest_own_s or 0.0)
