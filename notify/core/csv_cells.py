"""Tables as spreadsheets write and read them. They must not take anyone's words for a formula."""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence

# a spreadsheet calculates what begins like this
FORMULA = ("=", "+", "-", "@", "\t", "\r")


def cell(value: object) -> str:
    """A value as a cell: words that a spreadsheet would calculate stand behind an apostrophe."""
    words = "" if value is None else str(value)
    return f"'{words}" if words.startswith(FORMULA) and not isinstance(value, int | float) else words


def decoded(file: bytes) -> str:
    """The text of a table: UTF-8 or UTF-16 with a byte order mark, UTF-8, or Windows-1252.

    Raises: UnicodeDecodeError for what is none of these.
    """
    if file.startswith((b"\xff\xfe", b"\xfe\xff")):
        return file.decode("utf-16")
    try:
        return file.decode("utf-8-sig")
    except UnicodeDecodeError:
        return file.decode("cp1252")


def csv_of(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A CSV file (RFC 4180)."""
    return csv_lines([header]) + csv_lines(rows)


def csv_lines(rows: Iterable[Sequence[object]]) -> str:
    """Lines of a CSV file, for one that is written piece by piece."""
    written = io.StringIO()
    csv.writer(written).writerows([cell(value) for value in row] for row in rows)
    return written.getvalue()


def facts(held: object, name: str = "") -> Iterator[tuple[str, object]]:
    """Nested values as lines of a name and a value: `contacts 1 address`."""
    if isinstance(held, Mapping):
        for key, value in held.items():
            yield from facts(value, f"{name} {key}".strip())
    elif isinstance(held, list | tuple):
        for number, value in enumerate(held, 1):
            yield from facts(value, f"{name} {number}")
    else:
        yield name, held
