"""Imports of lists in the background, for programs."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated
from uuid import UUID

from litestar import get, post
from litestar.di import NamedDependency, Provide
from litestar.openapi.spec import OpenAPIMediaType, Operation, RequestBody, Schema
from litestar.openapi.spec.enums import OpenAPIFormat, OpenAPIType
from litestar.params import FromPath, QueryParameter
from litestar.types import ControllerRouterHandler
from pydantic import ValidationError
from sqlmodel import Field, Session, SQLModel

from notify.core.db import transaction
from notify.core.errors import Invalid
from notify.staff.guards import RequiresLive, Right
from notify.staff.routes import StaffRequest
from notify.subscribers.imports import columns, import_service
from notify.subscribers.imports.models import ImportOptions, ImportState, RowOutcome, SubscriberImport
from notify.subscribers.imports.uploads import MOST_BYTES, UploadedList, uploaded_list

CHANGES_MANY = RequiresLive(Right.CHANGE_MANY_SUBSCRIBERS)
MOST_PROBLEMS = 1_000


class ImportNotDescribed(Invalid):
    """What is said of the list beside it makes no sense."""

    title = "The import is not described"


class ColumnView(SQLModel):
    """A column of the list and what it is taken for."""

    name: str
    field: str = Field(description=f"One of {', '.join(columns.FIELDS)}; empty: not needed.")


class RowView(SQLModel):
    """A row that was refused, or taken with something to look at."""

    row: int = Field(description="As spreadsheets count: the header is row 1.")
    outcome: RowOutcome
    reason: str


class ImportRunView(SQLModel):
    """An import in the background."""

    id: UUID
    file_name: str
    state: ImportState
    failure: str = Field(description="Why the list could not be read; empty where it could.")
    rows_done: int = Field(description="Rows that are behind it.")
    counts: dict[str, int] = Field(description="Of its report: rows, created, updated, refused and so on.")
    columns: list[ColumnView] = Field(description="While the list is kept.")
    created_at: datetime
    finished_at: datetime | None
    may_undo: bool
    problems: list[RowView] = Field(description="The first 1,000 rows to look at.")

    @classmethod
    def of(cls, session: Session, one: SubscriberImport) -> "ImportRunView":
        """The public fields of this import."""
        sample = import_service.sample_of(one)
        found = import_service.refusals(session, one, limit=MOST_PROBLEMS)
        return cls(
            id=one.id,
            file_name=one.file_name,
            state=one.state,
            failure=one.failure,
            rows_done=one.lines_done,
            counts=one.counts,
            columns=[
                ColumnView(name=name, field=field)
                for name, field in zip(sample.header if sample else (), one.fields, strict=False)
            ],
            created_at=one.created_at,
            finished_at=one.finished_at,
            may_undo=import_service.may_undo(one),
            problems=[RowView(row=row.row, outcome=row.outcome, reason=row.reason) for row in found],
        )


class ImportList(SQLModel):
    """The newest 50 imports."""

    imports: list[ImportRunView]


@dataclass
class ImportFileOperation(Operation):
    """The upload's documentation: its body is a file, which no type of ours describes."""

    def __post_init__(self) -> None:
        text = OpenAPIMediaType(schema=Schema(type=OpenAPIType.STRING, description="A CSV file with a header."))
        file = Schema(type=OpenAPIType.STRING, format=OpenAPIFormat.BINARY)
        form = OpenAPIMediaType(schema=Schema(type=OpenAPIType.OBJECT, properties={"file": file}, required=["file"]))
        self.request_body = RequestBody({"text/csv": text, "multipart/form-data": form}, required=True)


@post(
    "/imports",
    guards=[CHANGES_MANY],
    status_code=202,
    sync_to_thread=True,
    tags=["subscribers"],
    request_max_body_size=MOST_BYTES,
    dependencies={"upload": Provide(uploaded_list)},
    operation_class=ImportFileOperation,
)
def start_import(
    request: StaffRequest,
    upload: NamedDependency[UploadedList],
    wording: Annotated[str, QueryParameter(min_length=3, max_length=4000, description="What they agreed to.")],
    consent_source: Annotated[str, QueryParameter(min_length=1, max_length=80, description="Such as `paper form`.")],
    consent_language: Annotated[str, QueryParameter(max_length=10)] = "en",
    given_at: Annotated[datetime | None, QueryParameter(description="When, for rows that do not say.")] = None,
    topics: Annotated[str, QueryParameter(description="Slugs, if the list has no such column.")] = "",
    confirm: Annotated[bool, QueryParameter(description="Write to each first and wait for their yes.")] = False,
    fields: Annotated[
        str, QueryParameter(description='What each column holds, as JSON: `["email", "", "postcode"]`. Unset: guessed.')
    ] = "",
    only_check: Annotated[bool, QueryParameter(description="Look at every row and add nobody yet.")] = False,
) -> ImportRunView:
    """Import a list in the background: CSV, or an Excel workbook in the field `file` of a form, up to 30 MB.

    Lists of govDelivery, GOV.UK Notify and listmonk are read as they are. Ask `GET /imports/{id}` how far it is. Where
    it is only checked, `POST /imports/{id}/start` imports it. Within a day, `POST /imports/{id}/undo` takes it back.
    """
    user = request.user
    options = _options(wording, consent_source, consent_language, given_at, topics, is_asked=confirm)
    with transaction() as session:
        made = import_service.upload(session, user, upload.name, upload.file)
        named = _fields(fields) if fields else made.fields
        import_service.describe(session, user, made, named, options)
        import_service.begin(session, user, made, ImportState.CHECKING if only_check else ImportState.IMPORTING)
        return ImportRunView.of(session, made)


def _options(
    wording: str, source: str, language: str, given_at: datetime | None, topics: str, *, is_asked: bool
) -> ImportOptions:
    """Raises: ImportNotDescribed."""
    try:
        return ImportOptions(
            wording=wording,
            source=source,
            language=language,
            given_at=given_at,
            topics=topics.replace(";", " ").replace(",", " ").split(),
            confirm=is_asked,
        )
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise ImportNotDescribed(f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}") from None


def _fields(written: str) -> Sequence[str]:
    """Raises: ImportNotDescribed."""
    try:
        found = json.loads(written)
    except ValueError:
        found = None
    if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
        raise ImportNotDescribed('Write `fields` as JSON, such as ["email", "", "postcode"].')
    return found


@get("/imports", guards=[CHANGES_MANY], sync_to_thread=True, tags=["subscribers"])
def list_imports(request: StaffRequest) -> ImportList:
    """Your council's imports, the newest first."""
    with transaction() as session:
        found = import_service.imports(session, request.user.council_id)
        return ImportList(imports=[ImportRunView.of(session, one) for one in found])


@get("/imports/{import_id:uuid}", guards=[CHANGES_MANY], sync_to_thread=True, tags=["subscribers"])
def read_import(request: StaffRequest, import_id: FromPath[UUID]) -> ImportRunView:
    """How far an import is, and its report. Reports are kept for 90 days."""
    with transaction() as session:
        return ImportRunView.of(session, import_service.one_import(session, request.user.council_id, import_id))


@post(
    "/imports/{import_id:uuid}/start", guards=[CHANGES_MANY], status_code=202, sync_to_thread=True, tags=["subscribers"]
)
def start_checked_import(request: StaffRequest, import_id: FromPath[UUID]) -> ImportRunView:
    """Import a list that was checked."""
    return _begin(request, import_id, ImportState.IMPORTING)


@post(
    "/imports/{import_id:uuid}/undo", guards=[CHANGES_MANY], status_code=202, sync_to_thread=True, tags=["subscribers"]
)
def undo_import(request: StaffRequest, import_id: FromPath[UUID]) -> ImportRunView:
    """Take an import back within a day. People who changed anything since, or confirmed, stay."""
    return _begin(request, import_id, ImportState.UNDOING)


def _begin(request: StaffRequest, import_id: UUID, state: ImportState) -> ImportRunView:
    with transaction() as session:
        one = import_service.one_import(session, request.user.council_id, import_id)
        import_service.begin(session, request.user, one, state)
        return ImportRunView.of(session, one)


HANDLERS: Sequence[ControllerRouterHandler] = (
    start_import,
    list_imports,
    read_import,
    start_checked_import,
    undo_import,
)
