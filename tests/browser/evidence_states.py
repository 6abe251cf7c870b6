"""The states of the pages that answer for what was done."""

from collections.abc import Callable, Mapping

from playwright.sync_api import Page

from notify.core.db import transaction
from notify.evidence.pack import state
from tests.browser.staff_states import desk
from tests.world import World

Way = Callable[[Page, World], None]


def stated(page: Page, world: World) -> None:
    """With a statement, and the form of another."""
    with transaction() as session:
        state(session, council_id=world.council_id, actor="test", number="1.9", words="We spent £5 on posters.")
    desk("/staff/evidence?numbering=dover")(page, world)
    page.locator("summary", has_text="Change what the council states").click()


EVIDENCE: Mapping[str, Way] = {
    "evidence": desk("/staff/evidence"),
    "evidence-stated": stated,
    "evidence-personal-data": desk("/staff/evidence/personal-data"),
    "evidence-runs": desk("/staff/evidence/runs"),
}
