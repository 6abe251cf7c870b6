"""Residents from a CSV file, as spreadsheets write it. Reads text and gives rows; knows no database."""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time
from typing import Protocol

from pydantic import ValidationError

from notify.channels import BY_COLUMN, one_of
from notify.core import clock, csv_cells
from notify.core.clock import LONDON
from notify.core.errors import Invalid
from notify.core.typed_text import read_day, read_moment
from notify.subscribers.models import NewContact, NewPlace, NewSubscriber

COLUMNS = ("name", *BY_COLUMN, "postcode", "ward", "language", "topics", "tracking_consent", "given_at")

# what spreadsheets and other systems call them
SYNONYMS = {name: about.column for about in BY_COLUMN.values() for name in about.synonyms} | {
    "post_code": "postcode", "zip": "postcode", "full_name": "name", "topic": "topics", "consent_date": "given_at",
}  # fmt: skip

LONGEST_ROW = 10_000  # characters; a real row has a few hundred
TOO_LONG = f"The row is longer than {LONGEST_ROW:,} characters. A quotation mark may be missing."
DELIMITERS = ",;\t"
_SEPARATOR = re.compile('"?sep=([,;\t|])"?\n', re.IGNORECASE)

_SAYS_A_TIME = re.compile(r"\d[:T]|\d\s*[ap]\.?m|noon|midnight", re.IGNORECASE)

YES = frozenset({"yes", "y", "true", "1"})
NO = frozenset({"", "no", "n", "false", "0"})


class FileNotReadable(Invalid):
    """The file as a whole makes no sense; no row was read."""

    title = "The file cannot be read"


class RowNotReadable(Exception):
    """One row makes no sense; the message says why."""


class Reader(Protocol):
    """What `csv.reader` gives."""

    @property
    def line_num(self) -> int: ...

    def __next__(self) -> list[str]: ...


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the file: a resident, or the reason why there is none.

    `number` counts as spreadsheets do: the header is row 1, and empty rows count. `given_at`: when they agreed.
    """

    number: int
    person: NewSubscriber | None
    reason: str = ""
    given_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """The cells of one row, or why they cannot be read. `number` counts as in `Row`."""

    number: int
    cells: Sequence[str]
    problem: str = ""


def read_rows(file: bytes, *, default_topics: Sequence[str] = ()) -> Iterator[Row]:
    """Every row that is not empty. `default_topics` are used where the file has no column of topics.

    The header is checked before the first row is given. Raises: FileNotReadable.
    """
    header, lines = open_csv(file)
    return rows_of(lines, _columns(header), default_topics)


def open_csv(file: bytes) -> tuple[Sequence[str], Iterator[Line]]:
    """The header of a file, and every line after it that is not empty. Raises: FileNotReadable, also while reading."""
    text = _decoded(file).replace("\r\n", "\n").replace("\r", "\n").lstrip("\n\ufeff ")
    said = _SEPARATOR.match(text)  # a line for Excel, which no other program reads
    if said:
        text = text[said.end() :]
    header_line = text.partition("\n")[0]
    if len(header_line) > LONGEST_ROW:
        raise FileNotReadable(f"The first line is longer than {LONGEST_ROW:,} characters. It must name the columns.")
    if not header_line.strip():
        raise FileNotReadable(f"The file has no header. Its first line must name columns out of: {', '.join(COLUMNS)}.")
    delimiter = said[1] if said else _delimiter(header_line)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    return next(reader), _lines(reader, delimiter)


def _decoded(file: bytes) -> str:
    try:
        return csv_cells.decoded(file)
    except UnicodeDecodeError:
        raise FileNotReadable("The file is not text in UTF-8 or Windows-1252. Save it as “CSV UTF-8”.") from None


def _delimiter(header_line: str) -> str:
    """What parts the columns: whichever of comma, semicolon and tab finds most of their names, else most columns."""

    def known(delimiter: str) -> tuple[int, int]:
        cells = next(csv.reader([header_line], delimiter=delimiter))
        return sum(name_of(cell) in COLUMNS for cell in cells), len(cells)

    return max(DELIMITERS, key=known)


def name_of(cell: str) -> str:
    """The name of a column as we write it, whatever a spreadsheet or another system calls it."""
    name = cell.strip().strip('"').lower().replace(" ", "_")
    return SYNONYMS.get(name, name)


def _columns(header: Sequence[str]) -> Sequence[str]:
    columns = [name_of(cell) for cell in header]
    while columns and not columns[-1]:
        columns.pop()  # spreadsheets leave empty columns at the end
    for name in columns:
        if name not in COLUMNS:
            raise FileNotReadable(
                f"Unknown column {name[:60]!r}. The columns are: {', '.join(COLUMNS)}.", column=name[:60]
            )
        if columns.count(name) > 1:
            raise FileNotReadable(f"The column {name!r} is there twice.", column=name)
    if not BY_COLUMN.keys() & set(columns):
        raise FileNotReadable(f"There must be a column {one_of(f'`{name}`' for name in BY_COLUMN)}.")
    return columns


def _lines(reader: Reader, delimiter: str) -> Iterator[Line]:
    number = 1
    while True:
        number += 1
        line = reader.line_num
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error:
            if reader.line_num - line > 1:
                raise FileNotReadable(f"Row {number} never ends. A quotation mark in it may be missing.") from None
            yield Line(number, (), TOO_LONG)
            continue
        swallowed = reader.line_num - line
        if swallowed > 1 and any(delimiter in cell.partition("\n")[2] for cell in cells):
            yield Line(number, (), _missing_quote(number, swallowed))
            number += swallowed - 1
        elif any(cell.strip() for cell in cells):
            yield Line(number, cells)


def rows_of(lines: Iterable[Line], columns: Sequence[str], default_topics: Sequence[str]) -> Iterator[Row]:
    """The resident of each line, whose cells are of these columns. `default_topics` are for lines that name none."""
    for line in lines:
        if line.problem:
            yield Row(line.number, None, line.problem)
        else:
            yield _row(line.number, line.cells, columns, default_topics)


def _missing_quote(number: int, lines: int) -> str:
    return (
        f"A quotation mark is missing in row {number}, or stands there without need. Because of it {lines:,} rows were "
        f"not read: {number:,} to {number + lines - 1:,}."
    )


def _row(number: int, cells: Sequence[str], columns: Sequence[str], default_topics: Sequence[str]) -> Row:
    try:
        values = _values(cells, columns)
        topics = values["topics"].replace(";", " ").split() if "topics" in values else list(default_topics)
        return Row(number, _person(values, topics), given_at=_moment(values.get("given_at", "")))
    except RowNotReadable as error:
        return Row(number, None, str(error))
    except ValidationError as error:
        return Row(number, None, _first_field_error(error))


def _values(cells: Sequence[str], columns: Sequence[str]) -> Mapping[str, str]:
    if any(cell.strip() for cell in cells[len(columns) :]):
        raise RowNotReadable(f"There are {len(cells)} values for {len(columns)} columns.")
    if sum(map(len, cells)) > LONGEST_ROW:
        raise RowNotReadable(TOO_LONG)
    if any(_has_control_characters(cell) for cell in cells):
        raise RowNotReadable("There are control characters or line breaks in a value.")
    filled = [cell.strip() for cell in cells[: len(columns)]]
    return dict(zip(columns, filled + [""] * (len(columns) - len(filled)), strict=True))


def _has_control_characters(cell: str) -> bool:
    return not cell.isprintable() and any(character < " " and character != "\t" for character in cell.strip())


def _person(values: Mapping[str, str], topics: list[str]) -> NewSubscriber:
    contacts = [
        NewContact(channel=about.channel, address=values[column])
        for column, about in BY_COLUMN.items()
        if values.get(column)
    ]
    if not contacts:
        raise RowNotReadable("There is no e-mail address, phone number or webhook.")
    ward = values.get("ward") or None
    postcodes = [postcode for part in values.get("postcode", "").split(";") if (postcode := part.strip())]
    return NewSubscriber(
        name=values.get("name", ""),
        language=values.get("language", "").lower() or "en",
        contacts=contacts,
        places=[NewPlace(postcode=postcode, ward=ward) for postcode in postcodes],
        topics=topics,
        tracking_consent=_agreed(values.get("tracking_consent", "")),
    )


def _agreed(text: str) -> bool:
    answer = text.lower()
    if answer not in YES and answer not in NO:
        raise RowNotReadable(f"tracking_consent: write yes or no instead of {text[:20]!r}.")
    return answer in YES


def _moment(text: str) -> datetime | None:
    """When they agreed. A day counts from its beginning, so that a no of the same day stands."""
    if not text:
        return None
    try:
        found = read_moment(text, is_ahead=False) if _SAYS_A_TIME.search(text) else _day_begun(text)
    except ValueError as error:
        raise RowNotReadable(f"given_at: {text[:30]!r} cannot be read. {error}") from None
    moment = found if found.tzinfo else found.replace(tzinfo=LONDON)
    if moment > clock.now():
        raise RowNotReadable("given_at: consent cannot have been given in the future.")
    return moment


def _day_begun(text: str) -> datetime:
    return datetime.combine(read_day(text, is_ahead=False), time())


def _first_field_error(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False)[0]
    return f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}"
