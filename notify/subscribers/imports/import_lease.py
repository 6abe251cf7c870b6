"""Which worker has an import in hand, and for how long nobody else takes it."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import update
from sqlmodel import Session, col

from notify.core import clock
from notify.subscribers.imports.models import SubscriberImport

LEASE = timedelta(minutes=2)  # many times what a chunk takes


class LeaseLost(Exception):
    """Another worker has taken this import, because this one was away too long."""


def renew(session: Session, import_id: UUID, lease: UUID) -> SubscriberImport:
    """The import, kept for another while. Raises: LeaseLost."""
    mine = (col(SubscriberImport.id) == import_id) & (col(SubscriberImport.lease) == lease)
    kept = update(SubscriberImport).where(mine).values(lease_until=clock.now() + LEASE)
    if session.execute(kept.returning(col(SubscriberImport.id))).first() is None:
        raise LeaseLost
    return session.get_one(SubscriberImport, import_id, populate_existing=True)
