"""The page of an alert's figures: every picture says what the ledger says, and who may see it sees it."""

import re
from collections.abc import Callable
from uuid import UUID

import pytest
from litestar import Litestar
from litestar.testing import TestClient
from sqlalchemy import text

from notify.core.db import transaction
from notify.insight import rollups
from notify.staff.models import Role
from tests.alerts.calls import created
from tests.charts.pages import Figure, figures, words
from tests.world import NORTH, World, add_resident, at_the_desk, make_key, make_world

Client = TestClient[Litestar]
Work = Callable[[], None]
FLAT = {"accept": "text/html"}


@pytest.fixture
def world(client: Client) -> World:
    return make_world()


@pytest.fixture
def desk(world: World) -> dict[str, str]:
    """A browser of somebody who writes alerts."""
    return at_the_desk(make_key(world, Role.AUTHOR)) | FLAT


def count(alert_id: str) -> None:
    with transaction() as session:
        rollups.count_alert(session, UUID(alert_id))


def went_out(client: Client, world: World, work: Work, **more: object) -> str:
    """An alert to four people of two wards, counted; its id."""
    add_resident(world, "a@example.org", phone="07700 900001", topics=["bins"], language="cy")
    add_resident(world, "b@example.org", topics=["bins"], postcodes=["ZZ2 1AA"])
    alert = created(client, world.headers, topic="bins", link="https://example.org/bins", send=True, **more)
    work()
    with transaction() as session:
        session.execute(
            text("""
                UPDATE delivery SET sent_at = alert.approved_at + number * interval '10 seconds',
                       changed_at = alert.approved_at + interval '15 seconds', cost = 2600,
                       state = CASE WHEN delivery.channel = 'sms' THEN 'permanent-failure'
                                    WHEN ward_code = 'Z05000001' THEN 'delivered' ELSE 'sent' END
                FROM alert WHERE alert.id = delivery.alert_id
            """)
        )
    count(alert["id"])
    return str(alert["id"])


def clicked(alert_id: str, **verdicts: int) -> None:
    """So many clicks of each verdict, in the alert's first hour."""
    with transaction() as session:
        for verdict, times in verdicts.items():
            session.execute(
                text("""
                    INSERT INTO rollup_hit (alert_id, kind, verdict, channel, link, device, hour, times)
                    SELECT :alert, 'clicked', :verdict, 'email', 0, 'phone', date_trunc('hour', started_at), :times
                    FROM rollup_alert WHERE alert_id = :alert
                """),
                {"alert": alert_id, "verdict": verdict, "times": times},
            )


def shown(client: Client, desk: dict[str, str], alert_id: str) -> dict[str, Figure]:
    reply = client.get(f"/staff/alerts/{alert_id}/figures", headers=desk)
    assert reply.status_code == 200, reply.text
    return dict(figures(reply.text))


def test_every_picture_says_what_the_ledger_says(
    client: Client, world: World, work: Work, desk: dict[str, str]
) -> None:
    alert = went_out(client, world, work)
    clicked(alert, human=2, machine=5, unknown=1)
    found = shown(client, desk, alert)
    assert {label: cells[0] for label, cells in found["From the audience to a click"].rows.items()} == {
        "Messages to the audience": "3",
        "Sent": "3",
        "Not bounced": "2",
        "Reported as delivered": "1",
        "Clicks (people, estimated)": "about 2",
    }
    curve = found["How fast it went out"].rows
    assert curve["10 s"] == ["33.3%", "0.0%"]
    assert curve["15 s"] == ["33.3%", "33.3%"]
    assert curve["30 s"] == ["100.0%", "33.3%"]
    assert curve["95% of those sent"] == ["30 s"]
    assert found["By ward"].rows["Northside"][1:] == ["2", "2", "1", "1", "0"]
    assert found["By channel"].rows == {
        "Email": ["1", "1", "0", "0", "0", "2"],
        "Text message": ["0", "0", "1", "0", "0", "1"],
    }
    assert {label: cells[-1] for label, cells in found["By language"].rows.items()} == {"Welsh": "2", "English": "1"}
    assert {label: cells[0] for label, cells in found["Who clicked"].rows.items()} == {
        "People, estimated": "2",
        "Machines: scanners, previews, proxies": "5",
        "Cannot be told": "1",
    }
    assert found["Links"].rows == {"https://example.org/bins": ["2", "5", "1", "8"]}
    assert found["What it was read with"].rows == {"Telephone": ["2", "5", "1", "8"]}


def test_the_tiles_say_cost_and_who_left(client: Client, world: World, work: Work, desk: dict[str, str]) -> None:
    said = words(client.get(f"/staff/alerts/{went_out(client, world, work)}/figures", headers=desk).text)
    assert "Messages that did not come back 2 66.7% of 3" in said
    assert "95% sent within 30 s" in said
    assert "Unsubscribed 0 0 reported it as spam" in said
    assert "Cost £0.08 3.9p each" in said  # 7.8p for two that did not come back


def test_before_the_first_message_the_page_says_what_will_be_there(
    client: Client, world: World, desk: dict[str, str]
) -> None:
    alert = created(client, world.headers)["id"]
    page = client.get(f"/staff/alerts/{alert}/figures", headers=desk).text
    assert "The figures begin a moment after the alert does." in page
    assert figures(page) == {}


def test_an_alert_stands_beside_the_median_of_its_topic(
    client: Client, world: World, work: Work, desk: dict[str, str]
) -> None:
    alert = went_out(client, world, work)
    page = words(client.get(f"/staff/alerts/{alert}/figures", headers=desk).text)
    assert "No other alert of this topic went out in the twelve months before." in page
    for number, sent in enumerate((4, 10, 20), start=1):
        other = created(client, world.headers, topic="bins", link="https://example.org/x", send=True)["id"]
        work()
        count(other)
        with transaction() as session:
            session.execute(
                text("""
                    UPDATE rollup_alert SET started_at = business_now() - make_interval(days => :days),
                           recipients = :sent, sent = :sent, delivered = :sent, cost = :sent * 1000, time_to_95 = :sent,
                           unpriced = 0, unsubscribed = 1, permanent_failure = 0, temporary_failure = 0,
                           technical_failure = 0
                    WHERE alert_id = :alert
                """),
                {"alert": other, "days": number, "sent": sent},
            )
    said = words(client.get(f"/staff/alerts/{alert}/figures", headers=desk).text)
    assert "The median of 3 alerts" in said
    assert "Messages that did not come back 66.7% 100.0% Worse" in said
    assert "Time until 95% were sent 30 s 10 s Worse" in said
    assert "People who left, for each 1,000 messages 0.0 100.0 Better" in said
    assert "Cost of each message that did not come back 3.9p 1.0p Worse" in said


def test_what_changed_is_kept_with_its_author_and_day(
    client: Client, world: World, work: Work, desk: dict[str, str]
) -> None:
    alert = went_out(client, world, work)
    note = {"words": "The street was <clear> by eight.", "day": "2026-03-02"}
    reply = client.post(f"/staff/alerts/{alert}/figures/notes", data=note, headers=desk, follow_redirects=False)
    assert (reply.status_code, reply.headers["location"]) == (303, f"/staff/alerts/{alert}/figures#notes")
    reply = client.get(f"/staff/alerts/{alert}/figures", headers=desk)
    assert "The street was &lt;clear&gt; by eight." in reply.text
    assert "2 March 2026 , written by Sam" in words(reply.text)
    [path] = re.findall(r'action="(/staff/figures/notes/[^"]+/remove)"', reply.text)
    assert client.post(path, headers=desk, follow_redirects=False).status_code == 303
    assert "The street" not in client.get(f"/staff/alerts/{alert}/figures", headers=desk).text
    assert client.post(path, headers=desk).status_code == 404  # it is gone already
    with transaction() as session:
        kept = session.execute(text("SELECT words, removed_by FROM annotation")).one()
        noted = session.execute(text("SELECT action FROM audit_entry WHERE action LIKE 'annotation%' ORDER BY id"))
        assert [row.action for row in noted] == ["annotation.add", "annotation.remove"]
    assert kept.words == "The street was <clear> by eight."
    assert kept.removed_by


def test_an_empty_note_is_not_kept(client: Client, world: World, desk: dict[str, str]) -> None:
    alert = created(client, world.headers)["id"]
    reply = client.post(f"/staff/alerts/{alert}/figures/notes", data={"words": " "}, headers=desk)
    assert reply.status_code == 422
    assert "Write what changed" in reply.text


def test_whoever_only_looks_writes_nothing(client: Client, world: World) -> None:
    alert = created(client, world.headers)["id"]
    viewer = at_the_desk(make_key(world, Role.VIEWER)) | FLAT
    assert "What changed?" not in client.get(f"/staff/alerts/{alert}/figures", headers=viewer).text
    assert client.post(f"/staff/alerts/{alert}/figures/notes", data={"words": "x"}, headers=viewer).status_code == 403


def test_an_officer_sees_the_figures_of_their_own_topics_alone(client: Client, world: World, work: Work) -> None:
    bins, roads = went_out(client, world, work), created(client, world.headers)["id"]
    narrow = make_key(world, Role.AUTHOR)
    with transaction() as session:
        session.execute(text("UPDATE officer SET topics = ARRAY['bins'] WHERE role = 'author'"))
    desk = at_the_desk(narrow) | FLAT
    assert client.get(f"/staff/alerts/{bins}/figures", headers=desk).status_code == 200
    assert client.get(f"/staff/alerts/{roads}/figures", headers=desk).status_code == 404
    assert client.post(f"/staff/alerts/{roads}/figures/notes", data={"words": "x"}, headers=desk).status_code == 404
    assert client.get("/staff/figures", headers=desk).status_code == 403


def test_the_alert_leads_to_its_figures(client: Client, world: World, work: Work, desk: dict[str, str]) -> None:
    alert = went_out(client, world, work)
    assert f'href="/staff/alerts/{alert}/figures"' in client.get(f"/staff/alerts/{alert}", headers=desk).text


def test_programs_get_clicks_by_verdict_beside_what_they_always_got(client: Client, world: World, work: Work) -> None:
    alert = went_out(client, world, work)
    clicked(alert, human=2, machine=5)
    found = client.get(f"/api/v1/alerts/{alert}/analytics", headers=world.headers).json()
    assert found["clicks_by_verdict"] == {"human": 2, "machine": 5, "unknown": 0}
    assert found["by_link"] == [
        {"code": "0", "name": "https://example.org/bins", "human": 2, "machine": 5, "unknown": 0}
    ]
    assert found["by_device"][0]["code"] == "phone"
    assert (found["cost_pence"], found["unpriced"], found["complained"]) == (7.8, 0, 0)
    assert (found["recipients"], found["sent"], found["failed"]) == (3, 3, 1)
    assert found["by_ward"][0]["code"] == NORTH
