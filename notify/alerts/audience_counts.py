"""How many people an alert would reach, rounded so that no sequence of questions identifies anyone.

Numbers are rounded to ten, and below ten they are all alike. Audiences of four weeks that differ by fewer than ten
people get the same answer: what was said of the first, to anyone of the council. Places in which all but the same
people follow the topic stand for each other, by whatever channels and with whatever priority they are counted. Shapes
count as the postcodes in them. Every question is written down and has a quota.
"""

import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from hashlib import sha256

from sqlalchemy import delete, or_, text
from sqlmodel import Session, col, select

from notify.alerts import queries
from notify.alerts.models import AskedCount, DryRun, Priority
from notify.alerts.queries import AudienceCount, WardCount, cost_of
from notify.core import clock
from notify.core.errors import TooMany
from notify.core.limit_settings import limit_settings
from notify.places import succession
from notify.places.models import Targets
from notify.places.queries import areas_by_code
from notify.providers.base import Channel
from notify.staff.council_settings.effective import CouncilSettings, council_settings
from notify.staff.queries import person
from notify.staff.rights import Actor, Principal, Right
from notify.staff.service import audit
from notify.subscribers import queries as subscribers

log = logging.getLogger(__name__)

FEWEST_SHOWN = 10
WINDOW = timedelta(hours=1)
REMEMBERED = timedelta(days=28)


class TooManyCounts(TooMany):
    """So many different audiences were counted in an hour."""

    title = "You have counted too many audiences"


@dataclass(frozen=True, slots=True)
class Told:
    """A count as it may be told. `targets` are the places that were asked for, `told_of` those that the count is of:
    the same, or an earlier question's with all but the same people."""

    count: AudienceCount
    targets: Targets
    told_of: Targets

    @property
    def fewer_than_ten(self) -> bool:
        """Whether so few, or nobody, would be reached."""
        return self.count.people < FEWEST_SHOWN


def rounded(people: int) -> int:
    """To ten; fewer than ten are 0, whether or not there is anyone."""
    return (people + FEWEST_SHOWN // 2) // FEWEST_SHOWN * FEWEST_SHOWN if people >= FEWEST_SHOWN else 0


def to_pay_for(people: int) -> int:
    """How many messages a rounded number may cost at most: fewer than ten, or nobody, count as ten."""
    return people or FEWEST_SHOWN


def disclosed(session: Session, count: AudienceCount, priority: Priority, own: CouncilSettings) -> AudienceCount:
    """The same count rounded, with everything that follows from it worked out from what is told.

    Wards and languages of fewer than ten people are left out.
    """
    by_ward = [replace(ward, people=rounded(ward.people)) for ward in count.by_ward if ward.people >= FEWEST_SHOWN]
    wards = areas_by_code(session, [ward.code for ward in by_ward if ward.code])
    populations = [area.population for area in wards.values() if area.population]
    by_channel = {way: rounded(people) for way, people in count.by_channel.items()}
    later = {way: rounded(people) for way, people in count.later_by_channel.items()}
    together = {way: to_pay_for(by_channel.get(way, 0) + later.get(way, 0)) for way in {**by_channel, **later}}
    return replace(
        count,
        people=rounded(count.people),
        by_channel=by_channel,
        later_by_channel=later,
        by_language={code: rounded(n) for code, n in count.by_language.items() if n >= FEWEST_SHOWN},
        by_ward=by_ward,
        near_boundary=rounded(count.near_boundary),
        cost_pence=cost_of(together, count.sms_parts or 1, priority, own),
        population=sum(populations) if populations else None,
    )


def count_for(session: Session, by: Actor, asked: DryRun, *, refuse_ended: bool = True) -> Told:
    """The dry run as it may be told: rounded, like what was told before of all but the same people.

    Raises: TooManyCounts, and what `queries.count_audience` raises.
    """
    # what a test key is told is about invented people
    who = f"test {person(session, by.actor)}" if by.is_test else person(session, by.actor)
    one_by_one = text("SELECT pg_advisory_xact_lock(hashtext('counts:' || :council))")
    session.execute(one_by_one, {"council": str(by.council_id)})
    targets = queries.targets_of(session, by, asked, refuse_ended=refuse_ended)
    earlier = _earlier(session, by, asked.topic)
    places = _standing_for(session, by, asked, targets, [note for note in earlier if _topic_of(note) == asked.topic])
    count = replace(
        queries.count_audience(session, by, asked, places),
        postcodes=len(targets.included.postcodes),
        ended_areas=succession.ended(session, succession.codes_of(targets)),
    )
    alike = [note for note in earlier if note.question == _question(asked)]
    same = next((note for note in alike if note.targets_digest == _digest(targets)), None)
    if same is None or abs(same.exact - count.people) >= FEWEST_SHOWN:
        began = clock.now() - WINDOW
        _require_quota(by, asked, [note for note in earlier if note.person == who and note.at > began])
        same = _noted(session, by, asked, who, targets, places, count, alike)
    told = _as_told(same, count, asked.priority, council_settings(session, by.council_id))
    audit(
        session,
        council_id=by.council_id,
        actor=by.actor,
        action="audience.count",
        subject=asked.topic,
        people=told.people or "fewer than 10",
        audience=_digest(targets).hex()[:16],
        priority=asked.priority,
    )
    return Told(told, targets, Targets.from_json(same.targets))


def _earlier(session: Session, by: Actor, topic: str) -> Sequence[AskedCount]:
    """What people of this council were told about the topic in the last four weeks, and in the last hour about any,
    oldest first; what is older is forgotten.

    All of them, because two can put together what they were told, and one may have two keys.
    """
    began = clock.now() - REMEMBERED
    session.execute(delete(AskedCount).where(col(AskedCount.at) < began))
    is_test = col(AskedCount.person).startswith("test ")
    counts = or_(col(AskedCount.question).startswith(f"{topic} "), col(AskedCount.at) > clock.now() - WINDOW)
    statement = select(AskedCount).where(AskedCount.council_id == by.council_id, is_test == by.is_test, counts)
    return session.exec(statement.order_by(col(AskedCount.at))).all()


def _standing_for(session: Session, by: Actor, asked: DryRun, targets: Targets, notes: Sequence[AskedCount]) -> Targets:
    """The places of an earlier count about the topic in which all but the same people follow it, else these."""
    for note in notes:
        if note.targets_digest == _digest(targets):
            return Targets.from_json(note.targets)
    everybody = asked.model_copy(update={"channels": list(Channel), "escalate": None})
    many = _how_many(session, by, everybody, targets)
    name = _reach_name(everybody)
    near = [note for note in notes if note.is_first and abs(note.answer[name] - many) < FEWEST_SHOWN]
    mine = _people(session, by, everybody, targets) if near else frozenset()
    for note in near:
        theirs = Targets.from_json(note.targets)
        if len(mine ^ _people(session, by, everybody, theirs)) < FEWEST_SHOWN:
            return theirs
    return targets


def _require_quota(by: Actor, asked: DryRun, earlier: Sequence[AskedCount]) -> None:
    if len(earlier) < limit_settings().counts_per_hour:
        return
    if asked.priority == Priority.EMERGENCY and isinstance(by, Principal) and by.may(Right.BROADCAST):
        log.warning("counts beyond the quota, for an emergency", extra={"reason": "counts-quota", "actor": by.actor})
        return  # nobody is kept from sending one
    wait = max(1, int((earlier[0].at + WINDOW - clock.now()).total_seconds()) + 1)
    raise TooManyCounts("Counting the same audience again is free. You can send without counting.", retry_after=wait)


def _noted(
    session: Session,
    by: Actor,
    asked: DryRun,
    who: str,
    targets: Targets,
    places: Targets,
    count: AudienceCount,
    alike: Sequence[AskedCount],
) -> AskedCount:
    """A note of this question. Its answer is that of an earlier one that means all but the same people, if any does,
    else `count`, which is of `places`.
    """
    near = [note for note in alike if note.is_first and abs(note.exact - count.people) < FEWEST_SHOWN]
    near.sort(key=lambda note: abs(note.exact - count.people))
    mine = _people(session, by, asked, places) if near else frozenset()
    like = next(
        (
            note
            for note in near
            if len(mine ^ _people(session, by, asked, Targets.from_json(note.targets))) < FEWEST_SHOWN
        ),
        None,
    )
    note = AskedCount(
        council_id=by.council_id,
        person=who,
        question=_question(asked),
        targets=like.targets if like else places.as_json(),
        targets_digest=_digest(targets),
        is_first=like is None,
        exact=like.exact if like else count.people,
        answer=like.answer if like else _answer(session, by, asked, places, count),
    )
    session.add(note)
    session.flush()
    return note


def _answer(session: Session, by: Actor, asked: DryRun, places: Targets, count: AudienceCount) -> dict[str, object]:
    """What is told, and beside it how many follow the topic there, by any channel."""
    answer = asdict(disclosed(session, count, asked.priority, council_settings(session, by.council_id)))
    for priority in (Priority.ROUTINE, Priority.EMERGENCY):
        everybody = asked.model_copy(update={"channels": list(Channel), "escalate": None, "priority": priority})
        answer[_reach_name(everybody)] = _how_many(session, by, everybody, places)
    return answer


def _reach_name(asked: DryRun) -> str:
    return "emergency_subscribers" if asked.priority == Priority.EMERGENCY else "subscribers"


def _as_told(note: AskedCount, count: AudienceCount, priority: Priority, own: CouncilSettings) -> AudienceCount:
    """The people of the note's answer, with the price and budget of this question."""
    kept = note.answer
    # JSON keeps no order, so channels stand in that of this question
    by_channel = {way: kept["by_channel"].get(way, 0) for way in count.by_channel}
    later = {way: kept["later_by_channel"].get(way, 0) for way in count.later_by_channel}
    together = {way: to_pay_for(by_channel.get(way, 0) + later.get(way, 0)) for way in {**by_channel, **later}}
    return replace(
        count,
        people=kept["people"],
        by_channel=by_channel,
        later_by_channel=later,
        by_language=dict(sorted(kept["by_language"].items())),
        by_ward=[WardCount(**ward) for ward in kept["by_ward"]],
        near_boundary=kept["near_boundary"],
        cost_pence=cost_of(together, count.sms_parts or 1, priority, own),
        population=kept["population"],
    )


def _people(session: Session, by: Actor, asked: DryRun, targets: Targets) -> frozenset[object]:
    who = _audience(session, by, asked, targets)
    return frozenset(row.subscriber_id for row in session.execute(text(who.sql), who.parameters))


def _how_many(session: Session, by: Actor, asked: DryRun, targets: Targets) -> int:
    who = _audience(session, by, asked, targets)
    counted = text(f"SELECT count(DISTINCT subscriber_id) FROM ({who.sql}) AS one")  # noqa: S608 - our own words
    return int(session.execute(counted, who.parameters).scalar_one())


def _audience(session: Session, by: Actor, asked: DryRun, targets: Targets) -> subscribers.AudienceSql:
    topic = subscribers.topic(session, by.council_id, asked.topic)
    channels, _ = queries.channels_of(topic, asked)
    is_emergency = asked.priority == Priority.EMERGENCY
    reached = succession.reached(session, targets, is_emergency=is_emergency)
    return subscribers.audience(topic.id, reached, channels, is_emergency=is_emergency, invented=by.is_test)


def _question(asked: DryRun) -> str:
    """What must be the same for two counts to be compared: everything but the places and the words."""
    later = sorted(asked.escalate.channels) if asked.escalate else []
    return f"{asked.topic} {asked.priority} {','.join(sorted(asked.channels))} {','.join(later)}"


def _topic_of(note: AskedCount) -> str:
    return note.question.split(" ", 1)[0]


def _digest(targets: Targets) -> bytes:
    return sha256(repr(targets).encode()).digest()
