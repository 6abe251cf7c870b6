"""The loop between the transactions: claim, compile, hand over, record. No transaction is open during a hand-over."""

import logging
from collections.abc import Iterator, Sequence
from datetime import timedelta
from uuid import UUID

from sqlmodel import Session, col, select, update

from notify import clock
from notify.alerts.models import Alert
from notify.db import transaction
from notify.deliveries import content, service
from notify.deliveries.content import AlertContent, Recipient
from notify.deliveries.models import DeliveryState
from notify.deliveries.service import Result
from notify.providers import registry
from notify.providers.base import Accepted, Channel, Deferred, Message, Outcome, Provider, Refused
from notify.staff.models import Council
from notify.subscribers.models import Contact, Notice, NoticeState, Subscriber, Subscription, Topic
from notify.subscribers.service import issue_link

log = logging.getLogger(__name__)

SLICE = 100  # deliveries between two looks at cancellation, suppression and the lease
NOTICE_ATTEMPTS = 8


def expand_alert(alert_id: UUID) -> None:
    """Write the ledger of an alert that is to be sent."""
    with transaction() as session:
        recipients = service.expand(session, alert_id)
    log.info("alert expanded", extra={"alert": alert_id, "recipients": recipients})


def send_batch(batch_id: UUID) -> None:
    """Hand over everything of a batch that may still be sent, if no other worker has it."""
    with transaction() as session:
        held = service.claim(session, batch_id)
        words = _content(session, held.alert_id) if held else None
    if held is None or words is None:
        return
    still_ours, after = True, 0
    while still_ours:
        with transaction() as session:
            recipients, refused = service.next_slice(session, held, after=after, size=SLICE)
        if not recipients and not refused:
            break
        results = [*refused, *_hand_over(words, recipients)]
        with transaction() as session:
            still_ours = service.record(session, held, results)
        if recipients and all(result.state is None for result in results):
            break  # nobody takes anything now: wait rather than ask another four hundred times
        after = max(result.number for result in results)
    with transaction() as session:
        service.release(session, held)
    with transaction() as session:  # its own: two last batches must see each other's end
        service.finish_alert(session, held.alert_id)


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
        case Deferred(reason=reason):
            return Result(number, None, provider.name, reason=reason)


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
