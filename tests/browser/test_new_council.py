"""A new administrator, from an empty installation to the first alert that imported residents get, in a real browser.

Cambridge's wards and postcodes are real, its residents invented. Nothing is done at a terminal. Screens, presses and
characters are counted.
"""

import csv
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from notify.core.db import transaction
from notify.staff import service as staff
from notify.staff.models import Role
from tests.browser.conftest import NewPage
from tests.browser.test_desk import half_a_minute_later
from tests.mailbox import Mailbox

pytestmark = pytest.mark.browser

CAMBRIDGE, PETERSFIELD = "E07000008", "E05013059"
MOST_SCREENS = 40
RESIDENTS = 60


class Journey:
    """A page whose screens, presses and typed characters are counted."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.screens = self.presses = self.characters = 0
        page.on("framenavigated", self._navigated)

    def _navigated(self, frame: object) -> None:
        self.screens += frame == self.page.main_frame

    def press(self, what: Locator) -> None:
        """Press a link, a button or a box."""
        what.click()
        self.presses += 1

    def type(self, label: str, words: str) -> None:
        """Fill in a field."""
        self.page.get_by_label(label, exact=True).fill(words)
        self.characters += len(words)

    def button(self, name: str) -> None:
        """Press a button."""
        self.press(self.page.get_by_role("button", name=name, exact=True))

    def link(self, name: str) -> None:
        """Follow a link."""
        self.press(self.page.get_by_role("link", name=name).first)


def residents(postcodes: Path) -> tuple[str, set[str]]:
    """A list of invented people on real postcodes, half of them in Petersfield; and the addresses of these."""
    with postcodes.open() as file:
        lines = [row for row in csv.reader(file) if row[8] == CAMBRIDGE]
    inside = [row[0] for row in lines if row[9] == PETERSFIELD]
    outside = [row[0] for row in lines if row[9] != PETERSFIELD]
    rows, expected = ["email,postcode"], set()
    for number in range(RESIDENTS):
        is_inside = number % 2 == 0
        email = f"resident{number}@example.org"
        chosen = inside if is_inside else outside
        rows.append(f"{email},{chosen[number * 7 % len(chosen)]}")
        expected |= {email} if is_inside else set()
    return "\n".join(rows), expected


def sign_in_link() -> str:
    """What the installation prints for the first administrator."""
    with transaction() as session:
        made = staff.create_council(session, slug="cambridge", name="Cambridge", district_codes=[CAMBRIDGE])
        sam = staff.create_officer(session, council_id=made.id, email="sam@example.org", name="Sam", role=Role.ADMIN)
        return staff.create_sign_in_link(session, sam.id)


def upload_release(journey: Journey, file: Path, work: Callable[[], None]) -> None:
    """Upload boundaries or postcodes, look at what changes, and put them into force."""
    journey.page.get_by_label("File, as you downloaded it").set_input_files(file)
    journey.button("Upload")
    work()
    journey.page.reload()
    journey.link("See what it changes")
    if journey.page.get_by_label("I checked this, and it is right").count():
        journey.press(journey.page.get_by_label("I checked this, and it is right"))
    journey.button("Put this release into force")
    work()
    journey.page.reload()
    expect(journey.page.locator("main")).to_contain_text("is in force.")


def choose_look(journey: Journey) -> None:
    """The council's colour."""
    journey.button("Next: name and look")
    journey.link("Change name and look")
    journey.type("Colour of the band at the top", "#5c1d4b")
    journey.button("Save")


def make_topics(journey: Journey) -> None:
    """Topics of the starter set, as they are suggested."""
    journey.page.goto("/staff/start")
    journey.button("Next: topics")
    journey.button("Add these topics")


def send_to_oneself(journey: Journey, inbox: Mailbox) -> None:
    """A test that arrives in the administrator's own mailbox."""
    journey.link("Email and text messages")
    journey.button("Send me an email")
    expect(journey.page.locator("main")).to_contain_text("A test is on its way.")
    assert inbox.recipients() == {"sam@example.org": 1}
    inbox.empty()


def import_list(journey: Journey, text: str, work: Callable[[], None]) -> None:
    """Paste the list, say what it is, look at what would happen, and import it."""
    page = journey.page
    page.goto("/staff/imports")
    journey.type("Or paste the list", text)
    journey.button("Upload")
    journey.press(page.get_by_label("Road closures"))
    journey.type("What did they agree to?", "Yes, write to me about road closures.")
    journey.type("Where did they agree?", "paper form")
    journey.press(page.get_by_label("No. They confirmed these addresses before"))
    journey.button("Check the list")
    work()
    page.reload()
    journey.button(f"Import {RESIDENTS} rows")
    work()
    page.reload()


def send_alert(journey: Journey) -> None:
    """A road closure for one ward, chosen by its name."""
    page = journey.page
    page.goto("/staff")
    journey.button("Write an alert")
    journey.press(page.get_by_label("Road closures"))
    journey.button("Continue")
    journey.press(page.get_by_role("checkbox", name="Petersfield").first)
    journey.button("Continue")
    journey.type("Title", "Mill Road closed on Sunday")
    journey.type("Message", "Mill Road bridge is closed from 8am to 6pm on Sunday.")
    journey.button("Continue to the check")
    journey.button("Send")


@pytest.mark.usefixtures("database")
def test_a_new_administrator_gets_to_the_first_alert_without_a_terminal(
    new_page: NewPage, real_data: Path, work: Callable[[], None], inbox: Mailbox
) -> None:
    text, expected = residents(real_data / "postcodes_2024" / "cb.csv")
    journey = Journey(new_page())
    journey.page.goto(f"/staff/sign-in/{sign_in_link()}")
    journey.button("Sign in")
    journey.link("Go on setting up")
    choose_look(journey)
    journey.page.goto("/staff/start")
    journey.button("Next: boundaries and postcodes")
    journey.button("Upload a file")
    upload_release(journey, real_data / "wards_2021" / f"{CAMBRIDGE}.geojson", work)
    upload_release(journey, real_data / "postcodes_2024" / "cb.csv", work)
    make_topics(journey)
    send_to_oneself(journey, inbox)
    import_list(journey, text, work)
    send_alert(journey)
    half_a_minute_later()
    work()

    assert set(inbox.recipients()) == expected
    counted = f"{journey.screens} screens, {journey.presses} presses, {journey.characters} characters"
    assert journey.screens <= MOST_SCREENS, counted
    print(counted)
