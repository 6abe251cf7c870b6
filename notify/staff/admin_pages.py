"""Pages and JSON doors for administrators: who works here, and which keys there are."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.datastructures import State
from litestar.params import FromPath, JSONBody, RawBody
from litestar.response import Redirect
from litestar.types import ControllerRouterHandler
from sqlmodel import Session, SQLModel

from notify.db import transaction
from notify.errors import Forbidden, Invalid
from notify.staff import people
from notify.staff.guards import Principal, Requires, RequiresLive, Right, roles_within
from notify.staff.models import KeyMode, Officer, Role
from notify.staff.people import NewKey, OfficerChange
from notify.web.forms import from_our_pages, read_form
from notify.web.templates import page

AnyRequest = Request[Principal, object, State]


class KeysNeedAPerson(Forbidden):
    """A key of the council is nobody's, so what it makes would be nobody's too."""

    title = "Only a person makes keys"


class FormNotFilled(Invalid):
    """Something in the form is missing or cannot be used."""

    title = "Something in the form is missing"


class OfficerView(SQLModel):
    """An officer as administrators see them."""

    id: UUID
    name: str
    email: str
    role: Role
    active: bool
    topics: list[str]
    areas: list[str]

    @classmethod
    def of(cls, officer: Officer) -> "OfficerView":
        """The fields that administrators see."""
        return cls(**officer.model_dump(include=set(cls.model_fields)))


class KeyView(SQLModel):
    """A key as administrators see it: never its secret."""

    prefix: str
    name: str
    role: Role
    mode: KeyMode
    officer: str | None
    created_at: datetime
    expires_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None


class MadeKey(SQLModel):
    """A new key, which can be read only now."""

    key: str


def _keys(session: Session, council_id: UUID) -> list[KeyView]:
    found = people.keys(session, council_id)
    return [KeyView(**key.model_dump(include=set(KeyView.model_fields)), officer=owner) for key, owner in found]


def _make(session: Session, user: Principal, new: NewKey) -> str:
    if user.is_key or user.officer_id is None:
        raise KeysNeedAPerson("Sign in to make a key, or use `notify key create`.")
    owner = session.get_one(Officer, user.officer_id)
    return people.create_own_key(session, officer=owner, actor=user.actor, new=new, most=roles_within(owner.role))


@get("/api/v1/officers", guards=[Requires(Right.MANAGE_STAFF)], sync_to_thread=True, tags=["staff"])
def list_officers(request: AnyRequest) -> list[OfficerView]:
    """Everybody who works or worked for the council."""
    with transaction() as session:
        return [OfficerView.of(one) for one in people.officers(session, request.user.council_id)]


@post(
    "/api/v1/officers/{officer_id:uuid}",
    guards=[RequiresLive(Right.MANAGE_STAFF)],
    status_code=200,
    sync_to_thread=True,
    tags=["staff"],
)
def change_officer(request: AnyRequest, officer_id: FromPath[UUID], data: JSONBody[OfficerChange]) -> OfficerView:
    """Change what an officer may do. Their sessions end at once."""
    return OfficerView.of(_change(request.user, officer_id, data))


def _change(user: Principal, officer_id: UUID, change: OfficerChange) -> Officer:
    with transaction() as session:
        return people.change_officer(
            session, council_id=user.council_id, officer_id=officer_id, actor=user.actor, change=change
        )


@get("/api/v1/keys", guards=[Requires(Right.MANAGE_STAFF)], sync_to_thread=True, tags=["staff"])
def list_keys(request: AnyRequest) -> list[KeyView]:
    """The council's API keys, newest first."""
    with transaction() as session:
        return _keys(session, request.user.council_id)


@post("/api/v1/keys", guards=[RequiresLive(Right.MANAGE_STAFF)], sync_to_thread=True, tags=["staff"])
def create_key(request: AnyRequest, data: JSONBody[NewKey]) -> MadeKey:
    """Make a key of your own, which may do no more than you."""
    with transaction() as session:
        return MadeKey(key=_make(session, request.user, data))


@post(
    "/api/v1/keys/{prefix:str}/revoke",
    guards=[RequiresLive(Right.MANAGE_STAFF)],
    status_code=200,
    sync_to_thread=True,
    tags=["staff"],
)
def revoke_key(request: AnyRequest, prefix: FromPath[str]) -> dict[str, datetime]:
    """End a key at once. Repeating changes nothing."""
    return {"revoked_at": _revoke(request.user, prefix)}


def _revoke(user: Principal, prefix: str) -> datetime:
    with transaction() as session:
        return people.revoke_key(session, council_id=user.council_id, prefix=prefix, actor=user.actor)


@get("/staff/officers", guards=[Requires(Right.MANAGE_STAFF)], sync_to_thread=True, include_in_schema=False)
def show_officers(request: AnyRequest) -> Response[object]:
    """Who works here, and what each may do."""
    with transaction() as session:
        officers = [OfficerView.of(one) for one in people.officers(session, request.user.council_id)]
    return page("staff-officers.html", officer=request.user.name, officers=officers, roles=list(Role))


@post(
    "/staff/officers/{officer_id:uuid}",
    guards=[from_our_pages, RequiresLive(Right.MANAGE_STAFF)],
    status_code=303,
    sync_to_thread=True,
    include_in_schema=False,
)
def save_officer(request: AnyRequest, officer_id: FromPath[UUID], body: RawBody) -> Response[object]:
    """Take what the form says about an officer."""
    form = read_form(body)
    try:
        change = OfficerChange(
            role=Role(form.one("role")),
            active=form.has("active"),
            topics=form.one("topics").split(),
            areas=form.one("areas").split(),
        )
    except ValueError:
        raise FormNotFilled("Choose a role from the list.") from None
    _change(request.user, officer_id, change)
    return Redirect("/staff/officers", status_code=303)


def _keys_page(request: AnyRequest, made: str = "") -> Response[object]:
    with transaction() as session:
        keys = _keys(session, request.user.council_id)
    roles = [role for role in Role if role in roles_within(request.user.role)]
    return page("staff-keys.html", officer=request.user.name, keys=keys, made=made, roles=roles)


@get("/staff/keys", guards=[Requires(Right.MANAGE_STAFF)], sync_to_thread=True, include_in_schema=False)
def show_keys(request: AnyRequest) -> Response[object]:
    """The council's keys, and a form for another one."""
    return _keys_page(request)


@post(
    "/staff/keys",
    guards=[from_our_pages, RequiresLive(Right.MANAGE_STAFF)],
    status_code=200,
    sync_to_thread=True,
    include_in_schema=False,
)
def make_key(request: AnyRequest, body: RawBody) -> Response[object]:
    """Make a key and show it, this once."""
    form = read_form(body)
    mode = KeyMode.TEST if form.has("test") else KeyMode.LIVE
    try:
        new = NewKey.model_validate({"name": form.one("name"), "role": form.one("role"), "mode": mode})
    except ValueError:
        raise FormNotFilled("Give the key a name and choose a role.") from None
    with transaction() as session:
        made = _make(session, request.user, new)
    return _keys_page(request, made)


@post(
    "/staff/keys/{prefix:str}/revoke",
    guards=[from_our_pages, RequiresLive(Right.MANAGE_STAFF)],
    status_code=303,
    sync_to_thread=True,
    include_in_schema=False,
)
def end_key(request: AnyRequest, prefix: FromPath[str]) -> Response[object]:
    """End a key at once."""
    _revoke(request.user, prefix)
    return Redirect("/staff/keys", status_code=303)


HANDLERS: Sequence[ControllerRouterHandler] = (
    list_officers,
    change_officer,
    list_keys,
    create_key,
    revoke_key,
    show_officers,
    save_officer,
    show_keys,
    make_key,
    end_key,
)
