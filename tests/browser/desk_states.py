"""The states of the pages on which officers write alerts and broadcast emergencies."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pyotp
from playwright.sync_api import Page
from sqlalchemy import text, update

from notify.alerts.models import Alert, AlertState
from notify.core import clock
from notify.core.db import transaction
from notify.staff import service as staff
from notify.staff.models import Officer, Role
from notify.staff.sign_in import break_glass
from tests.browser.staff_states import administrator, to_decide
from tests.drafting.desk import draw_wards
from tests.world import World, add_residents, password_hash

Way = Callable[[Page, World], None]
PASSWORD = "four words nobody guesses"


def enrolled(world: World, name: str, role: Role = Role.PLANNER) -> pyotp.TOTP:
    """An officer with a password; the app on their telephone."""
    with transaction() as session:
        officer: Officer = staff.create_officer(
            session, council_id=world.council_id, email=f"{name.lower()}@example.org", name=name, role=role
        )
        uri = break_glass.set_password(session, officer, password_hash(PASSWORD), actor="test").uri
    return pyotp.TOTP(parse_qs(urlsplit(uri).query)["secret"][0])


def sign_in(page: Page, name: str, app: pyotp.TOTP) -> None:
    """With password and code."""
    page.goto("/staff/sign-in")
    page.get_by_label("Email address").fill(f"{name.lower()}@example.org")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_label("Code from your authenticator app").fill(app.now())
    page.get_by_role("button", name="Sign in").click()


def at_the_desk(page: Page, world: World) -> None:
    """A planner of a council whose wards are drawn and where some people live."""
    draw_wards()
    add_residents(
        world,
        [f"n{number}@example.org" for number in range(12)],
        phones=[f"07700 9001{number:02}" for number in range(12)],
        topics=["bins", "emergencies"],
    )
    with transaction() as session:
        kim: Officer = staff.create_officer(
            session, council_id=world.council_id, email="kim@example.org", name="Kim", role=Role.PLANNER
        )
        link = staff.create_sign_in_link(session, kim.id)
    page.goto(f"/staff/sign-in/{link}")
    page.get_by_role("button", name="Sign in").click()


def topic(page: Page, world: World) -> None:
    """What is it about?"""
    at_the_desk(page, world)
    page.get_by_role("button", name="Write an alert").click()


def topic_missing(page: Page, world: World) -> None:
    """Nothing chosen."""
    topic(page, world)
    page.get_by_role("button", name="Continue").click()


def where(page: Page, world: World) -> None:
    """Who should get this?"""
    topic(page, world)
    page.get_by_label("Bin collections").check()
    page.get_by_role("button", name="Continue").click()


def counted(page: Page, world: World) -> None:
    """One ward ticked, and counted."""
    where(page, world)
    page.get_by_role("checkbox", name="Northside").first.check()
    page.get_by_role("button", name="Count").click()


def nowhere(page: Page, world: World) -> None:
    """Nothing ticked."""
    where(page, world)
    page.get_by_role("button", name="Continue").click()


def words(page: Page, world: World) -> None:
    """What does it say?"""
    counted(page, world)
    page.get_by_role("button", name="Continue").click()


def words_missing(page: Page, world: World) -> None:
    """It says nothing."""
    words(page, world)
    page.get_by_role("button", name="Continue to the check").click()


def words_with_advice(page: Page, world: World) -> None:
    """It says it badly, with something to be filled in."""
    words(page, world)
    page.get_by_label("Title", exact=True).fill("News")
    page.get_by_label("Message", exact=True).fill("Please be advised that bins will be emptied on ((day)).")
    page.get_by_role("button", name="Save and preview").click()


def check(page: Page, world: World) -> None:
    """Everything once more."""
    words(page, world)
    page.get_by_label("Title", exact=True).fill("Bins in Northside come on Tuesday")
    page.get_by_label("Message", exact=True).fill("Bins in Northside are emptied on Tuesday. Put them out by 7am.")
    page.get_by_role("button", name="Continue to the check").click()


def taken_back(page: Page, world: World) -> None:
    """Sent, and taken back."""
    check(page, world)
    page.get_by_role("button", name="Send", exact=True).click()
    page.get_by_role("button", name="Cancel alert").click()


def templates(page: Page, world: World) -> None:
    """A text kept for another time."""
    check(page, world)
    page.get_by_role("link", name="Change the words").or_(page.get_by_role("link", name="Back")).first.click()
    page.get_by_text("Save these words as a template").click()
    page.get_by_label("Name of the template").fill("Bins come later")
    page.get_by_role("button", name="Save as a template").click()
    page.goto("/staff/templates")


def no_templates(page: Page, world: World) -> None:
    """None yet."""
    at_the_desk(page, world)
    page.goto("/staff/templates")


def emergency(page: Page, world: World) -> None:
    """What is happening?"""
    at_the_desk(page, world)
    page.get_by_role("button", name="Broadcast an emergency").click()


def emergency_missing(page: Page, world: World) -> None:
    """Nothing, it seems."""
    emergency(page, world)
    page.get_by_role("button", name="Continue").click()


def emergency_words(page: Page, world: World) -> None:
    """The first words, to be filled in."""
    emergency(page, world)
    page.get_by_label("Flood").check()
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("checkbox", name="Northside").first.check()
    page.get_by_role("button", name="Continue").click()


def follow_up(page: Page, world: World) -> None:
    """What is new?"""
    check(page, world)
    page.get_by_role("button", name="Send", exact=True).click()
    page.goto(page.url + "/follow-up")


def follow_up_check(page: Page, world: World) -> None:
    """The update once more before it is sent."""
    follow_up(page, world)
    month = {"state": AlertState.SENT, "ledger_month": clock.first_of_month(clock.now()), "expanded_at": clock.now()}
    with transaction() as session:
        session.execute(update(Alert).values(**month))
    page.get_by_label("Title", exact=True).fill("Bins come on Wednesday")
    page.get_by_label("Message", exact=True).fill("Put them out by 7am on Wednesday.")
    page.get_by_role("button", name="Save and preview").click()


def calendar(page: Page, world: World) -> None:
    """A scheduled alert that comes again."""
    repeat(page, world)
    today = clock.now().date()
    page.get_by_label("Weeks", exact=True).check()
    page.get_by_label("Monday").check()
    page.get_by_label("Thursday").check()
    page.get_by_label("At what time?").fill("18:00")
    page.get_by_label("First day").fill(str(today + timedelta(days=1)))
    page.get_by_label("Last day").fill(str(today + timedelta(days=60)))
    page.get_by_role("button", name="Send it again").click()


def calendar_full(page: Page, world: World) -> None:
    """Two close together, one paused, one that could not be sent."""
    calendar(page, world)
    page.get_by_role("button", name="Pause it").click()
    with transaction() as session:
        session.execute(
            text("""
                INSERT INTO occurrence (recurrence_id, day, problem, made_at)
                SELECT id, '2031-03-30', 'Nobody was there to send it in time.', business_now() FROM recurrence
            """)
        )
    for minute in ("00", "30"):
        said = {"topic": "bins", "title": "Bins a day late", "body": "Later.", "send": True}
        said |= {"send_at": f"2031-03-30T09:{minute}:00+01:00"}
        made = page.request.post("/api/v1/alerts", data=said, headers=world.headers | {"Idempotency-Key": minute})
        assert made.status == 201, made.text()
    page.goto("/staff/calendar?month=2031-03")


def check_with_others(page: Page, world: World) -> None:
    """Before sending, while another one for the same places is scheduled."""
    check(page, world)
    page.wait_for_url("**/check")
    said = {"topic": "bins", "title": "Bins a day late", "body": "Later.", "send": True}
    said |= {"send_at": (clock.now() + timedelta(hours=3)).isoformat()}
    made = page.request.post("/api/v1/alerts", data=said, headers=world.headers | {"Idempotency-Key": "1"})
    assert made.status == 201, made.text()
    page.reload()
    page.get_by_text("Another alert for these places is scheduled").wait_for()


def first_steps(page: Page, world: World) -> None:
    """What a new council still has to do, for an administrator."""
    administrator(page, world)
    page.goto("/staff")
    page.get_by_role("button", name="Dismiss this list").wait_for()


def calendar_empty(page: Page, world: World) -> None:
    """A month without anything."""
    at_the_desk(page, world)
    page.goto("/staff/calendar?month=2031-02")


def repeat(page: Page, world: World) -> None:
    """The form to send an alert again regularly."""
    check(page, world)
    page.get_by_role("button", name="Send", exact=True).click()
    page.get_by_role("link", name="Send this again regularly").click()


def repeat_badly(page: Page, world: World) -> None:
    """It does not say."""
    repeat(page, world)
    page.get_by_role("button", name="Send it again").click()


def archive(page: Page, world: World) -> None:
    """Something that was sent."""
    check(page, world)
    page.get_by_role("button", name="Send", exact=True).click()
    page.get_by_role("link", name="Send this again regularly").wait_for()
    with transaction() as session:  # as the worker leaves it
        session.execute(text("UPDATE alert SET state = 'sent', expanded_at = business_now()"))
    page.goto("/staff/archive?q=bins")


def archive_empty(page: Page, world: World) -> None:
    """Nothing fits."""
    at_the_desk(page, world)
    page.goto("/staff/archive")


def alone(page: Page, world: World) -> None:
    """An emergency without a second person."""
    to_decide(page, world)
    page.goto(page.url.replace("/decide", "/alone"))


WRITING: Mapping[str, Way] = {
    "desk-topic": topic,
    "desk-topic-faulty": topic_missing,
    "desk-where": where,
    "desk-where-counted": counted,
    "desk-where-faulty": nowhere,
    "desk-words": words,
    "desk-words-faulty": words_missing,
    "desk-words-advice": words_with_advice,
    "desk-check": check,
    "desk-taken-back": taken_back,
    "desk-templates": templates,
    "desk-templates-empty": no_templates,
    "desk-emergency": emergency,
    "desk-emergency-faulty": emergency_missing,
    "desk-emergency-words": emergency_words,
    "desk-follow-up": follow_up,
    "desk-follow-up-check": follow_up_check,
    "desk-calendar": calendar,
    "desk-check-others": check_with_others,
    "desk-first-steps": first_steps,
    "desk-calendar-full": calendar_full,
    "desk-calendar-empty": calendar_empty,
    "desk-repeat": repeat,
    "desk-repeat-faulty": repeat_badly,
    "desk-archive": archive,
    "desk-archive-empty": archive_empty,
    "desk-alone": alone,
}
