"""An officer at the desk, with a browser that has no scripts."""

from dataclasses import dataclass

import shapely
from httpx import Response
from litestar import Litestar
from litestar.testing import TestClient
from sqlalchemy import text

from notify.core.db import transaction
from notify.staff import service as staff
from notify.staff.models import Role
from tests.subscribers.html import Page
from tests.subscribers.journey import BROWSER
from tests.world import NORTH, SOUTH, World

Client = TestClient[Litestar]

WORDS = {
    "title": "Mill Road closed on Sunday",
    "body": "Mill Road is closed from 8am to 6pm on Sunday.\n\nUse Coldham’s Lane.",
    "channel": ["email", "sms"],
}


@dataclass(slots=True)
class Officer:
    """One signed-in officer. `draft` is the path of what they are writing."""

    client: Client
    draft: str = ""

    def begin(self, topic: str = "road-closures", **fields: object) -> "Officer":
        """Begin an alert."""
        return self._begun(self.client.post("/staff/compose", data={"topic": topic} | fields))

    def emergency(self, hazard: str = "flood") -> "Officer":
        """Begin an emergency."""
        return self._begun(self.client.post("/staff/emergency", data={"hazard": hazard, "topic": "emergencies"}))

    def _begun(self, answer: Response) -> "Officer":
        assert answer.status_code == 303, answer.text
        self.draft = answer.headers["location"].removesuffix("/where")
        return self

    def where(self, do: str = "next", **fields: object) -> Response:
        """Say whom it reaches."""
        return self.client.post(f"{self.draft}/where", data={"reach": "places", "do": do} | fields)

    def words(self, do: str = "next", **fields: object) -> Response:
        """Say what it says."""
        return self.client.post(f"{self.draft}/words", data={**WORDS, "do": do} | fields)

    def check(self) -> Page:
        """The page before sending."""
        return Page(self.client.get(f"{self.draft}/check").text)

    def send(self) -> str:
        """Press the button; the alert's id."""
        answer = self.client.post(f"{self.draft}/send")
        assert answer.status_code == 303, answer.text
        return str(answer.headers["location"].rpartition("/")[2])


def sit_down(client: Client, world: World, role: Role = Role.PLANNER, email: str = "kim@example.org") -> Officer:
    """An officer of this role, signed in."""
    client.headers.update(BROWSER)
    client.follow_redirects = False
    with transaction() as session:
        officer = staff.create_officer(session, council_id=world.council_id, email=email, name="Kim", role=role)
        link = staff.create_sign_in_link(session, officer.id)
    assert client.post(f"/staff/sign-in/{link}").status_code == 303
    return Officer(client)


def draw_wards() -> None:
    """Both wards of the invented council as squares, side by side."""
    with transaction() as session:
        for code, west in ((NORTH, 555_000), (SOUTH, 556_000)):
            outline = shapely.to_wkb(shapely.box(west, 344_000, west + 1000, 345_000))
            session.execute(text("UPDATE area SET geom = :geom WHERE code = :code"), {"geom": outline, "code": code})
