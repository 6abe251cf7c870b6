"""The OpenAPI document says what each operation takes and answers, and its examples are taken as they are."""

import re
from collections import defaultdict
from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest
from litestar import Litestar
from litestar.testing import TestClient
from openapi_spec_validator import validate

from notify.api_examples import BODIES
from notify.staff.models import Role
from tests.world import World, add_resident, make_world, signed_in

Client = TestClient[Litestar]
Json = dict[str, Any]
METHODS = ("get", "post", "put", "patch", "delete")
PUBLIC = {
    *("live", "ready", "read_postcode", "list_areas", "read_area", "receive_receipts"),
    *("list_collections", "list_rounds", "receive_statuses"),
}


@pytest.fixture(scope="module")
def document(app: Litestar) -> Json:
    return dict(app.openapi_schema.to_schema())


def operations(document: Json) -> Iterator[tuple[str, str, Json]]:
    for path, item in document["paths"].items():
        for method in METHODS:
            if method in item:
                yield method, path, item[method]


def test_the_document_keeps_the_standard(document: Json) -> None:
    validate(document)


def test_every_error_is_a_problem_document(document: Json) -> None:
    for _, path, operation in operations(document):
        errors = {status: reply for status, reply in operation["responses"].items() if status >= "400"}
        assert errors, path
        for status, reply in errors.items():
            assert reply == {"$ref": f"#/components/responses/{status}"}, path
    for status, reply in document["components"]["responses"].items():
        (media_type, content), *others = reply["content"].items()
        assert (media_type, others) == ("application/problem+json", [])
        assert content["example"]["status"] == int(status)


@pytest.mark.parametrize(
    ("operation_id", "statuses"),
    [
        ("create_alert", {"201", "400", "401", "403", "404", "409", "413", "422", "429", "500", "503"}),
        ("list_alerts", {"200", "304", "401", "403", "404", "422", "429", "500", "503"}),
        ("read_alert", {"200", "304", "401", "403", "404", "422", "429", "500", "503"}),
        ("read_postcode", {"200", "304", "401", "404", "410", "422", "429", "500", "503"}),
        ("add_subscriber", {"200", "201", "400", "401", "403", "404", "409", "413", "422", "429", "500", "503"}),
        ("live", {"200", "500"}),
    ],
)
def test_statuses_follow_from_what_a_route_has(document: Json, operation_id: str, statuses: set[str]) -> None:
    (found,) = (one for *_, one in operations(document) if one["operationId"] == operation_id)
    assert found["responses"].keys() == statuses


def test_operations_have_short_names_of_their_own(document: Json) -> None:
    names = [operation["operationId"] for *_, operation in operations(document)]
    assert len(names) == len(set(names))
    assert all(re.fullmatch(r"[a-z]+(_[a-z]+)*", name) for name in names)


def test_public_operations_are_marked(document: Json) -> None:
    open_to_all = {
        operation["operationId"] for *_, operation in operations(document) if operation.get("security") == []
    }
    assert open_to_all == PUBLIC


def test_replies_have_types(document: Json) -> None:
    for _, path, operation in operations(document):
        for status, reply in operation["responses"].items():
            if status in ("200", "201"):
                for media_type, content in reply["content"].items():
                    assert content["schema"].keys() & {"$ref", "type", "oneOf"}, (path, media_type)


def test_the_header_that_an_alert_needs_is_marked(document: Json) -> None:
    parameters = document["paths"]["/api/v1/alerts"]["post"]["parameters"]
    assert [(one["name"], one["required"]) for one in parameters] == [("Idempotency-Key", True)]


def test_every_body_has_an_example_that_the_page_shows(client: Client, document: Json) -> None:
    page = client.get("/api/docs").text
    with_body = {
        operation["operationId"]: operation["requestBody"]["content"]["application/json"]
        for *_, operation in operations(document)
        if "application/json" in operation.get("requestBody", {}).get("content", {})
    }
    del with_body["receive_receipts"]  # what stands in it is the provider's
    del with_body["receive_statuses"]  # it is signed
    assert {name: content.get("example") for name, content in with_body.items()} == BODIES
    assert "Bins are collected on Saturday this week" in page


def test_examples_are_taken_as_they_are(client: Client, document: Json) -> None:
    world = make_world()
    person = signed_in(world.council_id, Role.ADMIN)
    made = _things(client, world)
    for method, path, operation in operations(document):
        name = operation["operationId"]
        if name not in BODIES:
            continue
        body = BODIES[name]
        if name == "add_suppression" and isinstance(body, dict):
            body = body | {"subscriber": made["subscriber_id"]}
        headers = (person if name in NEED_A_PERSON else world.headers) | {"Idempotency-Key": uuid4().hex}
        answer = client.request(
            method, path.format_map(defaultdict(lambda: str(UUID(int=0)), made)), json=body, headers=headers
        )
        taken = answer.status_code in (
            (404, 409, 422) if name == "add_event" else (404, 409) if name in NEED_MORE else (200, 201, 204)
        )
        assert taken, (name, answer.status_code, answer.text)


# of a thing that is not there, or not in the state for it: their bodies are read before that is found
NEED_MORE = {
    *(
        "change_group",
        "merge_topic",
        "end_user_sessions",
        "ask_new_factor",
        "resend_message",
        "rename_incident",
    ),
    *(
        "reject_alert",
        "return_alert",
        "change_alert",
        "change_zone",
        "use_plan",
        "record_attempt",
        "lift_suppression",
        "replay_missed",
        "note_breach",
        "correct_public_notice",
    ),
    *("withdraw_public_notice", "reschedule_alert", "change_officer", "change_target", "add_values"),
    *("update_alert", "all_clear", "change_category", "resend_message", "add_incident_note", "link_alert"),
}
NEED_A_PERSON = {"create_key", "change_officer", "invite_officer", "end_user_sessions", "ask_new_factor"}


def _things(client: Client, world: World) -> dict[str, str]:
    """What paths name, made."""
    subscriber: UUID = add_resident(world, "ali@example.org", topics=["bins"])
    headers = world.headers | {"Idempotency-Key": "the first"}
    alert = client.post("/api/v1/alerts", json=BODIES["create_alert"], headers=headers).json()
    no_such = dict.fromkeys(("notice_id", "suppression_id", "contact", "indicator", "officer_id"), str(uuid4()))
    return no_such | {"subscriber_id": str(subscriber), "alert_id": alert["id"], "slug": "bins"}


@pytest.mark.parametrize("path", ["/api/v1/alerts", "/api/v1/topics", "/api/v1/areas", "/api/v1/topics/bins"])
def test_what_is_polled_is_not_sent_twice(client: Client, path: str) -> None:
    headers = make_world().headers
    first = client.get(path, headers=headers)
    assert first.headers["cache-control"] == "private, no-cache"
    again = client.get(path, headers=headers | {"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", first.headers["etag"])
    other = client.get(path, headers=headers | {"If-None-Match": '"another"'})
    assert (other.status_code, other.json()) == (200, first.json())


def test_what_has_changed_is_sent_again(client: Client) -> None:
    world = make_world()
    known = {"If-None-Match": client.get("/api/v1/topics", headers=world.headers).headers["etag"]}
    client.patch("/api/v1/topics/bins", json={"name": "Refuse"}, headers=world.headers)
    assert client.get("/api/v1/topics", headers=world.headers | known).status_code == 200


def test_a_problem_leads_to_a_page_about_it(client: Client) -> None:
    problem = client.get("/api/v1/postcodes/ZZ99 9ZZ", headers=make_world().headers).json()
    page = client.get(problem["type"])
    assert page.status_code == 200
    assert problem["title"] in page.text
    assert problem["type"] in client.get("/problems").text
    assert client.get("/problems/nothing-like-it").status_code == 404


@pytest.mark.parametrize("days", ["since=0001-01-01", "until=9999-12-31"])
def test_days_that_no_figures_can_have_are_refused(client: Client, days: str) -> None:
    answer = client.get(f"/api/v1/growth?{days}", headers=make_world().headers)
    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/days-out-of-range")
