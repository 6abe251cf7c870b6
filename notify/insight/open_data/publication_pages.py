"""The officers' page where a council shows its figures to everybody, or stops."""

from collections.abc import Sequence

from litestar import Request, Response, get, post
from litestar.datastructures import State
from litestar.params import RawBody
from litestar.response import Redirect
from litestar.types import ControllerRouterHandler
from pydantic import ValidationError

from notify.core.db import transaction
from notify.core.form_fields import EMPTY, FieldError, Form
from notify.insight.open_data import publication
from notify.insight.open_data.tables import TABLES
from notify.insight.performance_models import WhatToPublish
from notify.insight.report_frame import report_page
from notify.staff.guards import Principal, Requires, RequiresLive, Right
from notify.staff.queries import council
from notify.web.forms import from_our_pages, read_form

AnyRequest = Request[Principal, None, State]

PATH = "/staff/figures/published"


@get(PATH, guards=[Requires(Right.CHANGE_FIGURES)], sync_to_thread=True, include_in_schema=False)
def show_published(request: AnyRequest) -> Response[object]:
    """What is public now, and the form that changes it."""
    return _shown(request.user)


@post(
    PATH,
    guards=[from_our_pages, RequiresLive(Right.CHANGE_FIGURES)],
    sync_to_thread=True,
    include_in_schema=False,
    status_code=303,
)
def save_published(request: AnyRequest, body: RawBody) -> Response[object]:
    """Show the figures from now on, or stop."""
    form, user = read_form(body), request.user
    try:
        new = WhatToPublish(
            is_on=form.one("is_on") == "yes", shows_cost=form.has("shows_cost"), contact=form.one("contact")
        )
        with transaction() as session:
            publication.set_publication(session, council_id=user.council_id, actor=user.actor, new=new)
    except ValidationError:
        return _shown(user, form, [FieldError("contact", "This address is too long.")])
    except publication.ContactNotPossible as error:
        return _shown(user, form, [FieldError("contact", error.detail)])
    return Redirect(PATH, status_code=303)


def _shown(user: Principal, form: Form = EMPTY, field_errors: Sequence[FieldError] = ()) -> Response[object]:
    with transaction() as session:
        kept = publication.publication(session, user.council_id)
        own = council(session, user.council_id)
    return report_page(
        user,
        "reports/publication.html",
        section=PATH,
        status=422 if field_errors else 200,
        kept=kept,
        council=own,
        tables=TABLES.values(),
        form=form,
        field_errors=field_errors,
    )


HANDLERS: Sequence[ControllerRouterHandler] = (show_published, save_published)
