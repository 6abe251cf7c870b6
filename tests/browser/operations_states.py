"""The states of the pages of operations."""

from collections.abc import Callable, Mapping

from playwright.sync_api import Page
from sqlmodel import select

from notify.core.db import transaction
from notify.deliveries import holds
from notify.deliveries import webhook_receivers as endpoints
from notify.subscribers.models import Contact
from tests.browser.staff_states import administrator, desk
from tests.world import World, add_resident

Way = Callable[[Page, World], None]


def with_holds(path: str) -> Way:
    """A page of operations while everything is on hold and a receiver is disabled."""

    def go(page: Page, world: World) -> None:
        add_resident(world, "ann@example.org", webhook="https://hooks.example.org/zed")
        add_resident(world, "ben@example.org", webhook="https://hooks.example.org/far")
        with transaction() as session:
            holds.hold(session, actor="test", reason="Wrong words in the footer.")
            contact = session.exec(select(Contact).where(Contact.address == "https://hooks.example.org/far")).one()
            endpoints.disable(session, contact.id, actor="test")
        administrator(page, world)
        page.goto(path)

    return go


def held_badly(page: Page, world: World) -> None:
    """A hold of nothing."""
    desk("/staff/operations")(page, world)
    page.get_by_text("Put something on hold").click()
    page.get_by_role("button", name="Hold").click()


OPERATIONS: Mapping[str, Way] = {
    "operations": with_holds("/staff/operations"),
    "operations-faulty": held_badly,
    "operations-webhooks": with_holds("/staff/webhooks"),
    "operations-webhooks-empty": desk("/staff/webhooks"),
}
