"""Who a draft reaches: the dry run of the send, in numbers and words, and how many alerts these people had lately."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import text
from sqlmodel import Session

from notify.alerts import audience_counts
from notify.alerts.approval import is_agreed
from notify.alerts.models import Alert, DryRun, Priority
from notify.alerts.queries import (
    AudienceCount,
    allowed_channels,
    cost_of,
    count_audience,
    titles_of_what_is_over,
    ward_counts,
)
from notify.alerts.reply_request import words_for_text
from notify.alerts.text_messages import anybodys_text
from notify.channels import Channel, info
from notify.core import clock
from notify.core.clock import LONDON
from notify.core.form_fields import Form
from notify.deliveries.fan_out import recipients
from notify.deliveries.models import UpdateGroup
from notify.drafting import queries
from notify.drafting.calendar import Entry, near
from notify.drafting.draft_reader import audience_of, escalation_of, send_at_of
from notify.drafting.models import Draft
from notify.places import succession
from notify.places.models import Targets
from notify.places.queries import areas_by_code
from notify.providers import sms_segments
from notify.staff.budgets import money
from notify.staff.council_settings.effective import council_settings
from notify.staff.rights import Principal, Right
from notify.subscribers.models import Topic
from notify.subscribers.queries import AudienceSql, audience, topic

LONGEST_TEXT = 918  # characters that may be counted
# a person is counted with the first of their contacts, so that the languages and wards add up to people
FOLLOWED = """
    SELECT channel, language, ward_code, count(*) AS contacts, count(*) FILTER (WHERE nth = 1) AS people
    FROM (SELECT f.*, row_number() OVER (PARTITION BY f.subscriber_id ORDER BY f.channel, f.contact_id) AS nth
          FROM ({audience}) f) one
    GROUP BY channel, language, ward_code
"""

GROUPED = """
    SELECT update_group, channel, count(*) AS contacts, count(*) FILTER (WHERE nth = 1) AS people
    FROM (SELECT f.*, row_number() OVER (PARTITION BY f.subscriber_id ORDER BY f.channel, f.contact_id) AS nth
          FROM ({audience}) f) one
    GROUP BY update_group, channel
"""


@dataclass(frozen=True, slots=True)
class GroupReach:
    """How many people one group of an update with another area has, and their messages by channel."""

    group: UpdateGroup
    people: int
    by_channel: Mapping[str, int]


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

    is_exact: bool = False
    groups: Sequence[GroupReach] = ()

    @property
    def people(self) -> str:
        """The number of people, or that they are few: under ten they might be known by it."""
        return self.in_words(self.count.people)

    def in_words(self, people: int) -> str:
        """A number of people as this officer may see it now."""
        return f"{people:,}" if self.is_exact else in_words(people)

    @property
    def wards(self) -> int:
        """How many wards they live in."""
        return len([ward for ward in self.count.by_ward if ward.code])


def in_words(people: int) -> str:
    """A number of people as officers may see it before anything is approved."""
    return "fewer than 10" if people < audience_counts.FEWEST_SHOWN else f"{people:,}"


def deed(reach: Reach, send_at: datetime | None, after_minutes: int = 0, *, asks: bool = False) -> str:
    """What pressing the button does, as in: “Now: 2,140 emails, 410 texts, in 3 wards.” It counts what the send's own
    query finds; what comes later is the most that can be sent.
    """
    at_once = _messages(reach, reach.count.by_channel)
    if not at_once:
        return "No one will get this: no subscribers to the topic live there."
    wards = f", in {reach.wards} ward{'s' if reach.wards != 1 else ''}" if reach.wards else ""
    when = f"On {send_at.astimezone(LONDON):%-d %B at %H:%M}" if send_at else "Now"
    later = _messages(reach, reach.count.later_by_channel, more=" more")
    whom = "have not answered" if asks else "were not reached"
    minutes = f"{after_minutes} minute{'s' if after_minutes != 1 else ''}"
    most = later if later.startswith("fewer") else f"up to {later}"
    then = f" {f'{minutes} later' if send_at else f'In {minutes}'} {most} to people who {whom}."
    return f"{when}: {at_once}{wards}.{then if later else ''}"


def _messages(reach: Reach, people: Mapping[str, int], *, more: str = "") -> str:
    """How many messages go out. Channels of fewer than ten, or none, are named where there are no others."""
    many = [(way, number) for way, number in people.items() if number]
    told = many or ([] if reach.is_exact else list(people.items()))
    return ", ".join(f"{reach.in_words(number)}{more} {info(way).in_number(number)}" for way, number in told)


def reach_of(session: Session, user: Principal, draft: Draft) -> Reach:
    """Whom the draft would reach if it were sent now. Raises: NotReady, and what counting an audience raises."""
    form = Form(draft.fields)
    channels = [Channel(way) for way in draft.fields.get("channel", []) if way in set(Channel)] or list(Channel)
    asked = DryRun(
        topic=draft.topic,
        audience=audience_of(form),
        channels=channels,
        priority=draft.priority,
        sms=form.one("sms"),
        asks_reply=form.has("asks_reply"),
        training=form.has("training"),
        escalate=escalation_of(form) if draft.priority == Priority.EMERGENCY else None,
    )
    reach, targets = _reach(session, user, asked)
    if draft.priority != Priority.ROUTINE:
        return reach
    at = max(send_at_of(form) or clock.now(), clock.now())
    return replace(reach, others=near(session, draft.council_id, targets, at))


def reach_of_alert(session: Session, user: Principal, alert: Alert) -> Reach:
    """Whom an alert that waits would reach if it were sent now. Raises: what counting an audience raises."""
    may_see = user.may(Right.BROADCAST) and is_agreed(session, alert)
    if alert.follows_id:
        count, own = _count_of_follow_up(session, alert), council_settings(session, alert.council_id)
        shown = count if may_see else audience_counts.disclosed(session, count, alert.priority, own)
        return Reach(shown, None, None, 0, 0, is_exact=may_see, groups=_groups(session, alert, is_exact=may_see))
    asked = DryRun.model_validate(
        {
            "topic": session.get_one(Topic, alert.topic_id).slug,
            "audience": alert.audience,
            "channels": alert.channels,
            "priority": alert.priority,
            "sms": _words_of(session, alert)[:LONGEST_TEXT] if alert.priority == Priority.EMERGENCY else alert.sms,
            "asks_reply": alert.asks_reply,
            "training": alert.is_training,
            "escalate": alert.escalation,
        }
    )
    reach = _reach(session, user, asked, refuse_ended=False)[0]
    if not may_see:
        return reach
    return replace(reach, count=count_audience(session, user, asked, refuse_ended=False), is_exact=True)


def _reach(session: Session, user: Principal, asked: DryRun, *, refuse_ended: bool = True) -> tuple[Reach, Targets]:
    """Rounded. What is said beside the count is about the same people as the count."""
    told = audience_counts.count_for(session, user, asked, refuse_ended=refuse_ended)
    new, tired, most = _further(session, user, asked, told.told_of)
    share = told.count.people / told.count.population if told.count.population else None
    return Reach(told.count, share, new, tired, most), told.targets


def _further(session: Session, user: Principal, asked: DryRun, targets: Targets) -> tuple[int | None, int, int]:
    """How many are new to the topic or tired of alerts, rounded; the most that anyone had, where ten are tired."""
    about = topic(session, user.council_id, asked.topic)
    people = audience(
        about.id,
        succession.reached(session, targets, is_emergency=asked.priority == Priority.EMERGENCY),
        allowed_channels(about, asked.channels, asked.priority),
        is_emergency=asked.priority == Priority.EMERGENCY,
    )
    tired, most = queries.messages_this_week(session, people.sql, dict(people.parameters))
    new = _new_since_last(session, about, people)
    tired = audience_counts.rounded(tired)
    return None if new is None else audience_counts.rounded(new), tired, most if tired else 0


def _count_of_follow_up(session: Session, alert: Alert) -> AudienceCount:
    """Who got the alert that this one follows, by the send's own query."""
    who = recipients(session, alert)
    by_channel, by_language, by_ward = Counter[str](), Counter[str](), Counter[str | None]()
    for row in session.execute(text(FOLLOWED.format(audience=who.sql)), who.parameters):
        by_channel[row.channel] += row.contacts
        by_language[row.language] += row.people
        by_ward[row.ward_code] += row.people
    parts = sms_segments.count(_text_of(session, alert))
    return AudienceCount(
        people=by_language.total(),
        by_channel=dict(by_channel),
        later_by_channel={},
        by_language=dict(by_language),
        by_ward=ward_counts(by_ward, areas_by_code(session, [code for code in by_ward if code])),
        near_boundary=0,
        postcodes=0,
        sms_parts=parts.segments,
        sms_advice=sms_segments.advice(parts),
        cost_pence=cost_of(by_channel, parts.segments, alert.priority, council_settings(session, alert.council_id)),
        budget_left_pence=money(session, alert.council_id).left_pence,
        population=None,
    )


def _groups(session: Session, alert: Alert, *, is_exact: bool) -> Sequence[GroupReach]:
    """The groups of an update with another area, by the send's own query; rounded unless the numbers may be seen."""
    if alert.group_words is None:
        return ()
    who = recipients(session, alert)
    people, messages = Counter[str](), dict[str, Counter[str]]()
    for row in session.execute(text(GROUPED.format(audience=who.sql)), who.parameters):
        people[row.update_group] += row.people
        messages.setdefault(row.update_group, Counter())[row.channel] += row.contacts
    told = (lambda number: number) if is_exact else audience_counts.rounded
    return [
        GroupReach(group, told(people[group]), {way: told(n) for way, n in messages.get(group, Counter()).items()})
        for group in UpdateGroup
    ]


def _text_of(session: Session, alert: Alert) -> str:
    return anybodys_text(
        _words_of(session, alert),
        own=council_settings(session, alert.council_id),
        is_training=alert.is_training,
        asks_reply=alert.asks_reply,
        is_emergency=alert.priority == Priority.EMERGENCY,
    )


def _words_of(session: Session, alert: Alert) -> str:
    words = {"title": alert.title, "body": alert.body} | ({"sms": alert.sms} if alert.sms else {})
    return words_for_text(alert, words, over=titles_of_what_is_over(session, alert))


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
