"""Pages and API routes of users and API keys."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from uuid import UUID

from litestar import Response, get, post
from litestar.params import FromPath, JSONBody, RawBody
from litestar.response import Redirect
from litestar.types import ControllerRouterHandler
from pydantic import ValidationError
from sqlmodel import Session, SQLModel

from notify.core.db import transaction
from notify.core.form_fields import FieldError, Form
from notify.staff import users
from notify.staff.guards import Principal, Requires, RequiresLive, Right
from notify.staff.menu import MenuItem
from notify.staff.models import KeyMode, Officer, Role
from notify.staff.page_frame import staff_page
from notify.staff.remit import COUNCILLORS, RemitAreaNotInForce
from notify.staff.rights import IN_WORDS, roles_within
from notify.staff.routes import StaffRequest, staff_get, staff_post
from notify.staff.sign_in.step_up import coming_back, kept_words
from notify.staff.user_views import Chosen, OfficerView, field_errors_of, officers_page, user_page
from notify.staff.users import NewKey, OfficerChange
from notify.web.forms import query_form, read_form


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
    found = users.keys(session, council_id)
    return [KeyView(**key.model_dump(include=set(KeyView.model_fields)), officer=owner) for key, owner in found]


class RevokedKey(SQLModel):
    """Since when a key is no longer valid."""

    revoked_at: datetime


@get("/api/v1/officers", guards=[Requires(Right.MANAGE_STAFF)], sync_to_thread=True, tags=["staff"])
def list_officers(request: StaffRequest) -> list[OfficerView]:
    """Everyone who works or worked for the council."""
    with transaction() as session:
        return [OfficerView.of(one) for one in users.officers(session, request.user.council_id)]


@post(
    "/api/v1/officers/{officer_id:uuid}",
    guards=[RequiresLive(Right.MANAGE_STAFF)],
    status_code=200,
    sync_to_thread=True,
    tags=["staff"],
)
def change_officer(request: StaffRequest, officer_id: FromPath[UUID], data: JSONBody[OfficerChange]) -> OfficerView:
    """Change what an officer may do, which ends their sessions at once, or their phone number."""
    return OfficerView.of(_change(request.user, officer_id, data))


def _change(user: Principal, officer_id: UUID, change: OfficerChange) -> Officer:
    with transaction() as session:
        return users.change_officer(session, by=user, officer_id=officer_id, change=change)


@get("/api/v1/keys", guards=[Requires(Right.MANAGE_STAFF)], sync_to_thread=True, tags=["staff"])
def list_keys(request: StaffRequest) -> list[KeyView]:
    """The council's API keys, newest first."""
    with transaction() as session:
        return _keys(session, request.user.council_id)


@post("/api/v1/keys", guards=[RequiresLive(Right.MANAGE_STAFF)], sync_to_thread=True, tags=["staff"])
def create_key(request: StaffRequest, data: JSONBody[NewKey]) -> MadeKey:
    """Make a key of your own, which may do no more than you."""
    with transaction() as session:
        return MadeKey(key=users.create_own_key(session, by=request.user, new=data))


@post(
    "/api/v1/keys/{prefix:str}/revoke",
    guards=[RequiresLive(Right.MANAGE_STAFF)],
    status_code=200,
    sync_to_thread=True,
    tags=["staff"],
)
def revoke_key(request: StaffRequest, prefix: FromPath[str]) -> RevokedKey:
    """End a key at once. Repeating changes nothing."""
    return RevokedKey(revoked_at=_revoke(request.user, prefix))


def _revoke(user: Principal, prefix: str) -> datetime:
    with transaction() as session:
        return users.revoke_key(session, by=user, prefix=prefix)


@staff_get("/staff/officers", Requires(Right.MANAGE_STAFF))
def show_officers(request: StaffRequest) -> Response[object]:
    """Who works here, what each may do, and a form to invite someone."""
    words = kept_words(request, request.user)
    return officers_page(request.user, Form(json.loads(words) if words else {}))


@staff_get("/staff/officers/{officer_id:uuid}", Requires(Right.MANAGE_STAFF))
def show_officer(request: StaffRequest, officer_id: FromPath[UUID]) -> Response[object]:
    """One officer, and a form for what they may do, or for what was chosen before it had to be confirmed."""
    entered, user = query_form(request), request.user
    with transaction() as session:
        one = users.officer(session, user.council_id, officer_id)
        chosen = Chosen.of(entered) if entered.has("role") else None
        return user_page(session, user, one, chosen, is_invited=entered.has("invited"))


@staff_post("/staff/officers/{officer_id:uuid}", RequiresLive(Right.MANAGE_STAFF))
def save_officer(request: StaffRequest, officer_id: FromPath[UUID], body: RawBody) -> Response[object]:
    """Take what the form says about an officer."""
    chosen = Chosen.of(read_form(body))
    try:
        with coming_back(f"/staff/officers/{officer_id}", asdict(chosen)):
            _change(request.user, officer_id, chosen.change())
    except ValidationError as error:
        field_errors, status = field_errors_of(error), 422
    except users.LastAdministrator as error:
        field_errors, status = [FieldError("role", str(error))], error.status
    except RemitAreaNotInForce as error:
        field_errors, status = [FieldError("areas", str(error))], error.status
    else:
        return Redirect("/staff/officers", status_code=303)
    with transaction() as session:
        one = users.officer(session, request.user.council_id, officer_id)
        return user_page(session, request.user, one, chosen, field_errors, status=status)


def _keys_page(
    user: Principal, form: Form, made: str = "", field_errors: Sequence[FieldError] = ()
) -> Response[object]:
    with transaction() as session:
        keys = _keys(session, user.council_id)
    within = roles_within(user.role) - COUNCILLORS  # whose keys `notify key create` makes
    return staff_page(
        user,
        "users/keys.html",
        at="/staff/keys",
        status=422 if field_errors else 200,
        keys=keys,
        form=form,
        made=made,
        words=IN_WORDS,
        roles=[(role, words) for role, words in IN_WORDS.items() if role in within],
        field_errors=field_errors,
    )


@staff_get("/staff/keys", Requires(Right.MANAGE_STAFF))
def show_keys(request: StaffRequest) -> Response[object]:
    """The council's keys, and a form for another one."""
    return _keys_page(request.user, query_form(request))


@staff_post("/staff/keys", RequiresLive(Right.MANAGE_STAFF), status_code=200)
def make_key(request: StaffRequest, body: RawBody) -> Response[object]:
    """Make a key and show it, this once."""
    form = read_form(body)
    mode = KeyMode.TEST if form.has("test") else KeyMode.LIVE
    try:
        said = {"name": form.one("name"), "role": form.one("role"), "mode": mode}
        new = NewKey.model_validate(said | ({"days": form.one("days")} if form.one("days") else {}))
    except ValidationError as error:
        return _keys_page(request.user, form, field_errors=field_errors_of(error))
    kept = {name: form.one(name) for name in ("name", "role", "test", "days")}
    with coming_back("/staff/keys", kept), transaction() as session:
        made = users.create_own_key(session, by=request.user, new=new)
    return _keys_page(request.user, Form({}), made)


@staff_post("/staff/keys/{prefix:str}/revoke", RequiresLive(Right.MANAGE_STAFF))
def end_key(request: StaffRequest, prefix: FromPath[str]) -> Response[object]:
    """End a key at once."""
    with coming_back("/staff/keys"):
        _revoke(request.user, prefix)
    return Redirect("/staff/keys", status_code=303)


MENU_ITEMS = (
    MenuItem("Users and roles", "/staff/officers", Right.MANAGE_STAFF, 110),
    MenuItem("API keys", "/staff/keys", Right.MANAGE_STAFF, 120),
)
HANDLERS: Sequence[ControllerRouterHandler] = (
    list_officers,
    change_officer,
    list_keys,
    create_key,
    revoke_key,
    show_officers,
    show_officer,
    save_officer,
    show_keys,
    make_key,
    end_key,
)
