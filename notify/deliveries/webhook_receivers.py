"""How receivers of webhooks fare: who is left alone for good, secrets that change, and what is sent once more."""

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Row, text
from sqlmodel import Session

from notify.alerts.models import Alert
from notify.alerts.remit import within
from notify.core import tokens
from notify.core.errors import Conflict, NotFound
from notify.deliveries import manual_retries
from notify.deliveries.models import DeliveryState
from notify.deliveries.service import Claim, Result
from notify.providers import sandbox
from notify.providers.base import Channel
from notify.providers.webhook.provider import BUSY, GONE
from notify.staff.remit import EVERYTHING, OutsideYourRemit
from notify.staff.rights import Actor
from notify.staff.service import audit
from notify.subscribers.models import SuppressionReason
from notify.subscribers.suppression import scope
from notify.subscribers.suppression.service import suppress

log = logging.getLogger(__name__)

FAILING_DAYS = 5
ROTATION_HOURS = 24
ACTOR = "engine:webhooks"
SOURCE = "webhook: "  # how the source of our suppressions begins
SOURCE_GONE, SOURCE_FAILING, SOURCE_STAFF = SOURCE + "410", SOURCE + "five days of failure", SOURCE + "staff"
FAILED = (
    DeliveryState.TEMPORARY_FAILURE,
    DeliveryState.TECHNICAL_FAILURE,
    DeliveryState.UNKNOWN,
    DeliveryState.PERMANENT_FAILURE,
)
MOST_REPLAYED = 1000  # in one transaction; what is left is found by the next call
CONTACTS = """
    SELECT number, contact_id FROM delivery
    WHERE month = :month AND alert_id = :alert AND number BETWEEN :first AND :last AND number = ANY(:numbers)
"""
# in the order of ids, so that two workers cannot wait in a ring; a contact that is being erased is not waited for
_NOTE = """
    INSERT INTO webhook_receiver AS e (contact_id, failing_since, last_failure_at, last_failure_reason, last_success_at)
    SELECT c.id,
        CASE WHEN o.reason IS NOT NULL THEN business_now() END, CASE WHEN o.reason IS NOT NULL THEN business_now() END,
           o.reason, CASE WHEN o.reason IS NULL THEN business_now() END
    FROM contact c JOIN unnest(CAST(:ids AS uuid[]), CAST(:reasons AS text[])) AS o (id, reason) USING (id)
    ORDER BY c.id
    FOR KEY SHARE OF c SKIP LOCKED
    ON CONFLICT (contact_id) DO UPDATE SET
        failing_since = CASE WHEN excluded.failing_since IS NOT NULL
                             THEN coalesce(e.failing_since, excluded.failing_since) END,
        last_failure_at = coalesce(excluded.last_failure_at, e.last_failure_at),
        last_failure_reason = coalesce(excluded.last_failure_reason, e.last_failure_reason),
        last_success_at = coalesce(excluded.last_success_at, e.last_success_at),
        -- somebody lifted the suppression, and they were right
        disabled_at = CASE WHEN {is_off} THEN e.disabled_at END,
        disabled_reason = CASE WHEN {is_off} THEN e.disabled_reason END
"""
NOTE = _NOTE.format(
    is_off=f"""
        excluded.last_success_at IS NULL
        OR EXISTS (SELECT 1 FROM contact c WHERE c.id = e.contact_id AND {scope.IS_SUPPRESSED})
    """  # noqa: S608 - our own words
)
DISABLE = """
    UPDATE webhook_receiver e SET disabled_at = business_now(), disabled_reason = :reason
    FROM contact c
    WHERE c.id = e.contact_id AND e.contact_id = ANY(:ids)
    RETURNING c.id, c.council_id, c.address_hash, e.disabled_reason
"""
DISABLE_OVERDUE = """
    WITH overdue AS (
        SELECT contact_id FROM webhook_receiver
        WHERE last_failure_at - failing_since >= make_interval(days => :days)
          -- whoever lifted the suppression gave it another chance
          AND (disabled_at IS NULL OR last_failure_at > disabled_at)
        ORDER BY contact_id LIMIT 500 FOR UPDATE SKIP LOCKED
    )
    UPDATE webhook_receiver e SET disabled_at = business_now(),
        disabled_reason = 'Every call for five days failed. The last one: '
        || coalesce(nullif(e.last_failure_reason, ''), 'no reason was given')
    FROM overdue o JOIN contact c ON c.id = o.contact_id
    WHERE e.contact_id = o.contact_id
    RETURNING c.id, c.council_id, c.address_hash, e.disabled_reason
"""
ENABLE = """
    WITH lifted AS (
        UPDATE suppression x SET lifted_at = business_now(), lifted_reason = 'The receiver was enabled again.'
        FROM contact c
        WHERE c.id = :id AND x.address_hash = c.address_hash AND x.council_id = c.council_id
          AND x.channel = 'webhook' AND x.lifted_at IS NULL
          AND x.reason = 'hard-bounce' AND x.source LIKE :source
    )
    UPDATE webhook_receiver SET disabled_at = NULL, disabled_reason = NULL, failing_since = NULL WHERE contact_id = :id
"""
DISABLED_BY_STAFF = "disabled by the council"
DISABLE_BY_STAFF = """
    INSERT INTO webhook_receiver AS e (contact_id, disabled_at, disabled_reason) VALUES (:id, business_now(), :reason)
    ON CONFLICT (contact_id) DO UPDATE
        SET disabled_at = excluded.disabled_at, disabled_reason = excluded.disabled_reason WHERE e.disabled_at IS NULL
    RETURNING (SELECT address_hash FROM contact WHERE id = :id) AS address_hash
"""
BEGIN_ROTATION = """
    INSERT INTO webhook_receiver (contact_id, previous_secret_until)
        VALUES (:id, business_now() + make_interval(hours => :hours))
    ON CONFLICT (contact_id) DO UPDATE SET previous_secret_until = excluded.previous_secret_until
"""
ROTATE = "UPDATE contact SET secret = rtrim(:secret || ' ' || split_part(secret, ' ', 1)) WHERE id = :id"
END_ROTATIONS = """
    WITH over AS (
        UPDATE webhook_receiver SET previous_secret_until = NULL
        WHERE previous_secret_until <= business_now()
        RETURNING contact_id
    )
    UPDATE contact c SET secret = split_part(c.secret, ' ', 1) FROM over WHERE c.id = over.contact_id
    RETURNING c.id
"""


class UnknownWebhookReceiver(NotFound):
    """The contact is no receiver of webhooks, or there is none of this id."""

    title = "There is no such webhook receiver"


class WebhookReceiverSuppressed(Conflict):
    """The receiver was disabled, or nothing may be sent to its address for another reason."""

    title = "Nothing may be sent to this receiver"


def learn(session: Session, held: Claim, results: Sequence[Result]) -> None:
    """Note how the receivers of these deliveries fared; nothing for other channels, and for messages of test keys."""
    if held.channel != Channel.WEBHOOK:
        return
    called = {one.number: one for one in results if _tells_of_receiver(one)}
    if not called:
        return
    span = {"month": held.month, "alert": held.alert_id, "first": min(called), "last": max(called)}
    succeeded: list[UUID] = []
    failed: dict[UUID, str] = {}
    gone: list[UUID] = []
    for row in session.execute(text(CONTACTS), span | {"numbers": list(called)}):
        result = called[row.number]
        if result.state == DeliveryState.SENT:
            succeeded.append(row.contact_id)
        elif result.reason == GONE:
            gone.append(row.contact_id)
        else:
            failed[row.contact_id] = result.reason or ""
    note_outcomes(session, succeeded, failed, gone)


def _tells_of_receiver(result: Result) -> bool:
    return result.provider not in (None, sandbox.NAME) and not result.was_held_back and result.reason != BUSY


def note_outcomes(
    session: Session, succeeded: Sequence[UUID], failed: Mapping[UUID, str], gone: Sequence[UUID] = ()
) -> None:
    """Note which contacts took a call and which did not and why. Those that answered 410 are disabled at once.

    Contacts that were erased meanwhile are passed by. A contact that is named twice was well if it ever was.
    """
    outcomes: dict[UUID, str | None] = {**failed, **dict.fromkeys(gone, GONE), **dict.fromkeys(succeeded)}
    if outcomes:
        session.execute(text(NOTE), {"ids": list(outcomes), "reasons": list(outcomes.values())})
    still_gone = [contact for contact in gone if outcomes[contact] is not None]
    if still_gone:
        _disable(session, session.execute(text(DISABLE), {"ids": still_gone, "reason": GONE}).all(), SOURCE_GONE)


def disable_overdue(session: Session) -> Sequence[UUID]:
    """Write no more to receivers that have failed, and gone on failing, for five days; which. To be called hourly.

    One that failed long ago and was not called since is not known to fail still.
    """
    rows = session.execute(text(DISABLE_OVERDUE), {"days": FAILING_DAYS}).all()
    return _disable(session, rows, SOURCE_FAILING)


def _disable(session: Session, rows: Sequence[Row[UUID, UUID, bytes, str]], source: str) -> Sequence[UUID]:
    """Suppress these contacts for their council, and tell it; which was new."""
    disabled: list[UUID] = []
    for contact_id, council_id, address_hash, reason in rows:
        is_new = suppress(
            session,
            council_id=council_id,
            channel=Channel.WEBHOOK,
            address_hash=bytes(address_hash),
            reason=SuppressionReason.HARD_BOUNCE,
            source=source,
        )
        if not is_new:
            continue
        disabled.append(contact_id)
        log.warning("webhook receiver disabled", extra={"contact": contact_id, "reason": reason})
        audit(
            session,
            council_id=council_id,
            actor=ACTOR,
            action="endpoint.disable",
            subject=str(contact_id),
            reason=reason,
        )
    return disabled


def _council(session: Session, contact_id: UUID) -> UUID:
    """Whose receiver this is. Raises: UnknownWebhookReceiver."""
    found: UUID | None = session.execute(
        text("SELECT council_id FROM contact WHERE id = :id AND channel = 'webhook'"), {"id": contact_id}
    ).scalar()
    if found is None:
        raise UnknownWebhookReceiver(f"No contact {contact_id} receives webhooks here.")
    return found


def enable(session: Session, contact_id: UUID, *, actor: str) -> None:
    """Write to a receiver again that was disabled, and forget its failures. Other suppressions stay. Safe to repeat.

    Raises: UnknownWebhookReceiver.
    """
    council_id = _council(session, contact_id)
    session.execute(text(ENABLE), {"id": contact_id, "source": SOURCE + "%"})
    audit(session, council_id=council_id, actor=actor, action="endpoint.enable", subject=str(contact_id))


def disable(session: Session, contact_id: UUID, *, actor: str) -> None:
    """Write no more to a receiver until it is enabled. Safe to repeat. Raises: UnknownWebhookReceiver."""
    council_id = _council(session, contact_id)
    changed = session.execute(text(DISABLE_BY_STAFF), {"id": contact_id, "reason": DISABLED_BY_STAFF}).first()
    if changed is None:
        return
    suppress(
        session,
        council_id=council_id,
        channel=Channel.WEBHOOK,
        address_hash=bytes(changed.address_hash),
        reason=SuppressionReason.HARD_BOUNCE,
        source=SOURCE_STAFF,
    )
    audit(
        session,
        council_id=council_id,
        actor=actor,
        action="endpoint.disable",
        subject=str(contact_id),
        reason=DISABLED_BY_STAFF,
    )


def rotate_secret(session: Session, contact_id: UUID, *, actor: str) -> str:
    """A new secret for a receiver. For a day its calls are signed with the former one too.

    One that changes again within that day keeps the latest two. Raises: UnknownWebhookReceiver.
    """
    council_id = _council(session, contact_id)
    secret = tokens.webhook_secret()
    session.execute(text(BEGIN_ROTATION), {"id": contact_id, "hours": ROTATION_HOURS})
    session.execute(text(ROTATE), {"id": contact_id, "secret": tokens.seal_secrets(secret)})
    audit(session, council_id=council_id, actor=actor, action="endpoint.rotate", subject=str(contact_id))
    return secret


def end_rotations(session: Session) -> int:
    """Drop the former secrets whose day is over; of how many receivers. To be called every few minutes."""
    return len(session.execute(text(END_ROTATIONS)).all())


def replay(
    session: Session,
    *,
    contact_id: UUID,
    by: Actor,
    alert_id: UUID | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    with_emergencies: bool = True,
) -> int:
    """Put back to be sent what this receiver did not get of the council's: of one alert, or of those sent from `since`
    to `until`.

    That is what failed or was refused, what may have arrived, and what was under way when it was disabled, of
    alerts that are neither cancelled nor expired; at most a thousand, the oldest first. How many.
    Raises: UnknownWebhookReceiver, WebhookReceiverSuppressed, UnknownAlert, OutsideYourRemit.
    """
    if _council(session, contact_id) != by.council_id:
        raise UnknownWebhookReceiver(f"No contact {contact_id} receives webhooks here.")
    if alert_id:
        within(session, by, alert_id)
    elif by.remit != EVERYTHING:
        raise OutsideYourRemit("Name an alert: a span of time holds what others wrote.")
    if session.execute(text(IS_SUPPRESSED), {"contact": contact_id}).scalar_one():
        raise WebhookReceiverSuppressed("Enable the receiver first, or lift what else keeps us from writing to it.")
    values = {
        "contact": contact_id,
        "council": by.council_id,
        "alert": alert_id,
        "since": since,
        "until": until,
        "emergencies": with_emergencies,
        "limit": MOST_REPLAYED,
    }
    found = session.execute(text(MISSED), values | {"states": list(FAILED)}).all()
    return sum(
        manual_retries.retry(
            session,
            alert=session.get_one(Alert, row.alert_id),
            by=by,
            states=[DeliveryState(row.state)],
            number=row.number,
        ).deliveries
        for row in found
    )


IS_SUPPRESSED = f"SELECT {scope.IS_SUPPRESSED} FROM contact c WHERE c.id = :contact"  # noqa: S608 - our own words
# what was suppressed for another reason than the address was never meant for this receiver
MISSED = """
    SELECT d.alert_id, d.number, d.state
    FROM alert a JOIN delivery d ON d.month = a.ledger_month AND d.alert_id = a.id AND d.contact_id = :contact
    WHERE a.state IN ('sent', 'sending') AND NOT a.is_test AND (:emergencies OR a.priority <> 'emergency')
      AND (a.expires_at IS NULL OR a.expires_at > business_now())
      AND a.council_id = :council
      AND (CAST(:alert AS uuid) IS NULL OR a.id = :alert)
      AND (CAST(:since AS timestamptz) IS NULL
           OR coalesce(greatest(a.approved_at, a.send_at), a.created_at) >= :since)
      AND (CAST(:until AS timestamptz) IS NULL
           OR coalesce(greatest(a.approved_at, a.send_at), a.created_at) < :until)
      AND (d.state = ANY(:states) OR d.state = 'suppressed' AND d.reason = 'The address is suppressed.')
    ORDER BY a.created_at, a.id LIMIT :limit
"""
