"""A flood as a planner lives through it on a phone: from the street on the map to the all-clear, counted and pictured.

With `PICTURES=yes` the pictures of the docs are taken anew.
"""

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Frame, Locator, Page, expect

from notify.core.db import transaction
from notify.places.basemap import store
from notify.subscribers import service as subscribers
from notify.subscribers.models import ApprovalRule, NewTopic, TopicPurpose
from tests.browser.conftest import NewPage
from tests.browser.desk_states import PASSWORD, enrolled
from tests.browser.town_map import PHONE, load_town, tap
from tests.mailbox import Mailbox
from tests.world import World, add_resident, add_residents

pytestmark = pytest.mark.browser

MOST_PRESSES = 60
PICTURES = Path(__file__).parents[2] / "docs" / "pictures"
PLAN = {
    "name": "Flood by the river",
    "approver_role": "planner",
    "lasts_minutes": 360,
    "alert": {
        "topic": "floods",
        "priority": "emergency",
        "title": "Flood in Mill Lane: go upstairs",
        "body": "The River Zed is over its banks in Mill Lane. Go upstairs now. Leave by ((time)) if you can.",
        "audience": {},
        "channels": ["email", "sms"],
        "escalate": {"after_minutes": 5, "channels": ["sms"]},
        "asks_reply": True,
    },
}


@dataclass
class Counted:
    """What people do on these phones, counted: screens that loaded, and presses (a field is one)."""

    screens: int = 0
    presses: int = 0
    phones: list[Page] = field(default_factory=list)

    def add(self, page: Page) -> Page:
        def note(frame: Frame) -> None:
            self.screens += frame == page.main_frame

        page.on("framenavigated", note)
        self.phones.append(page)
        return page

    def press(self, control: Locator) -> None:
        self.presses += 1
        control.click()

    def touch(self, page: Page, x: float, y: float) -> None:
        self.presses += 1
        tap(page, x, y)

    def write(self, control: Locator, words: str) -> None:
        self.presses += 1
        control.fill(words)


class Keyboard(Counted):
    """The same without a mouse or a finger: Tab to a control, then Enter, Space or what is typed."""

    MOST_TABS = 150  # the form of places has a box for each ward twice

    def reach(self, control: Locator) -> Page:
        page = control.page
        for _ in range(self.MOST_TABS):
            page.keyboard.press("Tab")
            if control.evaluate("e => e === document.activeElement"):
                return page
        raise AssertionError(f"{control} cannot be reached by keyboard")

    def press(self, control: Locator) -> None:
        self.presses += 1
        kind = control.evaluate("e => e.type || e.tagName")
        page = self.reach(control)
        if kind in ("submit", "A"):
            with page.expect_navigation():
                page.keyboard.press("Enter")
        else:
            page.keyboard.press("Space")

    def write(self, control: Locator, words: str) -> None:
        self.presses += 1
        page = self.reach(control)
        page.keyboard.press("Control+A")  # what is there goes
        page.keyboard.type(words)


@pytest.fixture
def counted() -> Counted:
    return Counted()


@pytest.fixture
def town(world: World, choose: Callable[..., None], site: str) -> Iterator[World]:
    """The town, a topic of floods that two must agree on, a plan, and people on both banks."""
    choose(BASE_URL=site)
    floods = NewTopic(slug="floods", name="Floods", purpose=TopicPurpose.EMERGENCY, approval=ApprovalRule.ONE)
    with transaction() as session:
        subscribers.create_topic(session, council_id=world.council_id, actor="test", new=floods)
    load_town()
    for at, postcode in (("mill", "ZZ1 1AA"), ("lane", "ZZ1 1AB"), ("bank", "ZZ1 1AD"), ("south", "ZZ2 1AA")):
        people = [f"{at}{number}@example.org" for number in range(12)]
        add_residents(world, people, postcodes=[postcode], topics=["floods"], name="Ann Ash")
    add_resident(world, "sms@example.org", phone="07700 900123", postcodes=["ZZ1 1AA"], topics=["floods"], name="Bo")
    yield world
    store.path().unlink(missing_ok=True)


@pytest.fixture
def phones(site: str, drawing_chromium: Browser, town: World, counted: Counted) -> Iterator[Callable[[], Page]]:
    """Makes phones that have never been here, 390 px wide and touched."""
    contexts, faults = [], []

    def make() -> Page:
        context = drawing_chromium.new_context(
            base_url=site, viewport=PHONE, has_touch=True, is_mobile=True, reduced_motion="reduce"
        )
        context.set_default_timeout(30_000)
        contexts.append(context)
        page = counted.add(context.new_page())
        page.on("pageerror", lambda error: faults.append(str(error)))
        return page

    yield make
    for context in contexts:
        context.close()
    assert faults == []


def picture(page: Page, name: str) -> None:
    if os.environ.get("PICTURES"):
        page.screenshot(path=PICTURES / f"incident-{name}-phone.png")


def button(page: Page, name: str) -> Locator:
    return page.get_by_role("button", name=name, exact=True)


def heading(page: Page, words: str | re.Pattern[str]) -> None:
    expect(page.get_by_role("heading", level=1)).to_have_text(words)


def keep_plan(page: Page, world: World) -> None:
    kept = page.request.post("/api/v1/plans", data=PLAN, headers=world.headers)
    assert kept.status == 201, kept.text()


def enter(walk: Counted, page: Page, name: str, code: str) -> None:
    """Sign in on the page that asks for it."""
    walk.write(page.get_by_label("Email address"), f"{name.lower()}@example.org")
    walk.write(page.get_by_label("Password"), PASSWORD)
    walk.write(page.get_by_label("Code from your authenticator app"), code)
    walk.press(button(page, "Sign in"))


def pushed_link(inbox: Mailbox, to: str) -> str:
    """Where the newest message to this officer leads."""
    for mail in reversed(inbox.messages()):
        if mail["To"] == to:
            part = mail.get_body(("plain",))
            assert part
            found = re.search(r"https?://\S+/decide", part.get_content())
            if found:
                return found[0]
    raise AssertionError(f"Nobody asked {to} for approval: {[mail['Subject'] for mail in inbox.messages()]}")


def approve(walk: Counted, ali: Page, inbox: Mailbox, work: Callable[[], None]) -> None:
    """The second phone: the pushed link, and the button at its end; then everything is sent."""
    work()
    walk.presses += 1  # the link in the message
    ali.goto(pushed_link(inbox, "ali@example.org"))
    inbox.empty()


def draw(walk: Counted, page: Page) -> None:
    """Find the lane, draw along the river, and leave a street out."""
    walk.press(button(page, "Open the map"))
    page.locator("#map[data-ready]").wait_for()
    walk.write(page.get_by_label("Find a street"), "Mill Lane")
    walk.press(page.get_by_role("button", name="Mill Lane").first)
    expect(page.locator("#map-status")).to_have_text("The map shows Mill Lane.")
    walk.press(button(page, "Draw corners"))
    page.locator(".map-place").scroll_into_view_if_needed()
    for x, y in ((0.05, 0.25), (0.6, 0.2), (0.6, 0.75), (0.05, 0.75)):
        walk.touch(page, x, y)
    walk.press(button(page, "Finish shape"))
    expect(page.get_by_text("Area 1:")).to_be_visible()


def widen(walk: Counted, kim: Page, ali: Page, inbox: Mailbox, work: Callable[[], None]) -> None:
    """The area becomes larger by an update, which the second phone approves."""
    walk.press(button(kim, "Change the area"))
    walk.press(button(kim, "Open the map"))
    kim.locator("#map[data-ready]").wait_for()
    walk.touch(kim, 0.95, 0.6)
    expect(kim.get_by_role("checkbox", name="Southside").first).to_be_checked()
    expect(kim.locator("[name=ward]:checked")).to_have_count(1)
    expect(kim.locator("#reached")).to_contain_text("50 people in 2 wards")
    walk.press(button(kim, "Continue"))
    say_it_rises(walk, kim, ali, inbox, work)
    assert len(inbox.recipients()) == 49


def say_it_rises(walk: Counted, kim: Page, ali: Page, inbox: Mailbox, work: Callable[[], None]) -> None:
    """The words of an update, which the second phone approves."""
    walk.write(kim.get_by_label("Title", exact=True).first, "The water rises in Mill Lane")
    walk.write(kim.get_by_label("Message", exact=True).first, "Southside floods too. Stay upstairs.")
    walk.press(button(kim, "Save and preview"))
    walk.press(button(kim, "Ask for approval"))
    approve(walk, ali, inbox, work)
    walk.press(button(ali, "Approve this alert"))
    work()


def call(walk: Counted, kim: Page) -> None:
    """One person of the call list is found safe."""
    walk.press(kim.get_by_role("link", name="Flood in Mill Lane: go upstairs").first)
    walk.press(kim.get_by_role("link", name="Call list"))
    walk.press(kim.get_by_role("link", name="Bo", exact=True))
    walk.press(kim.get_by_label("Safe"))
    walk.press(button(kim, "Record"))
    walk.press(kim.get_by_role("link", name="Back to the incident"))
    picture(kim, "widened")


def all_clear(walk: Counted, kim: Page, ali: Page, inbox: Mailbox, work: Callable[[], None]) -> None:
    """It is over."""
    walk.press(kim.get_by_role("link", name="Send the all-clear"))
    walk.write(kim.get_by_label("Title", exact=True).first, "The flood in Mill Lane is over")
    walk.write(kim.get_by_label("Message", exact=True).first, "You can go out. Keep away from the river.")
    walk.press(button(kim, "Save and preview"))
    walk.press(button(kim, "Ask for approval"))
    approve(walk, ali, inbox, work)
    walk.press(button(ali, "Approve this alert"))
    work()


def test_a_planner_lives_through_a_flood_on_a_phone(
    phones: Callable[[], Page], town: World, counted: Counted, work: Callable[[], None], inbox: Mailbox
) -> None:
    walk, kim, ali = counted, phones(), phones()
    kims_app, alis_app = enrolled(town, "Kim"), enrolled(town, "Ali")
    keep_plan(kim, town)
    kim.goto("/staff/sign-in")
    enter(walk, kim, "Kim", kims_app.now())
    walk.press(button(kim, "Broadcast an emergency"))
    walk.press(kim.get_by_role("link", name="Flood by the river"))
    walk.press(button(kim, "Use this plan"))
    heading(kim, "What does it say?")
    walk.press(kim.get_by_role("link", name="Change who gets this"))
    draw(walk, kim)
    walk.press(button(kim, "Leave out an area"))
    for x, y in ((0.25, 0.35), (0.45, 0.35), (0.45, 0.5)):
        walk.touch(kim, x, y)
    walk.press(button(kim, "Finish shape"))
    picture(kim, "area")
    expect(kim.locator("#reached")).to_contain_text("40 people in 1 ward")
    expect(kim.locator("#reached")).to_contain_text("Cost")
    walk.press(button(kim, "Continue"))
    walk.write(kim.get_by_label("Time", exact=True), "5pm")
    walk.press(button(kim, "Continue to the check"))
    heading(kim, "Check before sending")
    walk.press(button(kim, "Ask for approval"))
    approve(walk, ali, inbox, work)
    enter(walk, ali, "Ali", alis_app.now())
    walk.press(button(ali, "Approve this alert"))
    work()
    walk.press(kim.get_by_role("link", name="Flood in Mill Lane: go upstairs"))
    heading(kim, "Flood in Mill Lane: go upstairs")
    widen(walk, kim, ali, inbox, work)
    call(walk, kim)
    all_clear(walk, kim, ali, inbox, work)
    walk.press(kim.get_by_role("link", name="Flood in Mill Lane: go upstairs").first)
    walk.press(kim.get_by_role("link", name="Public page"))
    picture(kim, "ended")
    ended = kim.get_by_text("Ended", exact=True).first
    expect(ended).to_have_class("status ended")
    print(f"{walk.presses} presses, {walk.screens} screens")
    assert walk.presses <= MOST_PRESSES


@pytest.mark.long
def test_the_same_by_keyboard_alone_and_without_scripts(
    new_page: NewPage, town: World, work: Callable[[], None], inbox: Mailbox
) -> None:
    walk = Keyboard()
    kim, ali = (walk.add(new_page(java_script_enabled=False, viewport=PHONE)) for _ in range(2))
    kims_app, alis_app = enrolled(town, "Kim"), enrolled(town, "Ali")
    keep_plan(kim, town)
    kim.goto("/staff/sign-in")
    enter(walk, kim, "Kim", kims_app.now())
    walk.press(button(kim, "Broadcast an emergency"))
    walk.press(kim.get_by_role("link", name="Flood by the river"))
    walk.press(button(kim, "Use this plan"))
    walk.press(kim.get_by_role("link", name="Change who gets this"))
    walk.write(kim.get_by_label("Within a distance of"), "ZZ1 1AA")
    walk.write(kim.get_by_label("Distance in metres"), "150")
    walk.press(kim.locator("summary", has_text="Postcodes, a shape, or places to leave out"))
    walk.write(kim.get_by_label("Leave out these postcodes"), "ZZ1 1AD, ZZ2 1AA")
    walk.press(button(kim, "Count"))
    expect(kim.locator("#reached")).to_contain_text("Cost")
    walk.press(button(kim, "Continue"))
    walk.write(kim.get_by_label("Time", exact=True), "5pm")
    walk.press(button(kim, "Continue to the check"))
    heading(kim, "Check before sending")
    walk.press(button(kim, "Ask for approval"))
    approve(walk, ali, inbox, work)
    enter(walk, ali, "Ali", alis_app.now())
    walk.press(button(ali, "Approve this alert"))
    work()
    first = len(inbox.recipients())
    kim.reload()
    walk.press(kim.get_by_role("link", name="Flood in Mill Lane: go upstairs").first)
    walk.press(button(kim, "Change the area"))
    walk.write(kim.get_by_label("Leave out these postcodes"), "ZZ1 1AD")
    walk.press(button(kim, "Continue"))
    say_it_rises(walk, kim, ali, inbox, work)
    assert len(inbox.recipients()) > first  # those who were in and those who are new
    call(walk, kim)
    all_clear(walk, kim, ali, inbox, work)
    kim.reload()
    walk.press(kim.get_by_role("link", name="Flood in Mill Lane: go upstairs").first)
    walk.press(kim.get_by_role("link", name="Public page"))
    expect(kim.get_by_text("Ended", exact=True).first).to_have_class("govuk-tag over")
    print(f"{walk.presses} presses, {walk.screens} screens")
