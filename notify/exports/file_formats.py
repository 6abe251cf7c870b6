"""Writes rows in the formats of exports. No cell is ever a formula."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from enum import StrEnum
from itertools import islice
from typing import IO, TYPE_CHECKING, Any
from uuid import UUID

from notify.core import csv_cells
from notify.exports.dataset import DataSet, Kind
from notify.exports.dataset_reader import AT_ONCE, Row

if TYPE_CHECKING:
    import xlsxwriter

MOST_IN_A_SHEET = 1_048_575  # rows that a sheet has below its heads
DAY = "yyyy-mm-dd"
LONGEST_CELL = 32_767


class Format(StrEnum):
    """The formats of files."""

    CSV = "csv"
    JSON = "json"
    JSONL = "jsonl"
    XLSX = "xlsx"


MEDIA_TYPES: Mapping[Format, str] = {
    Format.CSV: "text/csv; charset=utf-8",
    Format.JSON: "application/json",
    Format.JSONL: "application/jsonl",
    Format.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


def write(data: DataSet, rows: Iterable[Row], kind: Format, out: IO[bytes]) -> int:
    """Write these rows; how many there were. No more than a few thousand are held in memory."""
    return _WRITERS[kind](data, rows, out)


def plain(value: Any) -> Any:  # noqa: ANN401 - whatever a column holds
    """A value as JSON and CSV hold it: moments in UTC with milliseconds, ids and days as text."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    if isinstance(value, date | UUID):
        return str(value)
    return value


def _csv(data: DataSet, rows: Iterable[Row], out: IO[bytes]) -> int:
    out.write(csv_cells.csv_lines([data.names]).encode())
    count = 0
    for some in _some(rows):
        out.write(csv_cells.csv_lines([[_cell(value) for value in row] for row in some]).encode())
        count += len(some)
    return count


def _cell(value: Any) -> object:  # noqa: ANN401
    return ("true" if value else "false") if isinstance(value, bool) else plain(value)


def _lines(data: DataSet, rows: Iterable[Row], out: IO[bytes]) -> int:
    count = 0
    for row in rows:
        out.write(_object(data, row) + b"\n")
        count += 1
    return count


def _json(data: DataSet, rows: Iterable[Row], out: IO[bytes]) -> int:
    count = 0
    for count, row in enumerate(rows, 1):
        out.write((b"[\n" if count == 1 else b",\n") + _object(data, row))
    out.write(b"\n]\n" if count else b"[]\n")
    return count


def _object(data: DataSet, row: Row) -> bytes:
    values = {name: plain(value) for name, value in zip(data.names, row, strict=True)}
    return json.dumps(values, ensure_ascii=False, separators=(",", ":")).encode()


def _xlsx(data: DataSet, rows: Iterable[Row], out: IO[bytes]) -> int:
    """A sheet of rows, further ones when it is full, and one that says what the columns mean."""
    import xlsxwriter  # here, because web and scheduler seldom write a sheet

    book = xlsxwriter.Workbook(
        out,
        {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "default_date_format": DAY},
    )
    moment, head = book.add_format({"num_format": f"{DAY} hh:mm:ss"}), book.add_format({"bold": True})
    count = 0
    sheet = None
    for count, row in enumerate(rows, 1):
        line = (count - 1) % MOST_IN_A_SHEET + 1
        if line == 1:
            sheet = _sheet(book, f"{data.name[:24]} {count // MOST_IN_A_SHEET + 1}", data.names, head)
        for column, value in enumerate(row):
            _put(sheet, line, column, value, moment)
    if sheet is None:
        _sheet(book, f"{data.name[:24]} 1", data.names, head)
    meaning = _sheet(book, "columns", ("name", "type", "unit", "description"), head)
    for line, field in enumerate(data.fields, 1):
        said = f"{field.description} In UTC." if field.kind == Kind.MOMENT else field.description
        for column, words in enumerate((field.name, field.kind.value, field.unit, said)):
            meaning.write_string(line, column, words)
    book.close()
    return count


def _sheet(book: "xlsxwriter.Workbook", name: str, heads: Iterable[str], bold: Any) -> Any:  # noqa: ANN401
    sheet = book.add_worksheet(name)
    sheet.freeze_panes(1, 0)
    for column, words in enumerate(heads):
        sheet.write_string(0, column, words, bold)
    return sheet


def _put(sheet: Any, line: int, column: int, value: Any, moment: Any) -> None:  # noqa: ANN401
    if value is None:
        return
    if isinstance(value, bool):
        sheet.write_boolean(line, column, value)
    elif isinstance(value, int | float):
        sheet.write_number(line, column, value)
    elif isinstance(value, datetime):
        sheet.write_datetime(line, column, value.astimezone(UTC).replace(tzinfo=None), moment)
    elif isinstance(value, date):
        sheet.write_datetime(line, column, value)
    else:
        sheet.write_string(line, column, str(value)[:LONGEST_CELL])


_WRITERS: Mapping[Format, Callable[[DataSet, Iterable[Row], IO[bytes]], int]] = {
    Format.CSV: _csv,
    Format.JSON: _json,
    Format.JSONL: _lines,
    Format.XLSX: _xlsx,
}


def _some(rows: Iterable[Row]) -> Iterator[Sequence[Row]]:
    source = iter(rows)
    while some := list(islice(source, AT_ONCE)):
        yield some
