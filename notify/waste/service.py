"""The holiday table, the words of streams, open data about rounds, and reports that a day is wrong."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Self
from uuid import UUID

from pydantic import model_validator
from sqlmodel import Field, Session, col, select

from notify.core import clock
from notify.core.db import Input
from notify.core.errors import NotFound
from notify.core.typed_text import Typed
from notify.staff.models import Council
from notify.staff.service import audit
from notify.waste import events, queries, releases
from notify.waste.home_days import AHEAD, HomeDays, today, unsure_streams
from notify.waste.models import Availability, CollectionMove, CollectionReport, Stream
from notify.waste.moved_days import Changes, PlannedDay, collections
from notify.waste.queries import Rule
from notify.waste.recurrence import WEEKDAYS, Pattern
from notify.waste.views import RoundsView, RoundView, SourceView

FURTHEST_MOVE = timedelta(days=28)
SHOWN_BACK = timedelta(days=28)
MOST_OPEN_REPORTS = 200


class UnknownReport(NotFound):
    """No such report waits for this council."""

    title = "There is no such report"


class NewMove(Input):
    """A line of the table: what is usually collected on `usual` is collected on `revised`, or not at all if empty.

    For one round or stream where they are given. `is_withdrawn` takes the line back.
    """

    usual: PlannedDay
    revised: date | None = None
    round: Typed = Field(default="", max_length=60)
    stream: Typed = Field(default="", max_length=60)
    reason: Typed = Field(default="holiday", max_length=80)
    is_withdrawn: bool = False

    @model_validator(mode="after")
    def _is_near(self) -> Self:
        if self.revised and abs(self.revised - self.usual) > FURTHEST_MOVE:
            raise ValueError("A collection moves by at most 28 days.")
        return self


def table(session: Session, council_id: UUID) -> Sequence[CollectionMove]:
    """The lines in force, from four weeks ago on, by usual day."""
    statement = select(CollectionMove).where(
        CollectionMove.council_id == council_id,
        CollectionMove.usual >= today() - SHOWN_BACK,
        col(CollectionMove.is_withdrawn).is_(False),
    )
    order = (col(CollectionMove.usual), CollectionMove.round, CollectionMove.stream)
    return session.exec(statement.order_by(*order)).all()


def set_moves(session: Session, council_id: UUID, lines: Sequence[NewMove], *, actor: str) -> None:
    """Put lines into the table, with a line in the audit trail."""
    for line in lines:
        releases.set_move(
            session, CollectionMove(council_id=council_id, changed_by=actor, **line.model_dump()), actor=actor
        )
    said = [line.model_dump(mode="json", exclude_defaults=True) for line in lines[:50]]
    audit(session, council_id=council_id, actor=actor, action="collections.moves", subject=str(council_id), lines=said)


def preview_moves(
    session: Session, council_id: UUID, lines: Sequence[NewMove]
) -> Sequence[tuple[Rule, date, date | None]]:
    """Every date of a round that the lines would move: the rule, the usual day, and the new one."""
    release = queries.active_release(session, council_id)
    if release is None or not lines:
        return []
    first, last = min(line.usual for line in lines), max(line.usual for line in lines)
    moves = [queries.as_move(CollectionMove(council_id=council_id, changed_by="", **one.model_dump())) for one in lines]
    changes = Changes(queries.holidays_of(release.settings, first, last), moves)
    shown = []
    for rule in queries.rules_of(session, release.id or 0):
        about = {one.usual for one in moves if one.is_about(rule.round, rule.stream)}
        found = collections(
            rule.pattern,
            stream=rule.stream,
            round_code=rule.round,
            changes=changes,
            first=first - FURTHEST_MOVE,
            last=last + FURTHEST_MOVE,
        )
        shown += [(rule, one.usual, one.day) for one in found if one.usual in about]
    return sorted(shown, key=lambda line: (line[1], line[0].round, line[0].stream))


def open_rounds(session: Session, council: Council) -> RoundsView:
    """The rounds of the active release as open data, without what only some pay for, and without lists of one home."""
    release = queries.active_release(session, council.id)
    if release is None:
        return RoundsView(council=council.slug, rounds=[], source=None)
    streams = queries.streams(session, council.id)
    first, last = today(), today() + AHEAD
    is_fresh = release.fresh_until >= first
    changes = Changes(
        queries.holidays_of(release.settings, first, last),
        queries.moves(session, council.id, first, last),
        [
            queries.as_one_off(one)
            for one in queries.events(session, council.id, first, last)
            if not events.is_local(one)
        ],
    )
    shown = []
    for rule in queries.rules_of(session, release.id or 0):
        stream = streams.get(rule.stream)
        if rule.pattern.dates or (stream and stream.availability == Availability.SUBSCRIBERS):
            continue
        days = _next_days(rule, changes, first, last) if is_fresh else []
        pattern = rule.pattern.model_dump(mode="json", exclude_defaults=True)
        shown.append(RoundView(round=rule.round, stream=rule.stream, rule=pattern, next=list(days)))
    source = SourceView(
        name=release.source,
        licence=release.licence,
        fetched_at=release.fetched_at,
        fresh_until=release.fresh_until,
        is_fresh=is_fresh,
    )
    return RoundsView(council=council.slug, rounds=shown, source=source)


def _next_days(rule: Rule, changes: Changes, first: date, last: date) -> Sequence[date]:
    if unsure_streams([rule], first):
        return []
    every = collections(
        rule.pattern, stream=rule.stream, round_code=rule.round, changes=changes, first=first, last=last
    )
    return [one.day for one in every if one.day]


def report_wrong(session: Session, shown: HomeDays, words: str) -> CollectionReport:
    """Keep that someone says the days of this home are wrong, with the days that they were shown."""
    days: dict[str, list[str]] = {}
    for one in shown.collections:
        if one.day:
            days.setdefault(one.stream, []).append(one.day.isoformat())
    made = CollectionReport(
        council_id=shown.found.council.id, home=shown.found.home.reference, words=words[:500], days=days
    )
    session.add(made)
    return made


def open_reports(session: Session, council_id: UUID) -> Sequence[CollectionReport]:
    """What waits for an answer, the oldest first."""
    statement = select(CollectionReport).where(
        CollectionReport.council_id == council_id, col(CollectionReport.handled_at).is_(None)
    )
    return session.exec(statement.order_by(col(CollectionReport.at)).limit(MOST_OPEN_REPORTS)).all()


def close_report(session: Session, council_id: UUID, report_id: UUID, *, actor: str) -> None:
    """Say that a report was dealt with. Raises: UnknownReport."""
    found = session.get(CollectionReport, report_id)
    if found is None or found.council_id != council_id:
        raise UnknownReport("It may have been dealt with, or is another council's.")
    found.handled_at, found.handled_by = clock.now(), actor
    session.add(found)


def set_stream(
    session: Session, council_id: UUID, code: str, words: dict[str, dict[str, str]], *, actor: str
) -> Stream:
    """Change the words of a stream: `names`, `containers` and `contents` by language. Raises: KeyError."""
    stream = queries.streams(session, council_id)[code]
    stream.names, stream.containers, stream.contents = (
        {language: text for language, text in words[name].items() if text}
        for name in ("names", "containers", "contents")
    )
    session.add(stream)
    audit(session, council_id=council_id, actor=actor, action="collections.stream", subject=code)
    return stream


def in_words(pattern: Pattern) -> str:
    """The rule for officers, such as `Tuesday, every 2 weeks from 1 December 2026`."""
    if pattern.dates:
        return f"{len(pattern.dates)} dates"
    days = " and ".join(WEEKDAYS[day].capitalize() for day in pattern.weekdays)
    if pattern.nth:
        which = {1: "first", 2: "second", 3: "third", 4: "fourth", 5: "fifth", -1: "last"}
        return f"{' and '.join(which[one] for one in pattern.nth)} {days} of the month"
    every = "every week" if pattern.every_weeks == 1 else f"every {pattern.every_weeks} weeks"
    return f"{days}, {every}" + (f", counted from {pattern.anchor:%-d %B %Y}" if pattern.anchor else "")
