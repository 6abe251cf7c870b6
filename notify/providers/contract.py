"""What every adapter must do, as tests for its author to subclass. Nothing here is used when the product runs.

    class TestPigeon(ProviderContract):
        def make_provider(self) -> Provider:
            return PigeonProvider()

        def a_good_message(self) -> Message:
            return Message(reference=self.new_reference(), address="loft 7", subject="Road closed", text="On Sunday.")

Any runner that calls the `test_` methods of a class will do; pytest does.
"""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from threading import Event
from uuid import uuid4

from notify.providers.base import (
    Accepted,
    CallBack,
    Channel,
    Deferred,
    Message,
    News,
    Outcome,
    Provider,
    ProviderRejected,
    ProviderUnavailable,
    ProviderUnsure,
    ReceiptNotAuthentic,
    SendsMany,
)

GARBAGE_ADDRESSES = (
    "",
    " ",
    "nobody",
    "a@example.org\r\nX-Extra: 1",
    "\x00",
    "ünïcode@exämple.org",
    "https://[::1",
    "https://" + "a" * 300 + ".example",
    "9" * 500,
)
GARBAGE_RECEIPTS: Sequence[tuple[bytes, Mapping[str, str]]] = (
    (b"", {}),
    (b"{}", {"content-type": "application/json"}),
    (b'[{"reference": 1, "state": "dancing"}]', {"content-type": "application/json"}),
    (b"\xff\xfe\x00", {"content-type": "text/plain"}),
    (b"status=delivered&reference=x", {"content-type": "application/x-www-form-urlencoded"}),
    (b"{" * 10_000, {"signature": "v1,AAAA"}),
)
THREADS, EACH = 4, 5


class ProviderContract:
    """Subclass it, say how to make the provider and a message that it takes, and run it.

    The provider must be set up so that a good message is taken: against a sandbox, or a server of your own.
    """

    def make_provider(self) -> Provider:
        """A provider that is ready to send. Override it."""
        raise NotImplementedError

    def a_good_message(self) -> Message:
        """A message that the provider takes, with a new reference each time. Override it."""
        raise NotImplementedError

    @staticmethod
    def new_reference() -> str:
        """A reference like the engine's own."""
        return f"{uuid4().hex}-1"

    def test_it_says_its_name_and_channel(self) -> None:
        provider = self.make_provider()
        try:
            name = provider.name
            assert isinstance(name, str), "`name` is a string"
            assert name.strip() == name != "", "`name` is the word that settings use: not empty, no spaces around"
            assert "," not in name, "settings separate names by commas, so a name has none"
            assert provider.channel in set(Channel), "`channel` is one of notify.providers.base.Channel"
        finally:
            provider.close()

    def test_it_takes_a_good_message(self) -> None:
        provider = self.make_provider()
        try:
            identity = provider.send(self.a_good_message())
            assert isinstance(identity, str), "`send` returns the service's id as a string, empty if it gives none"
        finally:
            provider.close()

    def test_it_takes_the_same_reference_again(self) -> None:
        """A worker that died may come back with a message that was taken already."""
        provider = self.make_provider()
        try:
            message = self.a_good_message()
            for _ in range(2):
                assert isinstance(provider.send(message), str), "a repeated reference is no error"
        finally:
            provider.close()

    def test_it_refuses_in_the_known_ways_only(self) -> None:
        provider = self.make_provider()
        try:
            for address in GARBAGE_ADDRESSES:
                message = replace(self.a_good_message(), address=address)
                try:
                    assert isinstance(provider.send(message), str), f"`send` to {address!r} returned no string"
                except ProviderRejected as error:
                    assert str(error), f"the refusal of {address!r} gives no reason"
                except ProviderUnavailable as error:
                    assert str(error), f"the postponement of {address!r} gives no reason"
                    assert error.retry_after_s is None or error.retry_after_s >= 0, "seconds to wait are not negative"
                except ProviderUnsure as error:
                    assert str(error), f"the doubt about {address!r} gives no reason"
        finally:
            provider.close()

    def test_it_gives_one_outcome_a_message_when_it_sends_many(self) -> None:
        provider = self.make_provider()
        try:
            if not isinstance(provider, SendsMany):
                return
            good = [self.a_good_message() for _ in range(5)]
            bad = [replace(self.a_good_message(), address=address) for address in GARBAGE_ADDRESSES]
            for messages in ([], good, [*bad, *good]):
                outcomes = list(provider.send_many(messages))
                assert all(isinstance(outcome, Outcome) for outcome in outcomes), "an outcome"
                told = sorted(outcome.reference for outcome in outcomes)
                assert told == sorted(message.reference for message in messages), "one outcome for each message"
                taken = {outcome.reference for outcome in outcomes if isinstance(outcome, Accepted)}
                lost = [message for message in messages if message in good and message.reference not in taken]
                assert not lost, "a good message is taken whatever travels beside it"
        finally:
            provider.close()

    def test_it_sends_nothing_that_has_expired_or_was_withdrawn_meanwhile(self) -> None:
        """The engine asks for those that are sent one by one; who takes many asks each before it leaves."""
        provider = self.make_provider()
        try:
            if not isinstance(provider, SendsMany):
                return
            withdrawn = Event()
            withdrawn.set()
            good = self.a_good_message()
            expired = replace(self.a_good_message(), expires_at=datetime(2000, 1, 1, tzinfo=UTC))
            stopped = replace(self.a_good_message(), withdrawn=withdrawn)
            told = {outcome.reference: outcome for outcome in provider.send_many([expired, good, stopped])}
            assert isinstance(told[good.reference], Accepted), "a good message is taken whatever travels beside it"
            for message in (expired, stopped):
                outcome = told[message.reference]
                assert isinstance(outcome, Deferred), "ask `message.must_stay()` before each leaves"
                assert outcome.is_address, "this says nothing about the provider: see `notify.providers.base.stayed`"
        finally:
            provider.close()

    def test_one_instance_serves_many_threads(self) -> None:
        provider = self.make_provider()
        try:
            messages = [self.a_good_message() for _ in range(THREADS * EACH)]
            with ThreadPoolExecutor(THREADS) as threads:
                identities = list(threads.map(provider.send, messages))
            assert all(isinstance(identity, str) for identity in identities), "`send` returned something else"
        finally:
            provider.close()

    def test_it_does_not_believe_garbage_receipts(self) -> None:
        provider = self.make_provider()
        try:
            for body, headers in GARBAGE_RECEIPTS:
                try:
                    receipts: Sequence[News] = provider.read_receipt(
                        CallBack(body, headers, "https://alerts.example.org/api/v1/webhooks/x")
                    )
                except ReceiptNotAuthentic:
                    continue
                assert list(receipts) == [], f"{body[:40]!r} is no receipt: return [] or raise ReceiptNotAuthentic"
        finally:
            provider.close()

    def test_its_check_speaks_in_sentences(self) -> None:
        provider = self.make_provider()
        try:
            for words in provider.check():
                assert isinstance(words, str), "`check` returns sentences"
                assert words.strip().endswith((".", "!", "?")), f"this is no sentence with a remedy: {words!r}"
        finally:
            provider.close()

    def test_it_can_be_closed_twice_and_used_again(self) -> None:
        provider = self.make_provider()
        provider.send(self.a_good_message())
        provider.close()
        provider.close()
        try:
            assert isinstance(provider.send(self.a_good_message()), str), "`send` works after `close`"
        finally:
            provider.close()
