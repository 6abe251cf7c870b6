"""Reads about alerts, and the dry run."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import text as sql
from sqlmodel import Session, col, select

from notify.alerts.models import Alert, AlertState, Approval, DryRun, FollowUp, Priority
from notify.alerts.search import AlertSearch
from notify.alerts.text_messages import anybodys_text
from notify.alerts.visibility import require_within, visible
from notify.channels import Channel, CostUnit, info
from notify.core import clock
from notify.core.errors import Invalid, NotFound
from notify.core.settings import settings
from notify.places import audience_areas, succession
from notify.places.models import Area, Targets
from notify.places.queries import areas_by_code
from notify.places.succession import EndedArea
from notify.providers import sms_segments
from notify.staff.budgets import PENNY, money
from notify.staff.council_settings.effective import CouncilSettings, council_settings
from notify.staff.councils import lineage
from notify.staff.queries import council
from notify.staff.rights import Actor, Principal
from notify.subscribers import queries as subscribers
from notify.subscribers.models import Topic
from notify.zones import audience as zoned

# the many messages of a rule, such as reminders of one evening, are listed with their rule
NOT_AUTOMATED = "alert.parts IS DISTINCT FROM '[]'::jsonb"


class UnknownAlert(NotFound):
    """No such alert, or another council's."""

    title = "There is no such alert"


class ChannelNotAllowed(Invalid):
    """The topic is never sent this way."""

    title = "The topic is not sent on this channel"


@dataclass(frozen=True, slots=True)
class WardCount:
    """How many people would be reached in a ward."""

    code: str | None
    name: str
    people: int


@dataclass(frozen=True, slots=True)
class AudienceCount:
    """How many people a send would reach now.

    `by_channel` is what is sent at once, `later_by_channel` what an escalation would send at most. `ended_areas` are
    areas of it that are not in force any more.
    """

    people: int
    by_channel: dict[str, int]
    later_by_channel: dict[str, int]
    by_language: dict[str, int]
    by_ward: list[WardCount]
    near_boundary: int
    postcodes: int
    sms_parts: int
    sms_advice: str
    cost_pence: float | None
    budget_left_pence: float | None
    population: int | None
    ended_areas: Sequence[EndedArea] = ()


def allowed_channels(topic: Topic, channels: Sequence[Channel], priority: Priority) -> list[Channel]:
    """Those of `channels` that the topic is sent by and that a provider carries. Raises: ChannelNotAllowed."""
    is_emergency = priority == Priority.EMERGENCY
    carried = [one for one in topic.channels if settings().providers_for(one, emergency=is_emergency)]
    allowed = [channel for channel in dict.fromkeys(channels) if channel in carried]
    if not allowed:
        raise ChannelNotAllowed(f"{topic.name} is sent by {', '.join(carried)} only.")
    return allowed


def alert(session: Session, by: Actor, alert_id: UUID) -> Alert:
    """The alert with this id of the actor's council, if their remit has to do with it. Raises: UnknownAlert.

    What a council sent that has become part of this one may be read too, and nothing else may be done with it.
    """
    statement = select(Alert).join(Topic, col(Topic.id) == col(Alert.topic_id))
    own = col(Alert.council_id).in_(lineage(session, by.council_id))
    statement = statement.where(Alert.id == alert_id, own, *visible(by.remit))
    found = session.exec(statement).first()
    if found is None:
        raise UnknownAlert("Your council has no alert with this id.")
    return found


def alerts(
    session: Session,
    by: Actor,
    *,
    after: UUID | None = None,
    changed_since: datetime | None = None,
    search: AlertSearch | None = None,
    limit: int = 50,
) -> Sequence[tuple[Alert, Topic]]:
    """The alerts of the actor's council within their remit, with their topics, newest first, older than `after`."""
    statement = select(Alert, Topic).join(Topic, col(Topic.id) == col(Alert.topic_id))
    statement = statement.where(col(Alert.council_id).in_(lineage(session, by.council_id)), *visible(by.remit))
    statement = statement.where(sql(NOT_AUTOMATED), *(search.conditions() if search else ()))
    if after:
        statement = statement.where(col(Alert.id) < after)
    if changed_since:
        statement = statement.where(Alert.changed_at >= changed_since)
    return session.exec(statement.order_by(col(Alert.id).desc()).limit(limit)).all()


def linked(session: Session, by: Actor, alert: Alert) -> tuple[Alert | None, Sequence[Alert]]:
    """The alert that this one follows, and the updates and the all-clear that follow it, the oldest first."""
    first = session.get_one(Alert, alert.follows_id) if alert.follows_id else None
    statement = select(Alert).join(Topic, col(Topic.id) == col(Alert.topic_id))
    statement = statement.where(Alert.follows_id == alert.id, Alert.council_id == by.council_id, *visible(by.remit))
    return first, session.exec(statement.order_by(col(Alert.id))).all()


def alert_of_area(session: Session, alert: Alert) -> Alert:
    """The alert that says where this one, or what follows it, holds now: the newest update with another area that was
    begun to be sent, else the first alert.
    """
    first = alert
    while first.follows_id and first.group_words is None:
        first = session.get_one(Alert, first.follows_id)
    root = first.follows_id or first.id
    newest = select(Alert).where(
        Alert.follows_id == root,
        col(Alert.group_words).is_not(None),
        col(Alert.expanded_at).is_not(None),
        Alert.state != AlertState.CANCELLED,
    )
    if alert.id != root:
        newest = newest.where(col(Alert.expanded_at) <= (alert.expanded_at or clock.now()))
    if not alert.is_test:
        newest = newest.where(col(Alert.is_test).is_(False))
    latest = newest.order_by(col(Alert.expanded_at).desc(), col(Alert.id).desc())
    return session.exec(latest.limit(1)).first() or session.get_one(Alert, root)


def titles_of_what_is_over(session: Session, alert: Alert) -> Mapping[str, str]:
    """By language, the titles of the alert that this all-clear ends; of any other alert nothing."""
    if alert.follow_up != FollowUp.ALL_CLEAR:
        return {}
    first = alert
    while first.follows_id:
        first = session.get_one(Alert, first.follows_id)
    return {"en": first.title} | {code: words["title"] for code, words in first.translations.items()}


def sent_back_because(session: Session, alert: Alert) -> str:
    """The reason that an alert was sent back with; empty where it was not."""
    statement = select(Approval.reason).where(Approval.alert_id == alert.id, col(Approval.approved).is_(False))
    return session.exec(statement.order_by(col(Approval.at).desc())).first() or ""


def targets_of(session: Session, by: Actor, asked: DryRun, *, refuse_ended: bool = True) -> Targets:
    """The places that an audience comes to. Raises: what `targeting.resolve` raises, OutsideYourRemit."""
    audience = zoned.shaped(session, by.council_id, asked.audience)
    require_within(by.remit, asked.topic, audience)
    sender = council(session, by.council_id)
    is_emergency = asked.priority == Priority.EMERGENCY
    return audience_areas.resolve(
        session,
        audience,
        district_codes=sender.district_codes,
        is_emergency=is_emergency,
        refuse_ended=refuse_ended,
    )


def channels_of(topic: Topic, asked: DryRun) -> tuple[list[Channel], list[Channel]]:
    """All channels that are asked for and may be used, and those of them that are for later.

    Raises: ChannelNotAllowed.
    """
    later = allowed_channels(topic, asked.escalate.channels, asked.priority) if asked.escalate else []
    wanted = [one for one in asked.channels if one not in later]
    return [*allowed_channels(topic, wanted or asked.channels, asked.priority), *later], later


def count_audience(
    session: Session, by: Actor, asked: DryRun, targets: Targets | None = None, *, refuse_ended: bool = True
) -> AudienceCount:
    """The dry run: the send's own SELECT, counted exactly. What people are told is `audience_counts.count_for`.

    A test key's send reaches invented people only. `targets` are those of the question, if they are known.
    Raises: what `targets_of` raises, UnknownTopic, ChannelNotAllowed.
    """
    topic = subscribers.topic(session, by.council_id, asked.topic)
    own = council_settings(session, by.council_id)
    is_emergency = asked.priority == Priority.EMERGENCY
    targets = targets or targets_of(session, by, asked, refuse_ended=refuse_ended)
    channels, later = channels_of(topic, asked)
    by_channel, later_by_channel, by_language = Counter[str](), Counter[str](), Counter[str]()
    by_ward, near = Counter[str | None](), 0
    reached = succession.reached(session, targets, is_emergency=is_emergency)
    groups = subscribers.audience_groups(
        session, topic.id, reached, channels, is_emergency=is_emergency, invented=by.is_test
    )
    for group in groups:
        by_language[group.language] += group.people
        by_ward[group.ward_code] += group.people
        near += group.near
        at_once = [one for one in group.channels if one not in later] or group.channels
        for channel in group.channels:
            (by_channel if channel in at_once else later_by_channel)[channel] += group.people
    wards = areas_by_code(session, [code for code in by_ward if code])
    populations = [area.population for area in wards.values()]
    parts = sms_segments.count(_text(asked, own)) if asked.sms else None
    return AudienceCount(
        people=by_language.total(),
        by_channel={
            channel: by_channel[channel] for channel in channels if channel not in later or by_channel[channel]
        },
        later_by_channel={channel: later_by_channel[channel] for channel in later},
        by_language=dict(sorted(by_language.items())),
        by_ward=ward_counts(by_ward, wards),
        near_boundary=near,
        postcodes=len(targets.included.postcodes),
        sms_parts=parts.segments if parts else 0,
        sms_advice=sms_segments.advice(parts) if parts else "",
        cost_pence=cost_of(by_channel + later_by_channel, parts.segments if parts else 1, asked.priority, own),
        budget_left_pence=money(session, by.council_id).left_pence,
        population=sum(number for number in populations if number) if any(populations) else None,
        ended_areas=succession.ended(session, succession.codes_of(targets)),
    )


def _text(asked: DryRun, own: CouncilSettings) -> str:
    """The whole text: the council's name and a link for replies are paid for too."""
    return anybodys_text(
        asked.sms or "",
        own=own,
        is_training=asked.training,
        asks_reply=asked.asks_reply,
        is_emergency=asked.priority == Priority.EMERGENCY,
    )


def ward_counts(people: Mapping[str | None, int], wards: Mapping[str, Area]) -> list[WardCount]:
    """People by the code of their ward, with the wards' names, most people first."""
    return [
        WardCount(code, wards[code].name if code and code in wards else "Not known", number)
        for code, number in sorted(people.items(), key=lambda item: (-item[1], item[0] or ""))
    ]


def cost_of(people: Mapping[str, int], parts: int, priority: Priority, own: CouncilSettings) -> float | None:
    """What the send would cost in pence; None where no provider that would carry it has a price.

    Where several share a channel each is expected to carry its share, else the first everything.
    """
    costs = []
    for channel, number in people.items():
        choices = own.providers_for(channel, emergency=priority == Priority.EMERGENCY)
        carriers = choices if choices and choices[0].share else choices[:1]
        if not any(choice.name in settings().prices for choice in carriers):
            continue
        shares = sum(choice.share or 1.0 for choice in carriers)
        price = sum(settings().prices.get(choice.name, 0) * (choice.share or 1.0) for choice in carriers) / shares
        costs.append(number * (parts if info(channel).cost_unit is CostUnit.PART else 1) * price)
    return round(sum(costs) / PENNY, 2) if costs else None


def require_kind(user: Principal, alert: Alert) -> None:
    """Refuse a test key the result of a live alert, as if there were none. Raises: UnknownAlert."""
    if user.is_test and not alert.is_test:
        raise UnknownAlert("Your council has no alert with this id.")
