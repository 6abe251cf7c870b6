"""The officer's page keeps up with an alert that is on its way, with and without JavaScript."""

import time
from contextlib import ExitStack
from uuid import UUID

import httpx
import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import text

from notify.alerts import reply_request, service
from notify.alerts.models import Alert, NewAlert
from notify.core.db import transaction
from notify.deliveries import worker_loop
from notify.insight.live_stream import MOST_STREAMS
from tests.browser.axe import violations
from tests.browser.conftest import NewPage
from tests.browser.emergency_states import planner, under_way
from tests.browser.states import staff_home
from tests.mailbox import Mailbox
from tests.world import World, add_resident, signed_in

pytestmark = pytest.mark.browser


def open_alert(page: Page, world: World) -> UUID:
    """Sign in and open the page of an alert that waits for its worker; the alert's id."""
    add_resident(world, "a@example.org")
    new = NewAlert(topic="road-closures", title="Mill Road closed", body="On Sunday.", send=True)
    with transaction() as session:
        alert = service.create_and_send(session, by=world.planner, new=new)
    staff_home(page, world)
    page.goto(f"/staff/alerts/{alert.id}")
    expect(page.get_by_text("The alert is on its way.")).to_be_visible()
    return alert.id


def work(alert_id: UUID) -> None:
    """Do what a worker does, now."""
    worker_loop.expand_alert(alert_id)
    with transaction() as session:
        batches = (
            session.execute(text("SELECT id FROM batch WHERE alert_id = :alert"), {"alert": alert_id}).scalars().all()
        )
    for batch_id in batches:
        worker_loop.send_batch(batch_id)


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
    page.get_by_role("link", name="Show the latest figures").click()
    expect(page.get_by_role("row", name="All 1")).to_be_visible()


def test_the_server_sends_the_figures_and_is_not_asked_for_them(page: Page, world: World, inbox: Mailbox) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url.rpartition("/")[2]))
    alert_id = open_alert(page, world)
    work(alert_id)
    expect(page.get_by_role("row", name="All 1")).to_be_visible(timeout=10_000)
    page.wait_for_timeout(2500)
    # the page itself once more, for what can be done now that everything is sent
    assert (asked.count(str(alert_id)), asked.count("live")) == (2, 1)
    expect(page.get_by_role("link", name="Write an update")).to_be_visible()


def test_whoever_is_signed_out_does_not_take_old_figures_for_new_ones(page: Page, world: World) -> None:
    open_alert(page, world)
    expect(page.get_by_text("no longer update")).to_be_hidden()
    with transaction() as session:
        session.execute(text("DELETE FROM sign_in"))
    expect(page.get_by_role("alert")).to_contain_text("no longer update", timeout=10_000)
    assert violations(page) == []


def test_where_the_stream_is_refused_the_page_asks(page: Page, world: World, inbox: Mailbox) -> None:
    page.route("**/live", lambda route: route.fulfill(status=429, body=""))
    alert_id = open_alert(page, world)
    work(alert_id)
    expect(page.get_by_role("row", name="All 1")).to_be_visible(timeout=10_000)
    expect(page.get_by_text("The alert is on its way.")).to_be_hidden()


def test_a_resident_says_that_help_is_needed_and_the_officer_sees_it_come_in(
    page: Page, new_page: NewPage, world: World
) -> None:
    alert_id = under_way(world)
    planner(page, world)
    page.goto(f"/staff/alerts/{alert_id}")
    help_needed = page.locator("dt", has_text="I need help").locator("xpath=following-sibling::dd")
    expect(help_needed).to_have_text("1")
    theirs = new_page(java_script_enabled=False)
    with transaction() as session:
        code = session.get_one(Alert, alert_id).reply_code or 0
        number = session.execute(text("SELECT number FROM delivery WHERE state = 'created'")).scalar_one()
    theirs.goto("/r/" + reply_request.reply_url(code, number).rpartition("/")[2])
    theirs.get_by_role("button", name="I need help").click()
    expect(theirs.get_by_text("call 999 now")).to_be_visible()
    expect(help_needed).to_have_text("2", timeout=10_000)


def test_whoever_leaves_gives_their_seat_to_others(site: str, world: World) -> None:
    new = NewAlert(topic="road-closures", title="Mill Road closed", body="On Sunday.", send=True)
    with transaction() as session:
        alert = service.create_and_send(session, by=world.planner, new=new)
    address = f"{site}/staff/alerts/{alert.id}/live"
    officers = [signed_in(world.council_id) for _ in range(MOST_STREAMS)]
    with httpx.Client(timeout=10, limits=httpx.Limits(max_connections=100)) as lookers:
        with ExitStack() as seats:
            replies = [seats.enter_context(lookers.stream("GET", address, headers=one)) for one in officers]
            heard = [reply.iter_lines() for reply in replies]  # one that is forgotten closes its connection
            assert {next(lines) for lines in heard} == {"event: figures"}
            assert lookers.get(address, headers=world.headers).status_code == 429
        assert status_in_time(lookers, address, world) == 200


def status_in_time(lookers: httpx.Client, address: str, world: World) -> int:
    """What the stream answers, asked for ten seconds until it is not refused."""
    for _ in range(20):
        with lookers.stream("GET", address, headers=world.headers) as reply:
            if reply.status_code != 429:
                return reply.status_code
        time.sleep(0.5)
    return 429
