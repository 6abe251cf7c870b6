"""Reads what waits for a user: each section of the queue by one query, which counts all and returns the first."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, SQLColumnExpression, and_, or_, select, text
from sqlalchemy.sql.elements import TextClause
from sqlmodel import Session, col, func

from notify.alerts import ended_areas, late_alerts
from notify.alerts.models import Alert, AlertState, FollowUp, Priority
from notify.alerts.queries import NOT_AUTOMATED
from notify.alerts.visibility import require_within_alert, visible
from notify.core.errors import Forbidden
from notify.deliveries.queries import FailedAlert, failed_alerts
from notify.drafting.models import Draft
from notify.staff.models import Officer
from notify.staff.rights import Principal, Right
from notify.subscribers.models import Topic

SHOWN = 10
MOST_TRIED = 100  # that are looked at one by one for who works with some areas only
# who wrote, changed or made the key that did does not approve; keys count as the person whose they are
NOT_MINE = """
    NOT EXISTS (
        SELECT FROM unnest(ARRAY[alert.created_by, alert.changed_by]) AS writer (actor)
        LEFT JOIN api_key k ON writer.actor = 'key:' || k.prefix
        WHERE writer.actor = :me OR 'officer:' || k.officer_id = :me
           OR (topic.approval <> 'none' AND k.created_by = :me)
    )
    AND NOT EXISTS (SELECT FROM approval p
                    WHERE p.alert_id = alert.id AND p.submission = alert.submission AND p.actor = :me)
"""
# on its way, or an emergency in force that no all-clear has ended
LIVE = """
    (alert.state = 'sending'
     OR alert.state = 'sent' AND alert.priority = 'emergency' AND alert.follow_up IS DISTINCT FROM 'all-clear'
        AND alert.expires_at > business_now()
        AND NOT EXISTS (SELECT FROM alert f WHERE f.follows_id = coalesce(alert.follows_id, alert.id)
                        AND f.follow_up = 'all-clear' AND f.expanded_at IS NOT NULL))
"""
UNSENT = col(Alert.state).in_((AlertState.DRAFT, AlertState.REJECTED))
_NAMES = text("""
    SELECT 'officer:' || id AS actor, name FROM officer WHERE 'officer:' || id = ANY(:actors)
    UNION ALL
    SELECT 'key:' || k.prefix, coalesce(o.name, 'the key ‘' || k.name || '’')
    FROM api_key k LEFT JOIN officer o ON o.id = k.officer_id WHERE 'key:' || k.prefix = ANY(:actors)
""")
_REASONS = text("""
    SELECT DISTINCT ON (alert_id) alert_id, reason FROM approval
    WHERE alert_id = ANY(:alerts) AND NOT approved ORDER BY alert_id, at DESC
""")


@dataclass(frozen=True, slots=True)
class QueuedAlert:
    """One alert as lists show it. `reason` is why it came back; `author` is a name."""

    id: UUID
    title: str
    topic: str
    state: AlertState
    priority: Priority
    follow_up: FollowUp | None
    is_training: bool
    is_late: bool
    has_ended_areas: bool
    author: str
    created_at: datetime
    send_at: datetime | None
    finished_at: datetime | None
    recipients: int | None
    reason: str = ""

    @property
    def is_emergency(self) -> bool:
        """Whether it wakes people."""
        return self.priority == Priority.EMERGENCY


@dataclass(frozen=True, slots=True)
class Section:
    """The first alerts of one part of the queue, and how many there are in all."""

    count: int = 0
    alerts: Sequence[QueuedAlert] = ()


@dataclass(frozen=True, slots=True)
class OpenDraft:
    """What someone of the team has begun to write. `is_own`: it opens for the user who asks."""

    id: UUID
    title: str
    topic: str
    author: str
    changed_at: datetime
    is_emergency: bool
    is_own: bool
    has_audience: bool


@dataclass(frozen=True, slots=True)
class WorkQueue:
    """Everything that waits for a user. Sections that they have no right to act on are empty."""

    to_approve: Section = field(default_factory=Section)
    scheduled: Section = field(default_factory=Section)
    live: Section = field(default_factory=Section)
    failed: Sequence[FailedAlert] = ()
    returned: Section = field(default_factory=Section)
    drafts: Sequence[OpenDraft] = ()
    draft_count: int = 0
    recent: Section = field(default_factory=Section)


def work_queue(session: Session, by: Principal) -> WorkQueue:
    """What waits for this user, within their remit."""
    newest, soonest = col(Alert.id).desc(), col(Alert.send_at)
    writes = by.may(Right.WRITE_ALERTS)
    drafts, draft_count = _drafts(session, by) if writes else ([], 0)
    return WorkQueue(
        to_approve=_to_approve(session, by) if by.may(Right.APPROVE_ALERTS) else Section(),
        scheduled=_section(session, by, [col(Alert.state) == AlertState.SCHEDULED], soonest),
        live=_section(session, by, [text(LIVE)], newest),
        failed=_failed(session, by) if writes and by.may(Right.SEE_WORK) else (),
        returned=_section(session, by, [UNSENT], col(Alert.changed_at).desc(), with_reasons=True)
        if writes
        else Section(),
        drafts=drafts,
        draft_count=draft_count,
        recent=_section(
            session, by, [col(Alert.state) == AlertState.SENT, text(f"NOT {LIVE}")], col(Alert.finished_at).desc()
        ),
    )


def _to_approve(session: Session, by: Principal) -> Section:
    """What waits for this user's answer: of others, within their remit, and not answered by them yet."""
    conditions: list[ColumnElement[bool] | TextClause] = [
        col(Alert.state) == AlertState.SUBMITTED,
        text(NOT_MINE).bindparams(me=f"officer:{by.officer_id}" if by.officer_id else by.actor),
    ]
    if not by.may(Right.BROADCAST):
        conditions.append(col(Alert.priority) != Priority.EMERGENCY)
    order = col(Alert.priority) == Priority.ROUTINE
    if by.remit.areas is None:
        return _section(session, by, conditions, order, col(Alert.send_at), col(Alert.id))
    # to touch an area is enough to see an alert; to approve it, it must lie wholly within
    rows = _rows(session, by, conditions, order, col(Alert.send_at), col(Alert.id), limit=MOST_TRIED)
    own = [row for row in rows if _is_within(session, by, row[0])]
    return Section(len(own), _shown(session, own[:SHOWN]))


def _is_within(session: Session, by: Principal, alert: Alert) -> bool:
    try:
        require_within_alert(session, by.remit, alert)
    except Forbidden:
        return False
    return True


Row = tuple[Alert, Topic, int]


def _rows(
    session: Session,
    by: Principal,
    conditions: Sequence[ColumnElement[bool] | TextClause],
    *order: SQLColumnExpression[Any],
    limit: int,
) -> Sequence[Row]:
    statement = (
        select(Alert, Topic, func.count().over())
        .join(Topic, col(Topic.id) == col(Alert.topic_id))
        .where(col(Alert.council_id) == by.council_id, text(NOT_AUTOMATED), *visible(by.remit), *conditions)
        .order_by(*order)
        .limit(limit)
    )
    return [(row[0], row[1], row[2]) for row in session.execute(statement)]


def _section(
    session: Session,
    by: Principal,
    conditions: Sequence[ColumnElement[bool] | TextClause],
    *order: SQLColumnExpression[Any],
    with_reasons: bool = False,
) -> Section:
    rows = _rows(session, by, conditions, *order, limit=SHOWN)
    return Section(rows[0][2] if rows else 0, _shown(session, rows, with_reasons=with_reasons))


def _shown(session: Session, rows: Sequence[Row], *, with_reasons: bool = False) -> Sequence[QueuedAlert]:
    return summaries(session, [(alert, topic) for alert, topic, _ in rows], with_reasons=with_reasons)


def summaries(
    session: Session, found: Sequence[tuple[Alert, Topic]], *, with_reasons: bool = False
) -> Sequence[QueuedAlert]:
    """These alerts as lists show them, their authors by name."""
    authors = names_of(session, [alert.created_by for alert, _ in found])
    came_back = [alert.id for alert, _ in found if with_reasons]
    reasons = dict(_pairs(session, _REASONS, {"alerts": came_back})) if came_back else {}
    return [
        QueuedAlert(
            **alert.model_dump(
                include={
                    *("id", "title", "state", "priority", "follow_up", "is_training", "created_at", "send_at"),
                    *("finished_at", "recipients"),
                }
            ),
            topic=topic.name,
            is_late=late_alerts.is_held(alert),
            has_ended_areas=ended_areas.is_held(alert),
            author=authors.get(alert.created_by, "The service"),
            reason=reasons.get(alert.id, ""),
        )
        for alert, topic in found
    ]


def names_of(session: Session, actors: Sequence[str]) -> Mapping[str, str]:
    """The names of these users and keys, by the actor of the audit trail."""
    if not actors:
        return {}
    return dict(_pairs(session, _NAMES, {"actors": sorted(set(actors))}))


def _pairs(session: Session, statement: TextClause, values: Mapping[str, object]) -> Iterator[tuple[Any, str]]:
    return ((row[0], row[1]) for row in session.execute(statement, values))


def _failed(session: Session, by: Principal) -> Sequence[FailedAlert]:
    found = failed_alerts(session, by.council_id, limit=SHOWN)
    if not found or (by.remit.areas is None and by.remit.topics is None):
        return found
    statement = select(col(Alert.id)).join(Topic, col(Topic.id) == col(Alert.topic_id))
    statement = statement.where(col(Alert.id).in_([one.alert_id for one in found]), *visible(by.remit))
    own = set(session.execute(statement).scalars())
    return [one for one in found if one.alert_id in own]


def _drafts(session: Session, by: Principal) -> tuple[Sequence[OpenDraft], int]:
    """What the team has begun and not sent, one's own first; those of others within the same topics."""
    is_own = col(Draft.officer_id) == by.officer_id
    statement = (
        select(Draft, col(Officer.name), col(Topic.name), func.count().over())
        .join(Officer, col(Officer.id) == col(Draft.officer_id))
        .outerjoin(Topic, and_(col(Topic.slug) == col(Draft.topic), col(Topic.council_id) == col(Draft.council_id)))
        .where(col(Draft.council_id) == by.council_id, col(Draft.alert_id).is_(None))
    )
    if by.remit.topics is not None or by.remit.areas is not None:
        statement = statement.where(is_own)  # where a colleague's goes is not decided yet
    if not by.may(Right.BROADCAST):
        statement = statement.where(or_(is_own, col(Draft.priority) != Priority.EMERGENCY))
    statement = statement.order_by(is_own.desc(), col(Draft.changed_at).desc()).limit(SHOWN)
    rows = session.execute(statement).all()
    return [_draft(by, *row[:3]) for row in rows], rows[0][3] if rows else 0


def _draft(by: Principal, draft: Draft, author: str, topic: str | None) -> OpenDraft:
    return OpenDraft(
        id=draft.id,
        title=next(iter(draft.fields.get("title", ())), ""),
        topic=topic or draft.topic,
        author=author,
        changed_at=draft.changed_at,
        is_emergency=draft.priority == Priority.EMERGENCY,
        is_own=draft.officer_id == by.officer_id,
        has_audience=bool(draft.fields.get("reach")),
    )
