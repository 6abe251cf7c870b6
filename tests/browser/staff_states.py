"""The states of the pages where officers sign in, and where administrators keep officers, keys and the audit trail."""

from collections.abc import Callable, Mapping
from uuid import UUID

from playwright.sync_api import Page
from sqlalchemy import text

from notify.core import tokens
from notify.core.db import transaction
from notify.staff import service as staff
from notify.staff.models import Officer, Role, SecondFactorReset
from notify.subscribers import service as subscribers
from notify.subscribers.models import ApprovalRule, NewTopic
from tests.world import NORTH, World, add_resident, session_of

Way = Callable[[Page, World], None]


def administrator(page: Page, world: World) -> UUID:
    """Somebody who says what others may do, signed in, and a councillor; the councillor's id."""
    with transaction() as session:
        kim: Officer = staff.create_officer(
            session, council_id=world.council_id, email="kim@example.org", name="Kim", role=Role.ADMIN
        )
        ali: Officer = staff.create_officer(
            session,
            council_id=world.council_id,
            email="ali.of.the.longest.name@example.org",
            name="Ali",
            role=Role.COUNCILLOR,
        )
        ali.areas = [NORTH]
        link = staff.create_sign_in_link(session, kim.id)
    page.goto(f"/staff/sign-in/{link}")
    page.get_by_role("button", name="Sign in").click()
    return ali.id


def desk(path: str) -> Way:
    """A page of administrators; `{}` in the path is the councillor's id."""

    def go(page: Page, world: World) -> None:
        page.goto(path.format(administrator(page, world)))

    return go


def not_signed_in(page: Page, world: World) -> None:
    """Wrong in a way that is not said."""
    page.goto("/staff/sign-in")
    page.get_by_label("Email address").fill("kim@example.org")
    page.get_by_role("button", name="Sign in").click()


def not_confirmed(page: Page, world: World) -> None:
    """A wrong code, of somebody who is signed in."""
    desk("/staff/confirm")(page, world)
    page.get_by_label("Code from your authenticator app").fill("000000")
    page.get_by_role("button", name="Confirm").click()


def officer_badly(page: Page, world: World) -> None:
    """No mobile number."""
    desk("/staff/officers/{}")(page, world)
    page.get_by_label("Mobile number").fill("Northside")
    page.get_by_role("button", name="Save").click()


def key_badly(page: Page, world: World) -> None:
    """A key for nothing, of no role."""
    desk("/staff/keys")(page, world)
    page.get_by_role("button", name="Make the key").click()


def key_made(page: Page, world: World) -> None:
    """The key, shown once."""
    desk("/staff/keys")(page, world)
    page.get_by_label("What is it for?").fill("Website")
    page.get_by_label("Author").check()
    page.get_by_role("button", name="Make the key").click()


def to_decide(page: Page, world: World, *, waits: bool = True) -> None:
    """An emergency that somebody else wrote."""
    with transaction() as session:
        new = NewTopic(slug="floods", name="Floods", approval=ApprovalRule.ONE)
        subscribers.create_topic(session, council_id=world.council_id, actor="test", new=new)
    alert = {
        "topic": "floods",
        "priority": "emergency",
        "title": "Flood: move to higher ground",
        "body": "The river is over its banks at Mill Road.\n\nGo to the school on the hill.",
        "sms": "Flood at Mill Road: go to the school on the hill.",
        "audience": {"wards": [NORTH]},
        "send": waits,
    }
    made = page.request.post("/api/v1/alerts", data=alert, headers=world.headers | {"Idempotency-Key": "1"})
    assert made.status == 201, made.text()
    administrator(page, world)
    page.goto(f"/staff/alerts/{made.json()['id']}/decide")


def sent_back_badly(page: Page, world: World) -> None:
    """A no without a reason."""
    to_decide(page, world)
    page.get_by_role("button", name="Send it back").click()


def nothing_to_decide(page: Page, world: World) -> None:
    """A draft that nobody has submitted."""
    to_decide(page, world, waits=False)


def leave_a_place_open() -> None:
    """A release could not put a resident's place into a ward."""
    with transaction() as session:
        session.execute(text("UPDATE place SET needs_review = true WHERE position = 0"))
        session.execute(
            text("""
                INSERT INTO place_review (place_id, release_id, kind, subscriber_id, at, handled_at)
                SELECT id, 1, 'unsure', subscriber_id, business_now(), business_now() FROM place WHERE position = 0
            """)
        )


def places_to_check(page: Page, world: World) -> None:
    """What became of places that a release left open."""
    add_resident(world, "sam@example.org")
    leave_a_place_open()
    desk("/staff/places")(page, world)


def second_factor_asked(page: Page, world: World) -> None:
    """A user who lost their app, for whom another administrator asked."""
    ali = administrator(page, world)
    with transaction() as session:
        one = session.get_one(Officer, ali)
        one.totp_secret = tokens.seal("totp", "JBSWY3DPEHPK3PXP")
        eve: Officer = staff.create_officer(
            session, council_id=world.council_id, email="eve@example.org", name="Eve", role=Role.ADMIN
        )
        session_of(session, one, mfa_at=None)
        session.add_all([one, SecondFactorReset(officer_id=ali, asked_by=eve.id, reason="Lost their phone.")])
    page.goto(f"/staff/officers/{ali}")


def look_badly(page: Page, world: World) -> None:
    """A colour that white words cannot be read on."""
    desk("/staff/settings/look")(page, world)
    page.get_by_label("Colour of the band").fill("#fff000")
    page.get_by_role("button", name="Save").click()


def look_previewed(page: Page, world: World) -> None:
    """A colour that is not saved yet, in the frame below the form."""
    desk("/staff/settings/look")(page, world)
    page.get_by_label("Colour of the band").fill("#5c1d4b")
    page.get_by_role("button", name="Preview").click()
    page.frame_locator("iframe[name=preview]").get_by_role("heading", name="Pages").wait_for()


def operators(path: str) -> Way:
    """A page of somebody who runs the installation."""

    def go(page: Page, world: World) -> None:
        administrator(page, world)
        with transaction() as session:
            session.execute(text("UPDATE officer SET is_operator = true"))
        page.goto(path)

    return go


def closed_badly(page: Page, world: World) -> None:
    """Without the box that confirms."""
    operators("/staff/councils/zed")(page, world)
    page.get_by_role("button", name="Close", exact=True).click()


def of_two_councils(page: Page, world: World) -> None:
    """Somebody who may go over to another council."""
    administrator(page, world)
    with transaction() as session:
        far = staff.create_council(session, slug="far", name="Far Council", district_codes=["Z07000009"])
        staff.create_officer(session, council_id=far.id, email="kim@example.org", name="Kim", role=Role.VIEWER)
    page.goto("/staff")


AT_THE_DESK: Mapping[str, Way] = {
    "staff-sign-in-faulty": not_signed_in,
    "staff-decide": to_decide,
    "staff-decide-faulty": sent_back_badly,
    "staff-decide-draft": nothing_to_decide,
    "staff-confirm": desk("/staff/confirm"),
    "staff-confirm-faulty": not_confirmed,
    "staff-places": places_to_check,
    "staff-places-empty": desk("/staff/places"),
    "staff-officers": desk("/staff/officers"),
    "staff-officer": desk("/staff/officers/{}"),
    "staff-officer-second-factor": second_factor_asked,
    "staff-rights": desk("/staff/rights"),
    "staff-officer-faulty": officer_badly,
    "staff-keys": desk("/staff/keys"),
    "staff-keys-faulty": key_badly,
    "staff-key-made": key_made,
    "staff-settings": desk("/staff/settings"),
    "staff-settings-look": desk("/staff/settings/look"),
    "staff-settings-look-faulty": look_badly,
    "staff-settings-preview": look_previewed,
    "staff-settings-times": desk("/staff/settings/times"),
    "staff-settings-elections": desk("/staff/settings/elections"),
    "staff-settings-providers": desk("/staff/settings/providers"),
    "staff-councils": operators("/staff/councils"),
    "staff-council": operators("/staff/councils/zed"),
    "staff-council-faulty": closed_badly,
    "staff-switch": of_two_councils,
    "staff-audit": desk("/staff/audit"),
    "staff-audit-empty": desk("/staff/audit?q=nothing-like-this"),
}
