"""Everything that was sent, to be found again and handed out: what was said, when, to how many, and who agreed."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import text
from sqlmodel import Session, col, select

from notify.alerts.models import Alert, Approval
from notify.alerts.visibility import visible
from notify.staff.models import AuditEntry
from notify.staff.remit import Remit
from notify.subscribers.models import Topic

LONDON = ZoneInfo("Europe/London")
WORDS = """
    (to_tsvector('simple', alert.title || ' ' || alert.body || ' ' || coalesce(alert.sms, ''))
     || jsonb_to_tsvector('simple', alert.translations, '["string"]')) @@ websearch_to_tsquery('simple', :words)
"""
COLUMNS = (
    "id", "sent_at", "topic", "priority", "kind", "title", "body", "sms", "link", "translations", "audience",
    "channels", "recipients", "handed_over", "refused", "written_by", "approved_by", "expires_at", "content_hash",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Search:
    """What is looked for. Days are those of this country; `before` is the id of the last alert of the page before."""

    words: str = ""
    topic: str = ""
    priority: str = ""
    since: date | None = None
    until: date | None = None
    before: UUID | None = None


@dataclass(slots=True)
class Kept:
    """One alert as it was sent, and what became of it. `handed_over` and `refused` are by channel."""

    alert: Alert
    topic: Topic
    handed_over: dict[str, int] = field(default_factory=dict)
    refused: dict[str, int] = field(default_factory=dict)
    approved_by: list[str] = field(default_factory=list)

    @property
    def sent_at(self) -> datetime:
        """When it began to go out."""
        return self.alert.expanded_at or self.alert.created_at

    @property
    def total(self) -> int:
        """How many messages were handed over."""
        return sum(self.handed_over.values())

    def record(self) -> Mapping[str, object]:
        """Every field of it, for a file. Nothing in it names a resident."""
        alert = self.alert
        values = (
            str(alert.id), self.sent_at.isoformat(), self.topic.slug, alert.priority.value, alert.follow_up or "alert",
            alert.title, alert.body, alert.sms, alert.link, alert.translations, alert.audience, list(alert.channels),
            alert.recipients, self.handed_over, self.refused, alert.created_by, self.approved_by,
            alert.expires_at.isoformat() if alert.expires_at else None, alert.content_hash.hex(),
        )  # fmt: skip
        return dict(zip(COLUMNS, values, strict=True))


def find(session: Session, council_id: UUID, remit: Remit, asked: Search, *, limit: int) -> Sequence[Kept]:
    """What this council sent and `remit` has to do with, the newest first."""
    statement = (
        select(Alert, Topic)
        .join(Topic, col(Topic.id) == col(Alert.topic_id))
        .where(
            Alert.council_id == council_id,
            col(Alert.expanded_at).is_not(None),
            col(Alert.is_test).is_(False),
            col(Alert.parts).is_(None),
            *visible(remit),
        )
    )
    if asked.words:
        statement = statement.where(text(WORDS).bindparams(words=asked.words))
    if asked.topic:
        statement = statement.where(Topic.slug == asked.topic)
    if asked.priority:
        statement = statement.where(col(Alert.priority) == asked.priority)
    if asked.since:
        statement = statement.where(col(Alert.expanded_at) >= _begin(asked.since))
    if asked.until:
        statement = statement.where(col(Alert.expanded_at) < _begin(asked.until + timedelta(days=1)))
    if asked.before:
        statement = statement.where(col(Alert.id) < asked.before)
    kept = [Kept(alert, topic) for alert, topic in session.exec(statement.order_by(col(Alert.id).desc()).limit(limit))]
    _add_figures(session, {one.alert.id: one for one in kept})
    return kept


def _begin(day: date) -> datetime:
    return datetime.combine(day, time(), LONDON).astimezone(UTC)


def _add_figures(session: Session, kept: Mapping[UUID, Kept]) -> None:
    """How many went out, from the batches: the ledger is not read. And who agreed."""
    batches = session.execute(
        text("""
            SELECT alert_id, channel, sum(handed_over) AS sent, sum(bounced) AS refused
            FROM batch WHERE alert_id = ANY(:ids) GROUP BY alert_id, channel ORDER BY alert_id, channel
        """),
        {"ids": list(kept)},
    )
    for row in batches:
        kept[row.alert_id].handed_over[row.channel] = int(row.sent)
        kept[row.alert_id].refused[row.channel] = int(row.refused)
    agreed = select(Approval.alert_id, Approval.actor).where(col(Approval.alert_id).in_(kept), col(Approval.approved))
    for alert_id, actor in session.exec(agreed.order_by(col(Approval.at))):
        kept[alert_id].approved_by.append(actor)
    alone = select(AuditEntry.subject, AuditEntry.actor).where(
        AuditEntry.action == "alert.break-glass", col(AuditEntry.subject).in_([str(one) for one in kept])
    )
    for subject, actor in session.exec(alone):
        kept[UUID(subject)].approved_by.append(f"{actor} (alone)")


def row_of(kept: Kept) -> Sequence[object]:
    """One line of a table; what has parts stands in its cell as JSON."""
    record = kept.record()
    return [
        json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else value for value in record.values()
    ]
