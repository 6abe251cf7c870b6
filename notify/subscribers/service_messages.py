"""Messages to one person that are not alerts: please confirm, here is your link."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session, col, select

from notify.core import clock, jobs
from notify.core.db import new_id
from notify.providers import addresses
from notify.providers.base import Channel
from notify.subscribers import confirmation_codes, message_limits, queries
from notify.subscribers.models import Contact, ServiceMessageKind

SERVICE_MESSAGE_LIFE = {
    ServiceMessageKind.CONFIRM: timedelta(hours=72),
    ServiceMessageKind.SIGN_IN: timedelta(minutes=10),
    ServiceMessageKind.ADD_CONTACT: timedelta(days=14),
    ServiceMessageKind.CONTACT_ADDED: timedelta(days=3),
    ServiceMessageKind.TOLD: timedelta(days=3),
    ServiceMessageKind.HOW_TO_STOP: timedelta(hours=1),
    ServiceMessageKind.TEXT_HELP: timedelta(hours=1),
    ServiceMessageKind.TEXT_INFO: timedelta(hours=1),
    ServiceMessageKind.TEXT_MOVE: timedelta(hours=1),
    ServiceMessageKind.TEXT_MOVED: timedelta(days=1),
    ServiceMessageKind.TEXT_NOT_MOVED: timedelta(hours=1),
    ServiceMessageKind.TEXT_UNKNOWN: timedelta(hours=1),
    ServiceMessageKind.TEXT_SAFE: timedelta(hours=1),
    ServiceMessageKind.TEXT_NEEDS_HELP: timedelta(hours=1),
    ServiceMessageKind.CHECK_PLACE: timedelta(days=3),
    ServiceMessageKind.OUTSIDE_AREA: timedelta(days=14),
    ServiceMessageKind.COUNCIL_MERGED: timedelta(days=14),
    ServiceMessageKind.TOPIC_CLOSED: timedelta(days=14),
    ServiceMessageKind.TOPIC_MERGED: timedelta(days=14),
    ServiceMessageKind.TOPIC_SPLIT: timedelta(days=14),
}


def ask_to_confirm(
    session: Session, subscriber_ids: Sequence[UUID], *, council_id: UUID | None, asked_by_stranger: bool = False
) -> Sequence[bytes]:
    """Write to, or ring, every unconfirmed contact of these residents: each address once, whatever councils share it.

    `council_id` is the council that asks for it. Returns the keyed hashes of the addresses.
    """
    if not subscriber_ids:
        return []
    session.flush()
    waiting = text("""
        SELECT DISTINCT ON (address_hash) id, address_hash FROM contact
        WHERE subscriber_id = ANY(:ids) AND confirmed_at IS NULL ORDER BY address_hash, id
    """)
    rows = session.execute(waiting, {"ids": list(subscriber_ids)}).all()
    ids = [row.id for row in rows]
    write_notices(session, ids, ServiceMessageKind.CONFIRM, council_id=council_id, asked_by_stranger=asked_by_stranger)
    return [bytes(row.address_hash) for row in rows]


def write_notices(
    session: Session,
    contact_ids: Sequence[UUID],
    kind: ServiceMessageKind,
    *,
    council_id: UUID | None,
    asked_by_stranger: bool = False,
    about: UUID | None = None,
) -> None:
    """Queue a message to each contact, at most three of a kind to a mailbox in a day: sign-up must be no weapon.

    Where a stranger asked for it, texts are also kept within what a day may cost.
    """
    contacts = session.exec(select(Contact).where(col(Contact.id).in_(contact_ids))).all()
    reached = {contact.id: (contact.channel, contact.address) for contact in contacts}
    allowed = message_limits.allowed(session, reached, kind, council_id=council_id, asked_by_stranger=asked_by_stranger)
    send(session, [(contact_id, about) for contact_id in allowed], kind)


def send(session: Session, wanted: Sequence[tuple[UUID, UUID | None]], kind: ServiceMessageKind) -> None:
    """Queue a message of this kind for each contact, about what stands beside it. Nothing is counted."""
    for notice_id in _queue(session, wanted, kind):
        jobs.note(session, jobs.Job.SEND_SERVICE_MESSAGE, str(notice_id), lane=jobs.Lane.TRANSACTIONAL)


def _queue(session: Session, wanted: Sequence[tuple[UUID, UUID | None]], kind: ServiceMessageKind) -> Sequence[UUID]:
    now = clock.now()
    written = session.execute(
        text("""
            INSERT INTO service_message (
                id, contact_id, about, asked_from, kind, state, attempts, due_at, created_at, expires_at)
            SELECT uuidv7(), c.contact_id, c.about, c.asker, CAST(:kind AS varchar), 'created', 0, :now, :now, :expires
            FROM unnest(CAST(:contacts AS uuid[]), CAST(:abouts AS uuid[]), CAST(:askers AS bytea[]))
                AS c (contact_id, about, asker)
            RETURNING id
        """),
        {
            "contacts": [contact_id for contact_id, _about in wanted],
            "abouts": [about for _contact_id, about in wanted],
            "askers": [confirmation_codes.asked_from(contact_id) for contact_id, _about in wanted],
            "kind": kind,
            "now": now,
            "expires": now + SERVICE_MESSAGE_LIFE[kind],
        },
    ).scalars()
    return list(written)


def request_link(session: Session, channel: Channel, address: str) -> None:
    """Send a sign-in link to this address if it is a subscriber's; send nothing, and say nothing, if not.

    Where no council has it confirmed, the newest sign-up is asked to be confirmed instead. A stranger's address is
    counted like a subscriber's and costs the same steps, down to a job that finds nothing to do, so that both take the
    same time and have the same limits.
    """
    try:
        normal = addresses.normalise(channel, address)
    except addresses.AddressNotValid:
        return
    everywhere = queries.contacts_by_fingerprint(session, addresses.fingerprint(channel, normal))
    confirmed = [contact for contact in everywhere if contact.confirmed_at]
    known = next(iter(confirmed or reversed(everywhere)), None)
    kind = ServiceMessageKind.CONFIRM if known and not confirmed else ServiceMessageKind.SIGN_IN
    someone = known.id if known else new_id()
    if message_limits.allowed(session, {someone: (channel, normal)}, kind, council_id=None, asked_by_stranger=True):
        written = _queue(session, [(known.id, None)] if known else [], kind)
        for notice_id in written or [someone]:
            jobs.note(session, jobs.Job.SEND_SERVICE_MESSAGE, str(notice_id), lane=jobs.Lane.TRANSACTIONAL)
