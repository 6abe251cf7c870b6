"""Tells people that another council knows and this one imported, later and apart from the request."""

from sqlalchemy import text
from sqlmodel import Session

from notify.channels import SPOKEN, Channel
from notify.core import clock
from notify.subscribers import message_limits, service_messages
from notify.subscribers.models import ServiceMessageKind

AT_ONCE = 2_000


def tell(session: Session) -> int:
    """Tell the owners of addresses that councils brought since; how many contacts were looked at. A chore.

    The message goes to the address itself, which another council has confirmed, and to nothing else of that membership:
    a contact that one council added must not hear of what another does.
    """
    rows = session.execute(text(BROUGHT), {"most": AT_ONCE, "now": clock.now(), "spoken": list(SPOKEN)}).all()
    known = {row.contact_id: row for row in rows if row.contact_id is not None}
    reached = {contact_id: (Channel(row.channel), row.address) for contact_id, row in known.items()}
    for contact_id in message_limits.allowed(session, reached, ServiceMessageKind.TOLD, council_id=None):
        if known[contact_id].channel == Channel.EMAIL or message_limits.may_tell_by_text(session):
            service_messages.send(session, [(contact_id, known[contact_id].about)], ServiceMessageKind.TOLD)
    return len(rows)


# where there is one council nobody can be known to another, and nothing is written
BROUGHT = """
    WITH brought AS (
        UPDATE contact SET told_at = :now
        WHERE id IN (SELECT id FROM contact
                     WHERE told_at IS NULL AND (SELECT count(*) FROM council) > 1
                     ORDER BY id LIMIT :most FOR UPDATE SKIP LOCKED)
        RETURNING id, council_id, address_hash, created_at
    )
    SELECT b.id AS about, k.id AS contact_id, k.channel, k.address
    FROM brought b
    LEFT JOIN LATERAL (
        SELECT o.id, o.channel, o.address FROM contact o
        WHERE o.address_hash = b.address_hash AND o.council_id <> b.council_id AND o.confirmed_at IS NOT NULL
          AND o.created_at < b.created_at AND o.channel <> ALL(:spoken)
        ORDER BY o.created_at, o.id LIMIT 1
    ) k ON true
"""
