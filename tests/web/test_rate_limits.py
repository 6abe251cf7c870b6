"""Limits for one network, and which network a visitor comes from."""

import time
from collections.abc import Callable, Iterator, Sequence
from ipaddress import ip_network

import pytest
from litestar import Litestar
from litestar.routes import HTTPRoute
from litestar.testing import TestClient

from notify.core import jobs
from notify.core.settings import Settings
from notify.devserver import embedded
from notify.staff.guards import Requires
from notify.staff.sign_in.pages import come_back, go_to_identity_provider
from notify.web import client_network, rate_limits
from notify.web.client_network import network_behind

Client = TestClient[Litestar]
PROXIES = [ip_network("10.0.0.0/8"), ip_network("2001:db8:1::/48")]
BROWSER = {"Accept": "text/html", "Sec-Fetch-Site": "same-origin"}


@pytest.mark.parametrize(
    ("peer", "forwarded", "network"),
    [
        ("192.0.2.7", "", "192.0.2.7"),
        ("192.0.2.7", "198.51.100.1", "192.0.2.7"),  # whoever is no proxy of ours is not believed
        ("10.0.0.1", "198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "203.0.113.9, 198.51.100.1", "198.51.100.1"),  # what the visitor wrote stands first
        ("10.0.0.1", "198.51.100.1, 10.2.3.4", "198.51.100.1"),
        ("10.0.0.1", "10.1.1.1", "10.1.1.1"),
        ("10.0.0.1", "rubbish", "unknown"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("2001:db8:2::1", "", "2001:db8:2::/64"),
        ("2001:db8:2:0:ffff::9", "", "2001:db8:2::/64"),
        ("::ffff:192.0.2.7", "", "192.0.2.7"),
        ("2001:db8:1::5", "198.51.100.1", "198.51.100.1"),
        ("", "", "unknown"),
        ("::ffff:10.0.0.1", "198.51.100.1", "198.51.100.1"),  # a socket for both kinds of network
        ("10.0.0.1", "198.51.100.1:50123", "198.51.100.1"),  # some proxies add the port
        ("10.0.0.1", "[2001:db8:2::7]:50123", "2001:db8:2::/64"),
        ("10.0.0.1", "2001:db8:2::7", "2001:db8:2::/64"),
        ("10.0.0.1", "203.0.113.9, rubbish, 10.2.3.4", "unknown"),  # never further than what can be read
    ],
)
def test_a_network_is_what_a_trusted_proxy_says_and_nothing_else(peer: str, forwarded: str, network: str) -> None:
    assert network_behind(peer, forwarded, PROXIES) == network


@pytest.fixture
def limited(servers: embedded.Addresses, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    jobs.sending_broker().client.flushall()
    monkeypatch.setattr(rate_limits, "settings", lambda: Settings(network_limits=0.2))
    yield
    jobs.sending_broker().client.flushall()


def ask_for_links(client: Client, times: int) -> list[int]:
    return [
        client.post("/manage", data={"address": "sam@example.org"}, headers=BROWSER).status_code for _ in range(times)
    ]


def test_a_network_that_asks_too_often_is_told_when_to_come_again(client: Client, limited: None) -> None:
    assert ask_for_links(client, 5) == [200, 200, 200, 429, 429]  # a fifth of fifteen at once
    page = client.post("/manage", data={"address": "sam@example.org"}, headers=BROWSER | {"Accept-Language": "cy"})
    assert "Gormod o geisiadau" in page.text
    assert 0 < int(page.headers["retry-after"]) <= 60
    assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
    problem = client.post("/manage", data={"address": "sam@example.org"})
    assert problem.headers["content-type"].startswith("application/problem+json")
    assert problem.json()["type"] == "/problems/too-many-requests"


def test_one_limit_used_up_leaves_the_others_and_reading_is_never_limited(client: Client, limited: None) -> None:
    ask_for_links(client, 4)
    assert {client.get("/manage").status_code for _ in range(50)} == {200}
    assert client.post("/sign-up", data={"postcode": ""}, headers=BROWSER).status_code == 422


def test_others_are_not_limited_by_what_one_network_did(limited: None) -> None:
    [one], [other] = (
        rate_limits.buckets_of("code", "192.0.2.1", None),
        rate_limits.buckets_of("code", "192.0.2.2", None),
    )
    assert [rate_limits.take(one, 0.2).wait_s > 0 for _ in range(4)] == [False, False, False, True]
    assert rate_limits.take(other, 0.2).wait_s == 0


@pytest.mark.parametrize(
    ("network", "site"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:2:5::/64", "2001:db8:2::/48"),
        ("2001:db8:2:ffff::/64", "2001:db8:2::/48"),
        ("unknown", "unknown"),
    ],
)
def test_sign_in_is_counted_by_site_and_for_everybody(network: str, site: str) -> None:
    assert [one.name for one in rate_limits.buckets_of("sign-in", network, None)] == [
        f"sign-in:{site}",
        "sign-in:everybody",
    ]


def test_while_the_queue_is_away_nobody_is_turned_away_or_made_to_wait(
    client: Client, choose: Callable[..., None], caplog: pytest.LogCaptureFixture
) -> None:
    choose(REDIS_URL="redis://127.0.0.1:1/0", NETWORK_LIMITS="0.01")  # nobody listens there
    started = time.monotonic()
    for _ in range(20):
        assert client.post("/confirm/abc", headers=BROWSER).status_code == 404  # and not 429
    assert time.monotonic() - started < 5
    assert any("queue away" in record.message for record in caplog.records)


def test_no_other_spelling_of_an_address_escapes_the_count(client: Client, limited: None) -> None:
    ask_for_links(client, 3)
    base = str(client.base_url).rstrip("/")
    for path in ("/manage", "//manage", "/manage/", "/manage//", "/%6danage"):
        request = client.build_request("POST", base + path, data={"address": "sam@example.org"}, headers=BROWSER)
        assert client.send(request).status_code == 429, path


def test_a_visitors_own_line_above_the_proxys_is_not_believed(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Sequence[str]] = []
    monkeypatch.setattr(rate_limits, "settings", lambda: Settings(network_limits=1))
    monkeypatch.setattr(client_network, "_proxies", lambda: PROXIES)

    def note(peer: str, forwarded: Sequence[str]) -> str:
        seen.append(forwarded)
        return client_network.UNKNOWN

    monkeypatch.setattr(rate_limits, "network_of", note)
    lines = [("X-Forwarded-For", "203.0.113.66"), ("X-Forwarded-For", "198.51.100.1")]
    client.post("/confirm/abc", headers=lines)
    assert client_network.network_of("10.0.0.1", seen[0]) == "198.51.100.1"


def test_homes_are_looked_up_by_all_networks_of_a_site_together() -> None:
    first, second = (rate_limits.buckets_of("look-up", f"2001:db8:0:{at}::/64", None) for at in (1, 2))
    assert first[0] != second[0]
    assert first[1:] == second[1:] != []
    assert len(rate_limits.buckets_of("look-up", "192.0.2.7", None)) == 1


# whoever is signed in, or is a program with a key, is known by more than a network
ASKS_ABOUT_HOMES = "/my/bins"  # by which one who is signed in could ask home after home what it pays for
KNOWN_OTHERWISE = ("/api/", "/my", "/staff/sign-out", "/staff/sign-up")


def lets_strangers_in(route: HTTPRoute) -> bool:
    guards = [guard for handler in route.route_handlers for guard in handler.resolve_guards()]
    return not any(isinstance(getattr(guard, "func", guard), Requires) for guard in guards)


def test_every_door_that_strangers_can_press_is_counted_and_no_other_is_named(client: Client) -> None:
    pressed = {
        route.path_format
        for route in client.app.routes
        if isinstance(route, HTTPRoute) and "POST" in route.methods and not route.path.startswith(KNOWN_OTHERWISE)
        if lets_strangers_in(route)
    }
    assert pressed | {ASKS_ABOUT_HOMES} == rate_limits.DOORS.keys()
    assert {*rate_limits.DOORS.values(), *rate_limits.OPENED.values()} == rate_limits.LIMITS.keys()
    # the page of a postcode tells collection days to who only opens it
    assert {route for route in pressed if rate_limits.kind_of("GET", route)} == {"/near"}


def test_doors_that_ask_the_identity_provider_are_counted() -> None:
    asking = {handler.paths.copy().pop() for handler in (go_to_identity_provider, come_back)}
    assert {rate_limits.kind_of("GET", door) for door in asking} == {"secret"}


def test_a_proxy_that_is_no_network_is_refused() -> None:
    with pytest.raises(ValueError, match="name addresses and networks"):
        Settings(trusted_proxies="10.0.0.0/8, proxy.example.org")
