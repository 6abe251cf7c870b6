"""Emergencies that went out, as the CAP messages that other systems collect."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4
from xml.etree import ElementTree

import pytest
from litestar import Litestar
from litestar.testing import TestClient
from sqlmodel import col, update

from notify.alerts.models import Alert, AlertState
from notify.cap import reader, validation
from notify.cap.message import Message, MessageType, Status
from notify.core import clock
from notify.core.db import transaction
from notify.staff.models import KeyMode, Role
from tests.cap.messages import Validate, lon_lat_ring, outline, validator
from tests.world import NORTH, SOUTH, World, make_key, make_world

FLOOD = {
    "topic": "emergencies",
    "priority": "emergency",
    "title": "Flood: move to higher ground",
    "body": "The river is over its banks.\n\nGo to the school on the hill.",
    "translations": {"cy": {"title": "Llifogydd", "body": "Mae'r afon dros ei glannau."}},
    "audience": {"wards": [NORTH]},
    "expires_at": "2030-01-01T00:00:00Z",
}


@pytest.fixture
def world(client: TestClient[Litestar]) -> World:
    world = make_world()
    outline(NORTH, 555_000, 344_000, 556_000, 345_000)
    outline(SOUTH, 556_000, 344_000, 557_000, 345_000)
    return world


@pytest.fixture
def validate(real_data: Path) -> Validate:
    return validator(real_data)


def publish(client: TestClient[Litestar], headers: dict[str, str], path: str = "", **changes: object) -> UUID:
    """An alert, or what follows one, that went out."""
    body = (FLOOD if not path else {}) | changes
    reply = client.post(f"/api/v1/alerts{path}", json=body, headers=headers | {"Idempotency-Key": str(uuid4())})
    assert reply.status_code == 201, reply.text
    alert_id = UUID(reply.json()["id"])
    goes_out(alert_id)
    return alert_id


def goes_out(alert_id: UUID) -> None:
    """As the worker leaves it; sending is other tests' business."""
    now = clock.now()
    with transaction() as session:
        session.execute(
            update(Alert)
            .where(col(Alert.id) == alert_id)
            .values(
                state=AlertState.SENT,
                approved_at=now,
                expanded_at=now,
                ledger_month=clock.first_of_month(now),
            )
        )


@pytest.fixture
def collect(client: TestClient[Litestar], validate: Validate) -> Callable[[UUID], Message]:
    """The message of an alert, valid by the schema and by our own rules."""

    def collect(alert_id: UUID) -> Message:
        reply = client.get(f"/alerts/{alert_id}.cap")
        assert reply.status_code == 200, reply.text
        assert reply.headers["content-type"].startswith("application/cap+xml")
        validate(reply.content)
        message = reader.read(reply.content)
        validation.check(message, now=message.sent)
        return message

    return collect


Collect = Callable[[UUID], Message]


def test_an_emergency_is_told_in_both_languages(client: TestClient[Litestar], world: World, collect: Collect) -> None:
    alert_id = publish(client, world.headers)
    message = collect(alert_id)
    assert (message.identifier, message.sender) == (str(alert_id), "zed@127.0.0.1")
    assert (message.status, message.kind, message.references) == (Status.ACTUAL, MessageType.ALERT, ())
    english, welsh = message.infos
    assert (english.language, welsh.language) == ("en-GB", "cy-GB")
    assert (english.headline, welsh.headline) == ("Flood: move to higher ground", "Llifogydd")
    assert english.description == FLOOD["body"]
    assert (english.event, english.categories[0]) == ("Emergencies", "Safety")
    assert (english.urgency, english.severity, english.certainty) == ("Immediate", "Severe", "Likely")
    assert english.expires is not None
    assert english.expires.year == 2030
    assert english.web.endswith(f"/alerts/{alert_id}")
    assert english.areas[0].description == "Northside"
    assert english.areas[0].geocodes == (("WD25CD", NORTH),)
    assert len(english.areas[0].polygons[0]) == 5


def test_what_the_officer_says_in_cap_words_is_told(
    client: TestClient[Litestar], world: World, collect: Collect
) -> None:
    said = {"event": "Flooding", "category": "Met", "severity": "Extreme", "urgency": "Expected",
            "certainty": "Observed", "instruction": "Go to the school on the hill."}  # fmt: skip
    alert_id = publish(client, world.headers, cap=said)
    info = collect(alert_id).infos[0]
    assert (info.event, info.categories[0], info.severity) == ("Flooding", "Met", "Extreme")
    assert (info.urgency, info.certainty, info.response_types[0]) == ("Expected", "Observed", "Prepare")
    assert info.description == "The river is over its banks."
    assert info.instruction == "Go to the school on the hill."
    shown = client.get(f"/api/v1/alerts/{alert_id}", headers=world.headers).json()
    assert shown["cap"] == said


def test_approval_binds_to_the_cap_words_too(client: TestClient[Litestar], world: World) -> None:
    hashes = set()
    for severity in ("Severe", "Extreme", None):
        alert_id = publish(client, world.headers, cap={"severity": severity} if severity else None)
        hashes.add(client.get(f"/api/v1/alerts/{alert_id}", headers=world.headers).json()["content_hash"])
    assert len(hashes) == 3


def test_updates_and_the_all_clear_refer_to_what_came_before(
    client: TestClient[Litestar], world: World, collect: Collect
) -> None:
    first = publish(client, world.headers)
    update_id = publish(client, world.headers, f"/{first}/update", title="Still rising", body="Stay away.")
    over = publish(client, world.headers, f"/{first}/all-clear", title="All clear", body="It is over.")
    names = [collect(one).name for one in (first, update_id, over)]
    assert collect(update_id).kind == MessageType.UPDATE
    assert list(collect(update_id).references) == names[:1]
    message = collect(over)
    assert (message.kind, list(message.references)) == (MessageType.CANCEL, names[:2])
    info = message.infos[0]
    assert (info.response_types[0], info.urgency, info.event) == ("AllClear", "Past", "Emergencies")
    assert info.areas[0].geocodes == (("WD25CD", NORTH),)


def test_a_withdrawn_alert_is_cancelled_under_a_name_of_its_own(
    client: TestClient[Litestar], world: World, collect: Collect
) -> None:
    alert_id = publish(client, world.headers)
    before = collect(alert_id)
    with transaction() as session:
        withdrawn = clock.now() + timedelta(minutes=1)
        session.execute(update(Alert).values(state=AlertState.CANCELLED, changed_at=withdrawn))
    message = collect(alert_id)
    assert (message.kind, message.identifier) == (MessageType.CANCEL, f"{alert_id}-withdrawn")
    assert list(message.references) == [before.name]


def test_a_polygon_with_a_hole_is_cut_into_pieces_without(
    client: TestClient[Litestar], world: World, collect: Collect
) -> None:
    outer = lon_lat_ring((555_000, 344_000), (557_000, 344_000), (557_000, 346_000), (555_000, 346_000))
    hole = lon_lat_ring((556_000, 344_800), (556_400, 344_800), (556_400, 345_400), (556_000, 345_400))
    polygon = {"type": "Polygon", "coordinates": [outer, hole]}
    alert_id = publish(client, world.headers, audience={"polygon": polygon, "buffer_m": 0})
    (area,) = collect(alert_id).infos[0].areas
    assert len(area.polygons) == 2
    assert area.description == "Northside, Southside"
    assert area.geocodes == ()


def test_a_ward_that_lost_a_part_has_no_code(client: TestClient[Litestar], world: World, collect: Collect) -> None:
    ring = lon_lat_ring((555_100, 344_100), (555_300, 344_100), (555_300, 344_300), (555_100, 344_300))
    hole = {"polygon": {"type": "Polygon", "coordinates": [ring]}}
    (area,) = collect(publish(client, world.headers, audience={"wards": [NORTH, SOUTH], "except": hole})).infos[0].areas
    assert (area.geocodes, len(area.polygons)) == ((), 2)
    less = {"wards": [NORTH, SOUTH], "except": {"wards": [SOUTH]}}
    (area,) = collect(publish(client, world.headers, audience=less)).infos[0].areas
    assert (area.description, area.geocodes) == ("Northside", (("WD25CD", NORTH),))


def test_an_alert_to_everybody_names_the_council_and_its_district(
    client: TestClient[Litestar], world: World, collect: Collect
) -> None:
    (area,) = collect(publish(client, world.headers, audience=None)).infos[0].areas
    assert (area.description, area.polygons) == ("Zed Council", ())


def test_nothing_is_told_of_drafts_rehearsals_and_routine(client: TestClient[Litestar], world: World) -> None:
    trial = make_key(world, Role.ADMIN, mode=KeyMode.TEST)
    routine = publish(client, world.headers, topic="bins", priority="routine")
    rehearsal = publish(client, trial)
    for alert_id in (routine, rehearsal, uuid4()):
        assert client.get(f"/alerts/{alert_id}.cap").status_code == 404
    index = ElementTree.fromstring(client.get("/alerts.cap.atom").content)
    assert index.findall("{*}entry") == []


def test_the_council_sees_the_message_of_a_draft_and_of_a_rehearsal(
    client: TestClient[Litestar], world: World, validate: Validate
) -> None:
    trial = make_key(world, Role.ADMIN, mode=KeyMode.TEST)
    reply = client.post("/api/v1/alerts", json=FLOOD, headers=world.headers | {"Idempotency-Key": "1"})
    rehearsal = publish(client, trial)
    for alert_id, status in ((reply.json()["id"], Status.DRAFT), (rehearsal, Status.TEST)):
        document = client.get(f"/api/v1/alerts/{alert_id}/cap", headers=world.headers).content
        validate(document)
        assert reader.read(document).status == status
    with transaction() as session:
        session.execute(update(Alert).where(col(Alert.id) == rehearsal).values(created_by=f"officer:{uuid4()}"))
    document = client.get(f"/api/v1/alerts/{rehearsal}/cap", headers=world.headers).content
    assert reader.read(document).status == Status.EXERCISE


def test_the_index_leads_to_the_messages_that_hold(client: TestClient[Litestar], world: World) -> None:
    first, second = publish(client, world.headers), publish(client, world.headers, title="Second")
    publish(client, world.headers, "", topic="bins", priority="routine", title="Bins")
    reply = client.get("/alerts.cap.atom")
    links = [link.attrib["href"] for link in ElementTree.fromstring(reply.content).findall("{*}entry/{*}link")]
    assert {link.rpartition("/")[2] for link in links} == {f"{first}.cap", f"{second}.cap"}
    assert all(client.get(link.partition("127.0.0.1:8000")[2]).status_code == 200 for link in links)
    again = client.get("/alerts.cap.atom", headers={"If-None-Match": reply.headers["etag"]})
    assert again.status_code == 304
