"""The JSON in which rounds come with everything about them: streams, rules, homes, holidays. See docs/waste.md."""

from collections.abc import Iterator, Sequence
from datetime import date
from functools import lru_cache
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, ConfigDict, StringConstraints, ValidationError, model_validator
from sqlmodel import Field

from notify.core.db import Input
from notify.places.postcodes import PostcodeNotValid, normalise
from notify.waste.bank_holidays import Nation
from notify.waste.date_text import DayNotReadable, read_day
from notify.waste.entries import (
    AssignmentEntry,
    DayEntry,
    Entry,
    RefusedEntry,
    RuleEntry,
    ServiceEntry,
    StreamEntry,
    home_of,
    made_reference,
    reference_of,
)
from notify.waste.models import Availability
from notify.waste.recurrence import Pattern, Season, Span, Weekday

Code = Annotated[str, StringConstraints(min_length=1, max_length=60, strip_whitespace=True)]
Words = dict[str, str] | str
NTH = {"first": 1, "second": 2, "third": 3, "fourth": 4, "fifth": 5, "last": -1}


def _nth(said: object) -> object:
    return NTH.get(said.strip().lower(), said) if isinstance(said, str) else said


def _as_list(said: object) -> object:
    return said if isinstance(said, list) else [said]


Nth = Annotated[int, BeforeValidator(_nth)]


class StreamInput(Input):
    """A stream. Words are a text in English or one for each language."""

    code: Code
    name: Words = ""
    container: Words = ""
    contents: Words = ""
    put_out_by: str = Field(default="", max_length=5)
    availability: Availability | None = None


class RuleInput(Input):
    """When a round collects a stream, as a `Pattern` with one weekday or several, `from` and `until`."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)  # type: ignore[assignment]

    stream: Code
    round: str = ""
    container: str = ""
    weekday: Weekday | None = None
    weekdays: list[Weekday] = Field(default_factory=list)
    every_weeks: int = 1
    anchor: date | None = None
    nth: Annotated[list[Nth], BeforeValidator(_as_list)] = Field(default_factory=list)
    dates: list[date] = Field(default_factory=list)
    suspended: list[Span] = Field(default_factory=list)
    season: Season | None = None
    starts: date | None = Field(default=None, alias="from")
    ends: date | None = Field(default=None, alias="until")

    def pattern(self) -> Pattern:
        """The rule. Raises: ValidationError where it is not one."""
        days = self.weekdays or ([] if self.weekday is None else [self.weekday])
        fields = {name: getattr(self, name) for name in ("every_weeks", "anchor", "dates", "season", "starts", "ends")}
        return Pattern.model_validate({**fields, "weekdays": days, "nth": self.nth, "suspended": self.suspended})


class RoundInput(Input):
    """A round with its rules."""

    code: Code
    rules: list[RuleInput] = Field(default_factory=list)


class AssignmentInput(Input):
    """Which homes a round serves: one of `home`, `postcode` and `usrn`, and perhaps house numbers or a building."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)  # type: ignore[assignment]

    round: Code
    home: str | None = Field(default=None, alias="uprn")
    postcode: str | None = None
    usrn: str | None = None
    building: str = ""
    number_from: int | None = Field(default=None, alias="from")
    number_to: int | None = Field(default=None, alias="to")
    side: Annotated[str, StringConstraints(pattern="^(odd|even|)$")] = ""

    @model_validator(mode="after")
    def _is_somewhere(self) -> Self:
        if not (self.home or self.postcode or self.usrn):
            raise ValueError("Say where: uprn, postcode or usrn.")
        return self


class CollectionInput(Input):
    """One collection at a home."""

    stream: Code
    date: str


class HomeInput(Input):
    """A home: its UPRN or the council's own reference, address and postcode; its rounds, paid services or days."""

    uprn: str = Field(default="", max_length=80)
    address: str = Field(default="", max_length=200)
    postcode: str
    usrn: str = ""
    building: str = ""
    number: str = ""
    rounds: list[Code] = Field(default_factory=list)
    services: dict[str, Span] = Field(default_factory=dict)
    collections: list[CollectionInput] = Field(default_factory=list)


class HolidayInput(Input):
    """The council's rule about holidays: `none-move`, or `week-slides` on `dates` or on a nation's bank holidays.

    `works_on` are bank holidays that are days like any other. `moves` are lines of the table.
    """

    rule: Annotated[str, StringConstraints(pattern="^(none-move|week-slides)$")] = "none-move"
    dates: list[date] = Field(default_factory=list)
    nation: Nation | None = None
    works_on: list[date] = Field(default_factory=list)
    moves: dict[date, date | None] = Field(default_factory=dict)


def _said_of_holidays(said: object) -> object:
    return {"rule": said.strip().lower().replace(" ", "-")} if isinstance(said, str) else said


Holidays = Annotated[HolidayInput, BeforeValidator(_said_of_holidays)]


class ReleaseSettings(Input):
    """What a release says beside its rules: holidays, lines for the table, and who has a stream."""

    holidays: HolidayInput = Field(default_factory=HolidayInput)
    availability: dict[str, Availability] = Field(default_factory=dict)


class ScheduleInput(Input):
    """The whole file."""

    streams: list[StreamInput] = Field(default_factory=list)
    rounds: list[RoundInput] = Field(default_factory=list)
    rules: list[RuleInput] = Field(default_factory=list)
    assignments: list[dict[str, Any]] = Field(default_factory=list)
    properties: list[dict[str, Any]] = Field(default_factory=list)
    holidays: Holidays | None = None


def entries_of(file: ScheduleInput, today: date) -> Iterator[Entry]:
    """The entries of the file. A wrong rule, home or assignment is refused by itself."""
    for stream in file.streams:
        yield StreamEntry(
            stream.code,
            _words(stream.name),
            _words(stream.container),
            _words(stream.contents),
            stream.put_out_by,
            stream.availability.value if stream.availability else "",
        )
    rules = [*file.rules, *(rule.model_copy(update={"round": one.code}) for one in file.rounds for rule in one.rules)]
    for number, rule in enumerate(rules, start=1):
        yield from rule_entries(rule, f"rule {number}")
    for number, assignment in enumerate(file.assignments, start=1):
        yield from assignment_entries(assignment, f"assignment {number}")
    for number, home in enumerate(file.properties, start=1):
        yield from home_entries(home, f"property {number}", today)


def rule_entries(rule: RuleInput, where: str) -> Iterator[Entry]:
    """The rule and the stream that it names, or why it was refused."""
    try:
        pattern = rule.pattern()
    except ValidationError as error:
        yield RefusedEntry(where, reason_of(error))
        return
    yield StreamEntry(rule.stream, {}, _words(rule.container), {})
    yield RuleEntry(rule.round or "ALL", rule.stream, pattern)


def assignment_entries(given: object, where: str) -> Iterator[Entry]:
    """The assignment, or why it was refused."""
    try:
        said = AssignmentInput.model_validate(given)
        key = normalise(said.postcode) if said.postcode else None
    except (ValidationError, PostcodeNotValid) as error:
        yield RefusedEntry(where, reason_of(error))
        return
    about = (
        reference_of(said.home) if said.home else None,
        key,
        said.usrn,
        said.building,
        said.number_from,
        said.number_to,
        said.side,
    )
    yield AssignmentEntry(said.round, *about)


def home_entries(given: object, where: str, today: date) -> Iterator[Entry]:
    """The home with its rounds, services and days, or why it or a day of it was refused."""
    try:
        said = HomeInput.model_validate(given)
        home = home_of(
            reference=said.uprn,
            address=said.address,
            postcode=said.postcode,
            usrn=said.usrn,
            building=said.building,
            number=said.number,
        )
    except (ValidationError, PostcodeNotValid) as error:
        yield RefusedEntry(where, reason_of(error))
        return
    yield home
    yield from (AssignmentEntry(code, home=home.reference) for code in said.rounds)
    for stream, span in said.services.items():
        yield StreamEntry(stream, {}, {}, {}, availability=Availability.SUBSCRIBERS.value)
        yield ServiceEntry(home.reference, stream, span.first, span.last)
    pairs = [(one.stream, one.date) for one in said.collections]
    yield from day_entries(home.reference, pairs, where, today)


def day_entries(reference: str, pairs: Sequence[tuple[str, str]], where: str, today: date) -> Iterator[Entry]:
    """The days of a home, each with its stream as the file names it, or why one was refused."""
    for name, text in pairs:
        try:
            day = read_day(text, today)
        except DayNotReadable as error:
            yield RefusedEntry(where, f"{text.strip()!r}: {error.detail}")
            continue
        code = stream_code(name)
        yield StreamEntry(code, {"en": name.strip()}, {}, {})
        yield DayEntry(reference, code, day)


@lru_cache(maxsize=1024)
def stream_code(name: str) -> str:
    """The code of a stream that a file only names: `180L General Waste` is `180l-general-waste`."""
    return made_reference("", name).lstrip("-")[:60] or "collection"


def reason_of(error: ValidationError | PostcodeNotValid) -> str:
    """What is wrong, in one sentence."""
    if isinstance(error, PostcodeNotValid):
        return error.detail
    first = error.errors(include_url=False, include_input=False)[0]
    place = ".".join(str(part) for part in first["loc"])
    return f"{place}: {first['msg']}" if place else str(first["msg"])


def _words(said: Words) -> dict[str, str]:
    if isinstance(said, str):
        return {"en": said} if said else {}
    return dict(said)
