"""What is sent regularly comes once, to whom it may, about the days it says; and its history is honest."""

import csv
import io
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from uuid import UUID

import pytest
from litestar import Litestar
from litestar.testing import TestClient
from sqlalchemy import text
from sqlmodel import select
from standardwebhooks import Webhook

from notify.core import clock
from notify.core.db import transaction
from notify.exports import scheduled_delivery, schedules
from notify.exports.models import ExportRun, ExportSchedule, Rhythm, RunState
from notify.insight import rollups
from notify.staff.models import Officer, Role
from tests import moments
from tests.alerts.calls import created
from tests.mailbox import Mailbox
from tests.providers.receiver import Receiver, receiving
from tests.world import World, add_resident, at_the_desk, make_key, make_world

Client = TestClient[Litestar]
Work = Callable[[], None]
PATH = "/staff/exports/schedules"


@pytest.fixture
def world(client: Client) -> Iterator[World]:
    yield make_world()
    moments.restore()


def officer(world: World, role: Role = Role.VIEWER) -> tuple[dict[str, str], str]:
    """Somebody at the desk, and their address."""
    key = make_key(world, role)
    with transaction() as session:
        email = session.exec(select(Officer.email).order_by(Officer.created_at.desc())).first()  # type: ignore[attr-defined]
    assert email
    return at_the_desk(key), email


def begun(client: Client, desk: dict[str, str], **fields: str) -> UUID:
    """A schedule that was begun on the page."""
    asked = {"what": "report", "rhythm": "weekly", "format": "csv"} | fields
    reply = client.post(PATH, data=asked, headers=desk, follow_redirects=False)
    assert reply.status_code in (200, 303), reply.text
    with transaction() as session:
        return session.exec(select(ExportSchedule.id).order_by(ExportSchedule.created_at.desc())).first()  # type: ignore[attr-defined,return-value]


def next_turn(schedule_id: UUID) -> None:
    """It is the moment at which the schedule is due."""
    with transaction() as session:
        due = session.get_one(ExportSchedule, schedule_id).next_at
    assert due
    clock.use(lambda: due + timedelta(seconds=1))


def runs() -> list[ExportRun]:
    with transaction() as session:
        return list(session.exec(select(ExportRun).order_by(ExportRun.due_at)))  # type: ignore[arg-type]


def attachment(mail: EmailMessage) -> list[dict[str, str]]:
    [part] = mail.iter_attachments()
    assert part.get_content_type() == "text/csv"
    return list(csv.DictReader(io.StringIO(part.get_content())))


def test_the_report_of_the_week_comes_on_monday_to_the_officers_named(
    client: Client, world: World, work: Work, inbox: Mailbox
) -> None:
    add_resident(world, "resident@example.org", topics=["bins"])
    created(client, world.headers, topic="bins", send=True)
    work()
    rollups.keep_up()
    desk, email = officer(world)
    inbox.empty()
    one = begun(client, desk, emails=email)
    assert scheduled_delivery.send_due() == 0, "it is not Monday yet"
    next_turn(one)
    assert scheduled_delivery.send_due() == 1
    assert scheduled_delivery.send_due() == 0
    [mail] = inbox.messages()
    assert email in str(mail["To"])
    body = mail.get_body(("plain",))
    assert body is not None
    [run] = runs()
    assert (run.state, run.attempts, run.problem) == (RunState.SENT, 1, "")
    assert (run.since.weekday(), run.until - run.since) == (0, timedelta(days=6))
    with transaction() as session:
        sent_at = session.execute(text("SELECT started_at FROM rollup_alert")).scalar_one()
    assert ("Messages sent: 1 of 1" in body.get_content()) == (run.since <= sent_at.date() <= run.until)
    assert "resident@example.org" not in str(mail)
    moments.restore()
    assert "Report" in client.get(PATH, headers=desk).text


@pytest.mark.parametrize(
    ("rhythm", "after", "due", "days"),
    [
        ("weekly", "2026-03-25T12:00Z", "2026-03-30T06:00Z", ("2026-03-23", "2026-03-29")),  # over the change of clocks
        ("weekly", "2026-11-23T07:00Z", "2026-11-30T07:00Z", ("2026-11-23", "2026-11-29")),
        ("monthly", "2026-12-01T07:00Z", "2027-01-01T07:00Z", ("2026-12-01", "2026-12-31")),
        ("monthly", "2026-03-31T23:30Z", "2026-05-01T06:00Z", ("2026-04-01", "2026-04-30")),
    ],
)
def test_turns_come_at_seven_in_this_country_about_the_whole_week_or_month_before(
    rhythm: str, after: str, due: str, days: tuple[str, str]
) -> None:
    found = schedules.next_due(Rhythm(rhythm), datetime.fromisoformat(after))
    assert found.astimezone(UTC) == datetime.fromisoformat(due)
    assert tuple(str(day) for day in schedules.days_of(Rhythm(rhythm), found)) == days


def test_a_data_set_comes_as_a_file_about_its_days(client: Client, world: World, work: Work, inbox: Mailbox) -> None:
    add_resident(world, "resident@example.org", topics=["bins"])
    created(client, world.headers, topic="bins", send=True)
    work()
    rollups.keep_up()
    desk, email = officer(world)
    one = begun(client, desk, what="alert-figures", rhythm="monthly", emails=email)
    inbox.empty()
    next_turn(one)
    scheduled_delivery.send_due()
    [mail] = inbox.messages()
    [run] = runs()
    with transaction() as session:
        sent_on = session.execute(text("SELECT started_at FROM rollup_alert")).scalar_one().date()
    assert len(attachment(mail)) == run.rows == int(run.since <= sent_on <= run.until)


def test_nobody_gets_one_twice_when_a_process_dies_after_it_left(
    client: Client, world: World, inbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk, email = officer(world)
    one = begun(client, desk, emails=email)
    next_turn(one)

    def power_cut(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(scheduled_delivery, "_record", power_cut)
        with pytest.raises(KeyboardInterrupt):
            scheduled_delivery.send_due()
    assert len(inbox.messages()) == 1
    assert [run.state for run in runs()] == [RunState.SENDING]
    assert scheduled_delivery.send_due() == 0
    was = clock.now()
    clock.use(lambda: was + timedelta(hours=1))
    assert scheduled_delivery.send_due() == 0
    [run] = runs()
    assert (run.state, len(inbox.messages())) == (RunState.UNSURE, 1)
    moments.restore()
    assert "not known whether it arrived" in client.get(PATH, headers=desk).text


def test_who_leaves_or_loses_the_right_gets_no_more(client: Client, world: World, inbox: Mailbox) -> None:
    desk, email = officer(world)
    one = begun(client, desk, emails=email)
    with transaction() as session:
        session.execute(text("UPDATE officer SET role = 'councillor' WHERE email = :email"), {"email": email})
    next_turn(one)
    scheduled_delivery.send_due()
    [run] = runs()
    assert (run.state, run.problem) == (RunState.FAILED, scheduled_delivery.GONE)
    assert inbox.messages() == []


def test_an_officers_address_is_known_however_it_is_typed(client: Client, world: World) -> None:
    desk, email = officer(world)
    typed = f"\u2060{email.upper()}\u200b, {email}"
    begun(client, desk, emails=typed)
    with transaction() as session:
        [one] = session.exec(select(ExportSchedule)).all()
    assert len(one.officers) == 1


def test_only_officers_who_may_see_figures_can_be_named_and_nothing_personal_goes_out(
    client: Client, world: World
) -> None:
    desk, email = officer(world)
    _, councillor = officer(world, Role.COUNCILLOR)
    for fields, words in (
        ({"emails": "stranger@example.org"}, "no officer of your council"),
        ({"emails": councillor}, "no officer of your council"),
        ({}, "Say who gets it"),
        ({"emails": email, "what": "subscribers"}, "Choose what"),
        ({"emails": email, "rhythm": "hourly"}, "Choose how often"),
    ):
        asked = {"what": "report", "rhythm": "weekly"} | fields
        reply = client.post(PATH, data=asked, headers=desk)
        assert (reply.status_code, words in reply.text) == (422, True), fields
    assert not set(schedules.CHOICES) & {"subscribers", "consents", "audit-entries"}


def test_only_administrators_name_a_web_address_and_none_inside(client: Client, world: World) -> None:
    viewer, _ = officer(world)
    asked = {"what": "report", "rhythm": "weekly", "webhook": "https://hooks.example.org/x"}
    assert client.post(PATH, data=asked, headers=viewer).status_code == 403
    admin, _ = officer(world, Role.ADMIN)
    wrong = client.post(PATH, data=asked | {"webhook": "ftp://example.org"}, headers=admin)
    assert wrong.status_code == 422
    inside = begun(client, admin, webhook="https://127.0.0.1/x")
    next_turn(inside)
    scheduled_delivery.send_due()
    [run] = runs()
    assert (run.state, run.problem) == (RunState.FAILED, "The receiver's address is not a public one.")


def test_what_is_posted_is_signed_and_tried_again(client: Client, world: World, choose: Callable[..., None]) -> None:
    choose(WEBHOOK_ALLOWED_HOSTS="127.0.0.1")
    with receiving(Receiver()) as receiver:
        admin, _ = officer(world, Role.ADMIN)
        one = begun(client, admin, what="topics", format="json", webhook=receiver.address)
        with transaction() as session:
            secret = session.get_one(ExportSchedule, one).secret
        receiver.status = 503
        next_turn(one)
        assert scheduled_delivery.send_due() == 1
        [run] = runs()
        assert (run.state, run.attempts) == (RunState.DUE, 1)
        receiver.status = 200
        later = clock.now() + timedelta(minutes=20)
        clock.use(lambda: later)
        assert scheduled_delivery.send_due() == 1
    (_, first, _), (_, second, body) = receiver.calls
    assert first["webhook-id"] == second["webhook-id"]
    said = Webhook(secret).verify(body, second)
    assert (said["what"], said["council"], said["rows"]) == ("topics", "zed", 3)
    assert {row["topic"] for row in json.loads(said["content"])} == {"bins", "road-closures", "emergencies"}


def test_it_is_paused_sent_once_more_and_removed_by_whom_it_belongs_to(
    client: Client, world: World, inbox: Mailbox
) -> None:
    desk, email = officer(world)
    one = begun(client, desk, emails=email)
    other, _ = officer(world, Role.AUTHOR)
    assert client.post(f"{PATH}/{one}/pause", headers=other).status_code == 403
    for verb in ("send", "pause"):
        assert client.post(f"{PATH}/{one}/{verb}", headers=desk, follow_redirects=False).status_code == 303
    assert client.post(f"{PATH}/{one}/send", headers=desk).status_code == 409
    assert client.post(f"{PATH}/{one}/go-on", headers=desk, follow_redirects=False).status_code == 303
    assert scheduled_delivery.send_due() == 1
    assert len(inbox.messages()) == 1
    assert client.post(f"{PATH}/{one}/remove", headers=desk, follow_redirects=False).status_code == 303
    assert client.post(f"{PATH}/{one}/send", headers=desk).status_code == 404
    with transaction() as session:
        asked = text("SELECT action FROM audit_entry WHERE subject = :one ORDER BY id")
        done = session.execute(asked, {"one": str(one)}).scalars().all()
    assert done == [f"export-schedule.{verb}" for verb in ("create", "send-now", "pause", "go-on", "remove")]


def test_programs_do_the_same(client: Client, world: World, inbox: Mailbox) -> None:
    _, email = officer(world)
    made = client.post(
        "/api/v1/export-schedules",
        json={"what": "topics", "format": "xlsx", "rhythm": "monthly", "emails": [email]},
        headers=world.headers,
    )
    assert made.status_code == 201, made.text
    assert made.json()["secret"] == ""
    door = f"/api/v1/export-schedules/{made.json()['id']}"
    assert client.post(f"{door}/send", headers=world.headers).status_code == 200
    assert scheduled_delivery.send_due() == 1
    [mail] = inbox.messages()
    [part] = mail.iter_attachments()
    assert part.get_filename().endswith(".xlsx")  # type: ignore[union-attr]
    found = client.get("/api/v1/export-schedules", headers=world.headers).json()
    assert [(run["state"], run["rows"]) for run in found["runs"]] == [("sent", 3)]
    for verb in ("pause", "go-on", "remove"):
        assert client.post(f"{door}/{verb}", headers=world.headers).status_code == 200
    assert client.get("/api/v1/export-schedules", headers=world.headers).json()["schedules"] == []
    refused = client.post(
        "/api/v1/export-schedules",
        json={"what": "consents", "rhythm": "weekly", "emails": [email]},
        headers=world.headers,
    )
    assert (refused.status_code, refused.json()["type"]) == (422, "/problems/schedule-not-valid")
