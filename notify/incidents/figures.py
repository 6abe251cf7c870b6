"""The numbers of an incident: its messages and its people, each counted by one query and in words of its own.

Of its alerts those that are emergencies count. Each message is in one column and each person in one row: the parts add
up to the whole.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session

from notify.alerts.models import Alert, Priority
from notify.channels import label
from notify.places.queries import names_by_code
from notify.staff.budgets import in_pounds

# `accepted` is what a provider took: delivered, bounced or without a word since
MESSAGES = text("""
    SELECT channel, sum(messages)::bigint AS messages, sum(accepted)::bigint AS accepted,
           sum(delivered)::bigint AS delivered, sum(no_receipt)::bigint AS no_receipt, sum(failed)::bigint AS failed,
           sum(not_sent)::bigint AS not_sent, sum(waiting)::bigint AS waiting, sum(cost)::bigint AS cost
    FROM (
        SELECT d.channel, count(*) AS messages, count(d.sent_at) AS accepted,
               count(*) FILTER (WHERE d.state = 'delivered') AS delivered,
               count(*) FILTER (WHERE d.state IN ('sent', 'unknown')) AS no_receipt,
               count(*) FILTER (WHERE d.state LIKE '%-failure') AS failed,
               count(*) FILTER (WHERE d.state IN ('suppressed', 'cancelled', 'expired')) AS not_sent,
               count(*) FILTER (WHERE d.state IN ('created', 'sending')) AS waiting, sum(d.cost) AS cost
        FROM alert a JOIN delivery d ON d.month = a.ledger_month AND d.alert_id = a.id
        WHERE a.id = ANY(:alerts) AND a.detail_removed_at IS NULL GROUP BY d.channel
        UNION ALL
        SELECT c.channel, sum(recipients), sum(sent), sum(delivered),
               sum(recipients - delivered - permanent_failure - temporary_failure - technical_failure - suppressed
                   - cancelled - expired - waiting),
               sum(permanent_failure + temporary_failure + technical_failure), sum(suppressed + cancelled + expired),
               sum(waiting), sum(c.cost)
        FROM rollup_cell c
        WHERE c.alert_id IN (SELECT a.id FROM alert a WHERE a.id = ANY(:alerts) AND a.detail_removed_at IS NOT NULL)
        GROUP BY c.channel
    ) counted GROUP BY channel ORDER BY 2 DESC, 1
""")
# a person's last answer counts, and who has left the area is not asked
PEOPLE = text("""
    WITH person AS (
        SELECT d.subscriber_id, (array_agg(d.ward_code ORDER BY d.alert_id, d.number))[1] AS ward_code,
               bool_or(d.state = 'delivered') AS has_receipt,
               bool_or(d.state IN ('sent', 'unknown')) AS has_none,
               bool_or(d.state IN ('created', 'sending')) AS waits,
               bool_or(a.asks_reply AND coalesce(d.update_group, 'new') = 'new') AS is_asked,
               (array_agg(r.answer ORDER BY r.at DESC) FILTER (WHERE r.answer IS NOT NULL))[1] AS answer
        FROM alert a
        JOIN delivery d ON d.month = a.ledger_month AND d.alert_id = a.id
        LEFT JOIN reply r ON r.alert_id = d.alert_id AND r.subscriber_id = d.subscriber_id
        WHERE a.id = ANY(:alerts) AND a.detail_removed_at IS NULL
        GROUP BY d.subscriber_id
    ), last_attempt AS (
        SELECT DISTINCT ON (subscriber_id) subscriber_id, outcome FROM call_attempt
        WHERE alert_id = ANY(:alerts) AND subscriber_id IS NOT NULL ORDER BY subscriber_id, at DESC, number DESC
    ), found AS (
        SELECT p.*, coalesce(t.outcome <> 'no-answer', false) AS is_found
        FROM person p LEFT JOIN last_attempt t USING (subscriber_id)
    )
    SELECT ward_code, count(*) AS people,
           count(*) FILTER (WHERE has_receipt OR answer IS NOT NULL) AS known,
           count(*) FILTER (WHERE NOT has_receipt AND answer IS NULL AND has_none) AS no_receipt,
           count(*) FILTER (WHERE NOT has_receipt AND answer IS NULL AND NOT has_none AND waits) AS waiting,
           count(*) FILTER (WHERE NOT has_receipt AND answer IS NULL AND NOT has_none AND NOT waits) AS not_reached,
           count(*) FILTER (WHERE is_asked) AS asked,
           count(*) FILTER (WHERE answer = 'help') AS help,
           count(*) FILTER (WHERE answer = 'safe') AS safe,
           count(*) FILTER (WHERE is_asked AND answer IS NULL) AS not_answered,
           count(*) FILTER (WHERE is_asked AND answer IS NULL AND NOT is_found) AS unknown
    FROM found GROUP BY ward_code ORDER BY 2 DESC, 1
""")


@dataclass(frozen=True, slots=True)
class MessageCount:
    """Messages of one channel, or of all. All but `accepted` add up to `messages`. `cost` in thousandths of a penny."""

    name: str
    messages: int = 0
    accepted: int = 0
    delivered: int = 0
    no_receipt: int = 0
    failed: int = 0
    not_sent: int = 0
    waiting: int = 0
    cost: int | None = None


@dataclass(frozen=True, slots=True)
class PeopleCount:
    """People of one ward, or all. `known` (a receipt or a reply), `no_receipt`, `waiting` and `not_reached` add up to
    `people`; of those `asked`, `not_answered` have not replied, and `unknown` were not found by a call
    or visit either.
    """

    name: str
    people: int = 0
    known: int = 0
    no_receipt: int = 0
    waiting: int = 0
    not_reached: int = 0
    asked: int = 0
    help: int = 0
    safe: int = 0
    not_answered: int = 0
    unknown: int = 0

    @property
    def replied(self) -> int:
        """How many answered at all."""
        return self.help + self.safe

    @property
    def is_everybody(self) -> bool:
        """Whether a receipt or a reply says of everybody that they were reached."""
        return self.people > 0 and self.known == self.people


@dataclass(frozen=True, slots=True)
class IncidentFigures:
    """Messages by channel and people by ward, with their sums."""

    messages: MessageCount
    by_channel: Sequence[MessageCount]
    people: PeopleCount
    by_ward: Sequence[PeopleCount]
    asks: bool
    is_detail_removed: bool

    @property
    def cost(self) -> float | None:
        """Pounds; None where no price is set."""
        return None if self.messages.cost is None else float(in_pounds(self.messages.cost))


def figures_of(session: Session, alerts: Sequence[Alert]) -> IncidentFigures:
    """What is known now of the emergencies among these alerts."""
    urgent = [one for one in alerts if one.priority == Priority.EMERGENCY]
    values: dict[str, list[UUID]] = {"alerts": [one.id for one in urgent]}
    by_channel = [MessageCount(label(row.channel), *tuple(row)[1:]) for row in session.execute(MESSAGES, values)]
    rows = session.execute(PEOPLE, values).all()
    names = names_by_code(session, [row.ward_code for row in rows])
    by_ward = [PeopleCount(names.get(row.ward_code, "Not known"), *tuple(row)[1:]) for row in rows]
    priced = [one.cost for one in by_channel if one.cost is not None]
    counted = ("messages", "accepted", "delivered", "no_receipt", "failed", "not_sent", "waiting")
    people = tuple(name for name in PeopleCount.__slots__ if name != "name")
    return IncidentFigures(
        messages=MessageCount(
            "All",
            **{name: sum(getattr(one, name) for one in by_channel) for name in counted},
            cost=sum(priced) if priced else None,
        ),
        by_channel=by_channel,
        people=PeopleCount("All", **{name: sum(getattr(one, name) for one in by_ward) for name in people}),
        by_ward=by_ward,
        asks=any(one.asks_reply for one in urgent),
        is_detail_removed=any(one.detail_removed_at for one in urgent),
    )
