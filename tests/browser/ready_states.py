"""States of the pages of what is ready before it is needed: zones and plans."""

from collections.abc import Callable, Mapping

from playwright.sync_api import Page

from notify.alerts.models import Priority
from notify.core.db import transaction
from notify.drafting.plans import PlanTerms, save_plan
from notify.staff import service as staff
from notify.staff.models import Role
from notify.zones.models import NewZone, ZoneKind
from notify.zones.service import save_zone
from tests.world import World

SQUARE = [[[0.31, 52.96], [0.35, 52.96], [0.35, 52.99], [0.31, 52.99], [0.31, 52.96]]]
WORDS = {"title": ["Flood at Mill Lane"], "body": ["Leave by ((time))."], "reach": ["everyone"], "channel": ["email"]}


def at_the_desk(page: Page, world: World, path: str) -> None:
    """A planner on this page, with a zone and a plan that was never exercised."""
    with transaction() as session:
        new = NewZone(
            name="Mill Lane", kind=ZoneKind.RESERVOIR, polygon={"type": "Polygon", "coordinates": list(SQUARE)}
        )
        save_zone(session, by=world.planner, new=new)
        terms = PlanTerms(name="Mill Lane", approver_role=Role.PLANNER)
        save_plan(
            session, by=world.planner, terms=terms, topic="emergencies", priority=Priority.EMERGENCY, fields=WORDS
        )
        officer = staff.create_officer(
            session, council_id=world.council_id, email="kim@example.org", name="Kim", role=Role.PLANNER
        )
        link = staff.create_sign_in_link(session, officer.id)
    page.goto(f"/staff/sign-in/{link}")
    page.get_by_role("button", name="Sign in").click()
    page.goto(path)


def ready(path: str) -> Callable[[Page, World], None]:
    """The state of a page that a planner opens."""
    return lambda page, world: at_the_desk(page, world, path)


READY: Mapping[str, Callable[[Page, World], None]] = {
    "staff-queue": ready("/staff"),
    "staff-list": ready("/staff/alerts"),
    "staff-zones": ready("/staff/zones"),
    "staff-zone": ready("/staff/zones/mill-lane"),
    "staff-new-zone": ready("/staff/new-zone"),
    "staff-plans": ready("/staff/plans"),
    "staff-plan": ready("/staff/plans/mill-lane"),
}
