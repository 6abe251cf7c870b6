"""Who did it: filters, proxies and programs are told from people, and what came in is kept whatever we think of it."""

from collections.abc import Callable
from email.message import EmailMessage
from uuid import UUID

import pytest
from litestar import Litestar
from litestar.testing import TestClient
from sqlalchemy import text

from notify.core import tokens
from notify.core.db import transaction
from notify.core.tokens import Purpose
from notify.tracking import buffer
from notify.tracking.models import HitKind
from notify.tracking.service import Source
from tests.alerts.calls import created
from tests.mailbox import Mailbox
from tests.tracking.reading import PHONE, a_minute_later, hidden_links, link, our_links, part, read_on
from tests.world import SCRAPER, World, add_resident, make_world

Client = TestClient[Litestar]
Work = Callable[[], None]

PAGE = "https://example.org/bins"
LAPTOP = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0 Safari/537.36"


@pytest.fixture
def world(client: Client) -> World:
    return make_world()


@pytest.fixture
def letter(client: Client, world: World, work: Work, inbox: Mailbox) -> EmailMessage:
    add_resident(world, "a@example.org", topics=["bins"], tracking_consent=True)
    created(client, world.headers, topic="bins", link=PAGE, send=True)
    work()
    [found] = inbox.messages()
    assert isinstance(found, EmailMessage)
    return found


def judged() -> list[tuple[str, str, str, str]]:
    """Kind, verdict, reason and device of each hit, in the order in which they came."""
    buffer.flush()
    with transaction() as session:
        rows = session.execute(text("SELECT kind, verdict, reason, device FROM hit ORDER BY at, id"))
        return [(row.kind, row.verdict, row.reason, row.device) for row in rows]


def added_up() -> dict[tuple[str, str], int]:
    with transaction() as session:
        rows = session.execute(text("SELECT kind, verdict, sum(times) AS n FROM rollup_hit GROUP BY 1, 2"))
        return {(row.kind, row.verdict): int(row.n) for row in rows if row.n}


def people() -> int:
    with transaction() as session:
        return int(session.execute(text("SELECT coalesce(sum(people), 0) FROM rollup_people")).scalar_one())


@pytest.mark.parametrize(
    ("agent", "expected"),
    [
        (PHONE, ("human", "", "phone")),
        (LAPTOP, ("human", "", "computer")),
        ("Mozilla/5.0 (iPad; CPU OS 18_0 like Mac OS X) Mobile/15E148", ("human", "", "tablet")),
        ("Mozilla/5.0 (Linux; Android 14; SM-X200) Chrome/131 Safari/537.36", ("human", "", "tablet")),
        ("Mozilla/5.0 (compatible; Googlebot/2.1)", ("machine", "known program", "program")),
        ("python-requests/2.32", ("machine", "known program", "program")),
        ("Barracuda Sentinel", ("machine", "no browser", "program")),
        ("Mozilla/5.0", ("machine", "apple privacy", "mail-proxy")),
        ("Mozilla/5.0 (via ggpht.com GoogleImageProxy)", ("unknown", "mail proxy", "mail-proxy")),
        ("Mozilla/5.0 (Something)", ("unknown", "", "unknown")),
        ("", ("machine", "no name", "unknown")),
        ("\x00\ud800" * 3000, ("machine", "no browser", "program")),
    ],
)
def test_programs_are_told_by_the_name_they_give(
    client: Client,
    letter: EmailMessage,
    agent: str,
    expected: tuple[str, str, str],
) -> None:
    with a_minute_later():
        buffer.add(Source(_alert(), None), HitKind.CLICKED, agent=agent, network="192.0.2.7")
    assert judged() == [("clicked", *expected)]


def _alert() -> UUID:
    with transaction() as session:
        return UUID(str(session.execute(text("SELECT id FROM alert")).scalar_one()))


def test_a_click_in_the_first_seconds_is_a_filter(client: Client, letter: EmailMessage) -> None:
    client.get(link(letter, "/c/"), headers={"User-Agent": PHONE}, follow_redirects=False)
    assert judged() == [("clicked", "machine", "first seconds", "phone")]
    assert (added_up(), people()) == ({("clicked", "machine"): 1}, 0)


def test_whoever_finds_the_hidden_link_is_a_machine_in_everything_of_that_moment(
    client: Client, letter: EmailMessage
) -> None:
    read_on(client, link(letter, "/c/"))
    read_on(client, link(letter, "/o/"))
    assert people() == 2
    [hidden] = hidden_links(letter)
    assert read_on(client, hidden).headers["location"] == PAGE
    assert {(kind, verdict) for kind, verdict, _, _ in judged()} == {("clicked", "machine"), ("opened", "machine")}
    assert (added_up(), people()) == ({("clicked", "machine"): 2, ("opened", "machine"): 1}, 0)


def test_links_of_two_alerts_within_a_second_are_a_machines(
    client: Client,
    world: World,
    work: Work,
    inbox: Mailbox,
    letter: EmailMessage,
) -> None:
    created(client, world.headers, topic="bins", link=PAGE, title="Another", send=True)
    work()
    with a_minute_later():
        for one in inbox.messages():
            client.get(link(one, "/c/"), headers={"User-Agent": PHONE}, follow_redirects=False)
    assert {(verdict, reason) for _, verdict, reason, _ in judged()} == {("machine", "several links")}
    assert people() == 0


def test_one_link_twice_is_a_persons_and_so_are_two_after_a_while(client: Client, letter: EmailMessage) -> None:
    read_on(client, link(letter, "/c/"))
    read_on(client, link(letter, "/c/"))
    assert {verdict for _, verdict, _, _ in judged()} == {"human"}
    assert (added_up(), people()) == ({("clicked", "human"): 2}, 1)


def test_what_came_in_cannot_be_altered(client: Client, letter: EmailMessage) -> None:
    read_on(client, link(letter, "/c/"))
    for change in ("kind = 'opened'", "at = business_now()", "number = 7", "link = 3", "visitor = '\\x00'"):
        with pytest.raises(Exception, match="A hit is kept as it came in"), transaction() as session:
            session.execute(text(f"UPDATE hit SET {change}"))
    with transaction() as session:
        session.execute(text("UPDATE hit SET visitor = NULL, number = NULL"))


def test_neither_network_nor_program_is_written_down(client: Client, letter: EmailMessage) -> None:
    read_on(client, link(letter, "/c/"))
    with transaction() as session:
        row = str(session.execute(text("SELECT hit FROM hit")).scalar_one())
    assert not any(word in row for word in ("Pixel", "Chrome", "testclient", "127.0.0.1"))


def test_a_thousand_default_mails_hold_no_pixel_and_no_link_of_anybodys_own(
    client: Client, world: World, work: Work, inbox: Mailbox
) -> None:
    lines = "".join(f"r{n}@example.org,ZZ1 1AA,bins\n" for n in range(1000))
    told = client.post(
        "/api/v1/subscribers/import",
        params={"wording_version": "paper-1", "wording": "Yes.", "consent_source": "paper"},
        content="email,postcode,topics\n" + lines,
        headers=world.headers | {"Content-Type": "text/csv"},
    )
    assert told.json()["created"] == 1000
    created(client, world.headers, topic="bins", link=PAGE, send=True)
    work()
    mails = inbox.messages()
    assert len(mails) == 1000
    assert not any("<img" in part(one, "html") for one in mails)
    shared = set.intersection(*(our_links(one) for one in mails))
    for one in mails:
        assert {path[:3] for path in our_links(one) - shared} == {"/u/"}
    assert {path.split("/")[1] for path in shared} == {"alerts", "manage"}


def test_an_alerts_link_is_kept_in_mind_and_an_unknown_one_is_not(client: Client, letter: EmailMessage) -> None:
    path = link(letter, "/c/")
    read_on(client, path)
    assert buffer.known_link(_alert()) == PAGE
    unknown = tokens.sign(Purpose.CLICK, bytes(16))
    for _ in range(2):
        assert client.get(f"/c/{unknown}", follow_redirects=False).status_code == 404
    assert len(judged()) == 1


def test_what_comes_while_the_database_is_away_is_written_later(
    client: Client,
    letter: EmailMessage,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    read_on(client, link(letter, "/c/"))

    def away() -> None:
        raise ConnectionError

    with a_minute_later(), monkeypatch.context() as broken:
        broken.setattr(buffer, "transaction", away)
        for _ in range(3):
            client.get(link(letter, "/c/"), headers={"User-Agent": PHONE}, follow_redirects=False)
        with pytest.raises(ConnectionError):
            buffer.flush()
    assert len(judged()) == 4


def test_what_there_is_no_room_for_is_told_to_whoever_watches(
    client: Client,
    letter: EmailMessage,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with a_minute_later(), monkeypatch.context() as full:
        full.setattr(buffer, "MOST_WAITING", 0)
        for _ in range(3):
            client.get(link(letter, "/c/"), headers={"User-Agent": PHONE}, follow_redirects=False)
    assert judged() == []
    assert "\nnotify_hits_lost_total 3\n" in client.get("/metrics", headers=SCRAPER).text
