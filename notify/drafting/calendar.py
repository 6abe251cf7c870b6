"""The calendar of a month: sent, scheduled and recurring alerts."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import cast
from uuid import UUID

from sqlalchemy.orm import InstrumentedAttribute, defer
from sqlmodel import Session, col, func, or_, select

from notify.alerts.models import Alert, AlertState, Priority
from notify.alerts.visibility import visible
from notify.core import clock
from notify.core.clock import LONDON
from notify.drafting.models import Occurrence, Recurrence, Rule
from notify.drafting.overlaps import places_of
from notify.drafting.recurrence import made_days, moment, plan_of, running
from notify.places.models import Targets
from notify.staff.remit import EVERYTHING, Remit
from notify.subscribers.models import Topic

CLOSE = timedelta(hours=2)
NEAR = timedelta(hours=24)
MOST = 1000
PLANNED, NOT_SENT = "planned", "not sent"
SHOWN = (AlertState.SUBMITTED, AlertState.SCHEDULED, AlertState.SENDING, AlertState.SENT)
STILL_TO_COME = (AlertState.SUBMITTED, AlertState.SCHEDULED, PLANNED)
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
# a shape may have come to thousands of postcodes
_WITHOUT_TARGETS = defer(cast("InstrumentedAttribute[dict[str, object] | None]", Alert.targets), raiseload=True)
STEPS = {Rule.DAILY: "day", Rule.WEEKLY: "week", Rule.MONTHLY: "month"}


@dataclass(slots=True)
class Entry:
    """One alert on the calendar, at its moment on the UK clock.

    `state` is its state, or that it is planned, or that it was not sent because of `problem`: then `id` is the alert
    that it would have repeated. `clashes` name the routine alerts for the same places that come close to it.
    """

    id: UUID
    at: datetime
    title: str
    topic: str
    state: str
    is_emergency: bool = False
    is_follow_up: bool = False
    problem: str = ""
    clashes: list[str] = field(default_factory=list)

    @property
    def can_clash(self) -> bool:
        """Whether it is a routine alert of its own that went out or is to go out."""
        return not (self.is_emergency or self.is_follow_up or self.state in (NOT_SENT, AlertState.CANCELLED))


def entries(session: Session, council_id: UUID, remit: Remit, begins: datetime, ends: datetime) -> Sequence[Entry]:
    """What is on the calendar from `begins` to `ends`, in its order; no more than `MOST` of each kind."""
    found = [
        *_alerts(session, council_id, remit, begins, ends),
        *planned(session, council_id, remit, begins, ends),
        *_prevented(session, council_id, remit, begins, ends),
    ]
    found.sort(key=lambda entry: entry.at)
    _mark_clashes(session, found)
    return found


def _alerts(session: Session, council_id: UUID, remit: Remit, begins: datetime, ends: datetime) -> Iterator[Entry]:
    at = func.coalesce(col(Alert.expanded_at), col(Alert.send_at), col(Alert.approved_at))
    statement = (
        select(Alert, Topic)
        .join(Topic, col(Topic.id) == col(Alert.topic_id))
        .where(
            Alert.council_id == council_id,
            at >= begins,
            at < ends,
            col(Alert.is_test).is_(False),
            col(Alert.parts).is_(None),
            # what was stopped on its way reached someone; what was taken back before did not
            or_(col(Alert.state).in_(SHOWN), col(Alert.expanded_at).is_not(None)),
            *visible(remit),
        )
        .options(_WITHOUT_TARGETS)
        .order_by(at, col(Alert.id))
        .limit(MOST)
    )
    for alert, topic in session.exec(statement):
        when = alert.expanded_at or alert.send_at or alert.approved_at or alert.created_at
        yield Entry(
            alert.id,
            when.astimezone(LONDON),
            alert.title,
            topic.name,
            alert.state.value,
            is_emergency=alert.priority == Priority.EMERGENCY,
            is_follow_up=alert.follows_id is not None,
        )


def planned(session: Session, council_id: UUID, remit: Remit, begins: datetime, ends: datetime) -> Sequence[Entry]:
    """What comes again between these moments and is not made yet."""
    coming = running(session, council_id, remit)
    past = made_days(session, [one.id for one, _ in coming])
    after = max(begins, clock.now())
    return [
        Entry(one.alert_id, at.astimezone(LONDON), str(one.content["title"]), topic.name, PLANNED)
        for one, topic in coming
        if one.paused_at is None
        for day, at in plan_of(one).moments()
        if after <= at < ends and at > one.counts_from and day not in past[one.id]
    ][:MOST]


def _prevented(session: Session, council_id: UUID, remit: Remit, begins: datetime, ends: datetime) -> Iterator[Entry]:
    """What would have come again and did not, and why."""
    statement = (
        select(Occurrence, Recurrence, Topic)
        .join(Recurrence, col(Recurrence.id) == col(Occurrence.recurrence_id))
        .join(Alert, col(Alert.id) == col(Recurrence.alert_id))
        .join(Topic, col(Topic.id) == col(Alert.topic_id))
        .where(
            Recurrence.council_id == council_id,
            col(Occurrence.problem).is_not(None),
            Occurrence.day >= begins.astimezone(LONDON).date(),
            Occurrence.day < ends.astimezone(LONDON).date(),
            *visible(remit),
        )
        .order_by(col(Occurrence.day))
        .limit(MOST)
    )
    for missed, one, topic in session.exec(statement):
        at = moment(missed.day, one.at_time).astimezone(LONDON)
        yield Entry(one.alert_id, at, str(one.content["title"]), topic.name, NOT_SENT, problem=missed.problem or "")


def near(session: Session, council_id: UUID, targets: Targets, at: datetime) -> Sequence[Entry]:
    """Routine alerts for some of these places that are still to go out, within a day of a moment, in their order.

    Whoever reads it may work with other topics: what these say is not theirs to know before it is sent.
    """
    span = (at - NEAR, at + NEAR)
    found = [*_alerts(session, council_id, EVERYTHING, *span), *planned(session, council_id, EVERYTHING, *span)]
    found = [entry for entry in found if entry.can_clash and entry.state in STILL_TO_COME]
    there = places_of(session, {None: targets, **_targets(session, {entry.id for entry in found})})
    close = [entry for entry in found if entry.id in there and there[None].meets(there[entry.id])]
    return sorted(close, key=lambda entry: entry.at)


def _targets(session: Session, ids: Collection[UUID]) -> Mapping[UUID, Targets]:
    stored = session.exec(select(Alert.id, Alert.targets).where(col(Alert.id).in_(ids))) if ids else ()
    return {one: Targets.from_json(targets) for one, targets in stored if targets}


def _mark_clashes(session: Session, found: Sequence[Entry]) -> None:
    """Name, of each routine alert, those for the same places that come within two hours of it."""
    pairs = list(_close_pairs([entry for entry in found if entry.can_clash]))
    places = places_of(session, _targets(session, {entry.id for pair in pairs for entry in pair}))
    for earlier, later in pairs:
        if earlier.id in places and later.id in places and places[earlier.id].meets(places[later.id]):
            earlier.clashes.append(f"{later.title}, {later.at:%H:%M}")
            later.clashes.append(f"{earlier.title}, {earlier.at:%H:%M}")


def _close_pairs(found: Sequence[Entry]) -> Iterator[tuple[Entry, Entry]]:
    for number, entry in enumerate(found):
        for later in found[number + 1 :]:
            # moments of one zone are compared by what the clock shows; an hour is lost or comes twice
            if later.at.timestamp() - entry.at.timestamp() >= CLOSE.total_seconds():
                break
            yield entry, later


def rule_in_words(one: Recurrence) -> str:
    """How often, as in: “Every 2 weeks on Monday and Thursday”."""
    step = STEPS[one.rule]
    often = f"Every {step}" if one.every == 1 else f"Every {one.every} {step}s"
    if one.rule == Rule.WEEKLY:
        return f"{often} on {_listed([WEEKDAYS[day] for day in sorted(one.weekdays or [one.first_day.weekday()])])}"
    return f"{often} on day {one.first_day.day}" if one.rule == Rule.MONTHLY else often


def _listed(names: Sequence[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def day_of(entry: Entry) -> date:
    """The day on which it stands."""
    return entry.at.date()
