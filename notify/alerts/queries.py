"""Reads about alerts, and the dry run."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlmodel import Session, col, select

from notify.alerts.models import Alert, DryRun, Priority
from notify.errors import Invalid, NotFound
from notify.places import targeting
from notify.places.queries import areas_by_code
from notify.providers.base import Channel
from notify.staff.queries import council
from notify.subscribers import queries as subscribers
from notify.subscribers.models import Topic


class UnknownAlert(NotFound):
    """No such alert, or another council's."""

    title = "There is no such alert"


class ChannelNotAllowed(Invalid):
    """The topic is never sent this way."""

    title = "The topic is not sent this way"


@dataclass(frozen=True, slots=True)
class WardCount:
    """How many people would be reached in a ward."""

    code: str | None
    name: str
    people: int


@dataclass(frozen=True, slots=True)
class AudienceCount:
    """Whom a send would reach now, in numbers only."""

    people: int
    by_channel: dict[str, int]
    by_language: dict[str, int]
    by_ward: list[WardCount]
    near_boundary: int
    postcodes: int
    sms_parts: int
    population: int | None


def allowed_channels(topic: Topic, channels: Sequence[Channel]) -> list[Channel]:
    """Those of `channels` that the topic is sent by. Raises: ChannelNotAllowed when none is."""
    allowed = [channel for channel in dict.fromkeys(channels) if channel in topic.channels]
    if not allowed:
        raise ChannelNotAllowed(f"{topic.name} is sent by {', '.join(topic.channels)} only.")
    return allowed


def alert(session: Session, council_id: UUID, alert_id: UUID) -> Alert:
    """This council's alert with this id. Raises: UnknownAlert."""
    found = session.exec(select(Alert).where(Alert.id == alert_id, Alert.council_id == council_id)).first()
    if found is None:
        raise UnknownAlert("Your council has no alert with this id.")
    return found


def alerts(
    session: Session,
    council_id: UUID,
    *,
    after: UUID | None = None,
    changed_since: datetime | None = None,
    limit: int = 50,
) -> Sequence[tuple[Alert, Topic]]:
    """The council's alerts with their topics, newest first, older than `after`."""
    statement = select(Alert, Topic).join(Topic, col(Topic.id) == col(Alert.topic_id))
    statement = statement.where(Alert.council_id == council_id)
    if after:
        statement = statement.where(col(Alert.id) < after)
    if changed_since:
        statement = statement.where(Alert.changed_at >= changed_since)
    return session.exec(statement.order_by(col(Alert.id).desc()).limit(limit)).all()


def count_audience(session: Session, council_id: UUID, asked: DryRun) -> AudienceCount:
    """The dry run: the send's own SELECT, counted. Raises what `targeting.resolve` raises, and UnknownTopic."""
    topic = subscribers.topic(session, council_id, asked.topic)
    sender = council(session, council_id)
    is_emergency = asked.priority == Priority.EMERGENCY
    targets = targeting.resolve(
        session, asked.audience, district_codes=sender.district_codes, is_emergency=is_emergency
    )
    channels = allowed_channels(topic, asked.channels)
    by_channel, by_language, by_ward = Counter[str](), Counter[str](), Counter[str | None]()
    near = 0
    for group in subscribers.audience_groups(session, topic.id, targets, channels):
        by_language[group.language] += group.people
        by_ward[group.ward_code] += group.people
        near += group.near
        for channel in group.channels:
            by_channel[channel] += group.people
    wards = areas_by_code(session, [code for code in by_ward if code])
    populations = [area.population for area in wards.values()]
    return AudienceCount(
        people=by_language.total(),
        by_channel={channel: by_channel[channel] for channel in channels},
        by_language=dict(sorted(by_language.items())),
        by_ward=[
            WardCount(code, wards[code].name if code and code in wards else "Not known", people)
            for code, people in sorted(by_ward.items(), key=lambda item: (-item[1], item[0] or ""))
        ],
        near_boundary=near,
        postcodes=len(targets.included.postcodes),
        # a text begins with the council's name, and that is paid for too
        sms_parts=sms_parts(f"{sender.name}: {asked.sms}") if asked.sms else 0,
        population=sum(number for number in populations if number) if any(populations) else None,
    )


_GSM = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡"
    "ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_GSM_TWICE = frozenset("^{}\\[~]|€\f")


def sms_parts(words: str) -> int:
    """How many texts `words` cost: 160 then 153 characters each in GSM-7, 70 then 67 in UCS-2.

    Source: 3GPP TS 23.038.
    """
    if all(character in _GSM or character in _GSM_TWICE for character in words):
        length = sum(2 if character in _GSM_TWICE else 1 for character in words)
        single, several = 160, 153
    else:
        length = len(words.encode("utf-16-be")) // 2
        single, several = 70, 67
    return 1 if length <= single else -(-length // several)
