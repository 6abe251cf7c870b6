"""The states of the pages on which administrators upload a release and put it into force."""

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from playwright.sync_api import Page
from sqlmodel import select

from notify.core.db import transaction
from notify.places import release_tasks
from notify.places.models import ReleaseTask
from tests.browser.staff_states import desk
from tests.places.invented import postcode_file
from tests.world import NORTH, SOUTH, World, add_resident

Way = Callable[[Page, World], None]


def waiting(page: Page, world: World) -> None:
    """A release is being read."""
    add_resident(world, "ann@example.org", postcodes=["ZZ1 1AA", "ZZ1 1AB"])
    desk("/staff/places/releases")(page, world)
    rows = [("ZZ1 1AA", 555_500, 344_500, SOUTH), ("ZZ2 1AA", 556_500, 344_500, NORTH)]
    with tempfile.TemporaryDirectory() as folder:
        file = postcode_file(Path(folder) / "ONSPD_NOV_2026.csv", rows)
        page.get_by_label("File, as you downloaded it").set_input_files(file)
        page.get_by_role("button", name="Upload").click()
        page.get_by_text("is being read").wait_for()


def loaded(page: Page, world: World) -> None:
    """It is read, and may be looked at."""
    waiting(page, world)
    with transaction() as session:
        task_id = session.exec(select(ReleaseTask.id)).one()
    release_tasks.run(task_id)
    page.goto("/staff/places/releases")


def compared(page: Page, world: World) -> None:
    """What it changes, and what speaks against it."""
    loaded(page, world)
    page.get_by_role("link", name="See what it changes").click()


def not_checked(page: Page, world: World) -> None:
    """The box was not ticked."""
    compared(page, world)
    page.get_by_role("button", name="Put this release into force").click()


def nothing_chosen(page: Page, world: World) -> None:
    """No file."""
    desk("/staff/places/releases")(page, world)
    page.get_by_role("button", name="Upload").click()


RELEASES: Mapping[str, Way] = {
    "releases": loaded,
    "releases-waiting": waiting,
    "releases-faulty": nothing_chosen,
    "release": compared,
    "release-faulty": not_checked,
}
