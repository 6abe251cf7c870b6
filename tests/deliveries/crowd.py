"""Many residents at once, and what became of an alert to them."""

from collections import Counter

from litestar import Litestar
from litestar.testing import TestClient
from sqlalchemy import text

from notify.core.db import transaction
from tests.world import World


def add_people(client: TestClient[Litestar], world: World, count: int) -> None:
    """So many residents of the first ward who follow road closures, all from one file."""
    lines = [f"r{number}@example.org,ZZ1 1AA" for number in range(count)]
    reply = client.post(
        "/api/v1/subscribers/import",
        params={"wording_version": "1", "wording": "Yes.", "consent_source": "test", "topics": "road-closures"},
        content="\n".join(["email,postcode", *lines]),
        headers=world.headers | {"Content-Type": "text/csv"},
    )
    assert reply.json()["created"] == count, reply.text


def ledger(alert_id: str) -> Counter[str]:
    """How many deliveries of the alert are in each state."""
    with transaction() as session:
        rows = session.execute(text("SELECT state FROM delivery WHERE alert_id = :a"), {"a": alert_id})
        return Counter(rows.scalars())
