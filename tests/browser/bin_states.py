"""The states of collection days, for everybody and for officers."""

import io
import json
from collections.abc import Callable, Mapping

from playwright.sync_api import Page

from notify.core.db import transaction
from notify.waste import release_loading, releases
from notify.waste.file_shapes import Source
from notify.waste.release_loading import LoadingOptions
from tests.browser.staff_states import desk
from tests.waste.council import HOME, schedule, weekly
from tests.waste.test_reminders import STREAMS
from tests.world import World

Way = Callable[[Page, World], None]


def with_days(world: World) -> None:
    """Two homes of one postcode, with three streams."""
    file = schedule(weekly("refuse", "Tue"), weekly("recycling", "Tue"), weekly("food", "Thu"), streams=STREAMS)
    file["properties"].append({"uprn": "2", "address": "2 Invented Lane", "postcode": "ZZ1 1AA", "rounds": ["R1"]})
    options = LoadingOptions("Rounds", "Zed waste team", "test", licence="Invented addresses.")
    with transaction() as session:
        source = Source("days.json", io.BytesIO(json.dumps(file).encode()))
        made = release_loading.load(session, world.council_id, [source], options)
        releases.activate(session, made, actor="test")


def public(path: str) -> Way:
    """A page for everybody."""

    def go(page: Page, world: World) -> None:
        with_days(world)
        page.goto(path)

    return go


def own(path: str) -> Way:
    """A page of officers."""

    def go(page: Page, world: World) -> None:
        with_days(world)
        desk(path)(page, world)

    return go


BINS: Mapping[str, Way] = {
    "bins": public("/bins"),
    "bins-faulty": public("/bins?postcode=nowhere"),
    "bins-choose": public("/bins?postcode=ZZ1+1AA"),
    "bins-home": public(f"/bins/zed/{HOME}"),
    "bins-home-welsh": public(f"/bins/zed/{HOME}?lang=cy"),
    "bins-year": public(f"/bins/zed/{HOME}/year"),
    "bins-reminders-start": public("/my/bins"),
    "staff-bins": own("/staff/bins"),
    "staff-bins-happened": own("/staff/bins/happened"),
    "staff-bins-holidays": own("/staff/bins/holidays"),
    "staff-bins-round": own("/staff/bins/round?code=R1"),
    "staff-bins-find": own(f"/staff/bins/find?home={HOME}"),
    "staff-bins-upload": own("/staff/bins/upload"),
    "staff-bins-sources": own("/staff/bins/sources"),
    "staff-bins-contractors": own("/staff/bins/contractors"),
    "staff-bins-figures": own("/staff/bins/figures"),
}
