"""A resident's own choices: what they may choose from, what they chose, and storing it."""

from collections.abc import Sequence, Set
from dataclasses import dataclass, replace
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session

from notify.core.errors import NotFound, NotifyError
from notify.core.form_fields import FieldError, Form
from notify.languages import _, later
from notify.places.postcodes import canonical
from notify.places.postcodes import normalise as normalise_postcode
from notify.providers.base import Channel
from notify.staff.queries import council
from notify.subscribers import queries, service, topic_places
from notify.subscribers.imports.enrolment import EnrolStatus, enrol
from notify.subscribers.imports.entries import Entry
from notify.subscribers.models import (
    Cadence,
    ConfirmedBy,
    Contact,
    MailFormat,
    NewContact,
    NewPlace,
    NewSubscriber,
    Place,
    SubscriberChange,
    Topic,
    WardSource,
)
from notify.subscribers.queries import SubscriberRecord
from notify.subscribers.sign_up import coverage
from notify.subscribers.sign_up.coverage import CouncilTopics
from notify.subscribers.sign_up.form import FormNotValid, consent, read_language, read_name, read_ward, topic_errors
from notify.subscribers.topic_queries import topics_offered

SOURCE = "website"
LONGEST_LABEL = 40
MOST_PLACES = 20
# a resident's like their places, though only `waste` knows what a home is
BIN_REMINDERS = """
    SELECT home, evening, morning, created_at FROM collection_reminder WHERE subscriber_id = :subscriber
    ORDER BY created_at
"""


@dataclass(frozen=True, slots=True)
class Choices:
    """A resident's record and everything they may choose from."""

    record: SubscriberRecord
    groups: Sequence[CouncilTopics]

    @property
    def following(self) -> frozenset[str]:
        """The ids of the topics they follow."""
        return frozenset(str(topic.id) for _, topic in self.record.subscriptions)

    @property
    def contacts(self) -> Sequence[tuple[Contact, bool]]:
        """Each way to reach them, and whether anything is sent that way."""
        used = {channel for subscription, _ in self.record.subscriptions for channel in subscription.channels}
        return [(contact, contact.channel in used) for contact in self.record.contacts]


def choices_of(session: Session, record: SubscriberRecord, elsewhere: Set[UUID] = frozenset()) -> Choices:
    """What this resident may choose: topics of the councils at their places, and of the one they follow already.

    Councils that have a membership of their own (`elsewhere`) have a page of their own.
    """
    at_places = coverage.topic_groups(session, [p.district_code for p in record.places if p.district_code])
    offered = {group.council_id: list(group.topics) for group in at_places if group.council_id not in elsewhere}
    followed = [topic for _, topic in record.subscriptions]
    for council_id in sorted({topic.council_id for topic in followed} - offered.keys()):
        offered[council_id] = list(topics_offered(session, [council_id]))
    groups = []
    for council_id, topics in offered.items():
        # what is about to end stays on the page of people who follow it, or saving the page would end it early
        ending = [topic for topic in followed if topic.council_id == council_id and topic not in topics]
        groups.append(CouncilTopics.of(session, council(session, council_id), [*topics, *ending]))
    return Choices(record, groups)


def save(session: Session, choices: Choices, form: Form) -> None:
    """Store what the form says. Raises: FormNotValid with every error, and then stores nothing."""
    field_errors: list[FieldError] = []
    record = choices.record
    wanted = set(form.all("topic"))
    topics = [topic for group in choices.groups for topic in group.topics if str(topic.id) in wanted]
    ticked = [contact for contact in record.contacts if contact.channel in form.all("channel")]
    if topics and not ticked:
        field_errors.append(FieldError("channels", _("Choose how we should contact you, or choose no topics.")))
    field_errors += topic_errors(topics, [contact.channel for contact in ticked])
    name = read_name(form, field_errors)
    places = read_places(session, record, form, field_errors)
    if field_errors:
        raise FormNotValid(field_errors)
    change = SubscriberChange(
        name=name,
        language=read_language(form, also=record.subscriber.language),
        tracking_consent=form.has("tracking_consent"),
        places=places,
        consent=consent(),
    )
    try:
        _store(session, choices, change, topics=topics, ticked=ticked)
    except service.NotEnrolled as error:
        raise FormNotValid([FieldError("topics", error.detail)]) from None


def _store(
    session: Session, choices: Choices, change: SubscriberChange, *, topics: Sequence[Topic], ticked: Sequence[Contact]
) -> None:
    record = choices.record
    # a topic that is new today is sent only the ways that are ticked today
    reachable = replace(record, contacts=ticked or record.contacts)
    own = [topic for topic in topics if topic.council_id == record.subscriber.council_id]
    service.change_subscriber(session, record=reachable, topics=own, change=change, source=SOURCE)
    session.flush()
    now = queries.record(session, record.subscriber.id)
    for group in choices.groups:
        chosen = [topic for topic in group.topics if topic in topics and topic not in own]
        if chosen:
            _join(session, now, group.council_id, chosen, ticked)
    for contact, was_used in choices.contacts:
        if contact not in ticked:
            service.unsubscribe(session, contact_id=contact.id, topic_id=None, source=SOURCE)
        elif not was_used:
            service.resume(session, record=now, contact=contact, consent=consent())


def _join(
    session: Session,
    record: SubscriberRecord,
    council_id: UUID,
    topics: Sequence[Topic],
    ticked: Sequence[Contact],
) -> None:
    """Sign up with another council, by the ways that the resident has confirmed by themselves, for places it covers.

    Nothing else that this council holds goes there. Raises: NotEnrolled.
    """
    own_word = [contact for contact in ticked if contact.confirmed_by in (ConfirmedBy.LINK, ConfirmedBy.CODE)]
    districts = council(session, council_id).district_codes
    person = NewSubscriber.model_construct(
        contacts=[NewContact(channel=contact.channel, address=contact.address) for contact in own_word],
        language=record.subscriber.language,
        mail_format=MailFormat(record.subscriber.mail_format),
        places=[_as_new(place) for place in record.places if place.district_code in districts],
    )
    if not own_word or queries.known_contacts(session, council_id, person):
        raise service.NotEnrolled(_("Sign up with this council on its own: one of your addresses is not free for it."))
    entry = Entry(1, person, topics)
    [outcome] = enrol(session, council_id, [entry], consent(), proof=ConfirmedBy.LINK, asked_by=None)
    if outcome.status == EnrolStatus.REFUSED:
        raise service.NotEnrolled(outcome.reason)


def read_places(
    session: Session,
    record: SubscriberRecord,
    form: Form,
    field_errors: list[FieldError],
    *,
    council_id: UUID | None = None,
) -> list[NewPlace] | None:
    """The places as chosen, or None where nothing changes; at places of one council where its officer asks."""
    removed = set(form.all("remove_place"))
    kept = [_as_new(place) for place in record.places if str(place.id) not in removed]
    text = form.one("new_postcode")
    if not text:
        return kept if removed else None
    try:
        coverage.offer_at(session, text, council_id)
    except NotifyError as error:
        field_errors.append(FieldError("new_postcode", error.detail))
        return None
    label = " ".join(form.one("new_label").split())
    if len(label) > LONGEST_LABEL:
        field_errors.append(FieldError("new_label", _("Enter at most {most} characters.", most=LONGEST_LABEL)))
    if len(kept) >= MOST_PLACES:
        field_errors.append(
            FieldError("new_postcode", _("You can have {most} places. Remove one first.", most=MOST_PLACES))
        )
    if field_errors:
        return None
    added = NewPlace(postcode=normalise_postcode(text), label=label or "Home")
    return [*(place for place in kept if place.postcode != added.postcode), added]


class PlaceNotYours(NotFound):
    """There is no such place among the resident's own."""

    title = later("This place is not in your alerts")


def place_of(record: SubscriberRecord, place_id: UUID) -> Place:
    """One of the resident's own places. Raises: PlaceNotYours."""
    for place in record.places:
        if place.id == place_id:
            return place
    raise PlaceNotYours(_("It may have been moved or removed already."))


def needs_ward(session: Session, form: Form) -> bool:
    """Whether a new postcode lies near a boundary and its ward was not asked yet: `asked_at` names the postcode that
    the page asked about.
    """
    try:
        offer = coverage.offer_at(session, form.one("postcode"))
    except NotifyError:
        return False
    asked = normalise_postcode(form.one("asked_at")) if form.has("asked_at") else ""
    return len(offer.wards) > 1 and not form.has("ward") and asked != normalise_postcode(offer.postcode)


def move(session: Session, choices: Choices, moved: Place, form: Form) -> None:
    """Put a new postcode in the place of an old one, under the same name.

    Topics end whose council covers none of the places any more. Raises: FormNotValid, and then stores nothing.
    """
    field_errors: list[FieldError] = []
    try:
        offer = coverage.offer_at(session, form.one("postcode"))
    except NotifyError as error:
        raise FormNotValid([FieldError("postcode", error.detail)]) from None
    ward = read_ward(form, offer, field_errors)
    if field_errors:
        raise FormNotValid(field_errors)
    record = choices.record
    new = NewPlace(postcode=normalise_postcode(offer.postcode), label=moved.label, ward=ward)
    kept = [_as_new(place) for place in record.places if place.id != moved.id and place.postcode != new.postcode]
    staying = [place.district_code for place in record.places if place.id != moved.id and place.district_code]
    councils = {group.council_id for group in coverage.topic_groups(session, staying)}
    councils |= {group.council_id for group in offer.groups}
    topics = [topic for _subscription, topic in record.subscriptions if topic.council_id in councils]
    topic_places.move(session, record.subscriber.id, moved.postcode, new.postcode)
    change = SubscriberChange(places=[*kept, new])
    service.change_subscriber(session, record=record, topics=topics, change=change, source=SOURCE)


def _as_new(place: Place) -> NewPlace:
    """The same place, with the resident's own answer where they gave one."""
    own_answer = place.ward_code if place.ward_source == WardSource.RESIDENT else None
    return NewPlace(postcode=place.postcode, label=place.label, ward=own_answer)


def _contacts_held(session: Session, record: SubscriberRecord) -> list[dict[str, object]]:
    """The contacts, and last those that wait for a yes."""
    held: list[dict[str, object]] = [
        {
            "channel": Channel(contact.channel).value,
            "address": contact.address,
            "added": contact.created_at.isoformat(timespec="seconds"),
            "confirmed": contact.confirmed_at.isoformat(timespec="seconds") if contact.confirmed_at else None,
        }
        for contact in record.contacts
    ]
    for request in queries.contact_requests(session, record.subscriber.id):
        named = {"channel": Channel(request.channel).value, "address": request.address}
        held.append(named | {"added": request.asked_at.isoformat(timespec="seconds"), "confirmed": None})
    return held


def held_about(session: Session, record: SubscriberRecord) -> dict[str, object]:
    """Everything that subscribing stored about this resident, in plain words and values."""
    person = record.subscriber
    return {
        "name": person.name,
        "language": person.language,
        "tracking_consent": person.tracking_consent,
        "emails": MailFormat(person.mail_format).value,
        "since": person.created_at.isoformat(timespec="seconds"),
        "changed": person.changed_at.isoformat(timespec="seconds"),
        "paused_until": person.paused_until.isoformat(timespec="seconds") if person.paused_until else None,
        "quiet_from": person.quiet_from.isoformat("minutes") if person.quiet_from else None,
        "quiet_to": person.quiet_to.isoformat("minutes") if person.quiet_to else None,
        "contacts": _contacts_held(session, record),
        "places": [
            {"label": place.label, "postcode": place.postcode, "ward": place.ward_code, "district": place.district_code}
            for place in record.places
        ],
        "topics": [
            {
                "topic": topic.name,
                "council": council(session, topic.council_id).name,
                "channels": list(subscription.channels),
                "emails": Cadence(subscription.cadence).value,
                "only_at": [canonical(postcode) for postcode in subscription.only_at or []] or None,
                "since": subscription.started_at.isoformat(timespec="seconds"),
            }
            for subscription, topic in record.subscriptions
        ],
        "bin_reminders": [
            {"home": home, "evening": evening, "morning": morning, "since": since.isoformat(timespec="seconds")}
            for home, evening, morning, since in session.execute(text(BIN_REMINDERS), {"subscriber": person.id})
        ],
        "consents": [
            {
                "at": line.at.isoformat(timespec="seconds"),
                "action": line.action.value,
                "topic": topic_name,
                "channel": line.channel,
                "source": line.source,
                "version": line.wording_version,
                "words": wording,
            }
            for line, topic_name, wording in queries.consents(session, person.id)
        ],
    }
