"""Pages on which staff import a list: upload, name its columns, look at what would happen, import, take back."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from litestar import Response
from litestar.di import NamedDependency, Provide
from litestar.params import FromPath, RawBody
from litestar.response import Redirect
from litestar.types import ControllerRouterHandler
from pydantic import ValidationError
from sqlmodel import Session

from notify.core import csv_cells, typed_text
from notify.core.clock import midnight
from notify.core.db import transaction
from notify.core.errors import Invalid, NotFound
from notify.core.form_fields import FieldError, Form
from notify.languages import LANGUAGES
from notify.staff.guards import Principal, RequiresLive, Right
from notify.staff.menu import MenuItem
from notify.staff.page_frame import staff_page
from notify.staff.routes import StaffRequest, staff_get, staff_post
from notify.subscribers import queries
from notify.subscribers.imports import columns, import_service
from notify.subscribers.imports.models import UNDER_WAY, ImportOptions, ImportState, SubscriberImport
from notify.subscribers.imports.uploads import MOST_BYTES, UploadedList, uploaded_list
from notify.web.forms import read_form

PATH = "/staff/imports"
ONE = f"{PATH}/{{import_id:uuid}}"
CHANGES_MANY = RequiresLive(Right.CHANGE_MANY_SUBSCRIBERS)
SHOWN = 100  # refusals on a page; the download has them all
MOST_ROWS = 1_000_000
REFRESH_S = 3
STATES: Mapping[ImportState, str] = {
    ImportState.UPLOADED: "Uploaded, not checked yet",
    ImportState.CHECKING: "Being checked",
    ImportState.CHECKED: "Checked, not imported yet",
    ImportState.IMPORTING: "Being imported",
    ImportState.DONE: "Imported",
    ImportState.UNDOING: "Being undone",
    ImportState.UNDONE: "Undone",
    ImportState.FAILED: "Could not be read",
    ImportState.REMOVED: "Deleted without importing",
}


@staff_get(PATH, CHANGES_MANY)
def show_imports(request: StaffRequest) -> Response[object]:
    """A form for a list, and the imports of before."""
    return _list_page(request.user, [])


def _list_page(user: Principal, field_errors: Sequence[FieldError]) -> Response[object]:
    with transaction() as session:
        found = import_service.imports(session, user.council_id)
    return staff_page(
        user,
        "subscribers/imports/list.html",
        at=PATH,
        status=422 if field_errors else 200,
        field_errors=field_errors,
        imports=found,
        states=STATES,
    )


@staff_post(
    PATH,
    CHANGES_MANY,
    status_code=200,
    request_max_body_size=MOST_BYTES,
    dependencies={"upload": Provide(uploaded_list)},
)
def upload(request: StaffRequest, upload: NamedDependency[UploadedList]) -> Response[object]:
    """Keep the list, and ask what its columns hold."""
    try:
        with transaction() as session:
            made = import_service.upload(session, request.user, upload.name, upload.file)
    except Invalid as error:
        return _list_page(request.user, [FieldError("file", error.detail)])
    return Redirect(f"{PATH}/{made.id}", status_code=303)


@staff_get(ONE, CHANGES_MANY)
def show_import(request: StaffRequest, import_id: FromPath[UUID]) -> Response[object]:
    """Where this import is, and what can be done with it now."""
    user = request.user
    with transaction() as session:
        one = import_service.one_import(session, user.council_id, import_id)
        if one.state in UNDER_WAY:
            return _progress_page(user, one)
        if one.state in (ImportState.UPLOADED, ImportState.FAILED) and one.sample and not one.lines_done:
            return _columns_page(session, user, one, _held(one), [])
        return _report_page(session, user, one)


def _progress_page(user: Principal, one: SubscriberImport) -> Response[object]:
    """Comes again by itself, without scripts, until the work is done."""
    page = staff_page(
        user,
        "subscribers/imports/progress.html",
        at=PATH,
        headers={"Refresh": str(REFRESH_S)},
        one=one,
        states=STATES,
        path=f"{PATH}/{one.id}",
    )
    return page


def _held(one: SubscriberImport) -> Form:
    """What was said of the list before, as the form shows it."""
    held: dict[str, Sequence[str]] = {f"column-{number}": [name] for number, name in enumerate(one.fields)}
    if one.options:
        said = import_service.options_of(one)
        held |= {"wording": [said.wording], "source": [said.source], "topic": said.topics, "language": [said.language]}
        held["given_at"] = [f"{said.given_at:%-d %B %Y}"] if said.given_at else []
        held["confirm"] = ["yes" if said.confirm else "no"]
    return Form(held)


def _columns_page(
    session: Session, user: Principal, one: SubscriberImport, form: Form, field_errors: Sequence[FieldError]
) -> Response[object]:
    sample = import_service.sample_of(one)
    return staff_page(
        user,
        "subscribers/imports/columns.html",
        at=PATH,
        status=422 if field_errors else 200,
        one=one,
        form=form,
        field_errors=field_errors,
        sample=sample,
        system=columns.system_of(sample.header) if sample else "",
        choices=columns.FIELDS,
        topics=queries.topics(session, [user.council_id]),
        languages=LANGUAGES,
        before=import_service.imported_before(session, one),
        path=f"{PATH}/{one.id}",
    )


@staff_get(f"{ONE}/columns", CHANGES_MANY)
def ask_columns(request: StaffRequest, import_id: FromPath[UUID]) -> Response[object]:
    """What the columns hold, to change after a look."""
    with transaction() as session:
        one = import_service.one_import(session, request.user.council_id, import_id)
        if one.sample is None or one.state in UNDER_WAY:
            raise import_service.ImportNotReady("The list is not kept any more, or is being worked on.")
        return _columns_page(session, request.user, one, _held(one), [])


@staff_post(f"{ONE}/check", CHANGES_MANY, status_code=200)
def check(request: StaffRequest, import_id: FromPath[UUID], body: RawBody) -> Response[object]:
    """Have every row looked at. Nobody is added."""
    form, user = read_form(body), request.user
    with transaction() as session:
        one = import_service.one_import(session, user.council_id, import_id)
        options, field_errors = _options(form)
        if options is not None:
            try:
                import_service.describe(session, user, one, _fields(one, form), options)
            except (Invalid, NotFound) as error:
                field_errors = [FieldError("columns", error.detail)]
        if field_errors:
            return _columns_page(session, user, one, form, field_errors)
        import_service.begin(session, user, one, ImportState.CHECKING)
    return Redirect(f"{PATH}/{import_id}", status_code=303)


def _fields(one: SubscriberImport, form: Form) -> Sequence[str]:
    return [form.one(f"column-{number}") for number in range(len(one.fields))]


def _options(form: Form) -> tuple[ImportOptions | None, list[FieldError]]:
    """What was said of the whole list, or what to fix."""
    field_errors: list[FieldError] = []
    given_at = _day(form, field_errors)
    if len(form.one("wording")) < 3:
        field_errors.append(FieldError("wording", "Enter the words they agreed to"))
    if not form.one("source"):
        field_errors.append(FieldError("source", "Enter where they agreed, for example: paper form"))
    if form.one("confirm") not in ("yes", "no"):
        field_errors.append(FieldError("confirm", "Select whether to write to them first"))
    if field_errors:
        return None, field_errors
    try:
        return (
            ImportOptions(
                wording=form.one("wording"),
                source=form.one("source"),
                given_at=given_at,
                language=form.one("language") or "en",
                topics=list(form.all("topic")),
                confirm=form.one("confirm") == "yes",
            ),
            [],
        )
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        return None, [FieldError(str(first["loc"][0]), str(first["msg"]))]


def _day(form: Form, field_errors: list[FieldError]) -> datetime | None:
    if not form.one("given_at"):
        return None
    try:
        return midnight(typed_text.read_day(form.one("given_at"), is_ahead=False))
    except ValueError as error:
        field_errors.append(FieldError("given_at", str(error)))
        return None


def _report_page(session: Session, user: Principal, one: SubscriberImport) -> Response[object]:
    found = import_service.refusals(session, one, limit=SHOWN + 1)
    return staff_page(
        user,
        "subscribers/imports/report.html",
        at=PATH,
        one=one,
        states=STATES,
        counts=one.counts,
        rows=[(row.row, import_service.is_refused(row), row.reason) for row in found[:SHOWN]],
        has_more=len(found) > SHOWN,
        may_undo=import_service.may_undo(one),
        may_go_on=import_service.may_go_on(one),
        path=f"{PATH}/{one.id}",
    )


@staff_post(f"{ONE}/start", CHANGES_MANY)
def start(request: StaffRequest, import_id: FromPath[UUID]) -> Response[object]:
    """Import the list."""
    return _begin(request, import_id, ImportState.IMPORTING)


@staff_post(f"{ONE}/undo", CHANGES_MANY)
def undo(request: StaffRequest, import_id: FromPath[UUID]) -> Response[object]:
    """Take the import back."""
    return _begin(request, import_id, ImportState.UNDOING)


def _begin(request: StaffRequest, import_id: UUID, state: ImportState) -> Response[object]:
    with transaction() as session:
        one = import_service.one_import(session, request.user.council_id, import_id)
        import_service.begin(session, request.user, one, state)
    return Redirect(f"{PATH}/{import_id}", status_code=303)


@staff_post(f"{ONE}/remove", CHANGES_MANY)
def remove(request: StaffRequest, import_id: FromPath[UUID]) -> Response[object]:
    """Delete a list that was not imported."""
    with transaction() as session:
        one = import_service.one_import(session, request.user.council_id, import_id)
        import_service.remove_file(session, request.user, one)
    return Redirect(PATH, status_code=303)


@staff_get(f"{ONE}/report.csv", CHANGES_MANY)
def download_report(request: StaffRequest, import_id: FromPath[UUID]) -> Response[str]:
    """Every row that was refused, or taken with something to look at: its number and why."""
    with transaction() as session:
        one = import_service.one_import(session, request.user.council_id, import_id)
        found = import_service.refusals(session, one, limit=MOST_ROWS)
        lines = [(row.row, "refused" if import_service.is_refused(row) else "check", row.reason) for row in found]
    headers = {"Content-Disposition": 'attachment; filename="import-report.csv"', "Cache-Control": "no-store"}
    return Response(csv_cells.csv_of(("row", "result", "reason"), lines), media_type="text/csv", headers=headers)


MENU_ITEMS = (MenuItem("Import", PATH, Right.CHANGE_MANY_SUBSCRIBERS, 85),)
HANDLERS: Sequence[ControllerRouterHandler] = (
    show_imports,
    upload,
    show_import,
    ask_columns,
    check,
    start,
    undo,
    remove,
    download_report,
)
