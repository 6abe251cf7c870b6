"""Pages on which staff find a subscriber and read their record. Nothing personal stands in an address."""

import re
from collections.abc import Callable, Mapping, Sequence
from uuid import UUID

from litestar import Response
from litestar.params import FromPath, FromQuery, RawBody
from litestar.response import Redirect
from litestar.types import ControllerRouterHandler
from pydantic import ValidationError
from sqlmodel import Session, col, select

from notify.channels import CHANNELS
from notify.core.db import transaction
from notify.core.form_fields import EMPTY, FieldError, Form
from notify.languages import LANGUAGES
from notify.places.postcodes import PostcodeNotValid, canonical
from notify.places.queries import areas_by_code
from notify.staff.guards import Principal, Requires, Right
from notify.staff.menu import MenuItem
from notify.staff.models import Officer
from notify.staff.page_frame import staff_page
from notify.staff.routes import StaffRequest, staff_get, staff_post
from notify.subscribers import queries
from notify.subscribers.inbound_texts import service as inbound_texts_service
from notify.subscribers.models import ConfirmedBy, Contact
from notify.subscribers.my import pause as pauses
from notify.subscribers.my.email_preferences import FORMATS
from notify.subscribers.queries import SubscriberRecord
from notify.subscribers.records import access, panels, search
from notify.subscribers.records.access import ReasonNeeded, open_record
from notify.subscribers.sign_up.form import ways_in_words
from notify.subscribers.suppression import service as suppression_service
from notify.subscribers.suppression.review import REASONS
from notify.subscribers.test_people import seen
from notify.web.dates import day
from notify.web.forms import read_form

PATH = "/staff/residents"
ONE = f"{PATH}/{{subscriber_id:uuid}}"
FINDS = Requires(Right.SEE_ONE_SUBSCRIBER)
CONFIRMED_BY: Mapping[ConfirmedBy, str] = {
    ConfirmedBy.LINK: "by their link",
    ConfirmedBy.CODE: "by their code",
    ConfirmedBy.COUNCIL: "by your council's proof",
}
# what a button on the record just did
DONE: Mapping[str, str] = {
    "changed": "The record is changed.",
    "contact-waits": "We are asking them whether to write there too. Nothing is sent there before they say yes.",
    "paused": "Alerts are paused. Only emergencies are sent.",
    "unpaused": "Alerts are sent again.",
    "sign-in": "We are sending a link to manage their alerts. It works for 10 minutes.",
    "confirm": "We are sending the message to confirm again.",
    "resent": "We are sending the message again.",
    "lifted": "You can send to this address again.",
}
MOST_CONSENTS = 50
_ACTOR = re.compile(r"officer:[0-9a-f-]{36}")


@staff_get(PATH, FINDS)
def ask(request: StaffRequest, erased: FromQuery[bool] = False) -> Response[object]:
    """Who are you looking for?"""
    return _search_page(request.user, EMPTY, [], erased=erased)


def _search_page(
    user: Principal,
    form: Form,
    field_errors: Sequence[FieldError],
    *,
    found: Sequence[SubscriberRecord] | None = None,
    erased: bool = False,
) -> Response[object]:
    return staff_page(
        user,
        "subscribers/records/search.html",
        at=PATH,
        status=422 if field_errors else 200,
        form=form,
        field_errors=field_errors,
        found=found,
        most=search.MOST_FOUND,
        erased=erased,
        canonical=canonical,
        longest_reason=access.LONGEST_REASON,
        day_in_words=day,
        may_add=user.may(Right.CHANGE_SUBSCRIBERS),
        must_say_why=user.must_say_why,
    )


@staff_post(PATH, FINDS, status_code=200)
def find(request: StaffRequest, body: RawBody) -> Response[object]:
    """Those who fit; where it is one person, their record at once."""
    form, user = read_form(body), request.user
    asked, field_errors = _asked(form, user)
    if asked is None:
        return _search_page(user, form, field_errors)
    try:
        with transaction() as session:
            found = search.find(session, user, asked)
    except PostcodeNotValid as error:
        return _search_page(user, form, [FieldError("postcode", error.detail)])
    if len(found) == 1:
        return Redirect(f"{PATH}/{found[0].subscriber.id}", status_code=303)
    return _search_page(user, form, [], found=found)


def _asked(form: Form, user: Principal) -> tuple[search.SubscriberSearch | None, Sequence[FieldError]]:
    """What is looked for, or what to fix. One field takes an address or a reference."""
    who = form.one("who")
    field_errors = []
    if not who and not (form.one("postcode") and form.one("name")):
        field_errors.append(
            FieldError("who", "Enter an email address, a phone number or a reference, or a postcode and a name")
        )
    if user.must_say_why and len(form.one("reason")) < access.SHORTEST_REASON:
        field_errors.append(FieldError("reason", "Enter why you are looking for this person"))
    if field_errors:
        return None, field_errors
    way = {"postcode": form.one("postcode"), "name": form.one("name")}
    if who:
        way = {"reference" if search.is_reference(who) else "address": who}
    try:
        return search.SubscriberSearch.model_validate(way | {"reason": form.one("reason")}), []
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        return None, [FieldError(str(first["loc"][0]) if first["loc"] else "who", str(first["msg"]))]


@staff_get(ONE, FINDS)
def show(request: StaffRequest, subscriber_id: FromPath[UUID], done: FromQuery[str] = "") -> Response[object]:
    """Everything that this council holds about one subscriber."""
    user = request.user
    try:
        with transaction() as session:
            record = open_record(session, user, subscriber_id)
            return _record_page(session, user, record, done)
    except ReasonNeeded:
        return _reason_page(user, subscriber_id, [])


@staff_post(f"{ONE}/reason", FINDS, status_code=200)
def give_reason(request: StaffRequest, subscriber_id: FromPath[UUID], body: RawBody) -> Response[object]:
    """Open the record with a reason for it."""
    reason = read_form(body).one("reason")
    with transaction() as session:
        seen(session, request.user, subscriber_id)
        if len(reason) >= access.SHORTEST_REASON:
            access.note_look(session, request.user, subscriber_id, reason)
            return Redirect(f"{PATH}/{subscriber_id}", status_code=303)
    return _reason_page(request.user, subscriber_id, [FieldError("reason", "Enter why you need this record")])


def _reason_page(user: Principal, subscriber_id: UUID, field_errors: Sequence[FieldError]) -> Response[object]:
    return staff_page(
        user,
        "subscribers/records/reason.html",
        at=PATH,
        status=422 if field_errors else 200,
        action=f"{PATH}/{subscriber_id}/reason",
        field_errors=field_errors,
        longest_reason=access.LONGEST_REASON,
    )


def _record_page(session: Session, user: Principal, record: SubscriberRecord, done: str) -> Response[object]:
    person = record.subscriber
    consents = queries.consents(session, person.id)
    return staff_page(
        user,
        "subscribers/records/record.html",
        at=PATH,
        done=DONE.get(done, ""),
        person=person,
        language=LANGUAGES.get(person.language, person.language),
        mail_format=FORMATS[person.mail_format],
        paused_until=pauses.paused_until(person),
        contacts=record.contacts,
        waiting=queries.contact_requests(session, person.id),
        confirmed_by=CONFIRMED_BY,
        channels=CHANNELS,
        places=_places(session, record),
        subscriptions=record.subscriptions,
        ways_in_words=ways_in_words,
        consents=list(reversed(consents))[:MOST_CONSENTS],
        more_consents=max(0, len(consents) - MOST_CONSENTS),
        suppressions=suppression_service.suppressions(
            session, user.council_id, subscriber_id=person.id, also_lifted=True
        ),
        reasons=REASONS,
        named=_named(session, user.council_id),
        texts=inbound_texts_service.of_council(
            session, user.council_id, only=col(Contact.subscriber_id) == person.id, limit=20
        ),
        panels=panels.shown(session, user, record),
        path=f"{PATH}/{person.id}",
        may_change=user.may(Right.CHANGE_SUBSCRIBERS),
        day_in_words=day,
    )


def _named(session: Session, council_id: UUID) -> Callable[[str], str]:
    """Puts the names of the council's users where a source or reason names them by id."""
    known = session.exec(select(Officer.id, Officer.name).where(Officer.council_id == council_id))
    names = {f"officer:{officer_id}": name for officer_id, name in known}
    return lambda words: _ACTOR.sub(lambda found: names.get(found[0], "a former user"), words)


def _places(session: Session, record: SubscriberRecord) -> Sequence[tuple[str, str, str, bool]]:
    """Each place: its label, postcode and ward, and whether it is to be checked."""
    areas = areas_by_code(session, [place.ward_code for place in record.places if place.ward_code])
    return [
        (
            place.label,
            canonical(place.postcode),
            areas[code].name if (code := place.ward_code or "") in areas else "Ward not known",
            place.needs_review,
        )
        for place in record.places
    ]


MENU_ITEMS = (MenuItem("Residents", PATH, Right.SEE_ONE_SUBSCRIBER, 75),)
HANDLERS: Sequence[ControllerRouterHandler] = (ask, find, show, give_reason)
