"""Workers for the machine: the real engine, with providers that do as the test says."""

import re
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from enum import Enum
from itertools import cycle, repeat
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Row, text
from sqlmodel import Session

from notify.alerts.service import start_due
from notify.core import jobs
from notify.core.db import transaction
from notify.core.jobs import Job, Lane
from notify.deliveries import bounce_brake, holds, journal, leases, reconciliation, slice_results, worker_loop
from notify.deliveries import service as ledger
from notify.providers import registry
from notify.providers.base import Channel, Message
from tests import moments
from tests.alerts.lifecycle.model import (
    ENDED,
    FINAL,
    RECEIPT_MAY_FOLLOW,
    TAKES,
    Alert,
    Audience,
    Delivery,
    Model,
    Word,
    check_events,
)
from tests.alerts.lifecycle.pigeons import Death, Pigeon, answer

LANES = (Lane.EMERGENCY, Lane.ROUTINE)
MOST_TURNS = 500


class Meanwhile(Enum):
    """What happens while a provider has a message in its hands."""

    NOTHING = "nothing"
    CANCELLED = "the alert is cancelled"
    HELD = "the alert is put on hold"
    LEAVES = "the worker is told to leave"
    OTHER = "another worker has its turn"
    RECEIPT = "a receipt for an earlier message outruns the worker's own note"
    LATE = "its lease runs out, and a worker of the same machine has its turn"
    STALLS = "its lease runs out, and a worker of another machine has its turn"


class Event(Enum):
    """What happens to everybody, sooner or later."""

    CHORES = "the scheduler looks round"
    TIME = "time passes"
    A_DAY = "a day passes"
    JOURNALS = "journals of the dead are found"
    LEASES = "leases of the dead run out"
    FIRE = "machines of the dead burn, and their journals with them"


Script = Sequence[tuple[Word, Meanwhile]]
SMOOTHLY = (Word.ACCEPTS, Meanwhile.NOTHING)


def sql(statement: str, **values: object) -> Sequence[Row[Any]]:
    """Rows of the database, or a change of it that time or fate makes."""
    with transaction() as session:
        found = session.connection().execute(text(statement), values)
        return found.all() if found.returns_rows else []


def _finish_alerts(session: Session) -> None:
    for alert_id in reconciliation.alerts_to_finish(session):
        ledger.finish_alert(session, alert_id)


class Workers:
    """Everything that works without being asked. The rest of the world comes in by `cancel`, `hold` and `report`."""

    def __init__(
        self,
        model: Model,
        change: pytest.MonkeyPatch,
        *,
        cancel: Callable[[Alert], None],
        hold: Callable[[Alert], None],
        report: Callable[[Delivery, str], None],
        mails: list[tuple[Delivery, str]],
    ) -> None:
        self.model, self.change = model, change
        self.cancel, self.hold, self.report = cancel, hold, report
        self.mails = mails
        self._script: Iterator[tuple[Word, Meanwhile]] = iter(())
        self._records_at_once = False
        self._runs: list[list[Delivery]] = []  # of each worker under way: whom it wrote to
        self._broken: Exception | None = None
        self._receipts = cycle(sorted(RECEIPT_MAY_FOLLOW))
        self._audiences: dict[Alert, Audience] = {}
        self._elsewhere = journal.folder().with_name("elsewhere")
        self.pigeons: Sequence[Pigeon] = ()
        self.time_passes()
        change.setattr(slice_results, "YIELD_SECONDS", 0.0)
        change.setattr(worker_loop, "HEAD_START_S", 0.0)
        change.setattr(registry, "providers_for", self._providers_for)

    def _providers_for(self, channel: Channel, _lane: Lane = Lane.ROUTINE, **_chosen: object) -> Sequence[Pigeon]:
        return [pigeon for pigeon in self.pigeons if pigeon.channel == channel]

    # what workers do

    def expand(self, alert: Alert, how: str = "once") -> None:
        """Write the ledger of the alert: once, twice, or by two workers at the same moment."""
        self._foresee()
        times = 1 if how == "once" else 2
        if how == "at once":
            with ThreadPoolExecutor(times) as threads:
                list(threads.map(worker_loop.expand_alert, repeat(alert.id, times)))
        else:
            for _ in range(times):
                worker_loop.expand_alert(alert.id)
        self._read_new_ledgers()

    def work(self, lane: Lane, script: Script = (), *, at_once: bool = False) -> bool:
        """One worker's turn; whether there was anything to do. `at_once`: every result is recorded as it comes."""
        return self._step(lambda: worker_loop.send_next(lane), script, at_once=at_once)

    def start(self, alert: Alert, script: Script = (), *, at_once: bool = False) -> None:
        """A worker is told to expand the alert, and begins to send it."""
        self._step(lambda: worker_loop.start_alert(alert.id), script, at_once=at_once)

    def _step(self, work: Callable[[], bool | None], script: Script, *, at_once: bool) -> bool:
        self._script, self._records_at_once = iter(script), at_once
        self.change.setattr(slice_results, "RECORD_EVERY_S", -1.0 if at_once else 3600.0)
        self.model.begin_step()
        worked = self._turn(work)
        leases.stopping.clear()
        if self._broken:
            raise self._broken
        self._read_new_ledgers()
        self.check()
        self.model.end_step()
        return worked

    def _turn(self, work: Callable[[], bool | None]) -> bool:
        if self._runs:
            self._look_under_way()
        self._runs.append([])
        self._foresee()
        try:
            return bool(work())
        except Death:
            self.model.die(self._runs[-1])
            return True
        finally:
            self._runs.pop()

    def _foresee(self) -> None:
        """Whom the alerts that wait to be expanded would reach now."""
        for alert in self.model.alerts:
            if alert.state == "sending" and alert.deliveries is None:
                self._audiences[alert] = self.model.audience(alert)

    def _read_new_ledgers(self) -> None:
        """Read what was expanded since, and complain unless exactly those are in it who ought to be."""
        for alert, expected in list(self._audiences.items()):
            if not sql("SELECT 1 FROM alert WHERE id = :a AND expanded_at IS NOT NULL", a=alert.id):
                continue
            del self._audiences[alert]
            rows = sql("SELECT number, contact_id, channel FROM delivery WHERE alert_id = :a", a=alert.id)
            found = {row.contact_id: row.channel for row in rows}
            meant = {contact: channel for contact, (_resident, channel, _contact) in expected.items()}
            assert found == meant, f"{alert.title} of {alert.author} reaches {found}; expected {meant}"
            assert sorted(row.number for row in rows) == list(range(1, len(found) + 1))
            alert.deliveries = {row.number: Delivery(alert, row.number, *expected[row.contact_id]) for row in rows}
            self.model.begin_step(alert)

    def _asked(self, message: Message) -> str:
        """A provider is handed a message. A complaint of the model ends the worker: else the engine would hide it."""
        try:
            self._read_new_ledgers()
            delivery = self.model.delivery(message.reference)
            self.model.require_may_leave(delivery, message.address, message.subject)
            word, meanwhile = next(self._script, SMOOTHLY)
            self._runs[-1].append(delivery)
            lease_was_lost = self._let_happen(meanwhile, delivery, word)
            self.model.hear(delivery, word, lease_was_lost=lease_was_lost)
        except Exception as broken:
            self._broken = self._broken or broken
        if self._broken:
            raise Death
        if word in TAKES and (link := re.search(rb"/u/[\w-]+", re.sub(rb"\r\n[ \t]", b"", message.mime))):
            self.mails.append((delivery, link[0].decode()))
        return answer(word)

    def _let_happen(self, meanwhile: Meanwhile, delivery: Delivery, word: Word) -> bool:
        """Whether the worker under way lost its lease to somebody who knows nothing of what it did."""
        # a worker learns what became of its batch when it records the next result
        learns_at_once = self._records_at_once and len(self._runs) == 1 and word in FINAL
        if meanwhile in (Meanwhile.CANCELLED, Meanwhile.HELD):
            delivery.alert.slow_stop |= not learns_at_once
            (self.cancel if meanwhile is Meanwhile.CANCELLED else self.hold)(delivery.alert)
        if meanwhile is Meanwhile.LEAVES:
            leases.stop()
        if meanwhile is Meanwhile.RECEIPT:
            self._outrun()
        if meanwhile in (Meanwhile.OTHER, Meanwhile.LATE) and len(self._runs) == 1:
            if meanwhile is Meanwhile.LATE:
                self.leases_run_out()
            self._turn(lambda: worker_loop.send_next(delivery.alert.lane))
        if meanwhile is Meanwhile.STALLS and learns_at_once:
            self._stall(delivery.alert)
        return meanwhile is Meanwhile.STALLS and learns_at_once

    def _outrun(self) -> None:
        taken = [one for one in self._runs[-1] if one.takings]
        if taken:
            self._look_under_way()
            self.report(taken[-1], next(self._receipts))

    def _look_under_way(self) -> None:
        self._read_new_ledgers()
        self.check(under_way=True)

    def _stall(self, alert: Alert) -> None:
        """The worker under way is silent for so long that a worker of another machine has its turn with its batch."""
        for earlier in self._runs[0][:-1]:
            if earlier.unsure and earlier.state == "created":
                self.model.forget(earlier, forever=False)
        alert.deaths += 1
        self.leases_run_out()
        with pytest.MonkeyPatch.context() as change:
            change.setattr(journal, "folder", lambda: self._elsewhere)
            self._turn(lambda: worker_loop.send_next(alert.lane))
            worker_loop.recover_orphans()

    def happens(self, what: Event) -> None:
        """One of the things that nobody means to do."""
        {
            Event.CHORES: self.do_chores,
            Event.TIME: self.time_passes,
            Event.A_DAY: self.a_day_passes,
            Event.JOURNALS: self.recover,
            Event.LEASES: self.leases_run_out,
            Event.FIRE: self.lose_journals,
        }[what]()
        self.check()

    def recover(self) -> None:
        """The journals of dead workers are read."""
        self.model.begin_step()
        worker_loop.recover_orphans()
        self.check()
        self.model.recover()

    def lose_journals(self) -> None:
        """Nobody will ever read them."""
        for path in journals():
            path.unlink()
        self.model.lose_journals()

    # what time does

    def leases_run_out(self) -> None:
        """Of those who died, and of those who stalled."""
        sql("UPDATE batch SET lease_until = now() - interval '1 second' WHERE state = 'leased'")

    def time_passes(self) -> None:
        """Long enough for everything that waits for another try; providers are well again. The queue is lost, too."""
        sql("UPDATE batch SET due_at = business_now() WHERE state = 'queued' AND due_at > business_now()")
        jobs.sending_broker().client.flushall()
        self.pigeons = [Pigeon(channel, self._asked) for channel in (Channel.EMAIL, Channel.SMS)]
        self.model.paused.clear()

    def a_day_passes(self) -> None:
        """For all that is under way: the next try is the last one."""
        sql("UPDATE alert SET expanded_at = expanded_at - interval '25 hours' WHERE state = 'sending'")
        for alert in self.model.alerts:
            alert.old |= alert.state == "sending" and alert.deliveries is not None
        self.time_passes()

    def do_chores(self) -> None:
        """What the scheduler does every few seconds."""
        for task in (start_due, reconciliation.reconcile, _finish_alerts, bounce_brake.look, holds.lift_needless):
            with transaction() as session:
                task(session)
        self.model.start_due()

    # what must be true

    def check(self, *, under_way: bool = False) -> None:
        """Compare the ledger with the model. `under_way`: workers have not written everything yet."""
        rows = sql("SELECT alert_id, number, state, unsure FROM delivery")
        assert len(rows) == sum(1 for _ in self.model.deliveries())
        by_id = {alert.id: alert for alert in self.model.alerts}
        for row in rows:
            delivery = (by_id[row.alert_id].deliveries or {})[row.number]
            self.model.see(delivery, row.state, unsure=row.unsure, under_way=under_way)
        for row in sql("SELECT id, state, recipients FROM alert"):
            alert = by_id.pop(row.id)
            deliveries = alert.deliveries
            if row.state == "sent" and alert.state == "sending" and deliveries is not None:
                assert all(one.state in ENDED for one in deliveries.values()), f"{alert.title} is not at its end"
                alert.state = "sent"
            assert row.state == alert.state, f"{alert.title} is {row.state}; expected {alert.state}"
            assert row.recipients == (None if deliveries is None else len(deliveries))
        assert not by_id, f"{by_id} is missing"

    def settle(self) -> None:
        """Work until nothing is left to do, with providers that take everything; complain if that has no end."""
        moments.restore()
        for _ in range(4 + 2 * len(self.model.alerts)):
            for what in (Event.JOURNALS, Event.LEASES, Event.TIME, Event.CHORES):
                self.happens(what)
            self._expand_all()
            for _ in range(MOST_TURNS):
                if not any([self.work(lane) for lane in LANES]):
                    break
            if not sql("SELECT 1 FROM batch WHERE state IN ('queued', 'leased') LIMIT 1"):
                break
        self.happens(Event.CHORES)
        self._check_end()

    def _expand_all(self) -> None:
        for lane in LANES:
            with transaction() as session:
                found = reconciliation.unstarted(session, lane)
            for item in found:
                assert item.job == Job.EXPAND_ALERT
                self.expand(next(one for one in self.model.alerts if one.id == UUID(item.args[0])))

    def _check_end(self) -> None:
        for alert in self.model.alerts:
            assert alert.state != "sending", f"{alert.title} has no end"
        for one in self.model.deliveries():
            assert one.state in ENDED, f"{one} is {one.state} in the end"
            assert one.takings or one.state not in ("sent", "delivered") or one.alert.is_test, f"{one} reached nobody"
        told: dict[tuple[UUID, int], list[str]] = {}
        for row in sql("""
            SELECT e.alert_id, n, e.kind FROM event e, generate_series(e.number, coalesce(e.number_to, e.number)) n
            ORDER BY e.id
        """):
            told.setdefault((row.alert_id, row.n), []).append(row.kind)
        check_events(self.model, told)
        assert sql(COUNTED_WRONGLY) == []


COUNTED_WRONGLY = """
    SELECT * FROM (SELECT alert_id, sum(sent) AS sent, sum(bounced) AS bounced
                   FROM batch GROUP BY alert_id) b
    JOIN (SELECT alert_id, count(*) FILTER (WHERE sent_at IS NOT NULL AND state <> 'permanent-failure') AS h,
                 count(*) FILTER (WHERE state = 'permanent-failure') AS p
          FROM delivery GROUP BY alert_id) d USING (alert_id)
    WHERE (b.sent, b.bounced) <> (d.h, d.p)
"""


def journals() -> list[Any]:
    """The files that workers left behind."""
    return [path for path in journal.folder().iterdir() if path.is_file()] if journal.folder().exists() else []
