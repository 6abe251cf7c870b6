"""The web process as it runs in production: what it logs, and what sign-in must not take from everybody else."""

import json
import socket
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from argon2 import PasswordHasher

from notify.alerts.models import NewAlert
from notify.alerts.service import create_and_send
from notify.core import db
from notify.core.db import transaction
from notify.devserver import embedded
from notify.insight.live_stream import MOST_STREAMS
from notify.processes.command_lines import web_process
from notify.staff import service
from notify.staff.models import Officer, Role
from notify.staff.rights import Principal
from notify.staff.sign_in import break_glass
from tests.conftest import empty_database
from tests.running import answers, free_port, running, wait_until
from tests.world import add_resident, make_world, signed_in

SIGN_INS, STREAMS, EACH = 60, 100, 2
LOOKS = 40
EMAIL, OTHER, PASSWORD = "kim@example.org", "ali@example.org", "four words nobody guesses"


@dataclass
class Served:
    """A web process of its own and its log. `headers` are of an administrator's key."""

    url: str
    log: Path
    headers: Mapping[str, str]
    planner: Principal
    seen: int = field(default=0)

    def lines(self) -> Sequence[Mapping[str, Any]]:
        """What it has logged since the last time."""
        written = self.log.read_text().splitlines()
        new, self.seen = written[self.seen :], len(written)
        return [json.loads(line) for line in new]


@pytest.fixture(scope="module")
def served(servers: embedded.Addresses, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    world = make_world()
    add_resident(world, "ann@example.org")
    kept = PasswordHasher().hash(PASSWORD)  # as dear as in production
    with transaction() as session:
        for email in (EMAIL, OTHER):
            officer: Officer = service.create_officer(
                session, council_id=world.council_id, email=email, name="Kim", role=Role.PLANNER
            )
            break_glass.set_password(session, officer, kept, actor="test")
    port, log = free_port(), tmp_path_factory.mktemp("served") / "web.log"
    url = f"http://127.0.0.1:{port}"
    env = {"NOTIFY_BASE_URL": url, "NOTIFY_LIMIT_API_PER_MINUTE": "100", "NOTIFY_METRICS_TOKEN": ""}
    with running([web_process("127.0.0.1", port)], log, env):
        wait_until(lambda: answers(url), what="the web process")
        yield Served(url, log, world.headers, world.planner)
    empty_database()


@contextmanager
def browser(served: Served) -> Iterator[httpx.Client]:
    headers = {"Accept": "text/html", "Sec-Fetch-Site": "same-origin"}
    with httpx.Client(base_url=served.url, headers=headers, timeout=30) as client:
        yield client


def attempt_all(served: Served, emails: Sequence[str]) -> set[int]:
    """Try to sign in with all of these at the same moment; the statuses of the answers.

    By sockets, because sixty clients would take the time of the machine that is measured.
    """
    address = urlsplit(served.url)
    opened = []
    for email in emails:
        body = f"email={email}&password=wrong+words&code=000000"
        head = f"POST /staff/sign-in HTTP/1.1\r\nHost: {address.netloc}\r\nContent-Length: {len(body)}\r\n"
        head += "Content-Type: application/x-www-form-urlencoded\r\nSec-Fetch-Site: same-origin\r\n"
        connection = socket.create_connection((address.hostname, address.port), timeout=60)
        connection.sendall(f"{head}Connection: close\r\n\r\n{body}".encode())
        opened.append(connection)
    answered = set()
    for connection in opened:
        with connection:
            answered.add(int(connection.recv(12).split()[1]))
    return answered


def look(client: httpx.Client) -> None:
    assert client.get("/alerts").status_code == 200


def call_back(client: httpx.Client) -> None:
    """A provider's receipt: refused for its signature, but answered."""
    assert client.post("/api/v1/webhooks/smtp", json={}).status_code in (401, 404)


@pytest.mark.parametrize("names", ["one user", "unknown names"])
def test_sixty_sign_ins_at_once_hold_up_neither_pages_nor_receipts(served: Served, names: str) -> None:
    emails = [EMAIL if names == "one user" else f"nobody{number}@example.org" for number in range(SIGN_INS)]
    answered: set[int] = set()
    crowds = 0
    with browser(served) as client, ThreadPoolExecutor(1) as crowd:
        stop = Event()

        def insist() -> None:
            nonlocal crowds
            while not stop.is_set():
                answered.update(attempt_all(served, emails))
                crowds += 1

        attacking = crowd.submit(insist)
        for _ in range(LOOKS):
            look(client)
            call_back(client)
        stop.set()
        attacking.result()
    assert answered == {401, 429}
    # A request that waited its turn behind the sign-ins would be answered after a crowd of them, each time.
    assert crowds < LOOKS, f"{crowds} crowds of {SIGN_INS} were answered while {2 * LOOKS} other requests were"


def test_each_refusal_is_one_json_line_with_time_request_route_and_reason(served: Served) -> None:
    served.lines()
    with browser(served) as client:
        asked = [
            (client.post("/staff/sign-in", data={"email": "nobody@example.org"}), "/staff/sign-in", "unknown-user"),
            (client.post("/staff/sign-in", data={"email": OTHER}), "/staff/sign-in", "wrong-password"),
            (client.post("/staff/sign-in/abc"), "/staff/sign-in/{token}", "sign-in-link-not-valid"),
            (client.get("/staff/sign-in/oidc/back"), "/staff/sign-in/oidc/back", "sign-in-refused"),
            (client.get("/api/v1/alerts"), "/api/v1/alerts", "unauthenticated"),
            (client.get("/api/v1/alerts", headers={"Authorization": "Bearer x"}), "/api/v1/alerts", "key-not-valid"),
        ]
    lines = {line["request_id"]: line for line in served.lines()}
    assert len(lines) == len(asked)
    for answer, route, reason in asked:
        line = lines[answer.headers["x-request-id"]]
        assert (line["route"], line["reason"]) == (route, reason)
        assert line["time"] > "2020"
        assert OTHER not in str(line)


def test_a_limit_is_one_line_and_says_in_headers_when_it_ends(served: Served) -> None:
    served.lines()
    with httpx.Client(base_url=served.url, headers=dict(served.headers)) as client:
        first = client.get("/api/v1/topics")
        refused = next(answer for _ in range(150) if (answer := client.get("/api/v1/topics")).status_code == 429)
    assert first.headers["ratelimit-policy"] == '"api";q=100;w=60'
    assert first.headers["ratelimit"].startswith('"api";r=99;t=')
    assert refused.headers["ratelimit"].startswith('"api";r=0;t=')
    assert int(refused.headers["retry-after"]) == refused.json()["retry_after"] == 1
    [line] = served.lines()
    assert (line["request_id"], line["reason"], line["route"]) == (
        refused.json()["request_id"],
        "too-many-requests",
        "/api/v1/topics",
    )


def test_a_defect_is_one_line_with_its_cause_and_the_answer_names_it(served: Served) -> None:
    with db.engine().begin() as connection:
        connection.exec_driver_sql("ALTER TABLE area RENAME TO area_away")
    try:
        served.lines()
        answer = httpx.get(f"{served.url}/api/v1/areas?type=ward")
        [line] = served.lines()
    finally:
        with db.engine().begin() as connection:
            connection.exec_driver_sql("ALTER TABLE area_away RENAME TO area")
    assert (answer.status_code, answer.headers["content-type"]) == (500, "application/problem+json")
    assert answer.json()["request_id"] == answer.headers["x-request-id"] == line["request_id"]
    assert (line["route"], line["reason"], line["status"]) == ("/api/v1/areas", "ProgrammingError", 500)


def test_of_a_hundred_live_streams_at_once_as_many_run_as_may(served: Served) -> None:
    with transaction() as session:
        new = NewAlert(topic="road-closures", title="Mill Road closed", body="On Sunday.", send=True)
        alert = create_and_send(session, by=served.planner, new=new)
    address, opened = urlsplit(served.url), []
    with ExitStack() as streams:
        for _ in range(STREAMS // EACH):
            cookie = signed_in(served.planner.council_id)["Cookie"]
            for _ in range(EACH):
                connection = socket.create_connection((address.hostname, address.port), timeout=60)
                streams.enter_context(connection)
                head = f"GET /staff/alerts/{alert.id}/live HTTP/1.1\r\nHost: {address.netloc}\r\nCookie: {cookie}\r\n"
                opened.append((connection, f"{head}\r\n".encode()))
        for connection, asked in opened:
            connection.sendall(asked)
        answered = Counter(int(connection.recv(12).split()[1]) for connection, _ in opened)
    assert answered == {200: MOST_STREAMS, 429: STREAMS - MOST_STREAMS}


def test_metrics_are_for_this_machine_where_no_token_is_set(served: Served) -> None:
    url = f"{served.url}/metrics"
    assert httpx.get(url).status_code == 200
    assert httpx.get(url, headers={"X-Forwarded-For": "203.0.113.9"}).status_code == 401
