"""Texts to be used again: what there is, its versions, and retiring it."""

from collections.abc import Sequence
from uuid import UUID

from litestar import Response
from litestar.params import FromPath
from litestar.types import ControllerRouterHandler

from notify.core.db import transaction
from notify.drafting import queries, service
from notify.drafting.route_options import WRITES, people_only, see_other
from notify.staff.menu import MenuItem
from notify.staff.page_frame import staff_page
from notify.staff.rights import Right
from notify.staff.routes import StaffRequest, staff_get, staff_post

PATH = "/staff/templates"


@staff_get(PATH, WRITES, people_only)
def list_templates(request: StaffRequest) -> Response[object]:
    """Every template in use."""
    with transaction() as session:
        found = queries.templates(session, request.user.council_id)
    return staff_page(request.user, "drafting/templates.html", at=PATH, templates=found)


@staff_post(f"{PATH}/{{template_id:uuid}}/retire", WRITES, people_only, status_code=200)
def retire(request: StaffRequest, template_id: FromPath[UUID]) -> Response[object]:
    """Offer it no longer."""
    user = request.user
    with transaction() as session:
        service.retire_template(session, by=user, template_id=template_id)
    return see_other(PATH)


MENU_ITEMS = (MenuItem("Templates", "/staff/templates", Right.WRITE_ALERTS, 30),)
HANDLERS: Sequence[ControllerRouterHandler] = (list_templates, retire)
