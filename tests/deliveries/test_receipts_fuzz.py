"""Receipts in any order, number and state of repair leave a ledger that agrees with itself."""

import hashlib
import hmac
import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from litestar import Litestar
from litestar.testing import TestClient
from sqlalchemy import text

from notify.core.db import transaction
from tests.alerts.calls import created
from tests.pigeon import RING, report
from tests.world import World, add_resident, make_world

Client = TestClient[Litestar]
Work = Callable[[], None]

PEOPLE = 6
STATES = ("sent", "delivered", "permanent-failure", "temporary-failure", "complained")
# the strongest of what was said of a delivery stands
RANKS = ("sent", "temporary-failure", "delivered", "permanent-failure")

receipts = st.lists(st.tuples(st.integers(1, PEOPLE), st.sampled_from(STATES)), max_size=12)
garbage = st.one_of(
    st.binary(max_size=200),
    st.text(max_size=100).map(str.encode),
    st.recursive(
        st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=20)),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
        max_leaves=10,
    ).map(lambda value: json.dumps(value).encode()),
)


@pytest.fixture
def world(client: Client, loft: Path) -> World:
    return make_world()


@pytest.fixture
def alert(client: Client, world: World, work: Work) -> str:
    """The id of an alert whose texts a provider has taken."""
    for number in range(PEOPLE):
        add_resident(world, phone=f"07700 90000{number}")
    identity: str = created(client, world.headers, channels=["sms"], send=True)["id"]
    work()
    return identity


def expected(told: Sequence[tuple[int, str]]) -> dict[int, str]:
    """What an independent reader makes of it all."""
    states = dict.fromkeys(range(1, PEOPLE + 1), "sent")
    for number, state in told:
        if state in RANKS and RANKS.index(state) > RANKS.index(states[number]):
            states[number] = state
    return states


def start_again(alert: str) -> None:
    """The alert as it was before anybody reported anything."""
    with transaction() as session:
        session.execute(text("UPDATE delivery SET state = 'sent', reason = NULL WHERE alert_id = :id"), {"id": alert})
        session.execute(text("UPDATE batch SET sent = number_to - number_from + 1, bounced = 0"))
        session.execute(text("DELETE FROM suppression"))
        session.execute(text("DELETE FROM event WHERE number IS NOT NULL AND kind NOT IN ('created', 'sent')"))


def check(alert: str, told: Sequence[tuple[int, str]]) -> None:
    """The deliveries, their events, the batch's counts and the suppressions say the same."""
    with transaction() as session:
        rows = session.execute(text("SELECT number, state FROM delivery WHERE alert_id = :id"), {"id": alert})
        states = {row.number: row.state for row in rows}
        counts = session.execute(text("SELECT sum(sent) AS over, sum(bounced) AS back FROM batch")).one()
        reasons = session.execute(text("SELECT reason, count(*) FROM suppression GROUP BY reason")).all()
        last = session.execute(
            text("""
                SELECT DISTINCT ON (number) number, kind FROM event
                WHERE alert_id = :id AND number_to IS NULL AND kind <> 'complained' AND number IS NOT NULL
                ORDER BY number, id DESC
            """),
            {"id": alert},
        ).all()
    assert states == expected(told)
    bounced = sum(state == "permanent-failure" for state in states.values())
    assert (int(counts.over), int(counts.back)) == (PEOPLE - bounced, bounced)
    complained = len({number for number, state in told if state == "complained"})
    assert dict((row.reason, row.count) for row in reasons) == {
        name: number for name, number in (("hard-bounce", bounced), ("complaint", complained)) if number
    }
    for row in last:
        assert row.kind == states[row.number]


def test_any_order_any_number_of_times_ends_alike(client: Client, alert: str) -> None:
    @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
    @given(told=receipts, calls=st.integers(1, 4))
    def run(told: list[tuple[int, str]], calls: int) -> None:
        start_again(alert)
        lines = [{"reference": f"{alert.replace('-', '')}-{number}", "state": state} for number, state in told]
        size = max(1, -(-len(lines) // calls))
        for start in range(0, len(lines), size):
            assert report(client, *lines[start : start + size]).status_code == 200
        check(alert, told)
        for start in range(0, len(lines), size):  # the provider says it all again
            assert report(client, *lines[start : start + size]).json()["changed"] == 0
        check(alert, told)

    run()


def test_garbage_changes_nothing_and_is_never_an_error_of_ours(client: Client, alert: str) -> None:
    @settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
    @given(body=garbage, ring=st.sampled_from([RING, "", "wrong", "\u00e9"]))
    def run(body: bytes, ring: str) -> None:
        headers = {"pigeon-ring": ring.encode().hex(), "content-type": "application/json"}
        assert client.post("/api/v1/webhooks/pigeon", content=body, headers=headers).status_code == 401

    run()
    check(alert, [])


def test_authentic_garbage_is_refused_clearly(client: Client, alert: str) -> None:
    for body in (b"", b"{", b"[1]", b'{"reference": 1}', b'[{"reference": "x", "state": "dancing"}]'):
        signature = hmac.new(RING.encode(), body, hashlib.sha256).hexdigest()
        headers = {"pigeon-ring": signature, "content-type": "application/json"}
        reply = client.post("/api/v1/webhooks/pigeon", content=body, headers=headers)
        assert (reply.status_code, reply.json()["type"]) == (422, "/problems/receipt-not-readable"), body
    check(alert, [])
