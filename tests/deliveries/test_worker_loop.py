"""From an alert that may be sent to messages in real mailboxes, through a real worker."""

from collections import Counter
from collections.abc import Callable
from uuid import uuid4

import pytest
from sqlalchemy import text

from notify.alerts import follow_ups, service
from notify.alerts import queries as alerts
from notify.alerts.models import Alert, FollowUp, FollowUpContent, NewAlert
from notify.core import jobs
from notify.core.db import transaction
from notify.deliveries import batches, queries, worker_loop
from notify.deliveries import service as ledger
from notify.deliveries.models import DeliveryState
from notify.deliveries.reconciliation import reconcile
from notify.places.models import AudienceSpec
from notify.providers import registry
from notify.providers.base import Channel
from notify.providers.smtp.provider import SmtpProvider
from notify.subscribers import erasure
from notify.subscribers import service as subscribers
from tests.mailbox import Mailbox
from tests.world import NORTH, World, add_resident, make_world

Work = Callable[[], None]


def send(world: World, **fields: object) -> Alert:
    """An alert that is on its way."""
    words: dict[str, object] = {"topic": "road-closures", "title": "Mill Road closed", "body": "On Sunday."}
    new = NewAlert.model_validate(words | {"send": True} | fields)
    with transaction() as session:
        return service.create_and_send(session, by=world.planner, new=new)


def states(world: World, alert: Alert) -> Counter[str]:
    """How many deliveries of the alert are in each state."""
    with transaction() as session:
        found = alerts.alert(session, world.planner, alert.id)
        return Counter(row.state.value for row in queries.deliveries(session, found))


def state_of(world: World, alert: Alert) -> str:
    with transaction() as session:
        return alerts.alert(session, world.planner, alert.id).state.value


def test_an_alert_reaches_everyone_in_the_ward_once_and_nobody_else(work: Work, inbox: Mailbox) -> None:
    world = make_world()
    add_resident(world, "north@example.org", phone="07700 900001", postcodes=["ZZ1 1AA", "ZZ1 1AB"])
    add_resident(world, "south@example.org", postcodes=["ZZ2 1AA"])
    add_resident(world, "other@example.org", topics=["bins"])

    alert = send(world, audience={"wards": [NORTH]})
    work()

    assert inbox.recipients() == {"north@example.org": 1}
    assert inbox.texts() == {"+447700900001": 1}
    assert states(world, alert) == {"sent": 2}
    assert state_of(world, alert) == "sent"


def test_an_alert_for_nobody_is_sent_at_once(work: Work, inbox: Mailbox) -> None:
    world = make_world()
    alert = send(world)
    work()
    assert state_of(world, alert) == "sent"
    assert inbox.recipients() == {}


def test_expanding_twice_writes_the_ledger_once(work: Work) -> None:
    world = make_world()
    add_resident(world, "a@example.org")
    alert = send(world)
    work()
    worker_loop.expand_alert(alert.id)
    assert states(world, alert) == {"sent": 1}


def test_whoever_unsubscribes_before_the_hand_over_gets_nothing(work: Work, inbox: Mailbox) -> None:
    world = make_world()
    leaver = add_resident(world, "leaver@example.org")
    add_resident(world, "stays@example.org")
    alert = send(world)
    worker_loop.expand_alert(alert.id)
    with transaction() as session:
        contact = session.execute(text("SELECT id FROM contact WHERE subscriber_id = :s"), {"s": leaver}).scalar_one()
        subscribers.unsubscribe(session, contact_id=contact, topic_id=None, source="test")
    work()
    assert inbox.recipients() == {"stays@example.org": 1}
    assert states(world, alert) == {"sent": 1, "suppressed": 1}


def test_whoever_is_erased_before_the_hand_over_gets_nothing(work: Work, inbox: Mailbox) -> None:
    world = make_world()
    gone = add_resident(world, "gone@example.org")
    alert = send(world)
    worker_loop.expand_alert(alert.id)
    with transaction() as session:
        erasure.erase(session, subscriber_id=gone, actor="test")
    work()
    assert inbox.recipients() == {}
    assert states(world, alert) == {"suppressed": 1}


def test_cancelling_stops_what_was_not_handed_over(work: Work, inbox: Mailbox) -> None:
    world = make_world()
    add_resident(world, "a@example.org")
    alert = send(world)
    worker_loop.expand_alert(alert.id)
    with transaction() as session:
        service.cancel(session, by=world.planner, alert=alerts.alert(session, world.planner, alert.id))
    work()
    assert inbox.recipients() == {}
    assert states(world, alert) == {"cancelled": 1}
    assert state_of(world, alert) == "cancelled"


def test_nothing_is_handed_over_after_expiry(work: Work, inbox: Mailbox) -> None:
    world = make_world()
    add_resident(world, "a@example.org")
    alert = send(world, expires_at="2099-01-01T00:00:00Z")
    worker_loop.expand_alert(alert.id)
    with transaction() as session:
        session.execute(text("UPDATE alert SET expires_at = business_now() - interval '1 second'"))
    work()
    assert inbox.recipients() == {}
    assert states(world, alert) == {"expired": 1}


def test_two_workers_cannot_hold_the_same_batch(database: None, mail: Mailbox) -> None:
    world = make_world()
    add_resident(world, "a@example.org")
    alert = send(world)
    worker_loop.expand_alert(alert.id)
    with transaction() as session:
        batch = session.execute(text("SELECT id FROM batch")).scalar_one()
        first = batches.claim(session, batch)
    with transaction() as session:
        assert batches.claim(session, batch) is None
        assert states(world, alert) == {"sending": 1}
        session.execute(text("UPDATE batch SET lease_until = now() - interval '1 second'"))
    with transaction() as session:
        second = batches.claim(session, batch)
    assert first
    assert second
    assert second.lease != first.lease


def test_a_hand_over_is_recorded_even_when_the_lease_was_lost(database: None, mail: Mailbox) -> None:
    world = make_world()
    add_resident(world, "a@example.org")
    alert = send(world)
    worker_loop.expand_alert(alert.id)
    with transaction() as session:
        batch = session.execute(text("SELECT id FROM batch")).scalar_one()
        held = batches.claim(session, batch)
        session.execute(text("UPDATE batch SET lease = :other"), {"other": uuid4()})
    assert held
    with transaction() as session:
        advice = ledger.record(session, held, [ledger.Result(1, DeliveryState.SENT, "smtp")])
    assert not advice.may_go_on
    assert states(world, alert) == {"sent": 1}


def test_a_lost_queue_loses_nothing(work: Work, inbox: Mailbox) -> None:
    world = make_world()
    add_resident(world, "a@example.org")
    alert = send(world)
    jobs.sending_broker().client.flushall()
    with transaction() as session:
        session.execute(text("UPDATE alert SET changed_at = business_now() - interval '1 minute'"))
    with transaction() as session:
        assert reconcile(session) == 1
    work()
    assert inbox.recipients() == {"a@example.org": 1}
    assert state_of(world, alert) == "sent"


def test_an_unreachable_relay_defers_and_a_later_attempt_sends(
    work: Work, inbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = make_world()
    add_resident(world, "a@example.org")
    with monkeypatch.context() as broken:
        smtp = registry.providers_for(Channel.EMAIL)[0]
        assert isinstance(smtp, SmtpProvider)
        broken.setattr(smtp, "settings", smtp.settings.model_copy(update={"port": 9}))
        smtp.close()
        alert = send(world)
        work()
        assert states(world, alert) == {"created": 1}
        assert state_of(world, alert) == "sending"
    with transaction() as session:
        session.execute(text("UPDATE batch SET due_at = business_now()"))
    with transaction() as session:
        reconcile(session)
    work()
    assert inbox.recipients() == {"a@example.org": 1}
    assert state_of(world, alert) == "sent"


def test_every_change_of_state_is_an_event(work: Work, mail: Mailbox) -> None:
    world = make_world()
    add_resident(world, "a@example.org", phone="07700 900001")
    alert = send(world)
    work()
    with transaction() as session:
        events = session.execute(
            text("SELECT kind, number, number_to FROM event WHERE alert_id = :a ORDER BY id"), {"a": alert.id}
        ).all()
    assert Counter(event.kind for event in events) == {"created": 2, "sending": 2, "sent": 2}
    assert sorted(event.number for event in events if event.kind == "sent") == [1, 2]


def test_a_follow_up_goes_to_exactly_those_who_got_the_first(work: Work, inbox: Mailbox) -> None:
    world = make_world()
    add_resident(world, "first@example.org")
    alert = send(world, audience=AudienceSpec(wards=[NORTH]))
    work()
    add_resident(world, "late@example.org")
    inbox.empty()
    with transaction() as session:
        first = alerts.alert(session, world.planner, alert.id)
        content = FollowUpContent(title="Mill Road open", body="It is open again.")
        follow_ups.follow_up(session, by=world.planner, first=first, kind=FollowUp.ALL_CLEAR, content=content)
    work()
    assert inbox.recipients() == {"first@example.org": 1}
