"""Test keys: whatever they write at whatever door, no live row changes, nothing leaves, and no real resident is shown.

Doors are found by their methods, and what is live by what does not hang on a test alert or on the key itself.
"""

import socket
from collections.abc import Callable, Mapping
from uuid import UUID

import pytest
from httpx import Response
from litestar import Litestar
from litestar.testing import TestClient
from sqlalchemy import text

from notify.core.db import transaction
from notify.staff import service as staff
from notify.staff.models import KeyMode, Role
from notify.staff.rights import TEST_RIGHTS, Right
from tests.alerts.calls import act, created, new_alert, post_alert
from tests.answers import said
from tests.cap.messages import message
from tests.mailbox import Mailbox
from tests.staff.policy import DOORS
from tests.staff.test_routes import BODIES, doors, make_abroad
from tests.world import World, add_resident, make_key, make_world

Client = TestClient[Litestar]
Headers = dict[str, str]
Work = Callable[[], None]

EVIDENCE = {"wording_version": "v1", "wording": "Yes.", "source": "phone"}
PERSON = {
    "contacts": [{"channel": "email", "address": "mallory@example.org"}],
    "topics": ["road-closures"],
    "consent": EVIDENCE,
}
JSON: Mapping[str, object] = {
    **BODIES,
    "POST /api/v1/alerts": new_alert(send=True),
    "POST /api/v1/audiences": {"topic": "road-closures"},
    "POST /api/v1/topics": {"slug": "mallory", "name": "Mallory"},
    "POST /api/v1/subscribers": PERSON,
    "POST /api/v1/keys": {"name": "Mallory", "role": "viewer"},
    "POST /api/v1/queue/hold": {"reason": "Mischief."},
    "POST /api/v1/queue/release": {},
    "PUT /api/v1/budget": {"monthly_pence": 1},
    "POST /api/v1/export-schedules": {"what": "report", "rhythm": "weekly", "emails": ["yon@example.org"]},
    "POST /api/v1/public-notices": {"title": "Shut", "kind": "traffic", "legal_basis": "An Act", "body": "Shut."},
    "POST /api/v1/targets": {"indicator": "mallory", "name": "Mallory", "kind": "baseline"},
    "PUT /api/v1/publication": {"publish": True},
    "PUT /api/v1/service-levels/targets": {"targets": []},
    "PUT /api/v1/costs/assumptions": {"hourly_pence": 1},
}
FORM = {
    **{"role": "viewer", "name": "Mallory", "active": "yes", "data": "alerts", "format": "csv", "reason": "Mischief."},
    **{"topic": "road-closures", "title": "Shut", "body": "Shut.", "words": "Mischief.", "note": "Mischief."},
    **{"what": "report", "rhythm": "weekly", "emails": "yon@example.org", "minutes": "3", "code": "000000"},
}

# some of what the same requests change with a live key or by a person
MUCH = {
    *(f"POST /api/v1/{what}" for what in ("alerts", "topics", "subscribers", "subscribers/import")),
    *(f"POST /api/v1/alerts/{{alert_id:uuid}}/{verb}" for verb in ("submit", "cancel", "update", "all-clear")),
    *("PATCH /api/v1/subscribers/{subscriber_id:uuid}", "DELETE /api/v1/subscribers/{subscriber_id:uuid}"),
    *("PUT /api/v1/budget", "POST /api/v1/export-schedules", "POST /api/v1/public-notices"),
    *("POST /staff/compose", "POST /staff/keys", "POST /staff/templates/{template_id:uuid}/retire"),
    *("POST /staff/alerts/{alert_id:uuid}/figures/notes", "POST /staff/set-up/done"),
}

OF_TESTS = {
    "alert": "t.is_test",
    "audit_entry": "t.actor = :actor",
    "idempotent_reply": "t.key LIKE 'test/%'",
    "cap_message": "t.is_test",
    "asked_count": "t.person LIKE 'test %'",
    "residents_read": "t.actor = :actor",
    "audit_seal": "true",  # the chain grows with every line
}
TABLES = """
    SELECT c.relname, EXISTS (SELECT 1 FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'alert_id')
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') AND NOT c.relispartition ORDER BY 1
"""


def live_rows(actor: str) -> dict[str, list[str]]:
    """Every row of every table that is not of a rehearsal, as words."""
    found = {}
    with transaction() as session:
        for table, has_alert in session.execute(text(TABLES)).all():
            of_tests = OF_TESTS.get(table, "false")
            if has_alert:
                of_tests += " OR EXISTS (SELECT 1 FROM alert a WHERE a.id = t.alert_id AND a.is_test)"
            columns = "to_jsonb(t) - '{last_used_at,seen_at}'::text[]"
            asked = f'SELECT ({columns})::text FROM "{table}" t WHERE NOT ({of_tests}) ORDER BY 1'
            values = {"actor": actor} if ":actor" in asked else {}
            found[str(table)] = [str(row) for row in session.execute(text(asked), values).scalars()]
    return found


def changed(before: Mapping[str, list[str]], after: Mapping[str, list[str]]) -> list[str]:
    return [table for table in before if before[table] != after[table]]


@pytest.fixture
def connections(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Every address that anybody in this process tried to reach, beyond the servers' own sockets."""
    tried: list[object] = []
    connect = socket.socket.connect

    def watched(this: socket.socket, address: object) -> None:
        if this.family != socket.AF_UNIX:
            tried.append(address)
        connect(this, address)  # type: ignore[arg-type]

    monkeypatch.setattr(socket.socket, "connect", watched)
    return tried


def knock(client: Client, door: str, names: Mapping[str, str], headers: Headers) -> Response:
    """Ask at a door about what this council has, with what it wants to hear."""
    method, _, path = door.partition(" ")
    for name, value in names.items():
        path = path.replace(f"{{{name}:uuid}}", value).replace(f"{{{name}:str}}", value)
    keyed = {**headers, "Idempotency-Key": door}
    if door == "POST /api/v1/cap":
        about = keyed | {"Content-Type": "application/cap+xml"}
        return client.post(path, params={"topic": "road-closures"}, content=message(), headers=about)
    if door == "POST /api/v1/subscribers/import":
        asked = {"wording_version": "v1", "consent_source": "phone", "wording": "Yes.", "topics": "road-closures"}
        people = b"email\nmallory@example.org\n"
        return client.post(path, params=asked, content=people, headers=keyed | {"Content-Type": "text/csv"})
    if path.startswith("/staff"):
        return client.request(method, path, data=FORM, headers=keyed, follow_redirects=False)
    body = next((body for end, body in JSON.items() if door.endswith(end)), None)
    return client.request(method, path, json=body, headers=keyed, follow_redirects=False)


def writing(app: Litestar) -> list[str]:
    """Every door of staff that is not there to look; what ends something comes after what needs it."""
    ends = ("cancel", "discard", "end", "remove", "pause", "all-clear", "revoke", "withdraw")
    found = [door for door, rights in doors(app) if rights and not door.startswith("GET")]
    return sorted(found, key=lambda door: (door.startswith("DELETE"), door.endswith(ends), door))


def keys_of_yon(names: Mapping[str, str]) -> dict[KeyMode, Headers]:
    """A live and a test key of the administrator whose drafts, alerts and residents these are."""
    made = {}
    with transaction() as session:
        council = session.execute(text("SELECT id FROM council WHERE slug = 'yon'")).scalar_one()
        for mode in KeyMode:
            key = staff.create_key(
                session,
                council_id=council,
                name=mode,
                role=Role.ADMIN,
                mode=mode,
                officer_id=UUID(names["officer_id"]),
            )
            made[mode] = {"Authorization": f"Bearer {key}"}
    return made


def test_no_live_row_changes_and_nothing_leaves(
    app: Litestar, client: Client, work: Work, inbox: Mailbox, connections: list[object]
) -> None:
    make_world()
    abroad = make_abroad(client)
    names = abroad.names
    sent = names | {"alert_id": created(client, abroad.headers, channels=["email"], send=True)["id"]}
    keys = keys_of_yon(names)
    trial = keys[KeyMode.TEST]
    work()
    inbox.empty()
    connections.clear()
    actor = f"key:{trial['Authorization'].split('_')[2]}"
    before = live_rows(actor)
    wrong = {}
    for door, about in ((door, about) for about in (names, sent) for door in writing(app)):
        if about is sent and "{alert_id" not in door:
            continue
        answer = knock(client, door, about, trial)
        assert answer.status_code != 500, (door, answer.text)
        after = live_rows(actor)
        if changed(before, after):
            wrong[door] = changed(before, after)
            before = after
    assert wrong == {}
    work()
    assert changed(before, live_rows(actor)) == []
    assert (inbox.recipients(), inbox.texts(), connections) == ({}, {}, [])
    # the same requests with a live key, or by a person, change much: none was refused for its form
    effective = set()
    for door in writing(app):
        before = live_rows("nobody")
        for about in (names, sent):
            knock(client, door, about, keys[KeyMode.LIVE] if " /api/" in door else abroad.headers)
        effective |= {door} if set(changed(before, live_rows("nobody"))) - {"audit_entry"} else set()
    assert effective > MUCH


def test_what_a_test_key_may_do_is_the_same_in_every_role(client: Client) -> None:
    key = make_key(make_world(), Role.ADMIN, mode=KeyMode.TEST)
    for right in set(Right) - TEST_RIGHTS:
        for door in DOORS[right]:
            method, _, path = door.partition(" ")
            if "{" not in path:
                assert client.request(method, path, headers=key).status_code == 403, door


def test_no_page_opens_to_a_test_key(app: Litestar, client: Client) -> None:
    key = make_key(make_world(), Role.ADMIN, mode=KeyMode.TEST)
    for door, rights in doors(app):
        method, _, path = door.partition(" ")
        if rights and path.startswith("/staff") and "{" not in path:
            assert client.request(method, path, headers=key).status_code == 403, door


def test_no_real_resident_is_shown_and_none_is_changed(client: Client) -> None:
    world = make_world()
    real = add_resident(world, "ann@example.org", webhook="https://hooks.example.org/ann")
    invented = add_resident(world, "refused+1@simulator.example.org", webhook="https://simulator.example.org/delivered")
    # somebody with one invented address beside a real one is real
    both = add_resident(world, "bo@example.org", phone="07700 900001")
    for one in (real, invented, both):
        asked = {"subscriber": str(one), "channel": "email", "reason": "Asked by phone."}
        assert client.post("/api/v1/suppressions", json=asked, headers=world.headers).status_code == 201
    trial = make_key(world, Role.ADMIN, mode=KeyMode.TEST)
    shown = {name: client.get(f"/api/v1/{name}", headers=trial) for name in ("subscribers", "suppressions")}
    assert [one["id"] for one in shown["subscribers"].json()["subscribers"]] == [str(invented)]
    assert [one["subscriber"] for one in shown["suppressions"].json()["suppressions"]] == [str(invented)]
    receivers = client.get("/api/v1/webhook-endpoints", headers=trial).json()["endpoints"]
    assert [one["subscriber"] for one in receivers] == [str(invented)]
    absent = client.get(f"/api/v1/subscribers/{UUID(int=1)}", headers=trial)
    for one in (real, both):
        for method, body in (("GET", None), ("PATCH", {"name": "Mallory"}), ("DELETE", None)):
            answer = client.request(method, f"/api/v1/subscribers/{one}", json=body, headers=trial)
            assert (answer.status_code, said(answer)) == (404, said(absent)), method
    assert client.patch(f"/api/v1/subscribers/{invented}", json={"name": "Ida"}, headers=trial).json()["name"] == "Ida"
    assert client.delete(f"/api/v1/subscribers/{invented}", headers=trial).status_code == 204


@pytest.mark.parametrize(
    ("contacts", "more", "status"),
    [
        (["delivered+1@simulator.example.org"], {}, 201),
        (["07700 900011"], {}, 201),
        (["https://simulator.example.org/delivered"], {}, 201),
        (["new@example.org"], {}, 403),
        (["07911 123456"], {}, 403),
        (["delivered+1@simulator.example.org", "07911 123456"], {}, 403),
        (["delivered+1@simulator.example.org"], {"confirm": True}, 403),
        (["07700 900001"], {}, 403),  # Bo's, beside an address of his own
    ],
)
def test_a_test_key_adds_invented_people_only(
    client: Client, contacts: list[str], more: dict[str, object], status: int
) -> None:
    world = make_world()
    add_resident(world, "bo@example.org", phone="07700 900001")
    trial = make_key(world, Role.AUTHOR, mode=KeyMode.TEST)
    given = [
        {"channel": "email" if "@" in one else "webhook" if ":" in one else "sms", "address": one} for one in contacts
    ]
    answer = client.post("/api/v1/subscribers", json=PERSON | {"contacts": given} | more, headers=trial)
    assert answer.status_code == status, answer.text
    if status == 403:
        assert answer.json()["type"] == "/problems/test-key-needs-invented-people"
        return
    # the words of a rehearsal take up no version that real residents agree to
    live = PERSON | {"consent": EVIDENCE | {"wording": "Other words."}}
    assert client.post("/api/v1/subscribers", json=live, headers=world.headers).status_code == 201


def test_what_became_of_a_live_alert_looks_absent_and_of_a_test_is_shown(client: Client, work: Work) -> None:
    world: World = make_world()
    add_resident(world, "ann@example.org")
    live, trial = created(client, world.headers, send=True), make_key(world, Role.ADMIN, mode=KeyMode.TEST)
    own = created(client, trial, send=True)
    work()
    for what in ("deliveries", "analytics"):
        absent = client.get(f"/api/v1/alerts/{UUID(int=1)}/{what}", headers=trial)
        refused = client.get(f"/api/v1/alerts/{live['id']}/{what}", headers=trial)
        assert (refused.status_code, said(refused)) == (404, said(absent))
        assert client.get(f"/api/v1/alerts/{own['id']}/{what}", headers=trial).status_code == 200
    for verb in ("submit", "cancel", "approve"):
        assert act(client, trial, live["id"], verb).status_code == 403


def test_an_update_by_a_test_key_reaches_invented_people_only_and_nobody_who_was_erased(
    client: Client, work: Work
) -> None:
    world = make_world()
    gone = add_resident(world, "delivered+1@simulator.example.org")
    add_resident(world, "delivered+2@simulator.example.org")
    add_resident(world, "ann@example.org")
    first = created(client, world.headers, send=True)
    work()
    assert client.delete(f"/api/v1/subscribers/{gone}", headers=world.headers).status_code == 204
    trial = make_key(world, Role.ADMIN, mode=KeyMode.TEST)
    update = act(client, trial, first["id"], "update", {"title": "News", "body": "News."}).json()
    work()
    with transaction() as session:
        reached = session.execute(text("SELECT count(*) FROM delivery WHERE alert_id = :id"), {"id": update["id"]})
        assert reached.scalar_one() == 1


def test_a_service_message_to_a_simulated_address_goes_to_the_sandbox(
    client: Client, work: Work, inbox: Mailbox, connections: list[object]
) -> None:
    world = make_world()
    connections.clear()
    add_resident(world, "delivered+1@simulator.example.org", confirm=True)
    work()
    assert (inbox.recipients(), connections) == ({}, [])
    with transaction() as session:
        assert session.execute(text("SELECT state FROM service_message")).scalar_one() == "sent"


def test_a_rehearsals_idempotency_key_is_not_the_live_ones(client: Client) -> None:
    world = make_world()
    trial = make_key(world, Role.ADMIN, mode=KeyMode.TEST)
    rehearsed = post_alert(client, trial, key="once", title="A rehearsal")
    live = post_alert(client, world.headers, key="once")
    assert (rehearsed.status_code, live.status_code) == (201, 201)
    assert post_alert(client, trial, key="once", title="A rehearsal").json()["id"] == rehearsed.json()["id"]
    assert post_alert(client, world.headers, key="once").json()["id"] == live.json()["id"]
