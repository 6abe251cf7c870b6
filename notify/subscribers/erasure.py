"""Erasing a resident: what one council holds, all at once."""

from uuid import UUID

from sqlalchemy import delete
from sqlmodel import Session, col, select

from notify.staff.service import audit
from notify.subscribers import bounces
from notify.subscribers.consents import withdraw_all
from notify.subscribers.models import Contact, LinkToken, Notice, Subscriber


def erase(session: Session, *, subscriber_id: UUID, actor: str) -> None:
    """Erase a membership: addresses, places, name and choices are gone; the consent ledger keeps its nameless lines.

    What other councils hold of the same person stays: it is theirs, and she may erase it too.
    """
    council_id = session.get_one(Subscriber, subscriber_id).council_id
    withdraw_all(session, [subscriber_id], source="erased")
    ids = select(Contact.id).where(Contact.subscriber_id == subscriber_id)
    session.execute(delete(LinkToken).where(col(LinkToken.contact_id).in_(ids)))
    session.execute(delete(Notice).where(col(Notice.contact_id).in_(ids) | col(Notice.about).in_(ids)))
    hashes = session.exec(select(Contact.address_hash).where(Contact.subscriber_id == subscriber_id)).all()
    bounces.erase(session, council_id, hashes)
    session.execute(delete(Subscriber).where(col(Subscriber.id) == subscriber_id))
    audit(session, council_id=council_id, actor=actor, action="subscriber.erase", subject=str(subscriber_id))
