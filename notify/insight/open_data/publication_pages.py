"""The staff page that turns a council's public figures on and off."""

from collections.abc import Sequence

from litestar import Response
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
from notify.staff.menu import Menu, MenuItem
from notify.staff.queries import council
from notify.staff.routes import StaffRequest, staff_get, staff_post
from notify.web.forms import read_form

PATH = "/staff/figures/published"


@staff_get(PATH, Requires(Right.CHANGE_FIGURES))
def show_published(request: StaffRequest) -> Response[object]:
    """What is public now, and the form that changes it."""
    return _shown(request.user)


@staff_post(PATH, RequiresLive(Right.CHANGE_FIGURES))
def save_published(request: StaffRequest, body: RawBody) -> Response[object]:
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


MENU_ITEMS = (MenuItem("Publication", "/staff/figures/published", Right.CHANGE_FIGURES, 150, Menu.REPORTS),)
HANDLERS: Sequence[ControllerRouterHandler] = (show_published, save_published)
