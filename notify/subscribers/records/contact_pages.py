"""The page on which staff add an address to a record: it waits until the resident says yes by one they confirmed."""

from collections.abc import Sequence
from uuid import UUID

from litestar import Response
from litestar.params import FromPath, RawBody
from litestar.response import Redirect
from litestar.types import ControllerRouterHandler
from sqlmodel import Session

from notify.channels import CHANNELS, Channel
from notify.core.db import transaction
from notify.core.errors import NotifyError
from notify.core.form_fields import EMPTY, FieldError, Form
from notify.staff.guards import Principal, RequiresLive, Right
from notify.staff.page_frame import staff_page
from notify.staff.routes import StaffRequest, staff_get, staff_post
from notify.subscribers import service as subscribers
from notify.subscribers.models import Contact, NewContact, SubscriberRequest
from notify.subscribers.queries import SubscriberRecord
from notify.subscribers.records.access import open_record
from notify.subscribers.sign_up import spoken_consent
from notify.subscribers.sign_up.form import FormNotValid, offered_fields, read_contacts
from notify.web.forms import read_form

PATH = "/staff/residents"
ONE = f"{PATH}/{{subscriber_id:uuid}}/contacts"
CHANGES = RequiresLive(Right.CHANGE_SUBSCRIBERS)


@staff_get(ONE, CHANGES)
def ask_contact(request: StaffRequest, subscriber_id: FromPath[UUID]) -> Response[object]:
    """Which address do they want us to write to as well?"""
    with transaction() as session:
        return _page(request.user, open_record(session, request.user, subscriber_id), EMPTY, [])


def _page(
    user: Principal, record: SubscriberRecord, form: Form, field_errors: Sequence[FieldError]
) -> Response[object]:
    return staff_page(
        user,
        "subscribers/records/add-contact.html",
        at=PATH,
        status=422 if field_errors else 200,
        path=f"{PATH}/{record.subscriber.id}",
        form=form,
        field_errors=field_errors,
        offered=offered_fields(),
        confirmed=_confirmed(record),
        how=spoken_consent.HOW,
        wordings=spoken_consent.wordings(),
    )


def _confirmed(record: SubscriberRecord) -> Sequence[Contact]:
    """The contacts that can say yes: confirmed, and read by a person."""
    return [one for one in record.contacts if one.confirmed_at and CHANNELS[Channel(one.channel)].is_for_people]


@staff_post(ONE, CHANGES, status_code=200)
def add_contact(request: StaffRequest, subscriber_id: FromPath[UUID], body: RawBody) -> Response[object]:
    """Ask the resident, by the addresses they confirmed, whether to write there too."""
    form, user = read_form(body), request.user
    try:
        with transaction() as session:
            record = open_record(session, user, subscriber_id)
            _ask(session, user, record, form)
    except FormNotValid as error:
        return _again(user, subscriber_id, form, error.field_errors)
    except NotifyError as error:
        if error.status != 422:
            raise
        return _again(user, subscriber_id, form, [FieldError(offered_fields()[0], error.detail)])
    return Redirect(f"{PATH}/{subscriber_id}?done=contact-waits", status_code=303)


def _again(user: Principal, subscriber_id: UUID, form: Form, field_errors: Sequence[FieldError]) -> Response[object]:
    with transaction() as session:
        return _page(user, open_record(session, user, subscriber_id), form, field_errors)


def _ask(session: Session, user: Principal, record: SubscriberRecord, form: Form) -> None:
    """Raises: FormNotValid, NotEnrolled."""
    field_errors: list[FieldError] = []
    added = read_contacts(form, field_errors)
    try:
        evidence = spoken_consent.evidence_of(form, user.actor)
    except FormNotValid as error:
        field_errors += error.field_errors
    confirmed = _confirmed(record)
    if not confirmed:
        field_errors.append(FieldError(offered_fields()[0], "They have no confirmed address that could say yes."))
    if field_errors:
        raise FormNotValid(field_errors)
    new = {one.channel for one in added}
    topics = [topic.slug for _, topic in record.subscriptions if new & {Channel(name) for name in topic.channels}]
    person = record.subscriber
    known = [NewContact(channel=Channel(confirmed[0].channel), address=confirmed[0].address)]
    request = SubscriberRequest(
        name=person.name, contacts=[*known, *added], topics=topics, language=person.language, consent=evidence
    )
    subscribers.add_subscriber(session, council_id=user.council_id, actor=user.actor, request=request)


HANDLERS: Sequence[ControllerRouterHandler] = (ask_contact, add_contact)
