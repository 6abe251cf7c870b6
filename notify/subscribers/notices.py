"""Messages to one person that are not alerts: please confirm, here is your link."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session, col, select

from notify import clock, jobs
from notify.providers.base import Channel
from notify.subscribers import addresses, queries
from notify.subscribers.models import Contact, NoticeKind

NOTICE_LIFE = {NoticeKind.CONFIRM: timedelta(hours=72), NoticeKind.SIGN_IN: timedelta(minutes=10)}
NOTICES_PER_DAY = 3


def ask_to_confirm(session: Session, subscriber_ids: Sequence[UUID]) -> None:
    """Write to every unconfirmed e-mail address and phone of these residents."""
    session.flush()
    waiting = select(Contact.id).where(
        col(Contact.subscriber_id).in_(subscriber_ids),
        col(Contact.confirmed_at).is_(None),
        col(Contact.channel).in_([Channel.EMAIL, Channel.SMS]),
    )
    write_notices(session, session.exec(waiting).all(), NoticeKind.CONFIRM)


def write_notices(session: Session, contact_ids: Sequence[UUID], kind: NoticeKind) -> None:
    """Queue a message to each contact, at most three of a kind in a day: sign-up must not become a weapon."""
    now = clock.now()
    written = session.execute(
        text("""
            INSERT INTO notice (id, contact_id, kind, state, attempts, due_at, created_at, expires_at)
            SELECT uuidv7(), c.contact_id, CAST(:kind AS varchar), 'created', 0, :now, :now, :expires
            FROM unnest(CAST(:contacts AS uuid[])) AS c (contact_id)
            WHERE (SELECT count(*)
                   FROM notice n
                   WHERE n.contact_id = c.contact_id AND n.kind = CAST(:kind AS varchar)
                     AND n.created_at > :day_ago) < :most
            RETURNING id
        """),
        {
            "contacts": list(contact_ids),
            "kind": kind,
            "now": now,
            "expires": now + NOTICE_LIFE[kind],
            "day_ago": now - timedelta(days=1),
            "most": NOTICES_PER_DAY,
        },
    ).scalars()
    for notice_id in written:
        jobs.note(session, jobs.Job.SEND_NOTICE, str(notice_id), lane=jobs.Lane.TRANSACTIONAL)


def request_link(session: Session, channel: Channel, address: str) -> None:
    """Send a sign-in link to this address if it is a subscriber's; do nothing, and say nothing, if not."""
    try:
        normal = addresses.normalise(channel, address)
    except addresses.AddressNotValid:
        return
    known = queries.contact_by_fingerprint(session, addresses.fingerprint(channel, normal))
    if known:
        write_notices(session, [known.id], NoticeKind.SIGN_IN if known.confirmed_at else NoticeKind.CONFIRM)
