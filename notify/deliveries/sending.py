"""The loop between the transactions: claim, compile, hand over, record. No transaction is open during a hand-over."""

import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Self, TypeVar
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from sqlmodel import Session, col, select, update

from notify import clock, jobs, meters
from notify.alerts.models import Alert
from notify.db import transaction
from notify.deliveries import batches, content, holds, journal, reconcile, service
from notify.deliveries.content import AlertContent, Recipient
from notify.deliveries.models import DeliveryState
from notify.deliveries.service import Advice, Claim, Result
from notify.jobs import Lane
from notify.providers import registry
from notify.providers.base import Accepted, Channel, Deferred, Message, Outcome, Provider, Refused, Unknown
from notify.staff.models import Council
from notify.subscribers.links import issue_link
from notify.subscribers.models import Contact, Notice, NoticeState, Subscriber, Subscription, Topic
from notify.subscribers.queries import is_suppressed

log = logging.getLogger(__name__)
T = TypeVar("T")

HEAD_START_S = 0.03
RECORD_PATIENCE_S = 30.0
RECORD_EVERY_S = 2.0  # when hand-overs are slow; an officer looks on
STUCK_SECONDS = 120.0  # an adapter that says nothing for so long loses its lease; ours all give up long before
NOTICE_ATTEMPTS = 8

stopping = threading.Event()  # set when this process is to end: give back what is held, quickly


def expand_alert(alert_id: UUID) -> int:
    """Write the ledger of an alert that is to be sent; for how many. Zero if somebody else does or did."""
    with transaction() as session:
        recipients = service.expand(session, alert_id)
    log.info("alert expanded", extra={"alert": alert_id, "recipients": recipients})
    return recipients


def start_alert(alert_id: UUID) -> None:
    """Expand an alert, and hand over its first batch without waiting for another job."""
    with transaction() as session:
        recipients = service.expand(session, alert_id)
        first = batches.claim_first(session, alert_id) if recipients else None
        hints = jobs.noted(session)
    log.info("alert expanded", extra={"alert": alert_id, "recipients": recipients})
    # the other workers are called a moment later: until then the first message has the machine to itself
    calling = threading.Timer(HEAD_START_S, jobs.send, (hints,))
    calling.start()
    if first is not None:
        _send(first)
        with transaction() as session:
            service.analyze(session)
    calling.join()


def send_next(lane: Lane) -> bool:
    """Hand over the batch of this lane whose turn it is. False: nothing is due, or it is held by others.

    An alert that still waits to be expanded comes first: its own job may wait behind those of a big one.
    """
    with transaction() as session:
        waiting = reconcile.next_to_expand(session, lane)
    if waiting is not None:
        start_alert(waiting)
    with transaction() as session:
        held = batches.claim_next(session, lane)
    return held is not None and _send(held)


def send_batch(batch_id: UUID) -> bool:
    """Hand over this batch. False: it is not due, or somebody else has it."""
    with transaction() as session:
        held = batches.claim(session, batch_id)
    return held is not None and _send(held)


def _send(held: Claim) -> bool:
    if held.deaths:
        recover_orphans()  # what the dead worker handed over, if it lived on this machine
    with transaction() as session:
        given_up = batches.isolate(session, held)
        words = _content(session, held.alert_id)
    if not given_up:
        end = _send_slices(words, held)
        with transaction() as session:
            batches.release(session, held, pause_s=end.pause_s, was_tried=end.was_tried)
    with transaction() as session:  # its own: two last batches must see each other's end
        service.finish_alert(session, held.alert_id)
    return True


_in_hand: dict[UUID, float] = {}  # leases, and when there was progress last


def keep_leases() -> None:
    """Prolong what this process has in hand and gets on with. To be called several times in the life of a lease."""
    recently = time.monotonic() - STUCK_SECONDS
    if leases := [lease for lease, progress in list(_in_hand.items()) if progress > recently]:
        with transaction() as session:
            batches.prolong(session, leases)


def recover_orphans() -> int:
    """Record what workers of this machine had handed over when they died, and free what they held; how many batches."""
    recovered = 0
    for orphan in journal.orphans():
        with transaction() as session:
            if orphan.results:
                service.record(session, orphan.held, orphan.results)
            batches.give_up_for_dead(session, orphan.held)
        log.warning(
            "recovered a dead worker's batch",
            extra={"batch": orphan.held.batch_id, "hand_overs": len(orphan.results)},
        )
        meters.count("notify_recovered_batches_total")
        recovered += 1
    return recovered


@dataclass(frozen=True, slots=True)
class _End:
    """How long what was deferred should wait, in seconds, and whether any provider was asked at all."""

    pause_s: float
    was_tried: bool


def _send_slices(words: AlertContent, held: Claim) -> _End:
    """Hand over slice after slice until nothing is left or the batch must stop."""
    after = 0
    pace = _paces[held.channel]
    with _Slice(held) as slice_:
        while (found := slice_.record_and_go_on(after, pace)) is not None:
            recipients, refused = found
            if not recipients and not refused:
                pause_s = (
                    batches.pause_after(held.attempts, held.lane) if slice_.was_tried else batches.SHORTEST_PAUSE_S
                )
                return _End(max(pause_s, slice_.wish_s), slice_.was_tried)
            after = max([*(one.number for one in recipients), *(one.number for one in refused)])
            started = time.monotonic()
            slice_.extend(refused)
            slice_.extend(_hand_over(words, held, recipients, slice_.withdrawn))
            pace.learn(len(recipients), time.monotonic() - started)
        return _End(0.0, was_tried=True)


class _Slice:
    """The results of a slice until they are recorded, in memory and in the journal."""

    def __init__(self, held: Claim) -> None:
        self._held = held
        self._journal = journal.Journal(held)
        self._results: list[Result] = []
        self._recorded_at = time.monotonic()
        self._advice = Advice(may_go_on=True)
        self.withdrawn = threading.Event()
        self.wish_s = 0.0  # the longest wait that a provider asked for
        self.was_tried = False

    def extend(self, results: Iterable[Result]) -> None:
        """Keep results as they become known, and record them now and then when they come slowly."""
        for result in results:
            self._journal.note(result)
            _in_hand[self._held.lease] = time.monotonic()
            self._results.append(result)
            self.wish_s = max(self.wish_s, result.retry_after_s or 0.0)
            self.was_tried |= not result.was_held_back
            if result.at - self._recorded_at > RECORD_EVERY_S and not self._with_patience(self._record).may_go_on:
                self.withdrawn.set()  # cancelled, say: what is under way ends, the rest stays here

    def _measure(self) -> None:
        """Count how long after approval each of these was handed over."""
        waits = [self._held.age_s + r.at - self._held.claimed for r in self._results if r.state == DeliveryState.SENT]
        meters.observe_all("notify_hand_over_seconds", waits, lane=self._held.lane.value)

    def record_and_go_on(self, after: int, pace: "Pace") -> tuple[Sequence[Recipient], Sequence[Result]] | None:
        """Write the results and read the next slice, in one transaction. None: the batch must not go on."""

        def work(session: Session) -> tuple[Sequence[Recipient], Sequence[Result]] | None:
            if not self._record(session).may_go_on or stopping.is_set():
                return None
            return service.next_slice(session, self._held, after=after, size=pace.size_for(self._advice))

        if self._advice.should_yield:
            stopping.wait(YIELD_SECONDS)
        return self._with_patience(work)

    def _record(self, session: Session) -> Advice:
        if self._results:
            self._advice = service.record(session, self._held, self._results)
        return self._advice

    def _with_patience(self, work: Callable[[Session], T]) -> T:
        """Wait for a database that restarts: what was handed over must not be handed over again."""
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
        _in_hand[self._held.lease] = time.monotonic()
        return self

    def __exit__(self, error: type[BaseException] | None, *_: object) -> None:
        """Forget the journal when everything is recorded; after an error it frees the batch, as after a death."""
        _in_hand.pop(self._held.lease, None)
        if error is None:
            self._journal.close()
        else:
            self._journal.abandon()


class Pace:
    """How many deliveries make a slice: what the channel took lately in about a second.

    A slice is the time between two looks at cancellation, consent and suppression, and between two writes.
    """

    def __init__(self) -> None:
        self.size = FIRST_SLICE

    def learn(self, handed_over: int, seconds: float) -> None:
        """Take the last slice's speed into account, at most doubling."""
        if handed_over:
            fitting = int(handed_over * SLICE_SECONDS / max(seconds, 0.001))
            self.size = max(SMALLEST_SLICE, min(fitting, 2 * self.size, LARGEST_SLICE))

    def size_for(self, advice: Advice) -> int:
        """How many to take next: few while an emergency needs the machine, the relay and the database."""
        return SMALLEST_SLICE if advice.should_yield else self.size


SLICE_SECONDS = 1.0
YIELD_SECONDS = 1.0
SMALLEST_SLICE, FIRST_SLICE, LARGEST_SLICE = 20, 50, 500
_paces = {channel: Pace() for channel in Channel}


def _content(session: Session, alert_id: UUID) -> AlertContent:
    """What the alert says; kept for the next batches, because nothing in it changes once it is being sent."""
    with _contents_lock:
        known = _contents.get(alert_id)
        if known and time.monotonic() - known[0] < CONTENT_SECONDS:
            return known[1]
    alert = session.get_one(Alert, alert_id)
    topic = session.get_one(Topic, alert.topic_id)
    words = AlertContent(alert, topic, session.get_one(Council, alert.council_id).name)
    with _contents_lock:
        _contents[alert_id] = (time.monotonic(), words)
        while len(_contents) > CONTENTS_KEPT:
            _contents.pop(next(iter(_contents)))
    return words


CONTENT_SECONDS = 60.0  # the Date of its mails is that old at most
CONTENTS_KEPT = 20
_contents: dict[UUID, tuple[float, AlertContent]] = {}
_contents_lock = threading.Lock()


def _hand_over(
    words: AlertContent, held: Claim, recipients: Sequence[Recipient], withdrawn: threading.Event
) -> Iterator[Result]:
    """What the providers say of each message. A message that cannot be made fails alone."""
    messages: list[Message] = []
    by_reference: dict[str, Recipient] = {}
    for recipient in recipients:
        by_reference[recipient.reference] = recipient
        try:
            messages.append(words.message(recipient, withdrawn))
        except Exception as error:  # the worker's edge: one bad row must not hold up the others
            log.exception("message could not be made", extra={"reference": recipient.reference})
            yield Result(recipient.number, DeliveryState.TECHNICAL_FAILURE, reason=type(error).__name__)
    if not messages:
        return
    if words.alert.is_test:
        yield from (
            Result(by_reference[m.reference].number, DeliveryState.SENT, "test", at=time.monotonic()) for m in messages
        )
        return
    providers = registry.providers_for(held.channel)
    for provider, outcome in registry.hand_over(providers, messages, lane=held.lane):
        yield _result(by_reference[outcome.reference], provider, outcome, held)


def _result(recipient: Recipient, provider: Provider, outcome: Outcome, held: Claim) -> Result:
    now, number = time.monotonic(), recipient.number
    match outcome:
        case Accepted(provider_reference=reference):
            return Result(number, DeliveryState.SENT, provider.name, reference or None, at=now)
        case Refused(reason=reason):
            return Result(number, DeliveryState.PERMANENT_FAILURE, provider.name, reason=reason, at=now)
        case Deferred(reason=reason, retry_after_s=wait, was_held_back=held_back):
            return Result(number, None, provider.name, reason=reason, retry_after_s=wait, was_held_back=held_back)
        case Unknown(reason=reason):
            state = DeliveryState.UNKNOWN if _is_enough(recipient, held) else None
            return Result(number, state, provider.name, reason=reason, unsure=True)


def _is_enough(recipient: Recipient, held: Claim) -> bool:
    """Whether to leave a message alone that may have arrived. A second text costs money and worries people.

    A repeated e-mail has the same Message-ID and a repeated webhook the same webhook-id, so receivers can tell.
    """
    return held.channel == Channel.SMS and held.lane != Lane.EMERGENCY and recipient.is_unsure


def send_notice(notice_id: UUID) -> None:
    """Send one confirmation or sign-in message. Its link is made now and never stored readable."""
    with transaction() as session:
        made = _claim_notice(session, notice_id)
    if made is None:
        return
    notice, message, channel = made
    [(_, outcome)] = registry.hand_over(registry.providers_for(channel), [message])
    with transaction() as session:
        _settle_notice(session, notice, outcome)


def _claim_notice(session: Session, notice_id: UUID) -> tuple[Notice, Message, Channel] | None:
    notice = session.exec(
        update(Notice)
        .where(
            col(Notice.id) == notice_id,
            col(Notice.state).in_([NoticeState.CREATED, NoticeState.SENDING]),  # due again: its worker died
            col(Notice.expires_at) > clock.now(),
            col(Notice.due_at) <= clock.now(),
            text(f"NOT {holds.NOTICES_ON_HOLD}"),
        )
        .values(state=NoticeState.SENDING, attempts=col(Notice.attempts) + 1, due_at=clock.now() + timedelta(minutes=1))
        .returning(Notice)
    ).scalar_one_or_none()
    contact = session.get(Contact, notice.contact_id) if notice else None
    if notice is None or contact is None:
        return None
    if is_suppressed(session, contact.address_hash):
        session.execute(update(Notice).where(col(Notice.id) == notice.id).values(state=NoticeState.FAILED))
        return None
    subscriber = session.get_one(Subscriber, contact.subscriber_id)
    message = content.notice_message(
        notice.kind,
        channel=contact.channel,
        address=contact.address,
        reference=notice.id.hex,
        url=content.notice_url(notice.kind, issue_link(session, contact.id, notice.kind)),
        language=subscriber.language,
        council_name=_council_names(session, subscriber.id),
    )
    return notice, message, contact.channel


def _council_names(session: Session, subscriber_id: UUID) -> str:
    """The councils whose topics this resident chose, for the message's sender and subject."""
    names = session.exec(
        select(Council.name)
        .join(Topic, col(Topic.council_id) == col(Council.id))
        .join(Subscription, col(Subscription.topic_id) == col(Topic.id))
        .where(Subscription.subscriber_id == subscriber_id)
        .distinct()
        .order_by(Council.name)
    ).all()
    return " / ".join(names) or "your council"


def _settle_notice(session: Session, notice: Notice, outcome: Outcome) -> None:
    """Sent, failed for good, or due again in a minute, then two, then four…"""
    state, pause = NoticeState.SENT, timedelta()
    if isinstance(outcome, Refused) or (isinstance(outcome, Deferred) and notice.attempts >= NOTICE_ATTEMPTS):
        state = NoticeState.FAILED
    elif isinstance(outcome, Deferred):
        state, pause = NoticeState.CREATED, timedelta(seconds=5 * 2**notice.attempts)
    session.execute(update(Notice).where(col(Notice.id) == notice.id).values(state=state, due_at=clock.now() + pause))
