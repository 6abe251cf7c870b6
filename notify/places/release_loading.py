"""Loads a release beside the active one in a single transaction.

A loaded release counts for nothing until `service.activate`.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import psycopg
import shapely
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session

from notify.core.db import transaction
from notify.core.errors import Invalid
from notify.places.archives import Refusal, SourceReport, SourceUnreadable
from notify.places.boundaries import AreaReport, AreaRow, read_areas
from notify.places.models import Release, ReleaseKind
from notify.places.postcode_files import PostcodeReport, read_postcodes

Progress = Callable[[int], None]
POSTCODES_PER_NOTICE = 20_000
AREAS_PER_NOTICE = 200
_POSTCODE_COLUMNS = "key, easting, northing, quality, large_user, ward_code, district_code, ended_on"


class NothingLoaded(Invalid):
    """Not one row of the source could be used."""

    title = "The source holds nothing usable"


class PostcodeTwice(Invalid):
    """A postcode has two rows, and nothing says which is right."""

    title = "A postcode appears twice"


class KindsMixed(Invalid):
    """A release is wards or districts, not some of each."""

    title = "The source mixes wards and districts"


@dataclass(frozen=True, slots=True)
class LoadReport:
    """What a loading brought in and what it left out.

    `refusals` holds the first thousand rows left out, with file, line and reason; `repaired` the codes of outlines
    that were repaired, and how. `without_location`, `without_ward` and `ended` count postcodes.
    """

    release_id: int
    kind: ReleaseKind
    rows: int
    seconds: float
    refused: int = 0
    refusals: Sequence[Refusal] = ()
    without_location: int = 0
    without_ward: int = 0
    ended: int = 0
    repaired: Sequence[tuple[str, str]] = ()


def load_postcodes(
    path: Path, *, product: str, version: str, attribution: str, progress: Progress | None = None
) -> LoadReport:
    """A postcode release from a file, folder or zip, in a transaction of its own. `progress` gets rows so far.

    Memory stays level however long the file is: rows go from the reader straight into COPY.
    Raises: SourceNotFound, SourceUnreadable, NothingLoaded, PostcodeTwice.
    """
    started, report = time.monotonic(), PostcodeReport()
    with transaction() as session:
        release = _new_release(session, ReleaseKind.POSTCODE, product, version, attribution)
        table = _make_partition(session, release)
        with _copy(session, f"COPY {table} ({_POSTCODE_COLUMNS}) FROM STDIN (FREEZE)") as copy:
            for number, row in enumerate(read_postcodes(path, report), start=1):
                copy.write_row(row)
                if progress and number % POSTCODES_PER_NOTICE == 0:
                    progress(number)
        release.row_count = _rows_or_refuse(report, path, progress)
        _attach(session, table, release)
    return LoadReport(
        release_id=_id(release),
        kind=ReleaseKind.POSTCODE,
        rows=release.row_count,
        seconds=time.monotonic() - started,
        refused=report.refused,
        refusals=report.refusals,
        without_location=report.without_location,
        without_ward=report.without_ward,
        ended=report.ended,
    )


def load_areas(
    path: Path, *, product: str, version: str, attribution: str, progress: Progress | None = None
) -> LoadReport:
    """A ward or district release from boundary files, in a transaction of its own. `progress` gets areas so far.

    Raises: SourceNotFound, SourceUnreadable, NothingLoaded, KindsMixed.
    """
    started, report = time.monotonic(), AreaReport()
    with transaction() as session:
        # The kind is known with the first row; a release without rows never leaves this transaction.
        release = _new_release(session, ReleaseKind.WARD, product, version, attribution)
        columns = "release_id, code, kind, name, name_cy, district_code, geom"
        with _copy(session, f"COPY area ({columns}) FROM STDIN") as copy:
            for number, row in enumerate(read_areas(path, report), start=1):
                if number == 1:
                    release.kind = ReleaseKind(row.kind.value)
                copy.write_row(_area_values(release, row))
                if progress and number % AREAS_PER_NOTICE == 0:
                    progress(number)
        release.row_count = _rows_or_refuse(report, path, progress)
    return LoadReport(
        release_id=_id(release),
        kind=release.kind,
        rows=release.row_count,
        seconds=time.monotonic() - started,
        refused=report.refused,
        refusals=report.refusals,
        repaired=report.repairs,
    )


def partition_of(release_id: int) -> str:
    """The table that holds a postcode release."""
    return f"postcode_r{release_id:d}"


def _area_values(release: Release, row: AreaRow) -> tuple[object, ...]:
    if row.kind.value != release.kind.value:
        raise KindsMixed(
            f"{row.code} is a {row.kind} among {release.kind}s. Load wards and districts from separate files."
        )
    outline = shapely.to_wkb(row.geometry)
    return _id(release), row.code, row.kind.value, row.name, row.name_cy, row.district_code, outline


def _new_release(session: Session, kind: ReleaseKind, product: str, version: str, attribution: str) -> Release:
    release = Release(kind=kind, product=product, version=version, attribution=attribution)
    session.add(release)
    session.flush()
    return release


def _id(release: Release) -> int:
    return cast(int, release.id)  # None only before the flush in _new_release


def _rows_or_refuse(report: SourceReport, path: Path, progress: Progress | None) -> int:
    rows = report.read - report.refused
    if rows == 0:
        first = f" The first reason: {report.refusals[0].reason}." if report.refusals else ""
        raise NothingLoaded(f"Nothing in {path.name} could be loaded.{first}")
    if progress:
        progress(rows)
    return rows


@contextmanager
def _copy(session: Session, statement: str) -> Iterator[psycopg.Copy]:
    """The driver's own COPY, inside the session's transaction.

    Raises: SourceUnreadable for a value that PostgreSQL cannot hold.
    """
    driver = cast("psycopg.Connection[tuple[Any, ...]]", session.connection().connection.driver_connection)
    try:
        with driver.cursor() as cursor, cursor.copy(statement.encode()) as copy:
            yield copy
    except psycopg.DataError as error:
        raise SourceUnreadable(
            f"A row holds characters that cannot be stored ({str(error).splitlines()[0]}). Download the file again."
        ) from error


def _make_partition(session: Session, release: Release) -> str:
    table = partition_of(_id(release))
    # A number is never given twice, but a restored or emptied database may have kept the table.
    session.execute(text(f"DROP TABLE IF EXISTS {table}"))
    session.execute(text(f"CREATE TABLE {table} (LIKE postcode)"))
    session.execute(text(f"ALTER TABLE {table} ALTER release_id SET DEFAULT {_id(release):d}"))
    return table


def _attach(session: Session, table: str, release: Release) -> None:
    """Indexes come after the rows: building them once is faster than keeping them up row by row.

    The check constraint spares ATTACH a second look at every row.
    """
    try:
        session.execute(text(f"ALTER TABLE {table} ADD PRIMARY KEY (release_id, key)"))
    except IntegrityError as error:
        found = error.orig.diag.message_detail if isinstance(error.orig, psycopg.errors.UniqueViolation) else None
        raise PostcodeTwice(
            f"{found or 'A postcode has two rows.'} Load one product at a time, and each of its files once."
        ) from error
    for column in ("district_code", "ward_code"):
        session.execute(text(f"CREATE INDEX ON {table} (release_id, {column})"))
    session.execute(text(f"ALTER TABLE {table} ADD CONSTRAINT own CHECK (release_id = {_id(release):d})"))
    session.execute(text(f"ALTER TABLE postcode ATTACH PARTITION {table} FOR VALUES IN ({_id(release):d})"))
    session.execute(text(f"ALTER TABLE {table} DROP CONSTRAINT own"))
    session.execute(text(f"ANALYZE {table}"))
