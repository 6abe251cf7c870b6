"""Public tables of whole months, with small numbers withheld.

They change once a month: whoever compares two days must not see one person come.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session

from notify.core.clock import midnight
from notify.insight.costs import service as spending
from notify.insight.months import months_between
from notify.insight.open_data.disclosure import WITHHELD, protect, protect_shares
from notify.insight.period import today
from notify.insight.service_levels.queries import attainment
from notify.languages import later
from notify.places.models import ReleaseKind
from notify.places.queries import areas_page
from notify.staff.queries import council

MOST_WARDS = 1000
Cells = list[object]
Made = dict[str, list[Cells]]


@dataclass(frozen=True, slots=True)
class Column:
    """A column of an open table: its stable name, what people call it, and what kind of values it holds."""

    name: str
    title: str
    about: str
    kind: str = "integer"


@dataclass(frozen=True, slots=True)
class Table:
    """An open table: its stable name, its title, and what a row is."""

    name: str
    title: str
    about: str
    columns: tuple[Column, ...]


_MONTH = Column("month", later("Month"), later("The month in which the alerts went out"), "gYearMonth")
_ALERTS = Column("alerts", later("Alerts"), later("Alerts that went out; tests, exercises and digests are left out"))
_PEOPLE = Column(
    "people",
    later("People written to"),
    later("People who were sent at least one message, counted once for each alert"),
)
_URGENT = Column("emergencies", later("Emergencies"), later("How many of them were emergencies"))
_REACHED = Column(
    "delivered_percent",
    later("Delivered, %"),
    later("Of the messages to send: sent, and not reported as failed"),
    "decimal",
)
BY_MONTH = Table(
    "alerts-by-month",
    later("Alerts by month"),
    later("One row for each month."),
    (_MONTH, _ALERTS, _URGENT, _PEOPLE, _REACHED),
)  # fmt: skip
BY_TOPIC = Table(
    "alerts-by-topic",
    later("Alerts by topic"),
    later("One row for each topic, over all months together."),
    (
        Column("topic", later("Topic"), later("The topic’s short name"), "string"),
        Column("name", later("Name"), later("The topic’s name"), "string"),
        *(_ALERTS, _PEOPLE, _REACHED),
    ),
)
LEVELS = Table(
    "service-levels",
    later("Service levels"),
    later("One row for each month and urgency: how many alerts met the council’s target for speed."),
    (
        _MONTH,
        Column("urgency", later("Urgency"), later("emergency or routine"), "string"),
        _ALERTS,
        Column("met", later("Met the target"), later("Alerts whose promised share of messages was sent in time")),
        Column("met_percent", later("Met the target, %"), later("The same as a share of the alerts"), "decimal"),
        Column(
            "usual_seconds",
            later("Usual time, seconds"),
            later("The median over the alerts of the seconds until the promised share of messages was sent"),
            "decimal",
        ),
    ),
)
WARDS = Table(
    "sign-ups-by-ward",
    later("Sign-ups by ward"),
    later("One row for each ward: people who follow a topic of the council, on the first day of the month."),
    (
        Column("ward", later("Ward code"), later("The code that the Office for National Statistics gave it"), "string"),
        Column("name", later("Ward"), later("The ward’s name"), "string"),
        Column("people", later("People signed up"), later("People with a place in the ward")),
    ),
)
COMPLAINTS = Table(
    "complaints-by-month",
    later("Complaints by month"),
    later("One row for each month."),
    (
        _MONTH,
        Column("complaints", later("Complaints"), later("Messages that people reported as spam")),
        Column("unsubscribed", later("Unsubscribed"), later("People who unsubscribed from a topic in a message")),
    ),
)
COSTS = Table(
    "costs-by-month",
    later("Cost by month"),
    later("One row for each month: what the messages cost."),
    (_MONTH, Column("pounds", later("Cost in pounds"), later("What providers charged for the messages"), "decimal")),
)
TABLES: Mapping[str, Table] = {one.name: one for one in (BY_MONTH, BY_TOPIC, LEVELS, WARDS, COMPLAINTS, COSTS)}


def make(session: Session, council_id: UUID, *, since: date, until: date, with_cost: bool) -> Made:
    """Every table over the months from `since` to the day `until`, by name. Costs only where they are wanted."""
    months = months_between(since, until) if since <= until else []
    values = {"council": council_id, "since": midnight(since), "until": midnight(until + timedelta(days=1))}
    by_month = {row.month: row for row in session.execute(text(FIGURES_BY_MONTH), values)}
    found = [by_month.get(month) for month in months]
    people = protect([int(row.people) if row else 0 for row in found])
    good = protect_shares([int(row.good) if row else 0 for row in found], [int(row.due) if row else 0 for row in found])
    alerts = [(row.alerts, row.emergencies) if row else (0, 0) for row in found]
    made: Made = {
        BY_MONTH.name: [
            [month, *some, many, share] for month, some, many, share in zip(months, alerts, people, good, strict=True)
        ],
        BY_TOPIC.name: _by_topic(session, values),
        LEVELS.name: _levels(session, council_id, since, until),
        COMPLAINTS.name: [
            list(row)
            for row in zip(
                months,
                protect([int(row.complained) if row else 0 for row in found]),
                protect([int(row.unsubscribed) if row else 0 for row in found]),
                strict=True,
            )
        ],
    }
    if with_cost:
        made[COSTS.name] = _costs(session, council_id, since, until, dict(zip(months, people, strict=True)))
    return made


def first_month(session: Session, council_id: UUID) -> date:
    """The month in which this council's first alert went out; this month as long as none did."""
    first: date | None = session.execute(text(FIRST), {"council": council_id}).scalar_one()
    return (first or today()).replace(day=1)


def _by_topic(session: Session, values: Mapping[str, object]) -> list[Cells]:
    rows = session.execute(text(FIGURES_BY_TOPIC), values).all()
    people = protect([int(row.people) for row in rows])
    good = protect_shares([int(row.good) for row in rows], [int(row.due) for row in rows])
    return [[row.slug, row.name, row.alerts, many, share] for row, many, share in zip(rows, people, good, strict=True)]


def _levels(session: Session, council_id: UUID, since: date, until: date) -> list[Cells]:
    return [
        [one.month, one.priority.value, one.alerts, one.met, round(100 * one.share, 1), one.usual_seconds]
        for one in attainment(session, council_id, since=since, until=until)
    ]


def _costs(session: Session, council_id: UUID, since: date, until: date, people: Mapping[str, object]) -> list[Cells]:
    """Who knows the price of a message works out from the cost how many there were, so both are withheld together."""
    found = spending.costs(session, council_id, by=spending.By.MONTH, since=since, until=until)
    pounds = {one.key: round(one.pence / 100, 2) for one in found}
    return [[month, pounds.get(month, 0.0) if isinstance(many, int) else WITHHELD] for month, many in people.items()]


def sign_ups(session: Session, council_id: UUID) -> list[Cells]:
    """How many people follow this council's topics from each of its wards, today."""
    districts = council(session, council_id).district_codes
    wards = areas_page(session, ReleaseKind.WARD, districts=districts, after="", limit=MOST_WARDS, with_outline=False)
    known = {row.ward_code: int(row.people) for row in session.execute(text(SIGN_UPS), {"council": council_id})}
    people = protect([known.get(one.code, 0) for one in wards])
    rows: list[Cells] = [[one.code, one.name, many] for one, many in zip(wards, people, strict=True)]
    return sorted(rows, key=lambda row: str(row[1]))


FIRST = """
    SELECT CAST(min(r.started_at) AT TIME ZONE 'Europe/London' AS date)
    FROM rollup_alert r JOIN alert a ON a.id = r.alert_id
    WHERE r.council_id = :council AND NOT a.is_test AND NOT a.is_training AND a.parts IS NULL
"""
_ONE = """
    WITH one AS (
        SELECT r.*, a.priority, t.slug, t.name, r.recipients - r.suppressed - r.cancelled AS due,
               to_char(r.started_at AT TIME ZONE 'Europe/London', 'YYYY-MM') AS month,
               coalesce(s.people, (
                   SELECT max(sent) FROM (SELECT sum(c.sent) AS sent FROM rollup_cell c
                                          WHERE c.alert_id = r.alert_id GROUP BY c.channel) way
               ), 0) AS people
        FROM rollup_alert r JOIN alert a ON a.id = r.alert_id JOIN topic t ON t.id = r.topic_id
        LEFT JOIN service_result s ON s.alert_id = r.alert_id
        WHERE r.council_id = :council AND r.started_at >= :since AND r.started_at < :until
          AND NOT a.is_test AND NOT a.is_training AND a.parts IS NULL
    )
"""
_FIGURES = """
    count(*) AS alerts, count(*) FILTER (WHERE priority = 'emergency') AS emergencies, sum(people) AS people,
    sum(due) AS due, sum(due - permanent_failure - temporary_failure - technical_failure - expired - waiting - unknown)
        AS good,
    sum(complained) AS complained, sum(unsubscribed) AS unsubscribed
    FROM one
"""
FIGURES_BY_MONTH = f"{_ONE} SELECT month, {_FIGURES} GROUP BY month ORDER BY month"
FIGURES_BY_TOPIC = f"{_ONE} SELECT slug, name, {_FIGURES} GROUP BY slug, name ORDER BY name, slug"
SIGN_UPS = """
    SELECT p.ward_code, count(DISTINCT s.subscriber_id) AS people
    FROM topic t
    JOIN subscription s ON s.topic_id = t.id AND s.ended_at IS NULL
    JOIN place p ON p.subscriber_id = s.subscriber_id
    WHERE t.council_id = :council AND p.ward_code IS NOT NULL
      AND EXISTS (SELECT FROM contact c WHERE c.subscriber_id = s.subscriber_id AND c.confirmed_at IS NOT NULL)
    GROUP BY 1
"""
