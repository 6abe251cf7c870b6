"""The states of the pages of service levels, costs and calls, and of the figures that everybody sees."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from uuid import UUID

from playwright.sync_api import Page
from sqlalchemy import text

from notify.core import clock
from notify.core.db import transaction
from notify.insight.calls import service as calls_service
from notify.insight.calls.csv_file import read_calls
from notify.insight.costs import service as costs_service
from notify.insight.open_data import publication
from notify.insight.performance_models import Assumptions, WhatToPublish
from notify.insight.service_levels import results as service_levels_results
from notify.staff import service as staff
from tests.browser.figures_states import a_year
from tests.browser.staff_states import administrator
from tests.world import DISTRICT, World, add_resident

Way = Callable[[Page, World], None]
ASSUMED = Assumptions(
    call_pence=465,
    call_source="Contact centre, 2025/26",
    low_percent=1,
    high_percent=5,
    share_source="Survey of callers",
    staff_hour_pence=2400,
    staff_source="Pay scale",
)


def a_year_of_service(page: Page, world: World) -> UUID:
    """A year of alerts, one of which was late, with calls, prices and assumptions; the newest one's id."""
    alert = a_year(page, world)
    with transaction() as session:
        session.execute(text("UPDATE rollup_alert SET started_at = started_at - interval '1 hour'"))
        late = text("UPDATE rollup_curve SET second = second + 2000 WHERE alert_id = :alert")
        session.execute(late, {"alert": alert})
        service_levels_results.judge(session)
        session.execute(text("UPDATE service_breach SET note = 'A relay was away for half an hour.'"))
        costs_service.set_assumptions(session, council_id=world.council_id, actor="test", new=ASSUMED)
        lines = "date,hour,category,calls\n" + "".join(_hour(number) for number in range(24 * 40))
        rows = read_calls(lines.encode())
        calls_service.import_calls(session, council_id=world.council_id, actor="test", rows=rows)
    return alert


def _hour(number: int) -> str:
    at = clock.now() - timedelta(hours=number)
    return "".join(
        f"{at:%Y-%m-%d},{at:%H}:00,{name},{many + at.hour * (number % 3)}\n"
        for name, many in (("Missed bins", 7), ("Council tax", 3), ("Fly-tipping", 1))
    )


def full(path: str) -> Way:
    """A page with a year behind it; `{}` in the path is the newest alert's id."""

    def go(page: Page, world: World) -> None:
        alert = a_year_of_service(page, world)
        administrator(page, world)
        page.goto(path.format(alert))

    return go


def empty(path: str) -> Way:
    """A page before anything was sent."""

    def go(page: Page, world: World) -> None:
        administrator(page, world)
        page.goto(path)

    return go


def target_badly(page: Page, world: World) -> None:
    """A target of no length."""
    empty("/staff/figures/service-levels")(page, world)
    page.get_by_label("Sent within how many seconds").first.fill("soon")
    page.get_by_role("button", name="Set the target for emergencies").click()


def assumptions_badly(page: Page, world: World) -> None:
    """A cost of no number, and a share out of nowhere."""
    empty("/staff/figures/costs")(page, world)
    page.get_by_text("Change the assumptions").click()
    page.get_by_label("What does answering a call cost, in pence?").fill("much")
    page.get_by_role("button", name="Keep the assumptions").click()


def price_badly(page: Page, world: World) -> None:
    """A price without anything."""
    empty("/staff/figures/costs")(page, world)
    page.get_by_text("Add a price").click()
    page.get_by_role("button", name="Add the price").click()


def minutes_badly(page: Page, world: World) -> None:
    """Less than no time."""
    full("/staff/figures/costs/{}")(page, world)
    page.get_by_label("How many minutes").fill("-5")
    page.get_by_role("button", name="Keep the minutes").click()


def calls_badly(page: Page, world: World) -> None:
    """No file."""
    empty("/staff/figures/calls")(page, world)
    page.get_by_role("button", name="Take it in").click()


def calls_taken_in(page: Page, world: World) -> None:
    """A file of which two rows are refused."""
    empty("/staff/figures/calls")(page, world)
    lines = "date,hour,category,calls\n2026-11-02,9,Missed bins,41\n2026-11-02,9,Missed bins,4\n2026-11-02,x,Tax,4\n"
    file = {"name": "calls.csv", "mimeType": "text/csv", "buffer": lines.encode()}
    page.get_by_label("The file").set_input_files(file)  # type: ignore[arg-type]
    page.get_by_role("button", name="Take it in").click()


def published_badly(page: Page, world: World) -> None:
    """An address that is none."""
    empty("/staff/figures/published")(page, world)
    page.get_by_label("Who answers questions about the figures?").fill("ask us")
    page.get_by_role("button", name="Save").click()


def publish(page: Page, world: World) -> None:
    """The council shows its figures, one of them small."""
    a_year_of_service(page, world)
    for number in range(9):
        add_resident(world, f"p{number}@example.org", postcodes=["ZZ1 1AA" if number < 3 else "ZZ2 1AA"])
    with transaction() as session:
        session.execute(
            text("UPDATE rollup_cell SET sent = 3 WHERE alert_id = (SELECT alert_id FROM rollup_alert LIMIT 1)")
        )
        what = WhatToPublish(is_on=True, shows_cost=True, contact="data@example.org")
        publication.set_publication(session, council_id=world.council_id, actor="test", new=what)


def public(path: str) -> Way:
    """A page for everybody of a council that shows its figures."""

    def go(page: Page, world: World) -> None:
        publish(page, world)
        page.goto(path)

    return go


def published(page: Page, world: World) -> None:
    """The officers' page while the figures are public."""
    publish(page, world)
    administrator(page, world)
    page.goto("/staff/figures/published")


def several_publish(page: Page, world: World) -> None:
    """Two councils show their figures, of which there are none yet."""
    with transaction() as session:
        other = staff.create_council(session, slug="yon", name="Yon Council", district_codes=[DISTRICT])
        for council_id in (world.council_id, other.id):
            publication.set_publication(session, council_id=council_id, actor="test", new=WhatToPublish(is_on=True))
    page.goto("/performance")


def published_before_a_month_is_over(page: Page, world: World) -> None:
    """One council, without figures yet."""
    several_publish(page, world)
    page.get_by_role("link", name="Zed Council").click()


def not_published(page: Page, world: World) -> None:
    """No council shows anything."""
    page.goto("/performance")


PERFORMANCE: Mapping[str, Way] = {
    "figures-service-levels": full("/staff/figures/service-levels"),
    "figures-service-levels-empty": empty("/staff/figures/service-levels"),
    "figures-service-levels-faulty": target_badly,
    "figures-costs": full("/staff/figures/costs"),
    "figures-costs-empty": empty("/staff/figures/costs"),
    "figures-costs-faulty": assumptions_badly,
    "figures-price-faulty": price_badly,
    "figures-cost-sheet": full("/staff/figures/costs/{}"),
    "figures-cost-sheet-faulty": minutes_badly,
    "figures-calls": full("/staff/figures/calls"),
    "figures-calls-empty": empty("/staff/figures/calls"),
    "figures-calls-faulty": calls_badly,
    "figures-calls-taken-in": calls_taken_in,
    "figures-calls-around": full("/staff/figures/calls/{}"),
    "figures-published": published,
    "figures-published-off": empty("/staff/figures/published"),
    "figures-published-faulty": published_badly,
    "performance": public("/performance"),
    "performance-welsh": public("/performance?lang=cy"),
    "performance-councils": several_publish,
    "performance-empty": published_before_a_month_is_over,
    "performance-off": not_published,
}
