"""Releases of collection days: compared with the active one, and put into force in one transaction."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import cast
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session, col, select

from notify.core import clock
from notify.core.errors import Conflict, NotFound
from notify.staff.service import audit
from notify.waste import queries
from notify.waste.home_days import today
from notify.waste.models import CollectionMove, CollectionRelease
from notify.waste.moved_days import Changes, collections
from notify.waste.queries import Rule
from notify.waste.schedule_file import ReleaseSettings

COMPARED = timedelta(days=56)
KEPT = 3  # the active one, and the two before it
Days = Mapping[int, tuple[str, Sequence[date]]]


class UnknownCollectionRelease(NotFound):
    """The council has no such release."""

    title = "There is no such release of collection days"


class ReleaseInForce(Conflict):
    """The release is active already, or was."""

    title = "The release was put into force before"


@dataclass(frozen=True, slots=True)
class Comparison:
    """What putting a release into force would change, in homes, for the days from `first` to `last`.

    `changed` are homes whose list of days differs, `by_stream` how many of them for each stream, and `weekdays` how
    many move from one weekday to another, as pairs of numbers from 0 for Monday.
    """

    first: date
    last: date
    new: int = 0
    gone: int = 0
    changed: int = 0
    same: int = 0
    by_stream: Mapping[str, int] = field(default_factory=dict)
    weekdays: Mapping[tuple[int, int], int] = field(default_factory=dict)


def releases(session: Session, council_id: UUID) -> Sequence[CollectionRelease]:
    """The council's releases, the newest first."""
    statement = select(CollectionRelease).where(CollectionRelease.council_id == council_id)
    return session.exec(statement.order_by(col(CollectionRelease.id).desc()).limit(50)).all()


def release(session: Session, council_id: UUID, number: str) -> CollectionRelease:
    """One of the council's releases by its number. Raises: UnknownCollectionRelease."""
    found = session.get(CollectionRelease, int(number)) if number.isdecimal() and len(number) < 10 else None
    if found is None or found.council_id != council_id:
        raise UnknownCollectionRelease("Your council has no such release. `notify waste list` shows what there is.")
    return found


def compare(session: Session, new: CollectionRelease) -> Comparison:
    """Lay a release beside the active one."""
    first = today()
    last = first + COMPARED
    active = queries.active_release(session, new.council_id)
    pairs = session.execute(text(PAIRS), {"new": new.id, "old": active.id if active else 0}).all()
    old_days = days_of(session, active, first, last) if active else {}
    new_days = days_of(session, new, first, last)
    counts: Counter[str] = Counter()
    by_stream: Counter[str] = Counter()
    weekdays: Counter[tuple[int, int]] = Counter()
    for old_rules, new_rules, homes in pairs:
        if old_rules is None or new_rules is None:
            counts["new" if old_rules is None else "gone"] += homes
            continue
        before, after = joined(old_days, old_rules), joined(new_days, new_rules)
        streams = {stream for stream in before.keys() | after.keys() if before.get(stream) != after.get(stream)}
        counts["changed" if streams else "same"] += homes
        for stream in streams:
            by_stream[stream] += homes
        if streams:
            weekdays.update({pair: homes for pair in _weekday_changes(before, after, streams)})
    return Comparison(
        first,
        last,
        **{name: counts[name] for name in ("new", "gone", "changed", "same")},
        by_stream=by_stream,
        weekdays=weekdays,
    )


def days_of(session: Session, of: CollectionRelease, first: date, last: date) -> Days:
    """For each rule of a release its stream and days, with its holidays and the table that would be in force."""
    holidays = queries.holidays_of(of.settings, first, last)
    table = {(one.usual, one.round, one.stream): one for one in queries.moves(session, of.council_id, first, last)}
    if of.activated_at is None:
        table |= {(one.usual, "", ""): queries.as_move(one) for one in _lines(of)}
    changes = Changes(holidays, list(table.values()))
    found: dict[int, tuple[str, Sequence[date]]] = {}
    for rule in queries.rules_of(session, cast(int, of.id)):
        found[rule.id] = (rule.stream, _dates(rule, changes, first, last))
    return found


def _dates(rule: Rule, changes: Changes, first: date, last: date) -> Sequence[date]:
    every = collections(
        rule.pattern, stream=rule.stream, round_code=rule.round, changes=changes, first=first, last=last
    )
    return [one.day for one in every if one.day]


def joined(days: Days, rules: Sequence[int]) -> Mapping[str, frozenset[date]]:
    """The days of each stream by these rules together."""
    found: dict[str, frozenset[date]] = {}
    for rule in rules:
        stream, own = days[rule]
        found[stream] = found.get(stream, frozenset()) | frozenset(own)
    return {stream: own for stream, own in found.items() if own}


def _weekday_changes(
    before: Mapping[str, frozenset[date]], after: Mapping[str, frozenset[date]], streams: set[str]
) -> set[tuple[int, int]]:
    return {
        (min(before[stream]).weekday(), min(after[stream]).weekday())
        for stream in streams
        if before.get(stream) and after.get(stream)
    }


def activate(session: Session, chosen: CollectionRelease, *, actor: str) -> Comparison:
    """Put the release into force instead of the active one, with its lines of the table; what that changed.

    Raises: ReleaseInForce.
    """
    if chosen.activated_at is not None:
        raise ReleaseInForce(f"Release {chosen.id} was put into force before. Load its files again to go back to it.")
    changed = compare(session, chosen)
    active = queries.active_release(session, chosen.council_id)
    if active:
        active.ended_at = clock.now()
        session.add(active)
        session.flush()
    chosen.activated_at = clock.now()
    session.add(chosen)
    session.flush()
    for line in _lines(chosen):
        set_move(session, line, actor=actor)
    _set_availability(session, chosen)
    session.execute(text(REMOVE_OLD), {"council": chosen.council_id, "kept": KEPT})
    counts = {name: getattr(changed, name) for name in ("new", "gone", "changed", "same")}
    audit(
        session,
        council_id=chosen.council_id,
        actor=actor,
        action="collections.activate",
        subject=str(chosen.id),
        name=chosen.name,
        **counts,
    )
    return changed


def _set_availability(session: Session, of: CollectionRelease) -> None:
    """Who has a stream is what the newest release says: one that was for all may be paid for by now."""
    said = ReleaseSettings.model_validate(of.settings).availability
    for code, stream in queries.streams(session, of.council_id).items():
        stream.availability = said.get(code, stream.availability)
        session.add(stream)


def _lines(of: CollectionRelease) -> Sequence[CollectionMove]:
    """The lines of the table that a release brings."""
    moves = ReleaseSettings.model_validate(of.settings).holidays.moves
    return [
        CollectionMove(
            council_id=of.council_id, usual=usual, revised=revised, reason="holiday", changed_by=of.loaded_by
        )
        for usual, revised in moves.items()
    ]


def set_move(session: Session, line: CollectionMove, *, actor: str) -> CollectionMove:
    """Put a line into the table, in place of the one for the same usual day, round and stream."""
    same = select(CollectionMove).where(
        CollectionMove.council_id == line.council_id,
        CollectionMove.usual == line.usual,
        CollectionMove.round == line.round,
        CollectionMove.stream == line.stream,
    )
    known = session.exec(same).first()
    if known is None:
        line.changed_by = actor
        session.add(line)
        return line
    if (known.revised, known.is_withdrawn) != (line.revised, line.is_withdrawn):
        known.revised, known.is_withdrawn, known.reason = line.revised, line.is_withdrawn, line.reason
        known.revision += 1
        known.changed_by, known.changed_at = actor, clock.now()
        session.add(known)
    return known


PAIRS = """
    WITH was AS (SELECT reference, rules FROM collection_home WHERE release_id = :old),
         will AS (SELECT reference, rules FROM collection_home WHERE release_id = :new)
    SELECT was.rules AS old_rules, will.rules AS new_rules, count(*) AS homes
    FROM was FULL JOIN will USING (reference) GROUP BY 1, 2
"""
REMOVE_OLD = """
    DELETE FROM collection_release r WHERE r.council_id = :council AND r.ended_at IS NOT NULL AND r.id NOT IN (
        SELECT k.id FROM collection_release k WHERE k.council_id = :council AND k.activated_at IS NOT NULL
        ORDER BY k.activated_at DESC LIMIT :kept)
"""
