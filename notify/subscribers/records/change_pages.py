"""Pages on which staff change one record: details, places, topics with consent, pauses, erasure, links."""

from collections.abc import Sequence
from uuid import UUID

from litestar import Response
from litestar.params import FromPath, RawBody
from litestar.response import Redirect
from litestar.types import ControllerRouterHandler
from sqlmodel import Session

from notify.core.db import transaction
from notify.core.errors import NotifyError
from notify.core.form_fields import EMPTY, FieldError, Form
from notify.places.postcodes import canonical
from notify.staff.guards import Principal, RequiresLive, Right
from notify.staff.page_frame import staff_page
from notify.staff.queries import council
from notify.staff.routes import StaffRequest, staff_get, staff_post
from notify.subscribers import erasure
from notify.subscribers import service as subscribers
from notify.subscribers.models import MailFormat, SubscriberChange
from notify.subscribers.my import choices
from notify.subscribers.my import pause as pauses
from notify.subscribers.my.email_preferences import FORMATS
from notify.subscribers.queries import SubscriberRecord
from notify.subscribers.records import service
from notify.subscribers.records.access import open_record
from notify.subscribers.sign_up import spoken_consent
from notify.subscribers.sign_up.coverage import CouncilTopics
from notify.subscribers.sign_up.form import (
    FormNotValid,
    read_language,
    read_name,
    read_one_of,
    tongues,
    topic_errors,
    ways_in_words,
)
from notify.subscribers.suppression import service as suppression_service
from notify.subscribers.suppression.review import REASONS
from notify.subscribers.suppression.service import Suppressed, UnknownSuppression
from notify.subscribers.topic_queries import topics_offered
from notify.web.dates import day
from notify.web.forms import read_form

PATH = "/staff/residents"
ONE = f"{PATH}/{{subscriber_id:uuid}}"
CHANGES = RequiresLive(Right.CHANGE_SUBSCRIBERS)
SHORTEST_WHY, LONGEST_WHY = 3, 500
HEADINGS = {
    "details": "Change name, language or format",
    "places": "Change places",
    "topics": "Change topics",
    "pause": "Pause their alerts",
    "erase": "Erase this resident",
}


def _page(
    session: Session,
    user: Principal,
    record: SubscriberRecord,
    what: str,
    form: Form,
    field_errors: Sequence[FieldError],
    suppressed: Suppressed | None = None,
) -> Response[object]:
    person = record.subscriber
    languages = dict(tongues())
    languages.setdefault(person.language, person.language)
    return staff_page(
        user,
        "subscribers/records/change.html",
        at=PATH,
        status=422 if field_errors else 200,
        what=what,
        heading=HEADINGS.get(what, "Send to this address again"),
        path=f"{PATH}/{person.id}",
        called=person.name,
        form=form,
        field_errors=field_errors,
        tongues=languages,
        formats=FORMATS,
        chosen_format=read_one_of(form, "mail_format", MailFormat(person.mail_format)),
        places=[(place, canonical(place.postcode)) for place in record.places],
        groups=[_topics_of(session, user, record)],
        ways_in_words=ways_in_words,
        wordings=spoken_consent.wordings(),
        how=spoken_consent.HOW,
        until=pauses.paused_until(person),
        day_in_words=day,
        suppressed=suppressed,
        reasons=REASONS,
    )


def _topics_of(session: Session, user: Principal, record: SubscriberRecord) -> CouncilTopics:
    own = council(session, user.council_id)
    offered = topics_offered(session, [own.id])
    # what is about to end stays on the page of people who follow it, or saving the page would end it early
    ending = [topic for _, topic in record.subscriptions if topic not in offered]
    return CouncilTopics.of(session, own, [*offered, *ending])


def _back_to(subscriber_id: UUID, done: str) -> Response[object]:
    return Redirect(f"{PATH}/{subscriber_id}?done={done}", status_code=303)


@staff_get(f"{ONE}/details", CHANGES)
def ask_details(request: StaffRequest, subscriber_id: FromPath[UUID]) -> Response[object]:
    """Name, language and format of e-mails."""
    with transaction() as session:
        record = open_record(session, request.user, subscriber_id)
        held = Form({"name": [record.subscriber.name], "language": [record.subscriber.language]})
        return _page(session, request.user, record, "details", held, [])


@staff_post(f"{ONE}/details", CHANGES, status_code=200)
def change_details(request: StaffRequest, subscriber_id: FromPath[UUID], body: RawBody) -> Response[object]:
    """Store them."""
    form, user = read_form(body), request.user
    field_errors: list[FieldError] = []
    with transaction() as session:
        record = open_record(session, user, subscriber_id)
        name = read_name(form, field_errors)
        if field_errors:
            return _page(session, user, record, "details", form, field_errors)
        person = record.subscriber
        change = SubscriberChange(
            name=name,
            language=read_language(form, also=person.language),
            mail_format=read_one_of(form, "mail_format", MailFormat(person.mail_format)),
        )
        _change(session, user, record, change)
    return _back_to(subscriber_id, "changed")


def _change(session: Session, user: Principal, record: SubscriberRecord, change: SubscriberChange) -> None:
    subscribers.change_for_council(
        session, council_id=user.council_id, subscriber_id=record.subscriber.id, change=change, actor=user.actor
    )


@staff_get(f"{ONE}/places", CHANGES)
def ask_places(request: StaffRequest, subscriber_id: FromPath[UUID]) -> Response[object]:
    """Which places they care about."""
    with transaction() as session:
        record = open_record(session, request.user, subscriber_id)
        return _page(session, request.user, record, "places", EMPTY, [])


@staff_post(f"{ONE}/places", CHANGES, status_code=200)
def change_places(request: StaffRequest, subscriber_id: FromPath[UUID], body: RawBody) -> Response[object]:
    """Remove what was ticked, and add a postcode."""
    form, user = read_form(body), request.user
    field_errors: list[FieldError] = []
    with transaction() as session:
        record = open_record(session, user, subscriber_id)
        places = choices.read_places(session, record, form, field_errors, council_id=user.council_id)
        if field_errors:
            return _page(session, user, record, "places", form, field_errors)
        if places is not None:
            _change(session, user, record, SubscriberChange(places=places))
    return _back_to(subscriber_id, "changed")


@staff_get(f"{ONE}/topics", CHANGES)
def ask_topics(request: StaffRequest, subscriber_id: FromPath[UUID]) -> Response[object]:
    """What they want to hear about, and the words to read out."""
    with transaction() as session:
        record = open_record(session, request.user, subscriber_id)
        held = Form({"topic": [str(topic.id) for _, topic in record.subscriptions]})
        return _page(session, request.user, record, "topics", held, [])


@staff_post(f"{ONE}/topics", CHANGES, status_code=200)
def change_topics(request: StaffRequest, subscriber_id: FromPath[UUID], body: RawBody) -> Response[object]:
    """Store the topics, with the evidence of consent where one is new."""
    form, user = read_form(body), request.user
    try:
        with transaction() as session:
            record = open_record(session, user, subscriber_id)
            _change(session, user, record, _chosen(session, user, record, form))
    except FormNotValid as error:
        return _topics_again(user, subscriber_id, form, error.field_errors)
    except NotifyError as error:
        if error.status != 422:
            raise
        return _topics_again(user, subscriber_id, form, [FieldError("topics", error.detail)])
    return _back_to(subscriber_id, "changed")


def _topics_again(
    user: Principal, subscriber_id: UUID, form: Form, field_errors: Sequence[FieldError]
) -> Response[object]:
    with transaction() as session:  # what the failed one had read went with it
        record = open_record(session, user, subscriber_id)
        return _page(session, user, record, "topics", form, field_errors)


def _chosen(session: Session, user: Principal, record: SubscriberRecord, form: Form) -> SubscriberChange:
    """What to change. Raises: FormNotValid."""
    wanted = [topic for topic in _topics_of(session, user, record).topics if str(topic.id) in form.all("topic")]
    following = {topic.id for _, topic in record.subscriptions}
    added = [topic for topic in wanted if topic.id not in following]
    if found := topic_errors(added, [contact.channel for contact in record.contacts]):
        raise FormNotValid(found)
    evidence = spoken_consent.evidence_of(form, user.actor) if added else None
    return SubscriberChange(topics=[topic.slug for topic in wanted], consent=evidence)


@staff_get(f"{ONE}/pause", CHANGES)
def ask_pause(request: StaffRequest, subscriber_id: FromPath[UUID]) -> Response[object]:
    """Until when nothing but emergencies is sent."""
    with transaction() as session:
        record = open_record(session, request.user, subscriber_id)
        return _page(session, request.user, record, "pause", EMPTY, [])


@staff_post(f"{ONE}/pause", CHANGES, status_code=200)
def pause(request: StaffRequest, subscriber_id: FromPath[UUID], body: RawBody) -> Response[object]:
    """Pause until a day, or end the pause."""
    form, user = read_form(body), request.user
    with transaction() as session:
        record = open_record(session, user, subscriber_id)
        try:
            until = None if form.has("go_on") else pauses.read_day(form)
        except FormNotValid as error:
            return _page(session, user, record, "pause", form, error.field_errors)
        service.pause(session, user, record, until)
    return _back_to(subscriber_id, "paused" if until else "unpaused")


@staff_get(f"{ONE}/erase", CHANGES)
def ask_erase(request: StaffRequest, subscriber_id: FromPath[UUID]) -> Response[object]:
    """Whether to erase everything about them."""
    with transaction() as session:
        record = open_record(session, request.user, subscriber_id)
        return _page(session, request.user, record, "erase", EMPTY, [])


@staff_post(f"{ONE}/erase", CHANGES, status_code=200)
def erase(request: StaffRequest, subscriber_id: FromPath[UUID], body: RawBody) -> Response[object]:
    """Erase all that this council holds about them."""
    form, user = read_form(body), request.user
    with transaction() as session:
        record = open_record(session, user, subscriber_id)
        if not form.has("sure"):
            field_error = FieldError("sure", "Select the box to erase everything about them")
            return _page(session, user, record, "erase", form, [field_error])
        erasure.erase(session, subscriber_id=subscriber_id, actor=user.actor)
    return Redirect(f"{PATH}?erased=true", status_code=303)


@staff_post(f"{ONE}/link", CHANGES, status_code=200)
def send_link(request: StaffRequest, subscriber_id: FromPath[UUID], body: RawBody) -> Response[object]:
    """Send the owner of a contact a link to manage their alerts, or the message to confirm."""
    contact = _id(read_form(body).one("contact"))
    with transaction() as session:
        record = open_record(session, request.user, subscriber_id)
        kind = service.send_link(session, request.user, record, contact)
    return _back_to(subscriber_id, kind.value)


@staff_get(f"{ONE}/suppressions/{{suppression_id:uuid}}", CHANGES)
def ask_why(request: StaffRequest, subscriber_id: FromPath[UUID], suppression_id: FromPath[UUID]) -> Response[object]:
    """Why an address is written to again."""
    with transaction() as session:
        record = open_record(session, request.user, subscriber_id)
        return _why_page(session, request.user, record, suppression_id, EMPTY, [])


def _why_page(
    session: Session,
    user: Principal,
    record: SubscriberRecord,
    suppression_id: UUID,
    form: Form,
    field_errors: Sequence[FieldError],
) -> Response[object]:
    what = f"suppressions/{suppression_id}"
    one = _suppressed(session, user, record, suppression_id)
    return _page(session, user, record, what, form, field_errors, one)


def _suppressed(session: Session, user: Principal, record: SubscriberRecord, suppression_id: UUID) -> Suppressed:
    found = suppression_service.suppressions(
        session, user.council_id, subscriber_id=record.subscriber.id, exactly=suppression_id
    )
    if not found:
        raise UnknownSuppression("This subscriber has no such suppression.")
    return found[0]


@staff_post(f"{ONE}/suppressions/{{suppression_id:uuid}}", CHANGES, status_code=200)
def lift(
    request: StaffRequest, subscriber_id: FromPath[UUID], suppression_id: FromPath[UUID], body: RawBody
) -> Response[object]:
    """Write to this address again."""
    form, user = read_form(body), request.user
    with transaction() as session:
        record = open_record(session, user, subscriber_id)
        why = form.one("why")
        if not SHORTEST_WHY <= len(why) <= LONGEST_WHY:
            field_error = FieldError("why", "Enter why you are sending to this address again")
            return _why_page(session, user, record, suppression_id, form, [field_error])
        _suppressed(session, user, record, suppression_id)
        suppression_service.lift(
            session, council_id=user.council_id, suppression_id=suppression_id, reason=why, actor=user.actor
        )
    return _back_to(subscriber_id, "lifted")


def _id(value: str) -> UUID:
    """The id in a hidden field; one of nobody where it was altered."""
    try:
        return UUID(value)
    except ValueError:
        return UUID(int=0)


HANDLERS: Sequence[ControllerRouterHandler] = (
    ask_details,
    change_details,
    ask_places,
    change_places,
    ask_topics,
    change_topics,
    ask_pause,
    pause,
    ask_erase,
    erase,
    send_link,
    ask_why,
    lift,
)
