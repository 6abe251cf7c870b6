"""From a topic to a sent alert at the desk: counted before, kept when wrong, exactly what was shown."""

from collections.abc import Callable
from datetime import timedelta
from html import unescape
from typing import Any
from urllib.parse import quote
from uuid import UUID

import pytest
from litestar import Litestar
from litestar.testing import TestClient
from sqlalchemy import text
from sqlmodel import select

from notify.alerts.models import Alert
from notify.alerts.service import start_due
from notify.core import clock
from notify.core.clock import LONDON
from notify.core.db import transaction
from notify.drafting.hazards import HAZARDS
from notify.drafting.models import Draft, MessageTemplate
from notify.staff import service as staff
from notify.staff.council_settings.models import OwnSettings
from notify.staff.models import AuditEntry, Role
from tests.alerts.calls import created
from tests.drafting.desk import Officer, draw_wards, sit_down
from tests.mailbox import Mailbox
from tests.subscribers.html import Page
from tests.world import NORTH, SOUTH, World, add_resident, add_residents, at_the_desk, make_key, make_world

Client = TestClient[Litestar]
Work = Callable[[], None]


@pytest.fixture
def world(client: Client) -> World:
    world = make_world()
    draw_wards()
    add_residents(world, [f"n{number}@example.org" for number in range(12)], topics=["road-closures", "emergencies"])
    add_resident(world, "s@example.org", phone="07700 900123", postcodes=["ZZ2 1AA"], topics=["road-closures"])
    return world


@pytest.fixture
def kim(client: Client, world: World) -> Officer:
    return sit_down(client, world)


def let_half_a_minute_pass(work: Work) -> None:
    with transaction() as session:
        session.execute(text("UPDATE alert SET send_at = business_now() WHERE state = 'scheduled'"))
        start_due(session)
    work()


def test_the_check_says_that_places_are_left_out(kim: Officer) -> None:
    kim.begin()
    kim.where(ward=[NORTH])
    kim.words()
    assert "left out" not in kim.check().text
    kim.where(ward=[NORTH], without_ward=[SOUTH])
    assert "Some places are left out of this area." in kim.check().text


def test_an_alert_goes_to_exactly_those_who_were_counted(kim: Officer, work: Work, inbox: Mailbox) -> None:
    kim.begin()
    assert "10 people in 1 ward" in Page(kim.where(do="count", ward=[NORTH]).text).text
    assert kim.where(ward=[NORTH]).headers["location"].endswith("/words")
    assert kim.words().headers["location"].endswith("/check")
    assert "Now: 10 emails, in 1 ward." in kim.check().text
    alert = kim.send()
    let_half_a_minute_pass(work)
    assert set(inbox.recipients()) == {f"n{number}@example.org" for number in range(12)}
    page = Page(kim.client.get(f"/staff/alerts/{alert}").text)
    assert "Mill Road closed on Sunday" in page.text
    assert kim.client.get(f"{kim.draft}/words").status_code == 404  # it is a draft no more


def test_few_people_are_not_counted_out(kim: Officer) -> None:
    kim.begin()
    page = Page(kim.where(do="count", ward=[SOUTH]).text)
    assert "Fewer than 10 people" in page.text
    kim.where(ward=[SOUTH])
    kim.words()
    assert "Now: fewer than 10 emails, fewer than 10 texts." in kim.check().text


def test_it_can_be_taken_back_for_half_a_minute(kim: Officer, work: Work, inbox: Mailbox) -> None:
    kim.begin()
    kim.where(ward=[NORTH])
    kim.words()
    alert = kim.send()
    assert "Cancel alert" in kim.client.get(f"/staff/alerts/{alert}").text
    assert kim.client.post(f"/staff/alerts/{alert}/cancel").status_code == 303
    let_half_a_minute_pass(work)
    assert inbox.recipients() == {}


@pytest.mark.parametrize(
    ("fields", "people"),
    [
        ({"postcodes": "ZZ1 1AA, ZZ2 1AA"}, "10 people"),
        ({"postcodes": "ZZ1 1"}, "10 people"),
        ({"centre": "ZZ1 1AA", "radius": "50"}, "10 people"),
        ({"centre": "555500, 344500", "radius": "50"}, "10 people"),
        ({"shape": "OS 555000 344000, 556000 344000, 556000 345000, 555000 345000, 555000 344000"}, "10 people"),
        ({"ward": [NORTH, SOUTH], "without_ward": [SOUTH]}, "10 people"),
        ({"ward": [NORTH], "without_postcodes": "ZZ1 1AA"}, "Fewer than 10 people"),
        ({"reach": "everyone"}, "10 people"),
        ({"reach": "everyone", "without_ward": [SOUTH]}, "10 people"),
    ],
)
def test_every_way_to_name_a_place_counts(kim: Officer, fields: dict[str, Any], people: str) -> None:
    kim.begin()
    answer = kim.where(do="count", **fields)
    assert answer.status_code == 200, Page(answer.text).text
    assert people in Page(answer.text).text


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, "Tick a ward, or give postcodes"),
        ({"reach": ""}, "Say whether it goes to everybody"),
        ({"postcodes": "nowhere"}, "postcode"),
        ({"ward": ["E05999999"]}, "No loaded release knows"),
        ({"centre": "ZZ1 1AA"}, "Give both a middle and a distance"),
        ({"radius": "50"}, "Give both a middle and a distance"),
        ({"centre": "ZZ1 1AA", "radius": "far"}, "Enter metres from 0 to 50,000."),
        ({"centre": "0.32, 52.97", "radius": "50"}, "Latitude comes first"),
        ({"shape": "{"}, "This is no GeoJSON"),
        ({"shape": "[]"}, "Give one Polygon"),
        ({"shape": "[" * 2000}, "This is no GeoJSON"),
        ({"centre": "52.97, 999", "radius": "50"}, ""),
        ({"centre": "999999999 999999999", "radius": "50"}, ""),
        ({"shape": '{"type": "Polygon", "coordinates": [[[0,0],[1,1],[0,1]]]}'}, ""),
        ({"shape": "OS 1 2, x"}, "Draw the shape again"),
    ],
)
def test_a_place_that_is_none_is_asked_for_again_and_nothing_is_lost(
    kim: Officer, fields: dict[str, Any], words: str
) -> None:
    kim.begin()
    answer = kim.where(**fields)
    assert answer.status_code == 422
    page = Page(answer.text)
    assert page.title.startswith("Error: ")
    assert words in page.text
    kept = unescape(kim.client.get(f"{kim.draft}/where").text)
    for name, value in fields.items():
        if isinstance(value, str) and name != "reach":
            assert value in kept


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"title": ""}, "Enter a title."),
        ({"body": ""}, "Enter the message."),
        ({"channel": []}, "Choose at least one channel"),
        ({"title": "x" * 121}, "at most 120"),
        ({"link": "mill-road"}, "should match"),
        ({"title-cy": "Ffordd ar gau"}, "Give both a title and a message in Cymraeg"),
        ({"body": "Closed at ((time))."}, "Fill in ((time))."),
        ({"send_at": "2027-03-28T01:30"}, "The clocks go forward over this hour"),
        ({"expires_at": "soon"}, "Enter a date and a time"),
    ],
)
def test_words_that_cannot_be_sent_are_kept_and_said(kim: Officer, fields: dict[str, Any], words: str) -> None:
    kim.begin()
    kim.where(ward=[NORTH])
    answer = kim.words(**fields)
    assert answer.status_code == 422
    assert words in Page(answer.text).text
    assert kim.client.post(f"{kim.draft}/send").status_code == 422
    with transaction() as session:
        assert session.exec(select(Alert)).all() == []


def test_placeholders_are_filled_in_and_a_template_is_used_again(kim: Officer) -> None:
    kim.begin()
    kim.where(ward=[NORTH])
    kept = kim.words(do="template", body="((road)) is closed.", title="((road)) closed", template_name="Closure")
    assert "Kept as version 1 of Closure." in kept.text
    assert "Kept as version 2 of Closure." in kim.words(do="template", template_name="Closure").text
    kim.words(do="template", body="((road)) is closed.", title="((road)) closed", template_name="Closure")
    with transaction() as session:
        newest = session.exec(select(MessageTemplate).where(MessageTemplate.version == 3)).one()
    assert "Closure" in kim.client.get("/staff/templates").text
    kim.begin(template=str(newest.id))
    kim.where(ward=[NORTH])
    page = Page(kim.client.get(f"{kim.draft}/words").text)
    assert "fill-road" in page.fields
    words: dict[str, Any] = {"title": "((road)) closed", "body": "((road)) is closed.", "fill-road": "Mill Road"}
    assert kim.words(**words).headers["location"].endswith("/check")
    assert "Mill Road is closed." in kim.check().text
    assert kim.client.post(f"/staff/templates/{newest.id}/retire").status_code == 303
    assert "Closure" not in kim.client.get("/staff/templates").text


def test_a_template_that_is_none_is_said_to_be_none(kim: Officer) -> None:
    for wrong in ("nonsense", "0190a000-0000-7000-8000-000000000000"):
        answer = kim.client.post("/staff/compose", data={"topic": "bins", "template": wrong})
        assert answer.status_code == 404


def test_a_proof_comes_to_the_officer_alone(kim: Officer, inbox: Mailbox, work: Work) -> None:
    kim.begin()
    kim.where(ward=[NORTH])
    kim.words()
    assert "A test is on its way to kim@example.org." in kim.client.post(f"{kim.draft}/proof").text
    assert inbox.recipients() == {"kim@example.org": 1}
    [mail] = inbox.messages()
    assert mail["Subject"] == "Test: Mill Road closed on Sunday"


def test_an_emergency_takes_three_screens_and_goes_at_once(kim: Officer, work: Work, inbox: Mailbox) -> None:
    kim.emergency("flood")
    kim.where(ward=[NORTH])
    words = {"fill-place": "Bridge Street", "fill-time": "noon"}
    page = Page(kim.client.get(f"{kim.draft}/words").text)
    assert "screen 3 of 3" in page.text
    first = {name: str(getattr(HAZARDS["flood"], name)) for name in ("title", "body", "sms")}
    assert first["title"] in page.fields["title"]
    assert kim.words(**first, **words, onset="31/2/2027 6pm").status_code == 422
    assert kim.words(**first, **words, onset="27 March 2027 6pm").status_code == 303
    assert "Flood: move to safety at Bridge Street" in kim.check().text
    alert = kim.send()
    work()
    assert len(inbox.recipients()) == 12
    told = kim.client.get(f"/alerts/{alert}.cap").text
    for element in ("<event>Flood</event>", "<category>Met</category>", "<severity>Severe</severity>"):
        assert element in told
    assert "<onset>2027-03-27T18:00:00-00:00</onset>" in told


def test_an_emergency_that_needs_nobodys_yes_needs_whoever_sends_it(kim: Officer, work: Work, inbox: Mailbox) -> None:
    with transaction() as session:
        session.execute(text("UPDATE sign_in SET mfa_at = business_now() - interval '6 minutes'"))
    kim.emergency("road")
    kim.where(ward=[NORTH])
    kim.words()
    asked = kim.client.post(f"{kim.draft}/send")
    back = f"{kim.draft}/check"
    assert (asked.status_code, asked.headers["location"]) == (303, f"/staff/confirm?back={quote(back, safe='')}")
    assert asked.headers["location"] in kim.client.get(asked.headers["location"]).text
    work()
    assert inbox.recipients() == {}
    with transaction() as session:
        session.execute(text("UPDATE sign_in SET mfa_at = business_now()"))
    kim.send()
    work()
    assert len(inbox.recipients()) == 12


def test_an_exercise_never_leaves_and_says_so(kim: Officer, work: Work, inbox: Mailbox) -> None:
    started = {"hazard": "road", "topic": "emergencies", "training": "yes"}
    kim.draft = kim.client.post("/staff/emergency", data=started).headers["location"].removesuffix("/where")
    kim.where(ward=[NORTH])
    kim.words(asks_reply="yes", escalate_after="5", escalate_to=["sms"])
    assert "This stays in the sandbox" in kim.check().text
    alert = kim.send()
    work()
    assert (inbox.recipients(), inbox.texts()) == ({}, {})
    assert "Training." in kim.client.get(f"/staff/alerts/{alert}").text
    with transaction() as session:
        stored = session.exec(select(Alert)).one()
        assert (stored.is_training, stored.asks_reply) == (True, True)
        assert stored.escalation == {"after_minutes": 5, "channels": ["sms"]}


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"escalate_after": "0", "escalate_to": ["sms"]}, "Enter minutes from 1 to 120."),
        ({"escalate_after": "", "escalate_to": ["sms"]}, "Enter minutes from 1 to 120."),
        ({"escalate_after": "5"}, "Choose the channels to use later."),
        ({"escalate_after": "5", "escalate_to": ["sms", "email"]}, "Leave at least one channel to use first."),
    ],
)
def test_another_way_needs_a_first_one_and_a_time(kim: Officer, fields: dict[str, Any], words: str) -> None:
    kim.emergency("road")
    kim.where(ward=[NORTH])
    answer = kim.words(**fields)
    assert answer.status_code == 422
    assert words in Page(answer.text).text


def test_only_planners_broadcast_and_only_writers_write(client: Client, world: World) -> None:
    author = sit_down(client, world, Role.AUTHOR, "author@example.org")
    assert client.get("/staff/emergency").status_code == 403
    assert "Broadcast an emergency" not in client.get("/staff").text
    author.begin()
    sit_down(client, world, Role.VIEWER, "viewer@example.org")
    assert client.get("/staff/compose").status_code == 403
    assert "Write an alert" not in client.get("/staff").text


def test_a_draft_is_its_writers_alone_and_can_be_thrown_away(client: Client, world: World, kim: Officer) -> None:
    kim.begin()
    path = kim.draft
    sit_down(client, world, Role.PLANNER, "ali@example.org")
    assert client.get(f"{path}/words").status_code == 404
    assert client.post(f"{path}/send").status_code == 404
    assert client.post(f"{path}/discard").status_code == 404
    with transaction() as session:
        assert session.exec(select(Draft)).all()


def test_what_is_sent_twice_is_sent_once(kim: Officer) -> None:
    kim.begin()
    kim.where(ward=[NORTH])
    kim.words()
    kim.send()
    assert kim.client.post(f"{kim.draft}/send").status_code == 404
    with transaction() as session:
        assert len(session.exec(select(Alert)).all()) == 1


def test_an_update_goes_to_those_who_got_the_first(kim: Officer, work: Work, inbox: Mailbox) -> None:
    kim.begin()
    kim.where(ward=[NORTH])
    kim.words()
    alert = kim.send()
    let_half_a_minute_pass(work)
    inbox.empty()
    assert "Send all-clear" in kim.client.get(f"/staff/alerts/{alert}").text
    page = kim.client.get(f"/staff/alerts/{alert}/follow-up?kind=all-clear")
    assert "everyone who got" in page.text
    path = f"/staff/alerts/{alert}/follow-up"
    assert kim.client.post(path, data={"kind": "all-clear", "title": "Open"}).status_code == 422
    check = kim.client.post(path, data={"kind": "all-clear", "title": "Open", "body": "Again."}).headers["location"]
    work()
    assert inbox.recipients().total() == 0  # a draft that was looked at
    page = kim.client.get(check)
    assert "Now: 10 emails, in 1 ward." in page.text
    submit, seen = check.replace("/check", "/submit"), Page(page.text).fields["seen"]
    assert kim.client.post(submit, data={"seen": "0" * 64}).status_code == 409
    assert kim.client.post(submit, data={"seen": seen}).status_code == 303
    work()
    assert len(inbox.recipients()) == 12


@pytest.mark.parametrize(
    "where",
    [
        {"ward": [NORTH], "without_postcodes": "ZZ1 1AB"},
        {"postcodes": "ZZ1 1AA\nZZ1 1"},
        {"centre": "555500, 344500", "radius": "200", "buffer": "50"},
        {"shape": "OS 555000 344000, 556000 344000, 556000 345000, 555000 345000, 555000 344000"},
        {"reach": "everyone", "without_ward": [SOUTH]},
        {"reach": "everyone"},
    ],
)
def test_what_is_written_anew_means_the_same_people(kim: Officer, where: dict[str, Any]) -> None:
    kim.begin()
    kim.where(**where)
    kim.words(**{"title-cy": "Ffordd ar gau", "body-cy": "Ar gau.", "link": "https://example.org/road"})
    first = kim.send()
    kim.client.post(f"/staff/alerts/{first}/cancel")
    answer = kim.client.post(f"/staff/alerts/{first}/copy")
    kim.draft = answer.headers["location"].removesuffix("/words")
    again = kim.send()
    with transaction() as session:
        one, other = (session.get_one(Alert, UUID(alert)) for alert in (first, again))
        assert one.targets == other.targets
        assert (one.title, one.body, one.link, one.translations) == (
            other.title,
            other.body,
            other.link,
            other.translations,
        )


def test_a_copy_warns_of_the_same_as_the_first(kim: Officer, client: Client, world: World) -> None:
    cap = {"event": "Toxic plume", "category": "CBRNE", "severity": "Extreme", "urgency": "Immediate"}
    cap |= {"certainty": "Observed", "instruction": "Shut doors and windows."}
    how = {"channels": ["email", "sms"], "escalate": {"after_minutes": 5, "channels": ["sms"]}, "asks_reply": True}
    fields: dict[str, Any] = {"topic": "emergencies", "priority": "emergency", "sms": "Go in.", "cap": cap} | how
    first = created(client, make_key(world, Role.PLANNER), **fields)["id"]
    answer = kim.client.post(f"/staff/alerts/{first}/copy")
    kim.draft = answer.headers["location"].removesuffix("/words")
    kim.words(title="Plume", channel=["email", "sms"], asks_reply="yes", escalate_after="5", escalate_to=["sms"])
    again = kim.send()
    with transaction() as session:
        one, other = (session.get_one(Alert, UUID(alert)) for alert in (first, again))
        kept = ("event", "category", "severity", "urgency", "certainty", "instruction", "escalation", "asks_reply")
        assert {name: getattr(other, name) for name in kept} == {name: getattr(one, name) for name in kept}


def test_who_hears_too_often_is_said(kim: Officer, work: Work) -> None:
    for _ in range(3):
        kim.begin()
        kim.where(ward=[NORTH])
        kim.words()
        kim.send()
        let_half_a_minute_pass(work)
    kim.begin()
    page = Page(kim.where(do="count", ward=[NORTH, SOUTH]).text)
    assert "10 of them had three or more alerts in the last seven days; one of them had 3." in page.text
    assert "New since the last one fewer than 10" in " ".join(page.text.split())


def test_the_moment_chosen_is_on_the_clock_of_this_country(kim: Officer) -> None:
    kim.begin()
    kim.where(ward=[NORTH])
    year = clock.now().year + 1
    kim.words(send_at=f"{year}-07-01T18:30", expires_at=f"{year}-07-02T18:30")
    assert "On 1 July at 18:30:" in kim.check().text
    alert = kim.send()
    with transaction() as session:
        stored = session.exec(select(Alert)).one()
        assert str(stored.id) == alert
        assert stored.send_at is not None
        assert stored.send_at.isoformat() == f"{year}-07-01T17:30:00+00:00"


def test_a_new_council_is_told_what_is_left_to_do(kim: Officer, work: Work, choose: Callable[..., None]) -> None:
    def to_do() -> str:
        return Page(kim.client.get("/staff").text).text

    assert "Before your council goes live" in to_do()
    assert "To do: A second person" in to_do()
    with transaction() as session:
        session.execute(text("UPDATE topic SET approval = 'one' WHERE purpose = 'emergency'"))
        council_id = (
            session.exec(select(Draft.council_id)).first()
            or session.execute(text("SELECT id FROM council")).scalar_one()
        )
        staff.create_officer(session, council_id=council_id, email="two@example.org", name="Two", role=Role.APPROVER)
        session.add(OwnSettings(council_id=council_id, colour="#1d4a5c"))
    kim.begin()
    kim.where(ward=[NORTH])
    kim.words()
    kim.send()
    let_half_a_minute_pass(work)
    assert "To do: Email and text messages" in to_do()  # this one goes to a catcher
    choose(SMTP_HOST="mail.example.org")
    assert "Before your council goes live" not in to_do()


def test_an_administrator_puts_the_list_of_first_steps_away(client: Client, world: World) -> None:
    planner = at_the_desk(make_key(world, Role.PLANNER))
    assert client.post("/staff/set-up/done", headers=planner).status_code == 403
    assert "Dismiss this list" not in client.get("/staff", headers=planner).text
    chief = at_the_desk(make_key(world, Role.ADMIN))
    assert "Dismiss this list" in client.get("/staff", headers=chief).text
    for _ in range(2):
        assert client.post("/staff/set-up/done", headers=chief, follow_redirects=False).status_code == 303
    for one in (planner, chief):
        assert "Before your council goes live" not in client.get("/staff", headers=one).text
    with transaction() as session:
        assert len(session.exec(select(AuditEntry).where(AuditEntry.action == "council.set-up")).all()) == 1


def test_other_alerts_for_the_same_places_are_named_while_writing(kim: Officer, client: Client, world: World) -> None:
    def told(**words: str) -> bool:
        kim.begin()
        kim.where(ward=[NORTH])
        kim.words(**words)
        return "Another alert for these places is scheduled at" in kim.check().text

    assert not told()
    at = clock.now().astimezone(LONDON).replace(second=0, microsecond=0) + timedelta(days=3)
    for ward, hour in ((NORTH, 0), (SOUTH, 20)):
        said = {"audience": {"wards": [ward]}, "send_at": (at + timedelta(hours=hour)).isoformat(), "send": True}
        created(client, world.headers, title="Embargoed", **said)
    assert not told()  # three days off
    assert told(send_at=f"{at - timedelta(hours=22):%Y-%m-%dT%H:%M}")
    assert "Embargoed" not in kim.check().text
    assert told(send_at=f"{at + timedelta(hours=22):%Y-%m-%dT%H:%M}")
    assert not told(send_at=f"{at + timedelta(hours=30):%Y-%m-%dT%H:%M}")  # the other one is elsewhere
    kim.emergency("road").where(ward=[NORTH])
    kim.words()
    assert "Another alert" not in kim.check().text
