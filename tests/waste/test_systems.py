"""What programs and other sites get of collection days: webhooks, open data, the widget, and counts of use."""

import json
from collections.abc import Callable, Iterator
from datetime import date
from uuid import uuid4

import pytest

from notify.core import clock
from notify.core.db import transaction
from notify.waste import reminders, use
from notify.waste.home_days import today
from notify.waste.models import UseKind
from tests.providers.receiver import Receiver, receiving
from tests.waste.council import DECEMBER, Client, it_is, put_into_force, schedule, weekly
from tests.waste.test_reminders import STREAMS
from tests.world import World, add_resident, make_world

Work = Callable[[], None]
GARDEN = {"code": "garden", "name": "Garden waste", "availability": "subscribers"}
FILE = schedule(weekly("refuse", "Tue"), weekly("garden", "Wed"), streams=[*STREAMS, GARDEN])
MOVED = {"kind": "moved", "day": "2026-12-08", "new_day": "2026-12-10", "round": "R1", "cause": "weather"}


@pytest.fixture
def world(client: Client) -> Iterator[World]:
    """A council with refuse on Tuesdays, and garden waste for those who pay on Wednesdays."""
    made = make_world()
    it_is(DECEMBER)
    put_into_force(client, made, FILE)
    yield made
    clock.use(None)


def told(client: Client, world: World, choose: Callable[..., None], work: Work, event: dict[str, str]) -> list[object]:
    """What a system that follows the topic gets when this happens."""
    choose(WEBHOOK_ALLOWED_HOSTS="127.0.0.1")
    with receiving(Receiver()) as receiver:
        add_resident(world, webhook=receiver.address, topics=["bins"])
        assert client.post("/api/v1/waste-events", json=event, headers=world.headers).status_code == 201
        with transaction() as session:
            reminders.for_every_council(reminders.tell_changes)(session)
        work()
        return [json.loads(body) for _, _, body in receiver.calls]


def test_a_system_that_follows_the_topic_hears_of_a_moved_round(
    client: Client, world: World, choose: Callable[..., None], work: Work
) -> None:
    [call] = told(client, world, choose, work, MOVED)
    assert isinstance(call, dict)
    assert call["type"] == "collection.moved"
    assert call["data"]["collection"] == {
        "kind": "moved",
        "day": "2026-12-08",
        "new_day": "2026-12-10",
        "round": "R1",
        "streams": ["refuse"],
        "cause": "weather",
    }


@pytest.mark.parametrize("where", [{"home": "10000000001"}, {"stream": "garden", "day": "2026-12-09"}])
def test_it_hears_nothing_of_one_home_or_of_what_only_some_pay_for(
    client: Client, world: World, choose: Callable[..., None], work: Work, where: dict[str, str]
) -> None:
    assert told(client, world, choose, work, MOVED | where) == []


def test_rounds_are_open_data_as_csv(client: Client, world: World) -> None:
    lines = client.get("/bins/rounds.csv", params={"council": "zed"}).text.splitlines()
    assert lines[0] == "council,round,stream,rule,next,source,licence,fetched_at"
    assert len(lines) == 2
    assert lines[1].startswith("zed,R1,refuse,")
    assert "2026-12-08" in lines[1]


def test_the_widget_may_be_framed_and_leads_to_the_days(client: Client, world: World) -> None:
    shown = client.get("/bins/widget")
    assert "frame-ancestors *" in shown.headers["content-security-policy"]
    assert 'action="/bins"' in shown.text
    assert '<base target="_top">' in shown.text


def test_look_ups_and_calendars_are_counted_without_a_word_about_who(client: Client, world: World) -> None:
    use.write()
    home = client.get("/bins", params={"postcode": "ZZ1 1AA"}).text
    client.get("/api/v1/collections", params={"postcode": "ZZ1 1AA"})
    client.get("/api/v1/collections", params={"postcode": "ZZ1 1AA"}, headers=world.headers)
    path = home.split("/bin-calendar/")[1].split('"')[0]
    client.get(f"/bin-calendar/{path}")
    use.write()
    with transaction() as session:
        day: date = today()
        counted = use.totals(session, world.council_id, day, day)
    assert counted == {UseKind.LOOK_UP: 2, UseKind.CALENDAR: 1}


def test_days_are_shown_where_counting_cannot_be_written(
    client: Client, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    use.count(uuid4(), UseKind.LOOK_UP)  # of a council that is gone, which is no reason to keep the others back
    use.write()
    monkeypatch.setattr(use, "WRITE_AFTER_S", -1.0)
    with monkeypatch.context() as broken:
        broken.setattr(use, "ADD", "SELECT nothing")
        assert client.get("/bins", params={"postcode": "ZZ1 1AA"}).status_code == 200
    use.write()
    with transaction() as session:
        day: date = today()
        assert use.totals(session, world.council_id, day, day)[UseKind.LOOK_UP] == 1
