"""The states of the guided start of a new council."""

from collections.abc import Callable, Mapping

from playwright.sync_api import Page

from tests.browser.staff_states import desk
from tests.world import World

Way = Callable[[Page, World], None]


def nothing_chosen(page: Page, world: World) -> None:
    """No topic was selected."""
    desk("/staff/start/topics")(page, world)
    for box in page.get_by_role("checkbox").all():
        box.uncheck()
    page.get_by_role("button", name="Add these topics").click()


def no_number(page: Page, world: World) -> None:
    """A text to a user whose number is not known."""
    desk("/staff/start/messages")(page, world)
    page.get_by_role("button", name="Send me a text").click()


START: Mapping[str, Way] = {
    "start": desk("/staff/start"),
    "start-places": desk("/staff/start/places"),
    "start-topics": desk("/staff/start/topics"),
    "start-topics-missing": nothing_chosen,
    "start-messages": desk("/staff/start/messages"),
    "start-messages-faulty": no_number,
}
