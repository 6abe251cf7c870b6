"""The officer's page keeps up with an alert that is on its way, with and without JavaScript."""

from uuid import UUID

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import text

from notify.alerts import service
from notify.alerts.models import NewAlert
from notify.db import transaction
from notify.deliveries import sending
from tests.browser.axe import violations
from tests.browser.conftest import NewPage
from tests.browser.states import staff_home
from tests.mailbox import Mailbox
from tests.world import World, add_resident

pytestmark = pytest.mark.browser


def open_alert(page: Page, world: World) -> UUID:
    """Sign in and open the page of an alert that waits for its worker; the alert's id."""
    add_resident(world, "a@example.org")
    new = NewAlert(topic="road-closures", title="Mill Road closed", body="On Sunday.", send=True)
    with transaction() as session:
        alert = service.create_and_send(session, council_id=world.council_id, actor="test", new=new, is_test=False)
    staff_home(page, world)
    page.goto(f"/staff/alerts/{alert.id}")
    expect(page.get_by_text("The alert is on its way.")).to_be_visible()
    return alert.id


def work(alert_id: UUID) -> None:
    """Do what a worker does, now."""
    sending.expand_alert(alert_id)
    with transaction() as session:
        batches = (
            session.execute(text("SELECT id FROM batch WHERE alert_id = :alert"), {"alert": alert_id}).scalars().all()
        )
    for batch_id in batches:
        sending.send_batch(batch_id)


def test_the_figures_renew_themselves_until_all_is_sent(page: Page, world: World, inbox: Mailbox) -> None:
    alert_id = open_alert(page, world)
    assert violations(page) == []
    work(alert_id)
    expect(page.get_by_role("row", name="All 1")).to_be_visible(timeout=10_000)
    expect(page.get_by_text("The alert is on its way.")).to_be_hidden()
    assert violations(page) == []


def test_without_javascript_a_link_shows_the_newest_figures(new_page: NewPage, world: World, inbox: Mailbox) -> None:
    page = new_page(java_script_enabled=False)
    alert_id = open_alert(page, world)
    work(alert_id)
    page.get_by_role("link", name="Show the newest figures").click()
    expect(page.get_by_role("row", name="All 1")).to_be_visible()
