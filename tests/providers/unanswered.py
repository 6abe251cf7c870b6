"""A request that a provider heard whole and never answered."""

import time
from collections import deque
from typing import Protocol, TypeVar

from notify.providers.base import Message, ProviderUnavailable, ProviderUnsure
from tests.running import wait_until
from tests.timing import IN_TIME_S

TRIES = 40
T = TypeVar("T")


class Sends(Protocol):
    """A provider under test."""

    def send(self, message: Message) -> str:
        """Send it."""
        ...


class Scripted(Protocol[T]):
    """A stub whose next requests are answered as written down."""

    script: deque[T]


def unanswered(provider: Sends, message: Message, stub: Scripted[T], mute: T) -> str:
    """What the provider says of it, having given up in time.

    The time of these tests is so short that a busy machine may use it up before anything was said. Then nothing was
    heard, the provider says so, and it is tried again.
    """
    stub.script.append(mute)
    for _ in range(TRIES):
        begun = time.monotonic()
        try:
            provider.send(message)
        except ProviderUnsure as told:
            assert time.monotonic() - begun < IN_TIME_S
            wait_until(lambda: not stub.script)
            return str(told)
        except ProviderUnavailable:
            assert time.monotonic() - begun < IN_TIME_S
            assert stub.script, "it was heard, and the provider said that it was not"
        else:
            raise AssertionError("An answer came after all")
    raise AssertionError(f"In {TRIES} tries nothing was heard")
