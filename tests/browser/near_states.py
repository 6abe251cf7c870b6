"""States of the page of what is live near a postcode, and of home while something is."""

from collections.abc import Callable, Mapping

from playwright.sync_api import Page

from notify.alerts.models import NewAlert, Translation
from notify.alerts.service import create_and_send
from notify.core.db import transaction
from notify.deliveries import worker_loop
from notify.places.models import AudienceSpec
from tests.browser.bin_states import with_days
from tests.browser.incident_states import warn
from tests.browser.notice_states import register
from tests.subscribers.places import add_county
from tests.world import NORTH, World, add_outlines

CLOSED = NewAlert(
    topic="road-closures",
    title="Mill Road closed on Sunday",
    body="Closed 8am to 6pm for a new gas main. Use the bus, or go by Station Road.",
    audience=AudienceSpec(wards=[NORTH]),
    translations={"cy": Translation(title="Heol y Felin ar gau ddydd Sul", body="Ar gau 8am tan 6pm. Ewch ar y bws.")},
    send=True,
)


def live(world: World) -> str:
    """Something of every kind at ZZ1 1AA, of two councils; the id of the alert that is no emergency."""
    add_county()
    add_outlines()
    with_days(world)
    register(world)
    warn(world)
    with transaction() as session:
        alert_id = create_and_send(session, by=world.planner, new=CLOSED).id
    worker_loop.expand_alert(alert_id)
    return str(alert_id)


def with_something(path: str) -> Callable[[Page, World], None]:
    """A page while something of every kind is live; `{}` is the id of the alert."""

    def reach(page: Page, world: World) -> None:
        answer = page.goto(path.format(live(world)))
        assert answer
        assert answer.ok, page.locator("body").inner_text()

    return reach


def with_nothing(path: str) -> Callable[[Page, World], None]:
    """A page while nothing is."""

    def reach(page: Page, world: World) -> None:
        page.goto(path)

    return reach


NEAR_ME: Mapping[str, Callable[[Page, World], None]] = {
    "near": with_something("/near?postcode=ZZ1+1AA"),
    "near-welsh": with_something("/near?postcode=ZZ1+1AA&lang=cy"),
    "near-quiet": with_nothing("/near?postcode=ZZ1+1AA"),
    "near-question": with_nothing("/near"),
    "near-faulty": with_nothing("/near?postcode=nowhere"),
    "home-live": with_something("/"),
}
