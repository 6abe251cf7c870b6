"""Figures about collections in a period: reminders, look-ups, calendars, what was missed and why, and calls avoided."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session

from notify.core.clock import midnight
from notify.waste import queries, use
from notify.waste.home_days import today
from notify.waste.models import EventKind, UseKind

LOOK_UPS_A_CALL = 10  # our assumption where a council has none of its own
MOST_LINES = 100


@dataclass(frozen=True, slots=True)
class Missed:
    """How often collections of a round did not happen for a cause, and how many homes that was about."""

    round: str
    cause: str
    times: int
    homes: int


@dataclass(frozen=True, slots=True)
class WasteFigures:
    """What was measured of a council's collections from `first` to `last`, both included.

    `reminders`, `changes` and `campaigns` are messages in the ledger, whether or not they arrived. `next_days` is for
    how many days from now dates may be stated, None where nothing is in force.
    """

    first: date
    last: date
    homes: int
    rounds: int
    streams: int
    next_days: int | None
    releases: int
    reminders: int
    changes: int
    campaigns: int
    look_ups: int
    calendars: int
    people_reminded: int
    events: Mapping[EventKind, int]
    missed: Sequence[Missed]

    def calls_avoided(self, look_ups_a_call: int = LOOK_UPS_A_CALL) -> int:
        """How many calls there were not, if every so many look-ups and readings of a reminder replace one."""
        return (self.look_ups + self.reminders) // look_ups_a_call


def figures(session: Session, council_id: UUID, first: date, last: date) -> WasteFigures:
    """The council's figures between these days."""
    values = {
        "council": council_id,
        "first": first,
        "last": last,
        "since": midnight(first),
        "until": midnight(last + timedelta(days=1)),
    }
    release = queries.active_release(session, council_id)
    messages = {kind: int(number or 0) for kind, number in session.execute(text(MESSAGES), values)}
    used = use.totals(session, council_id, first, last)
    counts = session.execute(text(COUNTS), values | {"release": release.id if release else 0}).one()
    events = {kind: int(number) for kind, number in session.execute(text(EVENTS), values)}
    return WasteFigures(
        first,
        last,
        homes=release.homes if release else 0,
        rounds=counts.rounds,
        streams=counts.streams,
        next_days=max((release.fresh_until - today()).days, 0) if release else None,
        releases=counts.releases,
        reminders=messages.get("reminders", 0),
        changes=messages.get("changes", 0),
        campaigns=messages.get("campaigns", 0),
        look_ups=used[UseKind.LOOK_UP],
        calendars=used[UseKind.CALENDAR],
        people_reminded=counts.people,
        events={kind: events.get(kind.value, 0) for kind in EventKind},
        missed=[Missed(*row) for row in session.execute(text(MISSED), values | {"most": MOST_LINES})],
    )


MESSAGES = """
    SELECT CASE a.webhook_event WHEN 'collection.reminder' THEN 'reminders'
                                WHEN 'collection.rounds-changed' THEN 'campaigns' ELSE 'changes' END,
           sum(a.recipients)
    FROM alert a
    WHERE a.council_id = :council AND a.webhook_event IS NOT NULL
      AND a.expanded_at >= :since AND a.expanded_at < :until AND NOT a.is_test
    GROUP BY 1
"""
COUNTS = """
    SELECT (SELECT count(DISTINCT round) FROM collection_rule WHERE release_id = :release) AS rounds,
           (SELECT count(*) FROM waste_stream WHERE council_id = :council) AS streams,
           (SELECT count(*) FROM collection_release WHERE council_id = :council
            AND activated_at >= :since AND activated_at < :until) AS releases,
           (SELECT count(DISTINCT subscriber_id) FROM collection_reminder WHERE council_id = :council) AS people
"""
EVENTS = """
    SELECT kind, count(*) FROM waste_event WHERE council_id = :council AND day BETWEEN :first AND :last GROUP BY kind
"""
MISSED = """
    SELECT CASE WHEN round <> '' THEN round WHEN home IS NOT NULL THEN 'One home' ELSE 'Several rounds' END, cause,
           count(*), sum(homes)
    FROM waste_event
    WHERE council_id = :council AND day BETWEEN :first AND :last AND kind IN ('not-completed', 'cancelled')
    GROUP BY 1, 2 ORDER BY 4 DESC, 1, 2 LIMIT :most
"""
