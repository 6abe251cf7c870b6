"""The states of the register of statutory notices, for everybody and for officers."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from playwright.sync_api import Page

from notify.core import clock
from notify.core.db import transaction
from notify.statutory_notices import service
from notify.statutory_notices.models import Correction, Matter, NewNotice
from notify.statutory_notices.queries import Entry
from tests.browser.staff_states import desk
from tests.world import NORTH, World

Way = Callable[[Page, World], None]

SAID: Mapping[str, Any] = {
    "title": "Mill Road, Zedholm: temporary closure for the renewal of a gas main",
    "legal_basis": "Road Traffic Regulation Act 1984, section 14",
    "body": "The road is closed from 1 to 5 December, at all hours.\n\nThe way around is by Station Road.\nBuses too.",
}


def register(world: World) -> Entry:
    """A few notices, the newest of which was corrected."""
    soon = (clock.now() + timedelta(days=30)).date()
    with transaction() as session:
        for number in range(3):
            new = NewNotice(**SAID, kind=Matter.TRAFFIC, reference=f"TRO-{number}", wards=[NORTH], comments_by=soon)
            made = service.publish(session, council_id=world.council_id, actor="test", new=new)
        again = Correction(
            **SAID, kind=Matter.TRAFFIC, wards=[NORTH], elsewhere="Zedholm Gazette, 20 November", cost_pence=34500,
            comments_by=soon, in_force_until=soon, reason="The works take longer.",
        )  # fmt: skip
        service.correct(session, made.notice, actor="test", new=again)
        other = NewNotice(**SAID, kind=Matter.OTHER)
        first = service.publish(session, council_id=world.council_id, actor="test", new=other)
        service.withdraw(session, first.notice, actor="test", reason="Given by mistake.")
    return made


def public(path: str) -> Way:
    """A page for everybody; `{}` is the address of the notice that was corrected."""

    def go(page: Page, world: World) -> None:
        made = register(world)
        page.goto(path.format(f"/notices/zed/{made.notice.reference}"))

    return go


def own(path: str) -> Way:
    """A page of officers; `{}` is the notice's id."""

    def go(page: Page, world: World) -> None:
        made = register(world)
        desk(path.format(made.notice.id))(page, world)

    return go


def faulty(page: Page, world: World) -> None:
    """The form, sent without anything in it."""
    desk("/staff/notices/new")(page, world)
    page.get_by_role("button", name="Check it").click()


def checked(page: Page, world: World) -> None:
    """What will be public, before it is."""
    desk("/staff/notices/new")(page, world)
    page.get_by_label("What is it about?").fill(SAID["title"])
    page.get_by_label("Traffic and parking").check()
    page.get_by_label("Which law is it given under?").fill(SAID["legal_basis"])
    page.get_by_label("The notice").fill(SAID["body"])
    page.get_by_role("button", name="Check it").click()
    page.get_by_role("heading", name="Check the notice").wait_for()


def nothing(page: Page, _world: World) -> None:
    """The register before its first notice."""
    page.goto("/notices")


NOTICES: Mapping[str, Way] = {
    "notices": public("/notices"),
    "notices-welsh": public("/notices?lang=cy"),
    "notices-empty": nothing,
    "notice": public("{}"),
    "notice-once": public("{}?version=1"),
    "notice-welsh": public("{}?lang=cy"),
    "desk-notices": own("/staff/notices"),
    "desk-notices-empty": desk("/staff/notices"),
    "desk-notice": own("/staff/notices/{}?saved=1"),
    "desk-notice-new": desk("/staff/notices/new"),
    "desk-notice-faulty": faulty,
    "desk-notice-check": checked,
    "desk-notice-correct": own("/staff/notices/{}/correct"),
}
