"""The pages of the guided start: the list, places, starter topics, a test message, and putting the list away."""

from collections.abc import Sequence

from litestar import Response
from litestar.params import RawBody
from litestar.response import Redirect
from litestar.types import ControllerRouterHandler

from notify.channels import Channel
from notify.core.db import transaction
from notify.core.form_fields import FieldError
from notify.guided_start.starter_topics import STARTER_TOPICS
from notify.guided_start.steps import every_step, put_away
from notify.guided_start.test_message import NotNow, channel_states, own_address, send_test
from notify.staff.council_settings.effective import council_settings
from notify.staff.guards import Principal, Requires, Right
from notify.staff.menu import MenuItem
from notify.staff.models import Officer
from notify.staff.page_frame import staff_page
from notify.staff.queries import council
from notify.staff.routes import StaffRequest, staff_get, staff_post
from notify.subscribers import queries
from notify.subscribers.service import TopicExists
from notify.topics.service import create_topic
from notify.web.forms import query_form, read_form

START = "/staff/start"
PLACES, TOPICS, MESSAGES = f"{START}/places", f"{START}/topics", f"{START}/messages"
TO_ONESELF = (Channel.EMAIL, Channel.SMS)


@staff_get(START, Requires(Right.CHANGE_SETTINGS))
def show_start(request: StaffRequest) -> Response[object]:
    """Every step with whether it is done, and the next one."""
    user = request.user
    with transaction() as session:
        found = every_step(session, user.council_id)
        own = council(session, user.council_id)
    following = next((step for step in found if not step.is_done), None)
    return staff_page(
        user,
        "guided_start/start.html",
        at=START,
        council_name=own.name,
        steps=found,
        following=following,
        is_put_away=own.set_up_at is not None,
        may=user.may,
    )


@staff_get(PLACES, Requires(Right.CHANGE_PLACES))
def show_places(request: StaffRequest) -> Response[object]:
    """Where boundaries and postcodes are published, and where they are uploaded."""
    user = request.user
    with transaction() as session:
        own = council(session, user.council_id)
        step = every_step(session, user.council_id)[1]
    return staff_page(user, "guided_start/places.html", at=START, districts=own.district_codes, is_done=step.is_done)


@staff_get(TOPICS, Requires(Right.CHANGE_TOPICS))
def choose_topics(request: StaffRequest) -> Response[object]:
    """The starter set, without what the council has."""
    return _topics_page(request.user)


def _topics_page(user: Principal, field_errors: Sequence[FieldError] = ()) -> Response[object]:
    with transaction() as session:
        own = {topic.slug for topic in queries.topics(session, [user.council_id])}
    return staff_page(
        user,
        "guided_start/topics.html",
        at=START,
        status=422 if field_errors else 200,
        field_errors=field_errors,
        offered=[topic for topic in STARTER_TOPICS if topic.slug not in own],
        own=len(own),
    )


@staff_post(TOPICS, Requires(Right.CHANGE_TOPICS), status_code=200)
def make_topics(request: StaffRequest, body: RawBody) -> Response[object]:
    """Make the topics that were chosen. One that was made meanwhile stays as it is."""
    form, user = read_form(body), request.user
    chosen = [topic for topic in STARTER_TOPICS if topic.slug in form.all("topic")]
    if not chosen:
        return _topics_page(user, [FieldError("topic", "Select at least one topic.")])
    with transaction() as session:
        for topic in chosen:
            try:
                create_topic(session, by=user, new=topic)
            except TopicExists:
                continue
    return Redirect(START, status_code=303)


@staff_get(MESSAGES, Requires(Right.CHANGE_SETTINGS))
def show_messages(request: StaffRequest) -> Response[object]:
    """Each channel with its providers and what they find, and a form for a test."""
    return _messages_page(request.user, sent=query_form(request).one("sent"))


@staff_post(MESSAGES, Requires(Right.CHANGE_SETTINGS), status_code=200)
def send_message(request: StaffRequest, body: RawBody) -> Response[object]:
    """Send a test to the user's own address or number."""
    form, user = read_form(body), request.user
    channel = next((one for one in TO_ONESELF if one == form.one("channel")), Channel.EMAIL)
    try:
        with transaction() as session:
            own = council_settings(session, user.council_id)
            address = own_address(session, user, channel)
    except NotNow as error:
        return _messages_page(user, [FieldError(channel.value, error.detail)])
    if reason := send_test(own, channel, address):
        return _messages_page(user, [FieldError(channel.value, f"It was not sent. {reason}")])
    return Redirect(f"{MESSAGES}?sent={channel}", status_code=303)


def _messages_page(user: Principal, field_errors: Sequence[FieldError] = (), *, sent: str = "") -> Response[object]:
    with transaction() as session:
        own = council_settings(session, user.council_id)
        officer = session.get(Officer, user.officer_id) if user.officer_id else None
    return staff_page(
        user,
        "guided_start/messages.html",
        at=START,
        status=422 if field_errors else 200,
        field_errors=field_errors,
        channels=channel_states(own),
        sender=own.sender_address,
        owner=officer,
        may_change_number=user.may(Right.MANAGE_STAFF),
        sent=sent if sent in TO_ONESELF else "",
    )


@staff_post("/staff/set-up/done", Requires(Right.MANAGE_STAFF))
def put_list_away(request: StaffRequest) -> Response[object]:
    """Nobody of this council is shown the list any more."""
    with transaction() as session:
        put_away(session, council_id=request.user.council_id, actor=request.user.actor)
    return Redirect("/staff", status_code=303)


MENU_ITEMS = (MenuItem("Start", START, Right.CHANGE_SETTINGS, 198),)
HANDLERS: Sequence[ControllerRouterHandler] = (
    show_start,
    show_places,
    choose_topics,
    make_topics,
    show_messages,
    send_message,
    put_list_away,
)
