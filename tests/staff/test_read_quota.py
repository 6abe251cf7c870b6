"""Reading many subscribers leaves a line, has a quota and an alarm, whatever route and whoever asks.

The routes are found by what they answer: each is asked while sixty people have been written to, refused and suppressed.
"""

import re
from collections.abc import Callable
from uuid import UUID

import pytest
from litestar import Litestar
from litestar.testing import TestClient
from sqlalchemy import text
from sqlmodel import select

from notify.core.db import transaction
from notify.core.limit_settings import LimitSettings
from notify.deliveries import worker_loop
from notify.staff import read_quota
from notify.staff.models import Role
from notify.subscribers.access_models import InboundText
from notify.subscribers.models import Contact, SuppressionReason
from notify.subscribers.suppression import service as suppression_service
from tests.alerts.calls import created
from tests.mailbox import Mailbox
from tests.staff.test_routes import doors
from tests.world import World, administrator, at_the_desk, make_key, make_world

Client = TestClient[Litestar]
Headers = dict[str, str]
PEOPLE = 60
EVERYBODY = """
    SELECT s.id::text AS subscriber, c.id::text AS contact, c.address FROM subscriber s
    JOIN contact c ON c.subscriber_id = s.id WHERE s.council_id = :council
"""


@pytest.fixture
def world(client: Client) -> World:
    world = make_world()
    lines = [f"r{number:03}@example.org,ZZ1 1AA" for number in range(PEOPLE)]
    reply = client.post(
        "/api/v1/subscribers/import",
        params={"wording_version": "1", "wording": "Yes.", "consent_source": "test", "topics": "road-closures"},
        content="\n".join(["email,postcode", *lines]),
        headers=world.headers | {"Content-Type": "text/csv"},
    )
    assert reply.json()["created"] == PEOPLE, reply.text
    return world


@pytest.fixture
def alert_id(client: Client, world: World) -> str:
    """An alert that reached none of them."""
    alert = created(client, world.headers, send=True)
    worker_loop.expand_alert(alert["id"])
    with transaction() as session:
        session.execute(text("UPDATE delivery SET state = 'permanent-failure'"))
        session.execute(
            text("UPDATE alert SET state = 'sent', finished_at = now() WHERE id = :id"), {"id": alert["id"]}
        )
        for contact in session.exec(select(Contact)).all():
            session.add(InboundText(council_id=world.council_id, contact_id=contact.id, words="STOP writing at 3am"))
            suppression_service.suppress(
                session,
                council_id=world.council_id,
                channel=contact.channel,
                address_hash=contact.address_hash,
                reason=SuppressionReason.COMPLAINT,
                source="test",
            )
    return str(alert["id"])


def holds(body: str, council_id: UUID) -> int:
    """How many of the council's people an answer holds, by whatever tells them apart."""
    words = set(re.findall(r"[\w.+-]+@[\w.-]+|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", body))
    with transaction() as session:
        rows = session.execute(text(EVERYBODY), {"council": council_id}).all()
    return len({row.subscriber for row in rows if words & {row.subscriber, row.contact, row.address}})


def noted(actor: str = "%", action: str = "residents.read") -> int:
    asked = text("SELECT count(*) FROM audit_entry WHERE action = :action AND actor LIKE :actor")
    with transaction() as session:
        return int(session.execute(asked, {"action": action, "actor": actor}).scalar_one())


def answering(
    app: Litestar, client: Client, world: World, alert_id: str, headers: Callable[[], Headers]
) -> dict[str, bool]:
    """The routes whose answers hold fifty people or more, and whether that was written down."""
    found = {}
    reads = sorted(door for door, _ in doors(app) if door.startswith("GET ") and "/live" not in door)
    for door in reads:
        path = door.partition(" ")[2].replace("{alert_id:uuid}", alert_id).replace("{data_set:str}", "subscribers")
        before = noted()
        answer = client.get(path, params={"limit": "200"}, headers=headers(), follow_redirects=False)
        if answer.is_success and holds(answer.text, world.council_id) >= read_quota.MANY:
            found[door] = noted() > before
    return found


@pytest.mark.parametrize("way", ["session", "key"])
def test_every_answer_that_holds_fifty_people_is_written_down(
    app: Litestar, client: Client, world: World, alert_id: str, way: str
) -> None:
    headers = {"session": lambda: administrator(world), "key": lambda: world.headers}[way]
    found = answering(app, client, world, alert_id, headers)
    assert [door for door, is_noted in found.items() if not is_noted] == []
    assert len(found) >= 7


@pytest.fixture
def little(monkeypatch: pytest.MonkeyPatch) -> None:
    """A day's quota that two pages use up."""
    monkeypatch.setattr(read_quota, "limit_settings", lambda: LimitSettings(residents_per_day=2 * PEOPLE))


@pytest.mark.usefixtures("little")
@pytest.mark.parametrize("way", ["session", "key"])
def test_a_key_and_a_session_have_a_quota_and_administrators_are_told(
    client: Client, world: World, work: Callable[[], None], inbox: Mailbox, way: str
) -> None:
    boss = administrator(world)
    asker = {"session": at_the_desk(make_key(world, Role.AUTHOR)), "key": make_key(world, Role.AUTHOR)}[way]
    answers = [client.get("/api/v1/subscribers", headers=asker) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[2].json()["type"] == "/problems/too-many-residents-read"
    assert 0 < int(answers[2].headers["retry-after"]) <= 86_401
    assert client.get("/api/v1/subscribers?limit=49", headers=asker).status_code == 200  # a day's work goes on
    assert client.get("/api/v1/subscribers", headers=boss).status_code == 200  # and so does everybody else's
    assert (noted(), noted(action="residents.alarm")) == (4, 2)
    inbox.empty()
    work()
    subjects = {str(mail["Subject"]) for mail in inbox.messages()}
    assert subjects == {"Somebody reads many subscribers of Zed Council"}


@pytest.mark.usefixtures("little")
def test_an_export_by_a_person_who_is_there_may_pass_the_quota(client: Client, world: World) -> None:
    boss = administrator(world)
    for path in ("/api/v1/extracts/subscribers", "/api/v1/extracts/subscribers?format=csv"):
        for _ in range(2):
            assert client.get(path, headers=boss).status_code == 200
    everything = client.post("/staff/exports/everything", headers=boss | {"Sec-Fetch-Site": "same-origin"})
    assert everything.status_code == 200
    assert noted() == 5


@pytest.mark.usefixtures("little")
@pytest.mark.parametrize("size", [1, 30])
def test_few_at_a_time_are_written_down_and_end_too(client: Client, world: World, size: int) -> None:
    key = make_key(world, Role.AUTHOR)
    page = client.get("/api/v1/subscribers?limit=1", headers=key).json()
    path = f"/api/v1/subscribers/{page['next']}" if size == 1 else f"/api/v1/subscribers?limit={size}"
    answers = [client.get(path, headers=key).status_code for _ in range(4 * PEOPLE // size)]
    assert (answers[0], answers[-2:]) == (200, [200, 429])
    assert noted() == 4 * PEOPLE // 50
