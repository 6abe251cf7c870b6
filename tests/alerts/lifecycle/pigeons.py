"""Providers that do with each message what the test says."""

from collections.abc import Callable, Sequence

from notify.providers.base import (
    CallBack,
    Channel,
    Message,
    News,
    ProviderRejected,
    ProviderUnavailable,
    ProviderUnsure,
    Receipt,
    ReceiptState,
)
from tests.alerts.lifecycle.model import Word


class Death(BaseException):
    """Ends a worker without a word."""


class Pigeon:
    """A provider that does with each message what the test says."""

    def __init__(self, channel: Channel, asked: Callable[[Message], str]) -> None:
        self.name = f"{channel}-pigeon"
        self.channel = channel
        self.send = asked

    def read_receipt(self, call: CallBack) -> Sequence[News]:
        reference, state = call.body.decode().split()
        return [Receipt(reference, ReceiptState(state))]

    def check(self) -> Sequence[str]:
        return []

    def close(self) -> None:
        return


def answer(word: Word) -> str:
    """What a provider says, or how a worker ends."""
    match word:
        case Word.REFUSES:
            raise ProviderRejected("There is no such address.")
        case Word.DEFERS:
            raise ProviderUnavailable("The mailbox is full.", is_address=True)
        case Word.WISHES:
            raise ProviderUnavailable("Greylisted.", retry_after_s=60, is_address=True)
        case Word.FAILS:
            raise ProviderUnavailable("Out of order.")
        case Word.PAUSES:
            raise ProviderUnavailable("Too many.", retry_after_s=3600)
        case Word.UNSURE_TAKEN | Word.UNSURE_LOST:
            raise ProviderUnsure("No answer.")
        case Word.DIES_BEFORE | Word.DIES_AFTER:
            raise Death
    return "theirs"
