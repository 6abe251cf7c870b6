"""The archive as a file: every field of what was sent and its results, without recipients."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session

from notify.core import csv_cells
from notify.core.db import transaction
from notify.insight.archive.queries import Agreed, Kept, Search, find
from notify.providers.base import Channel
from notify.staff.budgets import PENNY
from notify.staff.remit import Remit

AT_ONCE = 200  # alerts that are read, and held in memory, at a time
FIGURES = ("recipients", "sent", "delivered", "failed")

# a channel's figures, from the ledger, as the alert's own page counts them
COUNTED = """
    SELECT d.alert_id, d.channel, count(*) AS recipients, count(d.sent_at) AS sent,
           count(*) FILTER (WHERE d.state = 'delivered') AS delivered,
           count(*) FILTER (WHERE d.state LIKE '%-failure') AS failed, sum(d.cost) AS cost
    FROM delivery d
    JOIN alert a ON a.id = d.alert_id AND a.ledger_month = d.month AND a.detail_removed_at IS NULL
    WHERE a.id = ANY(:ids) AND d.month = ANY(:months)
    GROUP BY d.alert_id, d.channel
    UNION ALL
    -- where the detail is removed, the figures that were closed before
    SELECT c.alert_id, c.channel, sum(c.recipients), sum(c.sent), sum(c.delivered),
           sum(c.permanent_failure + c.temporary_failure + c.technical_failure),
           CASE WHEN sum(c.unpriced) < sum(c.sent) THEN sum(c.cost) END
    FROM rollup_cell c JOIN alert a ON a.id = c.alert_id AND a.detail_removed_at IS NOT NULL
    WHERE a.id = ANY(:ids)
    GROUP BY c.alert_id, c.channel ORDER BY alert_id, channel
"""
NAMES = (
    *("id", "sent_at", "finished_at", "state", "topic", "priority", "kind", "follows"),
    *("title", "body", "sms", "link", "translations", "reference"),
    *("event", "category", "severity", "urgency", "certainty", "instruction", "asked_for_replies", "other_way"),
    *("audience", "channels", "written_by", "written_by_role", "written_at", "asked_for", "approved_at", "approved_by"),
    *("expires_at", "messages", "figures", "cost_pence", "content_hash"),
)


@dataclass(frozen=True, slots=True)
class Counted:
    """What became of an alert, by channel; `cost_pence` is None where nobody set a price."""

    channels: Mapping[str, Mapping[str, int]]
    cost_pence: float | None


def as_json(council_id: UUID, remit: Remit, asked: Search, *, at_once: int = AT_ONCE) -> Iterator[str]:
    """A JSON array, piece by piece; each piece is read in a transaction of its own."""
    before = "[\n"
    for kept, counted in _everything(council_id, remit, asked, at_once):
        yield before + json.dumps(record(kept, counted), ensure_ascii=False)
        before = ",\n"
    yield "\n]\n" if before != "[\n" else "[]\n"


def as_csv(council_id: UUID, remit: Remit, asked: Search, *, at_once: int = AT_ONCE) -> Iterator[str]:
    """A table in which no cell is a formula, piece by piece."""
    header: Sequence[str] = list(_row({name: None for name in NAMES}))
    yield csv_cells.csv_of(header, [])
    for kept, counted in _everything(council_id, remit, asked, at_once):
        yield csv_cells.csv_lines([list(_row(record(kept, counted)).values())])


def _everything(council_id: UUID, remit: Remit, asked: Search, at_once: int) -> Iterator[tuple[Kept, Counted]]:
    while True:
        with transaction() as session:
            found = find(session, council_id, remit, asked, limit=at_once)
            counted = _counted(session, found)
        yield from ((kept, counted[kept.alert.id]) for kept in found)
        if len(found) < at_once:
            return
        asked = replace(asked, before=found[-1].alert.id)


def _counted(session: Session, found: Sequence[Kept]) -> Mapping[UUID, Counted]:
    channels: dict[UUID, dict[str, Mapping[str, int]]] = {kept.alert.id: {} for kept in found}
    costs: dict[UUID, list[int]] = {kept.alert.id: [] for kept in found}
    months = {kept.alert.ledger_month for kept in found if kept.alert.ledger_month}
    for row in session.execute(text(COUNTED), {"ids": list(channels), "months": list(months)}):
        channels[row.alert_id][row.channel] = {name: row._mapping[name] for name in FIGURES}
        costs[row.alert_id] += [int(row.cost)] if row.cost is not None else []
    return {one: Counted(channels[one], sum(costs[one]) / PENNY if costs[one] else None) for one in channels}


def record(kept: Kept, counted: Counted) -> Mapping[str, object]:
    """Every field of one alert. Moments are in UTC; officers are named as in the audit trail, residents not at all."""
    alert = kept.alert
    said = (alert.title, alert.body, alert.sms, alert.link, alert.translations, alert.reference)
    warned = (alert.event, alert.category, alert.severity, alert.urgency, alert.certainty, alert.instruction)
    values = (
        *(str(alert.id), _moment(alert.expanded_at), _moment(alert.finished_at), alert.state.value, kept.topic.slug),
        *(alert.priority.value, alert.follow_up or "alert", str(alert.follows_id) if alert.follows_id else None),
        *said,
        *(*warned, alert.asks_reply, alert.escalation, alert.audience, list(alert.channels), alert.created_by),
        *(kept.role, _moment(alert.created_at), _moment(alert.send_at), _moment(alert.approved_at)),
        *([_agreed(one) for one in kept.agreed], _moment(alert.expires_at), alert.recipients, counted.channels),
        *(counted.cost_pence, alert.content_hash.hex()),
    )
    return dict(zip(NAMES, values, strict=True))


def _moment(at: datetime | None) -> str | None:
    return at.astimezone(UTC).isoformat(timespec="seconds") if at else None


def _agreed(one: Agreed) -> Mapping[str, object]:
    return {"who": one.who, "role": one.role, "at": _moment(one.at), "alone": one.alone}


def _row(values: Mapping[str, object]) -> dict[str, object]:
    """The record as cells: figures stand in columns of their own, and what else has parts as JSON."""
    cells = {name: json.dumps(one, ensure_ascii=False) if _has_parts(one) else one for name, one in values.items()}
    figures = values["figures"] if isinstance(values["figures"], Mapping) else {}
    for channel in Channel:
        counts = figures.get(channel.value, {})
        cells |= {f"{channel.value}_{name}": counts.get(name, 0) for name in FIGURES}
    del cells["figures"]
    return cells


def _has_parts(value: object) -> bool:
    return isinstance(value, Mapping | list)
