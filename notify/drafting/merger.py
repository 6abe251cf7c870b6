"""What officers of a council that becomes part of another keep: recurring alerts, drafts and templates go along."""

from collections.abc import Sequence

from sqlalchemy import text
from sqlmodel import Session, col, select

from notify.alerts.merger import narrowed, own_districts
from notify.drafting.models import Recurrence
from notify.staff.models import Council
from notify.subscribers.merger import TopicMove


def move_work(session: Session, old: Council, new: Council, moves: Sequence[TopicMove]) -> int:
    """Move recurring alerts, drafts and templates; how many alerts recur. A template whose name is taken gets the
    old council's short name behind its own.
    """
    by_slug = {move.old.slug: move for move in moves}
    found = _running(session, old)
    for one in found:
        _renew(session, one, by_slug[str(one.content["topic"])].new.slug, old.district_codes)
        one.council_id = new.id
    joined = {move.new.slug for move in moves if move.is_joined}
    for one in _running(session, new):
        if one.content["topic"] in joined and one not in found:
            _renew(session, one, str(one.content["topic"]), own_districts(old, new))
    session.flush()
    values = {"old": old.id, "new": new.id, "slug": old.slug}
    for move in moves:
        topics = {**values, "topic": move.old.slug, "new_topic": move.new.slug}
        session.execute(text("UPDATE draft SET topic = :new_topic WHERE council_id = :old AND topic = :topic"), topics)
        session.execute(text("UPDATE plan SET topic = :new_topic WHERE council_id = :old AND topic = :topic"), topics)
    session.execute(text("UPDATE draft SET council_id = :new WHERE council_id = :old"), values)
    session.execute(text(_TEMPLATES), values)
    session.execute(text(_PLANS), values)
    return len(found)


def _running(session: Session, council: Council) -> Sequence[Recurrence]:
    running = select(Recurrence).where(Recurrence.council_id == council.id, col(Recurrence.ended_at).is_(None))
    return session.exec(running.with_for_update()).all()


def _renew(session: Session, one: Recurrence, topic: str, districts: Sequence[str]) -> None:
    said = one.content.get("audience")
    audience = narrowed(said if isinstance(said, dict) else None, districts)
    one.content = one.content | {"topic": topic} | ({"audience": audience} if audience else {})
    session.add(one)


_PLANS = """
    UPDATE plan p
    SET council_id = :new,
        slug = CASE WHEN EXISTS (SELECT FROM plan o WHERE o.council_id = :new AND o.slug = p.slug)
                    THEN p.slug || '-' || :slug ELSE p.slug END
    WHERE p.council_id = :old
"""
_TEMPLATES = """
    UPDATE message_template m
    SET council_id = :new,
        name = CASE WHEN EXISTS (SELECT FROM message_template o WHERE o.council_id = :new AND o.name = m.name)
                    THEN m.name || ' (' || :slug || ')' ELSE m.name END
    WHERE m.council_id = :old
"""
