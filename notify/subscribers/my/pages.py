"""A resident's own pages, after sign-in: choices, places, a rest, and leaving for good."""

from collections.abc import Sequence
from uuid import UUID

from litestar import Response
from litestar.params import FromPath, FromQuery, RawBody
from litestar.response import Redirect
from litestar.types import ControllerRouterHandler
from sqlmodel import Session

from notify.channels import CHANNELS
from notify.core.db import transaction
from notify.core.form_fields import EMPTY, FieldError, Form
from notify.languages import _
from notify.places.postcodes import canonical
from notify.places.queries import names_by_code
from notify.subscribers import erasure, links, queries
from notify.subscribers.guards import Membership, cookie_of, membership_of, memberships_of, resident_of
from notify.subscribers.models import Cadence, MailFormat, Place, Subscription, TopicPurpose
from notify.subscribers.my import choices, email_preferences
from notify.subscribers.my import pause as my_pause
from notify.subscribers.my.guards import Mine, choices_here
from notify.subscribers.place_reviews import service as place_reviews_service
from notify.subscribers.sign_up import coverage
from notify.subscribers.sign_up.form import FormNotValid, tongues
from notify.web.cookies import DRAFT_COOKIE, ended_cookie
from notify.web.dates import day
from notify.web.forms import read_form
from notify.web.routes import PublicRequest, page_get, page_post
from notify.web.templates import page
from notify.web.visitor_language import council_of_visit, link


@page_get("/my")
def show_choices(request: PublicRequest, saved: FromQuery[bool] = False) -> Response[object]:
    """What this resident chose, to change; where several councils write to them, what each of them does first."""
    with transaction() as session:
        held = memberships_of(session, request)
        if len(held) > 1 and not council_of_visit():
            return _overview_page(held, [], saved=saved)
        return _choices_page(session, choices_here(session, request), saved=saved)


def _overview_page(
    held: Sequence[Membership], field_errors: Sequence[FieldError], *, saved: bool = False
) -> Response[object]:
    cards = [
        {
            "slug": one.slug,
            "name": one.council_name,
            "topics": [topic.words.name for _, topic in one.record.subscriptions],
            "places": [canonical(place.postcode) for place in one.record.places],
            "to_check": any(place.needs_review for place in one.record.places),
            "contacts": [(CHANNELS[contact.channel].in_sentence, contact.address) for contact in one.record.contacts],
        }
        for one in held
    ]
    status = 422 if field_errors else 200
    return page("my/councils.html", status=status, cards=cards, field_errors=field_errors, saved=saved)


def _only_for(record: queries.SubscriberRecord, subscription: Subscription) -> Sequence[str]:
    """The places that a topic is followed for, where that is not all of them."""
    only = subscription.only_at or []
    return [f"{place.label} ({canonical(place.postcode)})" for place in record.places if place.postcode in only]


def _choices_page(session: Session, shown: Mine, *, saved: bool = False) -> Response[object]:
    mine = shown.choices
    record = mine.record
    person = record.subscriber
    wards = names_by_code(session, [place.ward_code for place in record.places])
    cadences = list(dict.fromkeys(Cadence(one.cadence) for one, _topic in record.subscriptions))
    return page(
        "my/alerts.html",
        saved=saved,
        council_name=shown.council_name,
        topics=[(topic, _only_for(record, one)) for one, topic in record.subscriptions],
        has_offer=bool(mine.groups),
        contacts=[(contact, CHANNELS[contact.channel].in_sentence, used) for contact, used in mine.contacts],
        places=[(place, canonical(place.postcode), wards.get(place.ward_code or "")) for place in record.places],
        to_check=[(place, canonical(place.postcode)) for place in record.places if place.needs_review],
        person=person,
        language=tongues().get(person.language, person.language),
        cadences=[_(email_preferences.CADENCES[one]) for one in cadences],
        mail_format=_(email_preferences.FORMATS[MailFormat(person.mail_format)]),
        paused_until=my_pause.paused_until(person),
        quiet=[f"{hour:%H:%M}" for hour in (person.quiet_from, person.quiet_to) if hour],
        day_in_words=day,
    )


@page_get("/my/pause")
def ask_until_when(request: PublicRequest) -> Response[object]:
    """The form to pause alerts until a day."""
    with transaction() as session:
        return _pause_page(resident_of(session, request), EMPTY, [])


def _pause_page(record: queries.SubscriberRecord, form: Form, field_errors: Sequence[FieldError]) -> Response[object]:
    until = my_pause.paused_until(record.subscriber)
    return page(
        "my/pause.html",
        status=422 if field_errors else 200,
        form=form,
        field_errors=field_errors,
        until=until,
        day_in_words=day,
    )


@page_post("/my/pause")
def pause(request: PublicRequest, body: RawBody) -> Response[object]:
    """Pause until a day, or end the pause."""
    form = read_form(body)
    with transaction() as session:
        record = resident_of(session, request)
        try:
            my_pause.pause(session, record.subscriber, None if form.has("go_on") else my_pause.read_day(form))
        except FormNotValid as error:
            return _pause_page(record, form, error.field_errors)
    return Redirect(link("/my", saved="true"), status_code=303)


@page_get("/my/quiet")
def ask_hours(request: PublicRequest) -> Response[object]:
    """The form for quiet hours."""
    with transaction() as session:
        person = resident_of(session, request).subscriber
    return _hours_page([f"{hour:%H:%M}" if hour else "" for hour in (person.quiet_from, person.quiet_to)], [])


def _hours_page(chosen: Sequence[str], field_errors: Sequence[FieldError]) -> Response[object]:
    hours = [f"{hour:%H:%M}" for hour in my_pause.HOURS]
    return page(
        "my/quiet-hours.html",
        status=422 if field_errors else 200,
        chosen=chosen,
        hours=hours,
        field_errors=field_errors,
    )


@page_post("/my/quiet")
def be_quiet(request: PublicRequest, body: RawBody) -> Response[object]:
    """Store the hours, or that there are none."""
    form = read_form(body)
    with transaction() as session:
        record = resident_of(session, request)
        try:
            my_pause.be_quiet(session, record.subscriber, my_pause.read_hours(form))
        except FormNotValid as error:
            return _hours_page([form.one("quiet_from"), form.one("quiet_to")], error.field_errors)
    return Redirect(link("/my", saved="true"), status_code=303)


@page_get("/my/emails")
def ask_about_emails(request: PublicRequest) -> Response[object]:
    """The form for how emails are sent and formatted."""
    with transaction() as session:
        record = resident_of(session, request)
        topics = [
            (email_preferences.field_of(subscription), topic.words.name, subscription.cadence)
            for subscription, topic in record.subscriptions
            if topic.purpose != TopicPurpose.EMERGENCY
        ]
    return page(
        "my/emails.html",
        topics=topics,
        cadences=email_preferences.CADENCES,
        formats=email_preferences.FORMATS,
        chosen_format=record.subscriber.mail_format,
    )


@page_post("/my/emails")
def save_emails(request: PublicRequest, body: RawBody) -> Response[object]:
    """Store how e-mails come."""
    form = read_form(body)
    with transaction() as session:
        email_preferences.save(session, resident_of(session, request), form)
    return Redirect(link("/my", saved="true"), status_code=303)


@page_get("/my/move/{place_id:uuid}")
def ask_where_to(request: PublicRequest, place_id: FromPath[UUID]) -> Response[object]:
    """Where has this place moved to?"""
    with transaction() as session:
        return _move_page(choices.place_of(resident_of(session, request), place_id), EMPTY, [])


@page_post("/my/move/{place_id:uuid}")
def move(request: PublicRequest, place_id: FromPath[UUID], body: RawBody) -> Response[object]:
    """Put the new postcode in the place of the old one."""
    form = read_form(body)
    try:
        with transaction() as session:
            record = resident_of(session, request)
            if choices.needs_ward(session, form):
                return _move_page(choices.place_of(record, place_id), form, [], session)
            choices.move(session, choices.choices_of(session, record), choices.place_of(record, place_id), form)
    except FormNotValid as error:
        with transaction() as session:
            return _move_page(
                choices.place_of(resident_of(session, request), place_id), form, error.field_errors, session
            )
    return Redirect(link("/my", saved="true"), status_code=303)


def _move_page(
    place: Place, form: Form, field_errors: Sequence[FieldError], session: Session | None = None
) -> Response[object]:
    wards: Sequence[coverage.Ward] = ()
    if session and not any(field_error.field == "postcode" for field_error in field_errors):
        wards = coverage.offer_at(session, form.one("postcode")).wards
    return page(
        "my/move.html",
        status=422 if field_errors else 200,
        place_id=place.id,
        label=place.label,
        postcode=canonical(place.postcode),
        form=form,
        field_errors=field_errors,
        wards=wards,
    )


@page_post("/my/keep/{place_id:uuid}")
def keep_place(request: PublicRequest, place_id: FromPath[UUID]) -> Response[object]:
    """The place is right as it is."""
    with transaction() as session:
        place_reviews_service.keep(session, choices.place_of(resident_of(session, request), place_id))
    return Redirect(link("/my", saved="true"), status_code=303)


@page_get("/my/erase")
def ask_to_erase(request: PublicRequest) -> Response[object]:
    """What it means to be erased, before it is done."""
    with transaction() as session:
        resident_of(session, request)
    return page("my/leave.html", field_errors=[])


@page_post("/my/erase")
def erase(request: PublicRequest, body: RawBody) -> Response[object]:
    """Erase what one council holds, or all of them, if the resident ticked the box that says so."""
    form = read_form(body)
    with transaction() as session:
        held = memberships_of(session, request)
        gone = held if form.has("everything") else [membership_of(session, request)]
        if not form.has("sure"):
            field_errors = [FieldError("sure", _("Select the box to confirm that you want to erase everything."))]
            everywhere = form.has("everything") and len(held) > 1
            return (
                _overview_page(held, field_errors)
                if everywhere
                else page("my/leave.html", status=422, field_errors=field_errors)
            )
        for one in gone:
            erasure.erase(session, subscriber_id=one.record.subscriber.id, actor="resident")
    if len(gone) < len(held):
        return Redirect(link("/my", council=None, saved="true"), status_code=303)
    answer = page("my/erased.html")
    for name in (links.COOKIE, DRAFT_COOKIE):
        answer.set_cookie(ended_cookie(name))
    return answer


@page_post("/my/sign-out")
def sign_out(request: PublicRequest) -> Response[object]:
    """End the session here and on the server."""
    with transaction() as session:
        links.end_session(session, cookie_of(request))
    return Redirect(link("/"), status_code=303, cookies=[ended_cookie(name) for name in (links.COOKIE, DRAFT_COOKIE)])


HANDLERS: Sequence[ControllerRouterHandler] = (
    show_choices,
    ask_until_when,
    pause,
    ask_hours,
    be_quiet,
    ask_about_emails,
    save_emails,
    ask_where_to,
    move,
    keep_place,
    ask_to_erase,
    erase,
    sign_out,
)
