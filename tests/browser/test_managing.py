"""Moving house, pausing, quiet hours, leaving and erasing: by mouse, by keyboard alone, and without scripts."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import pytest
from playwright.sync_api import Locator, Page, expect
from sqlmodel import select

from notify.core import clock
from notify.core.db import transaction
from notify.deliveries.message_content import unsubscribe_token
from notify.subscribers.models import Cadence, Contact, Place, ServiceMessageKind, Subscriber, Subscription
from tests.browser.conftest import NewPage
from tests.browser.states import link_for, new_alert
from tests.browser.test_pages import tab_to
from tests.world import World, add_resident

pytestmark = pytest.mark.browser


@dataclass(frozen=True, slots=True)
class Hand:
    """A resident's hand: on the mouse, or on the keyboard and nothing else."""

    page: Page
    has_mouse: bool

    def press(self, role: str, name: str) -> None:
        """Press a button or follow a link."""
        if self.has_mouse:
            self._find(role, name).click()
            return
        tab_to(self.page, role, name)
        self.page.keyboard.press("Enter")

    def write(self, name: str, text: str) -> None:
        """Fill in a field."""
        if self.has_mouse:
            self._find("textbox", name).fill(text)
            return
        tab_to(self.page, "textbox", name)
        self.page.keyboard.type(text)

    def tick(self, name: str) -> None:
        """Tick a box."""
        if self.has_mouse:
            self._find("checkbox", name).check()
            return
        tab_to(self.page, "checkbox", name)
        self.page.keyboard.press("Space")

    def choose(self, name: str, option: str) -> None:
        """Choose from a list by what an option says."""
        if self.has_mouse:
            self._find("combobox", name).select_option(label=option)
            return
        tab_to(self.page, "combobox", name)
        self.page.keyboard.type(option)

    def _find(self, role: str, name: str) -> Locator:
        return self.page.get_by_role(role, name=name).first  # type: ignore[arg-type]

    def is_at(self, heading: str) -> None:
        expect(self.page.get_by_role("heading", level=1)).to_have_text(heading)


HANDS: Mapping[str, tuple[Mapping[str, object], bool]] = {
    "mouse": ({}, True),
    "keyboard": ({}, False),
    "mouse-without-scripts": ({"java_script_enabled": False}, True),
    "keyboard-at-320-pixels": ({"viewport": {"width": 320, "height": 640}}, False),
}


@pytest.fixture(params=HANDS)
def hand(request: pytest.FixtureRequest, new_page: NewPage, world: World) -> Hand:
    """A signed-in resident who follows bins at ZZ1 1AA."""
    options, has_mouse = HANDS[request.param]
    add_resident(world, "sam@example.org", topics=["bins"])
    page = new_page(**options)
    page.goto(f"/manage/{link_for('sam@example.org', ServiceMessageKind.SIGN_IN)}")
    hand = Hand(page, has_mouse)
    hand.press("button", "Show my alerts")
    hand.is_at("Your alerts")
    return hand


def test_a_resident_moves_house(hand: Hand) -> None:
    hand.press("link", "Move Home")
    hand.write("New postcode", "ZZ2 1AA")
    hand.press("button", "Move")
    hand.is_at("Your alerts")
    with transaction() as session:
        assert session.exec(select(Place.postcode)).one() == "ZZ21AA"


def test_a_resident_pauses_and_goes_on(hand: Hand) -> None:
    until = clock.now() + timedelta(days=40)
    hand.press("link", "Change Pause")
    hand.write("When should your alerts start again?", f"{until:%d %b %Y}")
    hand.press("button", "Pause my alerts")
    hand.is_at("Your alerts")
    with transaction() as session:
        assert session.exec(select(Subscriber.paused_until)).one() is not None
    hand.press("link", "Change Pause")
    hand.press("button", "Send my alerts again now")
    hand.is_at("Your alerts")
    with transaction() as session:
        assert session.exec(select(Subscriber.paused_until)).one() is None


def test_a_resident_sets_quiet_hours_and_gathers_emails(hand: Hand) -> None:
    hand.press("link", "Change Quiet hours")
    hand.choose("From", "21:00")
    hand.choose("To", "07:00")
    hand.press("button", "Save my hours")
    hand.is_at("Your alerts")
    hand.press("link", "Change Your emails")
    hand.choose("Bin collections", "Once a day, together, at 5 in the afternoon")
    hand.press("button", "Save")
    hand.is_at("Your alerts")
    with transaction() as session:
        assert session.exec(select(Subscriber)).one().quiet_from is not None
        assert session.exec(select(Subscription.cadence)).one() == Cadence.DAILY


def test_a_resident_leaves_by_the_link_of_a_mail(hand: Hand, world: World) -> None:
    alert: UUID = new_alert(hand.page, world, topic="bins")
    with transaction() as session:
        contact = session.exec(select(Contact.id)).one()
    hand.page.goto(f"/u/{unsubscribe_token(contact, alert)}")
    hand.press("button", "Stop these")
    expect(hand.page).to_have_title(re.compile("^Done: "))
    with transaction() as session:
        assert session.exec(select(Subscription.ended_at)).one() is not None


def test_a_resident_erases_everything(hand: Hand) -> None:
    hand.press("link", "Leave and erase your details")
    hand.tick("Yes, erase everything about me")
    hand.press("button", "Erase everything")
    hand.is_at("Everything is erased")
    with transaction() as session:
        assert session.exec(select(Contact)).all() == []
