"""Recurring alerts: their days and UK times, each made once and in time."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID

from pydantic import ValidationError
from sqlalchemy import text, update
from sqlmodel import Session, col, select

from notify.alerts import remit as alerts_remit
from notify.alerts import service as alerts
from notify.alerts import visibility
from notify.alerts.councillors import refuse_councillor
from notify.alerts.models import Alert, NewAlert, Priority
from notify.alerts.queries import UnknownAlert
from notify.core import clock
from notify.core.clock import LONDON
from notify.core.errors import Invalid, NotFound, NotifyError
from notify.drafting.models import Occurrence, Recurrence, Rule
from notify.staff.models import Officer
from notify.staff.remit import Remit
from notify.staff.rights import RIGHTS, Actor, Principal, Right, principal_of
from notify.staff.service import audit
from notify.subscribers.models import Topic

AHEAD = timedelta(hours=24)  # so that it is seen on the calendar, and approved where it must be
LATE = timedelta(hours=1)  # after that it is no longer what was meant
LONGEST = timedelta(days=366)
ENDED = "It may have been ended already."


@dataclass(frozen=True, slots=True)
class Plan:
    """When it comes: `every` so many days, weeks or months, at a time of this country's clock.

    `weekdays` are those of a weekly plan, 0 for Monday; none: that of the first day.
    """

    rule: Rule
    every: int
    at: time
    first: date
    last: date
    weekdays: Sequence[int] = ()

    def days(self) -> Iterator[date]:
        """Its days, in their order. A month without the day of `first` has its last day instead."""
        if self.rule == Rule.WEEKLY:
            yield from self._weekly()
            return
        number = 0
        while (day := self._step(number)) <= self.last:
            yield day
            number += self.every

    def _step(self, number: int) -> date:
        return self.first + timedelta(days=number) if self.rule == Rule.DAILY else _months_after(self.first, number)

    def _weekly(self) -> Iterator[date]:
        monday = self.first - timedelta(days=self.first.weekday())
        weekdays = sorted(set(self.weekdays)) or [self.first.weekday()]
        while monday <= self.last:
            found = (monday + timedelta(days=weekday) for weekday in weekdays)
            yield from (day for day in found if self.first <= day <= self.last)
            monday += timedelta(weeks=self.every)

    def moments(self) -> Iterator[tuple[date, datetime]]:
        """Its days, each with its moment."""
        return ((day, moment(day, self.at)) for day in self.days())


def plan_of(one: Recurrence) -> Plan:
    """The plan of what comes again."""
    return Plan(one.rule, one.every, one.at_time, one.first_day, one.last_day, one.weekdays)


class CannotRecur(Invalid):
    """It would send nothing, or never end."""

    title = "The alert cannot come again like this"


class UnknownRecurrence(NotFound):
    """Another council's, or ended."""

    title = "Nothing like this comes again"


def _months_after(first: date, months: int) -> date:
    year, month = divmod(first.year * 12 + first.month - 1 + months, 12)
    for day in range(first.day, 27, -1):
        try:
            return date(year, month + 1, day)
        except ValueError:
            continue
    return date(year, month + 1, min(first.day, 27))


def moment(day: date, at: time) -> datetime:
    """When the clocks here show this time on this day, in UTC. A time they leave out is the next that they show."""
    local = datetime.combine(day, at, LONDON)
    there_and_back = local.astimezone(UTC).astimezone(LONDON)
    if there_and_back.replace(tzinfo=None) != local.replace(tzinfo=None):  # left out in spring
        first_hour = local.replace(minute=0) + timedelta(hours=1)
        return first_hour.astimezone(UTC)
    return local.astimezone(UTC)


def begin(session: Session, alert: Alert, *, by: Actor, plan: Plan) -> Recurrence:
    """Repeat this alert for the same audience, in the name of a person as long as they may write it.

    Raises: what `remit.own` raises, CannotRecur.
    """
    alerts_remit.require_own(session, by, alert)
    refuse_councillor(by, "set up recurring alerts")
    if alert.priority == Priority.EMERGENCY or alert.follows_id or alert.is_test:
        raise CannotRecur("Only a routine alert of its own comes again: no emergency, no update, no test.")
    today = clock.now().astimezone(LONDON).date()
    if not today <= plan.first <= plan.last or plan.last - plan.first > LONGEST:
        raise CannotRecur("Choose a first day from today on, and a last day within a year of it.")
    if not any(at > clock.now() for _, at in plan.moments()):
        raise CannotRecur("None of its days is still to come: choose a later time or last day, or other weekdays.")
    recurrence = Recurrence(
        council_id=alert.council_id,
        alert_id=alert.id,
        created_by=by.actor,
        content=_content(session, alert),
        rule=plan.rule,
        every=plan.every,
        at_time=plan.at,
        first_day=plan.first,
        last_day=plan.last,
        weekdays=list(plan.weekdays),
    )
    session.add(recurrence)
    session.flush()
    _note(session, recurrence, by, "begin", rule=plan.rule, every=plan.every, alert=str(alert.id))
    return recurrence


def _content(session: Session, alert: Alert) -> dict[str, object]:
    said = {name: getattr(alert, name) for name in ("title", "body", "link", "sms", "translations", "channels")}
    topic = session.get_one(Topic, alert.topic_id).slug
    new = NewAlert.model_validate({**said, "topic": topic, "audience": alert.audience})
    return new.model_dump(mode="json", by_alias=True, exclude_none=True, exclude_defaults=True)


def _note(session: Session, one: Recurrence, by: Actor, deed: str, **detail: object) -> None:
    audit(
        session,
        council_id=one.council_id,
        actor=by.actor,
        action=f"recurrence.{deed}",
        subject=str(one.id),
        **detail,
    )


def running(session: Session, council_id: UUID, remit: Remit) -> Sequence[tuple[Recurrence, Topic]]:
    """What comes again in this council, paused or not, as far as the remit has to do with it."""
    today = clock.now().astimezone(LONDON).date()
    statement = (
        select(Recurrence, Topic)
        .join(Alert, col(Alert.id) == col(Recurrence.alert_id))
        .join(Topic, col(Topic.id) == col(Alert.topic_id))
        .where(
            Recurrence.council_id == council_id,
            col(Recurrence.ended_at).is_(None),
            col(Recurrence.last_day) >= today,
            *visibility.visible(remit),
        )
    )
    return session.exec(statement.order_by(col(Recurrence.at_time), col(Recurrence.id)).limit(200)).all()


def own(session: Session, by: Actor, recurrence_id: UUID) -> Recurrence:
    """What comes again and has this id, held until the transaction ends, if its alert is this actor's to decide about.

    Raises: UnknownRecurrence, and what `remit.own` raises.
    """
    statement = select(Recurrence).where(
        Recurrence.id == recurrence_id, Recurrence.council_id == by.council_id, col(Recurrence.ended_at).is_(None)
    )
    found = session.exec(statement.with_for_update()).first()
    if found is None:
        raise UnknownRecurrence(ENDED)
    try:
        alerts_remit.own(session, by, found.alert_id)
    except UnknownAlert:
        raise UnknownRecurrence(ENDED) from None
    return found


def pause(session: Session, recurrence_id: UUID, *, by: Actor) -> None:
    """Let it come no more for now; what is scheduled already stays. Raises: what `own` raises."""
    one = own(session, by, recurrence_id)
    one.paused_at = one.paused_at or clock.now()
    _note(session, one, by, "pause")


def go_on(session: Session, recurrence_id: UUID, *, by: Actor) -> None:
    """Let it come again from now on; what was left out meanwhile is not made up for. Raises: what `own` raises."""
    one = own(session, by, recurrence_id)
    if one.paused_at:
        one.paused_at, one.counts_from = None, clock.now()
        _note(session, one, by, "go-on")


def end(session: Session, recurrence_id: UUID, *, by: Actor) -> None:
    """Let it come no more; what is scheduled already stays. Raises: what `own` raises."""
    one = own(session, by, recurrence_id)
    one.ended_at = clock.now()
    _note(session, one, by, "end")


def make_due(session: Session) -> int:
    """Make the alerts of the next day and night; how many. Each day of a recurrence is claimed once, whoever runs."""
    now = clock.now()
    statement = select(Recurrence).where(
        col(Recurrence.ended_at).is_(None),
        col(Recurrence.paused_at).is_(None),
        col(Recurrence.first_day) <= (now + AHEAD).astimezone(LONDON).date(),
        col(Recurrence.last_day) >= (now - LONGEST).date(),
    )
    # one that an officer is just ending, or that another scheduler is at, waits for the next minute
    found = session.exec(statement.order_by(col(Recurrence.id)).with_for_update(skip_locked=True)).all()
    past = made_days(session, [one.id for one in found])
    return sum(
        _make(session, one, day, at)
        for one in found
        for day, at in plan_of(one).moments()
        if one.counts_from < at <= now + AHEAD and day not in past[one.id] and _claim(session, one, day)
    )


def made_days(session: Session, ids: Sequence[UUID]) -> Mapping[UUID, set[date]]:
    """The days of these recurrences that need not be made any more."""
    past: defaultdict[UUID, set[date]] = defaultdict(set)
    claimed = select(col(Occurrence.recurrence_id), col(Occurrence.day)).where(col(Occurrence.recurrence_id).in_(ids))
    for recurrence_id, day in session.exec(claimed):
        past[recurrence_id].add(day)
    return past


def _claim(session: Session, recurrence: Recurrence, day: date) -> bool:
    claimed = session.execute(
        text("""
            INSERT INTO occurrence (recurrence_id, day, made_at) VALUES (:recurrence, :day, :now)
            ON CONFLICT DO NOTHING RETURNING day
        """),
        {"recurrence": recurrence.id, "day": day, "now": clock.now()},
    )
    return claimed.first() is not None


def _make(session: Session, recurrence: Recurrence, day: date, at: datetime) -> bool:
    """The alert of one day; what prevents it is written down instead of stopping the others."""
    outcome: Mapping[str, object]
    try:
        if at < clock.now() - LATE:
            raise CannotRecur("It was not sent in time.")
        with session.begin_nested():
            new = NewAlert.model_validate(recurrence.content | {"send_at": at})
            author = _author(session, recurrence)
            alert = alerts.create(session, by=author, new=new)
            alerts.submit(session, by=author, alert=alert)
        outcome = {"alert_id": alert.id}
    except NotifyError as error:
        outcome = {"problem": error.detail}
    except ValidationError:  # the rules for what an alert says have changed since
        outcome = {"problem": "Its words are no longer accepted. Write it again."}
    session.execute(
        update(Occurrence)
        .where(col(Occurrence.recurrence_id) == recurrence.id, col(Occurrence.day) == day)
        .values(**outcome)
    )
    return "alert_id" in outcome


def _author(session: Session, recurrence: Recurrence) -> Principal:
    """In whose name it goes out, with what they may do now. Raises: CannotRecur."""
    kind, _, name = recurrence.created_by.partition(":")
    author = session.get(Officer, UUID(name)) if kind == "officer" else None
    if author is None or not author.active or Right.WRITE_ALERTS not in RIGHTS[author.role]:
        raise CannotRecur("The person who set it up may no longer write alerts. Someone else can start it again.")
    return principal_of(author)
