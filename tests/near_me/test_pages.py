"""What is live near a postcode, for everybody, and the home page that asks for the postcode."""

from collections.abc import Callable, Iterator, Sequence
from datetime import date, timedelta

import pytest
from litestar import Litestar
from litestar.testing import TestClient

from notify.core import clock
from notify.core.db import transaction
from notify.places.projection import to_lon_lat
from notify.statutory_notices import service as notices
from notify.statutory_notices.models import Matter, NewNotice
from tests import moments
from tests.alerts.calls import act, created
from tests.subscribers.html import Page
from tests.subscribers.places import ENDED, NOWHERE, UNCOVERED, UNKNOWN, add_difficult_postcodes
from tests.waste.council import DECEMBER, it_is, put_into_force, schedule, weekly
from tests.world import NORTH, SOUTH, World, add_resident, make_other_council, make_world, signed_in

Client = TestClient[Litestar]
Work = Callable[[], None]
BROWSER = {"Sec-Fetch-Site": "same-origin"}
HERE = {"lon": "0.3270", "lat": "52.9745"}


@pytest.fixture(autouse=True)
def _real_time() -> Iterator[None]:
    yield
    moments.restore()


@pytest.fixture
def world(client: Client) -> World:
    client.headers.update({"Accept": "text/html"})
    return make_world()


@pytest.fixture
def sent(client: Client, world: World, work: Work) -> Callable[..., str]:
    """Makes an alert that has gone out; returns its id."""
    add_resident(world, "a@example.org", topics=["road-closures", "bins", "emergencies"])

    def make(by: World = world, **fields: object) -> str:
        alert = created(client, by.headers, **{"topic": "road-closures", "send": True} | fields)
        work()
        return str(alert["id"])

    return make


def near(client: Client, postcode: str = "zz11aa", **query: str) -> str:
    answer = client.get("/near", params={"postcode": postcode, **query})
    assert answer.status_code == 200
    return Page(answer.text).text


def test_what_every_council_there_says_is_on_one_page_with_who_is_responsible(
    client: Client, world: World, sent: Callable[..., str]
) -> None:
    county = make_other_council("zedshire")
    add_resident(county, "b@example.org", topics=["potholes"])
    sent(title="Mill Road closed", body="Closed 8 to 6.", audience={"wards": [NORTH]})
    sent(title="Elsewhere closed", audience={"wards": [SOUTH]})
    sent(county, topic="potholes", title="Resurfacing begins")
    text = near(client)
    for words in ("Mill Road closed", "Closed 8 to 6.", "From Zed Council.", "Resurfacing begins"):
        assert words in text
    assert "From Zedshire Council." in text
    assert "Served by Zed Council and Zedshire Council." in text
    assert "Northside" in text
    assert "Elsewhere closed" not in text
    assert "Elsewhere closed" in near(client, "ZZ2 1AA")


def test_an_emergency_shows_its_newest_words_where_it_is_now_and_nothing_after_the_all_clear(
    client: Client, world: World, sent: Callable[..., str], work: Work
) -> None:
    desk = signed_in(world.council_id)
    audience = {"postcodes": ["ZZ1 1AA"]}
    alert = sent(topic="emergencies", priority="emergency", title="River rising", audience=audience)
    assert "River rising" in near(client)
    assert "All quiet" in near(client, "ZZ1 1AB")
    act(client, desk, alert, "update", {"title": "Over its banks", "body": "Go upstairs."})
    work()
    listed = near(client).partition("Northside")[2]
    assert ("Over its banks" in listed, "River rising" in listed, "Go upstairs." in listed) == (True, False, True)
    act(client, desk, alert, "all-clear", {"title": "River is low", "body": "Clean up."})
    work()
    assert "All quiet" in near(client)


def test_an_update_with_another_area_moves_the_emergency_there(
    client: Client, world: World, sent: Callable[..., str], work: Work
) -> None:
    alert = sent(topic="emergencies", priority="emergency", title="River rising", audience={"postcodes": ["ZZ1 1AA"]})
    moved = {"title": "Moved on", "body": "Go.", "audience": {"wards": [SOUTH]}}
    made = act(client, signed_in(world.council_id), alert, "update", moved)
    assert made.status_code in (200, 201), made.text
    work()
    assert "All quiet" in near(client)
    assert "Moved on" in near(client, "ZZ2 1AA").partition("Southside")[2]


def test_what_is_over_or_goes_to_single_homes_is_not_there(
    client: Client, world: World, sent: Callable[..., str]
) -> None:
    sent(title="Your own drains", audience={"postcodes": ["ZZ1 1AA"]})
    sent(title="Gone by then", expires_at=(clock.now() + timedelta(hours=1)).isoformat())
    moments.ahead(hours=2)
    assert "All quiet" in near(client)


def _notice(title: str, *, comments_by: date | None = None, wards: Sequence[str] = ()) -> NewNotice:
    return NewNotice(
        title=title, comments_by=comments_by, wards=list(wards), legal_basis="An invented Act", body="Words.",
        kind=Matter.PLANNING,
    )  # fmt: skip


def test_notices_and_consultations_of_the_ward_are_there_until_they_end(client: Client, world: World) -> None:
    today = clock.now().date()
    new = (
        _notice("New library", comments_by=today + timedelta(days=9), wards=[NORTH]),
        _notice("Old library", comments_by=today - timedelta(days=1), wards=[NORTH]),
        _notice("South library", comments_by=today + timedelta(days=9), wards=[SOUTH]),
        _notice("Market licence"),
    )
    it_is(clock.now() - timedelta(days=5))
    with transaction() as session:
        made = [notices.publish(session, council_id=world.council_id, actor="test", new=one) for one in new]
        notices.withdraw(session, made[-1].notice, actor="test", reason="By mistake.")
        notices.publish(session, council_id=world.council_id, actor="test", new=_notice("Byelaw"))
    moments.restore()
    text = near(client)
    assert text.index("Have your say") < text.index("New library") < text.index("Byelaw")
    assert not [title for title in ("Old library", "South library", "Market licence") if title in text]


def test_bin_days_show_where_all_homes_agree_and_ask_for_the_address_where_not(client: Client, world: World) -> None:
    it_is(DECEMBER)
    file = schedule(weekly("refuse", "Tue"), weekly("food", "Thu"))
    file["properties"].append({"uprn": "2", "address": "2 Invented Lane", "postcode": "ZZ1 1AA", "rounds": ["R1"]})
    put_into_force(client, world, file)
    text = near(client)
    assert text.index("Tuesday 1 December") < text.index("Thursday 3 December") < text.index("Tuesday 8 December")
    assert "1 Invented Lane" not in text
    file["rounds"].append({"code": "R2", "rules": [weekly("refuse", "Fri")]})
    file["properties"][1]["rounds"] = ["R2"]
    put_into_force(client, world, file)
    text = near(client)
    assert "do not all have the same collection days" in text
    assert "Tuesday 1 December" not in text
    assert "/bins?postcode=ZZ1+1AA" in Page(client.get("/near", params={"postcode": "ZZ1 1AA"}).text).links


def test_the_page_speaks_welsh_and_names_councils_in_it(client: Client, world: World, sent: Callable[..., str]) -> None:
    client.patch("/api/v1/council", json={"name_cy": "Cyngor Zed"}, headers=world.headers)
    sent(title="Mill Road closed")
    text = near(client, lang="cy")
    assert "Cyngor Zed" in text
    assert "Zed Council" not in text


def test_home_begins_with_the_postcode_and_what_is_in_force(
    client: Client, world: World, sent: Callable[..., str]
) -> None:
    assert "There is nothing to warn of now." in client.get("/").text
    sent(title="Mill Road closed")
    body = client.get("/").text.partition("<main")[2]
    main, footer = body.split("</main>")
    assert main.index('name="postcode"') < main.index("Mill Road closed") < main.index('href="/sign-up"')
    assert ("/staff" in main, "/api/docs" in main) == (False, False)
    assert ("/staff/sign-in" in footer, "/api/docs" in footer) == (True, True)


def test_a_place_where_nothing_happens_says_so_kindly_and_offers_to_sign_up(client: Client, world: World) -> None:
    page = Page(client.get("/near", params={"postcode": "ZZ1 1AA"}).text)
    assert "We know of no emergencies, closures or notices near ZZ1 1AA now." in page.text
    assert [one for one in page.links if one.startswith("/sign-up")]


@pytest.mark.parametrize(
    ("postcode", "words"),
    [
        ("nonsense", "is not a full postcode"),
        (UNKNOWN, "We do not know the postcode"),
        (ENDED, "has not been in use since March 2019"),
        (NOWHERE, "We do not know where"),
        (UNCOVERED, "No council that covers"),
    ],
)
def test_a_postcode_that_leads_nowhere_says_what_to_do(client: Client, world: World, postcode: str, words: str) -> None:
    add_difficult_postcodes()
    answer = client.get("/near", params={"postcode": postcode})
    assert answer.status_code == 422
    assert words in answer.text
    assert Page(answer.text).title.startswith("Error: ")


def test_only_this_page_may_ask_for_the_location_and_nothing_keeps_it(client: Client, world: World) -> None:
    for query in ({}, {"postcode": "ZZ1 1AA"}):
        headers = client.get("/near", params=query).headers
        assert headers["permissions-policy"].startswith("geolocation=(self)")
        assert (headers["cache-control"], headers["x-robots-tag"]) == ("no-store", "noindex")
    for path in ("/", "/alerts", "/sign-up"):
        assert client.get(path).headers["permissions-policy"].startswith("geolocation=()")


def test_a_location_becomes_the_nearest_postcode_and_is_never_in_an_address(client: Client, world: World) -> None:
    lon, lat = to_lon_lat(555_590, 344_590)
    client.follow_redirects = False
    answer = client.post("/near", data={"lon": f"{lon:.5f}", "lat": f"{lat:.5f}"}, headers=BROWSER)
    assert (answer.status_code, answer.headers["location"]) == (303, "/near?postcode=ZZ1+1AB")
    far = client.post("/near", data={"lon": "-3.2", "lat": "55.9"}, headers=BROWSER)
    assert far.status_code == 422
    assert "Enter a postcode instead." in far.text
    for strange in ({"lon": "nan", "lat": "x"}, {"lon": "nan", "lat": "nan"}, {}, {"lon": "52.9", "lat": "0.3"}):
        assert client.post("/near", data=strange, headers=BROWSER).status_code == 422
    assert client.post("/near", data=HERE, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
