"""The archive: what was sent is found by its words, handed out with every field, and changed by nobody."""

import csv
import io
import json
from collections.abc import Callable

import pytest
from litestar import Litestar
from litestar.testing import TestClient
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlmodel import select

from notify.alerts.search import WORDS
from notify.core.db import transaction
from notify.insight.archive.export import as_csv, as_json
from notify.insight.archive.queries import Search, find
from notify.staff.models import AuditEntry, KeyMode, Role
from notify.staff.remit import EVERYTHING
from notify.subscribers.models import ApprovalRule, NewTopic
from notify.subscribers.service import create_topic
from tests.alerts.calls import act, created
from tests.subscribers.html import Page
from tests.world import NORTH, SOUTH, World, add_resident, at_the_desk, make_key, make_world

Client = TestClient[Litestar]
Work = Callable[[], None]


@pytest.fixture
def world(client: Client, work: Work) -> World:
    world = make_world()
    add_resident(world, "a@example.org", phone="07700 900123", topics=["road-closures", "emergencies"])
    alerts: list[dict[str, object]] = [
        {"title": "Mill Road closed", "body": "=1+1 Use the bus.", "audience": {"wards": [NORTH]}},
        {"title": "Flood", "body": "Go upstairs.", "topic": "emergencies", "priority": "emergency"},
        {"title": "Bridge", "body": "Open.", "translations": {"cy": {"title": "Pont", "body": "Ar agor."}}},
    ]
    for alert in alerts:
        created(client, world.headers, send=True, **alert)
    created(client, world.headers, title="Mill Road never sent")
    created(client, make_key(world, Role.ADMIN, mode=KeyMode.TEST), title="Mill Road rehearsed", send=True)
    work()
    with transaction() as session:  # in the order of writing, whichever worker was quicker
        session.execute(text("UPDATE alert SET expanded_at = created_at WHERE expanded_at IS NOT NULL"))
    client.headers.update(at_the_desk(make_key(world, Role.MONITORING)))
    return world


def found(client: Client, **query: str) -> set[str]:
    page = Page(client.get("/staff/archive", params=query, headers={"Accept": "text/html"}).text)
    return {title for title in ("Mill Road closed", "Flood", "Bridge") if title in page.text} | {
        title for title in ("Mill Road never sent", "Mill Road rehearsed") if title in page.text
    }


@pytest.mark.parametrize(
    ("query", "titles"),
    [
        ({}, {"Mill Road closed", "Flood", "Bridge"}),
        ({"q": "mill"}, {"Mill Road closed"}),
        ({"q": "agor"}, {"Bridge"}),
        ({"q": "bus or upstairs"}, {"Mill Road closed", "Flood"}),
        ({"q": "road -closed"}, set()),
        ({"q": "'; DROP TABLE alert; --"}, set()),
        ({"topic": "emergencies"}, {"Flood"}),
        ({"priority": "routine"}, {"Mill Road closed", "Bridge"}),
        ({"since": "2099-01-01"}, set()),
        ({"until": "2020-01-01"}, set()),
        ({"since": "nonsense"}, set()),
        ({"q": "closing"}, {"Mill Road closed"}),  # another form of the word
        ({"ward": SOUTH}, {"Flood", "Bridge"}),  # these two went everywhere
        ({"ward": NORTH, "topic": "road-closures"}, {"Mill Road closed", "Bridge"}),
        ({"ward": "E05999999"}, {"Flood", "Bridge"}),
        ({"sender": "officer:nobody"}, set()),
        ({"before": "nonsense"}, {"Mill Road closed", "Flood", "Bridge"}),
    ],
)
def test_what_was_sent_is_found_by_its_words(
    client: Client, world: World, query: dict[str, str], titles: set[str]
) -> None:
    assert found(client, **query) == titles


def test_it_is_handed_out_with_every_field_and_no_resident(client: Client, world: World) -> None:
    table = client.post("/staff/archive/export", data={"form": "csv"})
    rows = list(csv.DictReader(io.StringIO(table.text)))
    assert [row["title"] for row in rows] == ["Bridge", "Flood", "Mill Road closed"]
    assert rows[2]["body"].startswith("'=1+1")  # no formula
    assert (rows[2]["email_sent"], rows[2]["sms_sent"], rows[2]["voice_sent"]) == ("1", "1", "0")
    records = client.post("/staff/archive/export", data={"form": "json", "q": "pont"}).json()
    assert [one["title"] for one in records] == ["Bridge"]
    assert records[0]["translations"]["cy"]["title"] == "Pont"
    assert "a@example.org" not in table.text
    assert "900123" not in table.text
    with transaction() as session:
        lines = session.exec(select(AuditEntry.subject).where(AuditEntry.action == "archive.export")).all()
        assert sorted(lines) == ["csv", "json"]


def test_the_sender_is_one_of_those_who_wrote(client: Client, world: World) -> None:
    page = client.get("/staff/archive", headers={"Accept": "text/html"}).text
    assert "API key test" in page
    key = world.key.split("_")[2]
    assert found(client, sender=f"key:{key}") == {"Mill Road closed", "Flood", "Bridge"}


def test_the_day_is_that_of_this_country(client: Client, world: World) -> None:
    with transaction() as session:  # half past midnight in summer is the day before in UTC
        session.execute(text("UPDATE alert SET expanded_at = '2026-06-30 23:30+00' WHERE title = 'Bridge'"))
    assert found(client, since="2026-07-01", until="2026-07-01") == {"Bridge"}
    assert "00:30 on 1 July 2026" in client.get("/staff/archive", headers={"Accept": "text/html"}).text


def test_pages_follow_the_order_of_sending(client: Client, world: World) -> None:
    with transaction() as session:  # written last, sent first; the others in one moment
        session.execute(text("UPDATE alert SET expanded_at = '2026-01-01' WHERE title = 'Bridge'"))
        session.execute(
            text("UPDATE alert SET expanded_at = '2026-02-01' WHERE title IN ('Flood', 'Mill Road closed')")
        )
    titles, asked = [], Search()
    while True:
        with transaction() as session:
            page = find(session, world.council_id, EVERYTHING, asked, limit=1)
        if not page:
            break
        titles.append(page[0].alert.title)
        asked = Search(before=page[0].alert.id)
    assert titles == ["Flood", "Mill Road closed", "Bridge"]


def test_a_file_is_whole_however_many_are_read_at_a_time(client: Client, world: World) -> None:
    whole = "".join(as_json(world.council_id, EVERYTHING, Search()))
    assert "".join(as_json(world.council_id, EVERYTHING, Search(), at_once=1)) == whole
    assert [one["title"] for one in json.loads(whole)] == ["Bridge", "Flood", "Mill Road closed"]
    assert json.loads("".join(as_json(world.council_id, EVERYTHING, Search(words="unheard")))) == []
    table = "".join(as_csv(world.council_id, EVERYTHING, Search(), at_once=1))
    assert [row["title"] for row in csv.DictReader(io.StringIO(table))] == ["Bridge", "Flood", "Mill Road closed"]


def test_the_file_says_who_agreed_to_what_went_out_and_what_became_of_it(
    client: Client, world: World, work: Work
) -> None:
    client.headers.pop("Cookie")
    floods = NewTopic(slug="floods", name="Floods", approval=ApprovalRule.ONE)
    with transaction() as session:
        create_topic(session, council_id=world.council_id, actor="test", new=floods)
    add_resident(world, "b@example.org", topics=["floods"])
    author, approver = make_key(world, Role.AUTHOR), make_key(world, Role.APPROVER)
    alert = created(client, author, topic="floods", title="River", send=True)["id"]
    act(client, approver, alert, "reject", {"reason": "Say where."})
    act(client, author, alert, "submit")
    act(client, approver, alert, "approve")
    work()
    with transaction() as session:
        session.execute(
            text("UPDATE delivery SET state = 'delivered', cost = 2500 WHERE alert_id = :alert"), {"alert": alert}
        )
    [one] = json.loads("".join(as_json(world.council_id, EVERYTHING, Search(words="river"))))
    assert one["written_by_role"] == "author"
    [yes] = one["approved_by"]
    assert (yes["role"], yes["alone"]) == ("approver", False)
    assert yes["who"].startswith("officer:")
    assert one["figures"] == {"email": {"recipients": 1, "sent": 1, "delivered": 1, "failed": 0}}
    assert one["cost_pence"] == 2.5
    assert len(one["content_hash"]) == 64
    assert one["sent_at"].endswith("+00:00")


def test_a_councillor_finds_what_went_to_their_ward_only(client: Client, world: World) -> None:
    client.headers.pop("Cookie")
    created(client, world.headers, title="South only", audience={"wards": [SOUTH]}, send=True)
    with transaction() as session:
        session.execute(
            text("UPDATE alert SET state = 'sending', expanded_at = business_now() WHERE title = 'South only'")
        )
    key = make_key(world, Role.COUNCILLOR)
    with transaction() as session:
        session.execute(text("UPDATE officer SET areas = :areas WHERE role = 'councillor'"), {"areas": [SOUTH]})
    client.headers.update(at_the_desk(key))
    page = client.get("/staff/archive", headers={"Accept": "text/html"}).text
    assert "South only" in page
    assert "Mill Road closed" not in page
    assert client.post("/staff/archive/export", data={"form": "csv"}).status_code == 403


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE alert SET title = 'Other' WHERE title = 'Flood'",
        "UPDATE alert SET body = 'Other' WHERE title = 'Flood'",
        "UPDATE alert SET audience = NULL, targets = '{}' WHERE title = 'Mill Road closed'",
        "UPDATE alert SET content_hash = '' WHERE title = 'Flood'",
        "UPDATE alert SET translations = '{}' WHERE title = 'Bridge'",
        "UPDATE alert SET channels = '{sms}' WHERE title = 'Flood'",
        "UPDATE alert SET instruction = 'Run.' WHERE title = 'Flood'",
        "UPDATE alert SET created_by = 'officer:other' WHERE title = 'Flood'",
        # nor what would lift the guard
        "UPDATE alert SET expanded_at = NULL WHERE title = 'Flood'",
        "UPDATE alert SET is_test = true WHERE title = 'Flood'",
        "UPDATE alert SET is_test = false WHERE title = 'Mill Road rehearsed'",
        "UPDATE alert SET state = 'draft' WHERE title = 'Flood'",
        "UPDATE alert SET ledger_month = '2020-01-01' WHERE title = 'Flood'",
        "DELETE FROM alert WHERE title = 'Flood'",
        "TRUNCATE alert CASCADE",
    ],
)
def test_nobody_changes_what_was_sent(client: Client, world: World, change: str) -> None:
    with pytest.raises(IntegrityError, match=r"kept as it was sent|append-only"), transaction() as session:
        session.execute(text(change))


def test_a_draft_can_still_go(client: Client, world: World) -> None:
    with transaction() as session:
        session.execute(text("DELETE FROM alert WHERE title = 'Mill Road never sent'"))


def test_what_begins_to_go_out_is_kept_from_then_on(client: Client, world: World) -> None:
    with transaction() as session:
        session.execute(text("UPDATE alert SET state = 'sending' WHERE title = 'Mill Road never sent'"))
    for change in ("UPDATE alert SET body = 'Other'", "UPDATE alert SET state = 'draft'", "DELETE FROM alert"):
        with pytest.raises(IntegrityError, match="kept as it was sent"), transaction() as session:
            session.execute(text(f"{change} WHERE title = 'Mill Road never sent'"))


@pytest.mark.parametrize("change", ["UPDATE approval SET actor = 'officer:other'", "DELETE FROM approval"])
def test_nobody_changes_who_agreed(client: Client, world: World, change: str) -> None:
    with transaction() as session:
        session.execute(
            text("""
                INSERT INTO approval (id, alert_id, content_hash, actor, approved, reason, submission, at)
                SELECT gen_random_uuid(), id, content_hash, 'officer:one', true, '', submission, business_now()
                FROM alert WHERE title = 'Flood'
            """)
        )
    with pytest.raises(IntegrityError, match="append-only"), transaction() as session:
        session.execute(text(change))


def test_the_search_uses_the_index_of_words(client: Client, world: World) -> None:
    with transaction() as session:
        session.execute(text("SET LOCAL enable_seqscan = off"))
        plan = session.execute(text(f"EXPLAIN SELECT id FROM alert WHERE {WORDS}"), {"words": "flood"}).scalars().all()
    assert "alert_words" in "\n".join(plan)
