"""Messages to one person that are not alerts: please confirm, here is your link."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session, col, select

from notify import clock, jobs
from notify.db import new_id
from notify.providers.base import Channel
from notify.subscribers import addresses, allowance, queries
from notify.subscribers.models import Contact, NoticeKind

NOTICE_LIFE = {NoticeKind.CONFIRM: timedelta(hours=72), NoticeKind.SIGN_IN: timedelta(minutes=10)}


def ask_to_confirm(session: Session, subscriber_ids: Sequence[UUID], *, asked_by_stranger: bool) -> None:
    """Write to, or ring, every unconfirmed contact of these residents."""
    session.flush()
    waiting = select(Contact.id).where(
        col(Contact.subscriber_id).in_(subscriber_ids),
        col(Contact.confirmed_at).is_(None),
    )
    write_notices(session, session.exec(waiting).all(), NoticeKind.CONFIRM, asked_by_stranger=asked_by_stranger)


def write_notices(session: Session, contact_ids: Sequence[UUID], kind: NoticeKind, *, asked_by_stranger: bool) -> None:
    """Queue a message to each contact, at most three of a kind to a mailbox in a day: sign-up must be no weapon.

    Where a stranger asked for it, texts are also kept within what a day may cost.
    """
    contacts = session.exec(select(Contact).where(col(Contact.id).in_(contact_ids))).all()
    reached = {contact.id: (contact.channel, contact.address) for contact in contacts}
    allowed = allowance.allowed(session, reached, kind, asked_by_stranger=asked_by_stranger)
    for notice_id in _queue(session, allowed, kind):
        jobs.note(session, jobs.Job.SEND_NOTICE, str(notice_id), lane=jobs.Lane.TRANSACTIONAL)


def _queue(session: Session, contact_ids: Sequence[UUID], kind: NoticeKind) -> Sequence[UUID]:
    now = clock.now()
    written = session.execute(
        text("""
            INSERT INTO notice (id, contact_id, kind, state, attempts, due_at, created_at, expires_at)
            SELECT uuidv7(), c.contact_id, CAST(:kind AS varchar), 'created', 0, :now, :now, :expires
            FROM unnest(CAST(:contacts AS uuid[])) AS c (contact_id)
            RETURNING id
        """),
        {"contacts": list(contact_ids), "kind": kind, "now": now, "expires": now + NOTICE_LIFE[kind]},
    ).scalars()
    return list(written)


def request_link(session: Session, channel: Channel, address: str) -> None:
    """Send a sign-in link to this address if it is a subscriber's; send nothing, and say nothing, if not.

    A stranger's address is counted like a subscriber's and costs the same steps, down to a job that finds nothing to
    do, so that both take the same time and have the same limits.
    """
    try:
        normal = addresses.normalise(channel, address)
    except addresses.AddressNotValid:
        return
    known = queries.contact_by_fingerprint(session, addresses.fingerprint(channel, normal))
    kind = NoticeKind.CONFIRM if known and not known.confirmed_at else NoticeKind.SIGN_IN
    someone = known.id if known else new_id()
    if allowance.allowed(session, {someone: (channel, normal)}, kind, asked_by_stranger=True):
        written = _queue(session, [known.id] if known else [], kind)
        for notice_id in written or [someone]:
            jobs.note(session, jobs.Job.SEND_NOTICE, str(notice_id), lane=jobs.Lane.TRANSACTIONAL)
