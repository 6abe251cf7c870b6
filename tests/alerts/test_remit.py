"""Alerts outside an officer's topics and areas: at every door that names one they look as if there were none."""

from collections.abc import Mapping
from datetime import timedelta
from hashlib import sha256
from uuid import UUID, uuid4

import pytest
from litestar import Litestar
from sqlalchemy import text
from sqlmodel import Session, SQLModel, select

from notify.alerts import follow_ups, queries, service
from notify.alerts.models import AlertState, FollowUp, FollowUpContent, NewAlert
from notify.core import clock
from notify.core.db import transaction
from notify.drafting.models import MessageTemplate
from notify.insight import live_stream
from notify.staff.models import ApiKey, Officer, Role
from notify.staff.rights import RIGHTS, WITHIN_A_REMIT, SystemActor
from tests.alerts.calls import Client, Headers
from tests.staff.test_routes import doors, knock, without_ids
from tests.world import NORTH, SOUTH, World, at_the_desk, make_key, make_world

TOPIC = "road-closures"
LIMITS: Mapping[str, Mapping[str, list[str]]] = {"topic": {"topics": [TOPIC]}, "area": {"areas": [NORTH]}}
STATES = (AlertState.DRAFT, AlertState.SUBMITTED, AlertState.SCHEDULED, AlertState.SENDING, AlertState.SENT)
# what merely asking changes: when a session or key was used last, and what is written down of it
OF_ASKING = {"sign_in", "api_key", "audit_entry", "audit_seal", "idempotent_reply"}


@pytest.fixture
def world(client: Client, monkeypatch: pytest.MonkeyPatch) -> World:
    client.follow_redirects = False
    monkeypatch.setattr(live_stream, "LONGEST_S", 0)  # streams of live figures end at once
    return make_world()


def limited(world: World, limits: Mapping[str, list[str]], way: str) -> Headers:
    """An administrator who works with some topics or areas only, by session or by key."""
    key = make_key(world, Role.ADMIN)
    with transaction() as session:
        prefix = key["Authorization"].split("_")[2]
        sam = session.exec(select(Officer).join(ApiKey).where(ApiKey.prefix == prefix)).one()
        sam.topics, sam.areas = limits.get("topics", []), limits.get("areas", [])
    return at_the_desk(key) if way == "browser" else key


def alert_of(session: Session, world: World, how: AlertState, **fields: object) -> UUID:
    """Somebody else's alert in this state."""
    later = clock.now() + timedelta(hours=1) if how == AlertState.SCHEDULED else None
    words = {"topic": TOPIC, "title": "Mill Road closed", "body": "On Sunday.", "send_at": later}
    new = NewAlert.model_validate(words | {"send": how not in (AlertState.DRAFT, AlertState.SUBMITTED)} | fields)
    alert = service.create_and_send(session, by=world.planner, new=new)
    if how in (AlertState.SENDING, AlertState.SENT):
        alert.ledger_month, alert.expanded_at = clock.first_of_month(clock.now()), clock.now()
    alert.state = how  # as where the topic needs an approval
    session.flush()
    return alert.id


def foreign(world: World, which: str) -> list[UUID]:
    """Alerts in every state that an officer limited so has nothing to do with, and what follows one of them."""
    fields: dict[str, object] = {"topic": "bins"} if which == "topic" else {"audience": {"wards": [SOUTH]}}
    with transaction() as session:
        made = [alert_of(session, world, how, **fields) for how in STATES]
        first = queries.alert(session, world.planner, made[-1])
        over = follow_ups.draft_follow_up(
            session,
            by=world.planner,
            first=first,
            kind=FollowUp.ALL_CLEAR,
            content=FollowUpContent(title="Open", body="It is open again."),
        )
        return [*made, over.id]


def named_doors(app: Litestar) -> list[str]:
    """Every door of staff that names an alert, and that who is limited may pass at all."""
    rights = RIGHTS[Role.ADMIN] & WITHIN_A_REMIT
    return sorted(door for door, asked in doors(app) if "{alert_id:" in door and asked and asked <= rights)


def contents() -> dict[str, str]:
    """A digest of every table."""
    found = {}
    with transaction() as session:
        for name in sorted(SQLModel.metadata.tables.keys() - OF_ASKING):
            rows = session.execute(text(f'SELECT md5(t::text) FROM "{name}" t ORDER BY 1')).scalars()
            found[name] = sha256("".join(rows).encode()).hexdigest()
    return found


@pytest.mark.parametrize("way", ["browser", "key"])
@pytest.mark.parametrize("which", LIMITS)
def test_what_is_outside_ones_remit_looks_absent_at_every_door(
    client: Client, app: Litestar, world: World, which: str, way: str
) -> None:
    headers = limited(world, LIMITS[which], way)
    alerts, before = foreign(world, which), contents()
    walked = named_doors(app)
    assert len(walked) > 20
    wrong = []
    for door in walked:
        absent = knock(client, door, headers, {"alert_id": str(uuid4())})
        for alert_id in alerts:
            answer = knock(client, door, headers, {"alert_id": str(alert_id)})
            same = without_ids(answer) == without_ids(absent) and answer.status_code == absent.status_code
            if not same or answer.headers.get("content-type") != absent.headers.get("content-type"):
                wrong.append((door, answer.status_code, answer.text[:200]))
    assert wrong == []
    assert contents() == before


@pytest.mark.parametrize("which", LIMITS)
def test_what_is_inside_ones_remit_is_there_at_every_door(
    client: Client, app: Litestar, world: World, which: str
) -> None:
    headers = limited(world, LIMITS[which], "browser")
    fields = {"audience": {"wards": [NORTH]}} if which == "area" else {}
    for door in named_doors(app):
        answers = set()
        for how in STATES:
            with transaction() as session:
                alert_id = alert_of(session, world, how, **fields)
            answer = knock(client, door, headers, {"alert_id": str(alert_id)})
            # an alert that met its target has no reason to be given
            is_there = answer.status_code in (409, 422) or "no-such-breach" in answer.text
            answers.add((answer.status_code, answer.status_code < 400 or is_there, "unknown-alert" in answer.text))
        assert any(is_there for _, is_there, _ in answers), (door, answers)
        assert not any(absent for *_, absent in answers), door


def test_what_touches_ones_area_is_there_to_read_and_not_to_change(client: Client, app: Litestar, world: World) -> None:
    headers = limited(world, LIMITS["area"], "browser")
    with transaction() as session:
        alerts = [alert_of(session, world, how, audience={"wards": [NORTH, SOUTH]}) for how in STATES]
    before = contents()
    for door in named_doors(app):
        for alert_id in alerts:
            answer = knock(client, door, headers, {"alert_id": str(alert_id)})
            if door.startswith("GET "):
                assert answer.status_code != 404, door
            elif answer.status_code != 422:  # where a form is not right the remit may come later
                assert answer.status_code == 403, (door, answer.status_code, answer.text)
                assert answer.json()["type"] == "/problems/outside-your-remit", door
    assert contents() == before


@pytest.mark.parametrize("which", LIMITS)
def test_nothing_is_counted_or_written_outside_ones_remit(client: Client, world: World, which: str) -> None:
    headers = limited(world, LIMITS[which], "key")
    outside: Mapping[str, dict[str, object]] = {
        "topic": {"topic": "bins"},
        "area": {"topic": TOPIC, "audience": {"wards": [SOUTH]}},
    }
    body = outside[which]
    counted = client.post("/api/v1/audiences", json=body, headers=headers)
    words = {"title": "T", "body": "B."}
    written = client.post("/api/v1/alerts", json=body | words, headers=headers | {"Idempotency-Key": uuid4().hex})
    for answer in (counted, written):
        assert (answer.status_code, answer.json()["type"]) == (403, "/problems/outside-your-remit")


def test_templates_of_others_are_not_ones_own_to_change(client: Client, world: World) -> None:
    headers = limited(world, LIMITS["area"], "browser")
    words = {"title": ["Closed"], "body": ["Closed."]}
    with transaction() as session:
        sam = session.exec(select(Officer)).one()
        theirs = MessageTemplate(
            council_id=world.council_id, name="Theirs", version=1, fields=words, created_by="officer:x"
        )
        own = MessageTemplate(
            council_id=world.council_id, name="Own", version=1, fields=words, created_by=f"officer:{sam.id}"
        )
        session.add_all([theirs, own])
        session.flush()
        ids = (theirs.id, own.id)
    answers = [client.post(f"/staff/templates/{one}/retire", headers=headers).status_code for one in ids]
    assert answers == [403, 303]


def test_the_service_itself_has_the_whole_council_and_no_other(world: World) -> None:
    with transaction() as session:
        alert_id = alert_of(session, world, AlertState.DRAFT)
        alert = queries.alert(session, SystemActor("test", world.council_id), alert_id)
        with pytest.raises(queries.UnknownAlert):
            service.submit(session, by=SystemActor("test", uuid4()), alert=alert)
