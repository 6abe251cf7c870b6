"""The worker loop: claim, compile, send, record. No transaction is open while a provider is called."""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.exc import OperationalError
from sqlmodel import Session

from notify.alerts.models import Alert
from notify.alerts.publishing.page_addresses import page_path
from notify.alerts.queries import titles_of_what_is_over
from notify.channels import Channel
from notify.core import jobs, process_counters
from notify.core.db import transaction
from notify.core.jobs import Lane
from notify.deliveries import batches, fan_out, journal, leases, reconciliation, retry_pauses, service
from notify.deliveries.batch_size import Pace
from notify.deliveries.message_content import AlertContent
from notify.deliveries.provider_calls import send_messages
from notify.deliveries.receipts import simulate_receipts
from notify.deliveries.service import Claim
from notify.deliveries.slice_results import SliceResults, learn
from notify.staff.council_settings.effective import council_settings
from notify.subscribers.models import Topic

log = logging.getLogger(__name__)

HEAD_START_S = 0.03
PACES = {channel: Pace() for channel in Channel}
CONTENT_SECONDS = 60.0  # the Date of its mails is that old at most
CONTENTS_KEPT = 20
_contents: dict[UUID, tuple[float, AlertContent]] = {}
_contents_lock = threading.Lock()


def expand_alert(alert_id: UUID) -> int:
    """Write the ledger of an alert that is to be sent; for how many. Zero if someone else does or did."""
    with transaction() as session:
        recipients = fan_out.expand(session, alert_id)
    log.info("alert expanded", extra={"alert": alert_id, "recipients": recipients})
    return recipients


def start_alert(alert_id: UUID) -> None:
    """Expand an alert, and send its first batch without waiting for another job."""
    with transaction() as session:
        recipients = fan_out.expand(session, alert_id)
        first = batches.claim_first(session, alert_id) if recipients else None
        kept = journal.Journal(first) if first else None
        hints = jobs.noted(session)
    log.info("alert expanded", extra={"alert": alert_id, "recipients": recipients})
    # the other workers are called a moment later: until then the first message has the machine to itself
    calling = threading.Timer(HEAD_START_S, jobs.send, (hints,))
    calling.start()
    if first is not None and kept is not None:
        _send(first, kept)
        with transaction() as session:
            service.analyze(session)
    calling.join()


def send_next(lane: Lane) -> bool:
    """Send the batch of this lane whose turn it is. False: nothing is due, or it is held by others.

    An alert that still waits to be expanded comes first: its own job may wait behind those of a big one.
    """
    with transaction() as session:
        waiting = reconciliation.next_to_expand(session, lane)
    if waiting is not None:
        start_alert(waiting)
    return _claim_and_send(lambda session: batches.claim_next(session, lane))


def send_batch(batch_id: UUID) -> bool:
    """Send this batch. False: it is not due, or someone else has it."""
    return _claim_and_send(lambda session: batches.claim(session, batch_id))


def _claim_and_send(claim: Callable[[Session], Claim | None]) -> bool:
    with transaction() as session:
        held = claim(session)
        kept = journal.Journal(held) if held else None  # before the commit: a claim that nobody knows of waits long
    return held is not None and kept is not None and _send(held, kept)


def _send(held: Claim, kept: journal.Journal) -> bool:
    leases.progress(held.lease)
    try:
        _send_claimed(held, kept)
        kept.close()
    except BaseException:
        kept.abandon()  # it frees the batch, as after a death
        raise
    finally:
        leases.drop(held.lease)
    with transaction() as session:  # its own: two last batches must see each other's end
        service.finish_alert(session, held.alert_id)
    return True


def _send_claimed(held: Claim, kept: journal.Journal) -> None:
    if held.former_lease and journal.is_alive(held.former_lease):
        with transaction() as session:
            batches.leave(session, held)  # whoever lost this lease lives, and knows what it sent
        return
    if held.deaths:
        recover_orphans()  # what the dead worker sent, if it lived on this machine
    with transaction() as session:
        given_up = batches.isolate(session, held)
        words = _content(session, held.alert_id)
    if given_up:
        return
    end = _send_slices(words, held, kept)
    if words.alert.is_test:
        with transaction() as session:
            simulate_receipts(session, held)
    with transaction() as session:
        batches.release(session, held, pause_s=end.pause_s, was_tried=end.was_tried, is_complete=end.is_complete)


def recover_orphans() -> int:
    """Record what workers of this machine had sent when they died, and free what they held; how many batches.

    A journal that cannot be recorded is set aside; its batch is free when the lease runs out. Raises: OperationalError.
    """
    recovered = 0
    for orphan in journal.orphans():
        extra = {"batch": orphan.held.batch_id, "sends": len(orphan.results)}
        try:
            with transaction() as session:
                if orphan.results:
                    service.record(session, orphan.held, orphan.results)
                    learn(session, orphan.held, orphan.results)
                batches.give_up_for_dead(session, orphan.held)
        except OperationalError:
            raise  # the database is away: the journal stays for another look
        except Exception:  # the worker's edge: one journal must not hold up the others
            log.exception("a dead worker's journal cannot be recorded", extra=extra)
            orphan.set_aside()
            continue
        log.warning("recovered a dead worker's batch", extra=extra)
        process_counters.count("notify_recovered_batches_total")
        recovered += 1
    return recovered


@dataclass(frozen=True, slots=True)
class _End:
    """How long what was deferred should wait, in seconds; whether any provider was asked, and for all of the batch."""

    pause_s: float
    was_tried: bool = True
    is_complete: bool = False


def _send_slices(words: AlertContent, held: Claim, kept: journal.Journal) -> _End:
    """Send slice after slice until nothing is left or the batch must stop."""
    after = 0
    pace = PACES[held.channel]
    with SliceResults(held, kept) as slice_:
        while (found := slice_.record_and_go_on(after, pace)) is not None:
            recipients, refused = found
            if not recipients and not refused:
                pause_s = retry_pauses.pause_after(held.attempts, held.lane, held.channel)
                return _End(max(pause_s, slice_.wishes.seconds), is_complete=True)
            after = max([*(one.number for one in recipients), *(one.number for one in refused)])
            started = time.monotonic()
            slice_.extend(refused)
            slice_.extend(send_messages(words, held, recipients, slice_.withdrawn))
            pace.learn(len(recipients), time.monotonic() - started)
            if slice_.was_held_back and not leases.stopping.is_set():  # no provider may be asked now: nor for the rest
                slice_.record()
                return _End(max(retry_pauses.SHORTEST_PAUSE_S, slice_.wishes.seconds), was_tried=slice_.was_tried)
        return _End(0.0)


def _content(session: Session, alert_id: UUID) -> AlertContent:
    """What the alert says; kept for the next batches, because nothing in it changes once it is being sent."""
    with _contents_lock:
        known = _contents.get(alert_id)
        if known and time.monotonic() - known[0] < CONTENT_SECONDS:
            return known[1]
    alert = session.get_one(Alert, alert_id)
    topic = session.get_one(Topic, alert.topic_id)
    own = council_settings(session, alert.council_id)
    words = AlertContent(alert, topic, own, titles_of_what_is_over(session, alert), page_path(session, alert))
    with _contents_lock:
        _contents[alert_id] = (time.monotonic(), words)
        while len(_contents) > CONTENTS_KEPT:
            _contents.pop(next(iter(_contents)))
    return words
