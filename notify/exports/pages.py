"""The page to download data sets and the full extract."""

from collections.abc import Sequence
from datetime import date

from litestar import Response
from litestar.params import RawBody
from litestar.response import Stream
from litestar.types import ControllerRouterHandler

from notify.core.errors import Forbidden, NotifyError
from notify.core.form_fields import FieldError, Form
from notify.core.typed_text import read_day
from notify.exports import catalogue
from notify.exports.dataset_reader import Window
from notify.exports.download import handed_out
from notify.exports.file_export import take
from notify.exports.file_formats import Format
from notify.exports.full_extract import take_everything
from notify.insight.report_frame import report_page
from notify.staff.guards import Principal, Requires, Right
from notify.staff.menu import Menu, MenuItem
from notify.staff.routes import StaffRequest, staff_get, staff_post
from notify.staff.sign_in.step_up import coming_back
from notify.web.forms import query_form, read_form

PATH = "/staff/exports"


@staff_get(PATH, Requires(Right.SEE_FIGURES))
def show_exports(request: StaffRequest) -> Response[object]:
    """What can be taken away, in which formats, and what else leads out of the house."""
    return _page(request.user, query_form(request))


def _page(user: Principal, form: Form, field_errors: Sequence[FieldError] = ()) -> Response[object]:
    return report_page(
        user,
        "exports/exports.html",
        section=PATH,
        status=422 if field_errors else 200,
        data_sets=catalogue.open_to(user),
        formats=list(Format),
        form=form,
        field_errors=field_errors,
        may_take_everything=user.may(Right.EXPORT_EVERYTHING),
    )


@staff_post(f"{PATH}/file", Requires(Right.SEE_FIGURES), status_code=200)
def take_file(request: StaffRequest, body: RawBody) -> Response[object] | Stream:
    """One data set as a file."""
    form, user = read_form(body), request.user
    field_errors: list[FieldError] = []
    since, until = _day(form, "since", field_errors), _day(form, "until", field_errors)
    if form.one("data") not in catalogue.DATA_SETS:
        field_errors.append(FieldError("data", "Choose a data set"))
    if field_errors:
        return _page(user, form, field_errors)
    data = catalogue.data_set(form.one("data"))
    kind = Format(form.one("format")) if form.one("format") in set(Format) else Format.CSV
    kept = {name: form.one(name) for name in ("data", "since", "until", "format")}
    try:
        with coming_back(PATH, kept):
            return handed_out(take(user, data, Window(since, until), kind))
    except Forbidden:
        raise
    except NotifyError as error:
        return _page(user, form, [FieldError("since", error.detail)])


def _day(form: Form, name: str, field_errors: list[FieldError]) -> date | None:
    written = form.one(name)
    try:
        return read_day(written, is_ahead=False) if written else None
    except ValueError as error:
        field_errors.append(FieldError(name, str(error)))
        return None


@staff_post(f"{PATH}/everything", Requires(Right.EXPORT_EVERYTHING), status_code=200)
def take_all(request: StaffRequest) -> Stream:
    """Everything that the platform holds for the council, as one archive."""
    with coming_back(PATH):
        return handed_out(take_everything(request.user))


MENU_ITEMS = (MenuItem("Exports", "/staff/exports", Right.SEE_FIGURES, 140, Menu.REPORTS),)
HANDLERS: Sequence[ControllerRouterHandler] = (show_exports, take_file, take_all)
