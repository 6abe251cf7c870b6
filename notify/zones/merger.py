"""Zones of a council that becomes part of another: they go along."""

from sqlalchemy import text
from sqlmodel import Session

from notify.staff.models import Council

# a name that is taken gets the old council's short name behind it
_MOVE = """
    UPDATE zone z
    SET council_id = :new,
        slug = CASE WHEN EXISTS (SELECT FROM zone o WHERE o.council_id = :new AND o.slug = z.slug)
                    THEN z.slug || '-' || :slug ELSE z.slug END
    WHERE z.council_id = :old
"""


def move_zones(session: Session, old: Council, new: Council) -> None:
    """Give the old council's zones to the new one."""
    session.execute(text(_MOVE), {"old": old.id, "new": new.id, "slug": old.slug})
