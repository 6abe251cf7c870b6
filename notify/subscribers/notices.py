"""Messages to one person that are not alerts: please confirm, here is your link."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session, col, select

from notify import clock, jobs
from notify.providers.base import Channel
from notify.subscribers import addresses, allowance, queries
from notify.subscribers.models import Contact, NoticeKind

NOTICE_LIFE = {NoticeKind.CONFIRM: timedelta(hours=72), NoticeKind.SIGN_IN: timedelta(minutes=10)}


def ask_to_confirm(session: Session, subscriber_ids: Sequence[UUID], *, asked_by_stranger: bool) -> None:
    """Write to every unconfirmed e-mail address and phone of these residents."""
    session.flush()
    waiting = select(Contact.id).where(
        col(Contact.subscriber_id).in_(subscriber_ids),
        col(Contact.confirmed_at).is_(None),
        col(Contact.channel).in_([Channel.EMAIL, Channel.SMS]),
    )
    write_notices(session, session.exec(waiting).all(), NoticeKind.CONFIRM, asked_by_stranger=asked_by_stranger)


def write_notices(session: Session, contact_ids: Sequence[UUID], kind: NoticeKind, *, asked_by_stranger: bool) -> None:
    """Queue a message to each contact, at most three of a kind to a mailbox in a day: sign-up must be no weapon.

    Where a stranger asked for it, texts are also kept within what a day may cost.
    """
    contacts = session.exec(select(Contact).where(col(Contact.id).in_(contact_ids))).all()
    reached = {
        str(contact.id): (contact.channel, contact.address)
        for contact in contacts
        if not asked_by_stranger or allowance.may_text(session, contact.channel, contact.address)
    }
    now = clock.now()
    written = session.execute(
        text("""
            INSERT INTO notice (id, contact_id, kind, state, attempts, due_at, created_at, expires_at)
            SELECT uuidv7(), c.contact_id, CAST(:kind AS varchar), 'created', 0, :now, :now, :expires
            FROM unnest(CAST(:contacts AS uuid[])) AS c (contact_id)
            RETURNING id
        """),
        {
            "contacts": list(allowance.mailboxes_left(session, reached, kind)),
            "kind": kind,
            "now": now,
            "expires": now + NOTICE_LIFE[kind],
        },
    ).scalars()
    for notice_id in written:
        jobs.note(session, jobs.Job.SEND_NOTICE, str(notice_id), lane=jobs.Lane.TRANSACTIONAL)


def request_link(session: Session, channel: Channel, address: str) -> None:
    """Send a sign-in link to this address if it is a subscriber's; send nothing, and say nothing, if not.

    A stranger's address is counted like a subscriber's, so that both take the same time and have the same limits.
    """
    try:
        normal = addresses.normalise(channel, address)
    except addresses.AddressNotValid:
        return
    known = queries.contact_by_fingerprint(session, addresses.fingerprint(channel, normal))
    if known:
        kind = NoticeKind.SIGN_IN if known.confirmed_at else NoticeKind.CONFIRM
        write_notices(session, [known.id], kind, asked_by_stranger=True)
    elif allowance.may_text(session, channel, normal):
        allowance.mailboxes_left(session, {"stranger": (channel, normal)}, NoticeKind.SIGN_IN)
