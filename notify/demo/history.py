"""A year of invented history for the invented council of Zedholm, so that its figures show something.

Everything follows from the invented residents' addresses and from fixed seeds: the same year every time, ending today.
It is written straight into the tables in a handful of set-based statements, and refuses every council but Zedholm.
"""

import hashlib
import random
from collections.abc import Callable, Sequence
from datetime import datetime, time, timedelta
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session

from notify.alerts.models import Alert, AlertState, Approval, Priority
from notify.alerts.service import content_hash
from notify.core import clock
from notify.core.db import transaction
from notify.demo import collections as demo_collections
from notify.demo import service_records
from notify.demo.council import COUNCIL, DISTRICT, NotForDemonstrations
from notify.demo.history_ledger import HISTORY
from notify.demo.stories import Story, StoryOutcome, stories
from notify.insight import rollups
from notify.insight.growth import daily, fatigue
from notify.insight.indicators.targets import Wish, enter_values, set_target
from notify.insight.period import month_before
from notify.places.models import PlaceSet, Targets
from notify.staff.models import Council
from notify.staff.queries import councils
from notify.staff.service import audit
from notify.subscribers.queries import topics_by_slug

TARGETS = {
    "delivery-rate": Wish("target", "97"),
    "emergency-95": Wish("target", "60", "A second provider of texts takes over after thirty seconds of silence."),
    "subscribers": Wish("target", "85", "Posters in every library, and a line on each council tax bill."),
    "unsubscribes": Wish("target", "8"),
    "cost-each": Wish("baseline"),
    "clicks": Wish("contextual"),
}
OWN_TARGET = Wish("target", "15", name="Avoidable contact", unit="%", lower_is_better=True)
LEAVERS = 900
BUDGET_PENCE = 5_000


def fill(say: Callable[[str], None]) -> bool:
    """Give Zedholm its past year and count it; whether there was anything to do.

    Raises: NotForDemonstrations anywhere else.
    """
    with transaction() as session:
        council = _zedholm(session)
        is_new = not session.execute(text(IS_FILLED), {"council": council.id}).scalar()
        if is_new and session.execute(text(HAS_A_PAST), {"council": council.id}).scalar():
            say("Inventing a year of alerts, deliveries, clicks and leavers …")
            _invent(session, council)
        else:
            is_new = False
    while rollups.keep_up():
        pass
    daily.keep_up()
    fatigue.keep_up()
    with transaction() as session:
        service_records.fill(session, council.id)
        demo_collections.add_reminders(session, council.id)
    return is_new


def _zedholm(session: Session) -> Council:
    """The invented council, where nobody else's residents are."""
    here = councils(session)
    for council in here:
        if council.slug == COUNCIL and council.district_codes == [DISTRICT] and len(here) == 1:
            return council
    names = ", ".join(council.slug for council in here) or "no council"
    raise NotForDemonstrations(
        f"This installation holds {names}. An invented past belongs to the invented council alone: "
        "choose another NOTIFY_DATA_DIR and run `notify run`."
    )


def _invent(session: Session, council: Council) -> None:
    today = clock.now()
    alerts = _alerts(session, council, today)
    for month in sorted({alert.ledger_month for _story, alert in alerts if alert.ledger_month}):
        session.execute(text("SELECT make_month(:month)"), {"month": month})
    values = {"council": council.id, "now": today, "leavers": LEAVERS, "budget": BUDGET_PENCE}
    session.execute(text(ALERT_TABLE))
    session.execute(text(KEEP_ALERTS), [_as_row(story, alert) for story, alert in alerts])
    for statement in HISTORY:
        session.execute(text(statement), values)
    _set_targets(session, council.id, today)
    audit(session, council_id=council.id, actor="demo", action="demo.history", subject=COUNCIL, alerts=len(alerts))


def _set_targets(session: Session, council_id: UUID, today: datetime) -> None:
    """Targets of every colour, and one figure that the council enters by itself."""
    for indicator, wish in TARGETS.items():
        set_target(session, council_id=council_id, actor="demo", indicator=indicator, wish=wish)
    own = set_target(session, council_id=council_id, actor="demo", indicator=None, wish=OWN_TARGET)
    months = [month_before(today.date(), ago) for ago in range(12, 0, -1)]
    rows = "\n".join(f"{month:%Y-%m}, {12 + place * 7 % 5 - place / 4}" for place, month in enumerate(months))
    enter_values(session, target=own, actor="demo", rows=rows)


def _alerts(session: Session, council: Council, today: datetime) -> Sequence[tuple[Story, Alert]]:
    topics = topics_by_slug(session, council.id)
    actors = {row.role: row.actor for row in session.execute(text(OFFICERS), {"council": council.id})}
    made: dict[int, Alert] = {}
    every = stories()
    for story in every:
        follows = made[story.follows] if story.follows else None
        alert = made[story.number] = _alert(council.id, topics[story.topic].id, story, today, follows)
        alert.created_by = actors["planner" if story.is_urgent else "author"]
        alert.content_hash = content_hash(alert)
        session.add(alert)
        session.flush()  # one after another: what follows an alert refers to it
        if story.topic == "consultations":
            session.add(_approval(alert, actors["approver"]))
    session.flush()
    return [(story, made[story.number]) for story in every]


def _alert(council_id: UUID, topic_id: UUID, story: Story, today: datetime, follows: Alert | None) -> Alert:
    day = (today - timedelta(days=story.days_ago)).date()
    released = datetime.combine(day, time(), today.tzinfo) + timedelta(minutes=story.minute)
    written = released - timedelta(minutes=6 if story.is_urgent else 95)
    is_exercise = story.fate == StoryOutcome.EXERCISE
    return Alert(
        id=_id_of(written, story.number),
        council_id=council_id,
        topic_id=topic_id,
        priority=Priority.EMERGENCY if story.is_urgent else Priority.ROUTINE,
        title=story.title,
        body=story.body,
        sms=story.sms,
        link=story.link,
        translations={code: dict(words) for code, words in story.translations.items()},
        audience={"wards": list(story.wards)} if story.wards else None,
        targets=Targets(PlaceSet(wards=story.wards), PlaceSet(), everywhere=not story.wards).as_json(),
        channels=["email", "sms"],
        reference=f"ZH-{story.number:03}",
        state=AlertState.CANCELLED if story.fate == StoryOutcome.CANCELLED else AlertState.SENT,
        is_test=is_exercise,
        is_training=is_exercise,
        content_hash=b"",
        follows_id=follows.id if follows else None,
        follow_up=story.follow_up,
        submission=1,
        asks_reply=story.asks_reply,
        created_at=written,
        changed_at=released,
        approved_at=released,
        expanded_at=released + timedelta(seconds=0.4),
        finished_at=released + timedelta(seconds=0.4),
        ledger_month=clock.first_of_month(released),
        recipients=0,
        **(story.hazard.model_dump() if story.hazard else {}),
    )


def _id_of(moment: datetime, number: int) -> UUID:
    """An id sorted by the moment, as `db.new_id` makes them, that is the same every time."""
    chance = random.Random(number)  # noqa: S311 - invention, not secrecy
    milliseconds = int(moment.timestamp() * 1000)
    value = milliseconds << 80 | 0x7 << 76 | chance.getrandbits(12) << 64 | 0b10 << 62 | chance.getrandbits(62)
    return UUID(int=value)


def _approval(alert: Alert, actor: str) -> Approval:
    return Approval(
        id=UUID(bytes=hashlib.sha256(alert.id.bytes).digest()[:16], version=4),
        alert_id=alert.id,
        content_hash=alert.content_hash,
        actor=actor,
        approved=True,
        submission=1,
        at=alert.approved_at or alert.created_at,
    )


def _as_row(story: Story, alert: Alert) -> dict[str, object]:
    return {
        "number": story.number,
        "alert": alert.id,
        "month": alert.ledger_month,
        "topic": alert.topic_id,
        "started": alert.approved_at,
        "first": story.follows or story.number,
        "wards": list(story.wards),
        "fate": story.fate.value,
        "pace": 0.004 if story.is_urgent else 0.03,  # seconds a message
        "urgent": story.is_urgent,
    }


IS_FILLED = "SELECT EXISTS (SELECT FROM alert WHERE council_id = :council AND reference = 'ZH-001')"
# who was set up by an earlier version signed up all at once, today
HAS_A_PAST = """
    SELECT EXISTS (SELECT FROM consent c JOIN topic t ON t.id = c.topic_id
                   WHERE t.council_id = :council AND c.at < business_now() - interval '200 days')
"""
OFFICERS = "SELECT role, 'officer:' || min(id::text) AS actor FROM officer WHERE council_id = :council GROUP BY 1"
ALERT_TABLE = """
    CREATE TEMP TABLE invented_alert (number integer, alert_id uuid, month date, topic_id uuid, started timestamptz,
        first integer, wards text[], fate text, pace float, urgent boolean) ON COMMIT DROP
"""
KEEP_ALERTS = """
    INSERT INTO invented_alert
    VALUES (:number, :alert, :month, :topic, :started, :first, CAST(:wards AS text[]), :fate, :pace, :urgent)
"""
