"""An officer’s first alert, and an emergency by two people, in a real browser; also by keyboard and without scripts."""

import time
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import text

from notify.alerts.service import start_due
from notify.core.db import transaction
from notify.staff.models import Role
from notify.subscribers import service as subscribers
from notify.subscribers.models import ApprovalRule, NewTopic, TopicPurpose
from tests.browser.conftest import NewPage
from tests.browser.desk_states import enrolled, sign_in
from tests.browser.test_pages import tab_to
from tests.drafting.desk import draw_wards
from tests.mailbox import Mailbox
from tests.world import World, add_resident, add_residents

pytestmark = pytest.mark.browser

PEOPLE = 20  # counts are rounded to ten


@pytest.fixture
def town(world: World) -> World:
    """A council with wards to see, people in them, and floods that two must agree on."""
    draw_wards()
    floods = NewTopic(slug="floods", name="Floods", purpose=TopicPurpose.EMERGENCY, approval=ApprovalRule.ONE)
    with transaction() as session:
        subscribers.create_topic(session, council_id=world.council_id, actor="test", new=floods)
        session.execute(text("UPDATE topic SET purpose = 'service' WHERE slug = 'emergencies'"))
    add_residents(world, [f"n{number}@example.org" for number in range(PEOPLE)], topics=["bins", "floods"])
    add_resident(world, "south@example.org", postcodes=["ZZ2 1AA"], topics=["bins", "floods"])
    return world


def half_a_minute_later() -> None:
    with transaction() as session:
        session.execute(text("UPDATE alert SET send_at = business_now() WHERE state = 'scheduled'"))
        start_due(session)


def write(page: Page, *, press_map: bool) -> None:
    page.get_by_role("button", name="Write an alert").click()
    page.get_by_label("Bin collections").check()
    page.get_by_role("button", name="Continue").click()
    if press_map:
        page.wait_for_url("**/where")  # with its scripts: who presses before they run presses a picture
        page.locator("path[data-ward=Z05000001]").click()
        expect(page.get_by_role("checkbox", name="Northside").first).to_be_checked()
        expect(page.locator("#reached")).to_contain_text(f"{PEOPLE} people in 1 ward")
    else:
        page.get_by_role("checkbox", name="Northside").first.check()
    page.get_by_role("button", name="Continue").click()
    page.get_by_label("Title", exact=True).fill("Bins in Northside come on Tuesday")
    page.get_by_label("Message", exact=True).fill("Bins in Northside are emptied on Tuesday. Put them out by 7am.")
    page.get_by_role("button", name="Continue to the check").click()
    expect(page.get_by_text(f"Now: {PEOPLE} emails, in 1 ward.")).to_be_visible()
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Bins in Northside come on Tuesday")


@pytest.mark.parametrize("scripts", [True, False])
def test_a_new_officers_first_alert_takes_less_than_two_minutes(
    new_page: NewPage, town: World, work: Callable[[], None], inbox: Mailbox, scripts: bool
) -> None:
    app = enrolled(town, "Kim", Role.AUTHOR)
    page = new_page(java_script_enabled=scripts)
    began = time.monotonic()
    sign_in(page, "Kim", app)
    write(page, press_map=scripts)
    assert time.monotonic() - began < 120
    half_a_minute_later()
    work()
    assert set(inbox.recipients()) == {f"n{number}@example.org" for number in range(PEOPLE)}


def test_two_people_broadcast_an_emergency_in_less_than_a_minute(
    new_page: NewPage, town: World, work: Callable[[], None], inbox: Mailbox
) -> None:
    kims_app, alis_app = enrolled(town, "Kim"), enrolled(town, "Ali")
    kim, ali = new_page(), new_page()
    began = time.monotonic()
    sign_in(kim, "Kim", kims_app)
    kim.get_by_role("button", name="Broadcast an emergency").click()
    kim.get_by_label("Flood").check()
    kim.get_by_role("button", name="Continue").click()
    kim.wait_for_url("**/where")
    kim.locator("path[data-ward=Z05000001]").click()
    expect(kim.get_by_role("checkbox", name="Northside").first).to_be_checked()
    kim.get_by_role("button", name="Continue").click()
    kim.get_by_label("Place", exact=True).fill("Bridge Street")
    kim.get_by_label("Time", exact=True).fill("noon")
    kim.get_by_role("button", name="Continue to the check").click()
    expect(kim.get_by_text("Someone else must approve it first.")).to_be_visible()
    kim.get_by_role("button", name="Ask for approval").click()
    sign_in(ali, "Ali", alis_app)
    ali.get_by_role("link", name="Flood: move to safety at Bridge Street").click()
    ali.get_by_role("button", name="Approve this alert").click()
    expect(ali.get_by_role("heading", level=1)).to_have_text("Flood: move to safety at Bridge Street")
    work()
    assert time.monotonic() - began < 60
    assert set(inbox.recipients()) == {f"n{number}@example.org" for number in range(PEOPLE)}


def test_an_officer_writes_with_the_keyboard_alone(new_page: NewPage, town: World) -> None:
    page = new_page()
    sign_in(page, "Kim", enrolled(town, "Kim", Role.AUTHOR))
    tab_to(page, "button", "Write an alert")
    page.keyboard.press("Enter")
    tab_to(page, "radio", "Bin collections")
    page.keyboard.press("Space")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Who should get this?")
    tab_to(page, "checkbox", "Northside")
    page.keyboard.press("Space")
    expect(page.locator("#reached")).to_contain_text(f"{PEOPLE} people in 1 ward")
    tab_to(page, "button", "Continue")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("What does it say?")
    tab_to(page, "textbox", "Title")
    page.keyboard.type("Bins in Northside come on Tuesday")
    tab_to(page, "textbox", "Message")
    page.keyboard.type("Put them out by 7am.")
    tab_to(page, "button", "Continue to the check")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Check before sending")
