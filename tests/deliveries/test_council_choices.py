"""What a council has chosen is what is done: its providers in order, its time of digests, its retention."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from litestar import Litestar
from litestar.testing import TestClient
from sqlalchemy import text

from notify.core.db import transaction
from notify.exports import retention
from notify.staff.council_settings.effective import council_settings
from tests.alerts.calls import created
from tests.mailbox import Mailbox
from tests.world import World, add_resident, make_other_council, make_world

Client = TestClient[Litestar]
Work = Callable[[], None]


def choose_settings(client: Client, world: World, **given: object) -> None:
    answer = client.patch("/api/v1/council", json=given, headers=world.headers)
    assert answer.status_code == 200, answer.text


def test_texts_go_by_the_councils_own_order_of_providers(
    client: Client, loft: Path, work: Work, inbox: Mailbox
) -> None:
    zed, far = make_world(), make_other_council()
    choose_settings(client, zed, providers={"sms_providers": "file, pigeon"})
    for world, phone, topic in ((zed, "07700 900001", "bins"), (far, "07700 900002", "potholes")):
        add_resident(world, phone=phone, topics=[topic])
        created(client, world.headers, topic=topic, channels=["sms"], send=True)
    work()
    assert inbox.texts() == {"+447700900001": 1}
    carried = "".join(note.read_text() for note in loft.iterdir())
    assert "+447700900002" in carried
    assert "+447700900001" not in carried


@pytest.mark.parametrize(
    ("cadence", "due"),
    [("daily", datetime(2027, 3, 4, 7, 30, tzinfo=UTC)), ("weekly", datetime(2027, 3, 8, 7, 30, tzinfo=UTC))],
)
def test_digests_are_due_at_the_councils_own_time(client: Client, cadence: str, due: datetime) -> None:
    world = make_world()
    choose_settings(client, world, digest_time="07:30", digest_day=1)
    at = datetime(2027, 3, 3, 12, 0, tzinfo=UTC)  # a Wednesday
    asked = text("SELECT digest_due(:cadence, CAST(:at AS timestamptz), CAST(:council AS uuid))")
    with transaction() as session:
        own = session.execute(asked, {"cadence": cadence, "at": at, "council": world.council_id}).scalar_one()
        usual = session.execute(asked, {"cadence": cadence, "at": at, "council": None}).scalar_one()
        before = session.execute(text("SELECT digest_due(:cadence, :at)"), {"cadence": cadence, "at": at}).scalar_one()
    assert own == due
    assert usual == before


def test_who_got_what_is_kept_as_long_as_the_council_says(client: Client, work: Work, inbox: Mailbox) -> None:
    zed, far = make_world(), make_other_council()
    choose_settings(client, zed, retention_days=60)
    for world, topic in ((zed, "bins"), (far, "potholes")):
        add_resident(world, f"{topic}@example.org", topics=[topic])
        created(client, world.headers, topic=topic, send=True)
    work()

    def later(days: int) -> list[str]:
        columns = ("changed_at", "expanded_at", "finished_at")
        moved = ", ".join(f"{column} = {column} - make_interval(days => :days)" for column in columns)
        with transaction() as session:
            session.execute(text(f"UPDATE alert SET {moved} WHERE detail_removed_at IS NULL"), {"days": days})
        retention.run()
        kept = "SELECT t.slug FROM alert a JOIN topic t ON t.id = a.topic_id WHERE a.detail_removed_at IS NULL"
        with transaction() as session:
            return list(session.execute(text(kept)).scalars())

    assert later(31) == ["bins"]
    assert later(30) == []


def test_a_time_before_an_election_is_the_councils(client: Client) -> None:
    world = make_world()
    period = {"first_day": "2027-03-22", "last_day": "6 May 2027"}
    choose_settings(client, world, pre_election=[period])
    with transaction() as session:
        own = council_settings(session, world.council_id)
    first = date(2027, 3, 22)
    assert own.election_on(first)
    assert own.election_on(first - timedelta(days=1)) is None
