"""Calls from a CSV file, as a telephone system's report writes them. Reads text and gives rows; knows no database."""

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from functools import cache

from notify.core import csv_cells
from notify.core.clock import LONDON, midnight
from notify.core.errors import Invalid
from notify.core.typed_text import read_day

MOST_BYTES = 5_000_000
LONGEST_CATEGORY = 80
MOST_CALLS = 1_000_000
# what telephone systems call the same thing
NAMES = {
    "date": "date",
    "day": "date",
    "interval": "date",
    "interval_start": "date",
    "hour": "hour",
    "time": "hour",
    "queue": "category",
    "category": "category",
    "skill": "category",
    "reason": "category",
    "calls": "calls",
    "count": "calls",
    "calls_offered": "calls",
    "offered": "calls",
    "contacts": "calls",
}


class CallsNotReadable(Invalid):
    """The file as a whole makes no sense; nothing of it was kept."""

    title = "The file of calls cannot be read"


class RowNotReadable(Exception):
    """One row makes no sense; the message says why."""


@dataclass(frozen=True, slots=True)
class Calls:
    """Calls of one category that came in within an hour, or within a day where the file does not say the hour."""

    starts_at: datetime
    is_whole_day: bool
    category: str
    calls: int

    @property
    def day(self) -> date:
        """Their day on the UK clock."""
        return self.starts_at.astimezone(LONDON).date()


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the file, or the reason why it is refused. `number` counts as spreadsheets do: the header is row 1."""

    number: int
    calls: Calls | None
    reason: str = ""


def read_calls(file: bytes) -> Iterator[Row]:
    """Every row that is not empty. The header is checked before the first is given. Raises: CallsNotReadable."""
    if len(file) > MOST_BYTES:
        raise CallsNotReadable("It is larger than 5 MB. Cut it into years.")
    text = _decoded(file)
    header = text.partition("\n")[0]
    delimiter = max(",;\t", key=header.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        columns = _columns(next(reader, []))
        rows = list(reader)
    except csv.Error as error:
        raise CallsNotReadable(f"It is no CSV file: {error}.") from None
    return _rows(rows, columns)


def _decoded(file: bytes) -> str:
    try:
        return csv_cells.decoded(file).replace("\0", "")
    except UnicodeDecodeError:
        raise CallsNotReadable("It is not text in UTF-8 or Windows-1252. Save it as “CSV UTF-8”.") from None


def _columns(header: Sequence[str]) -> Sequence[str]:
    columns = [NAMES.get(cell.strip().lower().replace(" ", "_"), "") for cell in header]
    missing = [name for name in ("date", "category", "calls") if columns.count(name) != 1]
    if missing or columns.count("hour") > 1:
        raise CallsNotReadable(
            "Its first line must name the columns date, category and calls once each, and may name hour: "
            f"{', '.join(missing) or 'hour'} is missing or there twice."
        )
    return columns


def _rows(rows: Sequence[Sequence[str]], columns: Sequence[str]) -> Iterator[Row]:
    seen: dict[tuple[str, datetime, bool], int] = {}
    kinds: dict[tuple[str, date], bool] = {}
    for number, cells in enumerate(rows, 2):
        if not any(cell.strip() for cell in cells):
            continue
        try:
            calls = _calls(cells, columns)
            _once(seen, kinds, number, calls)
            yield Row(number, calls)
        except RowNotReadable as error:
            yield Row(number, None, str(error))


def _once(
    seen: dict[tuple[str, datetime, bool], int], kinds: dict[tuple[str, date], bool], number: int, calls: Calls
) -> None:
    """Refuse what the file says twice, by the same hour or by both the hour and the day."""
    before = seen.setdefault((calls.category, calls.starts_at, calls.is_whole_day), number)
    if before != number:
        raise RowNotReadable(f"Row {before} has the calls of this category and time already.")
    if kinds.setdefault((calls.category, calls.day), calls.is_whole_day) != calls.is_whole_day:
        raise RowNotReadable("The file has this day both in hours and as a whole.")


def _calls(cells: Sequence[str], columns: Sequence[str]) -> Calls:
    said = {name: cell.strip() for name, cell in zip(columns, cells, strict=False) if name}
    category = " ".join(said.get("category", "").split())
    if not category or len(category) > LONGEST_CATEGORY or not category.isprintable():
        raise RowNotReadable(f"The category must have 1 to {LONGEST_CATEGORY} letters.")
    digits = said.get("calls", "").replace(",", "")
    if not digits.isascii() or not digits.isdigit() or int(digits[:9]) > MOST_CALLS:
        raise RowNotReadable(f"{said.get('calls', '')[:20]!r} is no number of calls.")
    starts_at, is_whole_day = _moment(said.get("date", ""), said.get("hour", ""))
    return Calls(starts_at, is_whole_day, category, int(digits))


def _moment(day: str, hour: str) -> tuple[datetime, bool]:
    """When the calls began to be counted; whether they are those of a whole day."""
    if not hour and len(day) > 10 and (":" in day or "T" in day):
        return _whole_hour(_written_moment(day)), False
    found = _day(day)
    if not hour:
        return midnight(found), True
    return _whole_hour(datetime.combine(found, _time(hour), LONDON)), False


def _whole_hour(at: datetime) -> datetime:
    if at.minute or at.second:
        raise RowNotReadable("Calls are counted by whole hours: 09:00, not 09:30.")
    return at.astimezone(UTC)


def _written_moment(written: str) -> datetime:
    """A day and a time in one cell. Without a zone it is the UK clock."""
    try:
        at = datetime.fromisoformat(written)
    except ValueError:
        day, _, hour = written.rpartition(" ")
        at = datetime.combine(_day(day), _time(hour), LONDON)
    return at if at.tzinfo else at.replace(tzinfo=LONDON)


@cache
def _day(written: str) -> date:
    try:
        found = read_day(written, is_ahead=False)
    except ValueError as error:
        raise RowNotReadable(f"{written[:20]!r} cannot be read. {error}") from None
    if date(2000, 1, 1) <= found <= date(2100, 1, 1):
        return found
    raise RowNotReadable(f"{written[:20]!r} is no date such as 2026-11-24 or 24/11/2026.")


@cache
def _time(written: str) -> time:
    hours, _, minutes = written.partition(":")
    if (
        hours.isascii()
        and hours.isdigit()
        and len(hours) <= 2
        and int(hours) < 24
        and set(minutes) <= set("0123456789:")
    ):
        return time(int(hours), int(minutes.partition(":")[0] or 0) % 60)
    raise RowNotReadable(f"{written[:20]!r} is no hour such as 9 or 09:00.")
