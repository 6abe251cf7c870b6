"""Lists are imported in the background: looked at first, reported row by row, and taken back within a day."""

import io
import json
import zipfile
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from litestar import Litestar
from litestar.testing import TestClient
from openpyxl import Workbook
from sqlalchemy import text
from sqlalchemy.orm import attributes
from sqlmodel import col, select

from notify.core import clock, jobs
from notify.core.db import transaction
from notify.staff.models import Role
from notify.staff.rights import Principal
from notify.subscribers.imports import import_runs, import_service, service, tables
from notify.subscribers.imports.models import ImportOptions, ImportState, SubscriberImport
from notify.subscribers.models import Consent, ConsentAction, Contact, Subscriber, Subscription
from tests.mailbox import Mailbox
from tests.world import World, add_resident, at_the_desk, make_key, make_world

Client = TestClient[Litestar]
Headers = dict[str, str]
Work = Callable[[], None]
SAID = {"wording": "Yes, write to me.", "consent_source": "paper form", "given_at": "2026-01-05T00:00:00Z"}
LIST = "email,postcode\nann@example.org,ZZ1 1AA\nbob@example.org,ZZ2 1AA\nnobody,ZZ1 1AA\n"


@pytest.fixture
def world(client: Client) -> World:
    client.follow_redirects = False
    return make_world()


def posted(client: Client, world: World, file: str | bytes, **more: str) -> Any:  # noqa: ANN401 - JSON
    query = SAID | {"topics": "bins"} | more
    if isinstance(file, bytes):
        reply = client.post("/api/v1/imports", params=query, files={"file": ("list.xlsx", file)}, headers=world.headers)
    else:
        csv = world.headers | {"Content-Type": "text/csv"}
        reply = client.post("/api/v1/imports", params=query, content=file, headers=csv)
    assert reply.status_code == 202, reply.text
    return reply.json()


def after(client: Client, world: World, import_id: str, work: Work) -> Any:  # noqa: ANN401 - JSON
    work()
    work()  # it writes to people on a lane of its own
    return client.get(f"/api/v1/imports/{import_id}", headers=world.headers).json()


def imported(client: Client, world: World, file: str | bytes, work: Work, **more: str) -> Any:  # noqa: ANN401 - JSON
    return after(client, world, posted(client, world, file, **more)["id"], work)


def addresses() -> set[str]:
    with transaction() as session:
        return set(session.exec(select(Contact.address)))


def workbook(*rows: tuple[str | int | None, ...]) -> bytes:
    book, held = Workbook(), io.BytesIO()
    sheet = book.worksheets[0]
    for row in rows:
        sheet.append(row)
    book.save(held)
    return held.getvalue()


def test_a_list_is_added_in_the_background_and_its_file_is_gone(client: Client, world: World, work: Work) -> None:
    begun = posted(client, world, LIST)
    assert (begun["state"], addresses()) == ("importing", set())
    done = after(client, world, begun["id"], work)
    assert (done["state"], done["counts"]["created"], done["counts"]["refused"]) == ("done", 2, 1)
    assert [(one["row"], one["outcome"]) for one in done["problems"]] == [(4, "refused")]
    assert addresses() == {"ann@example.org", "bob@example.org"}
    with transaction() as session:
        kept = session.exec(select(SubscriberImport)).one()
        assert (kept.file, kept.sample) == (None, None)
        line = session.exec(select(Consent)).first()
        assert line is not None
        assert (line.source, line.at.year) == ("paper form", 2026)


def test_a_file_that_waits_is_sealed_and_is_removed_after_a_day(client: Client, world: World) -> None:
    posted(client, world, LIST, only_check="true")
    with transaction() as session:
        held = session.exec(select(SubscriberImport)).one()
        assert b"ann@example.org" not in (held.file or b"") + (held.sample or b"")
        held.state, held.created_at = ImportState.CHECKED, clock.now() - timedelta(hours=25)
        session.add(held)
        session.flush()
        import_service.clean_up(session)
    with transaction() as session:
        held = session.exec(select(SubscriberImport)).one()
        assert (held.file, held.state) == (None, "removed")


def test_a_look_adds_nobody_writes_to_nobody_and_names_every_refusal(
    client: Client, world: World, work: Work, inbox: Mailbox
) -> None:
    add_resident(world, "bob@example.org", topics=["bins"])
    looked = imported(client, world, LIST, work, only_check="true", confirm="true")
    assert (looked["state"], looked["counts"]["created"], looked["counts"]["updated"]) == ("checked", 1, 1)
    assert addresses() == {"bob@example.org"}
    assert inbox.recipients() == {}
    assert client.post(f"/api/v1/imports/{looked['id']}/start", headers=world.headers).status_code == 202
    done = after(client, world, looked["id"], work)
    assert (done["state"], done["counts"]["rows"]) == ("done", 3)
    assert inbox.recipients() == {"ann@example.org": 1, "bob@example.org": 1}


def test_the_same_list_again_adds_nobody_twice(client: Client, world: World, work: Work) -> None:
    imported(client, world, LIST, work)
    again = imported(client, world, LIST, work)
    assert (again["counts"]["created"], again["counts"]["updated"]) == (0, 2)
    assert len(addresses()) == 2


def test_undo_takes_back_who_was_added_and_leaves_who_did_anything_since(
    client: Client, world: World, work: Work
) -> None:
    known = add_resident(world, "bob@example.org", topics=["road-closures"], postcodes=["ZZ1 1AA"])
    done = imported(client, world, LIST + "cat@example.org,ZZ1 1AA\ncat@example.org,ZZ2 1AA\n", work)
    with transaction() as session:
        cat = session.exec(select(Contact.subscriber_id).where(Contact.address == "cat@example.org")).one()
    changed = client.patch(f"/api/v1/subscribers/{cat}", json={"name": "Cat"}, headers=world.headers)
    assert changed.status_code == 200
    assert client.post(f"/api/v1/imports/{done['id']}/undo", headers=world.headers).status_code == 202
    undone = after(client, world, done["id"], work)
    assert (undone["state"], undone["counts"]["undone"], undone["counts"]["stayed"]) == ("undone", 2, 1)
    assert addresses() == {"bob@example.org", "cat@example.org"}
    with transaction() as session:
        ended = Subscription.ended_reason == "import-undone"
        left = session.exec(select(Subscription).where(Subscription.subscriber_id == known, ended)).all()
        withdrawn = session.exec(select(Consent).where(Consent.action == ConsentAction.WITHDRAWN)).all()
        places = session.execute(text("SELECT postcode FROM place WHERE subscriber_id = :id"), {"id": known})
        assert len(left) == 1
        assert {line.source for line in withdrawn} == {"import-undone"}
        assert len(withdrawn) == 2
        assert list(places.scalars()) == ["ZZ11AA"]
    again = imported(client, world, LIST, work)
    # what the council took back is no word of theirs
    assert (again["counts"]["created"], again["counts"]["had_unsubscribed"]) == (1, 0)


def test_who_confirmed_stays_and_after_a_day_nothing_is_taken_back(client: Client, world: World, work: Work) -> None:
    done = imported(client, world, LIST, work)
    with transaction() as session:
        session.execute(text("UPDATE contact SET confirmed_by = 'link' WHERE address = 'ann@example.org'"))
        session.execute(text("UPDATE subscriber_import SET finished_at = finished_at - interval '25 hours'"))
    undo = f"/api/v1/imports/{done['id']}/undo"
    assert client.post(undo, headers=world.headers).status_code == 409
    with transaction() as session:
        session.execute(text("UPDATE subscriber_import SET finished_at = finished_at + interval '25 hours'"))
    assert client.post(undo, headers=world.headers).status_code == 202
    assert after(client, world, done["id"], work)["counts"]["stayed"] == 1
    assert addresses() == {"ann@example.org"}


def undone(client: Client, world: World, import_id: str, work: Work) -> Any:  # noqa: ANN401 - JSON
    assert client.post(f"/api/v1/imports/{import_id}/undo", headers=world.headers).status_code == 202
    return after(client, world, import_id, work)


def test_undo_unconfirms_what_only_the_list_confirmed(client: Client, world: World, work: Work) -> None:
    add_resident(world, "ann@example.org", topics=["road-closures"], confirm=True)
    add_resident(world, "bob@example.org", topics=["road-closures"])
    done = imported(client, world, LIST, work)
    assert done["counts"]["updated"] == 2
    confirmed = select(Contact.address).where(col(Contact.confirmed_at).is_not(None))
    with transaction() as session:
        assert set(session.exec(confirmed)) == {"ann@example.org", "bob@example.org"}
    assert undone(client, world, done["id"], work)["counts"]["undone"] == 2
    with transaction() as session:
        assert set(session.exec(confirmed)) == {"bob@example.org"}


def test_undo_takes_channels_off_what_was_followed_before(client: Client, world: World, work: Work) -> None:
    ann = add_resident(world, "ann@example.org", phone="07700900123", topics=["bins"])
    with transaction() as session:
        session.execute(text("UPDATE subscription SET channels = '{email}'"))
    done = imported(client, world, "email,phone\nann@example.org,07700900123\n", work)
    of_ann = select(Subscription).where(Subscription.subscriber_id == ann, col(Subscription.ended_at).is_(None))
    with transaction() as session:
        assert session.exec(of_ann).one().channels == ["email", "sms"]
    assert undone(client, world, done["id"], work)["counts"]["undone"] == 1
    with transaction() as session:
        assert session.exec(of_ann).one().channels == ["email"]
        ended = session.exec(select(Consent).where(Consent.action == ConsentAction.WITHDRAWN)).one()
        assert (ended.channel, ended.source) == ("sms", "import-undone")


def test_who_came_to_follow_another_topic_since_stays(client: Client, world: World, work: Work) -> None:
    done = imported(client, world, LIST, work)
    parts = [{"slug": "refuse", "name": "Refuse"}, {"slug": "recycling", "name": "Recycling"}]
    split = client.post("/api/v1/topics/bins/split", json={"into": parts, "keeps": True}, headers=world.headers)
    assert split.json()["moved"] == 2, split.text
    assert undone(client, world, done["id"], work)["counts"]["stayed"] == 2
    assert addresses() == {"ann@example.org", "bob@example.org"}


def test_a_worker_that_dies_loses_no_row_and_repeats_none(client: Client, world: World, work: Work) -> None:
    begun = posted(client, world, LIST)
    with transaction() as session:
        held = session.exec(select(SubscriberImport)).one()
        held.lines_done, held.lease_until = 1, clock.now() + timedelta(seconds=30)
        session.add(held)
    import_runs.run(UUID(begun["id"]))
    assert addresses() == set()  # another worker has it in hand
    with transaction() as session:
        session.execute(text("UPDATE subscriber_import SET lease_until = now() - interval '1 second'"))
    with transaction() as session:
        import_runs.note_forgotten(session)
        assert [item.job for item in jobs.noted(session)] == [jobs.Job.IMPORT_SUBSCRIBERS]
    import_runs.run(UUID(begun["id"]))
    assert addresses() == {"bob@example.org"}


def breaks(*_: object, **__: object) -> None:
    raise ZeroDivisionError


def overdue() -> None:
    with transaction() as session:
        session.execute(text("UPDATE subscriber_import SET lease_until = now() - interval '1 second'"))


def read(client: Client, world: World, import_id: str) -> Any:  # noqa: ANN401 - JSON
    return client.get(f"/api/v1/imports/{import_id}", headers=world.headers).json()


def test_what_goes_wrong_three_times_ends_the_import_with_a_sentence(
    client: Client, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = posted(client, world, LIST)
    monkeypatch.setattr(import_runs, "import_chunk", breaks)
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            import_runs.run(UUID(begun["id"]))
        assert read(client, world, begun["id"])["state"] == "importing"
        overdue()
    import_runs.run(UUID(begun["id"]))
    failed = read(client, world, begun["id"])
    assert (failed["state"], failed["failure"]) == ("failed", import_runs.BROKE_OFF)


def test_an_import_that_fails_half_way_goes_on_where_it_was_and_is_undone_as_a_whole(
    client: Client, world: World, work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = iter([service.import_chunk])
    real = service.import_chunk
    monkeypatch.setattr(service, "CHUNK_ROWS", 1)
    monkeypatch.setattr(import_runs, "MOST_TRIES", 1)
    monkeypatch.setattr(import_runs, "import_chunk", lambda *args: next(taken)(*args))
    begun = posted(client, world, LIST)
    failed = after(client, world, begun["id"], work)
    assert (failed["state"], failed["rows_done"], failed["may_undo"]) == ("failed", 1, True)
    assert addresses() == {"ann@example.org"}
    lines = client.get("/api/v1/audit", headers=world.headers).text
    assert "subscriber.import" in lines
    path = f"/staff/imports/{begun['id']}"
    desk = at_the_desk(make_key(world, Role.AUTHOR))
    assert "Import the rest" in client.get(path, headers=desk).text
    monkeypatch.setattr(import_runs, "import_chunk", real)
    assert client.post(f"/api/v1/imports/{begun['id']}/start", headers=world.headers).status_code == 202
    done = after(client, world, begun["id"], work)
    assert (done["state"], done["rows_done"], done["counts"]["created"]) == ("done", 3, 2)
    assert client.post(f"/api/v1/imports/{begun['id']}/undo", headers=world.headers).status_code == 202
    assert after(client, world, begun["id"], work)["counts"]["undone"] == 2
    assert addresses() == set()


def test_an_import_that_failed_half_way_is_undone_after_its_file_is_gone(
    client: Client, world: World, work: Work
) -> None:
    done = imported(client, world, LIST, work)
    with transaction() as session:
        session.execute(text("UPDATE subscriber_import SET state = 'failed', file = 'x', sample = NULL"))
        session.execute(text("UPDATE subscriber_import SET created_at = created_at - interval '25 hours'"))
        import_service.clean_up(session)
    assert client.post(f"/api/v1/imports/{done['id']}/undo", headers=world.headers).status_code == 202
    assert after(client, world, done["id"], work)["counts"]["undone"] == 2
    assert addresses() == set()


def test_two_who_begin_the_same_import_at_once_do_not_both(client: Client, world: World) -> None:
    begun = posted(client, world, LIST)
    officer = Principal(actor="officer:1", name="", council_id=world.council_id, role=Role.ADMIN)
    with transaction() as session:
        session.execute(text("UPDATE subscriber_import SET state = 'checked'"))
    with transaction() as session:
        one = import_service.one_import(session, world.council_id, UUID(begun["id"]))
        with transaction() as other:  # between the look at the state and the change
            other.execute(text("UPDATE subscriber_import SET state = 'importing'"))
        with pytest.raises(import_service.ImportNotReady):
            import_service.begin(session, officer, one, ImportState.IMPORTING)
    with transaction() as session:
        one = import_service.one_import(session, world.council_id, UUID(begun["id"]))
        # as it was read before the other
        attributes.set_committed_value(one, "state", ImportState.CHECKED)
        with pytest.raises(import_service.ImportNotReady):
            import_service.remove_file(session, officer, one)
        attributes.set_committed_value(one, "state", ImportState.CHECKED)
        with pytest.raises(import_service.ImportNotReady):
            import_service.describe(session, officer, one, ["email", ""], ImportOptions(wording="Yes.", source="form"))


def test_a_council_that_closed_gets_nobody_any_more(client: Client, world: World, work: Work) -> None:
    begun = posted(client, world, LIST)
    with transaction() as session:
        session.execute(text("UPDATE council SET closed_at = now() WHERE id = :id"), {"id": world.council_id})
    work()
    with transaction() as session:
        one = import_service.one_import(session, world.council_id, UUID(begun["id"]))
        assert (one.state, "has closed here" in one.failure) == ("failed", True)
    assert addresses() == set()


def test_an_import_whose_workers_die_ends_too(client: Client, world: World) -> None:
    begun = posted(client, world, LIST)
    with transaction() as session:
        session.execute(text("UPDATE subscriber_import SET tries = 3"))
    import_runs.run(UUID(begun["id"]))
    assert (read(client, world, begun["id"])["state"], addresses()) == ("failed", set())


def test_the_file_of_an_import_that_is_under_way_for_more_than_a_day_is_removed(client: Client, world: World) -> None:
    begun = posted(client, world, LIST)
    with transaction() as session:
        session.execute(text("UPDATE subscriber_import SET started_at = started_at - interval '25 hours'"))
        import_service.clean_up(session)
        held = session.exec(select(SubscriberImport)).one()
        assert (held.file, held.sample, held.state) == (None, None, "failed")
    assert "within a day" in read(client, world, begun["id"])["failure"]


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        ("Destination,First Name\nann@example.org,Ann\n07700900123,Bob\n", {"ann@example.org", "+447700900123"}),
        ("email address,name\nann@example.org,Ann\n", {"ann@example.org"}),
        ("phone number,name\n7700900123,Bob\n", {"+447700900123"}),
        (
            "uuid,email,name,attributes,status,created_at,updated_at\n"
            '1,ann@example.org,Ann,"{""a"":1}",enabled,2024-01-02T03:04:05Z,2024-01-02T03:04:05Z\n'
            "2,bob@example.org,Bob,{},blocklisted,2024-01-02T03:04:05Z,2024-01-02T03:04:05Z\n",
            {"ann@example.org"},
        ),
    ],
)
def test_lists_of_other_systems_are_read_as_they_are(
    client: Client, world: World, work: Work, file: str, expected: set[str]
) -> None:
    done = imported(client, world, file, work)
    assert done["state"] == "done", done
    assert addresses() == expected


def test_a_workbook_is_read_with_its_days_and_numbers_and_columns_as_they_are_named(
    client: Client, world: World, work: Work
) -> None:
    file = workbook(
        ("Contact details", "Telephone no", "Forename", "Surname", "Where", "Notes"),
        ("ann@example.org", 7700900123, "Ann", "Other", "ZZ1 1AA", "x"),
        (None, None, None, None, None, None),
        ("bob@example.org", None, "Bob", None, "ZZ2 1AA", None),
    )
    fields = json.dumps(["email", "phone", "first_name", "last_name", "postcode", ""])
    done = imported(client, world, file, work, fields=fields)
    assert done["counts"]["created"] == 2, done
    assert addresses() == {"ann@example.org", "+447700900123", "bob@example.org"}
    with transaction() as session:
        assert set(session.exec(select(Subscriber.name))) == {"Ann Other", "Bob"}


STRINGS = "xl/sharedStrings.xml"


def repacked(parts: dict[str, bytes], *, as_sheet: bool = False) -> bytes:
    """A workbook with two rows, in which these parts are others."""
    held = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(workbook(("email",), ("ann@example.org",)))) as packed:
        kept = {name: packed.read(name) for name in packed.namelist()}
    kind = b"application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"
    name = b"xl/worksheets/strings.xml" if as_sheet else STRINGS.encode()
    override = b'<Override PartName="/%s" ContentType="%s"/></Types>' % (name, kind)
    kept["[Content_Types].xml"] = kept["[Content_Types].xml"].replace(b"</Types>", override)
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as packed:
        for name_, part in (kept | {STRINGS: b"<sst/>"} | parts).items():
            packed.writestr(name_, part)
    return held.getvalue()


def sheet(rows: str) -> dict[str, bytes]:
    names = '<row r="1"><c t="inlineStr"><is><t>email</t></is></c></row>'
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    written = f'<worksheet xmlns="{main}"><sheetData>{names}{rows}</sheetData></worksheet>'
    return {"xl/worksheets/sheet1.xml": written.encode()}


def refused(client: Client, world: World, file: bytes) -> str:
    query = SAID | {"topics": "bins"}
    reply = client.post("/api/v1/imports", params=query, files={"file": ("a.xlsx", file)}, headers=world.headers)
    assert reply.status_code == 422, reply.text
    assert reply.json()["type"] == "/problems/file-not-readable"
    return str(reply.json()["detail"])


def test_a_workbook_that_unpacks_to_too_much_is_refused_unread(
    client: Client, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tables, "MOST_UNPACKED", 1_000_000)
    monkeypatch.setattr(tables, "MOST_BESIDE_SHEETS", 100_000)
    monkeypatch.setattr(tables, "MOST_STRINGS", 1_000)
    for too_large in (
        sheet(" " * 1_000_001),
        {STRINGS: b" " * 100_001},
        {"xl/styles.xml": b" " * 100_001},
        {STRINGS: b"<sst>" + b"<si/>" * 1_001 + b"</sst>"},
    ):
        assert "too large" in refused(client, world, repacked(too_large))
    assert "damaged" in refused(client, world, repacked({"xl/worksheets/strings.xml": b" "}, as_sheet=True))
    for file in (b"PK\x03\x04 no zip", b"\xd0\xcf\x11\xe0 old"):
        refused(client, world, file)


@pytest.mark.parametrize("number", ["1000000000000", "1048577", "10003"])
def test_a_row_that_says_it_is_far_below_the_last_is_refused(client: Client, world: World, number: str) -> None:
    far = f'<row r="{number}"><c t="inlineStr"><is><t>ann@example.org</t></is></c></row>'
    assert "After row 1 come more than" in refused(client, world, repacked(sheet(far)))


@pytest.mark.parametrize("rows", ["<row><c t='inlineStr'></row>", "<row><c t='s'><v>7</v></c></row>", "\0"])
def test_a_malformed_workbook_is_refused(client: Client, world: World, rows: str) -> None:
    assert "Save it" in refused(client, world, repacked(sheet(rows)))


def test_a_workbook_whose_packing_is_damaged_is_refused(client: Client, world: World) -> None:
    file = bytearray(repacked(sheet("<row><c t='inlineStr'><is><t>ann@example.org</t></is></c></row>" * 500)))
    with zipfile.ZipFile(io.BytesIO(bytes(file))) as packed:
        begin = packed.getinfo("xl/worksheets/sheet1.xml").header_offset + 30 + len("xl/worksheets/sheet1.xml")
    file[begin + 20 : begin + 60] = b"\xff" * 40
    assert "Save it" in refused(client, world, bytes(file))


def test_a_list_that_says_too_little_is_refused_at_once(client: Client, world: World) -> None:
    csv = world.headers | {"Content-Type": "text/csv"}
    for query in (
        SAID,
        SAID | {"topics": "unknown"},
        SAID | {"topics": "bins", "fields": "nonsense"},
        SAID | {"topics": "bins", "fields": '["postcode", ""]'},
        SAID | {"topics": "bins", "given_at": "2199-01-01T00:00:00Z"},
    ):
        reply = client.post("/api/v1/imports", params=query, content=LIST, headers=csv)
        assert reply.status_code in (404, 422), query


def test_an_officer_uploads_names_the_columns_looks_and_imports_on_pages(
    client: Client, world: World, work: Work
) -> None:
    headers = at_the_desk(make_key(world, Role.AUTHOR))
    assert client.post("/staff/imports", files={"file": ("", b"")}, headers=headers).status_code == 422
    pasted = {"pasted": (None, "Who\tPostcode\nann@example.org\tZZ1 1AA\nnobody\tZZ1 1AA\n")}
    path = client.post("/staff/imports", files=pasted, headers=headers).headers["location"]
    assert "ann@example.org" in client.get(path, headers=headers).text
    form = {"column-0": "email", "column-1": "postcode", "topic": "bins"}
    assert client.post(f"{path}/check", data=form, headers=headers).status_code == 422
    said = {"wording": "Yes, write to me.", "source": "paper form", "given_at": "5 January 2026", "confirm": "no"}
    assert client.post(f"{path}/check", data=form | said, headers=headers).headers["location"] == path
    waiting = client.get(path, headers=headers)
    assert (waiting.headers["refresh"], "Being checked" in waiting.text) == ("3", True)
    work()
    looked = client.get(path, headers=headers).text
    assert "What the import would do" in looked
    assert "Import 1 rows" in looked
    assert client.get(f"{path}/columns", headers=headers).status_code == 200
    assert client.post(f"{path}/start", headers=headers).status_code == 303
    work()
    assert "The list is imported" in client.get(path, headers=headers).text
    report = client.get(f"{path}/report.csv", headers=headers).text.splitlines()
    assert (report[0], report[1][:10]) == ("row,result,reason", "3,refused,")
    assert "Imported" in client.get("/staff/imports", headers=headers).text
    assert client.post(f"{path}/remove", headers=headers).status_code == 409
    assert client.post(f"{path}/undo", headers=headers).status_code == 303
    work()
    assert "The import is undone" in client.get(path, headers=headers).text


def test_the_contact_centre_imports_nothing(client: Client, world: World) -> None:
    headers = at_the_desk(make_key(world, Role.CONTACT_CENTRE))
    assert client.get("/staff/imports", headers=headers).status_code == 403
