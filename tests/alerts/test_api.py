"""The alert's doors as another system sees them: what is taken, what is refused, what is kept apart."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from httpx import Response

from notify.staff.guards import Right
from notify.staff.models import KeyMode, Role
from notify.staff.rights import PERSONS_ONLY, RIGHTS
from tests.alerts.calls import Client, Headers, act, created, neighbour, new_alert, post_alert, state, stored_alerts
from tests.answers import said
from tests.mailbox import Mailbox
from tests.world import NORTH, SOUTH, World, add_resident, make_key, make_world

Work = Callable[[], None]

POLYGON = {
    "type": "Polygon",
    "coordinates": [[[0.31, 52.97], [0.36, 52.97], [0.36, 52.99], [0.31, 52.99], [0.31, 52.97]]],
}


@pytest.fixture
def world(client: Client) -> World:
    return make_world()


def test_a_new_alert_is_a_draft_that_nobody_gets(client: Client, world: World) -> None:
    add_resident(world, "a@example.org")
    alert = created(client, world.headers)
    assert (alert["state"], alert["recipients"]) == ("draft", None)
    ledger = client.get(f"/api/v1/alerts/{alert['id']}/deliveries", headers=world.headers)
    assert ledger.json() == {"deliveries": [], "next": None}


def test_an_alert_that_says_send_reaches_its_residents(
    client: Client, world: World, work: Work, inbox: Mailbox
) -> None:
    add_resident(world, "a@example.org")
    reply = post_alert(client, world.headers, send=True)
    alert = reply.json()
    assert (reply.status_code, alert["state"]) == (201, "sending")
    work()
    after = client.get(reply.headers["location"], headers=world.headers).json()
    assert (after["id"], after["state"], after["recipients"]) == (alert["id"], "sent", 1)
    assert inbox.recipients() == {"a@example.org": 1}


def test_everything_an_alert_was_told_is_read_back(client: Client, world: World) -> None:
    asked: dict[str, Any] = new_alert(
        priority="routine",
        title="Mill  Road\tclosed",
        link="https://example.org/mill-road?a=1&b=2",
        translations={"cy": {"title": "Ffordd ar gau", "body": "Ddydd Sul."}},
        sms="Mill Road closed Sunday.",
        audience={
            "wards": [NORTH],
            "postcodes": ["zz2 1aa", "ZZ2 1"],
            "polygon": POLYGON,
            "buffer_m": 100,
            "circle": {"postcode": "ZZ1 1AA", "radius_m": 500},
            "except": {"wards": [SOUTH]},
        },
        channels=["sms", "email"],
        send_at="2098-12-01T17:00:00+00:00",
        expires_at="2099-12-01T18:00:00Z",
        reference="RC-2291",
        send=False,
    )
    alert = client.get(f"/api/v1/alerts/{created(client, world.headers, **asked)['id']}", headers=world.headers).json()
    said = ("priority", "body", "link", "translations", "sms", "channels", "reference")
    assert {name: alert[name] for name in said} == {name: asked[name] for name in said}
    assert alert["title"] == "Mill Road closed"
    assert alert["send_at"] == "2098-12-01T17:00:00Z"
    assert alert["audience"]["except"]["wards"] == [SOUTH]
    assert alert["audience"]["circle"] == {"postcode": "ZZ1 1AA", "radius_m": 500.0}


@pytest.mark.parametrize(
    "body",
    [
        {"colour": "red"},
        {"audience": {"ward": [NORTH]}},
        {"audience": {"circle": {"postcode": "ZZ1 1AA", "radius": 500}}},
        {"audience": {"except": {"nobody": True}}},
        {"translations": {"cy": {"title": "T", "body": "B", "subject": "S"}}},
    ],
)
def test_an_unknown_field_is_refused_wherever_it_stands(client: Client, world: World, body: dict[str, Any]) -> None:
    reply = post_alert(client, world.headers, **body)
    assert (reply.status_code, reply.headers["content-type"]) == (422, "application/problem+json")
    assert reply.json()["type"] == "/problems/not-valid"
    assert reply.json()["errors"]
    assert stored_alerts() == 0


@pytest.mark.parametrize(
    ("fields", "status", "slug"),
    [
        ({"title": ""}, 422, "not-valid"),
        ({"title": "t" * 121}, 422, "not-valid"),
        ({"title": "Bell \a"}, 422, "not-valid"),
        ({"body": "w" * 401}, 422, "not-valid"),
        ({"body": ""}, 422, "not-valid"),
        ({"link": "javascript:alert(1)"}, 422, "not-valid"),
        ({"link": 'https://example.org/"><b>'}, 422, "not-valid"),
        ({"link": "https://example.org/\r\nX-Extra: 1"}, 422, "not-valid"),
        ({"translations": {"cy": {"title": "Bell \a", "body": "B"}}}, 422, "not-valid"),
        ({"translations": {"../x": {"title": "T", "body": "B"}}}, 422, "not-valid"),
        ({"sms": ""}, 422, "not-valid"),
        ({"sms": "s " * 460}, 422, "not-valid"),
        ({"channels": []}, 422, "not-valid"),
        ({"channels": ["pigeon"]}, 422, "not-valid"),
        ({"priority": "transactional"}, 422, "not-valid"),
        ({"send_at": "2098-12-01T17:00:00"}, 422, "not-valid"),
        ({"send_at": "2099-12-01T17:00:00Z", "expires_at": "2099-12-01T16:00:00Z"}, 422, "not-valid"),
        ({"expires_at": "2001-01-01T00:00:00Z"}, 422, "already-expired"),
        ({"topic": "dragons"}, 404, "unknown-topic"),
        ({"audience": {"wards": ["Z05999999"]}}, 422, "unknown-area"),
        ({"audience": {"postcodes": ["nowhere"]}}, 422, "postcode-not-valid"),
        ({"audience": {"circle": {"radius_m": 500}}}, 422, "circle-needs-centre"),
        ({"audience": {"circle": {"postcode": "ZZ1 1AA", "radius_m": 0}}}, 422, "not-valid"),
        ({"audience": {"polygon": {"type": "Polygon", "coordinates": []}}}, 422, "shape-is-empty"),
    ],
)
def test_what_cannot_be_sent_is_refused_and_says_why(
    client: Client, world: World, fields: dict[str, Any], status: int, slug: str
) -> None:
    reply = post_alert(client, world.headers, **fields)
    problem = reply.json()
    assert (reply.status_code, problem["type"], problem["status"]) == (status, f"/problems/{slug}", status)
    assert problem["detail"]
    assert stored_alerts() == 0


@pytest.mark.parametrize("sent", [b"{", b"[]", b'"words"', b"\xff\xfe", b""])
def test_a_body_that_is_not_an_alert_is_refused(client: Client, world: World, sent: bytes) -> None:
    headers = world.headers | {"Idempotency-Key": "k", "Content-Type": "application/json"}
    reply = client.post("/api/v1/alerts", content=sent, headers=headers)
    assert reply.status_code in (400, 422)
    assert reply.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer notify_live_0_0", "Basic dTpw", "Bearer ünknown"])
def test_nobody_and_a_wrong_key_are_sent_away(client: Client, world: World, header: str) -> None:
    headers = {"Authorization": header.encode()} if header else {}
    reply = client.get("/api/v1/alerts", headers=headers)  # type: ignore[arg-type]
    assert (reply.status_code, reply.headers["www-authenticate"]) == (401, "Bearer")
    assert reply.headers["content-type"] == "application/problem+json"


ALERT_DOORS: list[tuple[str, str, object]] = [
    ("GET", "", None),
    ("GET", "/deliveries", None),
    ("GET", "/analytics", None),
    ("POST", "/submit", None),
    ("POST", "/approve", None),
    ("POST", "/reject", {"reason": "Not ours."}),
    ("POST", "/cancel", None),
    ("POST", "/update", {"title": "News", "body": "News."}),
    ("POST", "/all-clear", {"title": "Over", "body": "Over."}),
]


@pytest.mark.parametrize(("method", "door", "body"), ALERT_DOORS)
def test_another_councils_alert_looks_exactly_like_none(
    client: Client, world: World, method: str, door: str, body: object
) -> None:
    alert = created(client, world.headers, send=True)
    theirs = neighbour()
    foreign = client.request(method, f"/api/v1/alerts/{alert['id']}{door}", json=body, headers=theirs)
    unknown = client.request(method, f"/api/v1/alerts/{uuid4()}{door}", json=body, headers=theirs)
    assert (foreign.status_code, foreign.json()["type"]) == (404, "/problems/unknown-alert")
    assert said(foreign) == said(unknown)
    assert state(client, world.headers, alert["id"]) == "sending"


def test_lists_and_topics_of_another_council_are_out_of_sight(client: Client, world: World) -> None:
    created(client, world.headers)
    theirs = neighbour()
    assert client.get("/api/v1/alerts", headers=theirs).json() == {"alerts": [], "next": None}
    assert post_alert(client, theirs, topic="bins").status_code == 404


def _request(right: Right, client: Client, headers: Headers, alert_id: str) -> int:
    """The status of a request that needs `right`."""
    requests: dict[Right, Callable[[], Response]] = {
        Right.SEE_ALERTS: lambda: client.get("/api/v1/alerts", headers=headers),
        Right.WRITE_ALERTS: lambda: post_alert(client, headers),
        Right.APPROVE_ALERTS: lambda: act(client, headers, alert_id, "approve"),
        Right.BROADCAST: lambda: post_alert(client, headers, topic="emergencies", priority="emergency"),
        Right.SEE_SUBSCRIBERS: lambda: client.get("/api/v1/subscribers", headers=headers),
        Right.SEE_ONE_SUBSCRIBER: lambda: client.get(f"/api/v1/subscribers/{uuid4()}", headers=headers),
        Right.CHANGE_MANY_SUBSCRIBERS: lambda: client.post("/api/v1/suppressions/lift", json={}, headers=headers),
        Right.CHANGE_PLACES: lambda: client.get("/api/v1/place-releases", headers=headers),
        Right.CHANGE_SUBSCRIBERS: lambda: client.delete(f"/api/v1/subscribers/{uuid4()}", headers=headers),
        Right.CHANGE_TOPICS: lambda: client.post("/api/v1/topics", json={"slug": "x", "name": "X"}, headers=headers),
        Right.STEER_QUEUE: lambda: client.post("/api/v1/queue/release", json={}, headers=headers),
        Right.SEE_WORK: lambda: client.get("/api/v1/queue", headers=headers),
        Right.CHANGE_COLLECTIONS: lambda: client.put("/api/v1/collections/moves", json=[], headers=headers),
        Right.SEE_AUDIT: lambda: client.get("/staff/audit", headers=headers),
        Right.MANAGE_STAFF: lambda: client.get("/staff/keys", headers=headers),
        Right.CHANGE_BUDGET: lambda: client.put("/api/v1/budget", json={"monthly_pence": None}, headers=headers),
        Right.RUN_INSTALLATION: lambda: client.get("/staff/councils", headers=headers),
        Right.CHANGE_SETTINGS: lambda: client.get("/api/v1/council", headers=headers),
        Right.SEE_FIGURES: lambda: client.get("/api/v1/figures", headers=headers),
        Right.CHANGE_FIGURES: lambda: client.put("/api/v1/publication", json={}, headers=headers),
        Right.SEE_AT_RISK: lambda: client.get(f"/staff/alerts/{uuid4()}/at-risk", headers=headers),
        Right.EXPORT_EVERYTHING: lambda: client.get("/api/v1/extracts/subscribers?format=csv", headers=headers),
    }
    return requests[right]().status_code


@pytest.mark.parametrize("role", Role)
def test_a_role_may_do_what_the_table_of_rights_says_and_nothing_else(client: Client, world: World, role: Role) -> None:
    draft, headers = created(client, world.headers), make_key(world, role)
    allowed = {right for right in Right if _request(right, client, headers, draft["id"]) != 403}
    # this councillor has no ward yet, and so writes to nobody
    nowhere = {Right.WRITE_ALERTS} if role == Role.COUNCILLOR_SENDER else set()
    assert allowed == RIGHTS[role] - PERSONS_ONLY.keys() - nowhere


@pytest.mark.parametrize("verb", ["submit", "update", "all-clear"])
def test_only_who_may_broadcast_takes_an_emergency_further(client: Client, world: World, verb: str) -> None:
    planner, author = make_key(world, Role.PLANNER), make_key(world, Role.AUTHOR)
    alert = created(client, planner, topic="emergencies", priority="emergency", send=verb != "submit")
    body = {"title": "News", "body": "News."} if verb != "submit" else None
    refused = act(client, author, alert["id"], verb, body)
    assert (refused.status_code, refused.json()["type"]) == (403, "/problems/forbidden")


def test_a_test_keys_alert_runs_through_and_leaves_nothing(
    client: Client, world: World, work: Work, inbox: Mailbox
) -> None:
    add_resident(world, "a@example.org")
    add_resident(world, "delivered@simulator.example.org", phone="07700 900001")
    trial = make_key(world, Role.ADMIN, mode=KeyMode.TEST)
    alert = created(client, trial, send=True)
    assert alert["is_test"]
    work()
    rows = client.get(f"/api/v1/alerts/{alert['id']}/deliveries", headers=trial).json()["deliveries"]
    assert [(row["state"], row["provider"]) for row in rows] == [("delivered", "sandbox")] * 2
    assert (inbox.recipients(), inbox.texts()) == ({}, {})


def test_a_test_key_cannot_let_a_live_alert_go(client: Client, world: World, work: Work, inbox: Mailbox) -> None:
    add_resident(world, "a@example.org")
    trial = make_key(world, Role.ADMIN, mode=KeyMode.TEST)
    draft = created(client, world.headers)
    refused = act(client, trial, draft["id"], "submit")
    assert (refused.status_code, refused.json()["type"]) == (403, "/problems/test-key-cannot-send")
    sent = created(client, world.headers, send=True)
    work()
    inbox.empty()
    follow_up = act(client, trial, sent["id"], "update", {"title": "News", "body": "News."})
    assert follow_up.json()["is_test"]
    work()
    assert inbox.recipients() == {}


def _pages(client: Client, headers: Headers, query: str) -> list[list[str]]:
    """The titles on each page until there is no next one."""
    pages, after = [], ""
    while True:
        page: Any = client.get(f"/api/v1/alerts?{query}{after}", headers=headers).json()
        pages.append([alert["title"] for alert in page["alerts"]])
        if page["next"] is None:
            return pages
        after = f"&after={page['next']}"


def test_pages_give_every_alert_once_newest_first(client: Client, world: World) -> None:
    for number in range(5):
        created(client, world.headers, title=f"Alert {number}")
    assert _pages(client, world.headers, "limit=2") == [["Alert 4", "Alert 3"], ["Alert 2", "Alert 1"], ["Alert 0"]]
    assert _pages(client, world.headers, "limit=5") == [[f"Alert {n}" for n in (4, 3, 2, 1, 0)], []]


def test_an_extract_holds_what_changed_since(client: Client, world: World) -> None:
    older, newer = created(client, world.headers, title="Older"), created(client, world.headers, title="Newer")
    moment = newer["changed_at"].replace("+", "%2B")
    assert _pages(client, world.headers, f"changed_since={moment}") == [["Newer"]]
    act(client, world.headers, older["id"], "submit")
    assert _pages(client, world.headers, f"changed_since={moment}") == [["Newer", "Older"]]


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=501", "limit=many", "after=5", "changed_since=soon", "changed_since=2026-01-01T00:00:00"],
)
def test_a_page_that_cannot_be_is_refused(client: Client, world: World, query: str) -> None:
    reply = client.get(f"/api/v1/alerts?{query}", headers=world.headers)
    assert reply.status_code == 422, reply.text
    assert reply.headers["content-type"] == "application/problem+json"
