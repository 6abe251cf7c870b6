"""The residents that a council has already, looked up by the addresses of those it adds."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session

from notify.providers.base import Channel


@dataclass(frozen=True, slots=True)
class Known:
    """An address that this council has already. `is_claimed`: someone signed it up on our pages, and nobody has said
    yes there: it may be a stranger's doing.
    """

    subscriber_id: UUID
    contact_id: UUID
    is_confirmed: bool
    is_claimed: bool = False


@dataclass(slots=True)
class Person:
    """How a resident of this council can be reached, and whether any of it is confirmed."""

    channels: set[Channel] = field(default_factory=set)
    is_confirmed: bool = False


def read_known(
    session: Session, council_id: UUID, hashes: Sequence[bytes]
) -> tuple[dict[bytes, Known], dict[UUID, Person]]:
    """Who of this council has these addresses already, and how each of them can be reached.

    They are held until the transaction ends, always in the same order: two requests about one resident wait for
    each other instead of giving both their places the same position.
    """
    values = {"hashes": list(hashes), "council": council_id}
    session.execute(
        text("""
            SELECT id FROM subscriber
            WHERE id IN (SELECT subscriber_id FROM contact
                         WHERE address_hash = ANY(:hashes) AND council_id = :council) ORDER BY id FOR UPDATE
        """),
        values,
    )
    rows = session.execute(
        text("""
            SELECT c.address_hash, c.id, c.subscriber_id, c.channel, c.address_hash = ANY(:hashes) AS asked,
                   c.confirmed_at IS NOT NULL AS is_confirmed,
                   c.confirmed_at IS NULL AND c.sign_up IS NOT NULL AS is_claimed
            FROM contact c
            WHERE c.subscriber_id IN (SELECT subscriber_id FROM contact
                                      WHERE address_hash = ANY(:hashes) AND council_id = :council)
        """),
        values,
    )
    known: dict[bytes, Known] = {}
    people: dict[UUID, Person] = {}
    for row in rows:
        person = people.setdefault(row.subscriber_id, Person())
        person.channels.add(Channel(row.channel))
        person.is_confirmed |= row.is_confirmed
        if row.asked:
            known[bytes(row.address_hash)] = Known(row.subscriber_id, row.id, row.is_confirmed, row.is_claimed)
    return known, people
