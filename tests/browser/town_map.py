"""The invented town with its streets, and a finger on its map."""

from pathlib import Path

from playwright.sync_api import Page, ViewportSize

from notify.core.db import transaction
from notify.places.basemap import loader, script
from notify.places.place_names.loader import load_names
from tests.drafting.desk import draw_wards

DEMO = Path(__file__).parents[2] / "geodata" / "demo"
PHONE = ViewportSize(width=390, height=844)


def load_town() -> None:
    """Wards with outlines, streets, and their names. The base map is a file, which the test removes."""
    assert script.is_built(), "The map is not built: make map"
    draw_wards()
    with transaction() as session:
        loader.load(session, DEMO / "basemap.mbtiles")
        load_names(session, DEMO / "names.csv", product="Invented", version="1", attribution="Invented.")


def open_map(page: Page) -> None:
    """Press the button, and wait until the map can be used."""
    page.get_by_role("button", name="Open the map").click()
    page.locator("#map[data-ready]").wait_for()


def tap(page: Page, x: float, y: float) -> None:
    """Touch the map at a share of its width and height."""
    page.locator(".map-canvas").scroll_into_view_if_needed()
    box = page.locator(".map-canvas").bounding_box()
    assert box
    page.touchscreen.tap(box["x"] + x * box["width"], box["y"] + y * box["height"])
    page.wait_for_timeout(350)  # two taps in a third of a second are a zoom
