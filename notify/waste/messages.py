"""What reminders and messages about changes say, and how they enter the ledger of deliveries.

Each is an alert of the council's topic for collections that a rule sends: consent, suppression, quiet hours and budget
are those of every alert. No parts (`[]`) marks it as one of many, which public pages and counts leave out.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from uuid import UUID

from sqlmodel import Session, col, select

from notify.alerts.models import Alert, AlertState, Priority
from notify.core import clock
from notify.core.clock import LONDON
from notify.core.settings import settings
from notify.deliveries.fan_out import write_ledger
from notify.languages import LANGUAGES, _, speaking
from notify.providers.base import Channel
from notify.subscribers.models import Topic, TopicPurpose
from notify.subscribers.queries import AudienceSql
from notify.subscribers.suppression.scope import IS_SUPPRESSED
from notify.waste.models import Slot, Stream, WasteEvent
from notify.waste.moved_days import Collection, Standing
from notify.waste.words import cause_words, container_words, joined, short_date, stream_words

TOPIC_SLUGS = ("bins", "bin-collections", "waste", "collections")
CREATED_BY = "collections"
WORTHLESS_AT = time(12)  # nobody puts a bin out at noon
LONGEST_TITLE = 120
NO_CALLS = frozenset({Channel.VOICE})
Streams = dict[str, Stream]


@dataclass(frozen=True, slots=True)
class Words:
    """Title and body in one language."""

    title: str
    body: str


def topic_of(session: Session, council_id: UUID) -> Topic | None:
    """The topic that reminders are sent for: the council's `bins`, or one of the other usual names."""
    found = session.exec(
        select(Topic).where(
            Topic.council_id == council_id,
            col(Topic.slug).in_(TOPIC_SLUGS),
            Topic.purpose != TopicPurpose.EMERGENCY,
            col(Topic.merged_into_id).is_(None),
            col(Topic.closes_at).is_(None),
        )
    ).all()
    return min(found, key=lambda topic: TOPIC_SLUGS.index(topic.slug), default=None)


def reminder(slot: Slot, day: date, due: Sequence[Collection], streams: Streams) -> Words:
    """“Put out your black bin and food caddy”, with where a day was moved from."""
    containers = [container_words(streams[one.stream]) for one in due]
    earliest = min(streams[one.stream].put_out_by for one in due)
    when = _("Bins tomorrow") if slot is Slot.EVENING else _("Bins today")
    lines = [
        _(
            "Put out your {containers} by {time} on {day}.",
            containers=joined(containers),
            time=f"{earliest:%H:%M}",
            day=short_date(day),
        )
    ]
    for usual in sorted({one.usual for one in due if one.standing is Standing.MOVED}):
        lines.append(_("This collection is moved from {day}.", day=short_date(usual)))
    return _titled(f"{when}: {joined(containers)}", lines)


def correction(day: date, gone: Sequence[str], streams: Streams) -> Words:
    """What a reminder said that does not hold any more."""
    names = joined([stream_words(streams[code]) for code in gone if code in streams])
    lines = [
        _(
            "We told you to put out: {streams}. It is not collected on {day} after all.",
            streams=names,
            day=short_date(day),
        ),
        _("We’ll remind you again before the new day."),
    ]
    return _titled(_("Change to your bin collection on {day}", day=short_date(day)), lines)


def change(event: WasteEvent, due: Sequence[Collection], streams: Streams) -> Words:
    """What happened to collections of a day, and when they are collected now."""
    names = joined([stream_words(streams[one.stream]) for one in due])
    day = short_date(event.day)
    if event.new_day:
        said = _(
            "{streams}: collected on {new} instead of {day}.", streams=names, new=short_date(event.new_day), day=day
        )
    elif event.kind.value == "cancelled":
        said = _("{streams}: the collection on {day} is cancelled.", streams=names, day=day)
    else:
        said = _(
            "{streams}: not collected on {day}. Leave it out. We do not have a new day yet.", streams=names, day=day
        )
    lines = [said, _("Reason: {reason}.", reason=cause_words(event.cause.value))]
    return _titled(_("Change to your bin collection on {day}", day=day), lines)


@dataclass(frozen=True, slots=True)
class DayChange:
    """A stream's first day that is no more, and its first new one; None where there is none."""

    stream: str
    old: date | None
    new: date | None


def round_change(changes: Sequence[DayChange], streams: Streams) -> Words:
    """The new days of a home with the old ones; without changes, that the page knows them."""
    lines = []
    for one in changes:
        name = stream_words(streams[one.stream]) if one.stream in streams else one.stream
        if one.new and one.old:
            new, old = short_date(one.new), short_date(one.old)
            lines.append(_("{streams}: collected on {new} instead of {day}.", streams=name, new=new, day=old))
        elif one.new:
            lines.append(_("{stream}: collected from {new} on.", stream=name, new=short_date(one.new)))
        elif one.old:
            lines.append(_("{stream}: no longer collected from {day} on.", stream=name, day=short_date(one.old)))
    lines.append(_("Check your collection days on our page."))
    return _titled(_("Your bin collection days are changing"), lines)


def _titled(title: str, lines: Sequence[str]) -> Words:
    return Words(title if len(title) <= LONGEST_TITLE else f"{title[: LONGEST_TITLE - 1]}…", "\n\n".join(lines))


@dataclass(frozen=True, slots=True)
class WebhookWords:
    """What webhooks call a message, such as `collection.moved`, and what programs read of it."""

    event: str
    detail: Mapping[str, object] = field(default_factory=dict)


def of_event(event: WasteEvent, streams: Sequence[str]) -> WebhookWords:
    """What programs read of something that happened."""
    detail = {
        "kind": event.kind.value,
        "day": event.day.isoformat(),
        "new_day": event.new_day.isoformat() if event.new_day else None,
        "round": event.round,
        "streams": list(streams),
        "cause": event.cause.value,
    }
    return WebhookWords(f"collection.{event.kind}", {"collection": detail})


def make_alert(
    topic: Topic, say: Callable[[], Words], *, about: str, expires_at: datetime, webhook: WebhookWords
) -> Alert:
    """The message in every language that we speak, as an alert under way. `about` tells it from all others."""
    now = clock.now()
    words: dict[str, Words] = {}
    for language in LANGUAGES:
        with speaking(language):
            words[language] = say()
    english = words.pop("en")
    return Alert(
        council_id=topic.council_id,
        topic_id=topic.id,
        priority=Priority.ROUTINE,
        title=english.title,
        body=english.body,
        link=f"{settings().base_url}/bins",
        translations={language: {"title": one.title, "body": one.body} for language, one in words.items()},
        channels=[channel for channel in topic.channels if channel not in NO_CALLS],
        state=AlertState.SENDING,
        content_hash=hashlib.sha256(f"{about}\n{english.title}\n{english.body}".encode()).digest(),
        created_by=CREATED_BY,
        reference=about[:100],
        approved_at=now,
        expanded_at=now,
        expires_at=expires_at,
        ledger_month=clock.first_of_month(now),
        parts=[],
        webhook_event=webhook.event,
        webhook_detail=dict(webhook.detail),
    )


def deliver(session: Session, alert: Alert) -> int:
    """Write the ledger for everyone who has a row of `collection_reminder_sent` for this alert; how many messages."""
    parameters = {"topic": alert.topic_id, "channels": list(alert.channels)}
    return write_ledger(session, alert, AudienceSql(READERS, parameters))


def deliver_to_systems(session: Session, alert: Alert) -> int:
    """Write the ledger for the systems that follow the topic by webhook and have no reminder of their own."""
    return write_ledger(session, alert, AudienceSql(SYSTEMS, {"topic": alert.topic_id, "channel": Channel.WEBHOOK}))


def noon_of(day: date) -> datetime:
    """From when on a reminder for this day is worth nothing."""
    return datetime.combine(day, WORTHLESS_AT, LONDON)


def end_of(day: date) -> datetime:
    """Midnight after this day."""
    return clock.midnight(day + timedelta(days=1))


READERS = f"""
    SELECT DISTINCT ON (c.id) c.id AS contact_id, c.subscriber_id, c.channel, s.language, p.ward_code
    FROM collection_reminder_sent n
    JOIN collection_reminder r ON r.id = n.reminder_id
    JOIN subscription u ON u.subscriber_id = r.subscriber_id AND u.topic_id = :topic AND u.ended_at IS NULL
    JOIN subscriber s ON s.id = r.subscriber_id
    JOIN contact c ON c.subscriber_id = r.subscriber_id AND c.confirmed_at IS NOT NULL AND NOT {IS_SUPPRESSED}
         AND c.channel = ANY(u.channels) AND c.channel = ANY(:channels)
    LEFT JOIN place p ON p.subscriber_id = s.id AND p.position = 0
    WHERE n.alert_id = :alert
    ORDER BY c.id
"""  # noqa: S608 - our own words
SYSTEMS = f"""
    SELECT c.id AS contact_id, c.subscriber_id, c.channel, s.language, NULL AS ward_code
    FROM subscription u
    JOIN subscriber s ON s.id = u.subscriber_id
    JOIN contact c ON c.subscriber_id = u.subscriber_id AND c.channel = :channel AND c.confirmed_at IS NOT NULL
         AND c.channel = ANY(u.channels) AND NOT {IS_SUPPRESSED}
    WHERE u.topic_id = :topic AND u.ended_at IS NULL
      AND NOT EXISTS (SELECT FROM collection_reminder r WHERE r.subscriber_id = u.subscriber_id)
"""  # noqa: S608 - our own words
