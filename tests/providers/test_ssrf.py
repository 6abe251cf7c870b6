"""Nobody leads the webhook adapter inwards: not by spelling, not by name, not by redirect. A canary listens."""

import ipaddress
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notify.providers.base import ProviderRejected, ProviderUnavailable
from notify.providers.webhook import ssrf
from notify.providers.webhook.provider import WebhookProvider
from notify.providers.webhook.ssrf import Allowed, Guard, is_inside, is_public, read
from tests.providers.messages import call
from tests.providers.receiver import Canary, Receiver, canary, receiving
from tests.providers.spellings import NOT_PUBLIC, PUBLIC, SPELLINGS
from tests.timing import IN_TIME_S

Provide = Callable[..., WebhookProvider]


@pytest.fixture
def bird() -> Iterator[Canary]:
    """A canary on the loopback, which must not have been heard of at the end."""
    with canary() as listening:
        yield listening
    assert listening.connections == 0


@pytest.fixture
def provide(monkeypatch: pytest.MonkeyPatch) -> Iterator[Provide]:
    """Makes a provider that asks `resolve` for names."""
    made: list[WebhookProvider] = []

    def make(resolve: ssrf.Resolver = ssrf.ask_the_system, *, allowed_hosts: str = "") -> WebhookProvider:
        with monkeypatch.context() as environment:
            environment.setenv("NOTIFY_WEBHOOK_ALLOWED_HOSTS", allowed_hosts)
            environment.setenv("NOTIFY_WEBHOOK_TIMEOUT_SECONDS", "1")
            made.append(WebhookProvider(resolve=resolve))
        return made[-1]

    yield make
    for provider in made:
        provider.close()


@pytest.fixture
def dialled(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Where connections were tried; nothing leaves this machine, and the loopback is really called."""
    really, tried = socket.create_connection, list[str]()

    def dial(address: tuple[str, int], *arguments: object, **named: object) -> socket.socket:
        tried.append(address[0])
        if not ipaddress.ip_address(address[0]).is_loopback:
            raise ConnectionRefusedError
        return really(address, *arguments, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "create_connection", dial)
    return tried


def to_the_canary(_host: str, _port: int) -> Sequence[str]:
    """The answer of somebody who owns every name."""
    return ["127.0.0.1", "::1"]


@pytest.fixture(scope="module")
def usual() -> Iterator[WebhookProvider]:
    """A provider as it is without settings, which asks `names` for names."""
    with pytest.MonkeyPatch.context() as environment:
        environment.delenv("NOTIFY_WEBHOOK_ALLOWED_HOSTS", raising=False)
        provider = WebhookProvider(resolve=lambda host, port: names[0](host, port))
    yield provider
    provider.close()


names: list[ssrf.Resolver] = [to_the_canary]


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_no_spelling_of_a_place_inside_is_called(
    bird: Canary, usual: WebhookProvider, dialled: list[str], spelling: str
) -> None:
    names[0] = to_the_canary
    with pytest.raises(ProviderRejected):
        usual.send(call(spelling.replace("{p}", str(bird.port))))
    assert dialled == []


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_nor_when_the_machine_itself_looks_names_up(
    bird: Canary, usual: WebhookProvider, dialled: list[str], spelling: str
) -> None:
    def ask(host: str, port: int) -> Sequence[str]:
        if host.endswith(("example.org", "nip.example")):
            raise socket.gaierror
        return ssrf.ask_the_system(host, port)

    names[0] = ask
    with pytest.raises((ProviderRejected, ProviderUnavailable), match=r"public|read|https only|resolved"):
        usual.send(call(spelling.replace("{p}", str(bird.port))))
    assert dialled == []


def test_there_are_more_than_sixty_spellings() -> None:
    assert len(set(SPELLINGS)) > 60


def test_a_canary_hears_whoever_connects() -> None:
    with canary() as listening:
        socket.create_connection(("127.0.0.1", listening.port)).close()
    assert listening.connections == 1


def test_a_name_that_changes_its_mind_is_looked_up_once_a_call(
    bird: Canary, provide: Provide, dialled: list[str]
) -> None:
    answers = iter([["8.8.8.8"], ["127.0.0.1"], ["127.0.0.1"]])
    asked: list[str] = []

    def rebinding(host: str, _port: int) -> Sequence[str]:
        asked.append(host)
        return next(answers)

    provider, message = provide(rebinding), call(f"https://rebind.example.org:{bird.port}/")
    with pytest.raises(ProviderUnavailable, match="away"):
        provider.send(message)
    assert (asked, dialled) == (["rebind.example.org"], ["8.8.8.8"])
    with pytest.raises(ProviderRejected, match="public"):
        provider.send(message)
    assert dialled == ["8.8.8.8"]


@pytest.mark.parametrize(
    "addresses",
    [
        ["8.8.8.8", "127.0.0.1"],
        ["127.0.0.1", "8.8.8.8"],
        ["2001:4860:4860::8888", "::1"],
        ["8.8.8.8", "fe80::1%eth0"],
        ["8.8.8.8", "1.1.1.1", "::ffff:127.0.0.1"],
        ["8.8.8.8", "not an address"],
    ],
)
def test_one_address_that_is_not_public_is_enough(
    bird: Canary, provide: Provide, dialled: list[str], addresses: list[str]
) -> None:
    with pytest.raises(ProviderRejected, match="public"):
        provide(lambda _host, _port: addresses).send(call(f"https://two.example.org:{bird.port}/"))
    assert dialled == []


def test_both_families_are_tried_and_no_more_than_two_addresses(provide: Provide, dialled: list[str]) -> None:
    addresses = ["2001:4860:4860::8888", "2001:4860:4860::8844", "8.8.8.8", "8.8.4.4"]
    with pytest.raises(ProviderUnavailable, match="away"):
        provide(lambda _host, _port: addresses).send(call("https://dual.example.org/"))
    assert dialled == ["2001:4860:4860::8888", "8.8.8.8"]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("name", ["http://127.0.0.1", "https://localhost", "http://[::1]", "//127.1", "http://0"])
def test_no_chain_of_redirects_leads_inside(bird: Canary, provide: Provide, status: int, name: str) -> None:
    inside = {"location": f"{name}:{bird.port}/"}
    with (
        receiving(Receiver(status=status, headers=inside)) as second,
        receiving(Receiver(status=status, headers={"location": second.address})) as first,
    ):
        with pytest.raises(ProviderUnavailable, match=str(status)):
            provide(allowed_hosts="127.0.0.1, localhost, ::1").send(call(first.address))
        assert (len(first.calls), second.calls) == (1, [])
        with pytest.raises(ProviderUnavailable, match=str(status)):
            provide(allowed_hosts="127.0.0.1").send(call(second.address))


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_what_is_not_public_is_known(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_what_is_public_is_known(address: str) -> None:
    assert is_public(address)


@given(st.ip_addresses())
def test_whatever_is_public_is_so_by_the_standard_library_too(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> None:
    if is_public(str(address)):
        assert not any((address.is_private, address.is_loopback, address.is_link_local, address.is_multicast))
        assert not is_inside(str(address))


@given(st.ip_addresses(v=4))
def test_an_address_in_disguise_is_judged_as_itself(address: ipaddress.IPv4Address) -> None:
    assert is_public(f"::ffff:{address}") == is_public(f"64:ff9b::{address}") == is_public(str(address))


@given(st.text(max_size=60) | st.from_regex(r"https://[0-9a-fx%.:@\[\]\\]{1,30}/?", fullmatch=True))
def test_any_text_is_read_in_one_way_or_refused(url: str) -> None:
    try:
        wanted = read(url)
    except ProviderRejected:
        return
    again = read(f"{wanted.scheme}://{wanted.authority}{wanted.path}")
    assert (again.host, again.port) == (wanted.host, wanted.port)
    assert wanted.host.isascii()


@pytest.mark.parametrize(
    ("url", "host", "authority", "path"),
    [
        ("https://Example.ORG./a?b=1#c", "example.org", "example.org", "/a?b=1"),
        ("https://example.org:8443", "example.org", "example.org:8443", "/"),
        ("https://example.org:/", "example.org", "example.org", "/"),
        ("https://tŷ.example.org/", "xn--t-foa.example.org", "xn--t-foa.example.org", "/"),
        ("https://crm_1.internal/x", "crm_1.internal", "crm_1.internal", "/x"),
        ("https://[2A00:1450::0001]:444/", "2a00:1450::1", "[2a00:1450::1]:444", "/"),
        ("https://8.8.8.8/", "8.8.8.8", "8.8.8.8", "/"),
        ("https://8.8.8.8.example/", "8.8.8.8.example", "8.8.8.8.example", "/"),
    ],
)
def test_an_ordinary_address_is_read_as_it_is_meant(url: str, host: str, authority: str, path: str) -> None:
    wanted = read(url)
    assert (wanted.host, wanted.authority, wanted.path) == (host, authority, path)


def judged(url: str, allowed: str, *addresses: str) -> str:
    """Where the guard lets this go, or why not."""
    guard = Guard(Allowed.from_text(allowed), resolve=lambda _host, _port: addresses)
    try:
        return " ".join(guard.checked(read(url), within_s=1))
    except (ProviderRejected, ProviderUnavailable) as error:
        return str(error)


@pytest.mark.parametrize(
    ("url", "allowed", "addresses", "verdict"),
    [
        ("https://crm.example.org/", "crm.example.org", ["10.1.2.3"], "10.1.2.3"),
        ("http://crm.example.org/", "Crm.Example.ORG.", ["10.1.2.3", "fd12::1"], "10.1.2.3 fd12::1"),
        ("http://crm.example.org/", "crm.example.org", ["8.8.8.8"], "8.8.8.8"),
        ("https://crm.example.org/", "crm.example.org", [], "resolved"),
        ("https://crm.example.org/", "crm.example.org", ["169.254.169.254"], "public"),
        ("https://crm.example.org/", "crm.example.org", ["10.1.2.3", "fd00:ec2::254"], "public"),
        ("https://crm.example.org/", "crm.example.org", ["0.0.0.1"], "public"),
        ("https://crm.example.org/", "crm.example.org", ["::ffff:169.254.169.254"], "public"),
        ("https://other.example.org/", "crm.example.org", ["10.1.2.3"], "public"),
        ("https://any.example.org/", "10.20.0.0/16", ["10.20.9.9"], "10.20.9.9"),
        ("http://any.example.org/", "10.20.0.0/16", ["10.20.9.9"], "10.20.9.9"),
        ("http://10.20.0.5:8080/", "10.20.0.0/16", [], "10.20.0.5"),
        ("https://any.example.org/", "10.20.0.0/16", ["10.20.9.9", "10.21.0.1"], "public"),
        ("https://any.example.org/", "10.20.0.0/16", ["10.20.9.9", "8.8.8.8"], "10.20.9.9 8.8.8.8"),
        ("http://any.example.org/", "10.20.0.0/16", ["10.20.9.9", "8.8.8.8"], "https only"),
        ("http://any.example.org/", "10.20.0.0/16", ["8.8.8.8"], "https only"),
        ("https://any.example.org/", "0.0.0.0/0, ::/0", ["169.254.169.254"], "public"),
        ("https://any.example.org/", "0.0.0.0/0, ::/0", ["fe80::1"], "public"),
        ("https://any.example.org/", "fd12:3456::/32", ["fd12:3456::7"], "fd12:3456::7"),
        ("https://10.0.0.7/", "10.0.0.7", [], "10.0.0.7"),
        ("https://any.example.org/", "10.0.0.7", ["10.0.0.7"], "public"),  # an address is the host, not a network
        ("https://[fd12::1]/", "[fd12:0::1]", [], "fd12::1"),
    ],
)
def test_the_list_of_allowed_places_allows_what_it_says(
    url: str, allowed: str, addresses: list[str], verdict: str
) -> None:
    assert verdict in judged(url, allowed, *addresses)


def test_mistakes_in_the_list_are_told_with_their_remedy(provide: Provide) -> None:
    said = provide(allowed_hosts="10.20.0.1/16, 127.1, crm.example.org, 0.0.0.0/0").check()
    assert [words.split("'")[1] for words in said[:2]] == ["10.20.0.1/16", "127.1"]
    assert "0.0.0.0/0, which is wider" in said[2]
    assert len(said) == 3
    assert provide(allowed_hosts="10.0.0.0/8, fc00::/7, crm.example.org, 127.0.0.1").check() == []


def test_a_name_service_that_never_answers_is_left_in_time(provide: Provide) -> None:
    answered = threading.Event()

    def stuck(_host: str, _port: int) -> Sequence[str]:
        answered.wait(10)
        return []

    begun = time.monotonic()
    with pytest.raises(ProviderUnavailable, match="cannot be resolved"):
        provide(stuck).send(call("https://receiver.example.org/"))
    assert time.monotonic() - begun < IN_TIME_S
    answered.set()


def test_a_name_that_nobody_knows_is_tried_again_later(provide: Provide) -> None:
    def unknown(_host: str, _port: int) -> Sequence[str]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    with pytest.raises(ProviderUnavailable, match="cannot be resolved") as caught:
        provide(unknown).send(call("https://receiver.example.org/"))
    assert caught.value.is_address
