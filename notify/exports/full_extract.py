"""Everything that is held for a council, in open formats: a file a table, what they mean, and proof of what is there.

All tables are read at one moment. What lets someone in never leaves; the manifest names it, and the tables that stay.
"""

import hashlib
import json
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session, SQLModel

from notify.core import clock, csv_cells
from notify.core.db import transaction
from notify.exports.dataset_reader import AT_ONCE
from notify.exports.dictionary import SCHEMA_VERSION, TABLES, Entry, as_json
from notify.exports.file_export import CommandLine, Taken, Taker, require_taker
from notify.staff.queries import council
from notify.staff.read_quota import note_reading
from notify.staff.rights import Principal, Right
from notify.staff.service import audit

Opener = Callable[[str], AbstractContextManager[IO[bytes]]]

README = """\
Everything that is held for {name}, as it was at {at}.

One file a table: JSON Lines (a JSON object a line, UTF-8){csv}. Moments are ISO 8601 in UTC, binary values hexadecimal.
dictionary.json says what every table and column means, whom it is about and how long it is kept. manifest.json has the
number of rows and the SHA-256 of every file, names the columns that never leave, and says why some tables are not here.
It holds personal data: keep it safe and delete it when it is done with.
"""


@dataclass(frozen=True, slots=True)
class Written:
    """One file of the extract."""

    table: str
    file: str
    rows: int
    bytes: int
    sha256: str


def write_folder(by: CommandLine, folder: Path, *, with_csv: bool = False) -> Sequence[Written]:
    """Write everything into a new or empty folder; what was written."""
    folder.mkdir(parents=True, exist_ok=True)
    return _write(by, lambda name: (folder / name).open("wb"), with_csv=with_csv)


def take_everything(by: Taker) -> Taken:
    """The same as one ZIP archive. Raises: Forbidden, PersonsOnly, SecondFactorNeeded."""
    require_taker(by, Right.EXPORT_EVERYTHING, is_personal=True)
    file = TemporaryFile()  # noqa: SIM115 - whoever reads it closes it
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        written = _write(by, lambda name: archive.open(name, "w", force_zip64=True), with_csv=False)
    people = next(one.rows for one in written if one.table == "subscriber")
    if isinstance(by, Principal):
        with transaction() as session:
            note_reading(session, by, people, "everything", is_export=True)
    name = f"everything-{clock.now():%Y-%m-%d}.zip"
    rows = sum(one.rows for one in written)
    return Taken(name, "application/zip", rows, file.seek(0, 2), clock.now(), file)


def _write(by: Taker, opened: Opener, *, with_csv: bool) -> Sequence[Written]:
    council_id = by.council_id
    with transaction() as session:
        audit(session, council_id=council_id, actor=by.actor, action="extract.everything", subject=str(council_id))
    with transaction() as session:
        session.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY"))
        session.execute(text("SET LOCAL TIME ZONE 'UTC'"))
        at = session.execute(text("SELECT business_now()")).scalar_one().isoformat()
        owner = council(session, council_id)
        written: list[Written] = []
        for name, entry in sorted(TABLES.items()):
            if entry.scope:
                written.append(_table(session, council_id, name, entry, opened))
                if with_csv:
                    written.append(_table(session, council_id, name, entry, opened, as_csv=True))
        about = {"slug": owner.slug, "name": owner.name, "id": str(owner.id)}
    _put(opened, "dictionary.json", json.dumps(as_json(), ensure_ascii=False, indent=1))
    _put(opened, "manifest.json", json.dumps(_manifest(about, at, written), ensure_ascii=False, indent=1))
    csv = ", and the same as a table for spreadsheets (CSV)" if with_csv else ""
    _put(opened, "README.txt", README.format(name=about["name"], at=at, csv=csv))
    return written


def _put(opened: Opener, name: str, words: str) -> None:
    with opened(name) as file:
        file.write(words.encode())


def _manifest(about: Mapping[str, str], at: str, written: Sequence[Written]) -> Mapping[str, object]:
    return {
        "schema_version": SCHEMA_VERSION,
        "council": about,
        "at": at,
        "files": [asdict(one) for one in written],
        "columns_left_out": {name: list(entry.secrets) for name, entry in sorted(TABLES.items()) if entry.secrets},
        "tables_left_out": {name: entry.why_not for name, entry in sorted(TABLES.items()) if entry.why_not},
    }


def columns_of(name: str, entry: Entry) -> Sequence[str]:
    """The columns of a table that leave."""
    return [column.name for column in SQLModel.metadata.tables[name].columns if column.name not in entry.secrets]


def _table(
    session: Session, council_id: UUID, name: str, entry: Entry, opened: Opener, *, as_csv: bool = False
) -> Written:
    columns = columns_of(name, entry)
    listed = ", ".join(f't."{column}"' for column in columns)
    order = ", ".join(f't."{column.name}"' for column in SQLModel.metadata.tables[name].primary_key.columns)
    statement = f"SELECT to_json(x)::text FROM (SELECT {listed} FROM {name} t WHERE {entry.scope} ORDER BY {order}) x"
    found = session.execute(text(statement), {"council": council_id}, execution_options={"yield_per": AT_ONCE})
    file_name = f"{name}.{'csv' if as_csv else 'jsonl'}"
    digest, size, rows = hashlib.sha256(), 0, 0
    with opened(file_name) as file:
        for count, piece in _pieces(columns, found.scalars().partitions(), as_csv=as_csv):
            digest.update(piece)
            size += file.write(piece)
            rows += count
    return Written(name, file_name, rows, size, digest.hexdigest())


def _pieces(columns: Sequence[str], parts: Iterable[Sequence[str]], *, as_csv: bool) -> Iterator[tuple[int, bytes]]:
    """Some rows at a time, written, with how many they are."""
    if as_csv:
        yield 0, csv_cells.csv_lines([columns]).encode()
    for some in parts:
        yield len(some), (_csv(columns, some) if as_csv else "\n".join([*some, ""])).encode()


def _csv(columns: Sequence[str], lines: Sequence[str]) -> str:
    records = [json.loads(line) for line in lines]
    return csv_cells.csv_lines([[_cell(record[column]) for column in columns] for record in records])


def _cell(value: object) -> object:
    if isinstance(value, bool):
        return "true" if value else "false"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else value
