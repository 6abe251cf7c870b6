"""Inviting users, on the page of officers and by API."""

import json
from collections.abc import Sequence
from uuid import UUID

from litestar import Response, post
from litestar.params import FromPath, JSONBody, RawBody
from litestar.response import Redirect
from litestar.types import ControllerRouterHandler
from pydantic import ValidationError

from notify.core.db import transaction
from notify.core.form_fields import FieldError
from notify.staff import users
from notify.staff.guards import Principal, RequiresLive, Right
from notify.staff.invitations import NoInvitations
from notify.staff.models import Officer
from notify.staff.routes import StaffRequest, staff_post
from notify.staff.service import EmailNotValid, OfficerExists
from notify.staff.sign_in.step_up import coming_back, forget_words
from notify.staff.user_views import OFFICERS, OfficerView, field_errors_of, officers_page
from notify.staff.users import NewOfficer
from notify.web.forms import read_form

NEW_OFFICER = {
    "email": "Enter their email address, like name@example.org",
    "name": "Enter their name, in at most 100 characters",
    "role": "Choose a role",
}


@post("/api/v1/officers", guards=[RequiresLive(Right.MANAGE_STAFF)], sync_to_thread=True, tags=["staff"])
def invite_officer(request: StaffRequest, data: JSONBody[NewOfficer]) -> OfficerView:
    """Add someone, and send them a link that works for seven days: they sign in with their council account."""
    with transaction() as session:
        return OfficerView.of(users.invite_officer(session, by=request.user, new=data))


@post(
    "/api/v1/officers/{officer_id:uuid}/invite",
    guards=[RequiresLive(Right.MANAGE_STAFF)],
    status_code=202,
    sync_to_thread=True,
    tags=["staff"],
)
def invite_officer_again(request: StaffRequest, officer_id: FromPath[UUID]) -> OfficerView:
    """Send a new link to someone who has not begun yet."""
    return OfficerView.of(_invite_again(request.user, officer_id))


def _invite_again(user: Principal, officer_id: UUID) -> Officer:
    with transaction() as session:
        return users.invite_again(session, by=user, officer_id=officer_id)


@staff_post(OFFICERS, RequiresLive(Right.MANAGE_STAFF))
def invite(request: StaffRequest, body: RawBody) -> Response[object]:
    """Add someone and write to them."""
    form, user = read_form(body), request.user
    said = {name: form.one(name) for name in ("email", "name", "role")}
    try:
        new = NewOfficer.model_validate(said)
        kept = json.dumps({name: [value] for name, value in said.items()})
        with coming_back(OFFICERS, words=kept), transaction() as session:
            one = users.invite_officer(session, by=user, new=new)
    except ValidationError as error:
        return officers_page(user, form, field_errors_of(error, NEW_OFFICER))
    except (OfficerExists, EmailNotValid, NoInvitations) as error:
        return officers_page(user, form, [FieldError("email", error.detail)])
    return forget_words(Redirect(f"{OFFICERS}/{one.id}?invited=yes", status_code=303))


@staff_post(
    f"{OFFICERS}/{{officer_id:uuid}}/invite",
    RequiresLive(Right.MANAGE_STAFF),
    opt={"back": "/staff/officers/{officer_id}"},
)
def send_invitation(request: StaffRequest, officer_id: FromPath[UUID]) -> Response[object]:
    """Send someone who has not begun yet a new link."""
    _invite_again(request.user, officer_id)
    return Redirect(f"{OFFICERS}/{officer_id}?invited=yes", status_code=303)


HANDLERS: Sequence[ControllerRouterHandler] = (invite_officer, invite_officer_again, invite, send_invitation)
