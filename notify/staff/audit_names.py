"""What things in the audit trail are called, and how they are found by that: alerts by title, users and keys by name.

Alerts, topics and templates stand above and cannot be imported: the database itself knows their names.
"""

from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session

from notify.staff.audit_sentences import ACTORS
from notify.staff.models import AuditEntry

# each: what it is called here, of the ids or short names asked for
_NAMED = text("""
    SELECT id::text AS subject, '‘' || title || '’' AS name FROM alert
    WHERE council_id = :council AND id::text = ANY(:subjects)
    UNION ALL
    SELECT r.id::text, '‘' || a.title || '’' FROM recurrence r JOIN alert a ON a.id = r.alert_id
    WHERE r.council_id = :council AND r.id::text = ANY(:subjects)
    UNION ALL
    SELECT id::text, '‘' || name || '’' FROM incident WHERE council_id = :council AND id::text = ANY(:subjects)
    UNION ALL
    SELECT id::text, '‘' || name || '’' FROM message_template WHERE council_id = :council AND id::text = ANY(:subjects)
    UNION ALL
    SELECT id::text, '‘' || name || '’' FROM plan WHERE council_id = :council AND id::text = ANY(:subjects)
    UNION ALL
    SELECT slug, '‘' || name || '’' FROM topic WHERE council_id = :council AND slug = ANY(:subjects)
    UNION ALL
    SELECT prefix, '‘' || name || '’' FROM api_key WHERE council_id = :council AND prefix = ANY(:subjects)
    UNION ALL
    SELECT id::text, name FROM officer WHERE council_id = :council AND id::text = ANY(:subjects)
    UNION ALL
    SELECT 'officer:' || id, name FROM officer WHERE council_id = :council AND 'officer:' || id = ANY(:subjects)
    UNION ALL
    SELECT 'key:' || prefix, 'The key ‘' || name || '’' FROM api_key
    WHERE council_id = :council AND 'key:' || prefix = ANY(:subjects)
""")
_FOUND = text(r"""
    SELECT id::text FROM alert WHERE council_id = :council AND title ILIKE :like ESCAPE '\'
    UNION ALL
    SELECT r.id::text FROM recurrence r JOIN alert a ON a.id = r.alert_id
    WHERE r.council_id = :council AND a.title ILIKE :like ESCAPE '\'
    UNION ALL
    SELECT id::text FROM incident WHERE council_id = :council AND name ILIKE :like ESCAPE '\'
    UNION ALL
    SELECT slug FROM topic WHERE council_id = :council AND name ILIKE :like ESCAPE '\'
    UNION ALL
    SELECT id::text FROM officer WHERE council_id = :council AND name ILIKE :like ESCAPE '\'
    LIMIT 2000
""")
_SCOPE = "alert "  # a hold's subject: `alert 0197…`, `lane routine` or `everything`


def names(session: Session, council_id: UUID, entries: Sequence[AuditEntry]) -> Mapping[str, str]:
    """What the actors and subjects of these entries are called; what has no name any more is left out."""
    asked = {entry.actor for entry in entries} | {_id_in(entry.subject) for entry in entries}
    rows = session.execute(_NAMED, {"council": council_id, "subjects": sorted(asked)})
    return dict(ACTORS) | {row.subject: row.name for row in rows}


def called(subject: str, known: Mapping[str, str]) -> str:
    """What a subject is called."""
    return known.get(_id_in(subject), subject)


def subjects_called(session: Session, council_id: UUID, word: str) -> Sequence[str]:
    """The subjects whose title or name holds this word; at most 2,000."""
    like = "%" + word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
    return session.execute(_FOUND, {"council": council_id, "like": like}).scalars().all()


def _id_in(subject: str) -> str:
    return subject.removeprefix(_SCOPE)
