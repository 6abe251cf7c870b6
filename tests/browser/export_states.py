"""The states of the pages where figures are taken away and sent regularly, and where removal is told of."""

from collections.abc import Callable, Mapping

from playwright.sync_api import Page
from sqlalchemy import text

from notify.core import clock
from notify.core.db import transaction
from notify.exports.models import RetentionRun
from tests.browser.staff_states import desk
from tests.world import World

Way = Callable[[Page, World], None]


def nothing_chosen(page: Page, world: World) -> None:
    """A file of nothing."""
    desk("/staff/exports")(page, world)
    page.get_by_role("button", name="Take the file").click()


def columns(page: Page, world: World) -> None:
    """What the columns mean."""
    desk("/staff/exports")(page, world)
    for words in ("Alerts:", "Figures of alerts:"):
        page.locator("summary", has_text=words).first.click()


def sent_badly(page: Page, world: World) -> None:
    """To a stranger."""
    desk("/staff/exports/schedules")(page, world)
    page.get_by_label("Report: figures in all").check()
    page.get_by_label("Each Monday").check()
    page.get_by_label("Officers’ email addresses").fill("stranger@example.org")
    page.get_by_role("button", name="Send it from now on").click()


def scheduled(page: Page, world: World) -> None:
    """To a web address, with its secret, and a history."""
    desk("/staff/exports/schedules")(page, world)
    page.get_by_label("Report: figures in all").check()
    page.get_by_label("Each Monday").check()
    page.get_by_label("Officers’ email addresses").fill("kim@example.org")
    page.get_by_label("Web address that it is posted to").fill("https://hooks.example.org/the/long/address/of/figures")
    page.get_by_role("button", name="Send it from now on").click()


def sent_regularly(page: Page, world: World) -> None:
    """Status."""
    scheduled(page, world)
    page.goto("/staff/exports/schedules")
    page.get_by_role("button", name="Send now").click()
    with transaction() as session:  # as two sendings leave it
        session.execute(
            text("""
                UPDATE export_run SET state = CASE receiver WHEN 'webhook' THEN 'failed' ELSE 'sent' END,
                    attempts = CASE receiver WHEN 'webhook' THEN 6 ELSE 1 END, rows = 3,
                    problem = CASE receiver WHEN 'webhook' THEN 'The receiver answered 503.' ELSE '' END
            """)
        )
    page.goto("/staff/exports/schedules")


def removed(page: Page, world: World) -> None:
    """Two rounds, one of which stopped."""
    with transaction() as session:
        gone = {"delivery": 150_000, "event": 302_118, "hit": 12_044, "reader": 2_310, "batch": 300}
        months = ["delivery_202609", "event_202609", "hit_202609", "reader_202609"]
        session.add(RetentionRun(days=30, alerts=12, removed=gone, partitions=months, keys=1, finished_at=clock.now()))
        session.add(RetentionRun(days=30, held_back=2, problem="It stopped with OperationalError and goes on."))
    desk("/staff/exports/retention")(page, world)


LEAVING: Mapping[str, Way] = {
    "exports": desk("/staff/exports"),
    "exports-faulty": nothing_chosen,
    "exports-columns": columns,
    "exports-schedules-empty": desk("/staff/exports/schedules"),
    "exports-schedules-faulty": sent_badly,
    "exports-schedules-secret": scheduled,
    "exports-schedules": sent_regularly,
    "exports-retention-empty": desk("/staff/exports/retention"),
    "exports-retention": removed,
}
