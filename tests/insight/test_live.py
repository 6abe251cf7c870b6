"""The live figures: a stream that an officer's page listens to, and wards on a map beside their table."""

import math
import re
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import shapely
from litestar import Litestar
from litestar.testing import TestClient
from sqlalchemy import text

from notify.core.db import transaction
from notify.deliveries import worker_loop
from notify.insight import live_stream
from notify.insight.live_stream import Place
from notify.staff.models import Officer, Role
from notify.staff.sign_in import sessions
from tests.alerts.calls import act, created, neighbour
from tests.mailbox import Mailbox
from tests.staff.test_policy import sign_in
from tests.world import NORTH, SOUTH, World, add_outlines, add_resident, add_residents, make_world

Client = TestClient[Litestar]
Work = Callable[[], None]


@pytest.fixture
def world(client: Client) -> World:
    return make_world()


def emergency(client: Client, world: World, **fields: object) -> Any:  # noqa: ANN401 - JSON
    """An emergency that was let go."""
    return created(client, world.headers, topic="emergencies", priority="emergency", send=True, **fields)


def listen(client: Client, alert_id: str) -> list[tuple[str, str]]:
    """Every event of the stream until it ends, as name and data."""
    reply = client.get(f"/staff/alerts/{alert_id}/live")
    assert reply.status_code == 200, reply.text
    assert reply.headers["content-type"].startswith("text/event-stream")
    assert "content-encoding" not in reply.headers
    return events_of(reply.text)


def events_of(stream: str) -> list[tuple[str, str]]:
    """The names and data of events."""
    found = []
    for event in stream.replace("\r\n", "\n").strip().split("\n\n"):
        lines = event.split("\n")
        name = next(line.removeprefix("event: ") for line in lines if line.startswith("event: "))
        found.append((name, "\n".join(line[6:] for line in lines if line.startswith("data: "))))
    return found


def words(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def test_a_stream_tells_what_is_new_until_the_alert_is_sent(
    client: Client, world: World, work: Work, mail: Mailbox
) -> None:
    add_resident(world, "a@example.org")
    alert = created(client, world.headers, send=True)
    sign_in(client, world, Role.VIEWER)
    with ThreadPoolExecutor() as pool:
        heard = pool.submit(listen, client, alert["id"])
        work()
        events = heard.result(timeout=20)
    assert events[-1] == ("end", "over")
    assert "All 1 1 0 0 0 0" in words(events[-2][1])
    assert not any(secret in str(events) for secret in ("a@example.org",))


def test_an_alert_that_is_over_has_one_event_and_the_end(client: Client, world: World) -> None:
    alert = created(client, world.headers)
    sign_in(client, world, Role.VIEWER)
    assert [name for name, _ in listen(client, alert["id"])] == ["figures", "end"]


def test_only_who_may_see_the_alert_hears_of_it(client: Client, world: World) -> None:
    ours, theirs = created(client, world.headers), created(client, neighbour())
    assert client.get(f"/staff/alerts/{ours['id']}/live").status_code == 401
    sign_in(client, world, Role.COUNCILLOR, areas=[SOUTH])
    assert client.get(f"/staff/alerts/{theirs['id']}/live").status_code == 404
    north = created(client, world.headers, audience={"wards": [NORTH]})
    assert client.get(f"/staff/alerts/{north['id']}/live").status_code == 404


def test_a_stream_ends_when_the_session_does(client: Client, world: World) -> None:
    add_resident(world, "a@example.org")
    alert = created(client, world.headers, send=True)
    officer: Officer = sign_in(client, world, Role.VIEWER)
    with ThreadPoolExecutor() as pool:
        heard = pool.submit(listen, client, alert["id"])
        while not live_stream._places:
            pass
        with transaction() as session:
            sessions.close_all(session, [officer.id])
        events = heard.result(timeout=10)
    assert events[-1] == ("end", "not-allowed")
    assert client.get(f"/api/v1/alerts/{alert['id']}", headers=world.headers).json()["state"] == "sending"


@pytest.fixture
def crowded() -> Iterator[None]:
    """As many look on already as may."""
    soon = time.monotonic() + 60
    live_stream._places.update({object(): Place("somebody", soon) for _ in range(live_stream.MOST_STREAMS)})
    yield
    live_stream._places.clear()


@pytest.mark.usefixtures("crowded")
def test_there_are_so_many_streams_and_no_more(client: Client, world: World) -> None:
    alert = created(client, world.headers)
    sign_in(client, world, Role.VIEWER)
    reply = client.get(f"/staff/alerts/{alert['id']}/live")
    assert (reply.status_code, reply.headers["retry-after"]) == (429, "10")


def test_no_seat_is_kept_by_who_has_gone(client: Client, world: World) -> None:
    alert = created(client, world.headers)
    sign_in(client, world, Role.VIEWER)
    listen(client, alert["id"])
    assert not live_stream._places


def test_one_officer_takes_three_places_and_a_place_that_nobody_came_for_is_free_again(
    client: Client, world: World
) -> None:
    alert = created(client, world.headers)
    officer: Officer = sign_in(client, world, Role.VIEWER)
    mine, soon = f"officer:{officer.id}", time.monotonic() + 60
    live_stream._places.update({object(): Place(mine, soon) for _ in range(live_stream.MOST_EACH)})
    assert client.get(f"/staff/alerts/{alert['id']}/live").status_code == 429
    live_stream._places.update({key: Place(mine, soon - 120) for key in live_stream._places})
    listen(client, alert["id"])
    assert not live_stream._places


def test_an_emergency_is_watched_for_a_while_after_it_was_sent(
    client: Client, world: World, work: Work, mail: Mailbox
) -> None:
    add_resident(world, "a@example.org", topics=["emergencies"])
    alert = emergency(client, world)
    sign_in(client, world, Role.VIEWER)
    work()
    page = f"/staff/alerts/{alert['id']}"
    assert f'data-watched="{page}/live"' in client.get(page).text
    with transaction() as session:
        session.execute(text("UPDATE alert SET finished_at = business_now() - interval '3 hours'"))
    assert "data-watched" not in client.get(page).text


def test_wards_are_drawn_and_the_table_says_the_same(client: Client, world: World, work: Work, mail: Mailbox) -> None:
    add_outlines()
    add_residents(world, [f"n{number}@example.org" for number in range(3)])
    add_resident(world, "s@example.org", postcodes=["ZZ2 1AA"])
    alert = created(client, world.headers, send=True)
    work()
    with transaction() as session:
        session.execute(
            text("UPDATE delivery SET state = 'permanent-failure', sent_at = NULL WHERE ward_code = :ward"),
            {"ward": SOUTH},
        )
    sign_in(client, world, Role.VIEWER)
    page = client.get(f"/staff/alerts/{alert['id']}").text
    assert len(re.findall(r"<path class=", page)) == 2
    assert '<path class="all" ' in page
    assert '<path class="none has-failed" ' in page
    assert "1 Northside: 3 of 3 sent, 0 failed" in page
    said = words(page)
    assert f"1 Northside {NORTH} 3 3 0 0" in said
    assert f"2 Southside {SOUTH} 1 0 0 1" in said
    table = client.get(f"/staff/alerts/{alert['id']}/wards.csv").text
    assert f"Northside,{NORTH},3,3,0,0,0,0" in table


def test_a_cancelled_alert_is_not_watched(client: Client, world: World) -> None:
    alert = created(client, world.headers, send=True)
    act(client, world.headers, alert["id"], "cancel")
    sign_in(client, world, Role.VIEWER)
    assert "data-watched" not in client.get(f"/staff/alerts/{alert['id']}").text


def test_the_wards_of_a_city_make_a_light_page(client: Client, world: World) -> None:
    alert = created(client, world.headers, topic="emergencies", priority="emergency", send=True)
    with transaction() as session:
        for number in range(33):  # as many as Leeds has, each with a winding edge
            middle = shapely.Point(420_000 + number % 6 * 4000, 430_000 + number // 6 * 4000)
            edge = [
                (middle.x + math.cos(turn) * far, middle.y + math.sin(turn) * far)
                for step in range(3000)
                for turn, far in [(step * math.tau / 3000, 1800 + 150 * math.sin(step / 5))]
            ]
            values = {"code": f"Z0500{number:04}", "shape": shapely.to_wkb(shapely.Polygon(edge)), "alert": alert["id"]}
            session.execute(
                text("""
                    INSERT INTO area (release_id, code, kind, name, geom)
                    VALUES (2, :code, 'ward', :code, :shape)
                    ON CONFLICT (release_id, code) DO UPDATE SET geom = excluded.geom
                """),
                values,
            )
            address = f"r{number}@example.org"
            add_resident(world, address, topics=["emergencies"])
    worker_loop.expand_alert(alert["id"])
    with transaction() as session:
        session.execute(text("UPDATE delivery SET ward_code = 'Z0500' || lpad(CAST(number - 1 AS text), 4, '0')"))
    sign_in(client, world, Role.VIEWER)
    page = client.get(f"/staff/alerts/{alert['id']}", headers={"accept-encoding": "identity"})
    assert page.text.count("<path class=") == 33
    assert len(page.content) < 150_000
