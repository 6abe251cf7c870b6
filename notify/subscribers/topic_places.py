"""A topic may be followed for some of a resident's places only. Places are meant by their postcodes, which stay when
places are stored anew.
"""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session

from notify.core import clock

# whether subscription `u` is meant for a place: the audience of a send, its count and whatever looks at places ask this
FOR_PLACE: Final = "(u.only_at IS NULL OR {place}.postcode = ANY(u.only_at))"
# of subscription `u` and another one for the same topic, the places of both
WIDER: Final = """CASE WHEN u.only_at IS NOT NULL AND excluded.only_at IS NOT NULL
    THEN ARRAY(SELECT DISTINCT unnest(u.only_at || excluded.only_at) ORDER BY 1) END"""
_LIMIT = text("""
    UPDATE subscription u SET only_at = CAST(:only AS text[])
    WHERE u.subscriber_id = :subscriber AND u.topic_id = :topic AND u.ended_at IS NULL
""")
_MOVE = text("""
    UPDATE subscription u SET only_at = ARRAY(SELECT DISTINCT unnest(array_replace(u.only_at, :old, :new)) ORDER BY 1)
    WHERE u.subscriber_id = :subscriber AND u.ended_at IS NULL AND CAST(:old AS text) = ANY(u.only_at)
""")
_WIDEN = text("""
    UPDATE subscription u SET only_at = ARRAY(SELECT DISTINCT unnest(u.only_at || CAST(:more AS text[])) ORDER BY 1)
    WHERE u.subscriber_id = :subscriber AND u.topic_id = ANY(:topics) AND u.ended_at IS NULL AND u.only_at IS NOT NULL
""")
_LEFT = """
    SELECT array_agg(o) FROM unnest(u.only_at) o
    WHERE EXISTS (SELECT FROM place p WHERE p.subscriber_id = u.subscriber_id AND p.postcode = o)
"""
_FORGET = text(f"""
    UPDATE subscription u SET only_at = ({_LEFT})
    WHERE u.subscriber_id = :subscriber AND u.ended_at IS NULL AND u.only_at IS NOT NULL AND ({_LEFT}) IS NOT NULL
""")  # noqa: S608 - our own words
_ENDED = text(f"""
    SELECT u.topic_id FROM subscription u
    WHERE u.subscriber_id = :subscriber AND u.ended_at IS NULL AND u.only_at IS NOT NULL AND ({_LEFT}) IS NULL
""")  # noqa: S608 - our own words
_CHANGED = text("UPDATE subscriber SET changed_at = :now WHERE id = :subscriber")


def limit(session: Session, subscriber_id: UUID, topic_id: UUID, only: Sequence[str] | None) -> None:
    """Follow a topic for places with these postcodes (their keys) only; None: for all, also those added later."""
    values = {"subscriber": subscriber_id, "topic": topic_id, "only": sorted(only) if only else None}
    session.execute(_LIMIT, values)
    session.execute(_CHANGED, {"subscriber": subscriber_id, "now": clock.now()})


def move(session: Session, subscriber_id: UUID, old: str, new: str) -> None:
    """A place has another postcode: what was followed for it is followed there."""
    session.execute(_MOVE, {"subscriber": subscriber_id, "old": old, "new": new})


def widen(session: Session, subscriber_id: UUID, topics: Sequence[UUID], more: Sequence[str]) -> None:
    """The resident asked for these topics at further places."""
    session.execute(_WIDEN, {"subscriber": subscriber_id, "topics": list(topics), "more": list(more)})


def forget_removed(session: Session, subscriber_id: UUID) -> Sequence[UUID]:
    """Forget places that the resident no longer has; the topics that were followed for such places alone."""
    session.execute(_FORGET, {"subscriber": subscriber_id})
    return session.execute(_ENDED, {"subscriber": subscriber_id}).scalars().all()
