"""A second person reads an alert on its page and says yes or no."""

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import pyotp
import pytest
from litestar import Litestar
from litestar.testing import TestClient
from sqlalchemy import text
from sqlmodel import select

from notify.alerts import follow_ups
from notify.alerts.models import Alert, FollowUp, FollowUpContent
from notify.core import clock
from notify.core.db import transaction
from notify.staff import service
from notify.staff.models import AuditEntry, KeyMode, Officer, Role
from notify.staff.sign_in import break_glass, sessions
from tests.alerts.calls import ONE, created, state, world_with_approvals
from tests.mailbox import Mailbox
from tests.world import NORTH, World, add_residents, make_key, password_hash

Client = TestClient[Litestar]
PASSWORD = "four words nobody guesses"


@pytest.fixture
def world(client: Client) -> World:
    client.headers.update({"Accept": "text/html", "Sec-Fetch-Site": "same-origin"})
    client.follow_redirects = False
    return world_with_approvals()


@pytest.fixture
def totp(client: Client, world: World) -> pyotp.TOTP:
    """The app of Kim, a planner, who signed in without a second factor just now."""
    with transaction() as session:
        kim: Officer = service.create_officer(
            session, council_id=world.council_id, email="kim@example.org", name="Kim", role=Role.PLANNER
        )
        uri = break_glass.set_password(session, kim, password_hash(PASSWORD), actor="test").uri
        client.cookies.set("officer", sessions.open_session(session, kim, mfa_at=None))
    return pyotp.TOTP(parse_qs(urlsplit(uri).query)["secret"][0])


def submitted(client: Client, world: World, **fields: object) -> str:
    kept = dict(client.cookies)
    client.cookies.clear()
    made: str = created(client, make_key(world, Role.PLANNER), topic=ONE, send=True, **fields)["id"]
    client.cookies.update(kept)
    return made


def seen(client: Client, alert: str) -> str:
    found = re.search(r'name="seen" value="(\w{64})"', client.get(f"/staff/alerts/{alert}/decide").text)
    assert found
    return found[1]


def test_the_page_shows_words_and_whom_and_a_yes_sends_it(client: Client, world: World, totp: pyotp.TOTP) -> None:
    add_residents(world, [f"r{number}@example.org" for number in range(12)], topics=[ONE])
    alert = submitted(client, world, body="Come on Monday.", audience={"wards": [NORTH]})
    assert f'href="/staff/alerts/{alert}/decide"' in client.get(f"/staff/alerts/{alert}").text
    page = client.get(f"/staff/alerts/{alert}/decide").text
    assert "Come on Monday." in page
    assert "Now: 10 emails, in 1 ward." in page
    assert "Northside (" in page
    answer = client.post(f"/staff/alerts/{alert}/approve", data={"seen": seen(client, alert)})
    assert (answer.status_code, answer.headers["location"]) == (303, f"/staff/alerts/{alert}")
    assert state(client, world.headers, alert) == "sending"
    assert "Approve this alert" not in client.get(f"/staff/alerts/{alert}/decide").text


def test_a_yes_to_something_else_than_was_read_is_none(client: Client, world: World, totp: pyotp.TOTP) -> None:
    alert, other = submitted(client, world), submitted(client, world, title="Something else")
    for wrong in (seen(client, other), ""):
        assert client.post(f"/staff/alerts/{alert}/approve", data={"seen": wrong}).status_code == 409
    assert state(client, world.headers, alert) == "submitted"


def test_who_rewrote_an_update_does_not_approve_it(client: Client, world: World, totp: pyotp.TOTP) -> None:
    first = created(client, world.headers)["id"]
    with transaction() as session:
        month = {"now": clock.first_of_month(clock.now()), "id": first, "topic": ONE}
        session.execute(
            text(
                "UPDATE alert SET state = 'sent', ledger_month = :now, expanded_at = now(), topic_id ="
                " (SELECT id FROM topic WHERE slug = :topic) WHERE id = :id"
            ),
            month,
        )
        alert, content = session.get_one(Alert, UUID(first)), FollowUpContent(title="News", body="It falls.")
        draft = follow_ups.draft_follow_up(
            session, by=world.planner, first=alert, kind=FollowUp.UPDATE, content=content
        )
        path = f"/staff/alerts/{draft.id}"
    said = {"draft": path.rpartition("/")[2], "kind": "update", "title": "Go", "body": "Go home now."}
    assert client.post(f"/staff/alerts/{first}/follow-up", data=said).headers["location"] == f"{path}/check"
    read = {"seen": re.findall(r'name="seen" value="(\w{64})"', client.get(f"{path}/check").text)[0]}
    assert client.post(f"{path}/submit", data=read).status_code == 303
    assert client.post(f"{path}/approve", data=read).status_code == 403
    assert state(client, world.headers, path.rpartition("/")[2]) == "submitted"


def test_a_no_needs_a_reason(client: Client, world: World, totp: pyotp.TOTP) -> None:
    alert = submitted(client, world)
    assert client.post(f"/staff/alerts/{alert}/reject", data={"reason": "no"}).status_code == 422
    assert client.post(f"/staff/alerts/{alert}/reject", data={"reason": "The date is wrong."}).status_code == 303
    assert state(client, world.headers, alert) == "rejected"


def test_an_emergency_asks_for_the_second_factor_and_leads_back(client: Client, world: World, totp: pyotp.TOTP) -> None:
    alert = submitted(client, world, priority="emergency")
    yes = {"seen": seen(client, alert)}
    asked = client.post(f"/staff/alerts/{alert}/approve", data=yes).headers["location"]
    assert asked == f"/staff/confirm?back=%2Fstaff%2Falerts%2F{alert}%2Fdecide"
    wrong = client.post(asked, data={"code": "000000"})
    assert (wrong.status_code, f'action="{asked}"' in wrong.text) == (422, True)
    back = client.post(asked, data={"code": totp.at(clock.now())})
    assert (back.status_code, back.headers["location"]) == (303, f"/staff/alerts/{alert}/decide")
    fresh = back.cookies["officer"]
    client.cookies.clear()
    client.cookies.set("officer", fresh)
    assert client.post(f"/staff/alerts/{alert}/approve", data=yes).status_code == 303
    assert state(client, world.headers, alert) == "sending"


def test_who_wrote_it_cannot_approve_it_on_the_page(client: Client, world: World, totp: pyotp.TOTP) -> None:
    with transaction() as session:
        kim = session.exec(select(Officer).where(Officer.email == "kim@example.org")).one()
        key = service.create_key(
            session, council_id=kim.council_id, name="own", role=Role.PLANNER, mode=KeyMode.LIVE, officer_id=kim.id
        )
    kept = dict(client.cookies)
    client.cookies.clear()
    alert = created(client, {"Authorization": f"Bearer {key}"}, topic=ONE, send=True)["id"]
    client.cookies.update(kept)
    assert "Approve this alert" not in client.get(f"/staff/alerts/{alert}/decide").text
    assert client.post(f"/staff/alerts/{alert}/approve", data={"seen": "0" * 64}).status_code == 403
    assert state(client, world.headers, alert) == "submitted"


def test_one_person_alone_sends_an_emergency_with_a_reason_and_administrators_hear_of_it(
    client: Client, world: World, totp: pyotp.TOTP, work: Callable[[], None], inbox: Mailbox
) -> None:
    for name, role in (("boss", Role.ADMIN), ("author", Role.AUTHOR)):
        with transaction() as session:
            service.create_officer(
                session, council_id=world.council_id, email=f"{name}@example.org", name=name, role=role
            )
    alert = submitted(client, world, priority="emergency")
    alone = f"/staff/alerts/{alert}/alone"
    assert "Only when lives are in danger" in client.get(alone).text
    assert client.post(alone, data={"reason": ""}).status_code == 422
    asked = client.post(alone, data={"reason": "Both planners do not answer."}).headers["location"]
    assert asked == f"/staff/confirm?back=%2Fstaff%2Falerts%2F{alert}%2Falone"
    back = client.post(asked, data={"code": totp.at(clock.now())})
    fresh, kept = back.cookies["officer"], client.cookies["officer-words"]
    client.cookies.clear()
    client.cookies.update({"officer": fresh, "officer-words": kept})
    assert "Both planners do not answer." in client.get(back.headers["location"]).text
    said = {"reason": "Both planners do not answer."}
    assert client.post(alone, data=said | {"seen": "0" * 64}).status_code == 409
    assert client.post(alone, data=said | {"seen": seen(client, alert)}).status_code == 303
    assert state(client, world.headers, alert) == "sending"
    work()
    [mail] = [mail for mail in inbox.messages() if "alone" in str(mail["Subject"])]
    assert mail["To"] == "boss@example.org"
    assert "Both planners do not answer." in mail.get_content()
    with transaction() as session:
        line = session.exec(select(AuditEntry).where(AuditEntry.action == "alert.break-glass")).one()
        assert line.detail["reason"] == "Both planners do not answer."


def test_what_can_wait_is_not_sent_alone(client: Client, world: World, totp: pyotp.TOTP) -> None:
    alert = submitted(client, world)
    with transaction() as session:
        session.execute(text("UPDATE sign_in SET mfa_at = business_now()"))
    refused = client.post(f"/staff/alerts/{alert}/alone", data={"reason": "In a hurry."})
    assert refused.status_code == 403
    assert state(client, world.headers, alert) == "submitted"


def test_two_who_decide_at_once_send_it_once(client: Client, world: World, totp: pyotp.TOTP) -> None:
    alert = submitted(client, world)
    client.cookies.clear()
    reader = make_key(world, Role.APPROVER)
    approve = f"/api/v1/alerts/{alert}/approve"
    with ThreadPoolExecutor(20) as pool:
        statuses = list(pool.map(lambda _: client.post(approve, headers=reader).status_code, range(20)))
    assert sorted(statuses) == [200] + [409] * 19
    with transaction() as session:
        assert session.execute(text("SELECT count(*) FROM approval")).scalar_one() == 1


@pytest.mark.parametrize(
    ("back", "page"),
    [
        ("/staff/compose/1f/check", "/staff/compose/1f/check"),
        ("/staff/alerts/1f/follow-up?kind=all-clear", "/staff/alerts/1f/follow-up?kind=all-clear"),
        *((wrong, "/staff") for wrong in ("//evil.example", "https://evil.example", "/staff/../x", "/staffing", "")),
        *((wrong, "/staff") for wrong in ("/staff//evil.example", "/staff/\\evil", "/staff/a b", "/staff/a?b=//c")),
    ],
)
def test_a_confirmed_second_factor_leads_back_to_a_page_of_ours(
    client: Client, world: World, totp: pyotp.TOTP, back: str, page: str
) -> None:
    answer = client.post("/staff/confirm", params={"back": back}, data={"code": totp.at(clock.now())})
    assert answer.headers["location"] == page
