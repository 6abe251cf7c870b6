"""Public pages in a real browser: an emergency is light and needs no style; other sites show the widget."""

import http.server
import re
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Geolocation, Response, expect

from notify.places.projection import to_lon_lat
from tests.browser.axe import violations
from tests.browser.conftest import NewPage
from tests.browser.near_states import live
from tests.browser.states import publish
from tests.world import World

pytestmark = pytest.mark.browser

HEAVIEST_EMERGENCY = 50_000


def test_an_emergencys_page_is_light_and_reads_well_without_style(new_page: NewPage, world: World) -> None:
    page = new_page(bypass_csp=True)
    alert = publish(page, world)
    responses: list[Response] = []
    page.on(
        "response", lambda response: responses.append(response)
    )  # bodies are read later: asked for in here, one that never ends is waited for
    page.goto(f"/alerts/{alert}", wait_until="networkidle")
    assert 0 < sum(len(response.body()) for response in responses) <= HEAVIEST_EMERGENCY
    page.route("**/*.css", lambda route: route.abort())
    page.reload()
    words = page.locator("main").inner_text()
    order = [
        words.index(part) for part in ("Emergency", "Flood: move", "The river is over", "Zed Council", "Northside")
    ]
    assert order == sorted(order)


def test_the_button_to_read_aloud_is_there_where_the_browser_can(new_page: NewPage, world: World) -> None:
    page = new_page()
    alert = publish(page, world)
    page.goto(f"/alerts/{alert}")
    button = page.get_by_role("button", name="Read this page aloud")
    expect(button).to_be_visible()
    silent = new_page(java_script_enabled=False)
    silent.goto(f"/alerts/{alert}")
    assert not silent.get_by_text("Read this page aloud").is_visible()


@pytest.fixture
def other_site(site: str, tmp_path: Path) -> Iterator[str]:
    """The council's own site on another port, with the widget in it both ways."""
    (tmp_path / "frame.html").write_text(f'<iframe title="Alerts" src="{site}/widget?council=zed"></iframe>')
    (tmp_path / "script.html").write_text(
        f'<title>Zed</title><p>News</p><script src="{site}/static/widget.js" data-council="zed"></script>'
    )
    (tmp_path / "steal.html").write_text(f'<iframe title="Sign up" src="{site}/sign-up"></iframe>')
    handler = partial(http.server.SimpleHTTPRequestHandler, directory=str(tmp_path))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("way", ["frame", "script"])
def test_another_site_shows_the_widget(
    chromium: Browser, new_page: NewPage, other_site: str, world: World, way: str
) -> None:
    publish(new_page(), world)
    page = chromium.new_page()
    page.goto(f"{other_site}/{way}.html")
    framed = page.frame_locator("iframe")
    expect(framed.get_by_role("link", name="Emergency: Flood: move to higher ground")).to_be_visible()
    page.close()


def test_another_site_shows_none_of_our_forms(chromium: Browser, other_site: str, world: World) -> None:
    page = chromium.new_page()
    page.goto(f"{other_site}/steal.html")
    expect(page.frame_locator("iframe").get_by_label("What is your postcode?")).to_have_count(0)
    page.close()


def test_the_widget_is_accessible(new_page: NewPage, world: World) -> None:
    page = new_page(viewport={"width": 320, "height": 640})
    publish(page, world)
    page.goto("/widget")
    assert violations(page) == []


def test_a_press_on_a_phone_finds_what_is_live_where_it_is(new_page: NewPage, world: World) -> None:
    live(world)
    lon, lat = to_lon_lat(555_510, 344_510)
    here: Geolocation = {"longitude": lon, "latitude": lat}
    page = new_page(permissions=["geolocation"], geolocation=here, viewport={"width": 390, "height": 844})
    page.goto("/near")
    page.get_by_role("button", name="Use my location").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Near ZZ1 1AA")
    assert page.url.endswith("/near?postcode=ZZ1+1AA")
    expect(page.get_by_role("link", name="Mill Road closed on Sunday")).to_be_visible()


def test_a_phone_that_gives_no_location_is_asked_for_a_postcode(new_page: NewPage, world: World) -> None:
    page = new_page()
    page.goto("/near")
    page.get_by_role("button", name="Use my location").click()
    expect(page.get_by_role("status")).to_have_text("Your device did not give a location. Enter a postcode instead.")
    page.get_by_label("Postcode").fill("zz1 1aa")
    page.get_by_role("button", name="Show what’s near").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Near ZZ1 1AA")


def test_a_poster_fills_one_sheet(new_page: NewPage, world: World) -> None:
    page = new_page()
    page.goto("/poster?council=zed&lang=cy")
    sheet = page.pdf(prefer_css_page_size=True)
    assert len(re.findall(rb"/Type /Page\b", sheet)) == 1
    page.emulate_media(media="print")
    box = page.locator(".sheet").bounding_box()
    assert box
    assert (round(box["width"] / 96 * 25.4), round(box["height"] / 96 * 25.4)) == (210, 296)
