"""What is collected at one home, and how sure that is: the one answer that every page, feed and message gives."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlmodel import Session

from notify.core import clock
from notify.core.clock import LONDON
from notify.waste import queries
from notify.waste.models import Availability, Stream
from notify.waste.moved_days import Changes, collections
from notify.waste.moved_days import Collection as Collected
from notify.waste.queries import FoundHome, Rule
from notify.waste.recurrence import Span

AHEAD = timedelta(days=56)


@dataclass(frozen=True, slots=True)
class HomeDays:
    """Collections of a home from `first` to `last`, by day. `unsure` are streams without a fresh source, for which no
    day is stated; where `is_fresh` is false that is all of them.
    """

    found: FoundHome
    first: date
    last: date
    collections: Sequence[Collected]
    streams: Mapping[str, Stream]
    unsure: Sequence[str]
    is_fresh: bool

    @property
    def source(self) -> str:
        """Where the days are from."""
        return self.found.release.source

    @property
    def fetched_at(self) -> datetime:
        """When the source said so."""
        return self.found.release.fetched_at

    @property
    def by_day(self) -> Mapping[date, Sequence[Collected]]:
        """What is collected on each day on which something is."""
        found: dict[date, list[Collected]] = {}
        for one in self.collections:
            if one.day is not None:
                found.setdefault(one.day, []).append(one)
        return found

    @property
    def called_off(self) -> Sequence[Collected]:
        """What is not collected on its usual day, and on no other that is known."""
        return [one for one in self.collections if one.day is None]


def today() -> date:
    """The day in this country."""
    return clock.now().astimezone(LONDON).date()


def days_of_home(session: Session, found: FoundHome, first: date, last: date, *, with_paid: bool = False) -> HomeDays:
    """The home's collections between these days. What only subscribers have, and what was missed at this home and at no
    other, is there `with_paid` alone.
    """
    streams = queries.streams(session, found.council.id)
    rules = list(queries.rules(session, found.home.rules).values())
    paid = queries.services(session, found.release.id or 0, found.home.reference) if with_paid else {}
    is_fresh = found.release.fresh_until >= today()
    unsure = [] if is_fresh else sorted({rule.stream for rule in rules})
    if is_fresh:
        unsure = unsure_streams(rules, today())
    unsure = [code for code in unsure if not _is_hidden(code, streams, paid)]
    known = [rule for rule in rules if is_fresh and rule.stream not in unsure]
    changes = queries.changes_of_home(session, found, first, last, with_misses=with_paid) if known else Changes()
    collected = collections_by(known, changes, first, last, streams=streams, paid=paid)
    return HomeDays(found, first, last, collected, streams, unsure, is_fresh)


def unsure_streams(rules: Sequence[Rule], at: date) -> list[str]:
    """Streams whose lists of days have all ended before this day, so that nothing is known of them any more."""
    lists: dict[str, list[Rule]] = {}
    for rule in rules:
        lists.setdefault(rule.stream, []).append(rule)
    return sorted(
        stream
        for stream, own in lists.items()
        if all(rule.pattern.dates and max(rule.pattern.dates) < at for rule in own)
    )


def collections_by(
    rules: Sequence[Rule],
    changes: Changes,
    first: date,
    last: date,
    *,
    streams: Mapping[str, Stream],
    paid: Mapping[str, Sequence[Span]],
) -> Sequence[Collected]:
    """What these rules collect between these days, each stream once a day, by day and the streams' order."""
    found: dict[tuple[str, date | None, date | None], Collected] = {}
    for rule in rules:
        if _is_hidden(rule.stream, streams, paid):
            continue
        for one in collections(
            rule.pattern, stream=rule.stream, round_code=rule.round, changes=changes, first=first, last=last
        ):
            if rule.stream not in paid or any(span.holds(one.usual) for span in paid[rule.stream]):
                found.setdefault((one.stream, one.day, None if one.day else one.usual), one)
    order = {code: at for at, code in enumerate(streams)}
    return sorted(found.values(), key=lambda one: (one.day or one.usual, order.get(one.stream, 0)))


def _is_hidden(code: str, streams: Mapping[str, Stream], paid: Collection[str]) -> bool:
    """Whether the stream is only for those who pay, and this home does not or nobody may know."""
    stream = streams.get(code)
    return stream is not None and stream.availability == Availability.SUBSCRIBERS and code not in paid
