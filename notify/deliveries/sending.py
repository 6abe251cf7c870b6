"""The loop between the transactions: claim, compile, hand over, record. No transaction is open during a hand-over."""

import logging
import threading
import time
from collections.abc import Iterator, Sequence
from datetime import timedelta
from itertools import chain
from uuid import UUID

from sqlalchemy.exc import OperationalError
from sqlmodel import Session, col, select, update

from notify import clock
from notify.alerts.models import Alert
from notify.db import transaction
from notify.deliveries import content, service
from notify.deliveries.content import AlertContent, Recipient
from notify.deliveries.models import DeliveryState
from notify.deliveries.service import Claim, Result
from notify.providers import registry
from notify.providers.base import Accepted, Channel, Deferred, Message, Outcome, Provider, Refused
from notify.settings import settings
from notify.staff.models import Council
from notify.subscribers.links import issue_link
from notify.subscribers.models import Contact, Notice, NoticeState, Subscriber, Subscription, Topic
from notify.subscribers.queries import is_suppressed

log = logging.getLogger(__name__)

SLICE = 100  # deliveries between two looks at cancellation and suppression
RECORD_PATIENCE_S = 30.0
NOTICE_ATTEMPTS = 8


def expand_alert(alert_id: UUID) -> None:
    """Write the ledger of an alert that is to be sent."""
    with transaction() as session:
        recipients = service.expand(session, alert_id)
    log.info("alert expanded", extra={"alert": alert_id, "recipients": recipients})


stopping = threading.Event()  # set when this process is to end: give back what is held, quickly


def send_batch(batch_id: UUID) -> None:
    """Hand over everything of a batch that may still be sent, if no other worker has it."""
    with transaction() as session:
        held = service.claim(session, batch_id)
        words = _content(session, held.alert_id) if held else None
    if held is None or words is None:
        return
    pause_s = _send_slices(words, held)
    with transaction() as session:
        service.release(session, held, pause_s=pause_s)
    with transaction() as session:  # its own: two last batches must see each other's end
        service.finish_alert(session, held.alert_id)


def _send_slices(words: AlertContent, held: Claim) -> float:
    """Hand over slice after slice; how many seconds what was deferred should wait."""
    after, pause_s = 0, service.pause_after(held.attempts)
    while not stopping.is_set():
        with transaction() as session:
            recipients, refused = service.next_slice(session, held, after=after, size=SLICE)
        if not recipients and not refused:
            return pause_s
        after = max([*(one.number for one in recipients), *(one.number for one in refused)])
        for results in _in_time(chain(refused, _hand_over(words, recipients))):
            pause_s = max([pause_s, *(result.retry_after_s or 0 for result in results)])
            if not _record_surely(held, results):
                return pause_s
    return 0.0


def _in_time(results: Iterator[Result]) -> Iterator[Sequence[Result]]:
    """The results in few pieces, but none of them later than a quarter of the lease."""
    patience_s = settings().lease_seconds / 4
    piece: list[Result] = []
    started = time.monotonic()
    for result in results:
        piece.append(result)
        if time.monotonic() - started > patience_s:
            yield piece
            piece, started = [], time.monotonic()
    if piece:
        yield piece


def _record_surely(held: Claim, results: Sequence[Result]) -> bool:
    """Write the results, waiting for a database that restarts: what was handed over must not be handed over again."""
    deadline = time.monotonic() + RECORD_PATIENCE_S
    while True:
        try:
            with transaction() as session:
                return service.record(session, held, results)
        except OperationalError:
            if time.monotonic() > deadline:
                raise
            log.warning("database away, results wait", extra={"alert": held.alert_id, "results": len(results)})
            time.sleep(0.5)


def _content(session: Session, alert_id: UUID) -> AlertContent:
    alert = session.get_one(Alert, alert_id)
    topic = session.get_one(Topic, alert.topic_id)
    return AlertContent(alert, topic, session.get_one(Council, alert.council_id).name)


def _hand_over(words: AlertContent, recipients: Sequence[Recipient]) -> Iterator[Result]:
    """What the providers say of each message. A message that cannot be made fails alone."""
    messages: list[Message] = []
    numbers: dict[str, int] = {}
    for recipient in recipients:
        numbers[recipient.reference] = recipient.number
        try:
            messages.append(words.message(recipient))
        except Exception as error:  # the worker's edge: one bad row must not hold up the others
            log.exception("message could not be made", extra={"reference": recipient.reference})
            yield Result(recipient.number, DeliveryState.TECHNICAL_FAILURE, reason=type(error).__name__)
    if not messages:
        return
    if words.alert.is_test:
        yield from (Result(numbers[message.reference], DeliveryState.SENT, "test") for message in messages)
        return
    for provider, outcome in registry.hand_over(registry.providers_for(recipients[0].channel), messages):
        yield _result(numbers[outcome.reference], provider, outcome)


def _result(number: int, provider: Provider, outcome: Outcome) -> Result:
    match outcome:
        case Accepted(provider_reference=reference):
            return Result(number, DeliveryState.SENT, provider.name, reference or None)
        case Refused(reason=reason):
            return Result(number, DeliveryState.PERMANENT_FAILURE, provider.name, reason=reason)
        case Deferred(reason=reason, retry_after_s=wait):
            return Result(number, None, provider.name, reason=reason, retry_after_s=wait)


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
