"""Several messages at the same time, for providers that take one at a time."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from threading import Event

from notify.providers.base import Deferred, Message, Outcome, Provider, Unknown, send_one

FAILURES_TO_STOP = 20
GIVEN_UP = "The provider failed with all of the messages before."


def send_parallel(provider: Provider, messages: Sequence[Message], *, at_once: int) -> Iterator[Outcome]:
    """Exactly one outcome a message, as they become known, with so many under way at once. Raises nothing."""
    if not messages:
        return
    given_up, failures = Event(), 0

    def one(message: Message) -> Outcome:
        if given_up.is_set():  # the next provider may carry it, and must not wait for all to fail here
            return Deferred(message.reference, GIVEN_UP)
        return send_one(provider, message)

    crew = ThreadPoolExecutor(min(at_once, len(messages)), thread_name_prefix=provider.name)
    try:
        for done in as_completed([crew.submit(one, message) for message in messages]):
            outcome = done.result()
            is_failure = isinstance(outcome, Unknown) or (isinstance(outcome, Deferred) and not outcome.is_address)
            failures = failures + 1 if is_failure else 0
            if failures >= FAILURES_TO_STOP:
                given_up.set()
            yield outcome
    finally:
        crew.shutdown(wait=False, cancel_futures=True)
