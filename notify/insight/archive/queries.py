"""Searches everything that was sent: words, times, authors and approvers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session, col, select

from notify.alerts.models import Alert
from notify.alerts.search import IN_WARD, WORDS
from notify.alerts.visibility import visible
from notify.core.clock import LONDON, midnight
from notify.staff.councils import lineage
from notify.staff.remit import Remit
from notify.subscribers.models import Topic

AFTER = """
    (alert.expanded_at, alert.id)
    < (SELECT b.expanded_at, b.id FROM alert b WHERE b.id = :before AND b.council_id = ANY(:councils))
"""


@dataclass(frozen=True, slots=True)
class Search:
    """What is looked for. Days are those of this country; `before` is the id of the last alert of the page before."""

    words: str = ""
    topic: str = ""
    priority: str = ""
    ward: str = ""
    sender: str = ""
    since: date | None = None
    until: date | None = None
    before: UUID | None = None


@dataclass(frozen=True, slots=True)
class Agreed:
    """Someone's yes: the actor as in the audit trail, their role today, and when. `alone`: without a second person."""

    who: str
    role: str | None
    at: datetime
    alone: bool


@dataclass(slots=True)
class Kept:
    """One alert as it was sent. `sent` is by channel."""

    alert: Alert
    topic: Topic
    written_by: str = ""
    role: str | None = None
    sent: dict[str, int] = field(default_factory=dict)
    agreed: list[Agreed] = field(default_factory=list)

    @property
    def sent_at(self) -> datetime:
        """When it began to go out, on the UK clock."""
        return (self.alert.expanded_at or self.alert.created_at).astimezone(LONDON)

    @property
    def total(self) -> int:
        """How many messages were sent."""
        return sum(self.sent.values())


def find(session: Session, council_id: UUID, remit: Remit, asked: Search, *, limit: int) -> Sequence[Kept]:
    """What this council sent and `remit` has to do with, what went out last first. Tests and digests are left out.

    What councils sent that have become part of it is found too.
    """
    councils = lineage(session, council_id)
    statement = (
        select(Alert, Topic)
        .join(Topic, col(Topic.id) == col(Alert.topic_id))
        .where(
            col(Alert.council_id).in_(councils),
            col(Alert.expanded_at).is_not(None),
            col(Alert.is_test).is_(False),
            col(Alert.parts).is_(None),
            *visible(remit),
        )
    )
    if asked.words:
        statement = statement.where(text(WORDS).bindparams(words=asked.words))
    if asked.ward:
        statement = statement.where(text(IN_WARD).bindparams(ward=[asked.ward]))
    if asked.before:
        statement = statement.where(text(AFTER).bindparams(before=asked.before, councils=list(councils)))
    for column, value in (
        (Topic.slug, asked.topic),
        (Alert.priority, asked.priority),
        (Alert.created_by, asked.sender),
    ):
        if value:
            statement = statement.where(col(column) == value)
    if asked.since:
        statement = statement.where(col(Alert.expanded_at) >= midnight(asked.since))
    if asked.until:
        statement = statement.where(col(Alert.expanded_at) < midnight(asked.until + timedelta(days=1)))
    statement = statement.order_by(col(Alert.expanded_at).desc(), col(Alert.id).desc()).limit(limit)
    kept = {alert.id: Kept(alert, topic) for alert, topic in session.exec(statement)}
    _add_people(session, kept)
    return list(kept.values())


def one(session: Session, alert: Alert, topic: Topic) -> Kept:
    """One alert with who wrote it, who agreed, and how many messages went out."""
    kept = Kept(alert, topic)
    _add_people(session, {alert.id: kept})
    return kept


def _add_people(session: Session, kept: Mapping[UUID, Kept]) -> None:
    """Who wrote it and who agreed in the round that let it go, and how many messages went out."""
    ids = list(kept)
    for row in session.execute(text(WRITERS), {"ids": ids}):
        kept[row.id].written_by, kept[row.id].role = row.name, row.role
    for row in session.execute(text(AGREED), {"ids": ids}):
        kept[row.alert_id].agreed.append(Agreed(row.actor, row.role, row.at, row.alone))
    for row in session.execute(text(HANDED_OVER), {"ids": ids}):
        kept[row.alert_id].sent[row.channel] = int(row.sent)


def senders(session: Session, council_id: UUID) -> Mapping[str, str]:
    """Everyone who wrote an alert that was sent: the actor and their name, by name."""
    values = {"councils": list(lineage(session, council_id))}
    return {row.actor: row.name for row in session.execute(text(SENDERS), values)}


WRITERS = """
    SELECT a.id, coalesce(o.name, 'API key ' || k.name, a.created_by) AS name, coalesce(o.role, k.role) AS role
    FROM alert a
    LEFT JOIN officer o ON a.created_by = 'officer:' || o.id
    LEFT JOIN api_key k ON a.created_by = 'key:' || k.prefix
    WHERE a.id = ANY(:ids)
"""
SENDERS = """
    WITH written AS (
        SELECT DISTINCT created_by AS actor FROM alert
        WHERE council_id = ANY(:councils) AND expanded_at IS NOT NULL AND NOT is_test AND parts IS NULL
    )
    SELECT w.actor, coalesce(o.name, 'API key ' || k.name, w.actor) AS name
    FROM written w
    LEFT JOIN officer o ON w.actor = 'officer:' || o.id
    LEFT JOIN api_key k ON w.actor = 'key:' || k.prefix
    ORDER BY name, w.actor LIMIT 1000
"""
# a yes from before a no, or to other words, was no yes to what went out
AGREED = """
    SELECT p.alert_id, p.actor, o.role, p.at, false AS alone
    FROM approval p
    JOIN alert a ON a.id = p.alert_id AND a.submission = p.submission AND a.content_hash = p.content_hash
    LEFT JOIN officer o ON p.actor = 'officer:' || o.id
    WHERE p.alert_id = ANY(:ids) AND p.approved
    UNION ALL
    SELECT a.id, e.actor, o.role, e.at, true
    FROM alert a
    JOIN audit_entry e ON e.council_id = a.council_id AND e.action = 'alert.break-glass' AND e.subject = a.id::text
    LEFT JOIN officer o ON e.actor = 'officer:' || o.id
    WHERE a.id = ANY(:ids) AND a.priority = 'emergency'
    ORDER BY at
"""
# from the batches: a page of results does not read the ledger
HANDED_OVER = """
    SELECT b.alert_id, b.channel, sum(b.sent) AS sent FROM batch b JOIN alert a ON a.id = b.alert_id
    WHERE b.alert_id = ANY(:ids) AND a.detail_removed_at IS NULL
    GROUP BY b.alert_id, b.channel
    UNION ALL
    SELECT c.alert_id, c.channel, sum(c.sent) FROM rollup_cell c JOIN alert a ON a.id = c.alert_id
    WHERE c.alert_id = ANY(:ids) AND a.detail_removed_at IS NOT NULL
    GROUP BY c.alert_id, c.channel HAVING sum(c.sent) > 0
    ORDER BY alert_id, channel
"""
