"""Who gets which reminder or correction: one message for all streams of a day, by the revised day.

`collection_reminder_sent` is written in the same transaction as the ledger, so that nobody is reminded twice however
often this runs. Homes with the same rules, paid services and events share one calculation.
"""

import logging
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, time, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlmodel import Session, col, select

from notify.alerts.models import Alert
from notify.core import clock
from notify.core.clock import LONDON
from notify.staff.models import Council
from notify.subscribers.models import Topic
from notify.waste import messages, queries
from notify.waste.events import changed, sample
from notify.waste.home_days import collections_by, today, unsure_streams
from notify.waste.messages import WebhookWords
from notify.waste.models import Availability, CollectionRelease, Slot, WasteEvent
from notify.waste.moved_days import Changes, Collection
from notify.waste.queries import Rule
from notify.waste.recurrence import Span

log = logging.getLogger(__name__)

EVENING, MORNING, LAST_MORNING = time(18), time(7), time(12)
TOLD_BACK, TOLD_AHEAD = timedelta(days=3), timedelta(days=14)
AROUND = timedelta(days=31)
KEPT = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class Group:
    """Reminders of homes that have the same collections, because rules, paid services and events are the same."""

    rules: Sequence[Rule]
    paid: Mapping[str, Sequence[Span]]
    events: frozenset[UUID]
    reminders: Sequence[UUID]


@dataclass(frozen=True, slots=True)
class Plan:
    """What is needed to work out a council's collections around one day."""

    council_id: UUID
    release: CollectionRelease
    topic: Topic
    streams: messages.Streams
    changes: Changes
    events: Sequence[WasteEvent]
    groups: Sequence[Group]

    def collected(
        self, group: Group, first: date, last: date, events: Sequence[WasteEvent] | None = None
    ) -> Sequence[Collection]:
        """What this group's homes have collected, as far as these events, or all, are about them."""
        known = self.events if events is None else events
        said = [queries.as_one_off(one) for one in known if one.id in group.events]
        changes = Changes(self.changes.holidays, self.changes.moves, said)
        return collections_by(group.rules, changes, first, last, streams=self.streams, paid=group.paid)

    def changed_by(self, group: Group, event: WasteEvent) -> Sequence[Collection]:
        """The collections of this group that the event changed, as they were before it."""
        at = [one.id for one in self.events].index(event.id)
        span = (event.day - AROUND, event.day + AROUND)
        before = self.collected(group, *span, self.events[:at])
        return changed(before, self.collected(group, *span, self.events[: at + 1]))


def for_every_council(work: Callable[[Session, UUID], int]) -> Callable[[Session], int]:
    """A chore of the scheduler that does this for each council. What goes wrong for one is logged, and keeps no other
    from being served.
    """

    def one(session: Session, council_id: UUID) -> int:
        try:
            with session.begin_nested():
                return work(session, council_id)
        except Exception as error:  # whatever it is, it is one council's
            log.error(
                "collections not told", extra={"council": council_id, "error": type(error).__name__}, exc_info=True
            )
            return 0

    def task(session: Session) -> int:
        return sum(one(session, council_id) for council_id in session.exec(select(Council.id)).all())

    return task


def send_due(session: Session, council_id: UUID) -> int:
    """Remind of tomorrow from 18:00 on, and of today from 07:00 on; how many messages."""
    now = clock.now().astimezone(LONDON)
    if now.time() >= EVENING:
        return _remind(session, council_id, Slot.EVENING, now.date() + timedelta(days=1))
    if MORNING <= now.time() < LAST_MORNING:
        return _remind(session, council_id, Slot.MORNING, now.date())
    return 0


def _remind(session: Session, council_id: UUID, slot: Slot, day: date) -> int:
    wanting = f"r.{slot.value} AND NOT EXISTS ({SENT})"
    found = plan(session, council_id, day, wanting, {"day": day, "slot": slot.value})
    if found is None:
        return 0
    by_content: dict[tuple[Collection, ...], list[UUID]] = defaultdict(list)
    for group in found.groups:
        due = tuple(one for one in found.collected(group, day, day) if one.day == day)
        if due:
            by_content[tuple(_plain(one) for one in due)] += group.reminders
    written = 0
    for due, reminders in by_content.items():
        said = messages.make_alert(
            found.topic,
            partial(messages.reminder, slot, day, due, found.streams),
            about=f"{slot} {day} {','.join(one.stream for one in due)}",
            # what says “tomorrow” is not sent on the day itself, as after quiet hours
            expires_at=clock.midnight(day) if slot is Slot.EVENING else messages.noon_of(day),
            webhook=WebhookWords("collection.reminder", _about_day(day, [one.stream for one in due])),
        )
        written += _send(session, said, reminders, day, slot.value, [one.stream for one in due])
    return written


def _about_day(day: date, streams: Sequence[str]) -> Mapping[str, object]:
    return {"collection": {"day": day.isoformat(), "streams": list(streams)}}


def _plain(one: Collection) -> Collection:
    """What a reminder says of it: rounds and counts of changes make no other message."""
    return Collection(one.stream, "", one.usual, one.day, one.standing)


def correct(session: Session, council_id: UUID) -> int:
    """Tell those who were reminded of something that is not collected on that day any more; how many messages.

    Who was told of an event about it knows already.
    """
    now = today()
    found = plan(session, council_id, now, f"EXISTS ({REMINDED})", {"day": now, "next": now + timedelta(days=1)})
    if found is None:
        return 0
    said = defaultdict(list)
    rows = session.execute(text(REMINDED_OF), {"council": council_id, "day": now}).all()
    by_reminder = {reminder: at for at, group in enumerate(found.groups) for reminder in group.reminders}
    still: dict[tuple[int, date], set[str]] = {}
    for reminder, day, streams in rows:
        at = by_reminder.get(reminder)
        if at is None:
            continue
        if (at, day) not in still:
            still[at, day] = {one.stream for one in found.collected(found.groups[at], day, day) if one.day == day}
        if gone := tuple(sorted(set(streams) - still[at, day])):
            said[(day, gone)].append(reminder)
    written = 0
    for (day, gone), reminders in said.items():
        alert = messages.make_alert(
            found.topic,
            partial(messages.correction, day, gone, found.streams),
            about=f"correction {day} {','.join(gone)}",
            expires_at=messages.end_of(day),
            webhook=WebhookWords("collection.correction", _about_day(day, gone)),
        )
        written += _send(session, alert, reminders, day, f"correction:{','.join(gone)}", gone)
    return written


def tell_changes(session: Session, council_id: UUID) -> int:
    """Tell everyone with a reminder for a home what happened to its collections; how many messages."""
    new = session.exec(
        select(WasteEvent)
        .where(WasteEvent.council_id == council_id, col(WasteEvent.told_at).is_(None))
        .order_by(col(WasteEvent.at))
        .with_for_update(skip_locked=True)
    ).all()
    return sum(_tell(session, event) for event in new)


def _tell(session: Session, event: WasteEvent) -> int:
    event.told_at = clock.now()
    session.add(event)
    session.flush()
    if not today() - TOLD_BACK <= event.day <= today() + TOLD_AHEAD:
        return 0
    _tell_systems(session, event)
    found = plan(session, event.council_id, event.day, "true", {})
    if found is None:
        return 0
    by_content: dict[tuple[Collection, ...], list[UUID]] = defaultdict(list)
    for group in found.groups:
        hit = tuple(_plain(one) for one in found.changed_by(group, event)) if event.id in group.events else ()
        if hit:
            by_content[hit] += group.reminders
    for hit, reminders in by_content.items():
        alert = messages.make_alert(
            found.topic,
            partial(messages.change, event, hit, found.streams),
            about=f"change {event.id} {','.join(one.stream for one in hit)}",
            expires_at=messages.end_of(max(event.day, event.new_day or event.day)),
            webhook=messages.of_event(event, [one.stream for one in hit]),
        )
        event.told += _send(session, alert, reminders, event.day, f"change:{event.id}", [one.stream for one in hit])
    session.add(event)
    return event.told


def _tell_systems(session: Session, event: WasteEvent) -> None:
    """Tell systems that follow the topic by webhook. What happened at one home alone, or to what only some pay for, is
    nothing for them.
    """
    topic = messages.topic_of(session, event.council_id)
    if topic is None or event.home is not None:
        return
    streams = dict(queries.streams(session, event.council_id))
    open_to_all = {code: one for code, one in streams.items() if one.availability != Availability.SUBSCRIBERS}
    hit = tuple({one.stream: _plain(one) for one in sample(session, event, open_to_all)}.values())
    if not hit:
        return
    alert = messages.make_alert(
        topic,
        partial(messages.change, event, hit, streams),
        about=f"change {event.id} for systems",
        expires_at=messages.end_of(max(event.day, event.new_day or event.day)),
        webhook=messages.of_event(event, [one.stream for one in hit]),
    )
    session.add(alert)
    session.flush()
    messages.deliver_to_systems(session, alert)


def _send(
    session: Session, alert: Alert, reminders: Sequence[UUID], day: date, slot: str, streams: Sequence[str]
) -> int:
    session.add(alert)
    session.flush()
    values = {"reminders": list(reminders), "day": day, "slot": slot, "alert": alert.id, "streams": list(streams)}
    if not session.execute(text(NOTE), values | {"now": clock.now()}).all():
        session.delete(alert)  # another scheduler was first
        return 0
    return messages.deliver(session, alert)


def plan(session: Session, council_id: UUID, day: date, condition: str, values: Mapping[str, object]) -> Plan | None:
    """What is needed to work out this council's collections around `day`, for reminders `r` of which `condition`
    holds; None where nobody is to be reminded, or no day may be stated.
    """
    release = queries.active_release(session, council_id)
    topic = messages.topic_of(session, council_id)
    if release is None or topic is None or release.fresh_until < today():
        return None
    known = {
        "release": release.id,
        "council": council_id,
        "first": day - timedelta(days=60),
        "last": day + timedelta(days=60),
    }
    rows = session.execute(text(GROUPS.format(condition=condition)), {**known, **values}).all()
    if not rows:
        return None
    rules = queries.rules(session, {rule for row in rows for rule in row.rules})
    events = queries.events(session, council_id, day, day)
    everywhere = {one.id for one in events if one.usrn is None and one.postcode is None and one.home is None}
    return Plan(
        council_id,
        release,
        topic,
        dict(queries.streams(session, council_id)),
        Changes(queries.holidays_of(release.settings, day, day), queries.moves(session, council_id, day, day)),
        events,
        list(_groups(rows, rules, everywhere)),
    )


def _groups(rows: Sequence[Row[Any]], rules: Mapping[int, Rule], everywhere: set[UUID]) -> Iterator[Group]:
    for row in rows:
        own = [rules[rule] for rule in row.rules if rule in rules]
        over = unsure_streams(own, today())
        paid: dict[str, list[Span]] = defaultdict(list)
        for stream, starts, ends in row.paid or ():
            paid[stream].append(Span(first=date.fromisoformat(starts), last=date.fromisoformat(ends)))
        known = [rule for rule in own if rule.stream not in over]
        events = everywhere | {UUID(str(one)) for one in row.events or ()}
        yield Group(known, paid, frozenset(events), row.reminders)


def remove_old(session: Session) -> None:
    """Forget reminders that were sent long ago. A chore."""
    values = {"before": clock.now() - KEPT}
    session.execute(text("DELETE FROM collection_reminder_sent WHERE at < :before"), values)
    session.execute(text("DELETE FROM collection_report WHERE handled_at < :before"), values)


SENT = """
    SELECT FROM collection_reminder_sent n WHERE n.reminder_id = r.id AND n.day = :day AND n.slot = :slot
"""
REMINDED = """
    SELECT FROM collection_reminder_sent n WHERE n.reminder_id = r.id AND n.day IN (:day, :next)
       AND n.slot IN ('evening', 'morning')
"""
# reminded, and of that stream told of no change since
REMINDED_OF = """
    SELECT n.reminder_id, n.day, array_agg(DISTINCT stream) AS streams
    FROM collection_reminder_sent n
    JOIN collection_reminder r ON r.id = n.reminder_id AND r.council_id = :council
    CROSS JOIN unnest(n.streams) AS stream
    WHERE n.day BETWEEN :day AND CAST(:day AS date) + 1 AND n.slot IN ('evening', 'morning')
      AND NOT EXISTS (SELECT FROM collection_reminder_sent o WHERE o.reminder_id = n.reminder_id AND o.day = n.day
                      AND (o.slot LIKE 'correction:%' OR o.slot LIKE 'change:%')
                      AND stream = ANY(o.streams) AND o.at >= n.at)
    GROUP BY n.reminder_id, n.day
"""
NOTE = """
    INSERT INTO collection_reminder_sent (reminder_id, day, slot, alert_id, streams, at)
    SELECT id, :day, :slot, :alert, :streams, :now FROM unnest(CAST(:reminders AS uuid[])) AS id
    ON CONFLICT DO NOTHING RETURNING reminder_id
"""
GROUPS = """
    WITH local AS (
        SELECT e.id, e.usrn, e.postcode, e.home FROM waste_event e
        WHERE e.council_id = :council AND e.day BETWEEN :first AND :last
          AND (e.usrn IS NOT NULL OR e.postcode IS NOT NULL OR e.home IS NOT NULL)
    ), wanted AS (
        SELECT r.id, h.rules,
               (SELECT jsonb_agg(jsonb_build_array(v.stream, v.starts, v.ends) ORDER BY v.stream, v.starts)
                FROM collection_service v WHERE v.release_id = :release AND v.reference = h.reference
                  AND EXISTS (SELECT FROM place p WHERE p.subscriber_id = r.subscriber_id AND p.postcode = h.postcode)
               ) AS paid,
               (SELECT array_agg(CAST(l.id AS text) ORDER BY l.id) FROM local l
                WHERE (l.usrn IS NULL OR l.usrn = h.usrn) AND (l.postcode IS NULL OR l.postcode = h.postcode)
                  AND (l.home IS NULL OR l.home = h.reference)) AS events
        FROM collection_reminder r
        JOIN collection_home h ON h.release_id = :release AND h.reference = r.home
        WHERE r.council_id = :council AND {condition}
    )
    SELECT rules, paid, events, array_agg(id) AS reminders FROM wanted GROUP BY rules, paid, events
"""
