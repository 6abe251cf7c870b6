"""The states of the pages on which staff find a resident, read their record and change it."""

from collections.abc import Callable, Mapping

from playwright.sync_api import Page
from sqlalchemy import text
from sqlmodel import col, select

from notify.alerts.models import Alert, AlertState, Priority
from notify.core import clock
from notify.core.db import transaction
from notify.deliveries import fan_out
from notify.places.models import PlaceSet, Targets
from notify.staff import service as staff
from notify.staff.models import Officer, Role
from notify.subscribers.models import Contact, SuppressionReason, Topic
from notify.subscribers.suppression import service as suppressions
from tests.world import World, add_resident

Way = Callable[[Page, World], None]
ANN = "ann@example.org"


def write_alert(world: World, title: str) -> None:
    """An alert that everyone who follows road closures was sent by e-mail, a minute before its receipts came."""
    with transaction() as session:
        topic = session.exec(select(Topic).where(col(Topic.slug) == "road-closures")).one()
        alert = Alert(
            council_id=world.council_id,
            topic_id=topic.id,
            priority=Priority.ROUTINE,
            title=title,
            body="On Sunday.",
            targets=Targets(PlaceSet(), PlaceSet(), everywhere=True).as_json(),
            channels=["email"],
            state=AlertState.SENDING,
            content_hash=b"",
            created_by="test",
            approved_at=clock.now(),
        )
        session.add(alert)
        session.flush()
        fan_out.expand(session, alert.id)
        session.execute(
            text("""
                UPDATE delivery SET state = 'delivered', sent_at = business_now(),
                    changed_at = business_now() + interval '1 minute' WHERE alert_id = :id
            """),
            {"id": alert.id},
        )
        session.execute(text("UPDATE batch SET state = 'done' WHERE alert_id = :id"), {"id": alert.id})
        session.execute(text("UPDATE alert SET state = 'sent' WHERE id = :id"), {"id": alert.id})


def agent(page: Page, world: World) -> None:
    """Somebody of the contact centre, signed in, and Ann, who was sent six alerts and whose phone is suppressed."""
    add_resident(world, ANN, phone="07700 900123", name="Ann of the Longest Name", topics=["road-closures", "bins"])
    add_resident(world, "bob@example.org", name="Bob of the Longest Name")
    for number in range(6):
        write_alert(world, f"Mill Road closed, part {number + 1}")
    with transaction() as session:
        contact = session.exec(select(Contact).where(Contact.channel == "sms")).one()
        suppressions.suppress(
            session,
            council_id=world.council_id,
            channel=contact.channel,
            address_hash=contact.address_hash,
            reason=SuppressionReason.STAFF,
            source="officer: They asked.",
        )
        kim: Officer = staff.create_officer(
            session, council_id=world.council_id, email="kim@example.org", name="Kim", role=Role.CONTACT_CENTRE
        )
        link = staff.create_sign_in_link(session, kim.id)
    page.goto(f"/staff/sign-in/{link}")
    page.get_by_role("button", name="Sign in").click()


def search(page: Page, world: World) -> None:
    """Nothing looked for yet."""
    agent(page, world)
    page.get_by_role("link", name="Residents").click()


def search_badly(page: Page, world: World) -> None:
    """Nothing filled in."""
    search(page, world)
    page.get_by_role("button", name="Find").click()


def two_found(page: Page, world: World) -> None:
    """Two of one name at one postcode."""
    search(page, world)
    page.get_by_label("Postcode", exact=True).fill("ZZ1 1AA")
    page.get_by_label("Name, or a part of it").fill("longest")
    page.get_by_label("Why are you looking").fill("They called.")
    page.get_by_role("button", name="Find").click()


def record(page: Page, world: World) -> None:
    """Ann's record."""
    search(page, world)
    page.get_by_label("Email address, phone number or reference").fill(ANN)
    page.get_by_label("Why are you looking").fill("They called.")
    page.get_by_role("button", name="Find").click()


def of_record(name: str) -> Way:
    """The page behind a link of the record."""

    def go(page: Page, world: World) -> None:
        record(page, world)
        page.get_by_role("link", name=name).first.click()

    return go


def without_reason(page: Page, world: World) -> None:
    """A record whose reason was not said."""
    agent(page, world)
    with transaction() as session:
        ann = session.exec(select(Contact.subscriber_id).where(Contact.address == ANN)).one()
    page.goto(f"/staff/residents/{ann}")


def topics_badly(page: Page, world: World) -> None:
    """A topic more, and no consent to it."""
    of_record("Change topics")(page, world)
    page.get_by_label("Emergencies").check()
    page.get_by_role("button", name="Save").click()


RECORDS: Mapping[str, Way] = {
    "records-search": search,
    "records-search-faulty": search_badly,
    "records-two-found": two_found,
    "record": record,
    "record-reason": without_reason,
    "record-messages": of_record("Everything we sent them"),
    "record-data": of_record("Everything we hold about them"),
    "record-contacts": of_record("Add an address or a number"),
    "record-details": of_record("Change name, language or format"),
    "record-places": of_record("Change places"),
    "record-topics-faulty": topics_badly,
    "record-pause": of_record("Pause their alerts"),
    "record-erase": of_record("Erase this resident"),
    "record-suppression": of_record("Send there again"),
}
