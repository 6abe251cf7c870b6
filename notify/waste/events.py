"""“Something happened today”: collections that are moved, not completed or cancelled, and who they concern."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Self
from uuid import UUID

from pydantic import model_validator
from sqlalchemy import text
from sqlmodel import Field, Session, col, select

from notify.core.db import Input
from notify.core.errors import Invalid
from notify.core.typed_text import Typed
from notify.places.postcodes import normalise
from notify.staff.service import audit
from notify.waste import queries
from notify.waste.home_days import today
from notify.waste.models import Cause, EventKind, WasteEvent
from notify.waste.moved_days import FURTHEST, Changes, Collection, PlannedDay, collections
from notify.waste.queries import Rule

FURTHEST_MOVE = timedelta(days=28)
LOOKED_BACK = timedelta(weeks=8)
MANY_MISSES = 3
MOST_SHOWN = 100


class NobodyConcerned(Invalid):
    """Nothing is collected there on that day."""

    title = "Nothing is collected there on that day"


class NewEvent(Input):
    """What happened to the collections of `day`: of a round, a stream, a street, a postcode, a home, or of all.

    `day` is the planned day, with holidays and table; with `by_usual` the usual one. `new_day` is needed when moved.
    """

    kind: EventKind
    day: PlannedDay
    new_day: date | None = None
    round: Typed = Field(default="", max_length=60)
    stream: Typed = Field(default="", max_length=60)
    usrn: Typed | None = Field(default=None, max_length=20)
    postcode: Typed | None = Field(default=None, max_length=20)
    home: Typed | None = Field(default=None, max_length=80)
    cause: Cause = Cause.OTHER
    by_usual: bool = False

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.kind == EventKind.CANCELLED and self.new_day:
            raise ValueError("What is cancelled has no new day: say that it is moved.")
        if self.kind == EventKind.MOVED and not self.new_day:
            raise ValueError("Say the new day.")
        if self.new_day and abs(self.new_day - self.day) > FURTHEST_MOVE:
            raise ValueError("A collection moves by at most 28 days.")
        return self


@dataclass(frozen=True, slots=True)
class Concerned:
    """How many homes an event is about, and how many subscribers get reminders for one of them."""

    homes: int
    subscribers: int


@dataclass(frozen=True, slots=True)
class Miss:
    """A home whose collections were not completed or were cancelled on several days of the last eight weeks."""

    reference: str
    label: str
    postcode: str
    days: Sequence[date]


def newest(session: Session, council_id: UUID) -> Sequence[WasteEvent]:
    """The council's events, the newest first."""
    statement = select(WasteEvent).where(WasteEvent.council_id == council_id)
    return session.exec(statement.order_by(col(WasteEvent.at).desc()).limit(MOST_SHOWN)).all()


def as_event(council_id: UUID, new: NewEvent, *, actor: str) -> WasteEvent:
    """The event as it would be kept. Raises: PostcodeNotValid."""
    fields = new.model_dump() | {"postcode": normalise(new.postcode) if new.postcode else None}
    return WasteEvent(council_id=council_id, created_by=actor, **fields)


def add(session: Session, council_id: UUID, new: NewEvent, *, actor: str) -> WasteEvent:
    """Keep what happened; who asked for reminders is told by `reminders.tell_changes` within a minute.

    Raises: NobodyConcerned, PostcodeNotValid.
    """
    event = as_event(council_id, new, actor=actor)
    event.homes = concerned(session, event).homes
    if not event.homes:
        raise NobodyConcerned(f"No home of your active release has such a collection planned on {new.day:%-d %B %Y}.")
    session.add(event)
    said = new.model_dump(mode="json", exclude_defaults=True)
    audit(session, council_id=council_id, actor=actor, action="collections.event", subject=str(event.id), **said)
    session.flush()
    return event


def concerned(session: Session, event: WasteEvent) -> Concerned:
    """How many homes and subscribers the event is about, before or after it is kept."""
    release = queries.active_release(session, event.council_id)
    if release is None:
        return Concerned(0, 0)
    where = {"release": release.id, "usrn": event.usrn, "postcode": event.postcode, "home": event.home}
    span = {"first": event.day - FURTHEST, "last": event.day + FURTHEST}
    rows = session.execute(text(HOMES), {**where, **span, "council": event.council_id}).all()
    rules = {one.id: one for one in queries.rules_of(session, release.id or 0)}
    earlier = [one for one in queries.events(session, event.council_id, event.day, event.day) if one.id != event.id]
    everywhere = {str(one.id) for one in earlier if not is_local(one)}
    holidays = queries.holidays_of(release.settings, event.day, event.day)
    moves = queries.moves(session, event.council_id, event.day, event.day)
    homes = subscribers = 0
    for row in rows:
        said = [queries.as_one_off(one) for one in earlier if str(one.id) in everywhere | set(row.events or ())]
        own = [rules[rule] for rule in row.rules if rule in rules]
        if any(_is_changed(rule, Changes(holidays, moves, said), event) for rule in own):
            homes, subscribers = homes + row.homes, subscribers + row.subscribers
    return Concerned(homes, subscribers)


def sample(session: Session, event: WasteEvent, streams: Mapping[str, object]) -> Sequence[Collection]:
    """The collections that a message about the event would name, if it were about whole rounds."""
    release = queries.active_release(session, event.council_id)
    if release is None:
        return []
    before = Changes(
        queries.holidays_of(release.settings, event.day, event.day),
        queries.moves(session, event.council_id, event.day, event.day),
    )
    after = Changes(before.holidays, before.moves, [queries.as_one_off(event)])
    first, last = event.day - FURTHEST_MOVE, event.day + FURTHEST_MOVE
    found: dict[str, Collection] = {}
    for rule in queries.rules_of(session, release.id or 0):
        was, now = (
            collections(rule.pattern, stream=rule.stream, round_code=rule.round, changes=one, first=first, last=last)
            for one in (before, after)
        )
        found |= {one.stream: one for one in changed(was, now) if one.stream in streams}
    return list(found.values())


def _is_changed(rule: Rule, before: Changes, event: WasteEvent) -> bool:
    after = Changes(before.holidays, before.moves, [*before.one_offs, queries.as_one_off(event)])
    first, last = event.day - FURTHEST_MOVE, event.day + FURTHEST_MOVE
    was, now = (
        collections(rule.pattern, stream=rule.stream, round_code=rule.round, changes=one, first=first, last=last)
        for one in (before, after)
    )
    return bool(changed(was, now))


def changed(before: Sequence[Collection], after: Sequence[Collection]) -> Sequence[Collection]:
    """Those of `before` about which something else is said now."""
    now = {(one.stream, one.round, one.usual): (one.day, one.standing, one.changes) for one in after}
    keys = [(one, (one.stream, one.round, one.usual)) for one in before]
    return [one for one, key in keys if key in now and now[key] != (one.day, one.standing, one.changes)]


def is_local(event: WasteEvent) -> bool:
    """Whether it is about some homes of a round only."""
    return any(place is not None for place in (event.usrn, event.postcode, event.home))


def repeated_misses(session: Session, council_id: UUID) -> Sequence[Miss]:
    """Homes with three or more days in the last eight weeks on which a collection did not happen, the worst first."""
    release = queries.active_release(session, council_id)
    if release is None:
        return []
    since = today() - LOOKED_BACK
    values = {"release": release.id, "council": council_id, "since": since, "many": MANY_MISSES, "most": MOST_SHOWN}
    return [Miss(*row) for row in session.execute(text(MISSES), values)]


_HERE = """(CAST(:usrn AS text) IS NULL OR h.usrn = :usrn)
        AND (CAST(:postcode AS text) IS NULL OR h.postcode = :postcode)
        AND (CAST(:home AS text) IS NULL OR h.reference = :home)"""
HOMES = f"""
    WITH local AS (
        SELECT e.id, e.usrn, e.postcode, e.home FROM waste_event e
        WHERE e.council_id = :council AND e.day BETWEEN :first AND :last
          AND (e.usrn IS NOT NULL OR e.postcode IS NOT NULL OR e.home IS NOT NULL)
    ), here AS (
        SELECT h.reference, h.rules, (SELECT array_agg(CAST(l.id AS text) ORDER BY l.id) FROM local l
            WHERE (l.usrn IS NULL OR l.usrn = h.usrn) AND (l.postcode IS NULL OR l.postcode = h.postcode)
              AND (l.home IS NULL OR l.home = h.reference)) AS events
        FROM collection_home h WHERE h.release_id = :release AND {_HERE}
    )
    SELECT h.rules, h.events, count(*) AS homes, coalesce(sum(n.subscribers), 0)::integer AS subscribers
    FROM here h
    LEFT JOIN (SELECT home, count(DISTINCT subscriber_id) AS subscribers FROM collection_reminder
               WHERE council_id = :council GROUP BY home) n ON n.home = h.reference
    GROUP BY h.rules, h.events
"""
MISSES = """
    WITH missed AS (
        SELECT e.day, e.round, e.stream, e.usrn, e.postcode, e.home FROM waste_event e
        WHERE e.council_id = :council AND e.kind IN ('not-completed', 'cancelled') AND e.day >= :since
    )
    SELECT h.reference, h.label, h.postcode, array_agg(DISTINCT m.day ORDER BY m.day) AS days
    FROM missed m
    JOIN collection_home h ON h.release_id = :release AND (m.usrn IS NULL OR m.usrn = h.usrn)
         AND (m.postcode IS NULL OR m.postcode = h.postcode) AND (m.home IS NULL OR m.home = h.reference)
    WHERE m.round = '' AND m.stream = '' OR EXISTS (
        SELECT FROM collection_rule r WHERE r.id = ANY(h.rules) AND (m.round = '' OR r.round = m.round)
                                        AND (m.stream = '' OR r.stream = m.stream))
    GROUP BY h.reference, h.label, h.postcode HAVING count(DISTINCT m.day) >= :many
    ORDER BY count(DISTINCT m.day) DESC, h.postcode, h.label LIMIT :most
"""
