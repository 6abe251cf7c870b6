"""A list as somebody saved it, CSV or an Excel workbook, as one header and lines of cells. Workbooks are hostile files:
what they say they unpack to is looked at before anything is unpacked."""

import io
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time

from notify.subscribers.imports.csv_file import LONGEST_ROW, FileNotReadable, Line, open_csv

MOST_UNPACKED = 300_000_000  # bytes; 150,000 rows with ten columns come to a third
MOST_PARTS = 1_000
MOST_COLUMNS = 200
_ZIP = b"PK\x03\x04"


@dataclass(frozen=True, slots=True)
class Table:
    """The names of the columns, and every line that is not empty, numbered as spreadsheets do: the header is row 1."""

    header: Sequence[str]
    lines: Iterator[Line]


def open_table(file: bytes) -> Table:
    """The table in this file; lines are read as they are asked for. Raises: FileNotReadable."""
    if file.startswith(_ZIP):
        return _workbook(file)
    if file.startswith(b"\xd0\xcf\x11\xe0"):
        raise FileNotReadable("This is a workbook of an old Excel, or one with a password. Save it as .xlsx or CSV.")
    header, lines = open_csv(file)
    return Table(_named(header), lines)


def _named(header: Sequence[str]) -> Sequence[str]:
    """The header without the empty columns that spreadsheets leave at the end. Raises: FileNotReadable."""
    names = [cell.strip() for cell in header]
    while names and not names[-1]:
        names.pop()
    if not names:
        raise FileNotReadable("The first row must name the columns.")
    if len(names) > MOST_COLUMNS:
        raise FileNotReadable(f"The list has {len(names):,} columns. At most {MOST_COLUMNS} can be read.")
    return names


def _workbook(file: bytes) -> Table:
    """The first sheet of a workbook."""
    _refuse_bombs(file)
    # 29 MB in every process that only knows that lists can be imported
    from openpyxl import load_workbook
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        book = load_workbook(io.BytesIO(file), read_only=True, data_only=True, keep_links=False)
        sheet = book.worksheets[0]
        sheet.reset_dimensions()  # some programs write a wrong size
        rows = sheet.iter_rows(values_only=True)
        header = [_text(cell) for cell in next(rows)]
    except StopIteration:
        raise FileNotReadable("The first sheet of the workbook is empty.") from None
    except (InvalidFileException, KeyError, ValueError, IndexError, OSError, zipfile.BadZipFile):
        raise FileNotReadable("The workbook cannot be read. Save it as .xlsx again, or as CSV.") from None
    return Table(_named(header), _lines(rows))


def _refuse_bombs(file: bytes) -> None:
    """Raises: FileNotReadable."""
    try:
        with zipfile.ZipFile(io.BytesIO(file)) as packed:
            parts = packed.infolist()
    except zipfile.BadZipFile:
        raise FileNotReadable("The workbook is damaged. Save it again, or as CSV.") from None
    if len(parts) > MOST_PARTS or sum(part.file_size for part in parts) > MOST_UNPACKED:
        raise FileNotReadable("The workbook is too large once it is unpacked. Save the list as CSV.")
    if not any(part.filename == "xl/workbook.xml" for part in parts):
        raise FileNotReadable("This is a packed file, and no Excel workbook. Unpack it, or save the list as CSV.")


def _lines(rows: Iterable[Sequence[object]]) -> Iterator[Line]:
    try:
        for number, row in enumerate(rows, 2):
            cells = [_text(cell) for cell in row]
            if sum(map(len, cells)) > LONGEST_ROW:
                yield Line(number, (), f"The row is longer than {LONGEST_ROW:,} characters.")
            elif any(cells):
                yield Line(number, cells)
    except (KeyError, ValueError, OSError, zipfile.BadZipFile):
        raise FileNotReadable("The workbook is damaged. Save it again, or as CSV.") from None


def _text(cell: object) -> str:
    """A cell as CSV would hold it: whole numbers without a point, days as 2027-03-05."""
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    if isinstance(cell, datetime):
        return cell.date().isoformat() if cell.time() == time() else cell.isoformat(" ", "minutes")
    return cell.isoformat() if isinstance(cell, date) else str(cell).strip()
