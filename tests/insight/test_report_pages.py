"""The council's figures: what each page and the API say is what the rollups hold, for the days that were asked for."""

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from uuid import UUID

import pytest
from litestar import Litestar
from litestar.testing import TestClient
from sqlalchemy import text

from notify.app import PAGES as MODULES
from notify.core import clock
from notify.core.db import transaction
from notify.insight import period, rollups
from notify.insight.period import Period, chosen
from notify.staff.menu import Menu
from notify.staff.models import KeyMode, Role
from tests.alerts.calls import created, neighbour
from tests.charts.pages import Figure, figures, words
from tests.world import NORTH, SOUTH, World, add_resident, at_the_desk, make_key, make_world

Client = TestClient[Litestar]
Work = Callable[[], None]
REPORTS = [item for module in MODULES for item in getattr(module, "MENU_ITEMS", ()) if item.menu is Menu.REPORTS]
PAGES = ("", "/topics", "/wards", "/channels", "/providers", "/languages", "/topics/bins", f"/wards/{SOUTH}")
FLAT = {"accept": "text/html"}


@pytest.fixture
def world(client: Client) -> World:
    return make_world()


@pytest.fixture
def desk(world: World) -> dict[str, str]:
    """A browser of somebody who writes alerts."""
    return at_the_desk(make_key(world, Role.AUTHOR)) | FLAT


LINK = "https://zed.example.org/bins"


def sent_some(client: Client, world: World, work: Work) -> None:
    """Two alerts about bins and one about roads, to two wards and by two ways, with clicks; one month apart."""
    add_resident(world, "a@example.org", topics=["bins", "road-closures"], tracking_consent=True)
    add_resident(world, "b@example.org", postcodes=["ZZ2 1AA"], language="cy", topics=["bins"], tracking_consent=True)
    add_resident(
        world, "c@example.org", phone="07700 900001", postcodes=["ZZ2 1AB"], topics=["bins"], tracking_consent=True
    )
    made = [
        created(client, world.headers, topic="bins", title="Bins on Friday", link=LINK, send=True),
        created(
            client,
            world.headers,
            topic="bins",
            title="Bins on Monday",
            audience={"wards": [SOUTH]},
            link=LINK,
            send=True,
        ),
        created(client, world.headers, title="Mill Road closed", send=True),
    ]
    work()
    with transaction() as session:
        session.execute(text("UPDATE delivery SET cost = 2000 WHERE channel = 'sms'"))
        for alert in made:
            rollups.count_alert(session, UUID(alert["id"]))
        session.execute(
            text("""
                INSERT INTO rollup_hit (alert_id, kind, verdict, channel, link, device, hour, times)
                SELECT :alert, 'clicked', verdict, 'email', 0, 'phone', date_trunc('hour', business_now()), times
                FROM (VALUES ('human', 3), ('machine', 7)) AS click (verdict, times)
            """),
            {"alert": made[0]["id"]},
        )


def shown(client: Client, desk: dict[str, str], path: str = "", **asked: str) -> Mapping[str, Figure]:
    reply = client.get(f"/staff/figures{path}", params=asked, headers=desk)
    assert reply.status_code == 200, reply.text
    return figures(reply.text)


def column(figure: Figure, place: int = -1) -> dict[str, str]:
    return {label: cells[place] for label, cells in figure.rows.items()}


@pytest.mark.parametrize("path", PAGES)
def test_with_nothing_sent_every_page_says_what_would_be_there(
    client: Client, world: World, desk: dict[str, str], path: str
) -> None:
    page = client.get(f"/staff/figures{path}", headers=desk)
    assert page.status_code == 200
    assert "Nothing went out in these days." in page.text
    assert all(not figure.rows for figure in figures(page.text).values())


@pytest.mark.parametrize("path", [item.href for item in REPORTS])
def test_every_chart_of_every_section_has_its_numbers_beside_it(
    client: Client, world: World, work: Work, path: str
) -> None:
    sent_some(client, world, work)
    page = client.get(path, headers=at_the_desk(make_key(world, Role.ADMIN)) | FLAT)
    assert page.status_code == 200
    figures(page.text)
    for item in REPORTS:
        assert f'href="{item.href}' in page.text, item.href


def test_the_overview_says_what_was_sent(client: Client, world: World, work: Work, desk: dict[str, str]) -> None:
    sent_some(client, world, work)
    page = client.get("/staff/figures", headers=desk).text
    said = words(page)
    for told in ("Alerts 3", "Messages sent 8", "Not bounced 100.0%", "Clicks (people, estimated) 3"):
        assert told in said, told
    assert "Cost £0.04" in said
    found = figures(page)
    month = f"{period.today():%b %Y}"
    assert found["Messages by month"].rows[month] == ["8", "0"]
    assert len(found["Messages by month"].rows) == 12
    assert column(found["Message status by topic"]) == {"Bin collections": "7", "Road closures": "1"}
    assert 'href="/staff/figures/topics/bins?period=year"' in page


def test_each_breakdown_says_what_the_ledger_says(
    client: Client, world: World, work: Work, desk: dict[str, str]
) -> None:
    sent_some(client, world, work)
    became = "Message status by {}"
    assert column(shown(client, desk, "/topics")[became.format("topic")]) == {
        "Bin collections": "7",
        "Road closures": "1",
    }
    assert column(shown(client, desk, "/wards")[became.format("ward")]) == {"Southside": "6", "Northside": "2"}
    assert column(shown(client, desk, "/channels")[became.format("way")]) == {"Email": "6", "Text message": "2"}
    assert column(shown(client, desk, "/languages")[became.format("language")]) == {"English": "6", "Welsh": "2"}
    assert sum(int(one) for one in column(shown(client, desk, "/providers")[became.format("provider")]).values()) == 8
    assert column(shown(client, desk, "/wards")["Messages by ward"], 1) == {"Southside": "6", "Northside": "2"}
    clicks = shown(client, desk, "/topics")["Clicks (people, estimated) for each 100 tracked emails"]
    # of five e-mails with a counted link: texts hold none, and nothing about roads is ever counted
    assert column(clicks) == {"Bin collections": "60.0", "Road closures": "not known"}


def test_one_topic_and_one_ward_have_pages_of_their_own(
    client: Client, world: World, work: Work, desk: dict[str, str]
) -> None:
    sent_some(client, world, work)
    bins = shown(client, desk, "/topics/bins")
    assert column(bins["Alerts"]) == {"Bins on Friday": "4", "Bins on Monday": "3"}
    assert column(bins["Messages by ward"], 1) == {"Southside": "6", "Northside": "1"}
    south = shown(client, desk, f"/wards/{SOUTH}")
    assert column(south["Alerts"]) == {"Bins on Friday": "3", "Bins on Monday": "3"}
    assert client.get("/staff/figures/topics/nothing", headers=desk).status_code == 404
    assert client.get("/staff/figures/wards/Z09999999", headers=desk).status_code == 404


def test_the_days_are_chosen_in_a_form(client: Client, world: World, work: Work, desk: dict[str, str]) -> None:
    sent_some(client, world, work)
    with transaction() as session:
        session.execute(text("UPDATE rollup_alert SET started_at = started_at - interval '2 years'"))
    assert not shown(client, desk)["Messages by month"].rows
    then = clock.now().date() - timedelta(days=731)
    found = shown(client, desk, since=str(then - timedelta(days=3)), until=str(then + timedelta(days=3)))
    assert len(found["Messages by day"].rows) == 7
    assert sum(int(one) for one in column(found["Messages by day"], 0).values()) == 8


def test_tests_and_other_councils_are_not_in_them(
    client: Client, world: World, work: Work, desk: dict[str, str]
) -> None:
    add_resident(world, "a@example.org", topics=["bins"])
    add_resident(world, "delivered@simulator.example.org", topics=["bins"])
    created(client, make_key(world, Role.ADMIN, mode=KeyMode.TEST), topic="bins", send=True)
    created(client, neighbour(), send=True)
    work()
    rollups.keep_up()
    assert not shown(client, desk)["Message status by topic"].rows


def test_what_changed_stands_beside_the_figures_of_its_topic_alone(
    client: Client, world: World, work: Work, desk: dict[str, str]
) -> None:
    sent_some(client, world, work)
    for note in ({"words": "New lorries."}, {"words": "Bins come earlier.", "topic": "bins"}):
        assert client.post("/staff/figures/notes", data=note, headers=desk, follow_redirects=False).status_code == 303
    overview, bins, roads = (
        client.get(f"/staff/figures{path}", headers=desk).text for path in ("", "/topics/bins", "/topics/road-closures")
    )
    assert ["New lorries." in page for page in (overview, bins, roads)] == [True, True, True]
    assert ["Bins come earlier." in page for page in (overview, bins, roads)] == [True, True, False]
    assert figures(overview)["Messages by month"].rows["Note 1"] == [f"{clock.now():%-d %b %Y}"]
    refused = client.post("/staff/figures/notes", data={"words": "", "topic": "bins"}, headers=desk)
    assert (refused.status_code, "Write what changed:" in refused.text) == (422, True)


def test_programs_get_the_same_lines(client: Client, world: World, work: Work) -> None:
    sent_some(client, world, work)

    def asked(**values: str) -> dict[str, int]:
        reply = client.get("/api/v1/figures", params=values, headers=world.headers)
        assert reply.status_code == 200, reply.text
        return {one["key"]: one["sent"] for one in reply.json()["figures"]}

    assert asked(by="topic") == {"bins": 7, "road-closures": 1}
    assert asked(by="ward", topic="bins") == {SOUTH: 6, NORTH: 1}
    assert asked(by="channel", ward=NORTH) == {"email": 2}
    assert asked() == {f"{period.today():%Y-%m}": 8}
    [line] = client.get("/api/v1/figures?by=channel&topic=bins", headers=world.headers).json()["figures"][1:]
    assert (line["name"], line["cost_pence"], line["unpriced"]) == ("sms", 4.0, 0)
    wrong = client.get("/api/v1/figures?since=2026-02-01&until=2026-01-01", headers=world.headers)
    assert (wrong.status_code, wrong.json()["title"]) == (422, "These days cannot be read")
    assert client.get("/api/v1/figures?by=nothing", headers=world.headers).status_code == 422
    assert client.get("/api/v1/figures?topic=nothing", headers=world.headers).status_code == 404


@pytest.mark.parametrize(
    ("asked", "since", "until"),
    [
        ({}, date(2025, 6, 1), date(2026, 5, 10)),
        ({"period": "month"}, date(2026, 5, 1), date(2026, 5, 10)),
        ({"period": "last-month"}, date(2026, 4, 1), date(2026, 4, 30)),
        ({"period": "quarter"}, date(2026, 4, 1), date(2026, 5, 10)),
        ({"period": "last-quarter"}, date(2026, 1, 1), date(2026, 3, 31)),
        ({"period": "days", "since": "2026-03-29", "until": "2026-03-30"}, date(2026, 3, 29), date(2026, 3, 30)),
        ({"since": "2026-03-30", "until": "2026-03-29"}, date(2025, 6, 1), date(2026, 5, 10)),
        ({"since": "yesterday", "until": "0000-00-00"}, date(2025, 6, 1), date(2026, 5, 10)),
    ],
)
def test_periods_are_what_people_mean(
    monkeypatch: pytest.MonkeyPatch, asked: dict[str, str], since: date, until: date
) -> None:
    monkeypatch.setattr(period, "today", lambda: date(2026, 5, 10))
    found = chosen(asked)
    assert (found.since, found.until) == (since, until)
    assert chosen({name: value for name, _, value in (part.partition("=") for part in found.query.split("&"))}) == found


def test_a_period_is_compared_with_as_long_a_time_before() -> None:
    assert Period(date(2026, 5, 1), date(2026, 5, 10), "month").before() == Period(date(2026, 4, 1), date(2026, 4, 10))
    assert Period(date(2026, 3, 1), date(2026, 3, 31), "last-month").before().until == date(2026, 2, 28)
    assert Period(date(2025, 6, 1), date(2026, 5, 10), "year").before().since == date(2024, 6, 1)
    assert Period(date(2026, 5, 5), date(2026, 5, 6)).before() == Period(date(2026, 5, 3), date(2026, 5, 4))
