"""Errors are documents for programs and pages for people, and never tell what went wrong inside."""

from collections.abc import Iterator
from uuid import uuid4

import pytest
from litestar import Litestar, get
from litestar.params import FromPath
from litestar.testing import TestClient, create_test_client
from sqlalchemy.exc import DataError, IntegrityError, OperationalError

from notify.core.errors import Conflict, Unavailable
from notify.web import problems
from notify.web.headers import SECURITY_HEADERS, add_security_headers
from tests.subscribers.html import Page
from tests.world import make_world

Client = TestClient[Litestar]
BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
SECRET = "secret"
RAISED = {
    "known": (Conflict("Nobody follows this.", topic="bins"), 409, "conflict"),
    "unavailable": (Unavailable("The map is away."), 503, "unavailable"),
    "away": (OperationalError(SECRET, {}, Exception(SECRET)), 503, "unavailable"),
    "collision": (IntegrityError(SECRET, {}, Exception(SECRET)), 409, "changed-meanwhile"),
    "unstorable": (DataError(SECRET, {}, Exception(SECRET)), 422, "not-valid"),
    "defect": (KeyError(SECRET), 500, "unexpected"),
}


@get(["/api/v1/fail/{name:str}", "/fail/{name:str}"], sync_to_thread=False)
def fail(name: FromPath[str]) -> None:
    raise RAISED[name][0]


@pytest.fixture
def failing() -> Iterator[Client]:
    with create_test_client(
        [fail], exception_handlers=problems.HANDLERS, before_send=[add_security_headers], raise_server_exceptions=False
    ) as client:
        yield client


@pytest.mark.parametrize("name", list(RAISED))
def test_programs_get_a_problem_document(failing: Client, name: str) -> None:
    _, status, slug = RAISED[name]
    for headers in ({}, BROWSER):  # the API speaks one language to everybody
        answer = failing.get(f"/api/v1/fail/{name}", headers=headers)
        assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
        body = answer.json()
        assert (body["type"], body["status"]) == (f"/problems/{slug}", status)
        assert body["title"]
        assert SECRET not in answer.text


@pytest.mark.parametrize("name", list(RAISED))
def test_people_get_a_page(failing: Client, name: str) -> None:
    _, status, _ = RAISED[name]
    answer = failing.get(f"/fail/{name}", headers=BROWSER)
    page = Page(answer.text)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "text/html; charset=utf-8")
    assert page.title
    assert SECRET not in answer.text
    assert failing.get(f"/fail/{name}").headers["content-type"] == "application/problem+json"


def test_a_problem_says_what_else_is_known(failing: Client) -> None:
    assert failing.get("/api/v1/fail/known").json()["topic"] == "bins"


def test_what_is_away_says_when_to_come_back(failing: Client) -> None:
    assert failing.get("/fail/away").headers["retry-after"] == "5"


def test_security_headers_are_on_every_answer(client: Client) -> None:
    for path in (
        "/",
        "/nowhere",
        "/my",
        "/api/v1/topics",
        f"/api/v1/alerts/{uuid4()}",
        "/static/page.css",
        "/api/docs",
    ):
        headers = client.get(path).headers
        assert {name: headers.get(name) for name in SECURITY_HEADERS} == SECURITY_HEADERS, path


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/nowhere", 404), ("DELETE", "/", 405)])
def test_the_frameworks_refusals_look_like_ours(client: Client, method: str, path: str, status: int) -> None:
    document = client.request(method, path)
    assert (document.status_code, document.json()["type"]) == (status, f"/problems/http-{status}")
    assert Page(client.request(method, path, headers=BROWSER).text).title


@pytest.mark.parametrize("body", [b'{"slug":"cafe","name":"Caf\xe9"}', b"[" * 20_000], ids=["latin-1", "nested"])
def test_json_that_nobody_can_read_is_the_callers_error(client: Client, body: bytes) -> None:
    headers = make_world().headers | {"Content-Type": "application/json"}
    answer = client.post("/api/v1/topics", content=body, headers=headers)
    assert answer.status_code == 400
    assert answer.headers["content-type"] == problems.MEDIA_TYPE


@pytest.mark.parametrize("path", ["/static/%00", "/api/v1/topics/%00", "/alerts/%00"])
def test_an_address_that_nothing_can_have_is_not_found(client: Client, path: str) -> None:
    assert client.get(path).status_code in (401, 404)


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("path", ["/api/nothing", "/api/v1", "/api/v1/nothing", "/api/v2/alerts", "/api/a/b/c"])
def test_an_unknown_path_of_the_api_answers_as_a_problem(client: Client, method: str, path: str) -> None:
    answer = client.request(method, path, headers=BROWSER)
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == answer.status_code >= 404
    assert answer.json()["request_id"] == answer.headers["x-request-id"]
