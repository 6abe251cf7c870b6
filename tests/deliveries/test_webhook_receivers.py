"""Receivers of webhooks: who is disabled and enabled, whose secret changes, and what is sent once more."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Row, text
from sqlmodel import select
from standardwebhooks import Webhook

from notify.alerts.models import Alert
from notify.core import clock, tokens
from notify.core.db import transaction
from notify.core.jobs import Lane
from notify.deliveries import webhook_receivers, worker_loop
from notify.deliveries.models import DeliveryState, WebhookReceiver
from notify.deliveries.service import Claim, Result
from notify.deliveries.webhook_receivers import UnknownWebhookReceiver, WebhookReceiverSuppressed
from notify.providers.base import Channel
from notify.providers.webhook.provider import BUSY, GONE
from notify.staff.models import Council
from notify.staff.rights import SystemActor
from notify.subscribers.models import SuppressionReason
from notify.subscribers.suppression.service import suppress
from tests.deliveries.crowd import ledger
from tests.deliveries.test_worker_loop import send
from tests.providers.receiver import Receiver, receiving
from tests.world import World, add_resident, make_world

Work = Callable[[], None]
Choose = Callable[..., None]

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture
def world() -> World:
    return make_world()


@pytest.fixture
def receiver(choose: Choose) -> Iterator[Receiver]:
    """A receiver on this machine, which is allowed."""
    choose(WEBHOOK_ALLOWED_HOSTS="127.0.0.1")
    with receiving(Receiver()) as listening:
        yield listening


def contact(world: World, address: str = "https://crm.example.org/hook") -> UUID:
    """The contact of a new resident who receives webhooks only."""
    with transaction() as session:
        of = {"s": add_resident(world, webhook=address)}
        found: UUID = session.execute(text("SELECT id FROM contact WHERE subscriber_id = :s"), of).scalar_one()
    return found


def note(*succeeded: UUID, failed: dict[UUID, str] | None = None, gone: Sequence[UUID] = ()) -> None:
    with transaction() as session:
        webhook_receivers.note_outcomes(session, succeeded, failed or {}, gone)


def health(contact_id: UUID) -> WebhookReceiver:
    with transaction() as session:
        return session.get_one(WebhookReceiver, contact_id)


def alter(words: str) -> None:
    """Change rows by hand, as time would."""
    with transaction() as session:
        session.execute(text(words))


def suppressions() -> Sequence[Row[str, str, bool]]:
    with transaction() as session:
        return session.execute(text("SELECT reason, source, lifted_at IS NULL FROM suppression ORDER BY source")).all()


def trail() -> Counter[str]:
    """How often each thing was done to an endpoint, as the council can read."""
    with transaction() as session:
        rows = session.execute(text("SELECT action FROM audit_entry WHERE action LIKE 'endpoint.%'"))
        return Counter(rows.scalars())


def disabled() -> Sequence[UUID]:
    with transaction() as session:
        return webhook_receivers.disable_overdue(session)


def test_failures_are_noted_since_the_first_and_forgotten_with_a_success(world: World) -> None:
    one, other = contact(world), contact(world, "https://other.example.org/")
    note(other, failed={one: "The receiver answered 500."})
    since = health(one).failing_since
    note(failed={one: "The receiver is too slow"})
    again = health(one)
    assert since is not None
    assert (again.failing_since, again.last_failure_reason) == (since, "The receiver is too slow")
    assert again.last_failure_at is not None
    assert again.last_failure_at > since
    note(one)
    well = health(one)
    assert (well.failing_since, well.last_failure_reason) == (None, "The receiver is too slow")
    assert well.last_success_at is not None
    assert health(other).failing_since is None


def test_a_contact_that_was_erased_meanwhile_is_passed_by(world: World) -> None:
    one = contact(world)
    note(one, uuid4(), failed={uuid4(): "away"}, gone=[uuid4()])
    assert health(one).last_success_at is not None
    alter("DELETE FROM subscriber")
    with transaction() as session:
        assert session.get(WebhookReceiver, one) is None


def test_a_receiver_that_is_gone_is_disabled_at_once_and_the_council_is_told(world: World) -> None:
    one = contact(world)
    for _ in range(2):
        note(gone=[one])
    assert (health(one).disabled_reason, health(one).disabled_at is not None) == (GONE, True)
    assert suppressions() == [("hard-bounce", "webhook: 410", True)]
    assert trail() == {"endpoint.disable": 1}


@pytest.mark.parametrize(
    ("failing_since", "last_failure_at", "is_disabled"),
    [("5 days", "0", True), ("20 days", "3 days", True), ("119 hours", "0", False), ("20 days", "20 days", False)],
)
def test_five_days_of_failure_disable(
    world: World, failing_since: str, last_failure_at: str, is_disabled: bool
) -> None:
    one, well = contact(world), contact(world, "https://well.example.org/")
    note(well, failed={one: "The receiver answered 500."})
    ages = (
        f"failing_since = business_now() - interval '{failing_since}', "
        f"last_failure_at = business_now() - interval '{last_failure_at}'"
    )
    alter(f"UPDATE webhook_receiver SET {ages} WHERE failing_since IS NOT NULL")
    assert disabled() == ([one] if is_disabled else [])
    assert disabled() == []
    if is_disabled:
        assert "five days failed. The last one: The receiver answered 500." in (health(one).disabled_reason or "")
        assert suppressions() == [("hard-bounce", "webhook: five days of failure", True)]
        assert trail() == {"endpoint.disable": 1}
    assert health(well).disabled_at is None


def test_a_receiver_that_is_enabled_is_written_to_again_and_starts_afresh(world: World) -> None:
    one = contact(world)
    note(failed={one: "away"})
    alter("UPDATE webhook_receiver SET failing_since = business_now() - interval '6 days'")
    assert disabled() == [one]
    with transaction() as session:
        hashed = session.execute(text("SELECT address_hash FROM contact")).scalar_one()
        of_staff = {"channel": Channel.WEBHOOK, "address_hash": bytes(hashed), "reason": SuppressionReason.STAFF}
        suppress(session, council_id=world.council_id, source="staff", **of_staff)  # type: ignore[arg-type]
        webhook_receivers.enable(session, one, actor="test")
        webhook_receivers.enable(session, one, actor="test")
    assert suppressions() == [
        ("staff", "staff", True),
        ("hard-bounce", "webhook: five days of failure", False),
    ]
    assert (health(one).disabled_at, health(one).disabled_reason, health(one).failing_since) == (None, None, None)
    note(failed={one: "away"})
    assert disabled() == []


def test_who_lifts_the_suppression_elsewhere_gives_another_chance(world: World) -> None:
    one = contact(world)
    note(gone=[one])
    alter("UPDATE suppression SET lifted_at = business_now()")
    note(gone=[one])
    assert [row[2] for row in suppressions()].count(True) == 1
    alter("UPDATE suppression SET lifted_at = business_now()")
    assert health(one).disabled_at is not None
    note(one)
    assert (health(one).disabled_at, health(one).disabled_reason) == (None, None)


def secret_of(contact_id: UUID) -> str:
    with transaction() as session:
        found = session.execute(text("SELECT secret FROM contact WHERE id = :id"), {"id": contact_id})
        return tokens.open_secrets(str(found.scalar_one()))


def ended() -> int:
    with transaction() as session:
        return webhook_receivers.end_rotations(session)


def test_a_secret_changes_with_a_day_s_overlap(world: World) -> None:
    one = contact(world)
    first = secret_of(one)
    with transaction() as session:
        second = webhook_receivers.rotate_secret(session, one, actor="test")
    assert secret_of(one) == f"{second} {first}"
    assert ended() == 0
    with transaction() as session:
        third = webhook_receivers.rotate_secret(session, one, actor="test")
    assert secret_of(one) == f"{third} {second}"
    left = (health(one).previous_secret_until or clock.now()) - clock.now()
    assert timedelta(hours=23) < left <= timedelta(hours=24)
    alter("UPDATE webhook_receiver SET previous_secret_until = business_now() - interval '1 second'")
    assert (ended(), secret_of(one), health(one).previous_secret_until) == (1, third, None)
    assert ended() == 0
    assert trail() == {"endpoint.rotate": 2}


@pytest.mark.parametrize("identity", ["email", "nobody"])
def test_only_receivers_of_webhooks_can_be_changed(world: World, identity: str) -> None:
    add_resident(world, "a@example.org")
    with transaction() as session:
        found = session.execute(text("SELECT id FROM contact")).scalar_one() if identity == "email" else uuid4()
        for change in (webhook_receivers.rotate_secret, webhook_receivers.enable):
            with pytest.raises(UnknownWebhookReceiver):
                change(session, found, actor="test")
        with pytest.raises(UnknownWebhookReceiver):
            webhook_receivers.replay(session, contact_id=found, by=world.planner)


def test_calls_are_signed_with_both_secrets_while_they_change(world: World, receiver: Receiver, work: Work) -> None:
    one = contact(world, receiver.address)
    before = secret_of(one)
    with transaction() as session:
        after = webhook_receivers.rotate_secret(session, one, actor="test")
    send(world)
    work()
    [(_, headers, body)] = receiver.calls
    for secret in (before, after):
        Webhook(secret).verify(body, headers)


def held_for(alert: Alert, channel: Channel = Channel.WEBHOOK) -> Claim:
    with transaction() as session:
        month = session.execute(text("SELECT ledger_month FROM alert")).scalar_one()
    return Claim(uuid4(), uuid4(), alert.id, month, channel, 1, 9, 1, 0, Lane.ROUTINE, 0.0)


def test_what_a_slice_learned_is_noted_for_each_receiver(world: World, receiver: Receiver, work: Work) -> None:
    for number in range(8):
        contact(world, f"{receiver.address}/{number}")
    alert = send(world)
    work()
    sent, refused = DeliveryState.SENT, DeliveryState.PERMANENT_FAILURE
    results = [
        Result(1, sent, "webhook"),
        Result(2, None, "webhook", reason="The receiver answered 500."),
        Result(3, refused, "webhook", reason=GONE),
        Result(4, refused, "webhook", reason="The receiver's address is not a public one."),
        Result(5, None, "webhook", reason=BUSY),
        Result(6, sent, "sandbox"),
        Result(7, DeliveryState.SUPPRESSED, reason="The address is suppressed."),
        Result(99, sent, "webhook"),
    ]
    alter("DELETE FROM webhook_receiver")
    with transaction() as session:
        webhook_receivers.learn(session, held_for(alert, Channel.EMAIL), results)
        assert session.execute(text("SELECT count(*) FROM webhook_receiver")).scalar_one() == 0
        webhook_receivers.learn(session, held_for(alert), results)
        rows = session.execute(
            text("""
                SELECT d.number, e.last_success_at IS NOT NULL, e.failing_since IS NOT NULL, e.disabled_at IS NOT NULL
                FROM webhook_receiver e JOIN delivery d USING (contact_id) ORDER BY d.number
            """)
        ).all()
    assert rows == [(1, True, False, False), (2, False, True, False), (3, False, True, True), (4, False, True, False)]


def give_up(state: str, reason: str = "The receiver answered 500.") -> None:
    """Make every delivery one that was given up on, as its worker would."""
    bounced = 1 if state == "permanent-failure" else 0
    alter(f"UPDATE delivery SET state = '{state}', reason = '{reason}', sent_at = NULL")
    alter(f"UPDATE batch SET bounced = {bounced}, sent = 0")


def replayed(contact_id: UUID, **which: UUID | datetime) -> int:
    with transaction() as session:
        council_id = session.exec(select(Council.id)).one()
        by = SystemActor("test", council_id)
        return webhook_receivers.replay(session, contact_id=contact_id, by=by, **which)  # type: ignore[arg-type]


@pytest.mark.parametrize("state", ["temporary-failure", "technical-failure", "unknown", "permanent-failure"])
def test_what_a_receiver_did_not_get_is_sent_once_more_with_the_same_id(
    world: World, receiver: Receiver, work: Work, state: str
) -> None:
    one = contact(world, receiver.address)
    alert = send(world)
    work()
    give_up(state)
    assert replayed(one) == 1
    assert replayed(one) == 0
    work()
    assert ledger(str(alert.id)) == {"sent": 1}
    assert [headers["webhook-id"] for _, headers, _ in receiver.calls] == [f"{alert.id.hex}-1"] * 2
    with transaction() as session:
        assert session.execute(text("SELECT sent, bounced FROM batch")).all() == [(1, 0)]


def test_a_replay_is_of_one_receiver_and_of_the_alerts_that_are_named(
    world: World, receiver: Receiver, work: Work
) -> None:
    one, other = contact(world, receiver.address), contact(world, f"{receiver.address}/other")
    first, second = send(world), send(world, title="Bridge closed")
    work()
    give_up("temporary-failure")
    assert replayed(one, alert_id=first.id) == 1
    assert ledger(str(first.id)) == {"created": 1, "temporary-failure": 1}
    assert ledger(str(second.id)) == {"temporary-failure": 2}
    alter("UPDATE batch SET state = 'done'")
    alter(f"UPDATE alert SET approved_at = business_now() - interval '3 days' WHERE id = '{first.id}'")
    now = clock.now()
    assert replayed(other, since=now - timedelta(days=9), until=now - timedelta(days=4)) == 0
    assert replayed(other, since=now - timedelta(days=4), until=now - timedelta(days=1)) == 1
    assert ledger(str(second.id)) == {"temporary-failure": 2}
    alter("UPDATE batch SET state = 'done'")
    assert replayed(other, since=now - timedelta(days=1)) == 1
    assert ledger(str(second.id)) == {"created": 1, "temporary-failure": 1}


def test_alerts_that_are_over_are_not_replayed(world: World, receiver: Receiver, work: Work) -> None:
    one = contact(world, receiver.address)
    expired, cancelled = send(world), send(world)
    work()
    give_up("temporary-failure")
    alter(f"UPDATE alert SET expires_at = business_now() WHERE id = '{expired.id}'")
    alter(f"UPDATE alert SET state = 'cancelled' WHERE id = '{cancelled.id}'")
    assert replayed(one) == 0


def test_what_was_under_way_when_a_receiver_was_disabled_is_replayed_once_it_is_enabled(
    world: World, receiver: Receiver, work: Work
) -> None:
    one = contact(world, receiver.address)
    missed = send(world)
    worker_loop.expand_alert(missed.id)
    note(gone=[one])
    work()
    assert ledger(str(missed.id)) == {"suppressed": 1}
    with pytest.raises(WebhookReceiverSuppressed):
        replayed(one)
    with transaction() as session:
        webhook_receivers.enable(session, one, actor="test")
    assert replayed(one) == 1
    work()
    assert ledger(str(missed.id)) == {"sent": 1}
    assert len(receiver.calls) == 1


def test_whoever_had_left_by_then_gets_nothing_again(world: World, receiver: Receiver, work: Work) -> None:
    one = contact(world, receiver.address)
    alert = send(world)
    worker_loop.expand_alert(alert.id)
    alter("UPDATE subscription SET ended_at = business_now(), ended_reason = 'test'")
    work()
    assert ledger(str(alert.id)) == {"suppressed": 1}
    assert replayed(one) == 0
    assert receiver.calls == []


def test_a_worker_disables_a_receiver_that_is_gone(world: World, receiver: Receiver, work: Work) -> None:
    one = contact(world, receiver.address)
    receiver.status = 410
    send(world)
    work()
    assert health(one).disabled_reason == GONE
    assert suppressions() == [("hard-bounce", "webhook: 410", True)]


def test_a_worker_notes_a_receiver_that_fails_and_comes_back_to_it_by_the_schedule(
    world: World, receiver: Receiver, work: Work
) -> None:
    one, other = contact(world, receiver.address), contact(world, receiver.address + "/other")
    receiver.status, receiver.headers = 503, {"retry-after": "900"}
    send(world)
    work()
    assert health(one).last_failure_reason == health(other).last_failure_reason == "The receiver answered 503."
    with transaction() as session:
        due = "SELECT extract(epoch FROM due_at - business_now())::float FROM batch"
        assert 890 < session.execute(text(due)).scalar_one() <= 900
