"""Pages on which a topic is ended, merged into another or split."""

from collections.abc import Sequence

from litestar import Response
from litestar.params import FromPath, RawBody
from litestar.response import Redirect
from litestar.types import ControllerRouterHandler
from pydantic import ValidationError
from sqlmodel import Session

from notify.core.db import transaction
from notify.core.errors import Forbidden, NotifyError
from notify.core.form_fields import FieldError, Form
from notify.core.typed_text import read_day
from notify.staff.guards import Principal, Requires, Right
from notify.staff.page_frame import staff_page
from notify.staff.routes import StaffRequest, staff_get, staff_post
from notify.staff.sign_in.step_up import coming_back
from notify.subscribers import queries, topic_moves
from notify.subscribers.topic_queries import topics_offered
from notify.topics import closure, merger
from notify.topics.form import slug_of
from notify.topics.models import Closing, Part, Split
from notify.web.forms import query_form, read_form

TOPICS, ONE = "/staff/topics", "/staff/topics/{slug:str}"
CHANGES = Requires(Right.CHANGE_TOPICS)
PARTS = (1, 2, 3)


def _page(
    session: Session, user: Principal, slug: str, step: str, form: Form, errors: Sequence[FieldError] = ()
) -> Response[object]:
    topic = queries.topic(session, user.council_id, slug)
    others = [one for one in topics_offered(session, [user.council_id]) if one.id != topic.id]
    return staff_page(
        user,
        f"topics/{step}.html",
        at=TOPICS,
        status=422 if errors else 200,
        topic=topic,
        others=others,
        alike=[one for one in others if (one.purpose, one.legal_basis) == (topic.purpose, topic.legal_basis)],
        many=topic_moves.count(session, topic),
        parts_asked=PARTS,
        form=form,
        field_errors=errors,
    )


def _asked(request: StaffRequest, slug: str, step: str) -> Response[object]:
    with transaction() as session:
        return _page(session, request.user, slug, step, query_form(request))


def _refused(user: Principal, slug: str, step: str, form: Form, field: str, error: NotifyError) -> Response[object]:
    if isinstance(error, Forbidden):
        raise error
    with transaction() as session:
        return _page(session, user, slug, step, form, [FieldError(field, error.detail)])


@staff_get(f"{ONE}/close", CHANGES)
def ask_close(request: StaffRequest, slug: FromPath[str]) -> Response[object]:
    """When a topic ends, and what its subscribers are offered."""
    return _asked(request, slug, "close")


@staff_post(f"{ONE}/close", CHANGES)
def close(request: StaffRequest, slug: FromPath[str], body: RawBody) -> Response[object]:
    """End a topic."""
    form, user = read_form(body), request.user
    try:
        typed = form.one("last_day")
        last_day = read_day(typed, is_ahead=True) if typed else None
    except ValueError as error:
        with transaction() as session:
            return _page(session, user, slug, "close", form, [FieldError("last_day", str(error))])
    try:
        closing = Closing(last_day=last_day, instead=list(form.all("instead"))[:10])
        with coming_back(f"{TOPICS}/{slug}/close", dict(form.fields)), transaction() as session:
            closure.close_topic(session, by=user, slug=slug, closing=closing)
    except NotifyError as error:
        return _refused(user, slug, "close", form, "last_day", error)
    return Redirect(f"{TOPICS}?saved={slug}", status_code=303)


@staff_get(f"{ONE}/merge", CHANGES)
def ask_merge(request: StaffRequest, slug: FromPath[str]) -> Response[object]:
    """Which topic takes over."""
    return _asked(request, slug, "merge")


@staff_post(f"{ONE}/merge", CHANGES)
def merge(request: StaffRequest, slug: FromPath[str], body: RawBody) -> Response[object]:
    """Make a topic part of another."""
    form, user = read_form(body), request.user
    if not form.one("into"):
        with transaction() as session:
            return _page(session, user, slug, "merge", form, [FieldError("into", "Choose the topic that takes over.")])
    try:
        with coming_back(f"{TOPICS}/{slug}/merge", dict(form.fields)), transaction() as session:
            merger.merge(session, by=user, slug=slug, into=form.one("into"))
    except NotifyError as error:
        return _refused(user, slug, "merge", form, "into", error)
    return Redirect(f"{TOPICS}?saved={form.one('into')}", status_code=303)


@staff_get(f"{ONE}/split", CHANGES)
def ask_split(request: StaffRequest, slug: FromPath[str]) -> Response[object]:
    """Which topics are made of one."""
    return _asked(request, slug, "split")


@staff_post(f"{ONE}/split", CHANGES)
def split(request: StaffRequest, slug: FromPath[str], body: RawBody) -> Response[object]:
    """Make further topics of one."""
    form, user = read_form(body), request.user
    names = [form.one(f"name_{number}") for number in PARTS if form.one(f"name_{number}")]
    try:
        parts = Split(into=[Part(slug=slug_of(name), name=name) for name in names], keeps=form.one("keeps") != "no")
    except ValidationError:
        wrong = FieldError("name_1", "Enter a name for each new topic, in at most 100 characters.")
        with transaction() as session:
            return _page(session, user, slug, "split", form, [wrong])
    try:
        with coming_back(f"{TOPICS}/{slug}/split", dict(form.fields)), transaction() as session:
            merger.split(session, by=user, slug=slug, parts=parts)
    except NotifyError as error:
        return _refused(user, slug, "split", form, "name_1", error)
    return Redirect(f"{TOPICS}?saved={parts.into[0].slug}", status_code=303)


HANDLERS: Sequence[ControllerRouterHandler] = (ask_close, close, ask_merge, merge, ask_split, split)
