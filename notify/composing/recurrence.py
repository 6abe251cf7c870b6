"""Alerts that come again: on which days, at which moment of this country's clock, and made in time, once each."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID

from pydantic import ValidationError
from sqlalchemy import text, update
from sqlmodel import Session, col, select

from notify import clock
from notify.alerts import service as alerts
from notify.alerts.models import Alert, NewAlert, Priority
from notify.composing.models import Occurrence, Recurrence, Rule
from notify.composing.reading import LONDON
from notify.errors import Invalid, NotFound, NotifyError
from notify.staff.service import audit
from notify.subscribers.models import Topic

AHEAD = timedelta(hours=24)  # so that it is seen on the calendar, and approved where it must be
LATE = timedelta(hours=1)  # after that it is no longer what was meant
LONGEST = timedelta(days=366)
STEPS = {"daily": 1, "weekly": 7}


@dataclass(frozen=True, slots=True)
class Plan:
    """When it comes: `every` so many days, weeks or months, at a time of this country's clock."""

    rule: Rule
    every: int
    at: time
    first: date
    last: date


class CannotRecur(Invalid):
    """It would send nothing, or never end."""

    title = "The alert cannot come again like this"


class UnknownRecurrence(NotFound):
    """Another council's, or ended."""

    title = "Nothing like this comes again"


def days(rule: Rule, every: int, first: date, last: date) -> Iterator[date]:
    """The days of a rule. A month without the day of `first` has its last day instead."""
    if rule != Rule.MONTHLY:
        step = timedelta(days=STEPS[rule] * every)
        day = first
        while day <= last:
            yield day
            day += step
        return
    number = 0
    while (day := _months_after(first, number * every)) <= last:
        yield day
        number += 1


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


def begin(session: Session, alert: Alert, *, actor: str, plan: Plan) -> Recurrence:
    """Have what this alert says and whom it means come again. Raises: CannotRecur."""
    if alert.priority == Priority.EMERGENCY or alert.follows_id or alert.is_test:
        raise CannotRecur("Only a routine alert of its own comes again: no emergency, no update, no test.")
    today = clock.now().astimezone(LONDON).date()
    if not today <= plan.first <= plan.last or plan.last - plan.first > LONGEST:
        raise CannotRecur("Choose a first day from today on, and a last day within a year of it.")
    content = NewAlert.model_validate(
        {
            "topic": session.get_one(Topic, alert.topic_id).slug,
            "title": alert.title,
            "body": alert.body,
            "link": alert.link,
            "sms": alert.sms,
            "translations": alert.translations,
            "audience": alert.audience,
            "channels": alert.channels,
        }
    )
    recurrence = Recurrence(
        council_id=alert.council_id,
        alert_id=alert.id,
        created_by=actor,
        content=content.model_dump(mode="json", by_alias=True, exclude_none=True, exclude_defaults=True),
        rule=plan.rule,
        every=plan.every,
        at_time=plan.at,
        first_day=plan.first,
        last_day=plan.last,
    )
    session.add(recurrence)
    session.flush()
    audit(
        session,
        council_id=alert.council_id,
        actor=actor,
        action="recurrence.begin",
        subject=str(recurrence.id),
        rule=plan.rule,
    )
    return recurrence


def end(session: Session, *, council_id: UUID, recurrence_id: UUID, actor: str) -> None:
    """Let it come no more; what is scheduled already stays. Raises: UnknownRecurrence."""
    ended = session.execute(
        update(Recurrence)
        .where(
            col(Recurrence.id) == recurrence_id,
            col(Recurrence.council_id) == council_id,
            col(Recurrence.ended_at).is_(None),
        )
        .values(ended_at=clock.now())
        .returning(col(Recurrence.id))
    ).first()
    if ended is None:
        raise UnknownRecurrence("It may have been ended already.")
    audit(session, council_id=council_id, actor=actor, action="recurrence.end", subject=str(recurrence_id))


def running(session: Session, council_id: UUID) -> Sequence[Recurrence]:
    """What comes again in this council."""
    today = clock.now().astimezone(LONDON).date()
    statement = select(Recurrence).where(
        Recurrence.council_id == council_id, col(Recurrence.ended_at).is_(None), col(Recurrence.last_day) >= today
    )
    return session.exec(statement.order_by(col(Recurrence.at_time), col(Recurrence.id))).all()


def make_due(session: Session) -> int:
    """Make the alerts of the next day and night; how many. Each day of a recurrence is claimed once, whoever runs."""
    now = clock.now()
    made = 0
    for recurrence in session.exec(select(Recurrence).where(col(Recurrence.ended_at).is_(None))).all():
        for day in days(recurrence.rule, recurrence.every, recurrence.first_day, recurrence.last_day):
            at = moment(day, recurrence.at_time)
            if at > now + AHEAD:
                break
            if at >= now - AHEAD and _claim(session, recurrence, day):
                made += _make(session, recurrence, day, at)
    return made


def _claim(session: Session, recurrence: Recurrence, day: date) -> bool:
    claimed = session.execute(
        text("""
            INSERT INTO occurrence (recurrence_id, day, made_at) VALUES (:recurrence, :day, :now)
            ON CONFLICT DO NOTHING RETURNING day
        """),
        {"recurrence": recurrence.id, "day": day, "now": clock.now()},
    )
    return claimed.first() is not None


def _make(session: Session, recurrence: Recurrence, day: date, at: datetime) -> int:
    """The alert of one day; what prevents it is written down instead of stopping the others."""
    outcome: Mapping[str, object]
    try:
        if at < clock.now() - LATE:
            raise CannotRecur("Nobody was there to send it in time.")
        with session.begin_nested():
            new = NewAlert.model_validate(recurrence.content | {"send_at": at})
            actor = recurrence.created_by
            alert = alerts.create(session, council_id=recurrence.council_id, actor=actor, new=new)
            alerts.submit(session, alert=alert, actor=actor)
        outcome = {"alert_id": alert.id}
    except NotifyError as error:
        outcome = {"problem": error.detail}
    except ValidationError as error:  # the rules for alerts may have changed since
        outcome = {"problem": error.errors()[0]["msg"]}
    session.execute(
        update(Occurrence)
        .where(col(Occurrence.recurrence_id) == recurrence.id, col(Occurrence.day) == day)
        .values(**outcome)
    )
    return "alert_id" in outcome
