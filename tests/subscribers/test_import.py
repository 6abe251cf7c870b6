"""Importing residents from a CSV file, as spreadsheets really write it."""

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from litestar import Litestar
from litestar.testing import TestClient
from sqlalchemy import text
from sqlmodel import select

from notify.core import db
from notify.core.db import transaction
from notify.staff.models import Role
from notify.subscribers.imports.csv_file import FileNotReadable, Row, read_rows
from notify.subscribers.imports.service import import_subscribers
from notify.subscribers.models import Consent, ConsentEvidence, Contact, Place, ServiceMessage, Subscriber
from tests.subscribers.places import NEAR
from tests.world import SOUTH, World, add_resident, make_key, make_world

Client = TestClient[Litestar]
EVIDENCE = {"wording_version": "paper-1", "wording": "Yes.", "consent_source": "paper form"}
PATH = "/api/v1/subscribers/import"


@pytest.fixture
def world(client: Client) -> World:
    return make_world()


def rows(text: str | bytes) -> list[Row]:
    return list(read_rows(text.encode() if isinstance(text, str) else text))


def send(client: Client, world: World, file: str | bytes, **query: str) -> dict[str, Any]:
    headers = world.headers | {"Content-Type": "text/csv"}
    content = file.encode() if isinstance(file, str) else file
    answer = client.post(PATH, params=EVIDENCE | query, content=content, headers=headers)
    assert answer.status_code == 200, answer.text
    report: dict[str, Any] = answer.json()
    return report


@pytest.mark.parametrize(
    "file",
    [
        "email,postcode\ra@example.org,ZZ1 1AA\rb@example.org,ZZ1 1AA\r",
        "sep=;\r\nemail;postcode\r\na@example.org;ZZ1 1AA\r\nb@example.org;ZZ1 1AA\r\n",
        '"sep=,"\nemail,postcode\na@example.org,ZZ1 1AA\nb@example.org,ZZ1 1AA\n',
        "\r\n\r\nemail,postcode\na@example.org,ZZ1 1AA\nb@example.org,ZZ1 1AA\n",
        "Email address,Post code\na@example.org,ZZ1 1AA\nb@example.org,ZZ1 1AA\n",
    ],
    ids=["carriage returns", "a line for Excel", "a line for Excel in quotes", "empty lines first", "other names"],
)
def test_both_people_of_a_file_are_imported_whatever_program_wrote_it(client: Client, world: World, file: str) -> None:
    report = send(client, world, file, topics="road-closures")
    assert (report["created"], report["refused"]) == (2, 0)


def test_a_stray_quotation_mark_is_named_with_the_rows_that_it_swallowed(client: Client, world: World) -> None:
    lost = "".join(f"P{number},p{number}@example.org,ZZ1 1AA\n" for number in range(99))
    file = f'name,email,postcode\nSam,sam@example.org,ZZ1 1AA\n"Ann,ann@example.org,ZZ1 1AA\n{lost}'
    report = send(client, world, file, topics="road-closures")
    assert report["created"] == 1
    [problem] = report["problems"]
    assert problem["row"] == 3
    assert "100 rows were not read: 3 to 102" in problem["reason"]


def test_a_first_line_without_an_end_is_refused_in_words(client: Client, world: World) -> None:
    headers = world.headers | {"Content-Type": "text/csv"}
    answer = client.post(PATH, params=EVIDENCE, content="email," * 30_000, headers=headers)
    assert answer.status_code == 422
    assert "first line is longer" in answer.json()["detail"]


def test_columns_come_in_any_order_and_letter_case() -> None:
    [row] = rows("Topics,EMAIL,Tracking Consent,name\nbins;roads,sam@example.org,Yes,Sam\n")
    assert row.person
    assert row.person.topics == ["bins", "roads"]
    assert row.person.tracking_consent
    assert (row.number, row.person.name, row.person.contacts[0].address) == (2, "Sam", "sam@example.org")


@pytest.mark.parametrize(
    "file",
    [
        "name;email\r\nZoë;z@example.org\r\n".encode("cp1252"),
        "\ufeffname,email\r\nZoë,z@example.org\r\n".encode(),
        "name,email\nZoë,z@example.org".encode(),
        "name\temail\r\nZoë\tz@example.org\r\n".encode("utf-16"),
        'name,email,\r\n"Zoë",z@example.org,\r\n,,\r\n'.encode(),
    ],
)
def test_every_common_way_of_saving_is_read(file: bytes) -> None:
    [row] = rows(file)
    assert row.person
    assert (row.person.name, row.person.contacts[0].address) == ("Zoë", "z@example.org")


def test_several_postcodes_share_a_cell() -> None:
    [row] = rows('email,postcode\nz@example.org,"ZZ1 1AA; ZZ2 1AA;"\n')
    assert row.person
    assert [place.postcode for place in row.person.places] == ["ZZ1 1AA", "ZZ2 1AA"]


def test_rows_are_numbered_as_in_a_spreadsheet() -> None:
    assert [(row.number, bool(row.person)) for row in rows("email\n\na@example.org\n,,\nb@example.org,x\n")] == [
        (3, True),
        (5, False),
    ]


@pytest.mark.parametrize(
    ("file", "word"),
    [
        ("", "header"),
        ("\n\n", "header"),
        ("\ufeff", "header"),
        ("email,adress\n", "adress"),
        ("email,email\n", "twice"),
        ("name,postcode\nSam,ZZ1 1AA\n", "email"),
        ("sam@example.org,ZZ1 1AA\n", "sam@example.org"),
        (b"email\n\x81\x8d\xff\n", "UTF-8"),
        ('email,name\na@example.org,"' + "never ends\n" * 20_000, "quotation mark"),
    ],
)
def test_a_file_that_makes_no_sense_is_refused_as_a_whole(file: str | bytes, word: str) -> None:
    with pytest.raises(FileNotReadable) as error:
        rows(file)
    assert word in error.value.detail


@pytest.mark.parametrize(
    ("cells", "word"),
    [
        ("Sam,,,", "no e-mail"),
        ("Sam,a@example.org,perhaps,en", "yes or no"),
        ("Sam,a@example.org,,klingon", "language"),
        ("Sam,a@example.org,yes,en,more", "5 values"),
        ('"Sam\nSmith",a@example.org,,', "line breaks"),
        ("S\0am,a@example.org,,", "control"),
        ("x" * 81 + ",a@example.org,,", "name"),
        ("x" * 20_000 + ",a@example.org,,", "longer"),
        ("x" * 200_000 + ",a@example.org,,", "longer"),
    ],
)
def test_a_row_that_makes_no_sense_is_refused_alone(cells: str, word: str) -> None:
    bad, good = rows(f"name,email,tracking_consent,language\n{cells}\nKim,k@example.org,,\n")
    assert bad.person is None
    assert word in bad.reason
    assert good.person


@given(st.binary(max_size=400))
def test_no_bytes_break_the_reader(noise: bytes) -> None:
    with suppress(FileNotReadable):
        for row in read_rows(b"email,name,postcode\n" + noise):
            assert row.person or row.reason


def test_an_import_reports_row_by_row(client: Client, world: World) -> None:
    file = (
        "email,phone,postcode,ward,topics\n"
        f"a@example.org,,{NEAR},{SOUTH},bins\n"
        "b@example.org,07700 900123,ZZ9 9ZZ,,bins road-closures\n"
        "A@Example.org,,ZZ2 1AA,,road-closures\n"
        "nobody,,ZZ1 1AA,,bins\n"
        "c@example.org,,ZZ1 1AA,,unheard-of\n"
        "d@example.org,,not a postcode,,bins\n"
    )
    report = send(client, world, file)
    assert {name: report[name] for name in ("rows", "created", "updated", "refused", "needs_review")} == {
        "rows": 6,
        "created": 2,
        "updated": 1,
        "refused": 3,
        "needs_review": 1,
    }
    assert [problem["row"] for problem in report["problems"]] == [5, 6, 7]
    assert "unheard-of" in report["problems"][1]["reason"]
    with transaction() as session:
        assert len(session.exec(select(Subscriber)).all()) == 2
        assert all(contact.confirmed_at for contact in session.exec(select(Contact)))
        wards = set(session.exec(select(Place.ward_code, Place.ward_source)))
        assert (SOUTH, "resident") in wards
        assert {line.source for line in session.exec(select(Consent))} == {"paper form"}


def test_importing_the_same_file_twice_adds_nobody(client: Client, world: World) -> None:
    file = "email,topics\na@example.org,bins\nb@example.org,bins\n"
    assert send(client, world, file)["created"] == 2
    again = send(client, world, file)
    assert (again["created"], again["updated"], again["refused"]) == (0, 2, 0)


def test_topics_may_be_given_for_the_whole_file(client: Client, world: World) -> None:
    send(client, world, "email\na@example.org\n", topics="bins,road-closures")
    listed = client.get("/api/v1/subscribers", headers=world.headers).json()["subscribers"]
    assert [topic["topic"] for topic in listed[0]["topics"]] == ["bins", "road-closures"]


def test_confirm_writes_to_each_and_confirms_nobody(client: Client, world: World) -> None:
    send(client, world, "email,phone\na@example.org,\nb@example.org,07700900001\n", confirm="true", topics="bins")
    with transaction() as session:
        assert {contact.confirmed_at for contact in session.exec(select(Contact))} == {None}
        assert len(session.exec(select(ServiceMessage)).all()) == 3


def test_a_multipart_form_is_taken_too(client: Client, world: World) -> None:
    files = {"file": ("residents.csv", b"email,topics\na@example.org,bins\n", "text/csv")}
    answer = client.post(PATH, params=EVIDENCE, files=files, headers=world.headers)
    assert (answer.status_code, answer.json()["created"]) == (200, 1)
    wrong = client.post(PATH, params=EVIDENCE, files={"other": b"email\n"}, headers=world.headers)
    assert (wrong.status_code, wrong.json()["type"]) == (422, "/problems/file-not-readable")


def test_a_file_without_rows_adds_nobody(client: Client, world: World) -> None:
    assert send(client, world, "email,topics\n")["rows"] == 0


def test_a_file_of_the_wrong_kind_is_refused(client: Client, world: World) -> None:
    answer = client.post(PATH, params=EVIDENCE, json={"email": "a@example.org"}, headers=world.headers)
    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/file-not-readable")


def test_a_file_that_ends_in_nonsense_changes_nothing(client: Client, world: World) -> None:
    file = "email,topics\n" + "".join(f"r{n}@example.org,bins\n" for n in range(6000)) + '"' + "x\n" * 90_000
    headers = world.headers | {"Content-Type": "text/csv"}
    answer = client.post(PATH, params=EVIDENCE, content=file.encode(), headers=headers)
    assert answer.status_code == 422
    with transaction() as session:
        assert session.exec(select(Subscriber)).first() is None


@pytest.mark.parametrize("missing", ["wording_version", "consent_source"])
def test_evidence_of_consent_is_needed(client: Client, world: World, missing: str) -> None:
    query = {name: value for name, value in EVIDENCE.items() if name != missing}
    headers = world.headers | {"Content-Type": "text/csv"}
    answer = client.post(PATH, params=query, content=b"email\n", headers=headers)
    assert (answer.status_code, missing in answer.text) == (422, True)


def test_a_consent_of_the_future_is_refused(client: Client, world: World) -> None:
    headers = world.headers | {"Content-Type": "text/csv"}
    query = EVIDENCE | {"given_at": "2999-01-01T00:00:00Z"}
    answer = client.post(PATH, params=query, content=b"email,topics\na@example.org,bins\n", headers=headers)
    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/consent-in-the-future")


def test_a_viewer_may_not_import(client: Client, world: World) -> None:
    headers = make_key(world, Role.VIEWER) | {"Content-Type": "text/csv"}
    assert client.post(PATH, params=EVIDENCE, content=b"email\n", headers=headers).status_code == 403


def test_only_the_first_thousand_problems_are_told(client: Client, world: World) -> None:
    report = send(client, world, "email\n" + "nobody\n" * 1500)
    assert (report["refused"], len(report["problems"])) == (1500, 1000)


def test_a_table_that_was_empty_when_it_was_counted_is_counted_again_as_it_fills(client: Client, world: World) -> None:
    """The planner expects no row of it however large it is by now; six thousand residents once took an hour."""
    tables = ("subscriber", "contact", "place", "subscription", "consent")
    add_resident(world, "first@example.org")
    with transaction() as session:
        session.execute(text("SET LOCAL session_replication_role = replica"))
        for table in tables:
            session.execute(text(f"DELETE FROM {table}"))
    with db.engine().connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(f"ANALYZE {', '.join(tables)}"))
    for half in range(2):
        lines = [f"Resident {n},r{n}@example.org,ZZ1 1AA,bins" for n in range(half * 1_500, half * 1_500 + 1_500)]
        report = send(client, world, "name,email,postcode,topics\r\n" + "\r\n".join(lines))
        assert report["created"] == 1_500
    known = "SELECT relname FROM pg_class WHERE relname = ANY(:tables) AND reltuples > 300"
    with transaction() as session:
        assert set(session.execute(text(known), {"tables": list(tables)}).scalars()) == set(tables)


def test_no_table_is_read_whole_for_each_row(client: Client, world: World) -> None:
    """A connection that checked its first foreign keys on tables of a few rows once read them whole ever after."""
    add_resident(world, "first@example.org")
    with db.engine().connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE subscriber, contact, topic, place, subscription, geo_release"))
    for n in range(12):
        add_resident(world, f"first{n}@example.org", phone=f"07700 9001{n:02}")
    lines = [f"Resident {n},r{n}@example.org,ZZ{1 + n % 2} 1A{'AB'[n % 2]},bins;road-closures,en" for n in range(5_000)]
    with transaction() as session:
        rows = read_rows(("name,email,postcode,topics,language\r\n" + "\r\n".join(lines)).encode())
        evidence = ConsentEvidence(wording_version="paper-1", wording="Yes.", language="en", source="paper form")
        report = import_subscribers(
            session, council_id=world.council_id, actor="test", rows=rows, evidence=evidence, confirmed=True
        )
        read = session.execute(text("SELECT sum(seq_tup_read) FROM pg_stat_xact_user_tables")).scalar_one()
    assert (report.created, report.refused) == (5_000, 0)
    assert read < 20 * report.created
