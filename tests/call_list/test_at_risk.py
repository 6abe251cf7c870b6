"""People at risk beside an emergency: off at first, for care leads who are there, unreadable a week after its end."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from notify.call_list.at_risk import destroy_due
from notify.core.db import transaction
from notify.staff.models import Role
from tests import moments
from tests.alerts.calls import Client, act, approved
from tests.insight.test_not_reached import answer, emergency, person
from tests.subscribers.html import Page
from tests.world import World, administrator, make_key, make_other_council, make_world, signed_in

SAVVI = (
    "Person Identifier,Given Name,Family Name,Full Address,Postcode,UPRN,Phone,Need,Risk Level\n"
    "A-1,Ann,Ash,1 Mill Lane,ZZ1 1AA,10012345,07700 900101,power; alone,High\n"
    "A-2,Bo,Birch,2 Mill Lane,ZZ1 1AA,10012346,07700 900102,mobility,low\n"
    "A-3,Cy,Cedar,3 Mill Lane,ZZ1 1AB,10012347,,,\n"
)
ASSESSMENT = {"done_on": "2 November 2026", "reference": "DPIA-14", "person": "Sam Officer", "is_on": "yes"}


@pytest.fixture
def world(client: Client) -> World:
    client.follow_redirects = False
    return make_world()


@pytest.fixture
def lead(world: World) -> dict[str, str]:
    return signed_in(world.council_id, Role.CARE_LEAD)


def turn_on(client: Client, world: World) -> None:
    assert client.post("/staff/at-risk", data=ASSESSMENT, headers=administrator(world)).status_code == 303


def upload(client: Client, lead: dict[str, str], alert: str, table: str = SAVVI) -> Any:  # noqa: ANN401 - a response
    file = {"file": ("people.csv", table.encode())}
    return client.post(f"/staff/alerts/{alert}/at-risk", files=file, headers=lead)


def shown(client: Client, lead: dict[str, str], alert: str) -> str:
    answer = client.get(f"/staff/alerts/{alert}/at-risk", headers=lead)
    assert answer.status_code == 200, answer.text
    return Page(answer.text).text


def sealed_rows() -> list[Any]:
    with transaction() as session:
        return list(session.execute(text("SELECT id, list_id, sealed FROM at_risk_person ORDER BY id")))


def test_lists_are_off_until_an_assessment_is_noted(client: Client, world: World, lead: dict[str, str]) -> None:
    alert = emergency(client, world)
    assert client.get(f"/staff/alerts/{alert}/at-risk", headers=lead).status_code == 403
    assert upload(client, lead, alert).status_code == 403
    for name in ("done_on", "reference", "person"):
        wrong = client.post("/staff/at-risk", data=ASSESSMENT | {name: ""}, headers=administrator(world))
        assert wrong.status_code == 422
    assert client.post("/staff/at-risk", data=ASSESSMENT, headers=lead).status_code == 403
    turn_on(client, world)
    noted = client.get("/api/v1/at-risk-assessment", headers=world.headers).json()
    assert noted == {"is_on": True, "done_on": "2026-11-02", "reference": "DPIA-14", "person": "Sam Officer"}
    assert upload(client, lead, alert).status_code == 303
    off = noted | {"is_on": False}
    assert client.put("/api/v1/at-risk-assessment", json=off, headers=world.headers).status_code == 200
    assert client.get(f"/staff/alerts/{alert}/at-risk", headers=lead).status_code == 403


def test_the_list_says_who_has_not_answered(client: Client, world: World, lead: dict[str, str]) -> None:
    ann = person(world, "Ann Ash", phone="07700 900101")
    person(world, "Bo Birch", phone="07700 900102")
    alert = emergency(client, world, asks_reply=True)
    answer(alert, ann, "safe")
    turn_on(client, world)
    upload(client, lead, alert)
    page = shown(client, lead, alert)
    assert "2 of 3 have not answered" in page
    assert page.index("Bo Birch") < page.index("Ann Ash")
    assert "Depends on electricity, Lives alone" in page
    assert "Cy Cedar Not answered , not signed up" in page
    one = next(
        link
        for link in Page(client.get(f"/staff/alerts/{alert}/at-risk", headers=lead).text).links
        if "/at-risk/" in link
    )
    assert client.post(one, data={"seen": "0", "outcome": "safe"}, headers=lead).status_code == 303
    late = client.post(one, data={"seen": "0", "outcome": "no-answer"}, headers=lead)
    assert (late.status_code, "recorded ‘safe’ at" in late.text) == (409, True)
    assert "1 of 3 has not answered" in shown(client, lead, alert)


@pytest.mark.parametrize(
    ("table", "word"),
    [
        ("Name,Postcode,Diagnosis\nAnn,ZZ1 1AA,asthma\n", "Diagnosis"),
        ("Name,Postcode,Notes\nAnn,ZZ1 1AA,oxygen at home\n", "Notes"),
        ("Name,Postcode,Need\nAnn,ZZ1 1AA,type 1 diabetes\n", "Row 2"),
        ("Name,Postcode,Priority\nAnn,ZZ1 1AA,because of her heart\n", "Row 2"),
        ("Name\nAnn\n", "address or postcode"),
        ("Name,Postcode\n", "no rows"),
    ],
)
def test_free_text_and_unknown_columns_are_refused_and_nothing_is_kept(
    client: Client, world: World, lead: dict[str, str], table: str, word: str
) -> None:
    alert = emergency(client, world)
    turn_on(client, world)
    refused = upload(client, lead, alert, table)
    assert (refused.status_code, word in Page(refused.text).text) == (422, True)
    assert sealed_rows() == []


def test_only_a_care_lead_who_is_there_sees_it_and_each_look_is_audited(
    client: Client, world: World, lead: dict[str, str]
) -> None:
    alert = emergency(client, world)
    turn_on(client, world)
    upload(client, lead, alert)
    path = f"/staff/alerts/{alert}/at-risk"
    for role in Role:
        if role is not Role.CARE_LEAD:
            assert client.get(path, headers=signed_in(world.council_id, role)).status_code == 403, role
    assert client.get(path, headers=make_key(world, Role.CARE_LEAD)).status_code == 403
    theirs = make_other_council()
    turn_on(client, theirs)
    assert client.get(path, headers=signed_in(theirs.council_id, Role.CARE_LEAD)).status_code == 404
    moments.ahead(minutes=6)
    assert client.get(path, headers=lead).headers["location"].startswith("/staff/confirm")
    with transaction() as session:
        counted = text("SELECT count(*) FROM audit_entry WHERE action = 'at-risk.view' AND subject = :alert")
        before = session.execute(counted, {"alert": alert}).scalar_one()
    shown(client, signed_in(world.council_id, Role.CARE_LEAD), alert)
    with transaction() as session:
        assert session.execute(counted, {"alert": alert}).scalar_one() == before + 1


def test_no_row_says_in_clear_who_it_is_about(client: Client, world: World, lead: dict[str, str]) -> None:
    alert = emergency(client, world)
    turn_on(client, world)
    upload(client, lead, alert)
    kept = b"".join(row.sealed for row in sealed_rows())
    assert len(sealed_rows()) == 3
    assert not any(word in kept for word in (b"Ash", b"Mill", b"07700", b"power"))


def test_seven_days_after_the_emergency_an_old_copy_of_the_rows_reads_nothing(
    client: Client, world: World, lead: dict[str, str]
) -> None:
    alert = emergency(client, world)
    turn_on(client, world)
    upload(client, lead, alert)
    copy = sealed_rows()
    with transaction() as session:
        listed = session.execute(text("SELECT people FROM at_risk_list")).scalar_one()
    moments.ahead(days=7)  # it was in force for a day
    with transaction() as session:
        assert destroy_due(session) == 0
    moments.ahead(days=8, minutes=1)
    with transaction() as session:
        assert destroy_due(session) == 1
    # the backup comes back: the list as it was, and every sealed row of it
    with transaction() as session:
        session.execute(text("UPDATE at_risk_list SET destroyed_at = NULL"))
        for row in copy:
            session.execute(text("INSERT INTO at_risk_person VALUES (:id, :list_id, :sealed)"), dict(row._mapping))
    page = shown(client, signed_in(world.council_id, Role.CARE_LEAD), alert)
    assert (listed, len(sealed_rows())) == (3, 3)
    assert "Ann" not in page
    assert "The key of this list is gone" in page


def test_the_all_clear_begins_the_seven_days(client: Client, world: World, lead: dict[str, str]) -> None:
    alert = emergency(client, world, expires_at=(moments.present() + timedelta(days=20)).isoformat())
    turn_on(client, world)
    upload(client, lead, alert)
    over = act(client, signed_in(world.council_id), alert, "all-clear", {"title": "Over", "body": "It is over."}).json()
    if over["state"] == "submitted":
        approved(client, over)
    with transaction() as session:
        session.execute(text("UPDATE alert SET expanded_at = business_now() WHERE id = :id"), {"id": over["id"]})
    moments.ahead(days=7, minutes=1)
    with transaction() as session:
        assert destroy_due(session) == 1
    assert "No one can read it any more" in shown(client, signed_in(world.council_id, Role.CARE_LEAD), alert)


def test_no_list_is_laid_beside_what_is_over(client: Client, world: World, lead: dict[str, str]) -> None:
    alert = emergency(client, world)
    turn_on(client, world)
    with transaction() as session:
        session.execute(text("UPDATE alert SET expires_at = business_now() - interval '1 minute'"))
    upload(client, lead, alert)
    assert sealed_rows() == []


def test_a_list_stays_as_long_as_its_incident_goes_on(
    client: Client, world: World, lead: dict[str, str], work: Callable[[], None]
) -> None:
    """The first alert is not in force any more, and another of the same incident still is."""
    alert = emergency(client, world)
    work()
    turn_on(client, world)
    upload(client, lead, alert)
    with transaction() as session:
        incident = session.execute(text("SELECT incident_id FROM alert WHERE id = :id"), {"id": alert}).scalar_one()
        until = moments.present() + timedelta(days=10)
    emergency(client, world, incident=str(incident), expires_at=until.isoformat())
    moments.ahead(days=9)
    with transaction() as session:
        assert destroy_due(session) == 0
    moments.ahead(days=17, minutes=1)
    with transaction() as session:
        assert destroy_due(session) == 1


def test_keys_are_in_a_table_that_no_base_backup_has(client: Client, world: World) -> None:
    with transaction() as session:
        kind = session.execute(text("SELECT relpersistence FROM pg_class WHERE relname = 'at_risk_key'")).scalar_one()
    assert kind == "u"


def test_a_list_is_destroyed_at_once_where_a_care_lead_says_so(
    client: Client, world: World, lead: dict[str, str]
) -> None:
    alert = emergency(client, world)
    turn_on(client, world)
    upload(client, lead, alert)
    assert client.post(f"/staff/alerts/{alert}/at-risk/destroy", headers=lead).status_code == 303
    assert sealed_rows() == []
