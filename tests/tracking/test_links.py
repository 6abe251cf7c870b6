"""The links in a message: leaving, clicking and opening, for people, mail programs and scanners."""

from collections.abc import Callable
from typing import Any

import pytest
from litestar import Litestar
from litestar.testing import TestClient
from sqlalchemy import text

from notify.core import tokens
from notify.core.db import transaction
from notify.core.tokens import Purpose
from notify.deliveries import worker_loop
from notify.subscribers import erasure
from notify.tracking import buffer
from tests.alerts.calls import created
from tests.mailbox import Mailbox
from tests.tracking.reading import hidden_links, link, one_click_path, our_links, part
from tests.world import World, add_resident, add_residents, make_world

Client = TestClient[Litestar]
Work = Callable[[], None]

PAGE = "https://example.org/bins?when=now&where=here"


@pytest.fixture
def world(client: Client) -> World:
    return make_world()


def following(world: World) -> list[str]:
    """The topics that somebody still follows by e-mail."""
    with transaction() as session:
        rows = session.execute(
            text("""
                SELECT t.slug FROM subscription u JOIN topic t ON t.id = u.topic_id
                WHERE u.ended_at IS NULL AND 'email' = ANY(u.channels) ORDER BY t.slug
            """)
        ).scalars()
        return list(rows)


def events(kind: str) -> list[int | None]:
    """The delivery numbers of the events of this kind, None where no person is in it."""
    buffer.flush()
    with transaction() as session:
        found = session.execute(
            text("""
                SELECT number FROM (
                    SELECT number, at, kind FROM event UNION ALL SELECT number, at, kind FROM hit
                ) done WHERE kind = :kind ORDER BY at
            """),
            {"kind": kind},
        )
        return list(found.scalars())


@pytest.fixture
def mailed(client: Client, world: World, work: Work, inbox: Mailbox) -> Callable[..., Any]:
    """Sends an alert and gives the one mail that came of it."""

    def send(**fields: Any) -> Any:  # noqa: ANN401 - JSON in, a parsed mail out
        inbox.empty()
        created(client, world.headers, send=True, **fields)
        work()
        [mail] = inbox.messages()
        return mail

    return send


@pytest.fixture
def leaving(world: World, mailed: Callable[..., Any]) -> str:
    """The unsubscribe path in a mail to somebody who follows two topics."""
    add_resident(world, "a@example.org", topics=["road-closures", "bins"])
    return one_click_path(mailed(topic="bins"))


def test_following_the_unsubscribe_link_changes_nothing(client: Client, world: World, leaving: str) -> None:
    for method in ("GET", "HEAD", "OPTIONS", "GET"):
        client.request(method, leaving)
    page = client.get(leaving)
    assert page.status_code == 200
    assert "Bin collections" in page.text
    assert f'action="{leaving}"' in page.text
    assert following(world) == ["bins", "road-closures"]
    assert events("unsubscribed") == []


ONE_CLICK = b"List-Unsubscribe=One-Click"
MULTIPART = b'--x\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--x--\r\n'


@pytest.mark.parametrize(
    ("content", "content_type"),
    [
        (ONE_CLICK, "application/x-www-form-urlencoded"),
        (MULTIPART, "multipart/form-data; boundary=x"),
        (MULTIPART, "multipart/form-data"),
        (b'{"List-Unsubscribe": "One-Click"}', "application/json"),
        (b"{", "application/json"),
        (b"", "application/x-www-form-urlencoded"),
        (b"", None),
        (ONE_CLICK, None),
        (b"\xff\xfe%zz", "text/plain; charset=utf-7"),
    ],
)
def test_one_click_stops_the_topic_whatever_the_mail_program_sends(
    client: Client, world: World, leaving: str, content: bytes, content_type: str | None
) -> None:
    headers = {"Content-Type": content_type} if content_type else {}
    reply = client.post(leaving, content=content, headers=headers, follow_redirects=False)
    assert reply.status_code == 200
    assert "set-cookie" not in reply.headers
    assert following(world) == ["road-closures"]
    assert events("unsubscribed") == [1]


def test_one_click_works_from_another_site_and_without_our_cookie(client: Client, world: World, leaving: str) -> None:
    headers = {"Origin": "https://mail.example.com", "Sec-Fetch-Site": "cross-site"}
    assert client.post(leaving, content=ONE_CLICK, headers=headers).status_code == 200
    assert following(world) == ["road-closures"]


def test_leaving_twice_is_as_good_as_once(client: Client, world: World, leaving: str) -> None:
    for _ in range(3):
        assert client.post(leaving, content=ONE_CLICK).status_code == 200
    assert following(world) == ["road-closures"]
    assert events("unsubscribed") == [1]


def test_leaving_everything_stops_every_topic(client: Client, world: World, leaving: str) -> None:
    reply = client.post(leaving, data={"scope": "all"})
    assert "no more emails" in reply.text
    assert following(world) == []


def test_leaving_by_mail_leaves_the_texts(client: Client, world: World, mailed: Callable[..., Any]) -> None:
    add_resident(world, "a@example.org", phone="07700 900001", topics=["bins"])
    client.post(one_click_path(mailed(topic="bins")), content=ONE_CLICK)
    with transaction() as session:
        left = session.execute(text("SELECT channels FROM subscription WHERE ended_at IS NULL")).scalar_one()
    assert left == ["sms"]


def test_whoever_left_gets_nothing_more_even_what_was_waiting(
    client: Client, world: World, leaving: str, work: Work, inbox: Mailbox
) -> None:
    waiting = created(client, world.headers, topic="bins", send=True)
    worker_loop.expand_alert(waiting["id"])
    client.post(leaving, content=ONE_CLICK)
    inbox.empty()
    work()
    created(client, world.headers, topic="bins", send=True)
    work()
    assert inbox.recipients() == {}


def test_leaving_is_in_the_consent_ledger(client: Client, world: World, leaving: str) -> None:
    client.post(leaving, content=ONE_CLICK)
    with transaction() as session:
        rows = session.execute(text("SELECT source, channel FROM consent WHERE action = 'withdrawn'")).all()
    assert [tuple(row) for row in rows] == [("one-click", "email")]


def test_somebody_who_was_erased_may_press_the_button_too(client: Client, world: World, leaving: str) -> None:
    with transaction() as session:
        subscriber = session.execute(text("SELECT id FROM subscriber")).scalar_one()
        erasure.erase(session, subscriber_id=subscriber, actor="test")
    assert client.get(leaving).status_code == 200
    assert client.post(leaving, content=ONE_CLICK).status_code == 200


def altered(path: str) -> list[str]:
    """The path with its token cut, extended, changed at each end, and in another case."""
    start, _, token = path.rpartition("/")
    first, last = ("A" if character != "A" else "B" for character in (token[0], token[-1]))
    changed = [token[:-1], token + "A", first + token[1:], token[:-1] + last, token.swapcase(), token + "=", "x"]
    return [f"{start}/{other}" for other in changed]


def test_an_altered_link_leads_nowhere(client: Client, world: World, mailed: Callable[..., Any]) -> None:
    add_resident(world, "a@example.org", topics=["bins"], tracking_consent=True)
    mail = mailed(topic="bins", link=PAGE)
    for path in altered(one_click_path(mail)):
        assert client.get(path).status_code == 404
        assert client.post(path, content=ONE_CLICK).status_code == 404
    for path in [*altered(link(mail, "/c/")), *altered(link(mail, "/o/").removesuffix(".gif"))]:
        assert client.get(path, follow_redirects=False).status_code == 404
    assert following(world) == ["bins"]
    assert (events("clicked"), events("opened"), events("unsubscribed")) == ([], [], [])


def test_a_link_for_one_purpose_is_worthless_for_another(
    client: Client, world: World, mailed: Callable[..., Any]
) -> None:
    add_resident(world, "a@example.org", topics=["bins"], tracking_consent=True)
    mail = mailed(topic="bins", link=PAGE)
    own = {kind: link(mail, kind).rpartition("/")[2].removesuffix(".gif") for kind in ("/u/", "/c/", "/o/")}
    for kind in own:
        for other, token in own.items():
            expected = kind == other
            assert (client.get(f"{kind}{token}", follow_redirects=False).status_code != 404) == expected


def test_a_click_leads_to_the_stored_page_and_nowhere_else(
    client: Client, world: World, mailed: Callable[..., Any]
) -> None:
    add_resident(world, "a@example.org", topics=["bins"], tracking_consent=True)
    path = link(mailed(topic="bins", link=PAGE), "/c/")
    for query in ("", "?url=https://evil.example", "?next=//evil.example"):
        reply = client.get(path + query, follow_redirects=False)
        assert (reply.status_code, reply.headers["location"]) == (302, PAGE)
        assert "set-cookie" not in reply.headers
    assert events("clicked") == [1, 1, 1]


@pytest.mark.parametrize("mail_format", ["standard", "large", "plain"])
def test_without_consent_the_link_is_the_page_itself(
    client: Client, world: World, work: Work, inbox: Mailbox, mail_format: str
) -> None:
    add_residents(world, [f"r{number}@example.org" for number in range(3)], topics=["bins"])
    with transaction() as session:
        session.execute(text("UPDATE subscriber SET mail_format = :chosen"), {"chosen": mail_format})
    created(client, world.headers, topic="bins", link=PAGE, send=True)
    work()
    for mail in inbox.messages():
        assert PAGE in part(mail, "plain").splitlines()
        assert {path.split("/")[1] for path in our_links(mail)} == {"u", "manage", "alerts"}


def test_a_link_from_before_that_named_nobody_still_leads_to_the_page(
    client: Client, world: World, mailed: Callable[..., Any]
) -> None:
    add_resident(world, "a@example.org", topics=["bins"])
    mailed(topic="bins", link=PAGE)
    with transaction() as session:
        alert_id = session.execute(text("SELECT id FROM alert")).scalar_one()
    path = f"/c/{tokens.sign(Purpose.CLICK, alert_id.bytes)}"
    assert client.get(path, follow_redirects=False).headers["location"] == PAGE
    assert events("clicked") == [None]


def test_with_consent_a_click_is_the_persons_own(client: Client, world: World, mailed: Callable[..., Any]) -> None:
    add_resident(world, "a@example.org", topics=["bins"], tracking_consent=True)
    client.get(link(mailed(topic="bins", link=PAGE), "/c/"), follow_redirects=False)
    assert events("clicked") == [1]


def test_consent_that_was_withdrawn_counts_for_mails_sent_before(
    client: Client, world: World, mailed: Callable[..., Any]
) -> None:
    add_resident(world, "a@example.org", topics=["bins"], tracking_consent=True)
    mail = mailed(topic="bins", link=PAGE)
    with transaction() as session:
        session.execute(text("UPDATE subscriber SET tracking_consent = false"))
    client.get(link(mail, "/c/"), follow_redirects=False)
    client.get(link(mail, "/o/"))
    assert (events("clicked"), events("opened")) == ([None], [])


@pytest.mark.parametrize(
    "headers", [{"Sec-Purpose": "prefetch"}, {"Sec-Purpose": "prefetch;prerender"}, {"Purpose": "prefetch"}]
)
def test_a_prefetch_is_no_click(
    client: Client, world: World, mailed: Callable[..., Any], headers: dict[str, str]
) -> None:
    add_resident(world, "a@example.org", topics=["bins"], tracking_consent=True)
    path = link(mailed(topic="bins", link=PAGE), "/c/")
    assert client.get(path, headers=headers, follow_redirects=False).headers["location"] == PAGE
    assert client.head(path, follow_redirects=False).status_code in (302, 405)
    assert events("clicked") == []


def test_a_prefetch_of_a_removed_alert_finds_nothing(client: Client, world: World) -> None:
    token = tokens.sign(Purpose.CLICK, bytes(16))
    assert client.get(f"/c/{token}", headers={"Purpose": "prefetch"}, follow_redirects=False).status_code == 404
    assert client.get(f"/c/{token}", follow_redirects=False).status_code == 404


def test_an_open_is_counted_for_those_who_agreed(client: Client, world: World, mailed: Callable[..., Any]) -> None:
    add_resident(world, "a@example.org", topics=["bins"], tracking_consent=True)
    path = link(mailed(topic="bins"), "/o/")
    reply = client.get(path)
    assert (reply.status_code, reply.headers["content-type"]) == (200, "image/gif")
    assert reply.content.startswith(b"GIF89a")
    assert reply.headers["cache-control"] == "no-store"
    client.head(path)
    assert events("opened") == [1]


@pytest.mark.parametrize(
    ("topic", "consents", "priority"),
    [("bins", False, "routine"), ("road-closures", True, "routine"), ("bins", True, "emergency")],
)
def test_without_both_consent_and_a_tracked_topic_no_mail_can_tell_on_its_reader(
    world: World, mailed: Callable[..., Any], topic: str, consents: bool, priority: str
) -> None:
    add_resident(world, "a@example.org", topics=[topic], tracking_consent=consents)
    mail = mailed(topic=topic, link=PAGE, priority=priority)
    page = "/incidents/" if priority == "emergency" else "/alerts/"
    assert {path.split("/")[1] for path in our_links(mail)} == {"u", "manage", page.strip("/")}
    assert "<img" not in part(mail, "html")
    assert hidden_links(mail) == set()
    assert PAGE in part(mail, "plain").splitlines()


def test_an_emergencys_link_is_the_page_itself(world: World, mailed: Callable[..., Any]) -> None:
    add_resident(world, "a@example.org", topics=["emergencies"], tracking_consent=True)
    mail = mailed(topic="emergencies", priority="emergency", link="https://example.org/flood")
    assert "https://example.org/flood\n" in part(mail, "plain")
    assert 'href="https://example.org/flood"' in part(mail, "html")
    assert {path.split("/")[1] for path in our_links(mail)} == {"u", "manage", "incidents"}
