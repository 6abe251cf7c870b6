"""What every provider adapter offers and what the engine gives it.

A third party adds a provider with one class, one entry point in the group `notify.providers`, and a subclass of
`notify.providers.contract.ProviderContract` for its tests.
"""

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from threading import Event
from typing import ClassVar, Protocol, runtime_checkable

from notify.channels import Channel as Channel  # adapters of others import it from here
from notify.core import clock

log = logging.getLogger(__name__)


class ReceiptState(StrEnum):
    """What a provider may report later about a message it accepted. GOV.UK Notify's words, and one of ours.

    `complained`: the person called it spam. The delivery stays what it was; the address is not written to any more.
    """

    SENT = "sent"
    DELIVERED = "delivered"
    PERMANENT_FAILURE = "permanent-failure"
    TEMPORARY_FAILURE = "temporary-failure"
    COMPLAINED = "complained"


@dataclass(frozen=True, slots=True)
class Message:
    """One message to one address, complete.

    `reference` is the delivery's own name and the same at every attempt, so that providers can deduplicate.
    `mime` is the whole RFC 5322 message with CRLF line ends, for e-mail only. `secret` signs webhooks only: several
    stand with spaces between them while a receiver changes from the second to the first. `language` is that of `text`.
    `sender` is who a text is to come from; empty: as the adapter's own settings say.
    """

    reference: str
    address: str
    subject: str
    text: str
    mime: bytes = b""
    secret: str = ""
    language: str = "en"
    sender: str = ""
    expires_at: datetime | None = None
    is_hasty: bool = False  # an emergency's first attempt: rather given up and tried again than waited for
    withdrawn: Event | None = None  # set while the message waits its turn: it must not leave any more

    def life_s(self) -> float | None:
        """For how many more seconds this message is of use; None: for ever. Never less than 0."""
        return None if self.expires_at is None else max(0.0, (self.expires_at - clock.now()).total_seconds())

    def must_stay(self) -> str | None:
        """Why this message must not be sent any more; None when it may. To be asked right before it leaves."""
        if self.withdrawn is not None and self.withdrawn.is_set():
            return "The alert was stopped."
        if self.expires_at is not None and self.expires_at <= clock.now():
            return "The alert expired before this could be sent."
        return None


@dataclass(frozen=True, slots=True)
class Accepted:
    """The provider took the message. `provider_reference` is its own id, empty if it gives none."""

    reference: str
    provider_reference: str = ""


@dataclass(frozen=True, slots=True)
class Refused:
    """The provider will never take this message to this address."""

    reference: str
    reason: str


@dataclass(frozen=True, slots=True)
class Deferred:
    """The message was not taken now. `retry_after_s` is the provider's wish in seconds, if it gave one.

    `is_address`: this was about the recipient only (a full mailbox, greylisting) and says nothing about the provider.
    `was_held_back`: no provider was asked at all, because none may be handed anything at the moment.
    """

    reference: str
    reason: str
    retry_after_s: float | None = None
    is_address: bool = False
    was_held_back: bool = False


@dataclass(frozen=True, slots=True)
class Unknown:
    """The message left and no answer came: it may have arrived."""

    reference: str
    reason: str


Outcome = Accepted | Refused | Deferred | Unknown


class ProviderRejected(Exception):
    """Permanent: this message to this address will not be taken, now or later."""


class ProviderUnavailable(Exception):
    """Passing: the provider is away, busy or limiting us. `retry_after_s` is in seconds, None if it did not say.

    `is_address`: only this recipient cannot be reached now; the provider itself is well.
    """

    def __init__(self, reason: str, retry_after_s: float | None = None, *, is_address: bool = False) -> None:
        super().__init__(reason)
        self.retry_after_s = retry_after_s
        self.is_address = is_address


class ProviderUnsure(Exception):
    """The message left wholly and no answer came in time: nobody knows whether it was taken."""


class ReceiptNotAuthentic(Exception):
    """A call-back without a valid signature. It changes nothing and is answered with 401."""


@dataclass(frozen=True, slots=True)
class CallBack:
    """What came to `POST /api/v1/webhooks/{provider}`. Names of headers are in lower case.

    `url` is the address as the provider was told it: our public one, with the query that came.
    """

    body: bytes
    headers: Mapping[str, str]
    url: str = ""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a provider reports about one message: `reference` is the one that we sent.

    `is_address`: this temporary failure is the address's own, such as a full mailbox; several over days suppress it.
    What lies in our text, our sender, a policy or with a person who does not answer never does.
    """

    reference: str
    state: ReceiptState
    reason: str = ""
    is_address: bool = False


@dataclass(frozen=True, slots=True)
class Inbound:
    """Something a resident wrote or pressed: the engine looks for STOP and START. `address` is in E.164 for phones."""

    channel: Channel
    address: str
    text: str
    at: datetime | None = None  # when it was written; without it a repeat cannot be told from news


News = Receipt | Inbound


class Provider(Protocol):
    """One service that carries messages of one channel. An instance serves all threads of its process."""

    name: ClassVar[str]
    channel: ClassVar[Channel]

    def send(self, message: Message) -> str:
        """Send one message and return the provider's id for it, or an empty string.

        Raises: ProviderRejected, ProviderUnavailable, ProviderUnsure; nothing else, and within half a minute.
        """
        ...

    def read_receipt(self, call: CallBack) -> Sequence[News]:
        """What a call-back says. Unknown fields and events are no news.

        Raises: ReceiptNotAuthentic; Unavailable of `notify.core.errors` when it cannot be verified now: come again.
        """
        ...

    def check(self) -> Sequence[str]:
        """What is wrong with the settings or the service, a sentence each with its remedy. For `notify doctor`."""
        ...

    def close(self) -> None:
        """Give back connections. The provider may be used again afterwards."""
        ...


@runtime_checkable
class SendsMany(Protocol):
    """A provider with a faster way to send many messages than one `send` after another."""

    def send_many(self, messages: Sequence[Message]) -> Iterator[Outcome]:
        """Exactly one outcome a message, in any order, as they become known. Raises nothing."""
        ...


@runtime_checkable
class ChecksSenders(Protocol):
    """A provider that can tell whether mail in the name of another address than the installation's is believed."""

    def check_sender(self, address: str) -> Sequence[str]:
        """What keeps mail from this address from being believed, a sentence each with its remedy."""
        ...


@runtime_checkable
class TakesReplies(Protocol):
    """A provider of texts that knows whether an answer comes back to us: a number takes one, a sender's name cannot.

    Without this nobody is told to answer, and each text holds a short link instead.
    """

    @property
    def takes_replies(self) -> bool:
        """Whether a resident can answer STOP."""
        ...


@runtime_checkable
class SpeaksFor(Protocol):
    """A provider whose call-backs also tell of what others carried: one service under two names."""

    speaks_for: ClassVar[Sequence[str]]


@runtime_checkable
class Answers(Protocol):
    """A provider whose call-backs want more than our usual JSON for an answer."""

    def answer(self, call: CallBack, news: Sequence[News]) -> tuple[bytes, str]:
        """The body of the answer to an authentic call-back, and its media type."""
        ...


def stayed(message: Message, why: str) -> Deferred:
    """What became of a message that was not to leave any more. It is no provider's fault."""
    return Deferred(message.reference, why, is_address=True, was_held_back=True)


def send_one(provider: Provider, message: Message) -> Outcome:
    """Send one message and say its result. Raises nothing."""
    if why := message.must_stay():
        return stayed(message, why)
    try:
        return Accepted(message.reference, provider.send(message))
    except ProviderRejected as error:
        return Refused(message.reference, str(error))
    except ProviderUnavailable as error:
        return Deferred(message.reference, str(error), error.retry_after_s, is_address=error.is_address)
    except ProviderUnsure as error:
        return Unknown(message.reference, str(error))
    except Exception as error:  # an adapter's defect must not lose the result of the others
        # without the error's own words, which may hold an address
        log.error("provider broke its promise", extra={"provider": provider.name, "error": type(error).__name__})
        return Deferred(message.reference, f"The provider failed: {type(error).__name__}")


def send_each(provider: Provider, messages: Iterable[Message]) -> Iterator[Outcome]:
    """Send one message after another and say the result of each."""
    for message in messages:
        yield send_one(provider, message)
