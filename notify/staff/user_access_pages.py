"""Pages and API routes of how users get in, and the page that says who may do what."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from litestar import Response, get, post
from litestar.params import FromPath, JSONBody, RawBody
from litestar.response import Redirect
from litestar.types import ControllerRouterHandler
from sqlmodel import Field, Session, SQLModel

from notify.core.db import Input, transaction
from notify.staff import user_access, users
from notify.staff.guards import Principal, Requires, RequiresLive, Right
from notify.staff.models import Role
from notify.staff.page_frame import staff_page
from notify.staff.rights import IN_WORDS, PERSONS_ONLY, RIGHTS, WITHIN_A_REMIT
from notify.staff.routes import StaffRequest, staff_get, staff_post
from notify.staff.sign_in import sessions
from notify.staff.user_views import OFFICERS, OfficerView, user_page
from notify.web.forms import read_form

ONE, API = f"{OFFICERS}/{{officer_id:uuid}}", "/api/v1/officers/{officer_id:uuid}"
MANAGES = RequiresLive(Right.MANAGE_STAFF)
BACK = {"back": "/staff/officers/{officer_id}"}


class SessionView(SQLModel):
    """A browser in which a user is signed in. `key` names it and opens nothing."""

    key: str
    began_at: datetime
    seen_at: datetime
    mfa_at: datetime | None = Field(description="When they last gave a second factor.")


class SessionsEnded(Input):
    """Which session to end."""

    key: str = Field(default="", max_length=100, description="Of one session; empty: all of them.")


class ResetReason(Input):
    """Why someone needs a new second factor."""

    reason: str = Field(min_length=1, max_length=500)


class ResetView(SQLModel):
    """A new second factor that waits for another administrator."""

    officer_id: UUID
    asked_by: UUID
    asked_at: datetime
    reason: str


class RoleRights(SQLModel):
    """What one role may do."""

    role: Role
    words: str
    rights: list[Right]
    within_a_remit: list[Right] = Field(description="What is left to a user who works with some topics or areas only.")


def _sessions(user: Principal, officer_id: UUID) -> list[SessionView]:
    with transaction() as session:
        one = users.officer(session, user.council_id, officer_id)
        found = sessions.open_sessions(session, one.id)
        return [SessionView.model_validate(open_one, from_attributes=True) for open_one in found]


@get(f"{API}/sessions", guards=[Requires(Right.MANAGE_STAFF)], sync_to_thread=True, tags=["staff"])
def list_sessions(request: StaffRequest, officer_id: FromPath[UUID]) -> list[SessionView]:
    """Where a user is signed in, the newest first."""
    return _sessions(request.user, officer_id)


@post(f"{API}/sessions/end", guards=[MANAGES], status_code=204, sync_to_thread=True, tags=["staff"])
def end_user_sessions(request: StaffRequest, officer_id: FromPath[UUID], data: JSONBody[SessionsEnded]) -> None:
    """Sign a user out of one session or of all."""
    with transaction() as session:
        user_access.end_sessions(session, by=request.user, officer_id=officer_id, key=data.key)


@post(f"{API}/withdraw", guards=[MANAGES], status_code=200, sync_to_thread=True, tags=["staff"])
def withdraw_officer_invitation(request: StaffRequest, officer_id: FromPath[UUID]) -> OfficerView:
    """Have an invitation work no longer, of someone who has not begun yet."""
    with transaction() as session:
        return OfficerView.of(user_access.withdraw_invitation(session, by=request.user, officer_id=officer_id))


@post(f"{API}/second-factor", guards=[MANAGES], status_code=202, sync_to_thread=True, tags=["staff"])
def ask_new_factor(request: StaffRequest, officer_id: FromPath[UUID], data: JSONBody[ResetReason]) -> ResetView:
    """Ask another administrator to agree to a new second factor. They agree on the user's page, where it is shown."""
    with transaction() as session:
        asked = user_access.ask_reset(session, by=request.user, officer_id=officer_id, reason=data.reason)
        return ResetView.model_validate(asked.model_dump())


@get("/api/v1/rights", guards=[Requires(Right.SEE_ALERTS)], sync_to_thread=True, tags=["staff"])
def list_rights(request: StaffRequest) -> list[RoleRights]:
    """What each role may do."""
    return [
        RoleRights(
            role=role,
            words=IN_WORDS[role],
            rights=[right for right in Right if right in RIGHTS[role]],
            within_a_remit=[right for right in Right if right in RIGHTS[role] & WITHIN_A_REMIT],
        )
        for role in Role
    ]


@staff_get("/staff/rights", Requires(Right.SEE_ALERTS))
def show_rights(request: StaffRequest) -> Response[object]:
    """Who may do what, role by role."""
    return staff_page(
        request.user,
        "users/rights.html",
        at=OFFICERS,
        roles=IN_WORDS,
        rights=list(Right),
        may=RIGHTS,
        within=WITHIN_A_REMIT,
        persons_only=PERSONS_ONLY,
        manages=request.user.may(Right.MANAGE_STAFF),
    )


def _again(officer_id: UUID) -> Redirect:
    return Redirect(f"{OFFICERS}/{officer_id}", status_code=303)


@staff_post(f"{ONE}/sessions/end", MANAGES, opt=BACK)
def end_sessions(request: StaffRequest, officer_id: FromPath[UUID], body: RawBody) -> Response[object]:
    """Sign a user out of one session or of all."""
    key = read_form(body).one("key")
    with transaction() as session:
        user_access.end_sessions(session, by=request.user, officer_id=officer_id, key=key)
    return _again(officer_id)


@staff_post(f"{ONE}/withdraw", MANAGES, opt=BACK)
def withdraw(request: StaffRequest, officer_id: FromPath[UUID]) -> Response[object]:
    """Have an invitation work no longer."""
    with transaction() as session:
        user_access.withdraw_invitation(session, by=request.user, officer_id=officer_id)
    return _again(officer_id)


@staff_post(f"{ONE}/second-factor", MANAGES, opt=BACK)
def ask_reset(request: StaffRequest, officer_id: FromPath[UUID], body: RawBody) -> Response[object]:
    """Ask another administrator to agree to a new second factor."""
    reason = read_form(body).one("reason")[:500]
    with transaction() as session:
        said = reason or "No reason given"
        user_access.ask_reset(session, by=request.user, officer_id=officer_id, reason=said)
    return _again(officer_id)


@staff_post(f"{ONE}/second-factor/refuse", MANAGES, opt=BACK)
def refuse_reset(request: StaffRequest, officer_id: FromPath[UUID]) -> Response[object]:
    """Drop what was asked for."""
    with transaction() as session:
        user_access.refuse_reset(session, by=request.user, officer_id=officer_id)
    return _again(officer_id)


@staff_post(f"{ONE}/second-factor/agree", MANAGES, status_code=200, opt=BACK)
def agree_to_reset(request: StaffRequest, officer_id: FromPath[UUID]) -> Response[object]:
    """Give the new second factor, which is shown this once."""
    with transaction() as session:
        enrolled = user_access.agree_to_reset(session, by=request.user, officer_id=officer_id)
        return _shown(session, request.user, officer_id, enrolled)


def _shown(session: Session, user: Principal, officer_id: UUID, enrolled: object) -> Response[object]:
    return user_page(session, user, users.officer(session, user.council_id, officer_id), enrolled=enrolled)


HANDLERS: Sequence[ControllerRouterHandler] = (
    list_sessions,
    end_user_sessions,
    withdraw_officer_invitation,
    ask_new_factor,
    list_rights,
    show_rights,
    end_sessions,
    withdraw,
    ask_reset,
    refuse_reset,
    agree_to_reset,
)
