"""Another way to those whom an emergency did not reach: exactly these, exactly once, and only while it matters."""

import threading
from collections import Counter
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from litestar import Litestar
from litestar.testing import TestClient
from sqlalchemy import text

from notify.core.db import transaction
from notify.deliveries import escalation, worker_loop
from notify.subscribers import erasure
from notify.subscribers import service as subscribers
from notify.subscribers.models import Topic
from tests.alerts.calls import act, created, post_alert, state
from tests.mailbox import Mailbox
from tests.world import World, add_resident, make_world, signed_in
from workers.scheduler import CHORES, run

Client = TestClient[Litestar]
Work = Callable[[], None]
LATER = {"after_minutes": 10, "channels": ["sms"]}


@pytest.fixture
def world(client: Client) -> World:
    return make_world()


def warn(client: Client, world: World, work: Work | None = None, **fields: object) -> str:
    """An emergency that is sent by e-mail first, and by text ten minutes later."""
    body = {"topic": "emergencies", "priority": "emergency", "title": "Flood", "escalate": LATER, "send": True}
    alert: str = created(client, world.headers, **(body | fields))["id"]
    if work:
        work()
    return alert


def resident(world: World, name: str, number: int | None, *, by_email: bool = True) -> UUID:
    email = f"{name}@example.org" if by_email else None
    phone = f"07700 9001{number:02}" if number is not None else None
    return add_resident(world, email, phone=phone, topics=["emergencies"])


def fate(who: UUID, state: str) -> None:
    """What became of the first message to somebody."""
    with transaction() as session:
        session.execute(
            text("UPDATE delivery SET state = :state WHERE subscriber_id = :who"), {"state": state, "who": who}
        )


def minutes_pass(alert: str, minutes: int = 10) -> None:
    with transaction() as session:
        session.execute(
            text("""
                UPDATE alert SET expanded_at = expanded_at - make_interval(mins => :minutes) WHERE id = :alert
            """),
            {"minutes": minutes, "alert": alert},
        )


def look() -> None:
    """What the scheduler does when it looks."""
    [task] = [one for one in CHORES if one.work is escalation.escalate_due]
    run(task)


def die_before_the_commit() -> None:
    """What the scheduler does when it is killed at the worst moment."""
    with transaction() as session:
        assert escalation.escalate_due(session) == 1
        raise RuntimeError("killed")


def ledger(alert: str) -> list[tuple[int, str, str]]:
    with transaction() as session:
        rows = session.execute(
            text("SELECT number, channel, state FROM delivery WHERE alert_id = :alert ORDER BY number"),
            {"alert": alert},
        )
        return [(row.number, row.channel, row.state) for row in rows]


def test_those_get_a_text_whom_the_email_did_not_reach(
    client: Client, world: World, work: Work, inbox: Mailbox
) -> None:
    people = {name: resident(world, name, number) for number, name in enumerate(("failed", "got", "took", "held"))}
    alert = warn(client, world, work)
    assert not inbox.texts()
    fate(people["failed"], "permanent-failure")
    fate(people["got"], "delivered")
    fate(people["held"], "temporary-failure")
    look()
    work()
    assert not inbox.texts()  # it is too early
    minutes_pass(alert)
    look()
    assert state(client, world.headers, alert) == "sending"
    work()
    assert inbox.texts() == {"+447700900100": 1, "+447700900103": 1}
    assert state(client, world.headers, alert) == "sent"
    assert client.get(f"/api/v1/alerts/{alert}", headers=world.headers).json()["recipients"] == 6
    assert [number for number, _, _ in ledger(alert)] == [1, 2, 3, 4, 5, 6]


def test_it_is_done_once_however_many_look_and_whoever_dies(
    client: Client, world: World, work: Work, inbox: Mailbox
) -> None:
    fate_of = resident(world, "a", 1)
    alert = warn(client, world, work)
    fate(fate_of, "permanent-failure")
    minutes_pass(alert)
    with pytest.raises(RuntimeError, match="killed"):
        die_before_the_commit()
    assert len(ledger(alert)) == 1
    lookers = [threading.Thread(target=look) for _ in range(5)]
    for one in lookers:
        one.start()
    for one in lookers:
        one.join()
    look()
    work()
    look()
    assert inbox.texts() == {"+447700900101": 1}
    with transaction() as session:
        found = session.execute(text("SELECT count(*) FROM audit_entry WHERE action = 'alert.escalate'"))
        assert found.scalar_one() == 1


def test_a_provider_that_reports_deliveries_must_have_done_so(
    client: Client, world: World, work: Work, inbox: Mailbox
) -> None:
    resident(world, "a", 1)
    alert = warn(client, world, work)
    with transaction() as session:
        session.execute(text("UPDATE delivery SET provider = 'ses'"))
    minutes_pass(alert)
    look()
    work()
    assert inbox.texts() == {"+447700900101": 1}


def test_where_replies_are_asked_for_silence_is_not_enough(
    client: Client, world: World, work: Work, inbox: Mailbox
) -> None:
    safe, _silent = resident(world, "safe", 1), resident(world, "silent", 2)
    alert = warn(client, world, work, asks_reply=True)
    with transaction() as session:
        session.execute(
            text("""
                INSERT INTO reply (alert_id, subscriber_id, month, number, answer, at)
                SELECT alert_id, subscriber_id, month, number, 'safe', business_now() FROM delivery
                WHERE subscriber_id = :who
            """),
            {"who": safe},
        )
    minutes_pass(alert)
    look()
    work()
    assert inbox.texts() == {"+447700900102": 1}


def test_who_has_no_other_way_does_not_wait(client: Client, world: World, work: Work, inbox: Mailbox) -> None:
    resident(world, "both", 1)
    resident(world, "phone-only", 2, by_email=False)
    warn(client, world, work)
    assert inbox.texts() == {"+447700900102": 1}
    assert inbox.recipients() == {"both@example.org": 1}


def test_consent_and_suppression_are_looked_at_anew(client: Client, world: World, work: Work, inbox: Mailbox) -> None:
    stays, left, erased = (resident(world, name, number) for number, name in enumerate(("stays", "left", "erased")))
    alert = warn(client, world, work)
    for who in (stays, left, erased):
        fate(who, "permanent-failure")
    minutes_pass(alert)
    with transaction() as session:
        contact = session.execute(
            text("SELECT id FROM contact WHERE subscriber_id = :who AND channel = 'sms'"), {"who": left}
        ).scalar_one()
        topic = session.execute(text("SELECT id FROM topic WHERE slug = 'emergencies'")).scalar_one()
        assert session.get(Topic, topic)
        subscribers.unsubscribe(session, contact_id=contact, topic_id=topic, source="test")
        erasure.erase(session, subscriber_id=erased, actor="test")
    look()
    work()
    assert inbox.texts() == {"+447700900100": 1}


@pytest.mark.parametrize("verb", ["cancel", "all-clear"])
def test_what_is_over_goes_no_other_way(client: Client, world: World, work: Work, inbox: Mailbox, verb: str) -> None:
    who = resident(world, "a", 1)
    alert = warn(client, world, work if verb == "all-clear" else None)
    if verb == "cancel":
        worker_loop.expand_alert(UUID(alert))
    fate(who, "permanent-failure")
    words = {"title": "Over", "body": "Come home."} if verb == "all-clear" else None
    assert act(client, signed_in(world.council_id), alert, verb, words).status_code in (200, 201)
    minutes_pass(alert)
    look()
    work()
    assert not inbox.texts()


def test_the_page_promises_no_other_way_after_the_all_clear_and_links_both(
    client: Client, world: World, work: Work
) -> None:
    resident(world, "a", 1)
    alert = warn(client, world, work)
    desk = signed_in(world.council_id) | {"Accept": "text/html"}
    page = f"/staff/alerts/{alert}"
    assert "also get it by: " in client.get(page, headers=desk).text
    over = act(client, desk, alert, "all-clear", {"title": "Over", "body": "Come home."}).json()["id"]
    shown = client.get(page, headers=desk).text
    assert "also get it by: " not in shown
    assert f'<a href="/staff/alerts/{over}">Over</a> (all-clear, ' in shown
    assert f'All-clear to <a href="{page}">' in client.get(f"/staff/alerts/{over}", headers=desk).text


def test_an_all_clear_that_waits_for_a_person_stops_nothing(
    client: Client, world: World, work: Work, inbox: Mailbox
) -> None:
    who = resident(world, "a", 1)
    alert = warn(client, world, work)
    fate(who, "permanent-failure")
    over = act(client, world.headers, alert, "all-clear", {"title": "Over", "body": "Come home."})
    assert over.json()["state"] == "submitted"
    minutes_pass(alert)
    look()
    work()
    assert inbox.texts() == {"+447700900101": 1}


def test_on_hold_nothing_is_escalated(client: Client, world: World, work: Work, inbox: Mailbox) -> None:
    who = resident(world, "a", 1)
    alert = warn(client, world, work)
    fate(who, "permanent-failure")
    minutes_pass(alert)
    client.post("/api/v1/queue/hold", json={"alert": alert, "reason": "Look first."}, headers=world.headers)
    look()
    assert len(ledger(alert)) == 1
    client.post("/api/v1/queue/release", json={"alert": alert}, headers=world.headers)
    look()
    assert len(ledger(alert)) == 1  # the first channels have their time once more


def test_an_update_and_the_all_clear_go_to_those_who_got_it_and_to_those_who_got_it_another_way(
    client: Client, world: World, work: Work, inbox: Mailbox
) -> None:
    failed, _took = resident(world, "failed", 1), resident(world, "took", 2)
    alert = warn(client, world, work)
    fate(failed, "permanent-failure")
    minutes_pass(alert)
    look()
    work()
    resident(world, "later", 3)  # signed up since: it is not theirs
    for verb in ("update", "all-clear"):
        inbox.empty()
        assert (
            act(client, signed_in(world.council_id), alert, verb, {"title": verb, "body": "News."}).status_code == 201
        )
        work()
        assert inbox.recipients() == {"took@example.org": 1}
        assert inbox.texts() == {"+447700900101": 1}


def test_something_must_come_first(client: Client, world: World) -> None:
    body: dict[str, Any] = {"topic": "emergencies", "priority": "emergency", "channels": ["sms"], "escalate": LATER}
    reply = post_alert(client, world.headers, **body)
    assert (reply.status_code, reply.json()["type"]) == (422, "/problems/nothing-comes-first")
    alert = created(client, world.headers, **body | {"channels": ["email", "sms"]})
    assert (alert["channels"], alert["escalation"]) == (["email"], LATER)
    for minutes in (0, 121):
        wrong = {"after_minutes": minutes, "channels": ["sms"]}
        assert post_alert(client, world.headers, **body | {"channels": ["email"], "escalate": wrong}).status_code == 422


def test_nobody_is_written_to_twice_by_one_channel(client: Client, world: World, work: Work, inbox: Mailbox) -> None:
    who = resident(world, "phone-only", 1, by_email=False)
    alert = warn(client, world, work)
    fate(who, "temporary-failure")
    minutes_pass(alert)
    look()
    work()
    assert Counter(channel for _, channel, _ in ledger(alert)) == {"sms": 1}
    assert inbox.texts() == {"+447700900101": 1}
