"""Reads about homes and what is collected there. Only active releases count."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from sqlalchemy import or_
from sqlmodel import Session, col, select

from notify.core.errors import NotFound
from notify.staff.models import Council
from notify.subscribers.models import Place
from notify.waste.bank_holidays import bank_holidays
from notify.waste.models import (
    CollectionHome,
    CollectionMove,
    CollectionRelease,
    CollectionRule,
    CollectionService,
    EventKind,
    Stream,
    WasteEvent,
)
from notify.waste.moved_days import FURTHEST, Changes, Holidays, Move, OneOff, Standing
from notify.waste.recurrence import Pattern, Span
from notify.waste.schedule_file import ReleaseSettings

STANDING: Mapping[EventKind, Standing] = {
    EventKind.MOVED: Standing.MOVED,
    EventKind.NOT_COMPLETED: Standing.NOT_COMPLETED,
    EventKind.CANCELLED: Standing.CANCELLED,
}
IN_FORCE = (col(CollectionRelease.activated_at).is_not(None), col(CollectionRelease.ended_at).is_(None))


class UnknownHome(NotFound):
    """No home of this reference is in a council's collection days."""

    title = "There are no collection days for this home"


@dataclass(frozen=True, slots=True)
class FoundHome:
    """A home of an active release, with its council."""

    home: CollectionHome
    release: CollectionRelease
    council: Council

    @property
    def path(self) -> str:
        """The home's public page."""
        return f"/bins/{self.council.slug}/{self.home.reference}"


def homes_at(session: Session, postcode: str, *, reference: str = "") -> Sequence[FoundHome]:
    """The homes with this postcode's key, of every council, by house number; only that of `reference` if given."""
    statement = (
        select(CollectionHome, CollectionRelease, Council)
        .join(CollectionRelease, col(CollectionRelease.id) == col(CollectionHome.release_id))
        .join(Council, col(Council.id) == col(CollectionRelease.council_id))
        .where(CollectionHome.postcode == postcode, *IN_FORCE)
    )
    if reference:
        statement = statement.where(CollectionHome.reference == reference)
    order = (Council.name, CollectionHome.building, col(CollectionHome.number), CollectionHome.label)
    found = [FoundHome(*row) for row in session.exec(statement.order_by(*order).limit(500)).all()]
    known = {one.council.id for one in found}
    # what a council said that became part of another holds until that one names homes there
    return [one for one in found if one.council.merged_into_id not in known]


def home(session: Session, council_id: UUID, reference: str) -> FoundHome:
    """The home of this reference. Raises: UnknownHome."""
    statement = (
        select(CollectionHome, CollectionRelease, Council)
        .join(CollectionRelease, col(CollectionRelease.id) == col(CollectionHome.release_id))
        .join(Council, col(Council.id) == col(CollectionRelease.council_id))
        .where(CollectionHome.reference == reference, CollectionRelease.council_id == council_id, *IN_FORCE)
    )
    row = session.exec(statement).first()
    if row is None:
        raise UnknownHome("The council's collection days do not name this home.")
    return FoundHome(*row)


def active_release(session: Session, council_id: UUID) -> CollectionRelease | None:
    """What the council's days are from now, if it has any."""
    statement = select(CollectionRelease).where(CollectionRelease.council_id == council_id, *IN_FORCE)
    return session.exec(statement).first()


def streams(session: Session, council_id: UUID) -> Mapping[str, Stream]:
    """The council's streams by code, in their order."""
    statement = select(Stream).where(Stream.council_id == council_id).order_by(col(Stream.position), Stream.code)
    return {one.code: one for one in session.exec(statement)}


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule of a release, ready to be asked."""

    id: int
    round: str
    stream: str
    pattern: Pattern


def rules(session: Session, ids: Collection[int]) -> Mapping[int, Rule]:
    """These rules by id."""
    found = session.exec(select(CollectionRule).where(col(CollectionRule.id).in_(list(ids))))
    return {one.id: as_rule(one) for one in found if one.id is not None}


def rules_of(session: Session, release_id: int, *, round_code: str = "") -> Sequence[Rule]:
    """The rules of a release, of one round if given, by round and stream."""
    statement = select(CollectionRule).where(CollectionRule.release_id == release_id)
    if round_code:
        statement = statement.where(CollectionRule.round == round_code)
    found = session.exec(statement.order_by(CollectionRule.round, CollectionRule.stream, col(CollectionRule.id)))
    return [as_rule(one) for one in found]


def as_rule(row: CollectionRule) -> Rule:
    """The row as a rule. What is stored was checked when it was loaded."""
    return Rule(row.id or 0, row.round, row.stream, Pattern.model_validate(row.pattern))


def services(session: Session, release_id: int, reference: str) -> Mapping[str, Sequence[Span]]:
    """What the home has paid for, by stream."""
    statement = select(CollectionService).where(
        CollectionService.release_id == release_id, CollectionService.reference == reference
    )
    found: dict[str, list[Span]] = {}
    for one in session.exec(statement):
        found.setdefault(one.stream, []).append(Span(first=one.starts, last=one.ends))
    return found


def has_place_at(session: Session, subscriber_id: UUID, postcode: str) -> bool:
    """Whether the resident has a place with this postcode's key."""
    statement = select(Place.id).where(Place.subscriber_id == subscriber_id, Place.postcode == postcode)
    return session.exec(statement).first() is not None


def holidays_of(settings: Mapping[str, object], first: date, last: date) -> Holidays:
    """The rule about holidays of a release with these settings, for these days."""
    said = ReleaseSettings.model_validate(settings).holidays
    if said.rule != "week-slides":
        return Holidays()
    days = set(said.dates)
    if said.nation:
        for year in range(first.year - 1, last.year + 2):
            days |= set(bank_holidays(said.nation, year))
    return Holidays(frozenset(days - set(said.works_on)))


def moves(session: Session, council_id: UUID, first: date, last: date) -> Sequence[Move]:
    """The council's table for usual days near these."""
    statement = select(CollectionMove).where(
        CollectionMove.council_id == council_id,
        CollectionMove.usual >= first - FURTHEST,
        CollectionMove.usual <= last + FURTHEST,
    )
    return [as_move(one) for one in session.exec(statement.order_by(col(CollectionMove.usual)))]


def as_move(row: CollectionMove) -> Move:
    """The row as a line of the table."""
    return Move(row.usual, row.revised, row.round, row.stream, row.reason, row.revision, row.is_withdrawn)


def events(session: Session, council_id: UUID, first: date, last: date) -> Sequence[WasteEvent]:
    """What happened near these days, in the order in which it was said."""
    statement = select(WasteEvent).where(
        WasteEvent.council_id == council_id, WasteEvent.day >= first - FURTHEST, WasteEvent.day <= last + FURTHEST
    )
    return session.exec(statement.order_by(col(WasteEvent.at), col(WasteEvent.id))).all()


def events_of_home(session: Session, found: FoundHome, first: date, last: date) -> Sequence[WasteEvent]:
    """The same, as far as it is about where this home is; each may be about one round or stream."""
    statement = select(WasteEvent).where(
        WasteEvent.council_id == found.council.id,
        WasteEvent.day >= first - FURTHEST,
        WasteEvent.day <= last + FURTHEST,
        or_(col(WasteEvent.usrn).is_(None), col(WasteEvent.usrn) == found.home.usrn),
        or_(col(WasteEvent.postcode).is_(None), col(WasteEvent.postcode) == found.home.postcode),
        or_(col(WasteEvent.home).is_(None), col(WasteEvent.home) == found.home.reference),
    )
    return session.exec(statement.order_by(col(WasteEvent.at), col(WasteEvent.id))).all()


def as_one_off(row: WasteEvent) -> OneOff:
    """The row as what happened to collections that it is about."""
    return OneOff(row.day, STANDING[row.kind], row.new_day, row.round, row.stream, row.cause.value, row.by_usual)


def changes_of_home(
    session: Session, found: FoundHome, first: date, last: date, *, with_misses: bool = True
) -> Changes:
    """Everything that moves collections of this home between these days. `with_misses`: also what was not completed at
    this one home, which is not for everybody to read.
    """
    return Changes(
        holidays_of(found.release.settings, first, last + timedelta(days=1)),
        moves(session, found.council.id, first, last),
        [
            as_one_off(one)
            for one in events_of_home(session, found, first, last)
            if with_misses or one.home is None or one.kind != EventKind.NOT_COMPLETED
        ],
    )
