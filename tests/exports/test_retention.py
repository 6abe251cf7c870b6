"""What is about single recipients goes in time, the figures say the same before and after, and it is written down."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from email.message import EmailMessage
from uuid import UUID, uuid4

import pytest
from litestar import Litestar
from litestar.testing import TestClient
from sqlalchemy import text

from notify.core import clock
from notify.core.db import engine, transaction
from notify.exports import catalogue, retention
from notify.exports.models import RetentionRun
from notify.insight import rollups
from notify.staff.models import Role
from tests import moments
from tests.alerts.calls import act, created
from tests.mailbox import Mailbox
from tests.tracking.reading import link, one_click_path, read_on
from tests.world import World, add_resident, administrator, at_the_desk, make_key, make_world

Client = TestClient[Litestar]
Work = Callable[[], None]
FIGURES = ("alert-figures", "alert-cells", "alert-hours", "alert-hits", "spend", "topics", "wards")
# what tells when figures were counted, which a last count does change
MOMENTS = ("counted_at", "changed_at", "is_final")


@pytest.fixture
def world(client: Client) -> Iterator[World]:
    yield make_world()
    with transaction() as session:  # months that a test dropped
        session.execute(text("SELECT make_month_partitions(3)"))


@pytest.fixture
def sent(client: Client, world: World, work: Work, inbox: Mailbox) -> str:
    """An alert to three residents of whom one clicked, one answered and one left."""
    retention.run()  # empty months that other tests left are dropped now, and not in what is looked at
    add_resident(world, "a@example.org", topics=["bins"], postcodes=["ZZ1 1AA"], tracking_consent=True)
    add_resident(world, "b@example.org", topics=["bins"], postcodes=["ZZ2 1AA"], language="cy")
    add_resident(world, "c@example.org", phone="07700 900001", topics=["bins"], postcodes=["ZZ2 1AB"])
    alert = created(client, world.headers, topic="bins", link="https://example.org/bins", send=True)
    work()
    read_on(client, link(mail_to(inbox, "a@example.org"), "/c/"))
    assert client.post(one_click_path(mail_to(inbox, "b@example.org")), content="List-Unsubscribe=One-Click").is_success
    rollups.keep_up()
    return str(alert["id"])


def mail_to(inbox: Mailbox, address: str) -> EmailMessage:
    """The mail that this resident got."""
    [mail] = [mail for mail in inbox.messages() if address in str(mail["To"])]
    return mail


def later(days: int) -> None:
    """So many days pass: what happened lies so much further back, in the very partition it is in."""
    columns = ("changed_at", "expanded_at", "finished_at")
    moved = ", ".join(f"{column} = {column} - make_interval(days => :days)" for column in columns)
    with transaction() as session:
        session.execute(text(f"UPDATE alert SET {moved}"), {"days": days})


def figures(client: Client, world: World) -> dict[str, object]:
    """Every figure that is handed out, without the moments at which it was counted."""
    found = {name: client.get(f"/api/v1/extracts/{name}", headers=world.headers).json()["rows"] for name in FIGURES}
    return {
        name: [{column: value for column, value in row.items() if column not in MOMENTS} for row in rows]
        for name, rows in found.items()
    }


def left(alert_id: str) -> dict[str, int]:
    """The rows that are left of an alert, by table."""
    with transaction() as session:
        counted = {
            table: session.execute(
                text(f"SELECT count(*) FROM {table} WHERE alert_id = :id"), {"id": alert_id}
            ).scalar()
            for table in retention.DETAIL
        }
    return {table: int(count) for table, count in counted.items() if count}


def test_figures_are_the_same_before_and_after(client: Client, world: World, sent: str) -> None:
    before = figures(client, world)
    shown = client.get(f"/api/v1/alerts/{sent}/analytics", headers=world.headers).json()
    kept = client.post("/staff/archive/export", data={"form": "json"}, headers=at_the_desk(make_key(world, Role.ADMIN)))
    assert {"delivery", "event", "hit", "reader", "batch"} <= left(sent).keys()
    later(31)
    done = retention.run()
    assert done is not None
    assert done.alerts == 1
    assert done.removed["delivery"] == 4
    assert left(sent) == {}
    assert figures(client, world) == before
    now = client.get(f"/api/v1/alerts/{sent}/analytics", headers=world.headers).json()
    for name in ("by_channel", "by_language", "by_ward"):
        shown[name], now[name] = (sorted(one[name], key=lambda group: str(group["code"])) for one in (shown, now))
    for one in (shown, now):
        one.pop("counted_at", None)
    assert now == shown
    again = client.post(
        "/staff/archive/export", data={"form": "json"}, headers=at_the_desk(make_key(world, Role.ADMIN))
    )
    assert [one["figures"] for one in again.json()] == [one["figures"] for one in kept.json()]
    assert retention.run() is None


def test_nothing_goes_before_its_time(client: Client, world: World, sent: str) -> None:
    before = left(sent)
    later(29)
    assert retention.run() is None
    assert left(sent) == before


def test_an_alert_of_which_something_waits_is_held_back(client: Client, world: World, sent: str) -> None:
    with transaction() as session:
        session.execute(text("UPDATE delivery SET state = 'created' WHERE number = 1"))
    later(31)
    assert retention.run() is None
    with transaction() as session:
        found = retention.outlook(session)
    assert (found.alerts, found.held_back) == (0, 1)
    assert left(sent)["delivery"] == 4


def test_who_follows_an_alert_keeps_it_alive_and_nothing_follows_what_is_gone(
    client: Client, world: World, sent: str, work: Work
) -> None:
    later(31)
    news = {"title": "News", "body": "News."}
    assert act(client, world.headers, sent, "update", news).status_code == 201
    work()
    assert retention.run() is None
    later(31)
    assert retention.run() is not None
    assert left(sent) == {}
    refused = act(client, world.headers, sent, "update", news)
    assert refused.status_code == 409
    assert "we no longer know who got the first alert" in refused.json()["detail"]


def test_pages_say_that_it_is_gone(client: Client, world: World, sent: str) -> None:
    later(31)
    retention.run()
    gone = client.get(f"/api/v1/alerts/{sent}/deliveries", headers=world.headers)
    assert (gone.status_code, gone.json()["type"]) == (410, "/problems/detail-removed")
    desk = at_the_desk(make_key(world, Role.ADMIN))
    assert "We no longer know who got this alert" in client.get(f"/staff/alerts/{sent}/missed", headers=desk).text
    assert client.get(f"/staff/alerts/{sent}", headers=desk).status_code == 200
    assert client.get("/staff/archive", headers=desk).status_code == 200
    page = client.get("/staff/exports/retention", headers=desk).text
    assert "4 delivery" in page
    assert "30 days" in page


def test_whoever_finds_an_old_mail_can_still_leave(client: Client, world: World, sent: str, inbox: Mailbox) -> None:
    """Also when the month that knew of the mail is dropped."""
    later(31)
    retention.run()
    with engine().begin() as connection:
        month = connection.execute(text("SELECT ledger_month FROM alert")).scalar_one()
        for ledger in retention.LEDGERS:
            connection.execute(text(f"DROP TABLE {ledger}_{month:%Y%m}"))
    leaving = one_click_path(mail_to(inbox, "c@example.org"))
    assert client.get(leaving).status_code == 200
    assert client.post(leaving, content="List-Unsubscribe=One-Click").status_code == 200
    read_on(client, link(mail_to(inbox, "a@example.org"), "/c/"))
    with transaction() as session:
        by_mail = text("SELECT count(*) FROM subscription WHERE ended_at IS NULL AND 'email' = ANY(channels)")
        assert session.execute(by_mail).scalar() == 1


def old_month(world: World, *, days: int) -> tuple[str, UUID]:
    """A month so long ago, with one finished alert in it; its name in partitions, and the alert."""
    at = moments.present() - timedelta(days=days)
    with transaction() as session:
        session.execute(text("SELECT make_month(date_trunc('month', CAST(:at AS date))::date)"), {"at": at.date()})
        alert_id = uuid4()
        session.execute(
            text("""
                INSERT INTO alert (id, council_id, topic_id, priority, title, body, translations, channels, state,
                                   is_test, content_hash, created_by, created_at, changed_at, expanded_at, finished_at,
                                   approved_at, ledger_month, submission, asks_reply, is_training)
                SELECT :id, council_id, id, 'routine', 'Old', 'Old.', '{}', '{email}', 'sent', false, '', 'test',
                       :at, :at, :at, :at, :at, date_trunc('month', CAST(:at AS date))::date, 1, false, false
                FROM topic WHERE slug = 'bins'
            """),
            {"id": alert_id, "at": at},
        )
        session.execute(
            text("""
                INSERT INTO delivery (month, alert_id, number, contact_id, subscriber_id, channel, language, state,
                                      sent_at, changed_at)
                SELECT ledger_month, id, n, gen_random_uuid(), gen_random_uuid(), 'email', 'en', 'delivered', :at, :at
                FROM alert, generate_series(1, 12000) AS n WHERE id = :id
            """),
            {"id": alert_id, "at": at},
        )
    return f"{at:%Y%m}", alert_id


def test_a_month_in_which_nothing_is_left_is_dropped_whole(client: Client, world: World) -> None:
    month, alert_id = old_month(world, days=100)
    with transaction() as session:
        found = retention.outlook(session)
    assert found.held_back == 1, "it was never counted"
    done = retention.run()
    assert done is not None
    assert done.removed == {"delivery": 12_000}
    assert f"delivery_{month}" in done.partitions
    assert f"hit_{month}" in done.partitions
    with transaction() as session:
        assert session.execute(text("SELECT to_regclass(:part)"), {"part": f"event_{month}"}).scalar() is None
    (row,) = client.get("/api/v1/extracts/alert-figures", headers=world.headers).json()["rows"]
    assert (row["alert_id"], row["delivered"], row["is_final"]) == (str(alert_id), 12_000, True)


def test_a_month_that_somebody_reads_is_left_for_the_next_round(
    client: Client, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "PATIENCE", "200ms")
    month, _ = old_month(world, days=100)
    with engine().connect() as reader:
        reader.execute(text(f"SELECT 1 FROM delivery_{month} LIMIT 1"))  # a long transaction that only looks
        done = retention.run()
        assert done is not None
        assert f"delivery_{month}" not in done.partitions
        assert done.removed == {"delivery": 12_000}
        with engine().begin() as writer:  # nobody else is held up meanwhile
            writer.execute(text("SELECT count(*) FROM delivery"))
    again = retention.run()
    assert again is not None
    assert f"delivery_{month}" in again.partitions


def test_a_round_that_was_killed_goes_on(client: Client, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    month, alert_id = old_month(world, days=100)

    def power_cut(*_: object) -> int:
        raise ConnectionError

    with monkeypatch.context() as patched:
        patched.setattr(retention, "_remove", power_cut)
        stopped = retention.run()
    assert stopped is not None
    assert "ConnectionError" in stopped.problem
    assert left(str(alert_id)) == {"delivery": 12_000}
    done = retention.run()
    assert done is not None
    assert (done.removed, done.problem) == ({"delivery": 12_000}, "")
    assert f"delivery_{month}" in done.partitions


def test_keys_of_pseudonyms_are_destroyed_after_two_days(client: Client, world: World, sent: str) -> None:
    with transaction() as session:
        session.execute(
            text(
                "INSERT INTO visitor_key (day, key) SELECT CAST(:day AS date) - n, 'k' FROM generate_series(0, 4) n "
                "ON CONFLICT DO NOTHING"
            ),
            {"day": clock.now().date()},
        )
    done = retention.run()
    assert done is not None
    assert done.keys == 3
    with transaction() as session:
        assert session.execute(text("SELECT count(*) FROM visitor_key")).scalar() == 2
        assert session.get(RetentionRun, done.id) is not None


def test_personal_data_sets_stay_as_they_are(client: Client, world: World, sent: str) -> None:
    """Who agreed to what and who was asked is the record, not detail of an alert."""
    names = [name for name in catalogue.DATA_SETS if catalogue.DATA_SETS[name].is_personal and name != "audit-entries"]
    before = [client.get(f"/api/v1/extracts/{name}", headers=administrator(world)).json()["rows"] for name in names]
    later(31)
    retention.run()
    after = [client.get(f"/api/v1/extracts/{name}", headers=administrator(world)).json()["rows"] for name in names]
    assert after == before
