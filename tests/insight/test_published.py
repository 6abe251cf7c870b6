"""A council's figures for everybody: off until it says so, whole months, small numbers withheld, open data beside."""

import csv
import io
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from litestar import Litestar
from litestar.testing import TestClient
from sqlalchemy import text

from notify.core import clock
from notify.core.db import transaction
from notify.insight.open_data import publication, tables
from notify.insight.period import month_before, today
from notify.staff.models import Role
from tests.alerts.calls import neighbour
from tests.insight.desk import submit
from tests.world import NORTH, SOUTH, World, add_resident, add_residents, at_the_desk, make_key, make_world

Client = TestClient[Litestar]


@pytest.fixture
def world(client: Client) -> World:
    return make_world()


def publish(client: Client, world: World, **fields: object) -> None:
    said = {"is_on": True, "shows_cost": True, "contact": "data@example.org"} | fields
    answer = client.put("/api/v1/publication", json=said, headers=world.headers)
    assert answer.status_code == 200, answer.text


def went_out(
    world: World,
    topic: str,
    at: datetime,
    *,
    sent: int,
    failed: int = 0,
    complained: int = 0,
    priority: str = "routine",
    cost: int = 0,
) -> UUID:
    """An alert as rollups remember it, of any month."""
    alert = uuid4()
    counts = {"council": world.council_id, "topic": topic, "at": at, "sent": sent, "failed": failed, "cost": cost}
    values = counts | {"alert": alert, "priority": priority, "complained": complained}
    with transaction() as session:
        session.execute(text(ALERT), values)
        session.execute(text(ROLLUP), values)
        session.execute(text(CELL), values)
    return alert


ALERT = """
    INSERT INTO alert (id, council_id, topic_id, priority, title, body, channels, state, is_test, content_hash,
                       submission, created_by, created_at, changed_at, translations, asks_reply, is_training)
    SELECT :alert, :council, t.id, :priority, 'Then', 'Then.', '{email}', 'draft', false, '', 0, 'test', :at, :at, '{}',
           false, false
    FROM topic t WHERE t.council_id = :council AND t.slug = :topic
"""
NAMES = """recipients, sent, delivered, permanent_failure, temporary_failure, technical_failure, unknown, suppressed,
    cancelled, expired, waiting, cost, unpriced"""
NUMBERS = ":sent, :sent, 0, :failed, 0, 0, 0, 0, 0, 0, 0, :cost, 0"
ROLLUP = f"""
    INSERT INTO rollup_alert (alert_id, council_id, topic_id, started_at, {NAMES}, unsubscribed, complained, counted_at,
                              took, is_final)
    SELECT :alert, :council, t.id, :at, {NUMBERS}, 0, :complained, :at, interval '1 s', true
    FROM topic t WHERE t.council_id = :council AND t.slug = :topic
"""
CELL = f"""
    INSERT INTO rollup_cell (alert_id, channel, language, ward_code, provider, {NAMES}, agreed)
    VALUES (:alert, 'email', 'en', '', 'smtp', {NUMBERS}, :sent)
"""


def month_ago(months: int) -> datetime:
    """The tenth of a month that is over."""
    first = datetime.combine(month_before(today(), months), datetime.min.time(), UTC)
    return first + timedelta(days=9, hours=12)


def rows_of(client: Client, name: str, council: str = "zed") -> list[dict[str, Any]]:
    answer = client.get(f"/performance/{council}/{name}.json")
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["rows"]
    return found


def test_nothing_is_public_before_the_council_says_so_and_nothing_after_it_stops(client: Client, world: World) -> None:
    paths = ("/performance", "/performance?council=zed", "/performance/zed/alerts-by-month.csv")
    for path in paths:
        answer = client.get(path, headers={"Accept": "text/html", "Accept-Language": "en"})
        assert answer.status_code == 404
        assert "publish" in answer.text
    publish(client, world)
    assert [client.get(path).status_code for path in paths] == [200, 200, 200]
    publish(client, world, is_on=False)
    assert [client.get(path).status_code for path in paths] == [404, 404, 404]
    assert client.get("/performance/catalog.jsonld").json()["dcat:dataset"] == []
    with transaction() as session:
        noted = session.execute(text("SELECT action FROM audit_entry WHERE action LIKE 'figures.%' ORDER BY id"))
        assert noted.scalars().all() == ["figures.publish", "figures.withdraw"]


def test_figures_are_those_of_whole_months(client: Client, world: World) -> None:
    went_out(world, "bins", month_ago(1), sent=200, failed=20, cost=50_000)
    went_out(world, "emergencies", month_ago(1), sent=100, priority="emergency")
    went_out(world, "bins", month_ago(2), sent=50)
    went_out(world, "bins", clock.now(), sent=1000)  # this month is not over
    publish(client, world)
    last, before = rows_of(client, "alerts-by-month")[-1], rows_of(client, "alerts-by-month")[-2]
    assert (last["alerts"], last["emergencies"], last["people"], last["delivered_percent"]) == (2, 1, 300, 93.3)
    assert (before["alerts"], before["people"], before["delivered_percent"]) == (1, 50, 100.0)
    with transaction() as session:
        direct = session.execute(
            text("SELECT sum(sent) FROM rollup_alert WHERE started_at < date_trunc('month', business_now())")
        ).scalar_one()
    assert sum(row["people"] for row in rows_of(client, "alerts-by-month")) == direct
    assert {row["topic"]: row["people"] for row in rows_of(client, "alerts-by-topic")} == {
        "bins": 250,
        "emergencies": 100,
    }
    assert rows_of(client, "costs-by-month")[-1]["pounds"] == 0.5


def test_small_numbers_are_withheld_with_what_would_tell_them(client: Client, world: World) -> None:
    went_out(world, "bins", month_ago(1), sent=3, cost=9000, complained=2)
    went_out(world, "bins", month_ago(2), sent=40, failed=2, cost=120_000, complained=9)
    went_out(world, "bins", month_ago(3), sent=400, cost=1_200_000, complained=20)
    publish(client, world)
    months = rows_of(client, "alerts-by-month")
    assert [row["people"] for row in months[-3:]] == [400, "[c]", "<5"]
    assert [row["delivered_percent"] for row in months[-3:]] == [100.0, "[c]", "[c]"]
    assert [row["pounds"] for row in rows_of(client, "costs-by-month")[-3:]] == [12.0, "[c]", "[c]"]
    assert [row["complaints"] for row in rows_of(client, "complaints-by-month")[-3:]] == [20, "[c]", "<5"]
    page = client.get("/performance?council=zed", headers={"Accept-Language": "en"}).text
    assert "fewer than 5" in page
    welsh = client.get("/performance?council=zed&lang=cy").text
    assert "llai na 5" in welsh


def test_sign_ups_are_counted_by_ward_once_a_month(client: Client, world: World) -> None:
    add_residents(world, [f"n{number}@example.org" for number in range(6)], postcodes=["ZZ1 1AA"])
    add_residents(world, [f"s{number}@example.org" for number in range(12)], postcodes=["ZZ2 1AA"])
    publish(client, world)
    assert {row["ward"]: row["people"] for row in rows_of(client, "sign-ups-by-ward")} == {NORTH: 6, SOUTH: 12}
    add_resident(world, "late@example.org", postcodes=["ZZ1 1AA"])
    went_out(world, "bins", month_ago(1), sent=100)  # counted late, and not to be seen before the month is over
    publish(client, world, is_on=False)
    publish(client, world)
    assert {row["ward"]: row["people"] for row in rows_of(client, "sign-ups-by-ward")} == {NORTH: 6, SOUTH: 12}
    assert rows_of(client, "alerts-by-topic") == []
    with transaction() as session:
        assert publication.renew(session) == 0
        session.execute(text("UPDATE publication SET made_at = made_at - interval '40 days'"))
    with transaction() as session:
        assert publication.renew(session) == 1
    assert {row["ward"]: row["people"] for row in rows_of(client, "sign-ups-by-ward")} == {NORTH: 7, SOUTH: 12}
    assert [row["people"] for row in rows_of(client, "alerts-by-topic")] == [100]


def test_data_are_files_that_programs_may_take_from_anywhere(client: Client, world: World) -> None:
    went_out(world, "bins", month_ago(1), sent=200)
    publish(client, world)
    answer = client.get("/performance/zed/alerts-by-month.csv")
    header, *rows = csv.reader(io.StringIO(answer.text))
    assert header == [column.name for column in tables.BY_MONTH.columns]
    assert rows[-1][:3] == [month_ago(1).strftime("%Y-%m"), "1", "0"]
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["content-type"].startswith("text/csv")
    for condition in (
        {"If-None-Match": answer.headers["etag"]},
        {"If-Modified-Since": answer.headers["last-modified"]},
    ):
        assert client.get("/performance/zed/alerts-by-month.csv", headers=condition).status_code == 304
    old = {"If-Modified-Since": "Thu, 01 Jan 2026 00:00:00 GMT"}
    assert client.get("/performance/zed/alerts-by-month.csv", headers=old).status_code == 200
    for missing in ("alerts-by-month.xlsx", "nothing.csv", "alerts-by-month", "..%2F..%2Fetc"):
        assert client.get(f"/performance/zed/{missing}").status_code == 404
    assert client.get("/performance/yon/alerts-by-month.csv").status_code == 404
    publish(client, world, shows_cost=False)
    assert client.get("/performance/zed/costs-by-month.csv").status_code == 404


def test_the_catalogue_leads_to_every_file_and_the_schema_names_every_column(client: Client, world: World) -> None:
    publish(client, world)
    found = client.get("/performance/catalog.jsonld")
    assert found.headers["content-type"].startswith("application/ld+json")
    catalogue = found.json()
    assert catalogue["@type"] == "dcat:Catalog"
    assert len(catalogue["dcat:dataset"]) == len(tables.TABLES)
    for dataset in catalogue["dcat:dataset"]:
        for needed in ("dct:title", "dct:description", "dct:publisher", "dct:modified", "dcat:contactPoint"):
            assert dataset[needed], needed
        for distribution in dataset["dcat:distribution"]:
            assert "open-government-licence/version/3" in distribution["dct:license"]["@id"]
            for link in ("dcat:downloadURL",):
                path = distribution[link]["@id"].partition("/performance/")[2]
                assert client.get(f"/performance/{path}").status_code == 200
    schema = client.get("/performance/zed/csv-metadata.json").json()
    for table in schema["tables"]:
        name = table["url"].rpartition("/")[2]
        header = client.get(f"/performance/zed/{name}").text.splitlines()[0].split(",")
        assert [column["name"] for column in table["tableSchema"]["columns"]] == header
        assert all(len(column["dct:description"]) == 2 for column in table["tableSchema"]["columns"])


def test_the_only_council_that_publishes_is_shown_and_several_are_listed(client: Client, world: World) -> None:
    publish(client, world)
    assert "Zed Council" in client.get("/performance").text
    answer = client.put("/api/v1/publication", json={"is_on": True}, headers=neighbour())
    assert answer.status_code == 200
    listed = client.get("/performance", headers={"Accept-Language": "en"}).text
    assert "Yon Council" in listed
    assert 'href="/performance?council=zed"' in listed


def test_only_an_administrator_publishes_and_an_address_must_be_one(client: Client, world: World) -> None:
    for role in (Role.VIEWER, Role.APPROVER, Role.MONITORING):
        answer = client.put("/api/v1/publication", json={"is_on": True}, headers=make_key(world, role))
        assert answer.status_code == 403
    desk = at_the_desk(make_key(world, Role.ADMIN))
    path = "/staff/figures/published"
    bad = submit(client, path, {"is_on": "yes", "contact": "javascript:alert(1)"}, desk)
    assert bad.status_code == 422
    assert "Write an e-mail address" in bad.text
    good = submit(client, path, {"is_on": "yes", "shows_cost": "yes", "contact": "https://example.org/ask"}, desk)
    assert "Zed Council shows its figures" in good.text
    assert 'href="https://example.org/ask"' in client.get("/performance").text
    off = submit(client, path, {"is_on": "no"}, desk)
    assert "shows no figures" in off.text
