"""Reminders: one message for all streams of a day, by the day that holds, and told of a change that comes after it."""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlmodel import select

from notify.core import clock
from notify.core.clock import LONDON
from notify.core.db import transaction
from notify.subscribers.models import ServiceMessageKind
from notify.waste import reminders
from notify.waste.models import CollectionReminder
from notify.waste.moved_days import Move, OneOff, Standing
from notify.waste.recurrence import Pattern
from tests.mailbox import Mailbox
from tests.subscribers.journey import BROWSER, link_for
from tests.waste import model
from tests.waste.council import DECEMBER, HOME, Client, it_is, put_into_force, schedule, weekly
from tests.world import World, add_resident, make_other_council, make_world

Work = Callable[[], None]
STREAMS = [
    {"code": "refuse", "name": {"en": "Refuse", "cy": "Gwastraff"}, "container": {"en": "black bin", "cy": "bin du"}},
    {"code": "recycling", "name": "Recycling", "container": "blue bin"},
    {"code": "food", "name": "Food waste", "container": "food caddy"},
]
FORTNIGHTS = [
    {"stream": "refuse", "weekday": "Tue", "every_weeks": 2, "anchor": "2026-12-01"},
    {"stream": "recycling", "weekday": "Tue", "every_weeks": 2, "anchor": "2026-12-08"},
    weekly("food", "Tue"),
]


@pytest.fixture
def world(client: Client) -> Iterator[World]:
    """A council with alternate weeks and food every week, and sam, who is reminded on the evening before."""
    made = make_world()
    it_is(DECEMBER)
    put_into_force(client, made, schedule(*FORTNIGHTS, streams=STREAMS))
    remind(made, "sam@example.org")
    yield made
    clock.use(None)


def remind(world: World, address: str, *, evening: bool = True, morning: bool = False, language: str = "en") -> UUID:
    """A subscriber who is reminded for the home; the reminder's id."""
    person = add_resident(world, address, topics=["bins"], language=language)
    with transaction() as session:
        made = CollectionReminder(
            council_id=world.council_id, subscriber_id=person, home=HOME, evening=evening, morning=morning
        )
        session.add(made)
        return made.id


def look(day: date, hour: int, minute: int = 0) -> Sequence[str]:
    """The scheduler looks at this time of this country; the titles of what it made by it."""
    at = datetime.combine(day, time(hour, minute), LONDON)
    it_is(at.astimezone(UTC))
    with transaction() as session:
        before = set(session.execute(text("SELECT id FROM alert")).scalars())
        for work in (reminders.tell_changes, reminders.send_due, reminders.correct):
            reminders.for_every_council(work)(session)
        session.flush()
        rows = session.execute(text("SELECT id, title FROM alert WHERE recipients > 0 ORDER BY id")).all()
    return [title for number, title in rows if number not in before]


EVE = date(2026, 12, 28)


def test_one_message_names_everything_that_is_put_out(client: Client, world: World) -> None:
    assert look(EVE, 17, 59) == []
    assert look(EVE, 18) == ["Bins tomorrow: black bin (refuse) and food caddy (food waste)"]
    assert look(EVE, 18) == []
    assert look(EVE + timedelta(days=1), 7) == []
    assert look(EVE + timedelta(days=1), 18) == []


def test_a_reminder_of_tomorrow_is_not_sent_on_the_day_itself(client: Client, world: World) -> None:
    look(EVE, 18)
    with transaction() as session:
        expires_at = session.execute(text("SELECT expires_at FROM alert")).scalar_one()
    assert expires_at == datetime(2026, 12, 29, tzinfo=UTC)


def test_the_morning_is_for_those_who_chose_it_and_nobody_else(client: Client, world: World) -> None:
    remind(world, "kim@example.org", evening=False, morning=True)
    assert len(look(EVE, 18)) == 1
    day = EVE + timedelta(days=1)
    assert look(day, 7) == ["Bins today: black bin (refuse) and food caddy (food waste)"]
    assert look(day, 7) == []


def test_it_arrives_by_email_in_the_language_of_the_reader(
    client: Client, world: World, inbox: Mailbox, work: Work
) -> None:
    remind(world, "sian@example.org", language="cy")
    clock.use(None)
    today = clock.now().astimezone(LONDON).date()
    put_into_force(client, world, schedule({"stream": "refuse", "dates": [str(today + timedelta(days=1))]}))
    look(today, 18)
    clock.use(None)
    work()
    assert {message["To"] for message in inbox.messages()} == {"sam@example.org", "sian@example.org"}
    [welsh] = [message for message in inbox.messages() if message["To"].startswith("si")]
    assert "bin du" in welsh["Subject"]


def test_reminders_go_by_the_day_that_holds(client: Client, world: World) -> None:
    lines = [{"usual": "2026-12-22", "revised": "2026-12-21"}, {"usual": "2026-12-29", "revised": "2026-12-30"}]
    client.put("/api/v1/collections/moves", json=lines, headers=world.headers)
    made = {day: look(date(2026, 12, day), 18) for day in range(19, 31)}
    assert [day for day, titles in made.items() if titles] == [20, 29]


def tell(client: Client, world: World, **event: object) -> dict[str, object]:
    """Something happened; the event as it was kept."""
    answer = client.post("/api/v1/waste-events", json=event, headers=world.headers)
    assert answer.status_code == 201, answer.text
    kept: dict[str, object] = answer.json()
    return kept


def test_a_change_after_the_reminder_is_told_once_and_the_new_day_is_reminded_of(client: Client, world: World) -> None:
    look(EVE, 18)
    day = EVE + timedelta(days=1)
    it_is(day)
    event = tell(client, world, kind="moved", day=str(day), new_day="2026-12-31", cause="weather")
    assert event["homes"] == 1
    assert look(day, 8) == ["Change to your bin collection on Tuesday 29 December"]
    assert look(day, 8) == []
    assert look(day + timedelta(days=1), 18) == ["Bins tomorrow: black bin (refuse) and food caddy (food waste)"]
    listed = client.get("/api/v1/waste-events", headers=world.headers).json()["events"]
    assert [one["told"] for one in listed] == [1]


def test_a_correction_of_a_change_is_told_too(client: Client, world: World) -> None:
    day = EVE + timedelta(days=1)
    look(EVE, 8)
    tell(client, world, kind="moved", day=str(day), new_day="2026-12-30")
    assert len(look(EVE, 9)) == 1
    tell(client, world, kind="moved", day=str(day), new_day="2026-12-31")
    assert len(look(EVE, 10)) == 1
    assert [bool(look(date(2026, 12, day), 18)) for day in (28, 29, 30)] == [False, False, True]


def test_only_those_concerned_are_told(client: Client, world: World) -> None:
    day = str(EVE + timedelta(days=1))
    it_is(EVE)
    refused = {"kind": "cancelled", "day": day}
    for place in ({"round": "R2"}, {"stream": "recycling"}, {"postcode": "ZZ2 1AA"}, {"home": "2"}):
        answer = client.post("/api/v1/waste-events", json=refused | place, headers=world.headers)
        assert answer.json()["type"].endswith("nobody-concerned")
    assert look(EVE, 9) == []
    tell(client, world, **refused, stream="food", postcode="ZZ1 1AA")
    [title] = look(EVE, 9)
    assert title.startswith("Change to your bin collection")
    assert look(EVE, 18) == ["Bins tomorrow: black bin (refuse)"]


def test_a_table_that_changes_after_the_reminder_is_told_as_a_correction(client: Client, world: World) -> None:
    look(EVE, 18)
    line = {"usual": str(EVE + timedelta(days=1)), "revised": "2026-12-31"}
    client.put("/api/v1/collections/moves", json=[line], headers=world.headers)
    assert look(EVE, 19) == ["Change to your bin collection on Tuesday 29 December"]
    assert look(EVE, 19) == []


def test_what_was_said_of_one_stream_does_not_keep_back_the_correction_of_another(client: Client, world: World) -> None:
    day = str(EVE + timedelta(days=1))
    it_is(EVE)
    tell(client, world, kind="cancelled", day=day, stream="food")
    assert len(look(EVE, 9)) == 1
    assert look(EVE, 18) == ["Bins tomorrow: black bin (refuse)"]
    line = {"usual": day, "revised": "2026-12-31", "stream": "refuse"}
    client.put("/api/v1/collections/moves", json=[line], headers=world.headers)
    assert look(EVE, 19) == ["Change to your bin collection on Tuesday 29 December"]
    assert look(EVE, 19) == []


def test_each_stream_that_is_moved_after_the_reminder_is_told_once(client: Client, world: World) -> None:
    look(EVE, 18)
    for hour, stream in ((19, "food"), (20, "refuse")):
        line = {"usual": str(EVE + timedelta(days=1)), "revised": "2026-12-31", "stream": stream}
        client.put("/api/v1/collections/moves", json=[line], headers=world.headers)
        assert len(look(EVE, hour)) == 1
        assert look(EVE, hour) == []
    with transaction() as session:
        assert session.execute(text("SELECT count(*) FROM alert")).scalar_one() == 3


def test_without_a_fresh_source_or_the_topic_nobody_is_reminded(client: Client, world: World) -> None:
    with transaction() as session:
        session.execute(text("UPDATE subscription SET ended_at = business_now()"))
    assert look(EVE, 18) == []
    it_is(DECEMBER)
    remind(world, "kim@example.org")
    put_into_force(client, world, schedule(*FORTNIGHTS), fetched_at="2026-11-01", fresh_days="30")
    assert look(EVE + timedelta(days=7), 18) == []


def test_reminders_are_not_public_and_not_in_the_list_of_alerts(client: Client, world: World) -> None:
    look(EVE, 18)
    assert "black bin" not in client.get("/alerts").text
    assert client.get("/api/v1/alerts", headers=world.headers).json()["alerts"] == []


def test_another_council_is_not_reminded_of(client: Client, world: World) -> None:
    other = make_other_council(topics=["bins"])
    person = add_resident(other, "lee@example.org", topics=["bins"])
    with transaction() as session:
        session.add(CollectionReminder(council_id=other.council_id, subscriber_id=person, home=HOME))
    look(EVE, 18)
    with transaction() as session:
        told = session.execute(text("SELECT count(DISTINCT subscriber_id) FROM delivery")).scalar_one()
    assert told == 1


def test_what_is_wrong_with_one_councils_days_keeps_no_other_from_being_reminded(client: Client, world: World) -> None:
    other = make_other_council(topics=["bins"])
    put_into_force(client, other, schedule(*FORTNIGHTS, streams=STREAMS))
    remind(other, "kim@example.org")
    with transaction() as session:
        wrong = "UPDATE collection_rule SET pattern = '{}' FROM collection_release r WHERE r.id = release_id"
        session.execute(text(f"{wrong} AND r.council_id = :council"), {"council": world.council_id})
    look(EVE, 18)
    with transaction() as session:
        told = session.execute(text("SELECT a.council_id FROM delivery d JOIN alert a ON a.id = d.alert_id")).scalars()
        assert list(told) == [other.council_id]


def test_a_resident_chooses_home_and_time_and_stops_again(client: Client, world: World) -> None:
    add_resident(world, "kim@example.org", topics=["road-closures"])
    assert "If you are new here" in client.get("/my/bins").text
    client.post(f"/manage/{link_for('kim@example.org', ServiceMessageKind.SIGN_IN)}", headers=BROWSER)
    assert "1 Invented Lane" in client.get("/my/bins").text
    assert client.post("/my/bins", data={"home": HOME}, headers=BROWSER).status_code == 422
    saved = client.post("/my/bins", data={"home": HOME, "evening": "yes"}, headers=BROWSER)
    assert "Your reminders are saved." in saved.text
    assert "webcal://" in saved.text
    with transaction() as session:
        [mine] = [one for one in session.exec(select(CollectionReminder)) if one.council_id == world.council_id][1:]
        follows = session.execute(
            text("SELECT t.slug FROM subscription u JOIN topic t ON t.id = u.topic_id WHERE subscriber_id = :id"),
            {"id": mine.subscriber_id},
        ).scalars()
        assert set(follows) == {"road-closures", "bins"}
    assert client.post("/my/bins", data={"home": "nowhere", "evening": "yes"}, headers=BROWSER).status_code == 404
    client.post(f"/my/bins/{mine.id}/remove", headers=BROWSER)
    with transaction() as session:
        assert session.get(CollectionReminder, mine.id) is None


SLOW = pytest.param(366, id="a year", marks=pytest.mark.long)


@pytest.mark.parametrize("span", [pytest.param(45, id="six weeks over Christmas"), SLOW])
def test_reminders_over_a_virtual_clock_are_those_of_the_model(client: Client, world: World, span: int) -> None:
    remind(world, "kim@example.org", evening=True, morning=True)
    table = [Move(date(2026, 12, 22), date(2026, 12, 21)), Move(date(2026, 12, 29), None)]
    lines = [{"usual": str(one.usual), "revised": str(one.revised) if one.revised else None} for one in table]
    client.put("/api/v1/collections/moves", json=lines, headers=world.headers)
    said = OneOff(date(2027, 1, 5), Standing.MOVED, date(2027, 1, 7))
    tell(client, world, kind="moved", day="2027-01-05", new_day="2027-01-07")
    first = date(2026, 12, 2)
    for ahead in range(span):
        for hour in (7, 18):
            look(first + timedelta(days=ahead), hour)
    last = first + timedelta(days=span - 1)
    expected = set()
    for rule in FORTNIGHTS:
        pattern = Pattern.model_validate(
            {"weekdays": ["Tue"], **{name: rule[name] for name in ("every_weeks", "anchor") if name in rule}}
        )
        days = model.collected(pattern, first, last + timedelta(days=1), moves=table, one_offs=[said])
        expected |= {(str(day), slot, rule["stream"]) for day in days for slot in ("evening", "morning")}
    expected -= {one for one in expected if one[1] == "evening" and one[0] == str(first)}
    expected -= {one for one in expected if one[1] == "morning" and one[0] > str(last)}
    with transaction() as session:
        rows = session.execute(text(WHAT_WENT)).all()
        deliveries = session.execute(text("SELECT count(*) FROM delivery")).scalar_one()
    got = [(str(row.day), row.slot, row.stream) for row in rows if row.slot in ("evening", "morning")]
    assert set(got) == expected
    # sam has the evenings, kim both: each once
    assert len(got) == len([one for one in expected if one[1] == "evening"]) * 2 + len(
        [one for one in expected if one[1] == "morning"]
    )
    messages = {(day, slot) for day, slot, _stream in expected}
    changes = len({(row.day, row.slot, row.address) for row in rows if row.slot.startswith("change")})
    assert deliveries == sum(2 if slot == "evening" else 1 for _day, slot in messages) + changes


WHAT_WENT = """
    SELECT n.day, n.slot, unnest(n.streams) AS stream, r.subscriber_id AS address
    FROM collection_reminder_sent n JOIN collection_reminder r ON r.id = n.reminder_id
"""
