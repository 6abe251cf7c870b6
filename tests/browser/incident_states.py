"""States of the pages of an incident: the desk's, its debrief and call list, and what everyone sees."""

from collections.abc import Callable, Mapping

from playwright.sync_api import Page
from sqlmodel import select

from notify.alerts.incidents.models import Incident
from notify.alerts.models import NewAlert, Priority
from notify.alerts.service import create_and_send
from notify.core.db import transaction
from notify.deliveries import worker_loop
from notify.incidents.models import IncidentNote, NoteKind
from notify.places.models import AudienceSpec
from notify.staff import service as staff
from notify.staff.models import Role
from tests.world import NORTH, World, add_resident

ONGOING = NewAlert(
    topic="emergencies",
    priority=Priority.EMERGENCY,
    title="Flood in Mill Lane",
    body="Go upstairs.",
    audience=AudienceSpec(wards=[NORTH]),
    asks_reply=True,
    send=True,
)


def warn(world: World) -> tuple[str, str, str]:
    """An emergency that goes on, with a handover: its alert's id, its incident's, and the name of the public page."""
    add_resident(world, "ada@example.org", name="Ada Ash", topics=["emergencies"])
    with transaction() as session:
        alert_id = create_and_send(session, by=world.planner, new=ONGOING).id
    worker_loop.expand_alert(alert_id)
    with transaction() as session:
        [incident] = session.exec(select(Incident)).all()
        words = "Sandbags are at the bridge. Look for those who have not answered."
        session.add(IncidentNote(incident_id=incident.id, kind=NoteKind.HANDOVER, words=words, actor="test"))
        return str(alert_id), str(incident.id), incident.ref


def at_the_desk(path: str) -> Callable[[Page, World], None]:
    """The state of a page that a planner opens."""

    def reach(page: Page, world: World) -> None:
        alert, incident, _ = warn(world)
        with transaction() as session:
            officer = staff.create_officer(
                session, council_id=world.council_id, email="kim@example.org", name="Kim", role=Role.PLANNER
            )
            link = staff.create_sign_in_link(session, officer.id)
        page.goto(f"/staff/sign-in/{link}")
        page.get_by_role("button", name="Sign in").click()
        answer = page.goto(path.format(alert=alert, incident=incident))
        assert answer
        assert answer.ok

    return reach


def for_everyone(path: str) -> Callable[[Page, World], None]:
    """The state of a public page while the incident goes on."""

    def reach(page: Page, world: World) -> None:
        answer = page.goto(path.format(ref=warn(world)[2]))
        assert answer
        assert answer.ok

    return reach


INCIDENTS: Mapping[str, Callable[[Page, World], None]] = {
    "staff-incidents": at_the_desk("/staff/incidents"),
    "staff-incident": at_the_desk("/staff/incidents/{incident}"),
    "staff-debrief": at_the_desk("/staff/incidents/{incident}/debrief"),
    "staff-call-list": at_the_desk("/staff/alerts/{alert}/missed"),
    "incidents": for_everyone("/incidents"),
    "incident": for_everyone("/incidents/{ref}"),
    "incident-welsh": for_everyone("/incidents/{ref}?lang=cy"),
}
