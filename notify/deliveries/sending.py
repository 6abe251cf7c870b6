"""The loop between the transactions: claim, compile, hand over, record. No transaction is open during a hand-over."""

import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Self, TypeVar
from uuid import UUID

from sqlalchemy.exc import OperationalError
from sqlmodel import Session

from notify import jobs, meters
from notify.alerts.models import Alert
from notify.alerts.queries import titles_of_what_is_over
from notify.channels import CHANNELS, Channel, CostUnit
from notify.db import transaction
from notify.deliveries import batches, endpoints, expansion, journal, reconcile, service
from notify.deliveries.content import AlertContent, Recipient
from notify.deliveries.models import DeliveryState
from notify.deliveries.pace import Pace
from notify.deliveries.reasons import cleaned, printable
from notify.deliveries.receipts import learn_refused, simulate_receipts
from notify.deliveries.service import Advice, Claim, Result
from notify.jobs import Lane
from notify.providers import registry, sandbox, segments
from notify.providers.base import Accepted, Deferred, Message, Outcome, Provider, Refused, Unknown, send_one
from notify.providers.unset import Unset
from notify.staff.models import Council
from notify.subscribers.models import Topic

log = logging.getLogger(__name__)
T = TypeVar("T")

HEAD_START_S = 0.03
RECORD_PATIENCE_S = 30.0
LONGEST_WISH_S = 3600.0  # then a provider is asked again whether it still wishes so
RECORD_EVERY_S = 2.0  # when hand-overs are slow; an officer looks on
STUCK_SECONDS = 120.0  # an adapter that says nothing for so long loses its lease; ours all give up long before

stopping = threading.Event()  # set when this process is to end: give back what is held, quickly


def expand_alert(alert_id: UUID) -> int:
    """Write the ledger of an alert that is to be sent; for how many. Zero if somebody else does or did."""
    with transaction() as session:
        recipients = expansion.expand(session, alert_id)
    log.info("alert expanded", extra={"alert": alert_id, "recipients": recipients})
    return recipients


def start_alert(alert_id: UUID) -> None:
    """Expand an alert, and hand over its first batch without waiting for another job."""
    with transaction() as session:
        recipients = expansion.expand(session, alert_id)
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
    """Hand over the batch of this lane whose turn it is. False: nothing is due, or it is held by others.

    An alert that still waits to be expanded comes first: its own job may wait behind those of a big one.
    """
    with transaction() as session:
        waiting = reconcile.next_to_expand(session, lane)
    if waiting is not None:
        start_alert(waiting)
    return _claim_and_send(lambda session: batches.claim_next(session, lane))


def send_batch(batch_id: UUID) -> bool:
    """Hand over this batch. False: it is not due, or somebody else has it."""
    return _claim_and_send(lambda session: batches.claim(session, batch_id))


def _claim_and_send(claim: Callable[[Session], Claim | None]) -> bool:
    with transaction() as session:
        held = claim(session)
        kept = journal.Journal(held) if held else None  # before the commit: a claim that nobody knows of waits long
    return held is not None and kept is not None and _send(held, kept)


def _send(held: Claim, kept: journal.Journal) -> bool:
    _in_hand[held.lease] = time.monotonic()
    try:
        _hand_over_batch(held, kept)
        kept.close()
    except BaseException:
        kept.abandon()  # it frees the batch, as after a death
        raise
    finally:
        _in_hand.pop(held.lease, None)
    with transaction() as session:  # its own: two last batches must see each other's end
        service.finish_alert(session, held.alert_id)
    return True


def _hand_over_batch(held: Claim, kept: journal.Journal) -> None:
    if held.former_lease and journal.is_alive(held.former_lease):
        with transaction() as session:
            batches.leave(session, held)  # whoever lost this lease lives, and knows what it handed over
        return
    if held.deaths:
        recover_orphans()  # what the dead worker handed over, if it lived on this machine
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


_in_hand: dict[UUID, float] = {}  # leases, and when there was progress last
_open: set[threading.Event] = set()  # of each slice under way: set when the rest of it is to stay here


def stop() -> None:
    """End soon: what is under way ends, the rest is given back."""
    stopping.set()
    for withdrawn in list(_open):
        withdrawn.set()


def keep_leases() -> None:
    """Prolong what this process has in hand and gets on with. To be called several times in the life of a lease."""
    recently = time.monotonic() - STUCK_SECONDS
    if leases := [lease for lease, progress in list(_in_hand.items()) if progress > recently]:
        with transaction() as session:
            batches.prolong(session, leases)


def recover_orphans() -> int:
    """Record what workers of this machine had handed over when they died, and free what they held; how many batches.

    A journal that cannot be recorded is set aside; its batch is free when the lease runs out. Raises: OperationalError.
    """
    recovered = 0
    for orphan in journal.orphans():
        extra = {"batch": orphan.held.batch_id, "hand_overs": len(orphan.results)}
        try:
            with transaction() as session:
                if orphan.results:
                    service.record(session, orphan.held, orphan.results)
                    _learn(session, orphan.held, orphan.results)
                batches.give_up_for_dead(session, orphan.held)
        except OperationalError:
            raise  # the database is away: the journal stays for another look
        except Exception:  # the worker's edge: one journal must not hold up the others
            log.exception("a dead worker's journal cannot be recorded", extra=extra)
            orphan.set_aside()
            continue
        log.warning("recovered a dead worker's batch", extra=extra)
        meters.count("notify_recovered_batches_total")
        recovered += 1
    return recovered


@dataclass(frozen=True, slots=True)
class _End:
    """How long what was deferred should wait, in seconds; whether any provider was asked, and for all of the batch."""

    pause_s: float
    was_tried: bool = True
    is_complete: bool = False


def _send_slices(words: AlertContent, held: Claim, kept: journal.Journal) -> _End:
    """Hand over slice after slice until nothing is left or the batch must stop."""
    after = 0
    pace = _paces[held.channel]
    with _Slice(held, kept) as slice_:
        while (found := slice_.record_and_go_on(after, pace)) is not None:
            recipients, refused = found
            if not recipients and not refused:
                pause_s = batches.pause_after(held.attempts, held.lane, held.channel)
                return _End(max(pause_s, slice_.wishes.seconds), is_complete=True)
            after = max([*(one.number for one in recipients), *(one.number for one in refused)])
            started = time.monotonic()
            slice_.extend(refused)
            slice_.extend(_hand_over(words, held, recipients, slice_.withdrawn))
            pace.learn(len(recipients), time.monotonic() - started)
            if slice_.was_held_back and not stopping.is_set():  # no provider may be asked now: nor for the rest
                slice_.record()
                return _End(max(batches.SHORTEST_PAUSE_S, slice_.wishes.seconds), was_tried=slice_.was_tried)
        return _End(0.0)


class _Slice:
    """The results of a slice until they are recorded, in memory and in the journal."""

    def __init__(self, held: Claim, kept: journal.Journal) -> None:
        self._held = held
        self._journal = kept
        self._results: list[Result] = []
        self._recorded_at = time.monotonic()
        self._advice = Advice(may_go_on=True)
        self.withdrawn = threading.Event()
        self.wishes = batches.Wishes()
        self.was_tried = False
        self.was_held_back = False

    def extend(self, results: Iterable[Result]) -> None:
        """Keep results as they become known, and record them now and then when they come slowly."""
        for result in results:
            _in_hand[self._held.lease] = time.monotonic()
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
        """Count how long after approval each of these was handed over."""
        waits = [self._held.age_s + r.at - self._held.claimed for r in self._results if r.state == DeliveryState.SENT]
        meters.observe_all("notify_hand_over_seconds", waits, lane=self._held.lane.value)

    def record_and_go_on(self, after: int, pace: Pace) -> tuple[Sequence[Recipient], Sequence[Result]] | None:
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
            _learn(session, self._held, self._results)
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
        _open.add(self.withdrawn)
        return self

    def __exit__(self, *_: object) -> None:
        _open.discard(self.withdrawn)


def _learn(session: Session, held: Claim, results: Sequence[Result]) -> None:
    """Remember what these results say of receivers and addresses."""
    endpoints.learn(session, held, results)
    learn_refused(session, held, results)


YIELD_SECONDS = 1.0
_paces = {channel: Pace() for channel in Channel}


def _content(session: Session, alert_id: UUID) -> AlertContent:
    """What the alert says; kept for the next batches, because nothing in it changes once it is being sent."""
    with _contents_lock:
        known = _contents.get(alert_id)
        if known and time.monotonic() - known[0] < CONTENT_SECONDS:
            return known[1]
    alert = session.get_one(Alert, alert_id)
    topic = session.get_one(Topic, alert.topic_id)
    council_name = session.get_one(Council, alert.council_id).name
    words = AlertContent(alert, topic, council_name, titles_of_what_is_over(session, alert))
    with _contents_lock:
        _contents[alert_id] = (time.monotonic(), words)
        while len(_contents) > CONTENTS_KEPT:
            _contents.pop(next(iter(_contents)))
    return words


CONTENT_SECONDS = 60.0  # the Date of its mails is that old at most
CONTENTS_KEPT = 20
_contents: dict[UUID, tuple[float, AlertContent]] = {}
_contents_lock = threading.Lock()
_UNSET = Unset()


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
    parts = _parts(held.channel, messages)
    for provider, outcome in _told(messages, held, is_test=words.alert.is_test):
        result = _result(by_reference[outcome.reference], provider, outcome, held)
        yield replace(result, parts=parts[outcome.reference]) if parts else result


def _told(messages: Sequence[Message], held: Claim, *, is_test: bool) -> Iterator[tuple[Provider, Outcome]]:
    """What providers say of each message; of a test key's the sandbox alone, which no breaker and no rate is for.

    A simulated resident's messages never leave, whoever sends them.
    """
    box, others = sandbox.of(held.channel), []
    for message in messages:
        if is_test or sandbox.is_simulated(message.address):
            yield box, send_one(box, message)
        else:
            others.append(message)
    if not others:
        return
    providers = registry.providers_for(held.channel, held.lane) or [_UNSET]
    yield from registry.hand_over(providers, others, lane=held.lane)


def _parts(channel: Channel, messages: Sequence[Message]) -> Mapping[str, int]:
    """How many parts of a text each message is paid for as; empty where a message is a message."""
    if CHANNELS[channel].cost_unit is not CostUnit.PART:
        return {}
    counted = {text: segments.count(text).segments for text in {message.text for message in messages}}
    return {message.reference: counted[message.text] for message in messages}


def _result(recipient: Recipient, provider: Provider, outcome: Outcome, held: Claim) -> Result:
    now, number = time.monotonic(), recipient.number
    match outcome:
        case Accepted(provider_reference=reference):
            return Result(number, DeliveryState.SENT, provider.name, printable(reference), at=now)
        case Refused(reason=reason):
            return Result(number, DeliveryState.PERMANENT_FAILURE, provider.name, reason=cleaned(reason), at=now)
        case Deferred():
            is_own = outcome.is_address and CHANNELS[held.channel].is_own_service
            longest = batches.PAUSES_S[held.lane][1] if outcome.is_address and not is_own else LONGEST_WISH_S
            return Result(
                number,
                None,
                provider.name,
                reason=cleaned(outcome.reason),
                retry_after_s=min(
                    outcome.retry_after_s or 0.0, longest
                ),  # one address must not keep all others waiting
                was_held_back=outcome.was_held_back,
                is_own_wish=is_own,
            )
        case Unknown(reason=reason):
            state = DeliveryState.UNKNOWN if _is_enough(recipient, held) else None
            return Result(number, state, provider.name, reason=cleaned(reason), unsure=True)


def _is_enough(recipient: Recipient, held: Claim) -> bool:
    """Whether to leave a message alone that may have arrived. A second text costs money and worries people.

    A repeated e-mail has the same Message-ID and a repeated webhook the same webhook-id, so receivers can tell.
    """
    return held.channel == Channel.SMS and held.lane != Lane.EMERGENCY and recipient.is_unsure
