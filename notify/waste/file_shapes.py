"""Reads the shapes in which councils and contractors give collection days, row by row.

CSV: rounds, properties, or one row for each property, stream and date; distinguished by their headings. JSON: our own
(`schedule_file.py`) and the output of UKBinCollectionData. iCalendar. The last two are about one home, which is named
beside the file.
"""

import csv
import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import PurePath
from typing import BinaryIO

from dateutil.rrule import rrulestr
from icalendar import Calendar, Component
from pydantic import ValidationError

from notify.core.errors import Invalid
from notify.places.postcodes import PostcodeNotValid
from notify.waste.entries import (
    AssignmentEntry,
    DayEntry,
    Entry,
    HomeEntry,
    RefusedEntry,
    ServiceEntry,
    StreamEntry,
    home_of,
)
from notify.waste.models import Availability
from notify.waste.schedule_file import (
    RuleInput,
    ScheduleInput,
    assignment_entries,
    day_entries,
    entries_of,
    reason_of,
    rule_entries,
    stream_code,
)

MOST_JSON_BYTES = 40_000_000
REPEATS_FOR = timedelta(days=800)
UPRN = ("uprn", "reference", "property_id", "property reference", "home")
STREAM = ("stream", "type", "service", "bin", "bin_type", "container")
RowReader = Callable[[Mapping[str, str], str, date], Iterator[Entry]]
DAY = ("date", "collection_date", "collectiondate", "collection date", "next_collection", "day")


class ScheduleNotReadable(Invalid):
    """No file of collection days has this shape."""

    title = "The file of collection days cannot be read"


@dataclass(frozen=True, slots=True)
class NamedHome:
    """The home that a file without one is about."""

    reference: str = ""
    address: str = ""
    postcode: str = ""

    def entry(self) -> HomeEntry:
        """The home. Raises: ScheduleNotReadable where none was named."""
        if not self.postcode:
            raise ScheduleNotReadable("The file names no property. Say beside it which one it is: postcode, and uprn.")
        return home_of(reference=self.reference, address=self.address, postcode=self.postcode)


@dataclass(frozen=True, slots=True)
class Source:
    """One file: its name, its bytes, and for shapes without a property the one it is about."""

    name: str
    file: BinaryIO
    home: NamedHome = NamedHome()


def read(source: Source, today: date) -> tuple[ScheduleInput | None, Iterator[Entry]]:
    """The file's entries in its order, and the whole file where it is our own JSON. Raises: ScheduleNotReadable."""
    suffix = PurePath(source.name).suffix.lower()
    if suffix == ".csv":
        return None, _read_csv(source, today)
    if suffix in (".ics", ".ical"):
        return None, _read_calendar(source)
    if suffix != ".json":
        raise ScheduleNotReadable(f"{source.name}: give a file that ends in .csv, .json or .ics.")
    return _read_json(source, today)


def _read_json(source: Source, today: date) -> tuple[ScheduleInput | None, Iterator[Entry]]:
    raw = source.file.read(MOST_JSON_BYTES + 1)
    if len(raw) > MOST_JSON_BYTES:
        raise ScheduleNotReadable(f"{source.name} is larger than 40 MB. Give homes as CSV, which is read row by row.")
    try:
        said = json.loads(raw.decode("utf-8-sig"))
    except ValueError as error:
        raise ScheduleNotReadable(f"{source.name} is not JSON in UTF-8: {error}.") from None
    if isinstance(said, dict) and isinstance(said.get("bins"), list):
        return None, _read_bins(said["bins"], source, today)
    try:
        file = ScheduleInput.model_validate(said)
    except ValidationError as error:
        raise ScheduleNotReadable(f"{source.name}: {reason_of(error)}") from None
    return file, entries_of(file, today)


def _read_bins(bins: Sequence[object], source: Source, today: date) -> Iterator[Entry]:
    """What UKBinCollectionData answers: `{"bins": [{"type": …, "collectionDate": …}]}`."""
    home = source.home.entry()
    yield home
    for number, one in enumerate(bins, start=1):
        where = f"{source.name}, bin {number}"
        if not isinstance(one, dict) or not one.get("type") or not isinstance(one.get("collectionDate"), str):
            yield RefusedEntry(where, "type and collectionDate are needed")
            continue
        yield from day_entries(home.reference, [(str(one["type"]), one["collectionDate"])], where, today)


def _read_calendar(source: Source) -> Iterator[Entry]:
    """Events of whole days, with what repeats; a cancelled one is none."""
    try:
        calendar = Calendar.from_ical(source.file.read(MOST_JSON_BYTES))
    except ValueError as error:
        raise ScheduleNotReadable(f"{source.name} is no calendar: {error}.") from None
    home = source.home.entry()
    yield home
    for number, event in enumerate(calendar.walk("VEVENT"), start=1):
        name = str(event.get("SUMMARY", "")).strip()
        if event.get("STATUS") == "CANCELLED":
            continue
        if not name or event.get("DTSTART") is None:
            yield RefusedEntry(f"{source.name}, event {number}", "SUMMARY and DTSTART are needed")
            continue
        code = stream_code(name)
        yield StreamEntry(code, {"en": name}, {}, {})
        yield from (DayEntry(home.reference, code, day) for day in _days_of(event))


def _days_of(event: Component) -> Iterator[date]:
    start = event.decoded("DTSTART")
    first = (
        datetime.combine(start, datetime.min.time()) if not isinstance(start, datetime) else start.replace(tzinfo=None)
    )
    rule = event.get("RRULE")
    if rule is None:
        yield first.date()
        return
    given = event.get("EXDATE") or []
    left_out = {
        at.dt.date() if isinstance(at.dt, datetime) else at.dt
        for one in (given if isinstance(given, list) else [given])
        for at in one.dts
    }
    text = ";".join(part.removesuffix("Z") for part in rule.to_ical().decode().split(";"))
    for at in rrulestr(text, dtstart=first):
        if at > first + REPEATS_FOR:
            return
        if at.date() not in left_out:
            yield at.date()


def _read_csv(source: Source, today: date) -> Iterator[Entry]:
    text = io.TextIOWrapper(source.file, encoding="utf-8-sig", newline="")
    try:
        rows = csv.DictReader(text)
        heads = {(name or "").strip().lower() for name in rows.fieldnames or ()}
        kind = _kind_of(heads, source.name)
        names = {name: name.strip().lower() for name in rows.fieldnames or () if name}
        for number, raw in enumerate(rows, start=2):
            row = {plain: (raw[name] or "").strip() for name, plain in names.items()}
            yield from kind(row, f"{source.name}, line {number}", today)
    except UnicodeDecodeError:
        raise ScheduleNotReadable(f"{source.name} is not UTF-8. Save it as “CSV UTF-8”.") from None
    except csv.Error as error:
        raise ScheduleNotReadable(f"{source.name} cannot be read as CSV: {error}.") from None
    finally:
        text.detach()


def _kind_of(heads: set[str], name: str) -> RowReader:
    if heads & set(DAY) and heads & set(STREAM) and "postcode" in heads:
        return _DayRows()
    if "round" in heads and heads & {"weekday", "weekdays", "dates"}:
        return _rule_row
    if "round" in heads and heads & {"side", "from", "to", "building", "usrn"} and not heads & {"address", "rounds"}:
        return _assignment_row
    if "postcode" in heads and heads & {"rounds", "round", "uprn", "address"}:
        return _home_row
    raise ScheduleNotReadable(
        f"{name}: the headings are of no shape that is known. See the documentation of collection days."
    )


def _first(row: Mapping[str, str], names: Sequence[str]) -> str:
    return next((row[name] for name in names if row.get(name)), "")


def _home(row: Mapping[str, str]) -> HomeEntry:
    given = {name: row.get(name, "") for name in ("address", "postcode", "usrn", "building", "number")}
    return home_of(reference=_first(row, UPRN), **given)


class _DayRows:
    """Reads rows of property, stream and date. A home or stream that was said before is not said again."""

    def __init__(self) -> None:
        self._words: Sequence[str] = ()
        self._home: HomeEntry | None = None
        self._streams: set[str] = set()

    def __call__(self, row: Mapping[str, str], where: str, today: date) -> Iterator[Entry]:
        """The home if it is another, the stream if it is new, and the day; or why the row was refused."""
        words = [row.get(name, "") for name in (*UPRN, "address", "postcode")]
        if words != self._words or self._home is None:
            try:
                self._words, self._home = words, _home(row)
            except PostcodeNotValid as error:
                self._home = None
                yield RefusedEntry(where, error.detail)
                return
            yield self._home
        stream = _first(row, STREAM)
        if not stream:
            yield RefusedEntry(where, "no stream")
            return
        for entry in day_entries(self._home.reference, [(stream, _first(row, DAY))], where, today):
            if not isinstance(entry, StreamEntry):
                yield entry
            elif stream not in self._streams:
                self._streams.add(stream)
                yield entry


def _rule_row(row: Mapping[str, str], where: str, today: date) -> Iterator[Entry]:
    said: dict[str, object] = {
        name: row[name]
        for name in ("round", "stream", "every_weeks", "anchor", "from", "until", "container")
        if row.get(name)
    }
    for name in ("weekdays", "dates", "nth"):
        if text := row.get(name) or (row.get("weekday") if name == "weekdays" else ""):
            said[name] = [part.strip() for part in text.replace(",", ";").split(";") if part.strip()]
    for name in ("suspended", "season"):
        if text := row.get(name):
            pairs = [part.strip().split(" to ") for part in text.split(";")]
            said[name] = pairs if name == "suspended" else pairs[0]
    try:
        rule = RuleInput.model_validate(said)
    except ValidationError as error:
        yield RefusedEntry(where, reason_of(error))
        return
    yield from rule_entries(rule, where)


def _assignment_row(row: Mapping[str, str], where: str, today: date) -> Iterator[Entry]:
    names = ("round", "uprn", "postcode", "usrn", "building", "from", "to", "side")
    yield from assignment_entries({name: row[name] for name in names if row.get(name)}, where)


def _home_row(row: Mapping[str, str], where: str, today: date) -> Iterator[Entry]:
    """A home with `round` or `rounds`, and `<stream>_from` with `<stream>_until` for what it has paid for."""
    try:
        home = _home(row)
    except PostcodeNotValid as error:
        yield RefusedEntry(where, error.detail)
        return
    yield home
    rounds = (row.get("rounds") or row.get("round", "")).replace(",", ";")
    yield from (AssignmentEntry(code.strip(), home=home.reference) for code in rounds.split(";") if code.strip())
    for name, until in row.items():
        if not name.endswith("_until") or not until:
            continue
        stream = name.removesuffix("_until")
        try:
            starts = date.fromisoformat(row.get(f"{stream}_from") or "2000-01-01")
            service = ServiceEntry(home.reference, stream, starts, date.fromisoformat(until))
        except ValueError:
            yield RefusedEntry(where, f"{name}: write days like 2027-03-31")
            continue
        yield StreamEntry(stream, {}, {}, {}, availability=Availability.SUBSCRIBERS.value)
        yield service
