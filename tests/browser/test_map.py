"""The map in a real browser with software WebGL: a planner on a phone finds a street and draws an area by touch."""

import json
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Response, expect
from sqlalchemy import text
from sqlmodel import select

from notify.alerts import service
from notify.alerts.models import NewAlert
from notify.core.db import transaction
from notify.deliveries import worker_loop
from notify.drafting.models import Draft
from notify.places.basemap import script, store
from notify.places.models import AudienceSpec, Circle
from notify.places.projection import to_lon_lat, to_national_grid
from notify.staff import service as staff
from notify.staff.models import Officer, Role
from tests.browser.axe import violations
from tests.browser.town_map import PHONE, load_town, open_map, tap
from tests.world import World, add_residents

pytestmark = pytest.mark.browser

MOST_BYTES, MOST_REQUESTS = 520_000, 30


@pytest.fixture
def town(world: World) -> Iterator[World]:
    """The invented council with wards, streets and their names, and twelve residents."""
    add_residents(world, [f"n{number}@example.org" for number in range(12)])
    load_town()
    yield world
    store.path().unlink(missing_ok=True)


@pytest.fixture
def phone(site: str, drawing_chromium: Browser, town: World) -> Iterator[Page]:
    """A planner's phone at the page of places."""
    context: BrowserContext = drawing_chromium.new_context(
        base_url=site,
        geolocation={"longitude": 0.3213, "latitude": 52.9757, "accuracy": 25},
        permissions=["geolocation"],
        viewport=PHONE,
        has_touch=True,
        reduced_motion="reduce",
    )
    context.set_default_timeout(30_000)
    page = context.new_page()
    foreign: list[str] = []
    faults: list[str] = []
    page.on("request", lambda request: None if request.url.startswith(site) else foreign.append(request.url))
    page.on("pageerror", lambda error: faults.append(str(error)))
    with transaction() as session:
        kim: Officer = staff.create_officer(
            session, council_id=town.council_id, email="kim@example.org", name="Kim", role=Role.PLANNER
        )
        link = staff.create_sign_in_link(session, kim.id)
    page.goto(f"/staff/sign-in/{link}")
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("button", name="Write an alert").click()
    page.get_by_label("Road closures").check()
    page.get_by_role("button", name="Continue").click()
    yield page
    context.close()
    assert (foreign, faults) == ([], [])


def field(page: Page, name: str) -> object:
    value = page.locator(f"[name={name}]").input_value()
    return json.loads(value) if value else None


def test_a_planner_finds_a_street_and_draws_by_touch(phone: Page) -> None:
    phone.set_default_timeout(30_000)
    open_map(phone)
    phone.get_by_role("button", name="My location").click()
    expect(phone.locator("#map-status")).to_have_text("You are here, to within 25 metres.")
    phone.get_by_label("Find a street").fill("mil lane")
    phone.get_by_role("button", name="Mill Lane").first.click()
    expect(phone.locator("#map-status")).to_have_text("The map shows Mill Lane.")
    phone.get_by_role("button", name="Draw corners").click()
    phone.locator(".map-place").scroll_into_view_if_needed()
    for x, y in ((0.2, 0.3), (0.7, 0.25), (0.75, 0.6), (0.3, 0.7)):
        tap(phone, x, y)
    finish, place = phone.locator(".map-finish").bounding_box(), phone.locator(".map-canvas").bounding_box()
    assert finish
    assert place
    away = abs(finish["x"] - (place["x"] + 0.3 * place["width"])) + abs(
        finish["y"] - (place["y"] + 0.7 * place["height"])
    )
    assert away < 80  # beside the finger
    phone.get_by_role("button", name="Finish shape").click()
    expect(phone.get_by_text("Area 1:")).to_be_visible()
    drawn = field(phone, "shape")
    assert isinstance(drawn, dict)
    assert (drawn["type"], len(drawn["coordinates"][0])) == ("Polygon", 5)
    expect(phone.locator("#reached .lead")).not_to_have_text("")
    expect(phone.locator("[data-map=people]")).to_have_text(phone.locator("#reached .lead").inner_text())
    phone.get_by_role("button", name="Undo").click()
    expect(phone.locator("[name=shape]")).to_have_value("")
    phone.get_by_role("button", name="Redo").click()
    expect(phone.locator("[name=shape]")).not_to_have_value("")
    assert field(phone, "shape") == drawn
    phone.get_by_role("button", name="Continue").click()
    expect(phone.get_by_role("heading", level=1)).to_contain_text("What does it say?")
    with transaction() as session:
        (draft,) = session.exec(select(Draft)).all()
        assert json.loads(draft.fields["shape"][0]) == drawn
        assert draft.fields["reach"] == ["places"]


def test_shapes_are_left_out_changed_and_kept_when_the_page_comes_back(phone: Page) -> None:
    open_map(phone)
    phone.locator(".map-place").scroll_into_view_if_needed()
    tap(phone, 0.35, 0.5)  # a ward
    expect(phone.locator("[name=ward]:checked")).to_have_count(1)
    phone.get_by_role("button", name="Leave out an area").click()
    for x, y in ((0.3, 0.45), (0.5, 0.45), (0.5, 0.6)):
        tap(phone, x, y)
    phone.get_by_role("button", name="Finish shape").click()
    expect(phone.get_by_text("Left out 1:")).to_be_visible()
    assert (field(phone, "shape"), field(phone, "without_shape") is not None) == (None, True)
    phone.get_by_role("button", name="Count", exact=True).click()
    phone.locator("#map[data-ready]").wait_for()  # it was open, and is again
    expect(phone.get_by_text("Left out 1:")).to_be_visible()
    phone.get_by_role("button", name="Include left out 1").click()
    expect(phone.locator("[name=without_shape]")).to_have_value("")
    expect(phone.locator("[name=shape]")).not_to_have_value("")
    phone.get_by_role("button", name="Delete area 1").click()
    expect(phone.locator("[name=shape]")).to_have_value("")


def test_the_map_can_be_used_within_its_budget_and_axe_finds_nothing(phone: Page) -> None:
    answers: list[Response] = []
    phone.on("response", lambda answer: answers.append(answer))
    phone.reload()
    answers.clear()
    open_map(phone)
    sizes = [int(answer.headers.get("content-length", 0)) for answer in answers]
    assert len(sizes) <= MOST_REQUESTS
    assert 200_000 < sum(sizes) <= MOST_BYTES
    assert violations(phone) == []
    built = [script.part_called(address.rpartition("/")[2]) for address in script.addresses().values()]
    gzipped = sum(len(part.gzipped) for part in built if part and not part.name.startswith("viewing"))
    assert gzipped <= MOST_BYTES - 15_000  # for browsers without Brotli, with the first squares


def test_without_webgl_the_drawing_of_the_wards_does_it(phone: Page) -> None:
    phone.add_init_script("HTMLCanvasElement.prototype.getContext = () => null")
    phone.reload()
    phone.get_by_role("button", name="Open the map").click()
    expect(phone.get_by_text("This browser cannot show the map.")).to_be_visible()
    expect(phone.locator("#chart text").first).to_have_text("Northside")
    phone.locator("path[data-ward=Z05000001]").click()
    expect(phone.get_by_role("checkbox", name="Northside").first).to_be_checked()


def test_nothing_of_the_map_is_fetched_before_it_is_asked_for(phone: Page) -> None:
    fetched: list[str] = []
    phone.on("request", lambda request: fetched.append(request.url))
    phone.reload()
    expect(phone.get_by_role("button", name="Open the map")).to_be_visible()
    assert [url for url in fetched if "/basemap/" in url or (url.endswith(".js") and "/map/" in url)] == []
    with transaction() as session:
        assert session.execute(text("SELECT count(*) FROM draft")).scalar_one() == 1


def test_residents_and_staff_explore_the_area_of_an_alert(phone: Page, town: World) -> None:
    new = NewAlert(
        topic="road-closures",
        title="Mill Lane closed",
        body="Until noon.",
        audience=AudienceSpec(circle=Circle(lon=0.3213, lat=52.9757, radius_m=600)),
        send=True,
    )
    with transaction() as session:
        alert = service.create_and_send(session, by=town.planner, new=new)
    worker_loop.expand_alert(alert.id)
    fetched: list[str] = []
    phone.on("request", lambda request: fetched.append(request.url))
    for path, press in ((f"/alerts/{alert.id}", "Explore map"), (f"/staff/alerts/{alert.id}", "Show the map")):
        fetched.clear()
        phone.goto(path)
        assert [url for url in fetched if "/map/viewing" in url or "/basemap/" in url] == []
        phone.get_by_role("button", name=press).click()
        phone.locator("[data-map=view][data-ready]").wait_for()
        assert any("/basemap/style-light.json" in url for url in fetched)
        assert violations(phone) == []


def test_a_corner_near_a_wards_edge_is_put_on_it(phone: Page) -> None:
    open_map(phone)
    phone.get_by_role("button", name="Snap to wards").click()
    phone.get_by_role("button", name="Draw corners").click()
    edge = to_lon_lat(556_000, 344_700)
    at = phone.evaluate(
        "edge => { const map = document.getElementById('map').drawing.map, { x, y } = map.project(edge);"
        " return [x / map.getCanvas().clientWidth, y / map.getCanvas().clientHeight, map.getCanvas().clientWidth] }",
        list(edge),
    )
    tap(phone, at[0] + 8 / at[2], at[1])  # eight pixels beside it
    tap(phone, at[0] + 0.25, at[1])
    tap(phone, at[0] + 0.25, at[1] + 0.2)
    phone.get_by_role("button", name="Finish shape").click()
    expect(phone.locator("[name=shape]")).not_to_have_value("")
    drawn = field(phone, "shape")
    assert isinstance(drawn, dict)
    eastings = sorted(to_national_grid(*corner)[0] for corner in drawn["coordinates"][0])
    assert abs(eastings[0] - 556_000) < 1
    assert eastings[-1] > 556_050


def test_a_zone_is_drawn_on_the_map(phone: Page) -> None:
    phone.goto("/staff/new-zone")
    open_map(phone)
    expect(phone.get_by_role("button", name="Leave out an area")).to_have_count(0)
    phone.get_by_role("button", name="Draw corners").click()
    phone.locator(".map-place").scroll_into_view_if_needed()
    for x, y in ((0.2, 0.3), (0.7, 0.25), (0.75, 0.6), (0.3, 0.7)):
        tap(phone, x, y)
    phone.get_by_role("button", name="Finish shape").click()
    expect(phone.locator("[name=shape]")).not_to_have_value("")
    assert violations(phone) == []
    phone.get_by_role("button", name="Add zone").click()
    phone.locator("#map[data-ready]").wait_for()  # it has no name yet, and the map is there with the outline
    expect(phone.get_by_text("Area 1:")).to_be_visible()
    phone.get_by_label("Name", exact=True).fill("North bank")
    phone.get_by_role("button", name="Add zone").click()
    expect(phone.get_by_role("heading", level=1)).to_contain_text("North bank")
