"""A list as somebody saved it, CSV or an Excel workbook, as one header and lines of cells. Workbooks are hostile files:
what they say they unpack to is looked at before anything is unpacked."""

import io
import re
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from xml.etree.ElementTree import ParseError

from defusedxml.ElementTree import fromstring

from notify.subscribers.imports.csv_file import LONGEST_ROW, FileNotReadable, Line, open_csv

MOST_UNPACKED = 150_000_000  # bytes; 150,000 rows with ten columns of text come to two thirds
# bytes of all that is no sheet: 150,000 rows with ten columns of text, of which three differ in every row, as name and
# address do. A text that is there twice is kept once
MOST_BESIDE_SHEETS = 20_000_000
MOST_STRINGS = 500_000  # those three columns; each takes time, however short it is
MOST_ROWS = 1_048_576  # of a sheet, as Excel has it
MOST_EMPTY = 10_000  # rows one after another
MOST_PARTS = 1_000
MOST_COLUMNS = 200
_ZIP = b"PK\x03\x04"
_SHEET = re.compile(r"xl/worksheets/[^/]+\.xml")
_OFFICE = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_SHEET_TYPE, _STRINGS_TYPE = f"{_OFFICE}.worksheet+xml", f"{_OFFICE}.sharedStrings+xml"
_STRING = re.compile(rb"<(?:[\w.-]+:)?si[\s/>]")
_MANIFEST = "[Content_Types].xml"
_TOO_LARGE = "The workbook is too large once it is unpacked. Save the list as CSV."
# what zipfile, the XML parser and openpyxl raise at a file that is not what it says
_DAMAGED = (
    LookupError,
    ValueError,
    TypeError,
    AttributeError,
    RuntimeError,
    OSError,
    EOFError,
    ParseError,
    zlib.error,
    zipfile.BadZipFile,
)


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
    except (InvalidFileException, *_DAMAGED):
        raise FileNotReadable("The workbook cannot be read. Save it as .xlsx again, or as CSV.") from None
    return Table(_named(header), _lines(rows))


def _refuse_bombs(file: bytes) -> None:
    """By the sizes that the file declares, of which no more is ever unpacked. Raises: FileNotReadable."""
    try:
        with zipfile.ZipFile(io.BytesIO(file)) as packed:
            sizes = [(part.filename, part.file_size) for part in packed.infolist()]
            names = {name for name, _size in sizes}
            if len(sizes) > MOST_PARTS or sum(size for _name, size in sizes) > MOST_UNPACKED:
                raise FileNotReadable(_TOO_LARGE)
            if "xl/workbook.xml" not in names or _MANIFEST not in names:
                raise FileNotReadable(
                    "This is a packed file, and no Excel workbook. Unpack it, or save the list as CSV."
                )
            if sum(size for name, size in sizes if not _SHEET.fullmatch(name)) > MOST_BESIDE_SHEETS:
                raise FileNotReadable(_TOO_LARGE)
            _refuse_disguises(packed)
    except _DAMAGED:
        raise FileNotReadable("The workbook is damaged. Save it again, or as CSV.") from None


def _refuse_disguises(packed: zipfile.ZipFile) -> None:
    """What is named as a sheet must be one: sheets are read row by row, all else at once. Raises: FileNotReadable."""
    for part in fromstring(packed.read(_MANIFEST)).findall("{*}Override"):
        name, kind = part.get("PartName", "").lstrip("/"), part.get("ContentType")
        if _SHEET.fullmatch(name) and kind != _SHEET_TYPE:
            raise FileNotReadable("The workbook is damaged. Save it again, or as CSV.")
        if kind == _STRINGS_TYPE and len(_STRING.findall(packed.read(name))) > MOST_STRINGS:
            raise FileNotReadable(_TOO_LARGE)


def _lines(rows: Iterable[Sequence[object]]) -> Iterator[Line]:
    last = 1
    try:
        for number, row in enumerate(rows, 2):
            # a row that says it is number 1,000,000,000 comes after as many empty ones
            if number > MOST_ROWS or number - last > MOST_EMPTY:
                raise FileNotReadable(
                    f"After row {last:,} come more than {MOST_EMPTY:,} empty rows, or the sheet is too long. Delete "
                    "the empty rows, or save the list as CSV."
                )
            cells = [_text(cell) for cell in row]
            if sum(map(len, cells)) > LONGEST_ROW:
                last = number
                yield Line(number, (), f"The row is longer than {LONGEST_ROW:,} characters.")
            elif any(cells):
                last = number
                yield Line(number, cells)
    except _DAMAGED:
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
