"""An agent of the contact centre at work in a real browser, without scripts: presses are counted."""

import pytest
from playwright.sync_api import expect

from notify.staff.models import Role
from notify.staff.rights import RIGHTS, Right
from tests.browser.conftest import NewPage
from tests.browser.record_states import ANN, agent
from tests.world import World

pytestmark = pytest.mark.browser

MOST_PRESSES = 4
SENDS_TO_MANY = {Right.WRITE_ALERTS, Right.APPROVE_ALERTS, Right.BROADCAST, Right.CHANGE_MANY_SUBSCRIBERS}


def test_what_did_you_send_me_last_week_and_did_it_arrive_takes_four_presses(new_page: NewPage, world: World) -> None:
    page = new_page(java_script_enabled=False)
    agent(page, world)
    page.goto("/staff")
    presses = 0

    page.get_by_role("link", name="Residents").click()
    presses += 1
    page.get_by_label("Email address, phone number or reference").fill(ANN)
    page.get_by_label("Why are you looking").fill("They ask what we sent last week.")
    page.get_by_role("button", name="Find").click()
    presses += 1
    expect(page.get_by_role("heading", name="What we sent")).to_be_visible()
    newest = page.locator(".entry").first
    expect(newest).to_contain_text("Mill Road closed, part 6")
    expect(newest).to_contain_text("delivered")
    page.get_by_role("link", name="Everything we sent them").click()
    presses += 1
    expect(page.locator(".entry")).to_have_count(6)
    assert presses <= MOST_PRESSES


def test_nothing_that_an_agent_reaches_sends_to_anybody_else(new_page: NewPage, world: World) -> None:
    assert not RIGHTS[Role.CONTACT_CENTRE] & SENDS_TO_MANY
    page = new_page(java_script_enabled=False)
    agent(page, world)
    menu = page.locator("nav[aria-label=Main] a")
    reached, waiting = set[str](), [str(link.get_attribute("href")) for link in menu.all()]
    while waiting:
        path = waiting.pop()
        is_download = path.endswith((".csv", ".json")) or "format=" in path
        if path in reached or not path.startswith("/staff") or is_download:
            continue
        reached.add(path)
        answer = page.goto(path)
        assert answer is not None
        if answer.status == 403:
            continue  # pages for everyone on staff also link to what this role may not open
        assert answer.status == 200, path
        for form in page.locator("main form").all():
            action = form.get_attribute("action") or ""
            is_one = action.startswith(("/staff/residents", "/staff/sign-up"))
            assert is_one or form.get_attribute("method") != "post", f"{path}: {action}"
        hrefs = [str(link.get_attribute("href")).partition("#")[0] for link in page.locator("main a").all()]
        waiting += [href for href in hrefs if len(reached) < 40]
    assert {"/staff", "/staff/residents", "/staff/sign-up"} <= reached
    for path in ("/staff/compose", "/staff/emergency", "/staff/suppressions", "/staff/messages"):
        answer = page.goto(path)
        assert answer is not None
        assert answer.status == 403, path
