"""The client sends, repeats, lists and tells errors as they are; its helper believes no call that is not ours."""

import json
import subprocess
import sys
from typing import Any
from uuid import uuid4

import httpx
import pytest
from click.testing import CliRunner
from litestar import Litestar
from litestar.testing import TestClient

from notify.api_examples import BODIES
from notify.cli import main
from notify.client import Notify, NotOurs, Problem, verify
from notify.core import tokens
from notify.providers.webhook.provider import signed_headers
from tests.world import World, add_resident, make_world

Client = TestClient[Litestar]
ALERT: Any = BODIES["create_alert"]
SECRET = tokens.webhook_secret()


@pytest.fixture
def world(client: Client) -> World:
    return make_world()


@pytest.fixture
def council(client: Client, world: World) -> Notify:
    return Notify("http://testserver.local", world.key, http=client)


def test_an_alert_is_sent_and_read(council: Notify, world: World) -> None:
    add_resident(world, "sam@example.org", topics=["bins"])
    sent = council.send_alert(ALERT)
    assert (sent.topic, sent.title, sent.state) == ("bins", ALERT["title"], "sending")
    assert council.alert(sent.id).id == sent.id


def test_the_same_key_sends_once(council: Notify) -> None:
    key = uuid4().hex
    first, again = (council.send_alert(ALERT, idempotency_key=key) for _ in range(2))
    assert first.id == again.id
    assert len(list(council.alerts())) == 1


def test_lists_are_read_page_by_page(council: Notify) -> None:
    made = {council.send_alert({**ALERT, "send": False}).id for _ in range(52)}
    assert {alert.id for alert in council.alerts()} == made
    assert [topic.slug for topic in council.topics()] == ["bins", "emergencies", "road-closures"]


def test_what_would_be_reached_is_counted(council: Notify) -> None:
    found = council.count("bins", {"wards": ["Z05000001"]})
    assert (found.people, found.fewer_than_ten) == (0, True)
    postcode = council.postcode("zz1 1aa")
    assert postcode.ward
    assert postcode.ward["code"] == "Z05000001"


def test_what_is_not_there_is_a_typed_problem(council: Notify) -> None:
    with pytest.raises(Problem) as caught:
        council.alert(uuid4())
    problem = caught.value
    assert (problem.status, problem.slug) == (404, "unknown-alert")
    assert problem.request_id


def test_wrong_fields_are_named(council: Notify) -> None:
    with pytest.raises(Problem) as caught:
        council.send_alert({**ALERT, "titel": "x"})
    assert (caught.value.status, caught.value.errors[0]["field"]) == (422, "titel")


@pytest.mark.parametrize("first", [httpx.Response(503, headers={"Retry-After": "5"}), httpx.ConnectError("gone")])
def test_a_lost_answer_is_asked_for_again_with_the_same_key(first: httpx.Response | Exception) -> None:
    seen: list[str] = []
    waited: list[float] = []
    alert = {name: "x" for name in ("topic", "priority", "state", "title", "body", "content_hash")}
    alert |= {"id": str(uuid4()), "created_at": "2026-12-01T00:00:00Z", "changed_at": "2026-12-01T00:00:00Z"}

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers["idempotency-key"])
        if len(seen) == 1 and isinstance(first, Exception):
            raise first
        return first if len(seen) == 1 and isinstance(first, httpx.Response) else httpx.Response(201, json=alert)

    service = Notify("https://a.example.org", "k", http=_served_by(answer), sleep=waited.append)
    assert str(service.send_alert(ALERT).id) == alert["id"]
    assert len(seen) == 2
    assert len(set(seen)) == 1
    assert waited == [5.0 if isinstance(first, httpx.Response) else 1.0]


def test_what_was_refused_is_not_sent_again() -> None:
    seen: list[httpx.Request] = []

    def refuse(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(422, text="nothing of ours")

    with pytest.raises(Problem, match="Unprocessable"):
        Notify("https://a.example.org", "k", http=_served_by(refuse)).send_alert(ALERT)
    assert len(seen) == 1


def _served_by(answer: Any) -> httpx.Client:  # noqa: ANN401 - httpx takes any callable
    return httpx.Client(transport=httpx.MockTransport(answer))


def test_only_our_calls_are_believed() -> None:
    body = json.dumps({"title": "Bins"}).encode()
    headers = signed_headers(SECRET, "ref-1", body, at=1000)
    assert verify(body, headers, SECRET, now=1010) == {"title": "Bins"}
    assert verify(body, headers, f"{'whsec_' + 'QkJC' * 11} {SECRET}", now=1010) == {"title": "Bins"}
    wrong: list[tuple[bytes, dict[str, str], str, float]] = [
        (body + b" ", headers, SECRET, 1010),
        (body, headers, "whsec_" + "QkJC" * 11, 1010),
        (body, headers, SECRET, 1301),
        (body, headers | {"webhook-id": "ref-2"}, SECRET, 1010),
        (body, headers | {"webhook-signature": ""}, SECRET, 1010),
        (body, {}, SECRET, 1010),
    ]
    for given, sent, secret, now in wrong:
        with pytest.raises(NotOurs):
            verify(given, sent, secret, now=now)


@pytest.fixture
def through_the_client(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "close", lambda: None)
    monkeypatch.setattr("notify.client.council_api.httpx.Client", lambda **_: client)


@pytest.mark.usefixtures("through_the_client")
def test_the_command_sends_an_alert(world: World, council: Notify) -> None:
    command = [
        "alert",
        "send",
        "--url",
        "http://testserver.local",
        "--topic",
        "bins",
        "--ward",
        "Z05000001",
        "--file",
        "-",
    ]
    words = "Bins are late\n\nPut them out on Saturday.\n"
    environment = {"NOTIFY_API_KEY": world.key}
    done = CliRunner().invoke(main, command, input=words, env=environment)
    assert done.exit_code == 0, done.output
    (alert,) = council.alerts()
    assert json.loads(done.output) == {"id": str(alert.id), "state": "sending"}
    assert (alert.title, alert.body) == ("Bins are late", "Put them out on Saturday.")
    counted = CliRunner().invoke(main, [*command, "--count"], input=words, env=environment)
    assert json.loads(counted.output) == {"people": 0, "fewer_than_ten": True}
    refused = CliRunner().invoke(main, [*command[:4], "--topic", "none", "--file", "-"], input=words, env=environment)
    assert refused.exit_code == 1
    assert "There is no such topic" in refused.output


def test_it_needs_httpx_and_nothing_of_the_server() -> None:
    loaded = "import sys, notify.client; print(*sorted({name.split('.')[0] for name in sys.modules}))"
    done = subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True, timeout=60, check=True)
    server = {"litestar", "sqlalchemy", "sqlmodel", "pydantic", "dramatiq", "redis", "shapely", "jinja2", "psycopg"}
    assert not server & set(done.stdout.split())
