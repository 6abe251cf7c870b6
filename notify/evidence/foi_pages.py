"""The page with answers to freedom-of-information requests, and the same as files."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Annotated

from litestar import Response
from litestar.params import QueryParameter, RawBody
from litestar.response import Redirect
from litestar.types import ControllerRouterHandler

from notify.core import clock
from notify.core.db import transaction
from notify.evidence.formats import MEDIA_TYPES, Form, as_file, name_of, shown
from notify.evidence.pack import Pack, make_pack, state
from notify.evidence.questions import Numbering
from notify.insight.report_frame import report_page
from notify.staff.guards import Principal, Requires, Right
from notify.staff.menu import Menu, MenuItem
from notify.staff.queries import council
from notify.staff.routes import StaffRequest, staff_get, staff_post
from notify.web.forms import read_form

PATH = "/staff/evidence"


def _pack(user: Principal, numbering: Numbering, since: date | None, until: date | None) -> Pack:
    last = until or clock.now().date()
    first = since or last - timedelta(days=364)
    with transaction() as session:
        return make_pack(session, council(session, user.council_id), numbering=numbering, since=first, until=last)


@staff_get(PATH, Requires(Right.SEE_FIGURES))
def show_evidence(
    request: StaffRequest,
    numbering: Annotated[Numbering, QueryParameter()] = Numbering.CA440,
    since: Annotated[date | None, QueryParameter()] = None,
    until: Annotated[date | None, QueryParameter()] = None,
) -> Response[object]:
    """Every question with its answer from live data."""
    pack = _pack(request.user, numbering, since, until)
    return report_page(
        request.user,
        "evidence/requests.html",
        section=PATH,
        pack=pack,
        shown=shown,
        forms=list(Form),
        numberings=list(Numbering),
        may_state=request.user.may(Right.CHANGE_FIGURES),
    )


@staff_get(f"{PATH}/foi", Requires(Right.SEE_FIGURES))
def take_evidence(
    request: StaffRequest,
    numbering: Annotated[Numbering, QueryParameter()] = Numbering.CA440,
    since: Annotated[date | None, QueryParameter()] = None,
    until: Annotated[date | None, QueryParameter()] = None,
    form: Annotated[Form, QueryParameter(name="format")] = Form.PDF,
) -> Response[bytes]:
    """The same as a file."""
    pack = _pack(request.user, numbering, since, until)
    return Response(
        as_file(pack, form),
        media_type=MEDIA_TYPES[form],
        headers={"Content-Disposition": f'attachment; filename="{name_of(pack, form)}"', "Cache-Control": "no-store"},
    )


@staff_post(f"{PATH}/statements", Requires(Right.CHANGE_FIGURES))
def say(request: StaffRequest, body: RawBody) -> Redirect:
    """Put down what the council itself says to a question."""
    form = read_form(body)
    with transaction() as session:
        state(
            session,
            council_id=request.user.council_id,
            actor=request.user.actor,
            number=form.one("number"),
            words=form.one("words"),
        )
    return Redirect(f"{PATH}#q{form.one('number')}", status_code=303)


MENU_ITEMS = (MenuItem("Evidence", "/staff/evidence", Right.SEE_FIGURES, 160, Menu.REPORTS),)
HANDLERS: Sequence[ControllerRouterHandler] = (show_evidence, take_evidence, say)
