"""Hypothesis lives the lives of alerts: people decide, residents come and go, workers send, die and are forgotten.

People use the public door, workers the engine, both on the real database; the providers are the test's own, and a model
in plain Python (`lifecycle/model.py`) says after every step what may have left and what the ledger must say.

    NOTIFY_LIFECYCLE_STEPS=10000 python -m pytest -s tests/alerts/test_lifecycle_machine.py

takes that many steps, in longer lives than `make test` has time for, and prints what happened in them.
"""

import os
import sys
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    MultipleResults,
    initialize,
    invariant,
    multiple,
    precondition,
    rule,
    run_state_machine_as_test,
)

from notify.core.db import transaction
from notify.core.jobs import Lane
from notify.deliveries import holds
from notify.providers.base import Channel
from tests import moments
from tests.alerts.calls import Client, Headers, act, post_alert
from tests.alerts.lifecycle.model import DEAD, EMERGENCIES, RECEIPT_MAY_FOLLOW, Alert, Delivery, Word
from tests.alerts.lifecycle.town import ADMIN, AUTHOR, COLLEAGUE, PEOPLE, REHEARSER, TOPICS, Town
from tests.alerts.lifecycle.workers import LANES, Event, Meanwhile, Script, Workers, journals, sql
from tests.conftest import empty_database
from tests.world import NORTH, SOUTH, at_the_desk

WORDS = [*[Word.ACCEPTS] * 4, *Word]
SCRIPTS = st.lists(
    st.tuples(st.sampled_from(WORDS), st.just(Meanwhile.NOTHING) | st.sampled_from(Meanwhile)), max_size=5
)
STEPS, LIVES = 30, 25
STEPS_OF_A_LONG_LIFE = 60


class Lives(Town):
    """A town with alerts and workers."""

    alerts: Bundle[Alert] = Bundle("alerts")

    def __init__(self, client: Client, change: pytest.MonkeyPatch, seen: Counter[str]) -> None:
        super().__init__(client)
        self.seen = seen
        self.workers = Workers(
            self.model,
            change,
            cancel=lambda alert: self._decide(alert, ADMIN, "cancel"),
            hold=lambda alert: self._hold(alert.id),
            report=self._report,
            mails=self.mails,
        )

    # people who write and decide

    @initialize(target=alerts, topics=st.lists(st.sampled_from(TOPICS), min_size=1, max_size=3))
    def something_is_under_way(self, topics: list[str]) -> MultipleResults[Alert]:
        """Emergencies overtake the rest."""
        urgent = {EMERGENCIES: Lane.EMERGENCY}
        return multiple(*(self._publish(topic, urgent.get(topic, Lane.ROUTINE)) for topic in topics))

    @rule(
        target=alerts,
        who=st.sampled_from(PEOPLE),
        topic=st.sampled_from(TOPICS),
        lane=st.sampled_from(LANES),
        wards=st.none() | st.sampled_from([(NORTH,), (SOUTH,), (NORTH, SOUTH)]),
        channels=st.sampled_from([("email", "sms"), ("email",), ("sms",)]),
        send_later=st.booleans(),
        is_to_expire=st.booleans(),
        send=st.booleans(),
    )
    def drafts(self, who: str, topic: str, lane: Lane, send: bool, **fields: Any) -> Alert:  # noqa: ANN401
        """An alert, in the twinkling of an eye twice: the second request is the first one's repetition."""
        return self._draft(who, topic, lane, send, **fields)

    def _draft(
        self,
        who: str,
        topic: str,
        lane: Lane,
        send: bool,
        *,
        wards: tuple[str, ...] | None = None,
        channels: tuple[str, ...] = ("email", "sms"),
        send_later: bool = False,
        is_to_expire: bool = False,
    ) -> Alert:
        fields: dict[str, Any] = {
            "title": f"Alert {len(self.model.alerts) + 1}",
            "topic": topic,
            "priority": lane.value,
            "channels": channels,
            "send": send,
            "audience": {"wards": wards} if wards else None,
            "send_at": in_hours(1) if send_later else None,
            "expires_at": in_hours(5) if is_to_expire else None,
        }
        key = uuid4().hex
        headers = self._headers(who, lane)
        replies = [post_alert(self.client, headers, key=key, **fields) for _ in range(2)]
        assert [reply.status_code for reply in replies] == [201, 201], replies[0].text
        assert replies[0].json() == replies[1].json()
        alert = Alert(
            id=UUID(replies[0].json()["id"]),
            title=fields["title"],
            topic=topic,
            lane=lane,
            author=who,
            channels=frozenset(Channel(channel) for channel in channels),
            wards=frozenset(wards) if wards else None,
            is_test=who == REHEARSER,
            is_from_test_key=who == REHEARSER,
            send_later=send_later,
        )
        self.model.alerts.append(alert)
        if send:
            self.model.done(alert, who, "submit")
        return alert

    @rule(
        target=alerts,
        topic=st.sampled_from(TOPICS),
        lane=st.sampled_from(LANES),
        script=st.none() | SCRIPTS,
        at_once=st.booleans(),
    )
    def is_published(self, topic: str, lane: Lane, script: Script | None, at_once: bool) -> Alert:
        """An alert that everybody agrees to, and that workers find soon and perhaps begin to send."""
        return self._publish(topic, lane, script, at_once)

    def _publish(self, topic: str, lane: Lane, script: Script | None = None, at_once: bool = False) -> Alert:
        alert = self._draft(AUTHOR, topic, lane, send=True)
        for who in (COLLEAGUE, ADMIN)[: alert.needed]:
            self._decide(alert, who, "approve")
        if script is None:
            self.workers.expand(alert)
        else:
            self.workers.start(alert, script, at_once=at_once)
        return alert

    @rule(alert=alerts, who=st.sampled_from(PEOPLE), verb=st.sampled_from(["submit", "approve", "reject", "cancel"]))
    def somebody_decides(self, alert: Alert, who: str, verb: str) -> None:
        """Whether it is theirs to decide or not."""
        self._decide(alert, who, verb)

    def _decide(self, alert: Alert, who: str, verb: str) -> None:
        expected = self.model.decide(alert, who, verb, is_test=who == REHEARSER)
        reason = {"reason": "The date is wrong."} if verb == "reject" else None
        reply = act(self.client, self._headers(who, alert.lane), str(alert.id), verb, reason)
        assert reply.status_code == expected, f"{verb}: {reply.text}"

    def _headers(self, who: str, lane: Lane) -> Headers:
        """A key; about an emergency they come to the desk, except the rehearser, who is a program."""
        is_at_the_desk = lane == Lane.EMERGENCY and who != REHEARSER
        return at_the_desk(self.headers[who]) if is_at_the_desk else self.headers[who]

    @rule(target=alerts, first=alerts, who=st.sampled_from(PEOPLE), is_all_clear=st.booleans())
    def follows_up(self, first: Alert, who: str, is_all_clear: bool) -> MultipleResults[Alert]:
        """News for those who got the first alert; the all-clear stops what is left of it."""
        title = f"Alert {len(self.model.alerts) + 1}"
        verb = "all-clear" if is_all_clear else "update"
        reply = act(
            self.client, self._headers(who, first.lane), str(first.id), verb, {"title": title, "body": "It changed."}
        )
        is_test = who == REHEARSER
        if is_test and not first.is_test and reply.status_code == 403:
            return multiple()  # a rehearsal must not stop what is real
        if first.state not in ("sending", "sent", "cancelled") or first.deliveries is None:
            assert reply.status_code == 409, reply.text
            return multiple()
        assert reply.status_code == 201, reply.text
        alert = Alert(
            id=UUID(reply.json()["id"]),
            title=title,
            topic=first.topic,
            lane=first.lane,
            author=who,
            channels=first.channels,
            wards=None,
            is_test=is_test or first.is_test,
            is_from_test_key=is_test,
            first=first,
            is_all_clear=is_all_clear,
        )
        self.model.alerts.append(alert)
        self.model.done(alert, who, "submit")
        return multiple(alert)

    @precondition(lambda self: self.model.alerts)
    @rule(alert=alerts, states=st.sets(st.sampled_from(sorted(DEAD)), min_size=1))
    def retries(self, alert: Alert, states: set[str]) -> None:
        """Another try for what was given up on."""
        expected = self.model.may_retry(alert)
        reply = act(self.client, self.headers[ADMIN], str(alert.id), "retry", {"states": sorted(states)})
        assert reply.status_code == expected, reply.text
        if expected != 200:
            return
        dead = {number: one for number, one in (alert.deliveries or {}).items() if one.state in states}
        again = sql("SELECT number FROM delivery WHERE alert_id = :a AND state = 'created'", a=alert.id)
        numbers = {row.number for row in again} & set(dead)
        assert reply.json() == {"deliveries": len(numbers), "under_way": len(dead) - len(numbers)}
        assert len(numbers) == len(dead) or alert.state == "sending"
        for number in numbers:
            self.model.retried(dead[number])

    # those who run the installation

    @rule(alert=alerts, lane=st.none() | st.sampled_from(LANES), is_alert=st.booleans())
    def is_put_on_hold(self, alert: Alert, lane: Lane | None, is_alert: bool) -> None:
        """An alert, a lane or everything."""
        self._hold(alert.id if is_alert else lane)

    def _hold(self, what: UUID | Lane | None) -> None:
        self.ask("POST", "queue/hold", scope(what) | {"reason": "Wait."}, expected=200)
        self.model.holds.add(what)

    @precondition(lambda self: self.model.holds)
    @rule(which=st.integers(0, 9))
    def releases(self, which: int) -> None:
        """One of the holds."""
        what = sorted(self.model.holds, key=str)[which % len(self.model.holds)]
        reply = self.ask("POST", "queue/release", scope(what), expected=200)
        assert len(reply.json()["released"]) == 1
        self.model.holds.remove(what)

    # time, workers and their ends

    @rule(alert=alerts, expires=st.booleans())
    def its_time_has_come(self, alert: Alert, expires: bool) -> None:
        """To be sent if it was to be sent later, or to be forgotten."""
        column = "expires_at" if expires else "send_at"
        sql(f"UPDATE alert SET {column} = business_now() - interval '10 minutes' WHERE id = :a", a=alert.id)
        alert.expired |= expires
        alert.send_later &= expires
        alert.overdue &= expires

    @rule(alert=alerts)
    def its_time_passes_unnoticed(self, alert: Alert) -> None:
        """Nobody was there for hours. Emergencies are sent all the same."""
        sql(
            """UPDATE alert SET send_at = business_now() - interval '2 hours',
                                created_at = business_now() - interval '3 hours'
               WHERE id = :a AND state IN ('draft', 'submitted', 'rejected', 'scheduled')""",
            a=alert.id,
        )
        alert.send_later, alert.overdue = False, alert.lane != Lane.EMERGENCY

    @rule(alert=alerts, who=st.sampled_from(PEOPLE))
    def somebody_sends_it_late(self, alert: Alert, who: str) -> None:
        """What was held because its time had passed."""
        expected = self.model.send_late(alert, is_test=who == REHEARSER)
        reply = act(self.client, self._headers(who, alert.lane), str(alert.id), "send-late")
        assert reply.status_code == expected, reply.text

    @rule(what=st.sampled_from(Event), skew_s=st.sampled_from([0, -90, 90]))
    def it_happens(self, what: Event, skew_s: int) -> None:
        """Nobody meant it. The machine's clock is wrong most of the time."""
        moments.ahead(seconds=skew_s)
        self.workers.happens(what)

    @rule(alert=alerts, how=st.sampled_from(["once", "twice", "at once"]))
    def is_expanded(self, alert: Alert, how: str) -> None:
        """Whether it is time for that or not."""
        self.workers.expand(alert, how)

    @rule(lane=st.sampled_from(LANES), script=SCRIPTS, at_once=st.booleans())
    def a_worker_works(self, lane: Lane, script: Script, at_once: bool) -> None:
        """Its next batch, or one of the other lane if there is none."""
        if not self.workers.work(lane, script, at_once=at_once):
            self.workers.work(LANES[1 - LANES.index(lane)], script, at_once=at_once)

    @rule(
        scripts=st.lists(SCRIPTS, min_size=2, max_size=4),
        between=st.none() | st.sampled_from(Event),
        at_once=st.booleans(),
    )
    def several_workers_work(self, scripts: list[Script], between: Event | None, at_once: bool) -> None:
        """One after another, wherever there is work."""
        for script in scripts:
            self.a_worker_works(lane=Lane.EMERGENCY, script=script, at_once=at_once)
            if between:
                self.workers.happens(between)

    @precondition(lambda self: any(one.takings for one in self.model.deliveries()))
    @rule(which=st.integers(0, 20), state=st.sampled_from(sorted(RECEIPT_MAY_FOLLOW)))
    def a_receipt_comes(self, which: int, state: str) -> None:
        """About a message that a provider has taken, as often as it likes, and often before our own note of it."""
        taken = [one for one in self.model.deliveries() if one.takings]
        taken.sort(key=lambda one: not one.late)
        self._report(taken[which % len(taken)], state)

    def _report(self, delivery: Delivery, state: str) -> None:
        body = f"{delivery.alert.id.hex}-{delivery.number} {state}"
        reply = self.client.post(f"/api/v1/webhooks/{delivery.channel}-pigeon", content=body)
        assert reply.status_code == 200, reply.text
        assert reply.json()["changed"] == int(self.model.take_receipt(delivery, state))

    # what must be true

    @invariant()
    def the_ledger_is_right(self) -> None:
        """After every step."""
        self.seen["steps"] += 1
        self.workers.check()

    def teardown(self) -> None:
        """In the end everything comes to its end, unless something was wrong before."""
        try:
            if sys.exc_info()[0] is None:
                with transaction() as session:
                    holds.release_all(session, actor="test")
                self.model.holds.clear()
                self.workers.settle()
                self.seen["lives"] += 1
                for one in self.model.deliveries():
                    self.seen[one.state] += 1
                    self.seen["doubles, excused"] += max(0, one.takings - 1)
        finally:
            for path in journals():
                path.unlink()
            empty_database()


def in_hours(hours: int) -> str:
    """A moment so many hours from now."""
    return (moments.present() + timedelta(hours=hours)).isoformat()


def scope(what: UUID | Lane | None) -> dict[str, str]:
    """An alert, a lane or everything, as the door wants it."""
    if isinstance(what, UUID):
        return {"alert": str(what)}
    return {"lane": what.value} if what else {}


def test_alerts_live_as_they_ought_to(
    client: Client, choose: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    choose(BATCH_SIZE="3")
    asked = int(os.environ.get("NOTIFY_LIFECYCLE_STEPS", "0"))
    steps = STEPS_OF_A_LONG_LIFE if asked else STEPS
    seen = Counter[str]()

    class Here(Lives):
        def __init__(self) -> None:
            super().__init__(client, monkeypatch, seen)

    chosen = settings(
        max_examples=-(-asked // steps) or LIVES,
        stateful_step_count=steps,
        deadline=None,
        print_blob=True,
        derandomize=not asked,  # the gate walks the same lives; NOTIFY_LIFECYCLE_STEPS looks for others
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
    )
    run_state_machine_as_test(Here, settings=chosen)
    if asked:
        print(", ".join(f"{number} {what}" for what, number in seen.most_common()))
