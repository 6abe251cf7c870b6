"""What the JSON interface and open data show of collection days."""

from collections.abc import Sequence
from datetime import date as Day  # noqa: N812 - a field is called `date`
from datetime import datetime
from uuid import UUID

from sqlmodel import Field, SQLModel

from notify.waste.entries import spoken_postcode
from notify.waste.figures import WasteFigures
from notify.waste.home_days import HomeDays
from notify.waste.models import CollectionMove, CollectionRelease, Stream, WasteEvent
from notify.waste.queries import FoundHome
from notify.waste.releases import Comparison
from notify.waste.words import said


class HomeView(SQLModel):
    """A home, as the council's file names it."""

    uprn: str
    label: str
    council: str

    @classmethod
    def of(cls, found: FoundHome) -> "HomeView":
        """The view of this home."""
        return cls(uprn=found.home.reference, label=found.home.label, council=found.council.slug)


class StreamView(SQLModel):
    """A stream in the language that was asked for."""

    code: str
    name: str
    container: str
    contents: str
    put_out_by: str

    @classmethod
    def of(cls, stream: Stream) -> "StreamView":
        """The view of this stream."""
        return cls(
            code=stream.code,
            name=said(stream.names) or stream.code,
            container=said(stream.containers),
            contents=said(stream.contents),
            put_out_by=f"{stream.put_out_by:%H:%M}",
        )


class CollectionView(SQLModel):
    """One collection. `date` is empty where it is cancelled, or not completed and nobody knows a new day."""

    stream: str
    date: Day | None
    usual: Day
    status: str
    reason: str


class SourceView(SQLModel):
    """Where days are from and how old that is. While `is_fresh` is false no day is stated."""

    name: str
    licence: str
    fetched_at: datetime
    fresh_until: Day
    is_fresh: bool


class CollectionsView(SQLModel):
    """Collections of a home; or `choices` where several homes have the postcode, and then no day is stated."""

    postcode: str
    property: HomeView | None = None
    choices: list[HomeView] = Field(default_factory=list, description="Send one's `uprn` to read its days.")
    collections: list[CollectionView] = []
    streams: list[StreamView] = []
    without_fresh_source: list[str] = Field(default_factory=list, description="Streams for which no day is stated.")
    source: SourceView | None = None

    @classmethod
    def of(cls, shown: HomeDays) -> "CollectionsView":
        """The view of these days."""
        named = {one.stream for one in shown.collections} | set(shown.unsure)
        release = shown.found.release
        return cls(
            postcode=spoken_postcode(shown.found.home.postcode),
            property=HomeView.of(shown.found),
            collections=[
                CollectionView(
                    stream=one.stream, date=one.day, usual=one.usual, status=one.standing.value, reason=one.reason
                )
                for one in shown.collections
            ],
            streams=[StreamView.of(stream) for code, stream in shown.streams.items() if code in named],
            without_fresh_source=list(shown.unsure),
            source=SourceView(
                name=release.source,
                licence=release.licence,
                fetched_at=release.fetched_at,
                fresh_until=release.fresh_until,
                is_fresh=shown.is_fresh,
            ),
        )


class ReleaseView(SQLModel):
    """A release of collection days."""

    id: int
    name: str
    source: str
    homes: int
    rules: int
    refused: int
    refusals: list[str]
    fetched_at: datetime
    fresh_until: Day
    loaded_at: datetime
    activated_at: datetime | None
    ended_at: datetime | None

    @classmethod
    def of(cls, release: CollectionRelease) -> "ReleaseView":
        """The view of this release."""
        return cls.model_validate(release, from_attributes=True)


class ComparisonView(SQLModel):
    """What putting a release into force changes, in homes."""

    first: Day
    last: Day
    new: int
    gone: int
    changed: int
    same: int
    by_stream: dict[str, int]

    @classmethod
    def of(cls, made: Comparison) -> "ComparisonView":
        """The view of this comparison."""
        names = ("first", "last", "new", "gone", "changed", "same")
        return cls(**{name: getattr(made, name) for name in names}, by_stream=dict(made.by_stream))


class RoundView(SQLModel):
    """When a round collects a stream. Nothing here is about a home, and no stream that is paid for is listed."""

    round: str
    stream: str
    rule: dict[str, object]
    next: list[Day]


class RoundsView(SQLModel):
    """The rounds of a council's active release."""

    council: str
    rounds: list[RoundView]
    source: SourceView | None


class EventView(SQLModel):
    """Something that happened to collections, with how many homes it is about and how many subscribers were told."""

    id: UUID
    kind: str
    day: Day
    new_day: Day | None
    round: str
    stream: str
    cause: str
    homes: int
    told: int
    at: datetime

    @classmethod
    def of(cls, event: WasteEvent) -> "EventView":
        """The view of this event."""
        return cls.model_validate(event, from_attributes=True)


class EventsView(SQLModel):
    """The newest events."""

    events: Sequence[EventView]


class MissedView(SQLModel):
    """Days on which collections of a round were not completed or cancelled, and how many homes they were about."""

    round: str
    cause: str
    times: int
    homes: int


class FiguresView(SQLModel):
    """Figures about collections between two days. `reminders`, `changes` and `campaigns` are messages."""

    first: Day
    last: Day
    homes: int
    rounds: int
    streams: int
    releases: int
    reminders: int
    changes: int
    campaigns: int
    look_ups: int
    calendars: int
    people_reminded: int
    events: dict[str, int]
    missed: list[MissedView]

    @classmethod
    def of(cls, shown: WasteFigures) -> "FiguresView":
        """The view of these figures."""
        return cls.model_validate(shown, from_attributes=True)


class ReleasesView(SQLModel):
    """The council's releases, the newest first."""

    releases: list[ReleaseView]


class MoveView(SQLModel):
    """A line of the table of moved days."""

    usual: Day
    revised: Day | None
    round: str
    stream: str
    reason: str

    @classmethod
    def of(cls, move: CollectionMove) -> "MoveView":
        """The view of this line."""
        return cls.model_validate(move, from_attributes=True)


class MovesView(SQLModel):
    """The table of moved days."""

    moves: list[MoveView]
