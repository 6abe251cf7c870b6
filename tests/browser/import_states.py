"""The states of the pages on which staff import a list."""

from collections.abc import Callable, Mapping

from playwright.sync_api import Page
from sqlmodel import select

from notify.core.db import transaction
from notify.subscribers.imports import import_runs
from notify.subscribers.imports.models import SubscriberImport
from tests.browser.staff_states import desk
from tests.world import World

Way = Callable[[Page, World], None]
ROWS = (
    "Destination,First Name,Postcode,Notes on the household that nobody needs here",
    "ann@example.org,Ann,ZZ1 1AA,x",
    "07700900123,Bob,ZZ9 9ZZ,",
    "nobody,Cat,ZZ1 1AA,",
)


def uploaded(page: Page, world: World) -> None:
    """What is in this list?"""
    desk("/staff/imports")(page, world)
    page.get_by_label("Or paste the list").fill("\n".join(ROWS))
    page.get_by_role("button", name="Upload").click()


def described(page: Page, world: World) -> None:
    """Columns, topics and consent said, and every row about to be looked at."""
    uploaded(page, world)
    page.get_by_label("Bin collections").check()
    page.get_by_label("What did they agree to?").fill("Yes, write to me.")
    page.get_by_label("Where did they agree?").fill("paper form")
    page.get_by_label("No. They confirmed").check()
    page.get_by_role("button", name="Check the list").click()


def work() -> None:
    """What a worker does."""
    with transaction() as session:
        import_id = session.exec(select(SubscriberImport.id)).one()
    import_runs.run(import_id)


def looked(page: Page, world: World) -> None:
    """What the import would do."""
    described(page, world)
    work()
    page.get_by_role("link", name="Show how far it is now").click()


def imported(page: Page, world: World) -> None:
    """The list is in, and can be taken back."""
    looked(page, world)
    page.get_by_role("button", name="Import 2 rows").click()
    work()
    page.get_by_role("link", name="Show how far it is now").click()


def listed(page: Page, world: World) -> None:
    """The imports there were."""
    imported(page, world)
    page.goto("/staff/imports")


def nothing_chosen(page: Page, world: World) -> None:
    """Neither a file nor a list."""
    desk("/staff/imports")(page, world)
    page.get_by_role("button", name="Upload").click()


def said_too_little(page: Page, world: World) -> None:
    """Nothing said of the consent."""
    uploaded(page, world)
    page.get_by_role("button", name="Check the list").click()


IMPORTS: Mapping[str, Way] = {
    "imports": listed,
    "imports-faulty": nothing_chosen,
    "imports-columns": uploaded,
    "imports-columns-faulty": said_too_little,
    "imports-progress": described,
    "imports-looked": looked,
    "imports-done": imported,
}
