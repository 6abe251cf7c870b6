"""What providers answered for a slice of a batch, kept in memory and in the journal until the ledger has it."""

import logging
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Self, TypeVar

from sqlalchemy.exc import OperationalError
from sqlmodel import Session

from notify.core import process_counters
from notify.core.db import transaction
from notify.deliveries import journal, leases, retry_pauses, service, webhook_receivers
from notify.deliveries.batch_size import Pace
from notify.deliveries.message_content import Recipient
from notify.deliveries.models import DeliveryState
from notify.deliveries.receipts import learn_refused
from notify.deliveries.service import Advice, Claim, Result

log = logging.getLogger(__name__)
T = TypeVar("T")

RECORD_PATIENCE_S = 30.0
RECORD_EVERY_S = 2.0  # when sending is slow; an officer looks on
YIELD_SECONDS = 1.0


class SliceResults:
    """The results of a slice until they are recorded, in memory and in the journal."""

    def __init__(self, held: Claim, kept: journal.Journal) -> None:
        self._held = held
        self._journal = kept
        self._results: list[Result] = []
        self._recorded_at = time.monotonic()
        self._advice = Advice(may_go_on=True)
        self.withdrawn = threading.Event()
        self.wishes = retry_pauses.Wishes()
        self.was_tried = False
        self.was_held_back = False

    def extend(self, results: Iterable[Result]) -> None:
        """Keep results as they become known, and record them now and then when they come slowly."""
        for result in results:
            leases.progress(self._held.lease)
            self.wishes.hear(result)
            self.was_tried |= not result.was_held_back
            self.was_held_back |= result.was_held_back
            if result.was_held_back:
                continue  # nothing happened to it, so there is nothing to record
            self._journal.note(result)
            self._results.append(result)
            if result.at - self._recorded_at > RECORD_EVERY_S and not self._with_patience(self._record).may_go_on:
                self.withdrawn.set()  # cancelled, say: what is under way ends, the rest stays here

    def record(self) -> None:
        """Write the results, whether or not the batch may go on."""
        self._with_patience(self._record)

    def _measure(self) -> None:
        """Count how long after approval each of these was sent."""
        waits = [self._held.age_s + r.at - self._held.claimed for r in self._results if r.state == DeliveryState.SENT]
        process_counters.observe_all("notify_time_to_send_seconds", waits, lane=self._held.lane.value)

    def record_and_go_on(self, after: int, pace: Pace) -> tuple[Sequence[Recipient], Sequence[Result]] | None:
        """Write the results and read the next slice, in one transaction. None: the batch must not go on."""

        def work(session: Session) -> tuple[Sequence[Recipient], Sequence[Result]] | None:
            if not self._record(session).may_go_on or leases.stopping.is_set():
                return None
            return service.next_slice(session, self._held, after=after, size=pace.size_for(self._advice))

        if self._advice.should_yield:
            leases.stopping.wait(YIELD_SECONDS)
        return self._with_patience(work)

    def _record(self, session: Session) -> Advice:
        if self._results:
            self._advice = service.record(session, self._held, self._results)
            learn(session, self._held, self._results)
        return self._advice

    def _with_patience(self, work: Callable[[Session], T]) -> T:
        """Wait for a database that restarts: what was sent must not be sent again."""
        deadline = time.monotonic() + RECORD_PATIENCE_S
        while True:
            try:
                with transaction() as session:
                    answer = work(session)
                self._measure()
                self._results, self._recorded_at = [], time.monotonic()
                return answer
            except OperationalError:
                if time.monotonic() > deadline:
                    raise
                log.warning("database away, results wait", extra={"alert": self._held.alert_id})
                time.sleep(0.5)

    def __enter__(self) -> Self:
        leases.open_slice(self.withdrawn)
        return self

    def __exit__(self, *_: object) -> None:
        leases.close_slice(self.withdrawn)


def learn(session: Session, held: Claim, results: Sequence[Result]) -> None:
    """Remember what these results say of receivers and addresses."""
    webhook_receivers.learn(session, held, results)
    learn_refused(session, held, results)
