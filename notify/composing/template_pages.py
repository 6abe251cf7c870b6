"""Texts to be used again: what there is, its versions, and retiring it."""

from collections.abc import Sequence
from uuid import UUID

from litestar import Response
from litestar.params import FromPath
from litestar.types import ControllerRouterHandler

from notify.composing import queries, service
from notify.composing.doors import OfficerRequest, desk_get, desk_post, see_other
from notify.db import transaction
from notify.staff.desk import staff_page

PATH = "/staff/templates"


@desk_get(PATH)
def list_templates(request: OfficerRequest) -> Response[object]:
    """Every template in use."""
    with transaction() as session:
        found = queries.templates(session, request.user.council_id)
    return staff_page(request.user, "staff-templates.html", at=PATH, templates=found)


@desk_post(f"{PATH}/{{template_id:uuid}}/retire")
def retire(request: OfficerRequest, template_id: FromPath[UUID]) -> Response[object]:
    """Offer it no longer."""
    user = request.user
    with transaction() as session:
        service.retire_template(session, by=user, template_id=template_id)
    return see_other(PATH)


HANDLERS: Sequence[ControllerRouterHandler] = (list_templates, retire)
