"""Erasing a resident: what one council holds, all at once."""

import logging
from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import delete, event, text
from sqlmodel import Session, col, select

from notify.core import clock
from notify.core.settings import settings
from notify.devserver import kept_mail
from notify.providers.file import FileSettings
from notify.staff.service import audit
from notify.subscribers.access_models import LinkToken
from notify.subscribers.consent.ledger import withdraw_all
from notify.subscribers.models import Contact, ServiceMessage, Subscriber
from notify.subscribers.suppression import bounces

log = logging.getLogger(__name__)

RESIDENT = "resident"


def erase(session: Session, *, subscriber_id: UUID, actor: str, is_rehearsal: bool = False) -> None:
    """Erase a membership: addresses, places, name and choices are gone; the consent ledger keeps its nameless lines.

    What other councils hold of the same person stays: it is theirs, and she may erase it too. The keyed hash of each
    address is kept with the date, so that an older list brings nobody back; not where a test key erases someone who is
    invented (`is_rehearsal`), and of addresses that nobody confirmed only where the council itself erases.
    """
    council_id = session.get_one(Subscriber, subscriber_id).council_id
    withdraw_all(session, [subscriber_id], source="erased")
    if not is_rehearsal:
        values = {"subscriber": subscriber_id, "now": clock.now(), "all": actor != RESIDENT}
        session.execute(text(KEEP_HASHES), values)
    ids = select(Contact.id).where(Contact.subscriber_id == subscriber_id)
    session.execute(delete(LinkToken).where(col(LinkToken.contact_id).in_(ids)))
    session.execute(
        delete(ServiceMessage).where(col(ServiceMessage.contact_id).in_(ids) | col(ServiceMessage.about).in_(ids))
    )
    addressed = session.exec(select(Contact.address_hash, Contact.address).where(col(Contact.id).in_(ids))).all()
    bounces.erase(session, council_id, [address_hash for address_hash, _ in addressed])
    _erase_kept_mail(session, [address for _, address in addressed])
    session.execute(delete(Subscriber).where(col(Subscriber.id) == subscriber_id))
    audit(session, council_id=council_id, actor=actor, action="subscriber.erase", subject=str(subscriber_id))


def _erase_kept_mail(session: Session, addresses: Sequence[str]) -> None:
    """Once this is committed, remove what the catcher and the file provider of this machine kept for them."""

    def erase_files(_: object) -> None:
        try:
            kept_mail.erase(settings().data_dir, addresses, texts=FileSettings().path)
        except OSError as error:
            log.error("kept mail not erased", extra={"reason": type(error).__name__})

    event.listen(session, "after_commit", erase_files, once=True)


KEEP_HASHES = """
    INSERT INTO erased_address (address_hash, council_id, erased_at)
    SELECT address_hash, council_id, :now FROM contact
    WHERE subscriber_id = :subscriber AND (:all OR confirmed_at IS NOT NULL)
    ORDER BY address_hash
    ON CONFLICT (address_hash, council_id) DO UPDATE SET erased_at = excluded.erased_at
"""
