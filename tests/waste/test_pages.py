"""What residents see: their home, its days, a year on paper, and a calendar that stays true."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from urllib.parse import urlsplit

import pytest
import vobject
from hypothesis import HealthCheck, Phase, given, settings

from notify.core import clock
from notify.core.settings import Settings
from notify.waste import calendar_feed
from notify.waste.moved_days import Move
from notify.waste.recurrence import Pattern
from notify.web import rate_limits
from tests.waste import model
from tests.waste.council import DECEMBER, HOME, Client, dates, it_is, put_into_force, read, schedule, weekly
from tests.waste.test_days import every, listed, moves
from tests.waste.test_reminders import remind
from tests.world import World, make_world

PATH = f"/bins/zed/{HOME}"
BROWSER = {"Sec-Fetch-Site": "same-origin"}
STREAMS = [
    {
        "code": "refuse",
        "name": {"en": "Refuse", "cy": "Gwastraff"},
        "container": {"en": "black bin", "cy": "bin du"},
        "contents": "What cannot be recycled.",
        "put_out_by": "06:30",
    },
    {"code": "garden", "name": "Garden waste", "container": "brown bin", "availability": "subscribers"},
]


@pytest.fixture
def world(client: Client) -> Iterator[World]:
    """A council whose one home has refuse on Tuesdays and pays for garden waste on Wednesdays."""
    made = make_world()
    it_is(DECEMBER)
    file = schedule(weekly("refuse", "Tue"), weekly("garden", "Wed"), streams=STREAMS)
    file["properties"][0]["services"] = {"garden": ["2026-01-01", "2027-12-31"]}
    put_into_force(client, made, file, licence="Invented licence 1.0")
    yield made
    clock.use(None)


def test_a_postcode_leads_to_its_home_and_the_next_days(client: Client, world: World) -> None:
    assert 'name="postcode"' in client.get("/bins").text
    answer = client.get("/bins", params={"postcode": "zz11aa"})
    assert answer.url.path == PATH
    text = answer.text
    assert text.index("Tuesday 1 December") < text.index("Tuesday 8 December") < text.index("Month by month")
    assert "Refuse (black bin)" in text
    assert "Put it out by 06:30." in text
    assert "Invented licence 1.0" in text
    assert "Source: Zed Council" in text
    assert "garden" not in text.lower()
    assert answer.headers["x-robots-tag"] == "noindex"


def test_the_page_speaks_welsh(client: Client, world: World) -> None:
    text = client.get(PATH, params={"lang": "cy"}).text
    assert "Gwastraff (bin du)" in text
    assert "Dydd Mawrth 1 Rhagfyr" in text
    assert "Next collections" not in text


@pytest.mark.parametrize(
    ("postcode", "words"), [("nonsense", "is not a full postcode"), ("ZZ2 1AA", "do not know the collection days")]
)
def test_a_postcode_that_leads_nowhere_says_why(client: Client, world: World, postcode: str, words: str) -> None:
    answer = client.get("/bins", params={"postcode": postcode})
    assert answer.status_code == 422
    assert words in answer.text


def test_a_split_postcode_asks_which_home_it_is(client: Client, world: World) -> None:
    file = schedule(weekly("refuse", "Tue"))
    file["rounds"].append({"code": "R2", "rules": [weekly("refuse", "Fri")]})
    file["properties"].append({"uprn": "2", "address": "2 Invented Lane", "postcode": "ZZ1 1AA", "rounds": ["R2"]})
    put_into_force(client, world, file)
    text = client.get("/bins", params={"postcode": "ZZ1 1AA"}).text
    assert "Which of these is your home?" in text
    assert f'href="{PATH}"' in text
    assert "December" not in text
    assert "Friday 4 December" in client.get("/bins/zed/2").text


def test_a_home_that_is_not_there_is_not_found(client: Client, world: World) -> None:
    assert client.get("/bins/zed/99").status_code == 404
    assert client.get(f"/bins/nobody/{HOME}").status_code == 404


def test_what_is_moved_or_cancelled_is_said_with_the_reason(client: Client, world: World) -> None:
    for body in (
        {"kind": "moved", "day": "2026-12-08", "new_day": "2026-12-10", "cause": "weather"},
        {"kind": "cancelled", "day": "2026-12-15", "cause": "staff-shortage"},
        {"kind": "not-completed", "day": "2026-12-01", "cause": "blocked-road"},
    ):
        assert client.post("/api/v1/waste-events", json=body, headers=world.headers).status_code == 201
    text = client.get(PATH).text
    assert "Moved from Tuesday 8 December" in text
    assert "Reason: the weather." in text
    assert "Refuse (black bin) on Tuesday 15 December is cancelled." in text
    assert "was not collected on Tuesday 1 December. Leave it out." in text


def test_without_a_fresh_source_the_page_says_so_and_no_day(client: Client, world: World) -> None:
    it_is(date(2028, 6, 1))
    text = client.get(PATH).text
    assert "no up-to-date collection days" in text
    assert "Next collections" not in text
    assert "<table" not in client.get(f"{PATH}/year").text


def test_a_year_is_printed_with_every_day(client: Client, world: World) -> None:
    text = client.get(f"{PATH}/year").text
    assert text.count("<caption>") == 12
    assert text.count('class="bin-day"') == len(
        read(client, **{"from": "2026-12-01", "to": "2027-11-30"})["collections"]
    )


def test_someone_can_say_that_the_days_are_wrong_and_the_council_reads_it(client: Client, world: World) -> None:
    sent = client.post(f"{PATH}/wrong", data={"words": "Ours is Friday"}, headers=BROWSER)
    assert "We’ve told Zed Council" in sent.text
    assert (
        client.post(f"{PATH}/wrong", data={"words": "x"}, headers={"Origin": "https://example.net"}).status_code == 403
    )


Event = dict[str, object]


def events(client: Client, world: World, *, with_paid: bool = False) -> Sequence[Event]:
    """The feed's events, read by another library than the one that wrote them."""
    address = calendar_feed.address_of(world.council_id, HOME)
    if with_paid:
        address = calendar_feed.own_address_of(remind(world, "sam@example.org"))
    answer = client.get(urlsplit(address).path)
    assert answer.headers["content-type"] == "text/calendar; charset=utf-8"
    assert all(len(line.encode()) <= 75 for line in answer.text.split("\r\n"))
    found = vobject.readOne(answer.text)
    return [
        {
            "uid": one.uid.value,
            "day": one.dtstart.value,
            "sequence": int(one.sequence.value),
            "status": one.status.value,
            "alarm": one.valarm.trigger.value if one.status.value == "CONFIRMED" else None,
            "summary": one.summary.value,
        }
        for one in getattr(found, "vevent_list", [])
    ]


def days_of(found: Sequence[Event]) -> list[str]:
    """The days of events that hold."""
    return sorted(str(one["day"]) for one in found if one["status"] == "CONFIRMED")


def test_the_calendar_is_all_day_with_an_alarm_on_the_evening_before(client: Client, world: World) -> None:
    first = events(client, world)[0]
    assert not isinstance(first["day"], datetime)
    assert isinstance(first["day"], date)
    assert first["alarm"] == timedelta(hours=-6)
    assert first["summary"] == "Refuse (black bin)"


def test_the_calendar_stays_true_after_changes(client: Client, world: World) -> None:
    before = {one["uid"]: one for one in events(client, world)}
    moved = {"kind": "moved", "day": "2026-12-08", "new_day": "2026-12-09"}
    for body in (moved, {"kind": "cancelled", "day": "2026-12-15"}, moved | {"new_day": "2026-12-10"}):
        client.post("/api/v1/waste-events", json=body, headers=world.headers)
    after = {one["uid"]: one for one in events(client, world)}
    assert before.keys() == after.keys()
    changed = {uid: one for uid, one in after.items() if one["sequence"] != before[uid]["sequence"]}
    assert {(str(one["day"]), one["sequence"], one["status"]) for one in changed.values()} == {
        ("2026-12-10", 2, "CONFIRMED"),
        ("2026-12-15", 1, "CANCELLED"),
    }


def test_what_is_paid_for_shows_only_in_the_calendar_of_its_own_secret(client: Client, world: World) -> None:
    assert {one["summary"] for one in events(client, world)} == {"Refuse (black bin)"}
    paid = {one["summary"] for one in events(client, world, with_paid=True)}
    assert paid == {"Refuse (black bin)", "Garden waste (brown bin)"}


def test_an_altered_calendar_address_is_not_found(client: Client, world: World) -> None:
    token = calendar_feed.token_of(world.council_id, HOME)
    altered = ("b" if token[0] != "b" else "c") + token[1:]
    assert client.get(f"/bin-calendar/{altered}.ics").status_code == 404


@settings(max_examples=6, phases=[Phase.generate], suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rule=every | listed, table=moves)
def test_page_feed_and_model_give_the_same_days(
    client: Client, world: World, rule: dict[str, object], table: Sequence[Move]
) -> None:
    pattern = Pattern.model_validate(rule)
    said = pattern.model_dump(mode="json", exclude_defaults=True)
    holidays = {"moves": {str(one.usual): str(one.revised) if one.revised else None for one in table}}
    reset = client.get("/api/v1/collections/moves", headers=world.headers).json()["moves"]
    lines = [{"usual": one["usual"], "is_withdrawn": True} for one in reset]
    client.put("/api/v1/collections/moves", json=lines, headers=world.headers)
    put_into_force(client, world, schedule(said | {"stream": "refuse"}, holidays=holidays, streams=STREAMS))
    first, last = date(2026, 12, 1), date(2027, 11, 30)
    # a list that is over says nothing
    is_known = not pattern.dates or max(pattern.dates) >= first
    expected = (
        [str(day) for day in dict.fromkeys(model.collected(pattern, first, last, moves=table))] if is_known else []
    )
    assert dates(read(client, **{"from": str(first), "to": str(last)})) == expected
    assert [day for day in days_of(events(client, world)) if str(first) <= day <= str(last)] == expected


def test_one_network_looks_up_homes_only_so_often_and_a_key_has_a_count_of_its_own(
    client: Client, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rate_limits, "settings", lambda: Settings(network_limits=1.0))
    monkeypatch.setattr(rate_limits, "LIMITS", {**rate_limits.LIMITS, "look-up": rate_limits.Limit(2, 1)})
    asked = {"postcode": "ZZ1 1AA"}
    answers = [client.get("/api/v1/collections", params=asked).status_code for _ in range(3)]
    assert answers == [200, 200, 429]
    assert client.get(PATH).status_code == 429
    assert client.get("/api/v1/collections", params=asked, headers=world.headers).status_code == 200
