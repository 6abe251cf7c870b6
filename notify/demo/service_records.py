"""How well the invented council of Zedholm served in its invented year: calls, prices, assumptions, public figures."""

import random
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, time, timedelta
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session

from notify.core import clock
from notify.core.clock import LONDON
from notify.insight.calls import service as calls_service
from notify.insight.calls.csv_file import Calls, Row
from notify.insight.costs import prices
from notify.insight.costs import service as costs_service
from notify.insight.open_data import publication
from notify.insight.performance_models import Assumptions, WhatToPublish
from notify.insight.service_levels import results as service_levels_results
from notify.statutory_notices import service as notices
from notify.statutory_notices.models import Correction, Matter, NewNotice, NewVersion
from notify.subscribers.queries import topics_by_slug

ACTOR = "demo"
DAYS = 400
OPEN = range(8, 18)
BUSY = (1.0, 1.3, 1.5, 1.3, 1.1, 0.9, 0.9, 1.0, 0.8, 0.6)  # how the hours of a working day differ
# calls in a middling hour of a working day, and the topic that they are about
QUEUES = (("Missed bins", 9.0, "bins"), ("Roads", 4.0, "road-closures"), ("Council tax", 14.0, None),
          ("Housing", 17.0, None))  # fmt: skip
SPARED = 0.7  # invented like everything here: the part of calls that is left in the day after an alert about them
NOTE = "The relay was away for half an hour. The provider has since given us a second one."
NOTICES: Sequence[tuple[Matter, str, str, str, int | None]] = (
    (Matter.TRAFFIC, "Mill Road: temporary closure", "Road Traffic Regulation Act 1984, section 14",
     "Mill Road is closed for works on a gas main.\n\nThe way around is by Station Road.", 34_550),
    (Matter.PLANNING, "Twelve homes at the old dairy", "Town and Country Planning Act 1990, section 65",
     "Plans can be read at the library and online.\n\nWrite to the planning office by the day below.", 21_000),
    (Matter.LICENSING, "New premises licence, 4 Market Place", "Licensing Act 2003, section 17",
     "Sale of alcohol until 23:00 and music until 22:00 is applied for.", None),
    (Matter.HIGHWAYS, "Footpath 12 is moved", "Highways Act 1980, section 119",
     "Footpath 12 now follows the field's edge.", 18_000),
    (Matter.PUBLIC_SPACES, "No open fires in Castle Park",
     "Anti-social Behaviour, Crime and Policing Act 2014, section 59",
     "Fires and barbecues are forbidden in Castle Park.", None),
)  # fmt: skip
INVENTED = "Invented for the demonstration"


def fill(session: Session, council_id: UUID) -> None:
    """Add a year of service to a year of alerts, unless it is there."""
    while service_levels_results.judge(session):
        pass
    session.execute(text("UPDATE service_breach SET note = :note WHERE note = ''"), {"note": NOTE})
    if session.execute(text("SELECT EXISTS (SELECT FROM call_volume)")).scalar_one():
        return
    prices.note_settings(session)
    rows = (Row(number, one) for number, one in enumerate(_calls(session, council_id), 2))
    calls_service.import_calls(session, council_id=council_id, actor=ACTOR, rows=rows)
    topics = topics_by_slug(session, council_id)
    for name, _many, slug in QUEUES:
        about = topics[slug].id if slug and slug in topics else None
        calls_service.say_topic(session, council_id=council_id, actor=ACTOR, category=name, topic_id=about)
    assumed = Assumptions(
        call_pence=465,
        call_source=INVENTED,
        low_percent=0.5,
        high_percent=2.5,
        share_source=INVENTED,
        staff_hour_pence=2400,
        staff_source=INVENTED,
    )
    costs_service.set_assumptions(session, council_id=council_id, actor=ACTOR, new=assumed)
    _publish_notices(session, council_id)
    shown = WhatToPublish(is_on=True, shows_cost=True, contact="data@example.org")
    publication.set_publication(session, council_id=council_id, actor=ACTOR, new=shown)


def _publish_notices(session: Session, council_id: UUID) -> None:
    """A few statutory notices; one of them was corrected, and one withdrawn."""
    wards = sorted(session.execute(text("SELECT code FROM area WHERE kind = 'ward'")).scalars())
    soon = (clock.now() + timedelta(days=28)).date()
    made = []
    for kind, title, law, body, pence in NOTICES:
        new = NewNotice(
            kind=kind, title=title, legal_basis=law, body=body, wards=wards[:2], cost_pence=pence,
            comments_by=soon if kind in (Matter.PLANNING, Matter.LICENSING) else None,
            elsewhere="Zedholm Gazette" if pence else "",
        )  # fmt: skip
        made.append(notices.publish(session, council_id=council_id, actor=ACTOR, new=new))
    road, order = made[0], made[-1]
    said = Correction(
        **road.latest.model_dump(include=set(NewVersion.model_fields)), reason="The works take a day longer."
    )
    notices.correct(session, road.notice, actor=ACTOR, new=said)
    notices.withdraw(session, order.notice, actor=ACTOR, reason="The order was not needed.")


def _calls(session: Session, council_id: UUID) -> Iterator[Calls]:
    """Every hour of the last four hundred days, the same each time."""
    chance = random.Random(7)  # noqa: S311 - the same year every time
    now = clock.now()
    for name, many, slug in QUEUES:
        sent = _moments(session, council_id, slug) if slug else set()
        for day in (now.date() - timedelta(days=past) for past in range(DAYS, -1, -1)):
            for hour, busy in zip(OPEN, BUSY, strict=True):
                at = datetime.combine(day, time(hour), LONDON).astimezone(UTC)
                if at < now and day.weekday() < 5:
                    spared = SPARED if at in sent else 1.0
                    yield Calls(at, False, name, round(many * busy * spared * chance.uniform(0.7, 1.3)))


def _moments(session: Session, council_id: UUID, slug: str) -> set[datetime]:
    """Every hour of the day after an alert of this topic."""
    rows: Sequence[datetime] = session.execute(text(BEGINNINGS), {"council": council_id, "slug": slug}).scalars().all()
    return {at + timedelta(hours=past) for at in rows for past in range(24)}


BEGINNINGS = """
    SELECT date_trunc('hour', r.started_at) FROM rollup_alert r JOIN topic t ON t.id = r.topic_id
    WHERE r.council_id = :council AND t.slug = :slug
"""
