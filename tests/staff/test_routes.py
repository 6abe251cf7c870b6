"""Every door for every role, against the one table; and what belongs to another council looks absent."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import time, timedelta
from uuid import UUID, uuid4

import pytest
from httpx import Response
from litestar import Litestar
from litestar.handlers import HTTPRouteHandler
from litestar.routes import HTTPRoute
from litestar.testing import TestClient
from sqlmodel import Session, select

from notify.alerts.incidents.models import Incident
from notify.alerts.models import Alert, Priority
from notify.core import clock
from notify.core.db import transaction
from notify.drafting import models as drafting_models
from notify.drafting.models import Draft, MessageTemplate, Rule
from notify.drafting.recurrence import Plan, begin
from notify.exports import schedules
from notify.exports.file_formats import Format
from notify.exports.models import Rhythm
from notify.incidents.models import IncidentNote, NoteKind
from notify.insight.annotations import annotate
from notify.insight.models import Target, TargetKind
from notify.providers.base import Channel
from notify.staff.guards import Requires, Right
from notify.staff.models import ApiKey, Officer, Role
from notify.staff.rights import RIGHTS, SystemActor
from notify.statutory_notices import service as notices
from notify.statutory_notices.models import Matter, NewNotice
from notify.subscribers import service as subscribers
from notify.subscribers.imports import import_service
from notify.subscribers.models import Contact, NewTopic
from notify.subscribers.suppression.bounce_models import Bounce, BounceState
from notify.subscribers.topic_models import TopicGroup
from notify.waste.models import (
    CollectionContractor,
    CollectionRelease,
    CollectionReport,
    CollectionSource,
    CollectionUpload,
)
from notify.zones.models import Zone, ZoneKind, ZoneVersion
from tests.alerts.calls import created, neighbour
from tests.staff.policy import DOORS, NO_KEY, WHO
from tests.world import NORTH, World, add_resident, at_the_desk, desk_of, make_key, make_world, somebody_here

Client = TestClient[Litestar]
Headers = dict[str, str]

# what the doors that name something want to hear, so that they get as far as looking for it
NOTICE = {"title": "Closed", "kind": "traffic", "legal_basis": "An Act", "body": "Closed."}
BODIES: Mapping[str, object] = {
    "/reject": {"reason": "The date is wrong."},
    "/return": {"reason": "The date is wrong."},
    "PUT /api/v1/alerts/{alert_id:uuid}": {
        "topic": "road-closures",
        "title": "News",
        "body": "News.",
        "audience": {"wards": [NORTH]},
    },
    "POST /api/v1/plans/{slug:str}/alert": {"values": {}},
    "PATCH /api/v1/zones/{slug:str}": {"name": "Mallory"},
    "/attempts": {"outcome": "safe", "seen": 0},
    "/update": {"title": "News", "body": "News."},
    "/all-clear": {"title": "News", "body": "News."},
    "/reschedule": {"send_at": "2199-03-03T14:05:00Z"},
    "/retry": {"states": ["unknown"]},
    "/breach-note": {"note": "A cable was cut."},
    "/staff-time": {"minutes": 30},
    "/lift": {"reason": "A new mailbox."},
    "/replay": {"since": "2026-01-01T00:00:00Z"},
    "POST /api/v1/public-notices/{notice_id:uuid}/correct": NOTICE | {"reason": "Wrong road."},
    "POST /api/v1/public-notices/{notice_id:uuid}/withdraw": {"reason": "Wrong road."},
    "PATCH /api/v1/topics/{slug:str}": {"name": "Mallory"},
    "/notes": {"words": "Sandbags are out."},
    "PATCH /api/v1/incidents/{incident_id:uuid}": {"name": "Flood along the Zed"},
    "POST /api/v1/incidents/{incident_id:uuid}/alerts": {"alert": str(UUID(int=1))},
    "/recurrence": {"rule": "daily", "at": "09:00", "first_day": "2199-03-03", "last_day": "2199-03-04"},
    "/second-factor": {"reason": "Lost."},
    "/sessions/end": {"key": "00"},
    "/merge": {"into": "bins"},
    "/split": {"into": [{"slug": "mallory", "name": "Mallory"}]},
    "PATCH /api/v1/topic-groups/{group_id:uuid}": {"name": "Mallory"},
    "PATCH /api/v1/subscribers/{subscriber_id:uuid}": {"name": "Mallory"},
    "POST /api/v1/subscribers/search": {"address": "yon@example.org", "reason": "They called."},
    "POST /api/v1/subscribers/{subscriber_id:uuid}/pause": {"until": "2026-12-31"},
    "POST /api/v1/subscribers/{subscriber_id:uuid}/link": {"channel": "email"},
    "/messages/resend": {"alert": str(UUID(int=1)), "number": 1},
    "POST /api/v1/officers/{officer_id:uuid}": {"role": "viewer"},
    "PUT /api/v1/targets/{indicator:str}": {"kind": "baseline"},
    "POST /api/v1/targets/{indicator:str}/values": {"values": [{"month": "2026-01", "value": 5}]},
}

# an operator's pages are about every council, and closed to everyone else
OF_ALL = {Right.RUN_INSTALLATION}
# no administrator has it, and tests/call_list/test_at_risk.py asks as who has
NOT_AN_ADMINISTRATORS = {Right.SEE_AT_RISK}


def doors(app: Litestar) -> Iterator[tuple[str, frozenset[Right]]]:
    """Method and path of every door, and the rights it asks for."""
    for route in app.routes:
        for handler in route.route_handlers if isinstance(route, HTTPRoute) else ():
            assert isinstance(handler, HTTPRouteHandler)
            found = [getattr(guard, "func", guard) for guard in handler.resolve_guards()]
            rights = frozenset(guard.right for guard in found if isinstance(guard, Requires))
            for method in handler.http_methods - {"OPTIONS"}:
                yield f"{method} {route.path}", rights


def knock(client: Client, door: str, headers: Headers, names: Mapping[str, str] | None = None) -> Response:
    """Ask at a door with what `names` gives for its parameters, and random ids for the rest."""
    method, _, path = door.partition(" ")

    def named(found: re.Match[str]) -> str:
        return (names or {}).get(found[1]) or (str(uuid4()) if found[2] == "uuid" else uuid4().hex[:12])

    address = re.sub(r"\{(\w+):(\w+)\}", named, path)
    body = next((body for end, body in BODIES.items() if door.endswith(end)), None)
    keyed = {**headers, "Idempotency-Key": uuid4().hex}
    if door == "POST /staff/officers/{officer_id:uuid}":
        return client.post(address, data={"role": "viewer"}, headers=keyed, follow_redirects=False)
    return client.request(method, address, json=body, headers=keyed, follow_redirects=False)


def test_the_table_is_what_the_code_says(app: Litestar) -> None:
    asked = {door: rights for door, rights in doors(app) if rights}
    written = {door: {right} for right, listed in DOORS.items() for door in listed}
    assert asked == written
    assert {role: {right for right, who in WHO.items() if role in who} for role in Role} == RIGHTS


@pytest.mark.parametrize("way", ["browser", "key"])
@pytest.mark.parametrize("role", Role)
def test_every_door_opens_to_whom_the_table_says_and_to_nobody_else(client: Client, role: Role, way: str) -> None:
    key = make_key(make_world(), role)
    headers = at_the_desk(key) if way == "browser" else key
    wrong = []
    for right, listed in DOORS.items():
        for door in listed:
            answer = knock(client, door, headers)
            refused = answer.status_code == 403 and answer.json()["type"] == "/problems/forbidden"
            shows = ":uuid" in door and answer.is_success
            may = role in WHO[right] and (way == "browser" or right not in NO_KEY)
            if refused == may or answer.status_code in (401, 500) or shows:
                wrong.append((door, answer.status_code))
    assert wrong == []


def test_nobody_passes_any_door_of_staff(client: Client) -> None:
    assert {knock(client, door, {}).status_code for listed in DOORS.values() for door in listed} == {401}


@dataclass(frozen=True, slots=True)
class Abroad:
    """What another council has: names for the doors' parameters, and what must not have changed."""

    headers: Headers
    names: dict[str, str]


def collection_days_of(session: Session, council_id: UUID) -> tuple[UUID, int]:
    """A report that a day is wrong, and a release that is not in force."""
    wrong = CollectionReport(council_id=council_id, home="1", words="Yon.", days={})
    loaded = CollectionRelease(
        id=987_654_321,
        council_id=council_id,
        name="Yon",
        source="Yon",
        fetched_at=clock.now(),
        fresh_until=clock.now().date(),
        settings={},
        loaded_by="test",
    )
    session.add_all([wrong, loaded])
    session.flush()
    return wrong.id, 987_654_321


def sources_of(council_id: UUID) -> dict[str, object]:
    """A contractor, a source and an upload of collection days; a zone and a plan beside them."""
    contractor = CollectionContractor(council_id=council_id, name="Yon", secret="whsec_eW9u", created_by="test")
    source = CollectionSource(council_id=council_id, address="folder", name="Yon", created_by="test")
    upload = CollectionUpload(council_id=council_id, created_by="test", files=[], said={})
    with transaction() as session:
        session.add_all([contractor, source, upload])
    ready_for(council_id)
    return {"contractor_id": contractor.id, "source_id": source.id, "upload_id": upload.id}


def incident_of(session: Session, council_id: UUID) -> tuple[UUID, UUID]:
    """An incident of theirs and a handover of it."""
    happens = Incident(council_id=council_id, ref="yon", name="Yon", opened_by="test")
    session.add(happens)
    session.flush()
    handed = IncidentNote(incident_id=happens.id, kind=NoteKind.HANDOVER, words="Yon.", actor="test")
    session.add(handed)
    return happens.id, handed.id


def make_abroad(client: Client) -> Abroad:
    """Another council of the same installation with one of everything."""
    theirs = neighbour()
    with transaction() as session:
        prefix = theirs["Authorization"].split("_")[2]
        council_id = session.exec(select(ApiKey.council_id).where(ApiKey.prefix == prefix)).one()
        officer = Officer(council_id=council_id, email="yon@example.org", name="Yon", role=Role.ADMIN)
        session.add(officer)
        session.flush()
        officer_id = officer.id
        draft = Draft(council_id=council_id, officer_id=officer_id, topic="bins", priority=Priority.ROUTINE)
        words = {"title": ["Yon"], "body": ["Yon."]}
        template = MessageTemplate(council_id=council_id, name="Yon", version=1, fields=words, created_by="officer")
        session.add_all([draft, template])
        session.flush()
        draft_id, template_id = draft.id, template.id
    yon = World(council_id, theirs["Authorization"].removeprefix("Bearer "))
    resident = add_resident(yon, "res@example.org", webhook="https://hooks.example.org/yon")
    with transaction() as session:
        held = select(Contact.id).where(Contact.subscriber_id == resident, Contact.channel == "webhook")
        contact = session.exec(held).one()
    asked = {"subscriber": str(resident), "channel": "email", "reason": "Asked by phone."}
    suppression = client.post("/api/v1/suppressions", json=asked, headers=theirs).json()
    alert_id = created(client, theirs)["id"]
    with transaction() as session:
        comes_again = begin(
            session,
            session.get_one(Alert, UUID(alert_id)),
            by=SystemActor("test", council_id),
            plan=Plan(Rule.DAILY, 1, time(9), clock.now().date() + timedelta(9), clock.now().date() + timedelta(10)),
        )
        recurrence_id = comes_again.id
        notice = NewNotice(title="Yon", kind=Matter.OTHER, legal_basis="Yon Act", body="Yon.")
        notice_id = notices.publish(session, council_id=council_id, actor="test", new=notice).notice.id
        plan = schedules.Plan(schedules.REPORT, Format.CSV, Rhythm.WEEKLY, ["yon@example.org"])
        schedule_id = schedules.begin(session, council_id=council_id, actor="test", plan=plan).id
        group_id = topic_in_group(session, council_id)
        annotation_id = annotate(session, by=SystemActor("test", council_id), words="Yon.", alert_id=UUID(alert_id)).id
        incident_id, handover_id = incident_of(session, council_id)
        waiting = Bounce(
            council_id=council_id, channel=Channel.EMAIL, address_hash=b"yon", state=BounceState.HELD, cause="Yon."
        )
        session.add(waiting)
        burst_id = waiting.id
        import_id = import_service.upload(session, somebody_here(council_id), "Yon", b"email\nyon@example.org").id
        report_id, release_id = collection_days_of(session, council_id)
        session.add(
            Target(
                council_id=council_id,
                indicator="0123456789ab",
                name="Yon",
                kind=TargetKind.BASELINE,
                changed_by="test",
            )
        )
    names: dict[str, object] = {
        "alert_id": alert_id,
        "subscriber_id": resident,
        "contact": contact,
        "suppression_id": suppression["id"],
        "officer_id": officer_id,
        "prefix": prefix,
        "draft_id": draft_id,
        "template_id": template_id,
        "language": "yonder",
        "recurrence_id": recurrence_id,
        "schedule_id": schedule_id,
        "annotation_id": annotation_id,
        "incident_id": incident_id,
        "note_id": handover_id,
        "notice_id": notice_id,
        "burst_id": burst_id,
        "import_id": import_id,
        "report_id": report_id,
        "group_id": group_id,
        "release_id": release_id,
        "slug": "0123456789ab",
        "code": "Z05999999",
        "indicator": "0123456789ab",
        "data_set": "0123456789ab",
        "subject": "0123456789ab",
        "kind": "0123456789ab",
        **sources_of(council_id),
    }
    return Abroad(desk_of(officer, mfa_at=clock.now()), {name: str(value) for name, value in names.items()})


def ready_for(council_id: UUID) -> None:
    """A zone and a plan, by the short name that the topic has."""
    with transaction() as session:
        zone = Zone(council_id=council_id, slug="0123456789ab", name="Yon", kind=ZoneKind.OTHER, created_by="test")
        session.add(zone)
        session.flush()
        square: dict[str, object] = {"type": "Polygon", "coordinates": [[[0, 52], [1, 52], [1, 53], [0, 52]]]}
        session.add(ZoneVersion(zone_id=zone.id, version=1, shape=square, hectares=1, created_by="test"))
        ready = drafting_models.Plan(
            council_id=council_id,
            slug=zone.slug,
            name="Yon",
            topic="bins",
            priority=Priority.ROUTINE,
            created_by="test",
        )
        session.add(ready)


def topic_in_group(session: Session, council_id: UUID) -> UUID:
    """A topic and a group of topics of this council; the group's id."""
    new = NewTopic(slug="0123456789ab", name="Yon")
    subscribers.create_topic(session, council_id=council_id, actor="test", new=new)
    group = TopicGroup(council_id=council_id, name="Yon")
    session.add(group)
    return group.id


def about(abroad: Abroad, client: Client) -> list[object]:
    """Everything that the other council sees of its own."""
    lists = ("alerts", "subscribers", "suppressions?lifted=true", "webhook-endpoints", "officers", "keys")
    found = [client.get(f"/api/v1/{name}", headers=abroad.headers).json() for name in lists]
    for key in found[-1]:
        key["last_used_at"] = None
    return found


def test_what_another_council_has_looks_absent_and_stays_as_it_is(client: Client) -> None:
    world = make_world()
    other = make_abroad(client)
    before = about(other, client)
    headers = at_the_desk(make_key(world, Role.ADMIN))
    asked = [listed for right, listed in DOORS.items() if right not in OF_ALL | NOT_AN_ADMINISTRATORS]
    named = [door for listed in asked for door in listed if "{" in door]
    assert {name for door in named for name in re.findall(r"\{(\w+):", door)} == other.names.keys()
    wrong = []
    for door in named:
        answer = knock(client, door, headers, other.names)
        unknown = knock(client, door, headers)
        if answer.status_code != 404 or without_ids(answer) != without_ids(unknown):
            wrong.append((door, answer.status_code, answer.text))
    assert wrong == []
    assert about(other, client) == before


def without_ids(answer: Response) -> str:
    """The answer without the id that was asked for, which it may repeat."""
    return re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}|[0-9a-f]{12}", "…", answer.text)


def test_lists_and_bodies_know_nothing_of_another_council(client: Client) -> None:
    world = make_world()
    other = make_abroad(client)
    headers = at_the_desk(make_key(world, Role.ADMIN))
    resident_id = add_resident(world, "own@example.org", webhook="https://hooks.example.org/own")
    with transaction() as session:
        theirs = select(Contact.id).where(Contact.subscriber_id == resident_id, Contact.channel == "webhook")
        [contact] = session.exec(theirs)
    open_to = [listed for right, listed in DOORS.items() if right not in OF_ALL | NOT_AN_ADMINISTRATORS]
    own = [door for listed in open_to for door in listed if "{" not in door]
    for door in (door for door in own if door.startswith("GET")):
        shown = knock(client, door, headers)
        assert shown.is_success, door
        assert not [name for name, value in other.names.items() if value in shown.text], door
    alert, resident = other.names["alert_id"], other.names["subscriber_id"]
    silenced = client.get("/api/v1/suppressions", params={"subscriber": resident}, headers=headers)
    assert silenced.json()["suppressions"] == []
    for path, body in (
        ("queue/hold", {"alert": alert, "reason": "Mischief."}),
        ("queue/release", {"alert": alert}),
        (f"webhook-endpoints/{contact}/replay", {"alert": alert}),
        ("suppressions", {"subscriber": resident, "channel": "email", "reason": "Mischief."}),
    ):
        assert client.post(f"/api/v1/{path}", json=body, headers=headers).status_code == 404, path


@pytest.mark.parametrize("limits", [{"topics": ["bins"]}, {"areas": [NORTH]}])
def test_a_remit_leaves_alerts_and_takes_the_rest(client: Client, limits: dict[str, list[str]]) -> None:
    headers = at_the_desk(make_key(make_world(), Role.ADMIN))
    with transaction() as session:
        for officer in session.exec(select(Officer)):
            officer.topics, officer.areas = limits.get("topics", []), limits.get("areas", [])
    left = {Right.SEE_ALERTS, Right.SEE_WORK, Right.WRITE_ALERTS, Right.APPROVE_ALERTS, Right.BROADCAST}
    for right, listed in DOORS.items():
        for door in listed:
            answer = knock(client, door, headers)
            refused = answer.status_code == 403 and answer.json()["type"] == "/problems/forbidden"
            assert refused == (right not in left), door
