"""Approval, schedule, cancellation and what follows: who decides, in which state, and what then leaves."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from threading import Barrier
from typing import Any
from uuid import UUID

import pytest
from httpx import Response
from sqlalchemy import text

from notify.alerts.service import start_due
from notify.core.db import transaction
from notify.deliveries import worker_loop
from notify.deliveries.reconciliation import reconcile
from notify.staff.models import Role
from tests import moments
from tests.alerts.calls import (
    ONE,
    TWO,
    Client,
    Headers,
    act,
    created,
    post_alert,
    queued,
    state,
    stored_alerts,
    world_with_approvals,
)
from tests.mailbox import Mailbox
from tests.world import World, add_resident, make_key

Work = Callable[[], None]
NEWS = {"title": "News", "body": "It changed."}


@pytest.fixture
def world(client: Client) -> World:
    return world_with_approvals()


def in_the_database(statement: str) -> None:
    """Let time pass for the rows in the database."""
    with transaction() as session:
        session.execute(text(statement))


def start_what_is_due() -> int:
    """What the scheduler does every second."""
    with transaction() as session:
        return start_due(session)


def soon() -> str:
    """A moment an hour from now."""
    return (moments.present() + timedelta(hours=1)).isoformat()


def test_without_an_approval_rule_a_submitted_draft_goes(client: Client, world: World) -> None:
    draft = created(client, world.headers)
    assert queued() == 0
    assert act(client, world.headers, draft["id"], "submit").json()["state"] == "sending"
    assert queued() == 1
    again = act(client, world.headers, draft["id"], "submit")
    assert (again.status_code, again.json()["type"]) == (409, "/problems/wrong-state")
    assert queued() == 1


def test_with_one_approval_somebody_else_lets_it_go(client: Client, world: World) -> None:
    author, approver = make_key(world, Role.AUTHOR), make_key(world, Role.APPROVER)
    alert = created(client, author, topic=ONE, send=True)
    assert (alert["state"], queued()) == ("submitted", 0)
    assert act(client, author, alert["id"], "approve").status_code == 403
    approved = act(client, approver, alert["id"], "approve").json()
    assert (approved["state"], queued()) == ("sending", 1)
    assert approved["approved_at"]


@pytest.mark.parametrize("role", [Role.APPROVER, Role.PLANNER, Role.ADMIN])
def test_the_author_cannot_approve_whatever_their_role(client: Client, world: World, role: Role) -> None:
    author = make_key(world, role)
    alert = created(client, author, topic=ONE, send=True)
    refused = act(client, author, alert["id"], "approve")
    assert (refused.status_code, refused.json()["type"]) == (403, "/problems/author-cannot-approve")
    assert state(client, author, alert["id"]) == "submitted"


def test_two_approvals_are_two_peoples(client: Client, world: World) -> None:
    author, first, second = (make_key(world, role) for role in (Role.AUTHOR, Role.APPROVER, Role.ADMIN))
    alert = created(client, author, topic=TWO, send=True)
    assert act(client, first, alert["id"], "approve").json()["state"] == "submitted"
    twice = act(client, first, alert["id"], "approve")
    assert (twice.status_code, twice.json()["type"]) == (409, "/problems/wrong-state")
    assert (state(client, author, alert["id"]), queued()) == ("submitted", 0)
    assert act(client, second, alert["id"], "approve").json()["state"] == "sending"
    assert queued() == 1


def at_once(requests: Sequence[Callable[[], Response]]) -> list[int]:
    """The statuses of requests that are made at the same moment, lowest first."""
    start = Barrier(len(requests))

    def make(request: Callable[[], Response]) -> int:
        start.wait()
        return request().status_code

    with ThreadPoolExecutor(len(requests)) as threads:
        return sorted(threads.map(make, requests))


@pytest.mark.parametrize(("topic", "statuses"), [(ONE, [200, 409, 409, 409]), (TWO, [200, 200, 409, 409])])
def test_approvers_at_the_same_moment_send_it_once(
    client: Client, world: World, topic: str, statuses: list[int]
) -> None:
    alert = created(client, make_key(world, Role.AUTHOR), topic=topic, send=True)
    approvers = [make_key(world, Role.APPROVER) for _ in range(4)]
    requests = [partial(act, client, headers, alert["id"], "approve") for headers in approvers]
    assert at_once(requests) == statuses
    assert (state(client, world.headers, alert["id"]), queued()) == ("sending", 1)


def test_approval_and_cancellation_at_the_same_moment_leave_one_truth(client: Client, world: World) -> None:
    author, approver = make_key(world, Role.AUTHOR), make_key(world, Role.APPROVER)
    for _ in range(5):
        alert = created(client, author, topic=ONE, send=True)
        cancel = partial(act, client, author, alert["id"], "cancel")
        statuses = at_once([cancel, partial(act, client, approver, alert["id"], "approve")])
        assert state(client, author, alert["id"]) == "cancelled"
        assert statuses in ([200, 200], [200, 409])


def test_a_rejected_alert_goes_back_with_its_reason(client: Client, world: World) -> None:
    author, approver = make_key(world, Role.AUTHOR), make_key(world, Role.APPROVER)
    alert = created(client, author, topic=ONE, send=True)
    assert act(client, approver, alert["id"], "reject", {"reason": ""}).status_code == 422
    assert act(client, approver, alert["id"], "reject", {}).status_code == 422
    rejected = act(client, approver, alert["id"], "reject", {"reason": "The date is wrong."})
    assert rejected.json()["state"] == "rejected"
    assert act(client, make_key(world, Role.APPROVER), alert["id"], "approve").status_code == 409
    assert act(client, author, alert["id"], "submit").json()["state"] == "submitted"
    assert queued() == 0


def test_what_happened_to_an_alert_is_in_the_audit_trail(client: Client, world: World) -> None:
    author, approver = make_key(world, Role.AUTHOR), make_key(world, Role.APPROVER)
    alert = created(client, author, topic=ONE, send=True)
    act(client, approver, alert["id"], "reject", {"reason": "The date is wrong."})
    act(client, author, alert["id"], "cancel")
    with transaction() as session:
        rows = session.execute(
            text("SELECT action, actor, detail FROM audit_entry WHERE subject = :id ORDER BY id"), {"id": alert["id"]}
        ).all()
    assert [row.action for row in rows] == ["alert.create", "alert.submit", "alert.reject", "alert.cancel"]
    assert len({row.actor for row in rows}) == 2
    assert rows[2].detail == {"reason": "The date is wrong."}


@pytest.mark.parametrize("how", ["draft", "submitted", "scheduled", "sending"])
def test_until_all_is_sent_an_alert_can_be_cancelled(client: Client, world: World, how: str) -> None:
    fields: dict[str, dict[str, Any]] = {
        "draft": {},
        "submitted": {"topic": ONE, "send": True},
        "scheduled": {"send_at": soon(), "send": True},
        "sending": {"send": True},
    }
    alert = created(client, world.headers, **fields[how])
    assert alert["state"] == how
    assert act(client, world.headers, alert["id"], "cancel").json()["state"] == "cancelled"
    for verb in ("cancel", "submit"):
        assert act(client, world.headers, alert["id"], verb).status_code == 409


def test_a_sent_alert_cannot_be_called_back(client: Client, world: World, work: Work, mail: Mailbox) -> None:
    alert = created(client, world.headers, send=True)
    work()
    refused = act(client, world.headers, alert["id"], "cancel")
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/wrong-state")
    assert state(client, world.headers, alert["id"]) == "sent"


def test_an_alert_cancelled_before_its_expansion_reaches_nobody(
    client: Client, world: World, work: Work, inbox: Mailbox
) -> None:
    add_resident(world, "a@example.org")
    alert = created(client, world.headers, send_at=soon(), send=True)
    in_the_database("UPDATE alert SET send_at = business_now()")
    start_what_is_due()
    act(client, world.headers, alert["id"], "cancel")
    work()
    assert inbox.recipients() == {}
    assert state(client, world.headers, alert["id"]) == "cancelled"


def test_a_scheduled_alert_starts_when_its_time_has_come(
    client: Client, world: World, work: Work, inbox: Mailbox
) -> None:
    add_resident(world, "a@example.org")
    alert = created(client, world.headers, send_at=soon(), send=True)
    assert (alert["state"], queued(), start_what_is_due()) == ("scheduled", 0, 0)
    in_the_database("UPDATE alert SET send_at = business_now()")
    assert (start_what_is_due(), start_what_is_due()) == (1, 0)
    work()
    assert inbox.recipients() == {"a@example.org": 1}
    assert state(client, world.headers, alert["id"]) == "sent"


def test_the_schedule_follows_the_databases_clock_not_a_fast_machines(client: Client, world: World) -> None:
    created(client, world.headers, send_at=soon(), send=True)
    moments.ahead(days=1)
    assert start_what_is_due() == 0


def test_a_scheduled_alert_still_needs_its_approval(client: Client, world: World) -> None:
    alert = created(client, make_key(world, Role.AUTHOR), topic=ONE, send_at=soon(), send=True)
    in_the_database("UPDATE alert SET send_at = business_now()")
    assert (alert["state"], start_what_is_due()) == ("submitted", 0)
    assert act(client, world.headers, alert["id"], "approve").json()["state"] == "sending"


def test_a_time_to_send_in_the_past_is_now(client: Client, world: World) -> None:
    assert created(client, world.headers, send_at="2001-01-01T00:00:00Z", send=True)["state"] == "sending"


def test_an_alert_that_is_over_is_refused_at_every_step(client: Client, world: World) -> None:
    refused = post_alert(client, world.headers, expires_at="2001-01-01T00:00:00Z")
    assert (refused.status_code, refused.json()["type"]) == (422, "/problems/already-expired")
    assert stored_alerts() == 0
    draft = created(client, world.headers, expires_at=soon())
    submitted = created(client, make_key(world, Role.AUTHOR), topic=ONE, expires_at=soon(), send=True)
    in_the_database("UPDATE alert SET expires_at = business_now() - interval '1 second'")
    for alert, verb in ((draft, "submit"), (submitted, "approve")):
        reply = act(client, world.headers, alert["id"], verb)
        assert (reply.status_code, reply.json()["type"]) == (422, "/problems/already-expired")


@pytest.mark.parametrize("verb", ["update", "all-clear"])
def test_a_follow_up_goes_to_those_who_got_the_first(
    client: Client, world: World, work: Work, inbox: Mailbox, verb: str
) -> None:
    add_resident(world, "first@example.org")
    alert = created(client, world.headers, send=True)
    work()
    add_resident(world, "late@example.org")
    inbox.empty()
    reply = act(client, world.headers, alert["id"], verb, NEWS)
    follow_up = reply.json()
    assert (reply.status_code, follow_up["follows"], follow_up["follow_up"]) == (201, alert["id"], verb)
    work()
    assert inbox.recipients() == {"first@example.org": 1}
    assert [line["subject"] for line in inbox.lines()] == ["News"]


def make_due() -> None:
    """Let every batch that waits for another attempt be due."""
    with transaction() as session:
        session.execute(text("UPDATE batch SET due_at = business_now() WHERE state = 'queued'"))
    with transaction() as session:
        reconcile(session)


def test_an_update_waits_until_the_first_message_was_handed_over(
    client: Client, world: World, mail: Mailbox, inbox: Mailbox
) -> None:
    add_resident(world, "a@example.org")
    alert = created(client, world.headers, send=True)
    worker_loop.expand_alert(UUID(alert["id"]))
    update = act(client, world.headers, alert["id"], "update", NEWS).json()
    worker_loop.expand_alert(UUID(update["id"]))
    [of_first] = batches(alert["id"])
    [of_update] = batches(update["id"])
    worker_loop.send_batch(of_update)
    assert inbox.recipients() == {}
    worker_loop.send_batch(of_first)
    make_due()
    worker_loop.send_batch(of_update)
    assert [line["subject"] for line in inbox.lines()] == [one["title"] for one in (alert, NEWS)]


def test_an_all_clear_stops_the_warning_and_reaches_nobody_who_was_not_warned(
    client: Client, world: World, mail: Mailbox, inbox: Mailbox
) -> None:
    add_resident(world, "a@example.org")
    alert = created(client, world.headers, send=True)
    worker_loop.expand_alert(UUID(alert["id"]))
    all_clear = act(client, world.headers, alert["id"], "all-clear", NEWS).json()
    worker_loop.expand_alert(UUID(all_clear["id"]))
    for batch in [*batches(alert["id"]), *batches(all_clear["id"])]:
        worker_loop.send_batch(batch)
    assert inbox.recipients() == {}


def batches(alert_id: str) -> list[UUID]:
    """The batches of an alert, in order."""
    with transaction() as session:
        found = session.execute(text("SELECT id FROM batch WHERE alert_id = :a ORDER BY number_from"), {"a": alert_id})
        return list(found.scalars())


def test_nobody_hears_the_end_of_what_they_never_heard_of(
    client: Client, world: World, work: Work, inbox: Mailbox
) -> None:
    add_resident(world, "a@example.org")
    alert = created(client, world.headers, send=True)
    worker_loop.expand_alert(alert["id"])
    act(client, world.headers, alert["id"], "cancel")
    work()
    act(client, world.headers, alert["id"], "all-clear", NEWS)
    work()
    assert inbox.recipients() == {}


def test_a_follow_up_needs_a_first_that_was_sent(client: Client, world: World) -> None:
    draft = created(client, world.headers)
    refused = act(client, world.headers, draft["id"], "update", NEWS)
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/wrong-state")
    assert act(client, world.headers, draft["id"], "update", NEWS | {"channels": ["email"]}).status_code == 422


def test_a_follow_up_needs_the_topics_approval_too(client: Client, world: World, work: Work, mail: Mailbox) -> None:
    author: Headers = make_key(world, Role.AUTHOR)
    alert = created(client, author, topic=ONE, send=True)
    act(client, world.headers, alert["id"], "approve")
    work()
    assert act(client, author, alert["id"], "update", NEWS).json()["state"] == "submitted"
