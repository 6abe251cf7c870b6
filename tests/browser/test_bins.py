"""Bin days on a resident's telephone, in a real browser without scripts: presses are counted."""

from collections.abc import Callable
from datetime import date, timedelta

import httpx
import pytest
import vobject
from playwright.sync_api import Page, expect

from notify.core.clock import now
from notify.core.db import transaction
from notify.waste import reminders
from tests.browser.bin_states import with_days
from tests.browser.conftest import NewPage
from tests.browser.desk_states import enrolled, sign_in
from tests.mailbox import Mailbox
from tests.waste.test_reminders import remind
from tests.world import World

pytestmark = pytest.mark.browser

PHONE = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True, "java_script_enabled": False}


def feed(page: Page) -> dict[date, str]:
    """What another program reads in the calendar whose address the page shows: the title of each day's event."""
    address = page.locator("code").first.text_content() or ""
    calendar = vobject.readOne(httpx.get(address).text)
    held = [
        one for one in calendar.vevent_list if getattr(one, "status", None) is None or one.status.value != "CANCELLED"
    ]
    return {one.dtstart.value: one.summary.value for one in held}


def tuesdays() -> tuple[date, date]:
    """The next Tuesday after today, and the day after it."""
    today = now().date()
    first = today + timedelta(days=(1 - today.weekday()) % 7 or 7)
    return first, first + timedelta(days=1)


def test_the_next_day_of_a_split_postcode_takes_two_presses_and_a_snow_day_is_told(
    new_page: NewPage, world: World, inbox: Mailbox, work: Callable[[], None]
) -> None:
    with_days(world)
    remind(world, "sam@example.org")
    page, presses = new_page(**PHONE), 0
    page.goto("/bins")
    page.get_by_label("Postcode").fill("zz1 1aa")
    page.get_by_role("button", name="Find collection days").click()
    presses += 1
    expect(page.get_by_role("heading", name="Which of these is your home?")).to_be_visible()
    page.get_by_role("link", name="1 Invented Lane").click()
    presses += 1
    usual, snow_day = tuesdays()
    expect(page.locator("main")).to_contain_text(f"Tuesday {usual:%-d %B}")
    assert presses == 2
    before = feed(page)
    assert usual in before

    officer = new_page(java_script_enabled=False)
    sign_in(officer, "pat", enrolled(world, "pat"))
    officer.goto("/staff/bins")
    officer.get_by_role("link", name="Something happened today").click()
    officer.get_by_label("Delayed or moved to another day").check()
    officer.get_by_label("Planned day").fill(f"{usual:%-d %B %Y}")
    officer.get_by_label("New day").fill(f"{snow_day:%-d %B %Y}")
    officer.get_by_label("Reason").select_option("weather")
    officer.get_by_role("button", name="Count and check").click()
    expect(officer.locator("main")).to_contain_text("2 homes, of which subscribers with reminders: 1.")
    officer.get_by_role("button", name="Tell people").click()
    with transaction() as session:
        reminders.for_every_council(reminders.tell_changes)(session)
    work()

    [mail] = inbox.messages()
    assert mail["to"] == "sam@example.org"
    body = mail.get_body(("plain",))
    assert body is not None
    read = " ".join(str(body.get_content()).split())
    assert f"collected on Wednesday {snow_day:%-d %B} instead of Tuesday {usual:%-d %B}" in read
    page.reload()
    expect(page.locator("main")).to_contain_text(f"Wednesday {snow_day:%-d %B}")
    after = feed(page)
    assert snow_day in after
    assert usual not in after
