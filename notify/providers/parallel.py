"""Several messages at the same time, for providers that take one at a time."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed

from notify.providers.base import Message, Outcome, Provider, send_one


def send_parallel(provider: Provider, messages: Sequence[Message], *, at_once: int) -> Iterator[Outcome]:
    """Exactly one outcome a message, as they become known, with so many under way at once. Raises nothing."""
    if not messages:
        return
    crew = ThreadPoolExecutor(min(at_once, len(messages)), thread_name_prefix=provider.name)
    try:
        for done in as_completed([crew.submit(send_one, provider, message) for message in messages]):
            yield done.result()
    finally:
        crew.shutdown(wait=False, cancel_futures=True)
