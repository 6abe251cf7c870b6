"""Whom a draft reaches, in numbers and in words: the dry run of what would be sent, and how tired these people are."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import text
from sqlmodel import Session

from notify import clock
from notify.alerts.models import DryRun, NewAlert, Priority
from notify.alerts.queries import AudienceCount, allowed_channels, count_audience
from notify.composing import queries
from notify.composing.models import Draft
from notify.composing.month import Entry, near
from notify.composing.reading import audience_of, send_at_of
from notify.places import targeting
from notify.places.models import AudienceSpec, Targets
from notify.providers.base import Channel
from notify.staff.queries import council
from notify.subscribers.models import Topic
from notify.subscribers.queries import AudienceSql, audience, topic
from notify.web.forms import Form

FEWEST_SHOWN = 10
WAYS = {
    Channel.EMAIL: ("email", "emailed"),
    Channel.SMS: ("text", "texted"),
    Channel.VOICE: ("ring", "rung"),
    Channel.WEBHOOK: ("call the webhooks of", "called"),
}


@dataclass(frozen=True, slots=True)
class Reach:
    """Whom a draft reaches. `new` got nothing of the topic's last alert; `tired` had three or more alerts in a week.

    `others` are alerts for some of the same places that are to go out within a day of it.
    """

    count: AudienceCount
    share: float | None
    new: int | None
    tired: int
    most: int
    others: Sequence[Entry] = ()

    @property
    def people(self) -> str:
        """The number of people, or that they are few: under ten they might be known by it."""
        return in_words(self.count.people)

    @property
    def wards(self) -> int:
        """How many wards they live in."""
        return len([ward for ward in self.count.by_ward if ward.code])


def in_words(people: int) -> str:
    """A number of people as officers may see it."""
    if people == 0:
        return "nobody"
    return "fewer than 10" if people < FEWEST_SHOWN else f"{people:,}"


def deed(reach: Reach, new: NewAlert) -> str:
    """What pressing the button does, as in: “This will text 2,140 people in 3 wards now”."""
    count = reach.count
    ways = [f"{WAYS[Channel(way)][0]} {in_words(number)}" for way, number in count.by_channel.items() if number]
    if not ways:
        return "This will reach nobody: no one who follows the topic lives there."
    acts = " and ".join([", ".join(ways[:-1]), ways[-1]] if len(ways) > 1 else ways)
    wards = f" in {reach.wards} ward{'s' if reach.wards != 1 else ''}" if reach.wards else ""
    when = f"on {new.send_at:%-d %B at %H:%M}" if new.send_at else "now"
    return f"This will {acts} people{wards} {when}."


def reach_of(session: Session, draft: Draft) -> Reach:
    """Whom the draft would reach if it were sent now. Raises: NotReady, and what counting an audience raises."""
    spec = audience_of(Form(draft.fields))
    about = topic(session, draft.council_id, draft.topic)
    channels = [Channel(way) for way in draft.fields.get("channel", []) if way in set(Channel)] or list(Channel)
    asked = DryRun(
        topic=draft.topic, audience=spec, channels=channels, priority=draft.priority, sms=Form(draft.fields).one("sms")
    )
    count = count_audience(session, draft.council_id, asked)
    targets = _targets(session, draft, spec)
    people = audience(
        about.id,
        targets,
        allowed_channels(about, channels, draft.priority),
        is_emergency=draft.priority == Priority.EMERGENCY,
    )
    tired, most = queries.messages_this_week(session, people.sql, dict(people.parameters))
    share = count.people / count.population if count.population else None
    at = max(send_at_of(Form(draft.fields)) or clock.now(), clock.now())
    others = near(session, draft.council_id, targets, at) if draft.priority == Priority.ROUTINE else []
    return Reach(count, share, _new_since_last(session, about, people), tired, most, others)


def _targets(session: Session, draft: Draft, spec: AudienceSpec | None) -> Targets:
    return targeting.resolve(
        session,
        spec,
        district_codes=council(session, draft.council_id).district_codes,
        is_emergency=draft.priority == Priority.EMERGENCY,
    )


def _new_since_last(session: Session, about: Topic, people: AudienceSql) -> int | None:
    """How many of them the topic's last alert did not go to; None where it is the first."""
    last = session.execute(
        text("""
            SELECT id, ledger_month FROM alert
            WHERE topic_id = :topic AND NOT is_test AND follows_id IS NULL AND parts IS NULL
              AND expanded_at IS NOT NULL
            ORDER BY expanded_at DESC LIMIT 1
        """),
        {"topic": about.id},
    ).first()
    if last is None:
        return None
    found = session.execute(
        text(f"""
            SELECT count(DISTINCT m.subscriber_id) FROM ({people.sql}) m
            WHERE NOT EXISTS (SELECT FROM delivery d WHERE d.month = :last_month AND d.alert_id = :last
                              AND d.subscriber_id = m.subscriber_id)
        """),
        {**people.parameters, "last": last.id, "last_month": last.ledger_month},
    ).scalar_one()
    return int(found)
