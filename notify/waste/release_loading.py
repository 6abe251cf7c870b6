"""Loads a release of collection days beside the active one, row by row into COPY, in the caller's transaction.

Memory stays level however long a CSV file is. A loaded release counts for nothing until `releases.activate`.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time, timedelta
from itertools import islice
from typing import Any, cast
from uuid import UUID

import psycopg
from sqlalchemy import text
from sqlmodel import Session, select

from notify.core import clock
from notify.core.clock import LONDON
from notify.core.db import expect_many_rows
from notify.core.errors import Invalid
from notify.waste import assignment, file_shapes
from notify.waste.entries import AssignmentEntry, DayEntry, Entry, HomeEntry, RuleEntry, ServiceEntry, StreamEntry
from notify.waste.file_shapes import ScheduleNotReadable, Source
from notify.waste.models import Availability, CollectionRelease, CollectionRule, Stream
from notify.waste.schedule_file import ReleaseSettings, stream_code

Progress = Callable[[int], None]
AT_ONCE = 10_000
MOST_REFUSALS = 1_000
MOST_HOMES_OF_A_SPAN = 400
FRESH_DAYS_OF_RULES, FRESH_DAYS_OF_LISTS = 400, 60
TEMPORARY = """
    CREATE TEMP TABLE IF NOT EXISTS new_home (reference text, label text, postcode text, usrn text, building text,
        number integer, at bigserial) ON COMMIT DROP;
    CREATE TEMP TABLE IF NOT EXISTS new_service (reference text, stream text, starts date, ends date) ON COMMIT DROP;
    CREATE TEMP TABLE IF NOT EXISTS new_day (reference text, stream text, day date) ON COMMIT DROP;
    TRUNCATE new_home, new_service, new_day;
"""

SERVICES_OF_LISTS = """
    INSERT INTO new_service (reference, stream, starts, ends)
    SELECT reference, stream, min(day), max(day) FROM new_day WHERE stream = ANY(:paid) GROUP BY reference, stream
"""


class NothingToLoad(Invalid):
    """Not one home with a collection is in the files."""

    title = "The files hold no collection days"


@dataclass(slots=True)
class LoadingOptions:
    """What is said beside the files. `fresh_days`: how long after `fetched_at` the days may be stated. `paid`: streams
    that residents pay for, by the names or codes of the files.
    """

    name: str
    source: str
    loaded_by: str
    licence: str = ""
    fetched_at: datetime | None = None
    fresh_days: int | None = None
    progress: Progress | None = None
    paid: Sequence[str] = ()


@dataclass(slots=True)
class _Buffers:
    """Rows that wait for their COPY, by table, and the streams that were named."""

    session: Session
    release: CollectionRelease
    homes: list[tuple[object, ...]] = field(default_factory=list)
    assignments: list[tuple[object, ...]] = field(default_factory=list)
    services: list[tuple[object, ...]] = field(default_factory=list)
    days: list[tuple[object, ...]] = field(default_factory=list)
    streams: dict[str, StreamEntry] = field(default_factory=dict)
    has_lists: bool = False

    def take(self, entry: Entry) -> None:
        """Keep the entry for its table."""
        if isinstance(entry, StreamEntry):
            self.streams[entry.code] = _joined(self.streams.get(entry.code), entry)
        elif isinstance(entry, HomeEntry):
            about = (entry.label, entry.postcode, entry.usrn, entry.building, entry.number)
            self.homes.append((entry.reference, *about))
        elif isinstance(entry, DayEntry):
            self.has_lists = True
            self.days.append((entry.reference, entry.stream, entry.day))
        elif isinstance(entry, AssignmentEntry):
            place = (entry.home, entry.postcode, entry.usrn, entry.building)
            numbers = (entry.number_from, entry.number_to, entry.side)
            self.assignments.append((self.release.id, entry.round, *place, *numbers))
        elif isinstance(entry, ServiceEntry):
            self.services.append((entry.reference, entry.stream, entry.starts, entry.ends))
        elif isinstance(entry, RuleEntry):
            self.session.add(_rule(self.release, entry))
        else:
            self.release.refused += 1
            if self.release.refused <= MOST_REFUSALS:
                self.release.refusals = [*self.release.refusals, f"{entry.where}: {entry.why}"]

    def write(self) -> None:
        """Send everything that waits to the database."""
        spans = "release_id, round, home, postcode, usrn, building, number_from, number_to, side"
        for table, columns, rows in (
            ("new_home", "reference, label, postcode, usrn, building, number", self.homes),
            ("collection_assignment", spans, self.assignments),
            ("new_service", "reference, stream, starts, ends", self.services),
            ("new_day", "reference, stream, day", self.days),
        ):
            if rows:
                with _copy(self.session, f"COPY {table} ({columns}) FROM STDIN") as copy:
                    for row in rows:
                        copy.write_row(row)
                rows.clear()


def load(session: Session, council_id: UUID, sources: Sequence[Source], options: LoadingOptions) -> CollectionRelease:
    """A release of these files, not yet active. `options.progress` gets the entries read so far.

    Raises: ScheduleNotReadable, NothingToLoad.
    """
    fetched = options.fetched_at or clock.now()
    release = CollectionRelease(
        council_id=council_id,
        name=options.name,
        source=options.source,
        licence=options.licence,
        fetched_at=fetched.astimezone(UTC),
        fresh_until=fetched.date(),
        settings={},
        loaded_by=options.loaded_by,
    )
    session.add(release)
    session.flush()
    expect_many_rows(session)
    session.execute(text(TEMPORARY))
    has_lists = _take_all(session, release, sources, options)
    assignment.settle(session, release)
    default = FRESH_DAYS_OF_LISTS if has_lists else FRESH_DAYS_OF_RULES
    kept = timedelta(days=options.fresh_days if options.fresh_days is not None else default)
    release.fresh_until = fetched.astimezone(LONDON).date() + kept
    if not release.homes or not release.rules:
        first = f" The first row left out: {release.refusals[0]}." if release.refusals else ""
        raise NothingToLoad(f"There is no home with a collection in the files.{first}")
    session.add(release)
    session.flush()
    return release


def _take_all(session: Session, release: CollectionRelease, sources: Sequence[Source], options: LoadingOptions) -> bool:
    """Read every entry into its table; whether there were lists of days."""
    today = release.fetched_at.astimezone(LONDON).date()
    buffers, taken = _Buffers(session, release), 0
    for source in sources:
        whole, entries = file_shapes.read(source, today)
        if whole and whole.holidays:
            release.settings = ReleaseSettings(holidays=whole.holidays).model_dump(mode="json")
        while chunk := list(islice(entries, AT_ONCE)):
            for entry in chunk:
                buffers.take(entry)
            buffers.write()
            taken += len(chunk)
            if options.progress:
                options.progress(taken)
    session.flush()
    _mark_paid(session, release.council_id, buffers.streams, options.paid)
    said = {code: entry.availability for code, entry in buffers.streams.items() if entry.availability}
    release.settings = ReleaseSettings.model_validate({**release.settings, "availability": said}).model_dump(
        mode="json"
    )
    _keep_streams(session, release.council_id, buffers.streams)
    session.flush()
    return buffers.has_lists


def _mark_paid(session: Session, council_id: UUID, streams: dict[str, StreamEntry], names: Sequence[str]) -> None:
    """Make these streams, and those that the council's residents pay for already, known as paid for. A home has paid
    for as long as the file lists days of such a stream for it. Raises: ScheduleNotReadable.
    """
    paid = set()
    for name in names:
        code = name if name in streams else stream_code(name)
        if code not in streams:
            known = ", ".join(sorted(streams))
            raise ScheduleNotReadable(f"No stream of the files is called “{name}”. They name: {known}.")
        paid.add(code)
    own = select(Stream.code).where(Stream.council_id == council_id, Stream.availability == Availability.SUBSCRIBERS)
    paid |= {code for code in session.exec(own) if code in streams and not streams[code].availability}
    for code in paid:
        streams[code] = replace(streams[code], availability=Availability.SUBSCRIBERS.value)
    if paid:
        session.execute(text(SERVICES_OF_LISTS), {"paid": sorted(paid)})


def _rule(release: CollectionRelease, entry: RuleEntry) -> CollectionRule:
    pattern = entry.pattern.model_dump(mode="json", exclude_defaults=True)
    return CollectionRule(release_id=cast(int, release.id), round=entry.round, stream=entry.stream, pattern=pattern)


def _joined(known: StreamEntry | None, entry: StreamEntry) -> StreamEntry:
    """What several rows say of one stream: the first words win."""
    if known is None or known == entry:
        return entry
    return StreamEntry(
        entry.code,
        entry.names | known.names,
        entry.containers | known.containers,
        entry.contents | known.contents,
        known.put_out_by or entry.put_out_by,
        known.availability or entry.availability,
    )


def _keep_streams(session: Session, council_id: UUID, streams: Mapping[str, StreamEntry]) -> None:
    """Add the streams that the council does not have; what officers wrote about one stays."""
    own = {one.code for one in session.exec(select(Stream).where(Stream.council_id == council_id))}
    for position, entry in enumerate((one for one in streams.values() if one.code not in own), start=len(own)):
        try:
            put_out_by = time.fromisoformat(entry.put_out_by or "07:00")
        except ValueError:
            raise ScheduleNotReadable(f"Stream {entry.code}: write `put_out_by` like 07:00.") from None
        session.add(
            Stream(
                council_id=council_id,
                code=entry.code,
                names=entry.names or {"en": entry.code.replace("-", " ").capitalize()},
                containers=entry.containers,
                contents=entry.contents,
                put_out_by=put_out_by,
                availability=Availability(entry.availability or Availability.ALL),
                position=position,
            )
        )


@contextmanager
def _copy(session: Session, statement: str) -> Iterator[psycopg.Copy]:
    """The driver's own COPY, inside the session's transaction. Raises: ScheduleNotReadable."""
    driver = cast("psycopg.Connection[tuple[Any, ...]]", session.connection().connection.driver_connection)
    try:
        with driver.cursor() as cursor, cursor.copy(statement.encode()) as copy:
            yield copy
    except psycopg.DataError as error:
        said = str(error).splitlines()[0]
        raise ScheduleNotReadable(f"A row holds what cannot be stored: {said}.") from error
