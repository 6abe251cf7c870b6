"""Pausing alerts until a day: only emergencies are sent until then."""

from datetime import date, time, timedelta

from babel.dates import format_date
from sqlalchemy import update
from sqlmodel import Session, col

from notify.core import clock, typed_text
from notify.core.clock import LONDON, midnight
from notify.core.form_fields import FieldError, Form
from notify.languages import _, spoken
from notify.subscribers.models import Subscriber
from notify.subscribers.sign_up.form import FormNotValid

LONGEST = timedelta(days=366)
HOURS = tuple(time(hour) for hour in range(24))


def today() -> date:
    """The day it is where residents live."""
    return clock.now().astimezone(LONDON).date()


def read_day(form: Form) -> date:
    """The day that a form names, however written. Raises: FormNotValid unless it is after today and within a year."""
    written = " ".join(filter(None, (form.one(name) for name in ("day", "month", "year"))))
    last = today() + LONGEST
    if not written:
        raise FormNotValid([FieldError("day", _("Enter the day when your alerts should start again, like 3 Dec."))])
    try:
        day = typed_text.read_day(written)
    except ValueError as error:
        raise FormNotValid([FieldError("day", str(error))]) from None
    if day <= today():
        raise FormNotValid([FieldError("day", _("{day} is not in the future. Enter a later day.", day=in_words(day)))])
    if day > last:
        too_far = _("{day} is too far ahead. Enter a day up to {last}.", day=in_words(day), last=in_words(last))
        raise FormNotValid([FieldError("day", too_far)])
    return day


def in_words(day: date) -> str:
    """`3 December 2027`, in the language of the visit."""
    return str(format_date(day, "d MMMM y", locale=spoken()))


def pause(session: Session, subscriber: Subscriber, until: date | None) -> None:
    """Send this resident nothing but emergencies before `until` begins in London; None ends the pause now."""
    moment = midnight(until) if until else None
    statement = update(Subscriber).where(col(Subscriber.id) == subscriber.id)
    session.execute(statement.values(paused_until=moment, changed_at=clock.now()))


def read_hours(form: Form) -> tuple[time, time] | None:
    """The quiet hours that a form names, as two full hours; None for no quiet hours. Raises: FormNotValid."""
    given = [form.one("quiet_from"), form.one("quiet_to")]
    if not any(given):
        return None
    known = {f"{hour:%H:%M}": hour for hour in HOURS}
    if given[0] not in known or given[1] not in known or given[0] == given[1]:
        raise FormNotValid([FieldError("quiet_from", _("Choose two different times, or none."))])
    return known[given[0]], known[given[1]]


def be_quiet(session: Session, subscriber: Subscriber, hours: tuple[time, time] | None) -> None:
    """Keep what is not urgent until these hours are over, each day; None: send at any hour."""
    begins, ends = hours or (None, None)
    statement = update(Subscriber).where(col(Subscriber.id) == subscriber.id)
    session.execute(statement.values(quiet_from=begins, quiet_to=ends, changed_at=clock.now()))


def paused_until(subscriber: Subscriber) -> date | None:
    """The day on which alerts begin again; None where they are not paused."""
    until = subscriber.paused_until
    return until.astimezone(LONDON).date() if until and until > clock.now() else None
