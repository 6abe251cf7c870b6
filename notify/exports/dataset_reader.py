"""Reads data sets: whole and row after row from the server, or page after page by their key.

Changes are read without a gap: whoever asks next for what changed since the moment that an answer names gets every row
that this answer could not know of yet. Some rows come twice; their key says which.
"""

import base64
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session

from notify.core.clock import midnight
from notify.core.errors import Invalid
from notify.exports.dataset import SQL_KINDS, DataSet

AT_ONCE = 2000  # rows that the server sends at a time
# clocks of several machines differ a little, and a moment may be read a little before its transaction begins
OVERLAP = timedelta(seconds=60)

Row = Sequence[Any]
SAFE_UNTIL = """
    SELECT least(business_clock(), min(xact_start) + clock_offset()) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid() AND xact_start IS NOT NULL
"""


class ExtractNotPossible(Invalid):
    """The data set cannot be narrowed in this way, or the page does not belong to it."""

    title = "These rows cannot be chosen"


@dataclass(frozen=True, slots=True)
class Window:
    """Which rows: of days in this country, both included, and changed since a moment."""

    since: date | None = None
    until: date | None = None
    changed_since: datetime | None = None


EVERYTHING = Window()


@dataclass(frozen=True, slots=True)
class Page:
    """Rows of one page; `next` asks for the one after. `changed_until` is the `changed_since` of the next time."""

    rows: Sequence[Row]
    changed_until: datetime
    next: str | None


def check(data: DataSet, window: Window) -> None:
    """Refuse what this data set cannot be asked. Raises: ExtractNotPossible."""
    if (window.since or window.until) and not data.at:
        raise ExtractNotPossible(f"`{data.name}` is about no days: leave since and until out.")
    if window.since and window.until and window.until < window.since:
        raise ExtractNotPossible("The last day comes before the first.")
    if window.changed_since and not data.changed:
        raise ExtractNotPossible(
            f"`{data.name}` does not say when a row last changed: leave changed_since out and take it whole."
        )


def safe_until(session: Session) -> datetime:
    """The moment before which nothing can appear any more that is not to be seen by the very next statement.

    A row's moment is not before its transaction began; so it is the beginning of the oldest one still open. Not to be
    asked in a transaction that reads one snapshot only.
    """
    found: datetime = session.execute(text(SAFE_UNTIL)).scalar_one()
    return found.astimezone(UTC) - OVERLAP


def as_text(moment: datetime) -> str:
    """A moment as it goes into an address: to the microsecond, with a Z."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def rows(session: Session, council_id: UUID, data: DataSet, window: Window = EVERYTHING) -> Iterator[Row]:
    """Every row in the order of its key, as the server hands them over. Raises: ExtractNotPossible."""
    check(data, window)
    statement = f"SELECT * FROM ({_narrowed(data, window)}) x ORDER BY {_order(data)}"
    found = session.execute(text(statement), _values(council_id, window), execution_options={"yield_per": AT_ONCE})
    yield from found


def page(session: Session, council_id: UUID, data: DataSet, window: Window, *, after: str | None, limit: int) -> Page:
    """One page of rows. Raises: ExtractNotPossible."""
    check(data, window)
    passed = _read_mark(data, after) if after else None
    changed_until = passed.changed_until if passed else safe_until(session)
    statement = f"SELECT * FROM ({_narrowed(data, window)}) x"
    values = _values(council_id, window) | {"most": limit}
    if passed:
        keys = [data.field(name) for name in data.key]
        marks = ", ".join(f"CAST(:k{at} AS {SQL_KINDS.get(key.kind, 'text')})" for at, key in enumerate(keys))
        statement += f" WHERE ({_order(data)}) > ({marks})"
        values |= {f"k{at}": value for at, value in enumerate(passed.key)}
    found = session.execute(text(f"{statement} ORDER BY {_order(data)} LIMIT :most"), values).all()
    mark = _Mark(_key(data, found[-1]), changed_until) if len(found) == limit else None
    return Page(found, changed_until, _write_mark(data, mark) if mark else None)


def _narrowed(data: DataSet, window: Window) -> str:
    columns = ", ".join(f"{field.sql} AS {field.name}" for field in data.fields)
    statement = f"SELECT {columns} {data.tables}"
    if window.since:
        statement += f" AND {data.at} >= :since"
    if window.until:
        statement += f" AND {data.at} < :until"
    if window.changed_since:
        statement += f" AND {data.changed} >= :changed_since"
    return statement


def _order(data: DataSet) -> str:
    return ", ".join(data.key)


def _values(council_id: UUID, window: Window) -> dict[str, object]:
    values: dict[str, object] = {"council": council_id}
    if window.since:
        values["since"] = midnight(window.since)
    if window.until:
        values["until"] = midnight(window.until + timedelta(days=1))
    if window.changed_since:
        values["changed_since"] = window.changed_since
    return values


@dataclass(frozen=True, slots=True)
class _Mark:
    """Where a page ended, and what the first page of the reading named."""

    key: Sequence[str]
    changed_until: datetime


def _key(data: DataSet, row: Row) -> Sequence[str]:
    places = [data.names.index(name) for name in data.key]
    return [value.isoformat() if isinstance(value, date) else str(value) for value in (row[at] for at in places)]


def _write_mark(data: DataSet, mark: _Mark) -> str:
    written = json.dumps([data.name, mark.changed_until.isoformat(), *mark.key], ensure_ascii=False)
    return base64.urlsafe_b64encode(written.encode()).decode().rstrip("=")


def _read_mark(data: DataSet, after: str) -> _Mark:
    try:
        name, until, *key = json.loads(base64.urlsafe_b64decode(after + "=" * (-len(after) % 4)))
        mark = _Mark([str(value) for value in key], datetime.fromisoformat(until))
    except (ValueError, TypeError):
        raise ExtractNotPossible("`after` is not the `next` of a page before.") from None
    if name != data.name or len(mark.key) != len(data.key) or any("\0" in value for value in mark.key):
        raise ExtractNotPossible("`after` is the `next` of another data set.")
    return mark
