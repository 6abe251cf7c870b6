"""A home's collections as an iCalendar feed that stays true: RFC 5545, and RFC 7986 for names and refreshing.

The address holds a signed token, which nobody can guess. What a home pays for is in the feed of a resident's own
reminder alone, while they have that reminder and a place there. An event keeps its UID for good: stream and usual day.
What was said about it later raises SEQUENCE, and what is cancelled stays in the feed as cancelled.
"""

from collections.abc import Sequence
from datetime import timedelta
from urllib.parse import urlsplit
from uuid import UUID

from icalendar import Alarm, Calendar, Event
from sqlmodel import Session

from notify.core import tokens
from notify.core.settings import settings
from notify.core.tokens import LinkNotValid, Purpose
from notify.languages import _
from notify.waste import home_days, queries
from notify.waste.home_days import HomeDays
from notify.waste.models import CollectionReminder
from notify.waste.moved_days import Collection, Standing
from notify.waste.words import container_words, date_words, stream_words

BACK, AHEAD = timedelta(days=28), timedelta(days=366)
EVENING_BEFORE = timedelta(hours=-6)  # of a whole day, that is 18:00
REFRESH = timedelta(hours=6)
OWN, OPEN = b"r", b"o"


def token_of(council_id: UUID, reference: str) -> str:
    """The secret part of the address of a home's feed, without what the home pays for."""
    return tokens.sign(Purpose.CALENDAR, OPEN + council_id.bytes + reference.encode())


def address_of(council_id: UUID, reference: str) -> str:
    """The address that a calendar program subscribes to."""
    return _address(token_of(council_id, reference))


def own_address_of(reminder_id: UUID) -> str:
    """The same for a resident's own reminder, with what the home pays for; it ends with the reminder."""
    return _address(tokens.sign(Purpose.CALENDAR, OWN + reminder_id.bytes))


def _address(token: str) -> str:
    return f"{settings().base_url}/bin-calendar/{token}.ics"


def days_by_token(session: Session, token: str) -> HomeDays:
    """What the feed of this token shows. Raises: LinkNotValid, UnknownHome."""
    payload = tokens.read(Purpose.CALENDAR, token)
    is_own = payload[:1] == OWN
    if is_own:
        reminder = session.get(CollectionReminder, UUID(bytes=payload[1:]))
        if reminder is None:
            raise queries.UnknownHome(_("Enter your postcode again to find your home."))
        found = queries.home(session, reminder.council_id, reminder.home)
        is_own = queries.has_place_at(session, reminder.subscriber_id, found.home.postcode)
    elif payload[:1] == OPEN:
        found = queries.home(session, UUID(bytes=payload[1:17]), payload[17:].decode())
    else:
        raise LinkNotValid("The link is incomplete. Copy the whole link.")
    today = home_days.today()
    return home_days.days_of_home(session, found, today - BACK, today + AHEAD, with_paid=is_own)


def feed(shown: HomeDays) -> bytes:
    """The calendar, in the language that is spoken."""
    found = shown.found
    calendar = Calendar()
    calendar.add("prodid", "-//Notify//Collection days//EN")
    calendar.add("version", "2.0")
    name = _("Bin collections, {home}", home=found.home.label)
    calendar.add("name", name)
    calendar.add("x-wr-calname", name)
    calendar.add("description", _("Collection days of {council}", council=found.council.name))
    calendar.add("refresh-interval", REFRESH, parameters={"VALUE": "DURATION"})
    calendar.add("x-published-ttl", "PT6H")
    for one in shown.collections:
        calendar.add_component(_event(shown, one))
    made: bytes = calendar.to_ical()
    return made


def _event(shown: HomeDays, one: Collection) -> Event:
    found, stream = shown.found, shown.streams[one.stream]
    event = Event()
    host = urlsplit(settings().base_url).hostname or "localhost"
    event.add("uid", f"{one.usual:%Y%m%d}-{one.stream}-{found.home.reference}-{found.council.slug}@{host}")
    event.add("dtstamp", found.release.activated_at)
    event.add("sequence", one.changes)
    day = one.day or one.usual
    event.add("dtstart", day)
    event.add("dtend", day + timedelta(days=1))
    event.add("summary", stream_words(stream))
    event.add("status", "CONFIRMED" if one.day else "CANCELLED")
    event.add("transp", "TRANSPARENT")
    event.add("description", "\n".join(_lines(shown, one)))
    event.add("url", f"{settings().base_url}{found.path}")
    if one.day:
        alarm = Alarm()
        alarm.add("action", "DISPLAY")
        alarm.add("description", _("Put out your {container}", container=container_words(stream)))
        alarm.add("trigger", EVENING_BEFORE)
        event.add_component(alarm)
    return event


def _lines(shown: HomeDays, one: Collection) -> Sequence[str]:
    stream = shown.streams[one.stream]
    lines = [
        _("Put out your {container} by {time}.", container=container_words(stream), time=f"{stream.put_out_by:%H:%M}")
    ]
    if one.standing is Standing.MOVED:
        lines.append(_("Moved from {day}.", day=date_words(one.usual)))
    if one.day is None:
        lines = [_("This collection is cancelled.")]
    source = _("Source: {source}, {day}.", source=shown.source, day=date_words(shown.fetched_at.date()))
    return [*lines, source]
