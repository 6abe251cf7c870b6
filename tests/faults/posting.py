"""A client that sends alerts as an officer's program should: again and again until there is an answer.

Routine alerts go with the council's key. Emergencies need a person: those go by a planner who has just signed in.
"""

import time
from collections import Counter
from collections.abc import Collection, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import httpx
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import select

from notify.core import clock, db
from notify.staff import service as staff
from notify.staff.models import Council, Officer, Role
from tests.world import session_of

PATIENCE_S = 90.0
PAUSE_S = 0.1
AT_ONCE = 60


@dataclass(frozen=True, slots=True)
class Posted:
    """An alert that was answered with 201. `approved`: when, on the machine's monotonic clock."""

    alert_id: UUID
    key: str
    topic: str
    approved: float


class Client:
    """Posts alerts in the background and remembers every one."""

    def __init__(self, base_url: str, key: str) -> None:
        self._client = httpx.Client(
            base_url=base_url,
            headers={"Authorization": f"Bearer {key}"},
            timeout=10,
            limits=httpx.Limits(max_connections=AT_ONCE),
        )
        with db.transaction() as session:
            council = session.exec(select(Council)).one()
            self._planner: Officer = staff.create_officer(
                session, council_id=council.id, email="planner@example.org", name="Kim", role=Role.PLANNER
            )
        self._pool = ThreadPoolExecutor(AT_ONCE)
        self._asked: list[tuple[str, str, Future[Posted]]] = []
        self.prefix = ""  # of every key, different in every run
        self.troubles: Counter[str] = Counter()  # answers other than 201, and no answer

    def post(self, key: str, topic: str, **more: object) -> Future[Posted]:
        """Send an alert; the same key is the same alert. Its reference is the whole key."""
        key = f"{self.prefix} {key}"
        words = {"title": f"About {topic}", "body": "Please read this.", "reference": key, "send": True}
        asked = self._pool.submit(self._insist, key, {"topic": topic} | words | more)
        self._asked.append((key, topic, asked))
        return asked

    def _insist(self, key: str, body: Mapping[str, object]) -> Posted:
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            try:
                headers = self._at_the_desk() if body.get("priority") == "emergency" else {}
                reply = self._client.post("/api/v1/alerts", json=body, headers=headers | {"Idempotency-Key": key})
            except (httpx.TransportError, SQLAlchemyError) as error:
                self.troubles[type(error).__name__] += 1
            else:
                if reply.status_code == 201:
                    return _posted(key, reply.json())
                self.troubles[str(reply.status_code)] += 1
                if reply.status_code < 500 and reply.status_code not in (409, 429):
                    raise AssertionError(reply.text)
            time.sleep(PAUSE_S)
        raise TimeoutError(f"no answer about {key} within {PATIENCE_S} s")

    def _at_the_desk(self) -> dict[str, str]:
        """The headers of the planner's browser, without the key."""
        with db.transaction() as session:
            return session_of(session, self._planner, mfa_at=clock.now()) | {"Authorization": ""}

    def answers(self) -> tuple[Collection[Posted], Mapping[str, str]]:
        """What was answered, an alert once however often it was posted, and the keys with their topics that never were.

        Waits for answers that are still to come, and forgets everything.
        """
        posted: dict[UUID, Posted] = {}
        missing: dict[str, str] = {}
        for key, topic, asked in self._asked:
            try:
                answer = asked.result(timeout=PATIENCE_S + 20)
                posted[answer.alert_id] = answer
            except (TimeoutError, AssertionError) as error:
                self.troubles[str(error)] += 1
                missing[key] = topic
        self._asked.clear()
        answered = {one.key for one in posted.values()}
        return posted.values(), {key: topic for key, topic in missing.items() if key not in answered}

    @property
    def has_asked_all(self) -> bool:
        """Whether every request was answered or given up."""
        return all(asked.done() for _, _, asked in self._asked)

    def cancel(self, alert_id: UUID) -> None:
        """Stop an alert that does not end."""
        try:
            self._client.post(f"/api/v1/alerts/{alert_id}/cancel", headers=self._at_the_desk())
        except (httpx.TransportError, SQLAlchemyError) as error:
            self.troubles[type(error).__name__] += 1

    def close(self) -> None:
        """Wait for nothing more."""
        self._pool.shutdown(wait=True, cancel_futures=True)
        self._client.close()


def _posted(key: str, reply: Mapping[str, str]) -> Posted:
    ago = time.time() - datetime.fromisoformat(reply["approved_at"]).timestamp()
    return Posted(UUID(reply["id"]), key, reply["topic"], time.monotonic() - ago)
