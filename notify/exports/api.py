"""API routes of data sets: the catalogue, rows by page or as a file, and the data dictionary."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated

from litestar import Response, get
from litestar.openapi.spec import OpenAPIFormat, OpenAPIMediaType, OpenAPIResponse, OpenAPIType, Operation, Schema
from litestar.params import FromPath, FromQuery, QueryParameter
from litestar.response import Stream
from litestar.types import ControllerRouterHandler
from sqlmodel import Field, SQLModel

from notify.core.db import transaction
from notify.core.zoned_time import aware
from notify.exports import catalogue, dataset_reader, dictionary
from notify.exports.dataset import SCHEMA_VERSION, DataSet
from notify.exports.dataset_reader import Window, as_text
from notify.exports.download import handed_out
from notify.exports.file_export import note_taken, require_taker, take
from notify.exports.file_formats import MEDIA_TYPES, Format, plain
from notify.staff.guards import Principal, Requires, Right
from notify.staff.read_quota import note_reading
from notify.staff.routes import StaffRequest
from notify.web.api_document import answers


class ColumnView(SQLModel):
    """A column of a data set."""

    name: str
    type: str
    unit: str
    description: str
    source: str


class DataSetView(SQLModel):
    """A data set that you may take."""

    name: str
    title: str
    description: str
    schema_version: int
    key: list[str]
    takes_since_and_until: bool
    takes_changed_since: bool
    changes_replace_all_rows_with_the_same: list[str]
    personal: bool
    right: str
    columns: list[ColumnView]


class DictionaryColumn(SQLModel):
    """A column of a table of the database."""

    name: str
    type: str
    nullable: bool
    key: bool
    refers_to: str
    about: str
    left_out: bool
    meaning: str


class DictionaryTable(SQLModel):
    """A table of the database: whom it is about, how long it is kept, and whether it may leave."""

    name: str
    meaning: str
    about: str
    kept: str
    in_full_extract: bool
    why_not: str
    columns: list[DictionaryColumn]


class DictionaryView(SQLModel):
    """The data dictionary."""

    schema_version: int
    tables: list[DictionaryTable]


class ExtractPage(SQLModel):
    """Rows of a data set by the columns' names."""

    data_set: str
    schema_version: int
    rows: list[dict[str, object]]
    changed_until: str = Field(description="The `changed_since` of the next time: nothing is missed then.")
    next: str | None = Field(description="Goes into `after` for the page that follows; null on the last one.")


@get("/extracts", guards=[Requires(Right.SEE_FIGURES)], sync_to_thread=False, tags=["extracts"])
def list_extracts(request: StaffRequest) -> list[DataSetView]:
    """The data sets that you may take, with every column's type, unit, meaning and source."""
    return [DataSetView.model_validate(data.as_json()) for data in catalogue.open_to(request.user)]


@get("/extracts/dictionary", guards=[Requires(Right.SEE_FIGURES)], sync_to_thread=False, tags=["extracts"])
def read_dictionary() -> DictionaryView:
    """Every table of the database: what it is, whom it is about, how long it is kept, and whether it may leave."""
    return DictionaryView.model_validate(dictionary.as_json())


@dataclass
class ExtractOperation(Operation):
    """The documentation of a route that answers with a page of rows, or with a file."""

    def __post_init__(self) -> None:
        answer = (self.responses or {})["200"]
        if isinstance(answer, OpenAPIResponse) and answer.content:
            for kind in MEDIA_TYPES.values():
                binary = Schema(type=OpenAPIType.STRING, format=OpenAPIFormat.BINARY)
                answer.content.setdefault(kind.partition(";")[0], OpenAPIMediaType(schema=binary))


@get(
    "/extracts/{data_set:str}",
    guards=[Requires(Right.SEE_FIGURES)],
    sync_to_thread=True,
    tags=["extracts"],
    operation_class=ExtractOperation,
    responses=answers(200, ExtractPage, "A page of rows; with `format` a file."),
)
def read_extract(
    request: StaffRequest,
    data_set: FromPath[str],
    file_format: Annotated[Format | None, QueryParameter(name="format")] = None,
    since: FromQuery[date | None] = None,
    until: FromQuery[date | None] = None,
    changed_since: FromQuery[datetime | None] = None,
    after: FromQuery[str | None] = None,
    limit: Annotated[int, QueryParameter(ge=1, le=5000)] = 1000,
) -> Response[object] | Stream:
    """A page of rows; with `format` (csv, json, jsonl or xlsx) all of them as a file.

    `since` and `until` are days in this country, both included. `changed_since` gives what changed since: pass the
    `changed_until` of the answer before (of a file: the header `Extract-Changed-Until`), and nothing is ever missed;
    some rows come twice, told by the data set's key. Data sets about people are for people who have just confirmed that
    it is them, and for no key.
    """
    data = catalogue.data_set(data_set)
    window = Window(since, until, aware(changed_since))
    if file_format:
        return handed_out(take(request.user, data, window, file_format))
    return Response(_page(request.user, data, window, after=after, limit=limit))


def _page(user: Principal, data: DataSet, window: Window, *, after: str | None, limit: int) -> ExtractPage:
    require_taker(user, data.right, is_personal=data.is_personal)
    with transaction() as session:
        if data.is_personal:
            note_taken(session, user, data, window, "page")
        found = dataset_reader.page(session, user.council_id, data, window, after=after, limit=limit)
        if data.is_personal:
            note_reading(session, user, len(found.rows), f"data set {data.name}", is_export=True)
    return ExtractPage(
        data_set=data.name,
        schema_version=SCHEMA_VERSION,
        rows=[_named(data, row) for row in found.rows],
        changed_until=as_text(found.changed_until),
        next=found.next,
    )


def _named(data: DataSet, row: Sequence[object]) -> dict[str, object]:
    return {name: plain(value) for name, value in zip(data.names, row, strict=True)}


HANDLERS: Sequence[ControllerRouterHandler] = (list_extracts, read_dictionary, read_extract)
