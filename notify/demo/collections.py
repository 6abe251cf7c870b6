"""Collection days of the invented council of Zedholm: rounds, a split postcode, garden waste, a delayed round."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session

from notify.waste import events, release_loading, releases, service
from notify.waste.events import NewEvent
from notify.waste.file_shapes import Source
from notify.waste.home_days import today
from notify.waste.models import Cause, EventKind
from notify.waste.release_loading import LoadingOptions
from notify.waste.service import NewMove

ROUNDS = 10
DELAYED = "R03"
SPLIT, GARDEN = "ZZ1 1AA", "ZZ1 1AB"
ACTOR = "demo"
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday")
STREAMS: Sequence[Mapping[str, object]] = (
    {
        "code": "refuse",
        "name": {"en": "Rubbish", "cy": "Sbwriel"},
        "container": {"en": "black bin", "cy": "bin du"},
        "contents": {"en": "What cannot be recycled.", "cy": "Yr hyn na ellir ei ailgylchu."},
    },
    {
        "code": "recycling",
        "name": {"en": "Recycling", "cy": "Ailgylchu"},
        "container": {"en": "blue bin", "cy": "bin glas"},
        "contents": {"en": "Paper, card, cans and plastic bottles.", "cy": "Papur, cerdyn, caniau a photeli plastig."},
    },
    {
        "code": "food",
        "name": {"en": "Food waste", "cy": "Gwastraff bwyd"},
        "container": {"en": "grey caddy", "cy": "cadi llwyd"},
        "contents": {"en": "All food, cooked or raw.", "cy": "Pob bwyd, wedi’i goginio neu’n amrwd."},
    },
    {
        "code": "garden",
        "name": {"en": "Garden waste", "cy": "Gwastraff gardd"},
        "container": {"en": "brown bin", "cy": "bin brown"},
        "contents": {"en": "Grass, leaves and small branches.", "cy": "Glaswellt, dail a changhennau bach."},
        "availability": "subscribers",
    },
)


def fill(session: Session, council_id: UUID, postcodes: Path) -> None:
    """Give Zedholm its collection days. `postcodes` is the demo's own file."""
    file = json.dumps(_schedule(postcodes)).encode()
    options = LoadingOptions("Zedholm rounds", "Zedholm waste team", ACTOR, licence="Invented addresses.")
    made = release_loading.load(session, council_id, [Source("zedholm.json", io.BytesIO(file))], options)
    releases.activate(session, made, actor=ACTOR)
    service.set_moves(session, council_id, list(_christmas(today())), actor=ACTOR)
    day = today() + timedelta(days=(_weekday(DELAYED) - today().weekday()) % 7)
    delay = NewEvent(
        kind=EventKind.MOVED,
        day=day,
        new_day=day + timedelta(days=1),
        round=DELAYED,
        cause=Cause.BREAKDOWN,
        by_usual=True,
    )
    events.add(session, council_id, delay, actor=ACTOR)


def add_reminders(session: Session, council_id: UUID) -> int:
    """Residents who are reminded of their collections, in the evening or in the morning; how many."""
    found = session.execute(text(REMINDERS), {"council": council_id}).scalars().all()
    return len(found)


def _weekday(code: str) -> int:
    return (int(code[1:]) - 1) % len(WEEKDAYS)


def _schedule(postcodes: Path) -> Mapping[str, object]:
    monday = today() - timedelta(days=today().weekday())
    with postcodes.open() as rows:
        known = [row[0] for row in csv.reader(rows)]
    codes = [f"R{number:02}" for number in range(1, ROUNDS + 1)]
    others = [one for one in known if one not in (SPLIT, GARDEN)]
    assigned = [{"round": codes[number % ROUNDS], "postcode": one} for number, one in enumerate(others)]
    split = [
        {"round": "R01", "postcode": SPLIT, "from": 1, "to": 19, "side": "odd"},
        {"round": "R04", "postcode": SPLIT, "from": 2, "to": 20, "side": "even"},
        {"round": "FLATS", "postcode": SPLIT, "building": "Mill House", "from": 1, "to": 6},
    ]
    rounds = [{"code": code, "rules": _rules(code, monday)} for code in codes]
    rounds.append({"code": "FLATS", "rules": [{"stream": "refuse", "weekdays": ["Monday", "Thursday"]}]})
    return {"streams": STREAMS, "rounds": rounds, "assignments": [*assigned, *split], "properties": _gardens(monday)}


def _rules(code: str, monday: date) -> Sequence[Mapping[str, object]]:
    weekday = WEEKDAYS[_weekday(code)]
    first = monday + timedelta(days=_weekday(code), weeks=int(code[1:]) % 2)
    fortnight = {"weekday": weekday, "every_weeks": 2}
    return [
        {"stream": "refuse", "anchor": str(first), **fortnight},
        {"stream": "recycling", "anchor": str(first + timedelta(weeks=1)), **fortnight},
        {"stream": "food", "weekday": weekday},
        {"stream": "garden", "anchor": str(first), "season": ["03-01", "12-15"], **fortnight},
    ]


def _gardens(monday: date) -> Sequence[Mapping[str, object]]:
    """Homes of one lane, of which every second pays for garden waste."""
    paid = {"garden": [str(monday - timedelta(days=100)), str(monday + timedelta(days=400))]}
    return [
        {
            "uprn": f"990000000{number:02}",
            "address": f"{number} Invented Lane",
            "postcode": GARDEN,
            "rounds": ["R02"],
            "services": paid if number % 2 else {},
        }
        for number in range(1, 13)
    ]


def _christmas(now: date) -> Sequence[NewMove]:
    """The table from the next Christmas Day to the second week of January: one day later, Fridays on Saturday."""
    year = now.year if now <= date(now.year, 12, 25) else now.year + 1
    days = [date(year, 12, 25) + timedelta(days=at) for at in range(14)]
    return [NewMove(usual=day, revised=day + timedelta(days=1), reason="holiday") for day in days if day.weekday() < 5]


REMINDERS = """
    INSERT INTO collection_reminder (id, council_id, subscriber_id, home, evening, morning, created_at)
    SELECT gen_random_uuid(), s.council_id, s.id, p.postcode, s.n % 3 > 0, s.n % 3 = 0, business_now()
    FROM (SELECT s.id, s.council_id, row_number() OVER (ORDER BY s.id) AS n
          FROM subscriber s
          JOIN subscription u ON u.subscriber_id = s.id AND u.ended_at IS NULL
          JOIN topic t ON t.id = u.topic_id AND t.slug = 'bins'
          WHERE s.council_id = :council) s
    JOIN place p ON p.subscriber_id = s.id AND p.position = 0
    JOIN collection_home h ON h.reference = p.postcode
    JOIN collection_release r ON r.id = h.release_id AND r.council_id = :council AND r.ended_at IS NULL
    WHERE s.n % 4 = 0
    ON CONFLICT DO NOTHING
    RETURNING id
"""
