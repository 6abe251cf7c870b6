"""The states of the pages of an emergency that was let go: its progress, who was not reached, and replies."""

from collections.abc import Callable, Mapping
from uuid import UUID

import shapely
from playwright.sync_api import Page
from sqlalchemy import text

from notify.alerts import reply_request, service
from notify.alerts.models import Alert, Escalation, NewAlert, Priority
from notify.core.db import transaction
from notify.deliveries import worker_loop
from notify.providers.base import Channel
from notify.staff import service as staff
from notify.staff.models import Officer, Role
from tests.world import NORTH, SOUTH, World, add_resident

Way = Callable[[Page, World], None]


def planner(page: Page, world: World) -> None:
    """Somebody who broadcasts emergencies, signed in."""
    with transaction() as session:
        officer: Officer = staff.create_officer(
            session, council_id=world.council_id, email="pat@example.org", name="Pat", role=Role.PLANNER
        )
        link = staff.create_sign_in_link(session, officer.id)
    page.goto(f"/staff/sign-in/{link}")
    page.get_by_role("button", name="Sign in").click()


def under_way(world: World, *, training: bool = False) -> UUID:
    """An emergency of which one e-mail failed, one was delivered and one waits; who got it needs help."""
    with transaction() as session:
        for code, west in ((NORTH, 555_000), (SOUTH, 556_000)):
            shape = shapely.to_wkb(shapely.box(west, 344_000, west + 1000, 345_000))
            session.execute(text("UPDATE area SET geom = :shape WHERE code = :code"), {"shape": shape, "code": code})
    for name, postcode in (("Ann Ash", "ZZ1 1AA"), ("Bo Birch", "ZZ1 1AB"), ("Cy Cedar", "ZZ2 1AA")):
        email = f"{name.split()[0].lower()}@example.org"
        add_resident(world, email, name=name, postcodes=[postcode], topics=["emergencies"], phone=None)
    new = NewAlert(
        topic="emergencies",
        priority=Priority.EMERGENCY,
        title="Flood: move to higher ground",
        body="The river is over its banks at Mill Road.",
        asks_reply=True,
        training=training,
        escalate=Escalation(after_minutes=10, channels=[Channel.SMS]),
        send=True,
    )
    with transaction() as session:
        alert = service.create_and_send(session, by=world.planner, new=new)
    worker_loop.expand_alert(alert.id)
    with transaction() as session:
        session.execute(text(FATES), {"alert": alert.id})
        session.execute(text(NEEDS_HELP), {"alert": alert.id})
    return alert.id


FATES = """
    UPDATE delivery d SET state = f.state, reason = f.reason,
        sent_at = CASE WHEN f.state = 'delivered' THEN business_now() END
    FROM contact c,
         (VALUES ('ann@example.org', 'delivered', NULL), ('bo@example.org', 'permanent-failure', '550 No mailbox.'))
             AS f (address, state, reason)
    WHERE d.alert_id = :alert AND c.id = d.contact_id AND c.address = f.address
"""
NEEDS_HELP = """
    INSERT INTO reply (alert_id, subscriber_id, month, number, answer, at)
    SELECT alert_id, subscriber_id, month, number, 'help', business_now() FROM delivery
    WHERE alert_id = :alert AND state = 'delivered'
"""


def officers(path: str, *, training: bool = False) -> Way:
    """A page of the alert, as an officer sees it."""

    def go(page: Page, world: World) -> None:
        alert = under_way(world, training=training)
        planner(page, world)
        page.goto(f"/staff/alerts/{alert}{path}")

    return go


def asked(query: str = "", *, training: bool = False) -> Way:
    """Are you safe?"""

    def go(page: Page, world: World) -> None:
        alert_id = under_way(world, training=training)
        with transaction() as session:
            code = session.get_one(Alert, alert_id).reply_code or 0
            number = session.execute(
                text("SELECT number FROM delivery WHERE alert_id = :alert AND state = 'created'"), {"alert": alert_id}
            ).scalar_one()
        page.goto("/r/" + reply_request.reply_url(code, number).rpartition("/")[2] + query)

    return go


def answered(button: str, query: str = "") -> Way:
    """After pressing a button."""

    def go(page: Page, world: World) -> None:
        asked(query)(page, world)
        page.get_by_role("button", name=button).click()

    return go


def over(page: Page, world: World) -> None:
    """Too late."""
    asked()(page, world)
    with transaction() as session:
        session.execute(text("UPDATE alert SET expires_at = business_now()"))
    page.reload()


IN_AN_EMERGENCY: Mapping[str, Way] = {
    "staff-emergency": officers(""),
    "staff-training": officers("", training=True),
    "staff-missed": officers("/missed"),
    "staff-missed-answers": officers("/missed?show=not-answered"),
    "staff-missed-page": officers("/missed?page=2"),
    "reply": asked(),
    "reply-welsh": asked("?lang=cy"),
    "reply-training": asked(training=True),
    "reply-over": over,
    "replied-safe": answered("I am safe"),
    "replied-help": answered("I need help"),
    "replied-help-welsh": answered("Mae angen help arnaf", "?lang=cy"),
}
