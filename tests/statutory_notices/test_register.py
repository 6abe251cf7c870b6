"""What a council publishes by law stays as it was, at its address, with proof; and everybody can find it."""

import csv
import io
import re
from typing import Any
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner
from litestar import Litestar
from litestar.testing import TestClient
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from notify.cli import main
from notify.core import db
from notify.core.db import transaction
from notify.staff import service as staff
from notify.staff.models import KeyMode, Role
from notify.statutory_notices import service
from tests.world import NORTH, SOUTH, World, at_the_desk, make_key, make_world

Client = TestClient[Litestar]
API = "/api/v1/public-notices"
SAID = {
    "title": "Mill Road, Zedholm: temporary closure",
    "kind": "traffic",
    "legal_basis": "Road Traffic Regulation Act 1984, section 14",
    "body": "The road is closed from 1 to 5 December.\n\nThe way around is by Station Road.",
}


@pytest.fixture
def world(client: Client) -> World:
    return make_world()


@pytest.fixture
def approver(world: World) -> dict[str, str]:
    return make_key(world, Role.APPROVER)


def published(client: Client, headers: dict[str, str], **said: object) -> Any:  # noqa: ANN401 - JSON
    reply = client.post(API, json=SAID | said, headers=headers)
    assert reply.status_code == 201, reply.text
    return reply.json()


def path_of(notice: Any) -> str:  # noqa: ANN401 - JSON
    return f"/notices/{notice['council']}/{notice['reference']}"


def test_a_notice_is_public_at_its_address_as_soon_as_it_is_published(
    client: Client, world: World, approver: dict[str, str]
) -> None:
    made = published(client, approver, reference="TRO-17", wards=[NORTH], comments_by="2199-01-31", elsewhere="Gazette")
    assert made["url"].endswith(path_of(made))
    page = client.get(path_of(made)).text
    for words in (
        *("Mill Road, Zedholm", "<p>The way around", "section 14", "Northside", "TRO-17", "31 January 2199", "Gazette"),
        made["latest"]["sha256"],
    ):
        assert words in page, words
    assert client.get("/notices/elsewhere/TRO-17").status_code == 404
    assert client.get(f"{path_of(made)}?version=2").status_code == 404


def test_without_a_reference_it_gets_the_year_and_the_next_number(
    client: Client, world: World, approver: dict[str, str]
) -> None:
    found = [published(client, approver)["reference"] for _ in range(2)]
    published(client, approver, reference="TRO-2026-999")
    found.append(published(client, approver)["reference"])
    year = found[0][:4]
    assert found == [f"{year}-0001", f"{year}-0002", f"{year}-0003"]


def test_a_reference_is_used_once(client: Client, world: World, approver: dict[str, str]) -> None:
    published(client, approver, reference="A-1")
    again = client.post(API, json=SAID | {"reference": "A-1"}, headers=approver)
    assert (again.status_code, again.json()["type"]) == (409, "/problems/notice-exists")


@pytest.mark.parametrize(
    "wrong",
    [
        {"legal_basis": " "},
        {"kind": "gossip"},
        {"reference": "a/b"},
        {"reference": "../x"},
        {"wards": ["E00000001"]},
        {"comments_by": "2020-01-01"},
        {"cost_pence": 500},
        {"cost_pence": -1, "elsewhere": "Gazette"},
        {"unknown": 1},
    ],
)
def test_what_cannot_stand_in_a_notice_is_refused_and_leaves_nothing(
    client: Client, world: World, approver: dict[str, str], wrong: dict[str, object]
) -> None:
    reply = client.post(API, json=SAID | wrong, headers=approver)
    assert reply.status_code in (400, 422)
    assert "There are no notices here." in client.get("/notices").text


def test_a_correction_adds_a_version_and_takes_nothing_away(
    client: Client, world: World, approver: dict[str, str]
) -> None:
    made = published(client, approver)
    body = SAID | {"body": "The road is closed until 9 December.", "reason": "The works take longer."}
    corrected = client.post(f"{API}/{made['id']}/correct", json=body, headers=approver).json()
    assert [one["version"] for one in corrected["versions"]] == [2, 1]
    now, once = client.get(path_of(made)).text, client.get(f"{path_of(made)}?version=1").text
    assert ("until 9 December" in now, "The works take longer." in now) == (True, True)
    assert ("1 to 5 December" in once, "This is an earlier version of the notice." in once) == (True, True)


def test_what_is_withdrawn_stays_readable_and_withdrawn(client: Client, world: World, approver: dict[str, str]) -> None:
    made = published(client, approver, comments_by="2199-01-31")
    ended = client.post(f"{API}/{made['id']}/withdraw", json={"reason": "Wrong road."}, headers=approver)
    assert ended.json()["latest"]["is_withdrawn"] is True
    page = client.get(path_of(made)).text
    assert "The council has withdrawn this notice: Wrong road." in page
    assert "The road is closed from 1 to 5" in page
    for verb, body in (("withdraw", {"reason": "Again."}), ("correct", SAID | {"reason": "Again."})):
        refused = client.post(f"{API}/{made['id']}/{verb}", json=body, headers=approver)
        assert (refused.status_code, refused.json()["type"]) == (409, "/problems/notice-withdrawn")
    assert "Mill Road" not in client.get("/notices?open=yes").text


def test_notices_are_found_by_council_kind_ward_and_whether_one_may_comment(
    client: Client, world: World, approver: dict[str, str]
) -> None:
    published(client, approver, title="In the north", wards=[NORTH])
    published(client, approver, title="In the south", wards=[SOUTH], kind="planning", comments_by="2199-01-31")
    published(client, approver, title="For everybody", kind="elections")
    slug = published(client, approver, title="Fourth")["council"]
    for query, there in (
        ("", {"In the north", "In the south", "For everybody", "Fourth"}),
        (f"council={slug}&kind=planning", {"In the south"}),
        ("council=nobody", set()),
        (f"ward={NORTH}", {"In the north", "For everybody", "Fourth"}),
        ("open=yes", {"In the south"}),
        ("kind=nonsense&open=no", {"In the north", "In the south", "For everybody", "Fourth"}),
    ):
        page = client.get(f"/notices?{query}").text
        found = {title for title in ("In the north", "In the south", "For everybody", "Fourth") if f">{title}<" in page}
        assert found == there, query


def test_everybody_can_take_all_of_them_as_data(client: Client, world: World, approver: dict[str, str]) -> None:
    made = published(client, approver, title="=cmd()", cost_pence=34_500, elsewhere="Gazette", wards=[NORTH, SOUTH])
    [row] = csv.DictReader(io.StringIO(client.get("/notices.csv").text))
    assert (row["title"], row["cost_pence"], row["wards"]) == ("'=cmd()", "34500", f"{NORTH} {SOUTH}")
    as_json = client.get("/notices.json").json()
    assert as_json["notices"][0]["latest"]["sha256"] == made["latest"]["sha256"]
    assert "open-government-licence" in as_json["licence"]
    feed = ElementTree.fromstring(client.get("/notices.atom").content)
    atom = "{http://www.w3.org/2005/Atom}"
    assert [entry.findtext(f"{atom}id") for entry in feed.iter(f"{atom}entry")] == [f"urn:uuid:{made['id']}"]
    for path in ("/notices.csv", "/notices.json", "/notices.atom"):
        reply = client.get(path)
        assert reply.headers["access-control-allow-origin"] == "*"
        assert "example.org" not in reply.text  # nobody who published it


def test_the_register_is_proved_and_any_change_shows(client: Client, world: World, approver: dict[str, str]) -> None:
    made, other = published(client, approver), published(client, approver, reference="B-1")
    client.post(f"{API}/{made['id']}/withdraw", json={"reason": "Wrong road."}, headers=approver)
    proved = CliRunner().invoke(main, ["notices", "verify"])
    assert (proved.exit_code, "3 versions of notices looked at, 0 in doubt." in proved.output) == (0, True), (
        proved.output
    )
    for statement in ("UPDATE statutory_notice_version SET title = 'Else'", "DELETE FROM statutory_notice_version"):
        with pytest.raises(IntegrityError, match="append-only"), db.engine().begin() as connection:
            connection.execute(text(statement))
    with db.engine().begin() as connection:  # as somebody might who owns the database
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        forge = text("UPDATE statutory_notice_version SET body = 'Else' WHERE notice_id = :id AND version = 1")
        connection.execute(forge, {"id": made["id"]})
        connection.execute(text("DELETE FROM statutory_notice_version WHERE notice_id = :id"), {"id": other["id"]})
    with transaction() as session:
        discrepancies = service.verify(session)
    assert [(one.reference, one.version) for one in discrepancies] == [(made["reference"], 1), (other["id"], 1)]
    assert CliRunner().invoke(main, ["notices", "verify"]).exit_code == 1


def test_who_may_not_let_things_out_publishes_nothing(client: Client, world: World) -> None:
    for role in (Role.VIEWER, Role.AUTHOR, Role.COUNCILLOR, Role.MONITORING):
        assert client.post(API, json=SAID, headers=make_key(world, role)).status_code == 403
    test_key = make_key(world, Role.APPROVER, mode=KeyMode.TEST)
    assert client.post(API, json=SAID, headers=test_key).status_code == 403
    assert client.get("/notices.json").json()["notices"] == []


def test_an_officer_sees_it_before_everybody_does(client: Client, world: World) -> None:
    desk = at_the_desk(make_key(world, Role.APPROVER))
    assert "Nothing is published yet." in client.get("/staff/notices", headers=desk).text
    form = SAID | {"ward": NORTH, "cost_pence": "£1,345.50", "elsewhere": "Gazette", "step": "check"}
    faulty = client.post("/staff/notices/new", data=form | {"legal_basis": "", "cost_pence": "much"}, headers=desk)
    assert faulty.status_code == 422
    assert "Name the Act" in faulty.text and "Write the cost in pounds" in faulty.text  # noqa: PT018
    checked = client.post("/staff/notices/new", data=form, headers=desk).text
    assert "Check the notice before you publish it" in checked
    assert "£1,345.50" in checked
    assert "There are no notices here." in client.get("/notices").text
    kept = {name: value for name, value in re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', checked)}
    again = client.post("/staff/notices/new", data=kept | {"step": "edit"}, headers=desk).text
    assert "Road Traffic Regulation Act 1984, section 14" in again
    done = client.post("/staff/notices/new", data=kept | {"step": "publish"}, headers=desk, follow_redirects=False)
    assert done.status_code == 303
    page = client.get(done.headers["location"], headers=desk).text
    assert "It is public now." in page
    assert "Mill Road" in client.get("/notices").text


def test_an_officer_corrects_and_withdraws(client: Client, world: World) -> None:
    desk = at_the_desk(make_key(world, Role.APPROVER))
    key = make_key(world, Role.APPROVER)
    made = published(client, key, cost_pence=5000, elsewhere="Gazette")
    at = f"/staff/notices/{made['id']}"
    form = client.get(f"{at}/correct", headers=desk).text
    assert 'value="50.00"' in form
    said = SAID | {"title": "Mill Road, closed longer", "reason": "Longer.", "step": "check"}
    assert "Longer." in client.post(f"{at}/correct", data=said, headers=desk).text
    client.post(f"{at}/correct", data=said | {"step": "publish"}, headers=desk)
    assert client.post(f"{at}/withdraw", data={"reason": ""}, headers=desk).status_code == 422
    client.post(f"{at}/withdraw", data={"reason": "Not needed."}, headers=desk)
    assert [one["version"] for one in client.get(f"{API}/{made['id']}", headers=key).json()["versions"]] == [3, 2, 1]
    assert "Withdrawn: Not needed." in client.get(at, headers=desk).text


def test_another_councils_notice_is_not_ones_own(client: Client, world: World, approver: dict[str, str]) -> None:
    made = published(client, approver)
    with transaction() as session:
        staff.create_council(session, slug="else", name="Else", district_codes=[])
    with transaction() as session:
        session.execute(text("UPDATE api_key SET council_id = (SELECT id FROM council WHERE slug = 'else')"))
    assert client.get(f"{API}/{made['id']}", headers=approver).status_code == 404
    assert client.post(f"{API}/{made['id']}/withdraw", json={"reason": "x"}, headers=approver).status_code == 404
