"""What a resident chose to be reminded of, and storing it. Of a home only its reference is kept."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlmodel import Session, col, select

from notify.core.errors import Conflict
from notify.languages import _, later
from notify.subscribers import service as subscribers
from notify.subscribers.models import SubscriberChange
from notify.subscribers.queries import SubscriberRecord
from notify.subscribers.sign_up.form import consent
from notify.waste import messages, queries
from notify.waste.models import CollectionReminder
from notify.waste.queries import FoundHome, UnknownHome

SOURCE = "website: bins"
MOST = 20


class NoReminders(Conflict):
    """The council sends no reminders, because it has no topic for them."""

    title = later("Your council does not send reminders yet")


class TooManyHomes(Conflict):
    """A resident is reminded for at most twenty homes."""

    title = later("That is too many homes")


@dataclass(frozen=True, slots=True)
class Reminded:
    """A home that the resident is reminded for; None where the council's days do not name it any more."""

    reminder: CollectionReminder
    found: FoundHome | None


def reminders_of(session: Session, record: SubscriberRecord) -> Sequence[Reminded]:
    """What this resident is reminded of, in the order in which they chose it."""
    statement = select(CollectionReminder).where(CollectionReminder.subscriber_id == record.subscriber.id)
    chosen = []
    for one in session.exec(statement.order_by(col(CollectionReminder.created_at))):
        try:
            chosen.append(Reminded(one, queries.home(session, one.council_id, one.home)))
        except UnknownHome:
            chosen.append(Reminded(one, None))
    return chosen


def homes_of_places(session: Session, record: SubscriberRecord) -> Sequence[tuple[str, Sequence[FoundHome]]]:
    """For each postcode of the resident the homes that it may be, of this council."""
    keys = dict.fromkeys(place.postcode for place in record.places)
    found = [(key, queries.homes_at(session, key)) for key in keys]
    council_id = record.subscriber.council_id
    return [(key, own) for key, every in found if (own := [one for one in every if one.council.id == council_id])]


def choose(session: Session, record: SubscriberRecord, reference: str, *, evening: bool, morning: bool) -> None:
    """Remind this resident for this home from now on, or with neither time no more. They follow the topic by it.

    It must be at a place of theirs. Raises: UnknownHome, NoReminders, TooManyHomes, NotEnrolled.
    """
    person = record.subscriber
    own = select(CollectionReminder).where(CollectionReminder.subscriber_id == person.id)
    known = {one.home: one for one in session.exec(own)}
    if not (evening or morning):
        if reference in known:
            session.delete(known[reference])
        return
    found = queries.home(session, person.council_id, reference)
    if found.home.postcode not in {place.postcode for place in record.places}:
        # else anybody could ask what any home pays for
        raise UnknownHome(
            _("We do not know the collection days of your places. Add a postcode to your alerts, or ask your council.")
        )
    if len(known) >= MOST and reference not in known:
        raise TooManyHomes(_("Remove a home first. You can get reminders for 20."))
    _follow(session, record)
    made = known.get(reference) or CollectionReminder(
        council_id=person.council_id, subscriber_id=person.id, home=reference
    )
    made.evening, made.morning = evening, morning
    session.add(made)


def _follow(session: Session, record: SubscriberRecord) -> None:
    topic = messages.topic_of(session, record.subscriber.council_id)
    if topic is None:
        raise NoReminders(_("Add the days to your calendar instead."))
    following = [one for _subscription, one in record.subscriptions]
    if topic.id not in {one.id for one in following}:
        change = SubscriberChange(consent=consent(SOURCE))
        subscribers.change_subscriber(session, record=record, topics=[*following, topic], change=change, source=SOURCE)


def remove(session: Session, record: SubscriberRecord, reminder_id: UUID) -> None:
    """Remind this resident no more of one home. Safe to repeat."""
    found = session.get(CollectionReminder, reminder_id)
    if found is not None and found.subscriber_id == record.subscriber.id:
        session.delete(found)
