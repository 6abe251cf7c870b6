"""What `notify doctor` says of a mail relay: one sentence for each thing that can be wrong, with its remedy."""

import socket
import ssl
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
import trustme

from notify.providers.base import ProviderUnavailable
from notify.providers.smtp.provider import SmtpProvider
from tests import relay as relays
from tests.providers.conftest import Provide
from tests.providers.messages import mail
from tests.providers.test_sender_dns import DMARC, KEY, SPF, Records
from tests.relay import CERTIFICATE, Relay, serving
from tests.running import free_port
from tests.timing import IN_TIME_S

pytestmark = pytest.mark.usefixtures("servers")  # for the key that signs envelope senders

ENDED = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)
EXTENSIONS = ("8BITMIME", "PIPELINING", "STARTTLS", "AUTH PLAIN")
TLS = ["tls", "starttls"]
IN_ORDER = {"example.org": [SPF], "one._domainkey.example.org": [KEY], "_dmarc.example.org": [DMARC]}

Examine = Callable[..., Sequence[str]]


@pytest.fixture
def examine(monkeypatch: pytest.MonkeyPatch) -> Examine:
    """Makes a provider with these settings, in a world where these records are published, and has it checked."""

    def run(port: int, *, records: Records | None = None, **chosen: object) -> Sequence[str]:
        everything = {"host": "127.0.0.1", "port": port, "timeout_seconds": 5, "dkim_selectors": "one"} | chosen
        with monkeypatch.context() as environment:
            for name, value in everything.items():
                environment.setenv(f"NOTIFY_SMTP_{name.upper()}", str(value))
            provider = SmtpProvider(resolver=records or Records(IN_ORDER))
        return provider.check()

    return run


@contextmanager
def secure(security: str) -> Iterator[Relay]:
    """A relay that speaks TLS in this way."""
    with serving(Relay(tls=security == "tls", extensions=EXTENSIONS, auth="235 welcome")) as relay:
        yield relay


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., None]:
    """Has relays show a certificate for these names that this machine would believe, until `not_after`."""

    def show(*names: str, not_after: datetime | None = None) -> None:
        authority, file = trustme.CA(), tmp_path / "relay.pem"
        issued = authority.issue_cert(*names, not_before=datetime(2020, 1, 1, tzinfo=UTC), not_after=not_after)
        file.write_bytes(issued.private_key_and_cert_chain_pem.bytes() + authority.cert_pem.bytes())
        monkeypatch.setattr(relays, "CERTIFICATE", file)
        monkeypatch.setenv("SSL_CERT_FILE", str(file))

    return show


@pytest.mark.parametrize("security", TLS)
def test_a_relay_in_order_gives_no_complaint(examine: Examine, monkeypatch: pytest.MonkeyPatch, security: str) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
    with secure(security) as relay:
        assert examine(relay.port, security=security, username="u", password="p") == []
    assert any(command.startswith("AUTH PLAIN") for command in relay.commands)


@pytest.mark.parametrize("security", TLS)
def test_an_expired_certificate_is_told_since_when_and_hears_no_password(
    examine: Examine, shown: Callable[..., None], security: str
) -> None:
    shown("127.0.0.1", not_after=ENDED)
    with secure(security) as relay:
        [sentence] = examine(relay.port, security=security, username="u", password="p")
    assert f"127.0.0.1:{relay.port} has a certificate that has expired since 1 March 2026, 12:30 UTC" in sentence
    assert not any(command.startswith(("AUTH", "MAIL")) for command in relay.commands)


@pytest.mark.parametrize("security", TLS)
@pytest.mark.parametrize(
    ("host", "names"), [("127.0.0.1", ["127.0.0.2"]), ("localhost", ["mail.example.org", "mx.example.org"])]
)
def test_a_certificate_for_another_name_is_told_with_the_name(
    examine: Examine, shown: Callable[..., None], security: str, host: str, names: list[str]
) -> None:
    shown(*names)
    with secure(security) as relay:
        [sentence] = examine(relay.port, security=security, host=host)
    assert f"for another name ({', '.join(names)})" in sentence
    assert "NOTIFY_SMTP_HOST" in sentence


def test_a_certificate_that_nobody_vouches_for_is_told(examine: Examine) -> None:
    with secure("tls") as relay:
        [sentence] = examine(relay.port, security="tls")
    assert "not valid" in sentence
    assert "authority" in sentence


def test_a_wrong_password_is_told_with_what_the_relay_said(examine: Examine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
    with serving(Relay(tls=True, extensions=EXTENSIONS, auth="535 5.7.8 authentication failed")) as relay:
        [sentence] = examine(relay.port, security="tls", username="u", password="a secret")
    assert "535 5.7.8 authentication failed" in sentence
    assert "NOTIFY_SMTP_PASSWORD" in sentence
    assert "a secret" not in sentence


PLAIN = [
    (Relay(), {"username": "u", "password": "p"}, "lacks what the settings ask for", "NOTIFY_SMTP_USERNAME"),
    (Relay(), {"security": "starttls"}, "lacks what the settings ask for", "NOTIFY_SMTP_SECURITY"),
    (Relay(), {"security": "tls"}, "does not speak TLS 1.2 or later", "NOTIFY_SMTP_SECURITY"),
    (Relay(greeting="554 no service"), {}, "turns us away (554 no service)", "NOTIFY_SMTP_HOST"),
    (Relay(greeting=""), {}, "does not speak SMTP", "NOTIFY_SMTP_PORT"),
    (Relay(manners={"greeting": "hang"}), {"timeout_seconds": 0.3}, "does not answer in time", "the firewall"),
    (Relay(manners={"greeting": "drip"}), {"attempt_seconds": 0.3}, "does not answer in time", "the firewall"),
]


@pytest.mark.parametrize(("script", "chosen", "words", "remedy"), PLAIN, ids=range(len(PLAIN)))
def test_what_else_can_be_wrong_with_a_relay_is_told(
    examine: Examine, script: Relay, chosen: dict[str, object], words: str, remedy: str
) -> None:
    with serving(script) as relay:
        [sentence] = examine(relay.port, **chosen)
    assert words in sentence
    assert remedy in sentence
    assert sentence.endswith(".")


def test_a_relay_that_is_not_there_is_told_by_what_is_missing(examine: Examine) -> None:
    [refused] = examine(free_port())
    assert "nothing listens there (Connection refused)" in refused
    for host in ("no such name", "a..b"):
        [sentence] = examine(25, host=host)
        assert "its name leads nowhere" in sentence
        assert "NOTIFY_SMTP_HOST" in sentence


def test_a_password_never_travels_in_clear_to_another_machine(examine: Examine, provide: Provide) -> None:
    begun = time.monotonic()
    [sentence] = examine(25, host="192.0.2.1", username="u", password="p")
    assert "in clear" in sentence
    assert "NOTIFY_SMTP_SECURITY" in sentence
    provider = provide(Relay(), host="192.0.2.1", username="u", password="p")
    with pytest.raises(ProviderUnavailable, match="in clear"):
        provider.send(mail())
    assert [type(told).__name__ for told in provider.send_many([mail()])] == ["Deferred"]
    assert time.monotonic() - begun < IN_TIME_S  # nobody was called


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_on_this_machine_a_password_may_go_in_clear(examine: Examine, host: str) -> None:
    with serving(Relay(extensions=EXTENSIONS, auth="235 welcome")) as relay:
        assert examine(relay.port, host=host, username="u", password="p") == []


@contextmanager
def old_tls() -> Iterator[int]:
    """A server that speaks TLS 1.1 at most; its port."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that it is old is the point
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            with suppress(OSError), server.accept()[0] as client, context.wrap_socket(client, server_side=True) as old:
                old.sendall(b"220 old.test\r\n")

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield server.getsockname()[1]
        thread.join(5)


def test_a_relay_with_an_old_tls_is_not_spoken_to(examine: Examine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
    with old_tls() as port:
        [sentence] = examine(port, security="tls")
    assert "does not speak TLS 1.2 or later" in sentence


def test_the_domains_are_looked_up_where_mail_leaves_this_machine_only(
    examine: Examine, monkeypatch: pytest.MonkeyPatch
) -> None:
    nothing = Records()
    with serving(Relay()) as relay:
        assert examine(relay.port, records=nothing) == []
    assert nothing.asked == []
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
    with secure("tls") as relay:
        found = examine(relay.port, records=nothing, security="tls", bounce_domain="b.example.org")
    assert [word for sentence in found for word in ("SPF", "DKIM", "DMARC", "MX") if f"no {word} " in sentence] == [
        "SPF", "DKIM", "DMARC", "MX",
    ]  # fmt: skip
    assert nothing.asked == [
        "b.example.org", "one._domainkey.example.org", "_dmarc.example.org", "b.example.org",
    ]  # fmt: skip
    assert len(examine(25, host="a..b", records=nothing)) == 4  # the relay, and three records


def test_the_domain_of_a_councils_own_sender_is_asked_for_its_signature_and_policy_only(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    provider = SmtpProvider(resolver=Records(IN_ORDER))
    assert provider.check_sender("alerts@council.example.com") == []  # mail stays on this machine
    for name, value in {"HOST": "relay.example.net", "SECURITY": "tls", "DKIM_SELECTORS": "one"}.items():
        monkeypatch.setenv(f"NOTIFY_SMTP_{name}", value)
    provider = SmtpProvider(resolver=Records(IN_ORDER))
    assert provider.check_sender("alerts@example.org") == []
    found = provider.check_sender("alerts@council.example.com")
    assert [word for sentence in found for word in ("SPF", "DKIM", "DMARC") if f"no {word} " in sentence] == [
        "DKIM", "DMARC",
    ]  # fmt: skip
    assert all("council.example.com" in sentence for sentence in found)


def test_a_name_server_that_is_away_is_no_missing_record(examine: Examine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
    with secure("tls") as relay:
        [sentence] = examine(relay.port, records=Records({"example.org": None}), security="tls")
    assert "No name server answers" in sentence
