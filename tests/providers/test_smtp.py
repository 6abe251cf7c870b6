"""The SMTP adapter against the real catcher and against relays that behave badly."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from notify.providers.base import (
    Accepted,
    Deferred,
    Message,
    Outcome,
    Provider,
    ProviderRejected,
    ProviderUnavailable,
    ProviderUnsure,
    Refused,
    Unknown,
)
from notify.providers.contract import ProviderContract
from notify.providers.smtp.provider import SmtpProvider
from tests.mailbox import Mailbox
from tests.providers.conftest import Provide
from tests.providers.messages import WELSH, mail, parsed, text_of
from tests.relay import CERTIFICATE, OK, Relay, serving
from tests.running import wait_until


class TestContract(ProviderContract):
    """Against the catcher, which takes everything."""

    @pytest.fixture(autouse=True)
    def _relay(self, inbox: Mailbox) -> None:
        """The catcher's address is in the environment."""

    def make_provider(self) -> Provider:
        return SmtpProvider()

    def a_good_message(self) -> Message:
        return mail()


@contextmanager
def refusal(kind: type[Exception], words: str) -> Iterator[None]:
    with pytest.raises(kind) as caught:
        yield
    assert words in str(caught.value)


def outcome(provider: SmtpProvider, message: Message) -> Outcome:
    """What becomes of a message that travels in company."""
    company = [mail("first@example.org"), message, mail("last@example.org")]
    found = {outcome.reference: outcome for outcome in provider.send_many(company)}
    assert set(found) == {sent.reference for sent in company}
    return found[message.reference]


def test_a_message_arrives_as_it_was_handed_over(inbox: Mailbox) -> None:
    provider = SmtpProvider()
    provider.send(mail("one@example.org"))
    list(provider.send_many([mail("two@example.org")]))
    provider.close()
    assert inbox.recipients() == {"one@example.org": 1, "two@example.org": 1}
    for arrived in inbox.messages():
        assert text_of(arrived.as_bytes()) == WELSH


# what the relay says, at which step; whether it is about the recipient, and the words that explain it
ANSWERS = [
    (Relay(rcpt=lambda who: "550 5.1.1 no such user" if "gone" in who else OK), True, "550 5.1.1 no such user"),
    (Relay(rcpt=lambda who: "450 4.2.0 greylisted" if "gone" in who else OK), False, "450 4.2.0 greylisted"),
    (Relay(end=lambda who: "554 5.7.1 spam" if "gone" in who else OK), True, "554 5.7.1 spam"),
    (Relay(end=lambda who: "452 4.3.1 disk full" if "gone" in who else OK), False, "452 4.3.1 disk full"),
]


def test_a_relay_that_asks_for_the_text_of_nobodys_message_gets_none(provide: Provide) -> None:
    refuse: Callable[[str], str] = lambda who: "550 no such user" if "gone" in who else OK  # noqa: E731
    with serving(Relay(rcpt=refuse, asks_for_text_without_recipients=True)) as relay:
        assert isinstance(outcome(provide(relay), mail("gone@example.org")), Refused)
    assert relay.recipients() == {"first@example.org": 1, "last@example.org": 1}


@pytest.mark.parametrize("extensions", [("8BITMIME", "PIPELINING"), ("8BITMIME",), ()])
@pytest.mark.parametrize(("script", "for_ever", "words"), ANSWERS)
def test_an_answer_about_one_recipient_concerns_that_one_only(
    provide: Provide, extensions: tuple[str, ...], script: Relay, for_ever: bool, words: str
) -> None:
    relay = Relay(extensions=extensions, rcpt=script.rcpt, end=script.end)
    with serving(relay):
        provider = provide(relay)
        with refusal(ProviderRejected if for_ever else ProviderUnavailable, words):
            provider.send(mail("gone@example.org"))
        provider.send(mail("here@example.org"))
        lone = outcome(provider, mail("gone@example.org"))
        assert isinstance(lone, Refused if for_ever else Deferred)
        assert words in lone.reason
        if isinstance(lone, Deferred):
            assert lone.is_address is (words[4:8] != "4.3.")  # 4.3.x speaks of the relay itself
    assert relay.recipients() == {"here@example.org": 1, "first@example.org": 1, "last@example.org": 1}


# a relay that has something against us has nothing against the residents
AGAINST_US = [
    (Relay(mail="550 5.7.1 we do not know you"), {}, "sender address: 550 5.7.1 we do not know you"),
    (Relay(greeting="554 no service here"), {}, "turns us away: 554"),
    (Relay(greeting="421 too busy"), {}, "turns us away: 421"),
    (Relay(extensions=("AUTH PLAIN",)), {"username": "u", "password": "p"}, "user name or password: 535"),
    (Relay(), {"username": "u", "password": "p"}, "AUTH"),
    (Relay(), {"security": "starttls"}, "STARTTLS"),
    (Relay(), {"security": "tls"}, "does not speak TLS"),
    (Relay(greeting=""), {}, "away"),
    (Relay(greeting="hello there"), {}, "away"),
]


@pytest.mark.parametrize(("script", "settings", "words"), AGAINST_US, ids=[words for *_, words in AGAINST_US])
def test_what_is_wrong_between_us_and_the_relay_costs_nobody_their_address(
    provide: Provide, script: Relay, settings: dict[str, object], words: str
) -> None:
    with serving(script) as relay:
        provider = provide(relay, **settings)
        with refusal(ProviderUnavailable, words):
            provider.send(mail())
        deferred = outcome(provider, mail())
        assert isinstance(deferred, Deferred)
        assert not deferred.is_address
        assert words in deferred.reason
    assert relay.taken == []


def test_a_relay_that_is_not_there_is_unavailable_and_the_check_says_where(provide: Provide) -> None:
    with serving(Relay()) as relay:
        pass
    provider = provide(relay)
    with refusal(ProviderUnavailable, "away"):
        provider.send(mail())
    assert isinstance(outcome(provider, mail()), Deferred)
    [complaint] = provider.check()
    assert f"127.0.0.1:{relay.port}" in complaint
    assert "NOTIFY_SMTP_HOST" in complaint


def test_the_check_tells_a_wrong_password_from_a_relay_that_is_away(provide: Provide) -> None:
    with serving(Relay(extensions=("AUTH PLAIN",))) as relay:
        [complaint] = provide(relay, username="u", password="p").check()
        assert "NOTIFY_SMTP_PASSWORD" in complaint
        assert provide(relay).check() == []


@pytest.mark.parametrize("extensions", [("8BITMIME", "PIPELINING"), ()])
def test_a_connection_lost_before_the_last_answer_leaves_it_unknown_whether_the_message_was_taken(
    provide: Provide, extensions: tuple[str, ...]
) -> None:
    with serving(Relay(extensions=extensions, end=lambda who: "" if "gone" in who else OK)) as relay:
        provider = provide(relay)
        with pytest.raises(ProviderUnsure):
            provider.send(mail("gone@example.org"))
        provider.send(mail("here@example.org"))
        assert isinstance(outcome(provider, mail("gone@example.org")), Unknown)
    assert set(relay.recipients()) == {"here@example.org", "first@example.org", "last@example.org"}


def test_a_relay_that_says_goodbye_in_the_middle_is_tried_again_later(provide: Provide) -> None:
    with serving(Relay(rcpt=lambda who: "421 4.3.2 closing" if "gone" in who else OK)) as relay:
        provider = provide(relay)
        with refusal(ProviderUnavailable, ""):
            provider.send(mail("gone@example.org"))
        provider.send(mail("here@example.org"))
        assert isinstance(outcome(provider, mail("gone@example.org")), Deferred)
    assert set(relay.recipients()) == {"here@example.org", "first@example.org", "last@example.org"}


@pytest.mark.parametrize("extensions", [("8BITMIME", "PIPELINING"), ("8BITMIME",)])
def test_a_goodbye_instead_of_an_answer_says_that_the_message_was_not_taken(
    provide: Provide, extensions: tuple[str, ...]
) -> None:
    with serving(Relay(extensions=extensions, end=lambda who: "421 4.3.2 closing" if "gone" in who else OK)) as relay:
        provider = provide(relay)
        with refusal(ProviderUnavailable, "421 4.3.2 closing"):
            provider.send(mail("gone@example.org"))
        told = outcome(provider, mail("gone@example.org"))
        assert isinstance(told, Deferred)
        assert not told.is_address
    assert set(relay.recipients()) == {"first@example.org", "last@example.org"}


@pytest.mark.parametrize("extensions", [("8BITMIME", "PIPELINING"), ("8BITMIME",)])
def test_a_connection_that_the_relay_closed_meanwhile_costs_no_message(
    provide: Provide, extensions: tuple[str, ...]
) -> None:
    with serving(Relay(extensions=extensions, hangs_up_when_idle=True)) as relay:
        provider = provide(relay, connections=1)
        for number in range(5):
            address = f"r{number}@example.org"
            provider.send(mail(address))
            wait_until(lambda: relay.still_open == 0, what="the relay to hang up")
            assert [type(told) for told in provider.send_many([mail(address)])] == [Accepted]
            wait_until(lambda: relay.still_open == 0, what="the relay to hang up")
    assert relay.recipients() == {f"r{number}@example.org": 2 for number in range(5)}


def test_connections_are_kept_and_renewed_after_so_many_messages(provide: Provide) -> None:
    with serving(Relay(extensions=("8BITMIME",))) as relay:
        provider = provide(relay, messages_per_connection=3)
        for _ in range(7):
            provider.send(mail())
        assert relay.connections == 3
        provider.close()
    assert len(relay.taken) == 7


def test_a_relay_without_eight_bits_gets_seven_and_the_same_words(provide: Provide) -> None:
    with serving(Relay(extensions=("PIPELINING",))) as relay:
        provider = provide(relay)
        provider.send(mail())
        list(provider.send_many([mail()]))
    assert len(relay.taken) == 2
    for _, mime in relay.taken:
        assert mime.isascii()
        assert text_of(mime) == WELSH
        assert parsed(mime)["Subject"] == "Ffordd ar gau: tŷ"
    assert not any("8BITMIME" in command for command in relay.commands)


def test_lines_that_begin_with_a_dot_keep_it(provide: Provide) -> None:
    with serving(Relay()) as relay:
        list(provide(relay).send_many([mail(text=".\n..\n.x\n")]))
    assert text_of(relay.taken[0][1]) == ".\n..\n.x\n"


@pytest.mark.parametrize("extensions", [("8BITMIME", "PIPELINING"), ("8BITMIME",)])
def test_an_address_cannot_smuggle_a_command(provide: Provide, extensions: tuple[str, ...]) -> None:
    evil = "a@example.org>\r\nRCPT TO:<victim@example.org"
    with serving(Relay(extensions=extensions)) as relay:
        provider = provide(relay)
        with pytest.raises(ProviderRejected):
            provider.send(mail(evil))
        assert isinstance(outcome(provider, mail(evil)), Refused)
    assert not any("victim" in command for command in relay.commands)


def test_the_envelope_sender_is_the_senders_address_unless_it_is_set(provide: Provide) -> None:
    with serving(Relay()) as relay:
        provide(relay).send(mail())
        provide(relay, sender="bounces@example.org").send(mail())
    senders = [command.split()[1] for command in relay.commands if command.upper().startswith("MAIL")]
    assert [sender.upper() for sender in senders] == ["FROM:<ALERTS@EXAMPLE.ORG>", "FROM:<BOUNCES@EXAMPLE.ORG>"]


def test_the_message_of_a_lost_connection_travels_on_one_that_is_already_done(provide: Provide) -> None:
    done, tries = threading.Event(), []

    def rcpt(who: str) -> str:
        if "second" not in who:
            return OK
        tries.append(who)
        if len(tries) > 1:
            return OK
        done.wait(5)  # until the other connection has nothing left to do
        return ""

    def end(who: str) -> str:
        threading.Timer(0.2, done.set).start()
        return OK

    with serving(Relay(rcpt=rcpt, end=end)) as relay:
        provider = provide(relay, connections=2, timeout_seconds=10)
        messages = [mail("first@example.org"), mail("second@example.org")]
        assert {type(told) for told in provider.send_many(messages)} == {Accepted}
    assert relay.recipients() == {"first@example.org": 1, "second@example.org": 1}


@pytest.mark.parametrize("security", ["tls", "starttls"])
def test_a_certificate_that_nobody_vouches_for_is_not_believed(
    provide: Provide, monkeypatch: pytest.MonkeyPatch, security: str
) -> None:
    extensions = ("8BITMIME", "PIPELINING", "STARTTLS", "AUTH PLAIN")
    with serving(Relay(tls=security == "tls", extensions=extensions, auth="235 welcome")) as relay:
        stranger = provide(relay, security=security, username="u", password="p")
        with refusal(ProviderUnavailable, "certificate is not valid"):
            stranger.send(mail())
        assert isinstance(outcome(stranger, mail()), Deferred)
        assert not any(command.startswith(("AUTH", "MAIL")) for command in relay.commands)
        monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
        known = provide(relay, security=security, username="u", password="p", connections=2)
        known.send(mail("one@example.org"))
        large = mail("two@example.org", text="Ffordd ar gau.\n" * 20_000)
        assert isinstance(outcome(known, large), Accepted)
    assert relay.recipients() == {f"{who}@example.org": 1 for who in ("one", "two", "first", "last")}
