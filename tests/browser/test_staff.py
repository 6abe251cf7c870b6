"""An administrator's day in a real browser, without scripts and with the keyboard."""

from urllib.parse import parse_qs, urlsplit

import pyotp
import pytest
from playwright.sync_api import Page, expect

from notify.core.db import transaction
from notify.staff import service as staff
from notify.staff.models import Officer, Role
from notify.staff.sign_in import break_glass
from tests.browser.conftest import NewPage
from tests.world import World, password_hash

pytestmark = pytest.mark.browser

PASSWORD = "four words nobody guesses"


def make_officers(world: World) -> pyotp.TOTP:
    """Kim, who says what others may do, and Ali; what Kim's app shows."""
    with transaction() as session:
        for email, name, role in (("kim", "Kim", Role.ADMIN), ("ali", "Ali", Role.AUTHOR)):
            officer: Officer = staff.create_officer(
                session, council_id=world.council_id, email=f"{email}@example.org", name=name, role=role
            )
            if name == "Kim":
                uri = break_glass.set_password(session, officer, password_hash(PASSWORD), actor="test").uri
    return pyotp.TOTP(parse_qs(urlsplit(uri).query)["secret"][0])


def sign_in(page: Page, code: str) -> None:
    page.goto("/staff/sign-in")
    page.get_by_label("Email address").fill("kim@example.org")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_label("Code from your authenticator app").fill(code)
    page.keyboard.press("Enter")


def test_an_administrators_day_works_without_scripts(new_page: NewPage, world: World) -> None:
    app = make_officers(world)
    page = new_page(java_script_enabled=False)
    sign_in(page, app.now())
    expect(page.get_by_role("heading", level=1)).to_have_text("Home")
    cookies = page.context.cookies()
    assert sorted(cookie["name"] for cookie in cookies) == ["known-device", "officer"]
    assert {(cookie["httpOnly"], cookie["sameSite"]) for cookie in cookies} == {(True, "Lax")}

    page.get_by_role("link", name="Users and roles").click()
    page.get_by_role("link", name="Ali").click()
    page.get_by_label("Councillor", exact=True).check()
    page.get_by_label("Northside").check()
    page.get_by_label("Southside").check()
    page.get_by_role("button", name="Save").click()
    ali = page.get_by_role("row", name="Ali")
    expect(ali).to_contain_text("councillor")
    expect(ali).to_contain_text("Northside, Southside")

    page.get_by_role("link", name="API keys").click()
    page.get_by_label("What is it for?").fill("Website")
    page.get_by_label("Author").check()
    page.get_by_role("button", name="Make the key").click()
    key = page.locator(".govuk-notification-banner code").inner_text()
    assert page.request.get("/api/v1/alerts", headers={"Authorization": f"Bearer {key}"}).status == 200
    page.get_by_role("button", name="Revoke Website").click()
    expect(page.get_by_role("row", name="Website")).to_contain_text("Revoked")
    assert page.request.get("/api/v1/alerts", headers={"Authorization": f"Bearer {key}"}).status == 401

    page.get_by_role("link", name="Audit trail").click()
    page.get_by_label("Words in an entry").fill("Kim key.revoke")
    page.get_by_role("button", name="Search").click()
    expect(page.get_by_role("row")).to_have_count(2)
    page.get_by_role("button", name="Sign out Kim").click()
    assert [cookie["name"] for cookie in page.context.cookies()] == ["known-device"]


def test_who_reads_everything_finds_nothing_to_change(page: Page, world: World) -> None:
    with transaction() as session:
        officer: Officer = staff.create_officer(
            session, council_id=world.council_id, email="mo@example.org", name="Mo", role=Role.MONITORING
        )
        link = staff.create_sign_in_link(session, officer.id)
    page.goto(f"/staff/sign-in/{link}")
    page.get_by_role("button", name="Sign in").click()
    menu = page.get_by_role("navigation", name="Main")
    shown = [
        *(
            "Home",
            "Alerts",
            "Incidents",
            "Plans",
            "Calendar",
            "Zones",
            "Archive",
            "Statutory notices",
            "Bins",
            "Reports",
        ),
        *("Residents", "Suppressions"),
        *("Operations", "Audit trail"),
    ]
    assert menu.get_by_role("link").all_inner_texts() == shown
    page.goto("/staff/calendar")
    expect(page.get_by_role("main").get_by_role("button")).to_have_count(0)
    page.goto("/staff/keys")
    expect(page.get_by_role("heading", level=1)).to_have_text("Not allowed")
