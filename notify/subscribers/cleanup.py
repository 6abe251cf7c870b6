"""Deletes what is no longer needed, a little at a time."""

from collections.abc import Mapping
from datetime import timedelta

from sqlalchemy import text
from sqlmodel import Session

from notify.core import clock
from notify.subscribers.consent import ledger as consent_ledger

AT_ONCE = 5_000  # a short statement each time, so that nobody waits for it
NEVER_CONFIRMED = timedelta(days=30)

# what is old: the rows' key, and when they go
_OLD: Mapping[str, tuple[str, str]] = {
    "link_token": ("digest", "expires_at < :now - interval '1 day'"),
    "resident_session": ("digest", "expires_at < :now"),
    "sign_in": ("digest", "expires_at < :now"),
    "confirm_code": ("contact_id", "expires_at < :now"),
    "contact_request": ("id", "expires_at < :now"),
    # that someone who left was asked is remembered, so that the next list does not ask them again
    "consent_request": ("id", "expires_at < :now AND left_at IS NULL"),
    "inbound_text": ("id", "at < :now - interval '30 days'"),
    "service_message_count": ("(counted, period)", "period < :now - interval '2 days'"),
    "service_message": ("id", "expires_at < :now - interval '30 days'"),
    # longer than soft ones count; what waits for a person stays
    "bounce": ("id", "at < :now - interval '90 days' AND state <> 'held'"),
    "idempotent_reply": ("(council_id, key)", "created_at < :now - interval '7 days'"),
}

# whoever never said yes is forgotten, unless they were asked again; the consent ledger keeps its nameless lines
_NEVER_CONFIRMED = """
    SELECT s.id FROM subscriber s
    WHERE s.created_at < :since AND s.changed_at < :since AND s.erased_at IS NULL
      AND NOT EXISTS (SELECT FROM contact c WHERE c.subscriber_id = s.id AND c.confirmed_at IS NOT NULL)
      AND EXISTS (SELECT FROM contact c WHERE c.subscriber_id = s.id)
      AND NOT EXISTS (
          SELECT FROM service_message n JOIN contact c ON c.id = n.contact_id
          WHERE c.subscriber_id = s.id AND n.expires_at > :now)
    LIMIT :most FOR UPDATE SKIP LOCKED
"""
_FORGET = (
    "DELETE FROM link_token WHERE contact_id IN (SELECT id FROM contact WHERE subscriber_id = ANY(:ids))",
    "DELETE FROM service_message WHERE contact_id IN (SELECT id FROM contact WHERE subscriber_id = ANY(:ids))",
    "DELETE FROM subscriber WHERE id = ANY(:ids)",
)


def sweep(session: Session) -> Mapping[str, int]:
    """Remove a few thousand rows of each kind at most; how many went, by table."""
    gone: dict[str, int] = {}
    for table, (key, is_old) in _OLD.items():
        columns = key.strip("()")
        statement = f"DELETE FROM {table} WHERE {key} IN (SELECT {columns} FROM {table} WHERE {is_old} LIMIT :most)"  # noqa: S608 - our own words
        gone[table] = _count(session, statement)
    found = session.execute(text(_NEVER_CONFIRMED), _values() | {"since": clock.now() - NEVER_CONFIRMED}).scalars()
    ids = list(found)
    consent_ledger.withdraw_all(session, ids, source=consent_ledger.NEVER_CONFIRMED)
    for statement in _FORGET if ids else ():
        session.execute(text(statement), {"ids": ids})
    return gone | {"subscriber": len(ids)}


def _count(session: Session, statement: str) -> int:
    found = session.execute(text(f"WITH gone AS ({statement} RETURNING 1) SELECT count(*) FROM gone"), _values())  # noqa: S608 - our own words
    return int(found.scalar_one())


def _values() -> dict[str, object]:
    return {"now": clock.now(), "most": AT_ONCE}
