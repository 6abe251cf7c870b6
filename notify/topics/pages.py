"""Pages on which administrators keep topics: the list in its order, one topic, and the groups."""

from collections.abc import Sequence
from uuid import UUID

from litestar import Response
from litestar.params import FromPath, RawBody
from litestar.response import Redirect
from litestar.types import ControllerRouterHandler
from pydantic import ValidationError
from sqlmodel import Session

from notify.channels import CHANNELS
from notify.core.db import transaction
from notify.core.errors import NotifyError
from notify.core.form_fields import EMPTY, FieldError, Form
from notify.staff.guards import Principal, Requires, Right
from notify.staff.menu import MenuItem
from notify.staff.page_frame import staff_page
from notify.staff.routes import StaffRequest, staff_get, staff_post
from notify.staff.sign_in.step_up import coming_back
from notify.subscribers import queries, topic_moves
from notify.subscribers.models import NewTopic, Topic
from notify.subscribers.service import TopicExists
from notify.subscribers.topic_queries import is_closed, sections
from notify.topics import form as forms
from notify.topics import groups, service
from notify.topics.models import GroupChange, NewGroup
from notify.topics.words import APPROVALS, BASES, PURPOSES
from notify.web.forms import query_form, read_form

TOPICS, ONE, GROUPS = "/staff/topics", "/staff/topics/{slug:str}", "/staff/topic-groups"
CHANGES = Requires(Right.CHANGE_TOPICS)


@staff_get(TOPICS, CHANGES)
def show_topics(request: StaffRequest) -> Response[object]:
    """The council's topics in their order, group by group, with how many people follow each."""
    user = request.user
    with transaction() as session:
        found = queries.topics(session, [user.council_id])
        going = [topic for topic in found if not is_closed(topic)]
        ended = [topic for topic in found if is_closed(topic)]
        after = {one.id: one for one in found}
        return staff_page(
            user,
            "topics/topics.html",
            at=TOPICS,
            sections=sections(session, going),
            ended=ended,
            after=after,
            many={topic.id: topic_moves.count(session, topic) for topic in going},
            channels=CHANNELS,
            saved=query_form(request).one("saved"),
        )


@staff_get("/staff/new-topic", CHANGES)
def ask_new_topic(request: StaffRequest) -> Response[object]:
    """The form for a new topic."""
    start = {"channels": [str(channel) for channel in CHANNELS if channel != "webhook"], "late_after_minutes": ["60"]}
    chosen = {"purpose": ["service"], "approval": ["none"], "legal_basis": ["consent"]}
    with transaction() as session:
        return _topic_page(session, request.user, None, Form(start | chosen))


@staff_post("/staff/new-topic", CHANGES)
def make_topic(request: StaffRequest, body: RawBody) -> Response[object]:
    """Start a topic."""
    form, user = read_form(body), request.user
    with transaction() as session:
        try:
            new: NewTopic = forms.new_topic(form)
            made = service.create_topic(session, by=user, new=new)
        except ValidationError as error:
            return _topic_page(session, user, None, form, forms.field_errors_of(error))
        except TopicExists as error:
            return _topic_page(session, user, None, form, [FieldError("slug", error.detail)])
        if form.one("group"):
            made.group_id = groups.group(session, user.council_id, UUID(form.one("group"))).id
    return Redirect(f"{TOPICS}?saved={new.slug}", status_code=303)


@staff_get(ONE, CHANGES)
def show_topic(request: StaffRequest, slug: FromPath[str]) -> Response[object]:
    """One topic and a form for what can change."""
    with transaction() as session:
        topic = queries.topic(session, request.user.council_id, slug)
        entered = query_form(request)  # what was typed before someone had to confirm that it is them
        return _topic_page(session, request.user, topic, entered if entered.has("name") else forms.held_by(topic))


@staff_post(ONE, CHANGES)
def save_topic(request: StaffRequest, slug: FromPath[str], body: RawBody) -> Response[object]:
    """Change a topic."""
    form, user = read_form(body), request.user
    with coming_back(f"{TOPICS}/{slug}", dict(form.fields)), transaction() as session:
        topic = queries.topic(session, user.council_id, slug)
        try:
            service.change_topic(session, by=user, slug=slug, change=forms.change_of(form))
        except ValidationError as error:
            return _topic_page(session, user, topic, form, forms.field_errors_of(error))
        except service.TopicNotTrackable:
            return _topic_page(session, user, topic, form, [FieldError("tracking_allowed", _UNTRACKED)])
    return Redirect(f"{TOPICS}?saved={slug}", status_code=303)


_UNTRACKED = forms.CURES["tracking_allowed"]


@staff_post("/staff/topics/{slug:str}/move", CHANGES)
def move_topic(request: StaffRequest, slug: FromPath[str], body: RawBody) -> Response[object]:
    """Have a topic change places with the one before or after it in its group."""
    is_up, user = read_form(body).one("to") == "up", request.user
    with transaction() as session:
        topic = queries.topic(session, user.council_id, slug)
        found = [one for one in queries.topics(session, [user.council_id]) if not is_closed(one)]
        order = [one.slug for section in sections(session, found) for one in section.topics]
        beside = [one.slug for section in sections(session, found) for one in section.topics if topic in section.topics]
        place = beside.index(slug) if slug in beside else 0
        other = place - 1 if is_up else place + 1
        if slug in beside and 0 <= other < len(beside):
            here, there = order.index(slug), order.index(beside[other])
            order[here], order[there] = order[there], order[here]
            service.reorder(session, by=user, slugs=order)
    return Redirect(f"{TOPICS}#topic-{slug}", status_code=303)


def _topic_page(
    session: Session, user: Principal, topic: Topic | None, form: Form, field_errors: Sequence[FieldError] = ()
) -> Response[object]:
    return staff_page(
        user,
        "topics/topic.html",
        at=TOPICS,
        status=422 if field_errors else 200,
        topic=topic,
        form=form,
        groups=groups.groups(session, user.council_id),
        channels=CHANNELS,
        purposes=PURPOSES,
        bases=BASES,
        approvals=APPROVALS,
        is_open=topic is not None and topic.is_offered,
        many=topic_moves.count(session, topic) if topic else 0,
        field_errors=field_errors,
    )


@staff_get(GROUPS, CHANGES)
def show_groups(request: StaffRequest) -> Response[object]:
    """The groups of topics, and a form for another."""
    with transaction() as session:
        return _groups_page(session, request.user, EMPTY)


def _groups_page(
    session: Session, user: Principal, form: Form, field_errors: Sequence[FieldError] = ()
) -> Response[object]:
    found = queries.topics(session, [user.council_id])
    return staff_page(
        user,
        "topics/groups.html",
        at=TOPICS,
        status=422 if field_errors else 200,
        groups=groups.groups(session, user.council_id),
        many={group_id: sum(one.group_id == group_id for one in found) for group_id in {one.group_id for one in found}},
        form=form,
        field_errors=field_errors,
    )


@staff_post(GROUPS, CHANGES)
def make_group(request: StaffRequest, body: RawBody) -> Response[object]:
    """Make a group."""
    form, user = read_form(body), request.user
    with transaction() as session:
        try:
            new = NewGroup.model_validate({"name": form.one("name"), "translations": _welsh(form)})
            groups.create_group(session, by=user, new=new)
        except (ValidationError, groups.GroupExists) as error:
            return _groups_page(session, user, form, [FieldError("name", _wrong_name(error))])
    return Redirect(GROUPS, status_code=303)


@staff_post(f"{GROUPS}/{{group_id:uuid}}", CHANGES)
def save_group(request: StaffRequest, group_id: FromPath[UUID], body: RawBody) -> Response[object]:
    """Rename a group, or give it another place."""
    form, user = read_form(body), request.user
    position = form.one("position")
    said: dict[str, object] = {"name": form.one("name"), "translations": _welsh(form)}
    if position.isdecimal() and len(position) < 5:
        said["position"] = int(position)
    with transaction() as session:
        groups.group(session, user.council_id, group_id)
        try:
            groups.change_group(session, by=user, group_id=group_id, change=GroupChange.model_validate(said))
        except (ValidationError, groups.GroupExists) as error:
            return _groups_page(session, user, EMPTY, [FieldError(f"name-{group_id}", _wrong_name(error))])
    return Redirect(GROUPS, status_code=303)


@staff_post(f"{GROUPS}/{{group_id:uuid}}/remove", CHANGES)
def remove_group(request: StaffRequest, group_id: FromPath[UUID]) -> Response[object]:
    """Remove a group. Its topics stay."""
    with transaction() as session:
        groups.remove_group(session, by=request.user, group_id=group_id)
    return Redirect(GROUPS, status_code=303)


def _welsh(form: Form) -> dict[str, str]:
    return {"cy": form.one("name_cy")} if form.one("name_cy") else {}


def _wrong_name(error: ValidationError | NotifyError) -> str:
    return error.detail if isinstance(error, NotifyError) else forms.CURES["name"]


MENU_ITEMS = (MenuItem("Topics", TOPICS, Right.CHANGE_TOPICS, 105),)
HANDLERS: Sequence[ControllerRouterHandler] = (
    show_topics,
    ask_new_topic,
    make_topic,
    show_topic,
    save_topic,
    move_topic,
    show_groups,
    make_group,
    save_group,
    remove_group,
)
