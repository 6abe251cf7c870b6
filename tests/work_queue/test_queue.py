"""What waits for a user stands on their first page, and what they answer goes where it belongs."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import pytest

from notify.core.db import transaction
from notify.staff import service as staff
from notify.staff.models import Role
from tests import moments
from tests.alerts.calls import ONE, Client, act, created, neighbour, new_alert, state, world_with_approvals
from tests.drafting.desk import sit_down
from tests.mailbox import Mailbox
from tests.subscribers.html import Page
from tests.world import NORTH, SOUTH, World, add_resident, desk_of, make_key, signed_in

Work = Callable[[], None]


@pytest.fixture
def world(client: Client) -> World:
    return world_with_approvals()


def queue(client: Client, key: dict[str, str]) -> Any:  # noqa: ANN401 - JSON
    answer = client.get("/api/v1/work-queue", headers=key)
    assert answer.status_code == 200, answer.text
    return answer.json()


def titles(section: Any) -> list[str]:  # noqa: ANN401 - JSON
    return [one["title"] for one in section["alerts"]]


def listed(client: Client, key: dict[str, str], **asked: str) -> list[str]:
    answer = client.get("/api/v1/alerts", params=asked, headers=key)
    assert answer.status_code == 200, answer.text
    return [one["title"] for one in answer.json()["alerts"]]


def soon() -> str:
    return (moments.present() + timedelta(hours=3)).isoformat()


def test_what_waits_for_approval_is_in_the_queue_of_those_who_may_approve_it_until_they_answered(
    client: Client, world: World
) -> None:
    author, approver = make_key(world, Role.APPROVER), make_key(world, Role.APPROVER)
    alert = created(client, author, topic=ONE, send=True)
    assert titles(queue(client, approver)["to_approve"]) == ["Mill Road closed"]
    assert queue(client, approver)["to_approve"]["count"] == 1
    assert queue(client, author)["to_approve"]["count"] == 0
    assert queue(client, make_key(world, Role.AUTHOR))["to_approve"]["count"] == 0
    assert queue(client, neighbour())["to_approve"]["count"] == 0
    act(client, approver, alert["id"], "approve")
    assert queue(client, approver)["to_approve"]["count"] == 0


def test_approvers_are_told_with_a_link_that_ends_at_the_page_for_approval(
    client: Client, world: World, work: Work, mail: Mailbox
) -> None:
    client.follow_redirects = False
    with transaction() as session:
        approver = staff.create_officer(
            session, council_id=world.council_id, email="ann.approver@example.org", name="Ann", role=Role.APPROVER
        )
    alert = created(client, make_key(world, Role.AUTHOR), topic=ONE, send=True)
    work()
    assert mail.recipients()["ann.approver@example.org"] == 1
    told = next(one for one in mail.messages() if one["to"] == "ann.approver@example.org")
    path = f"/staff/alerts/{alert['id']}/decide"
    assert told["subject"] == "Alert to approve: Mill Road closed"
    assert path in str(told.get_content())
    asked = client.get(path, headers={"Accept": "text/html"})
    assert (asked.status_code, Page(asked.text).actions) == (401, [f"/staff/sign-in?back={quote(path, safe='')}"])
    assert client.get(path, headers=desk_of(approver, mfa_at=None)).status_code == 200


def test_signing_in_leads_to_no_other_site(client: Client, world: World) -> None:
    for back in ("https://evil.example.org", "//evil.example.org", "/staff//evil.example.org", "/my"):
        assert Page(client.get("/staff/sign-in", params={"back": back}).text).actions == ["/staff/sign-in"]


def test_an_alert_that_is_returned_is_a_draft_with_its_words_and_its_author_is_told_why(
    client: Client, world: World, work: Work, mail: Mailbox
) -> None:
    author = make_key(world, Role.AUTHOR)
    alert = created(client, author, topic=ONE, send=True, send_at=soon())
    reason = {"reason": "Say which bridge."}
    returned = act(client, make_key(world, Role.APPROVER), alert["id"], "return", reason)
    assert (returned.json()["state"], returned.json()["body"]) == ("draft", "On Sunday.")
    work()
    told = next(one for one in mail.messages() if one["subject"] == "Returned for changes: Mill Road closed")
    assert "Say which bridge." in str(told.get_content())
    mine = queue(client, author)["returned"]["alerts"]
    assert [(one["title"], one["reason"]) for one in mine] == [("Mill Road closed", "Say which bridge.")]
    # the same alert with other words is asked for again
    changed = client.put(
        f"/api/v1/alerts/{alert['id']}", json=new_alert(topic=ONE, body="The north bridge."), headers=author
    )
    assert (changed.status_code, changed.json()["id"], changed.json()["body"]) == (
        200,
        alert["id"],
        "The north bridge.",
    )
    assert act(client, author, alert["id"], "submit").json()["state"] == "submitted"


def test_nobody_returns_what_does_not_wait_or_is_anothers_councils(client: Client, world: World) -> None:
    key = make_key(world, Role.APPROVER)
    draft = created(client, make_key(world, Role.AUTHOR), topic=ONE)
    assert act(client, key, draft["id"], "return", {"reason": "Not yet."}).status_code == 409
    theirs = neighbour()
    assert act(client, theirs, draft["id"], "return", {"reason": "Not yet."}).status_code == 404
    assert client.put(f"/api/v1/alerts/{draft['id']}", json=new_alert(), headers=theirs).status_code == 404


def test_what_was_submitted_is_not_changed_under_its_approvers(client: Client, world: World) -> None:
    author = make_key(world, Role.AUTHOR)
    alert = created(client, author, topic=ONE, send=True)
    answer = client.put(f"/api/v1/alerts/{alert['id']}", json=new_alert(topic=ONE, body="Other."), headers=author)
    assert answer.status_code == 409
    assert client.get(f"/api/v1/alerts/{alert['id']}", headers=author).json()["body"] == "On Sunday."


def test_who_changed_an_alert_does_not_approve_it(client: Client, world: World) -> None:
    author, other = make_key(world, Role.AUTHOR), make_key(world, Role.APPROVER)
    alert = created(client, author, topic=ONE)
    changed = client.put(f"/api/v1/alerts/{alert['id']}", json=new_alert(topic=ONE, body="Other."), headers=other)
    assert changed.status_code == 200
    act(client, author, alert["id"], "submit")
    assert act(client, other, alert["id"], "approve").status_code == 403


def test_on_the_pages_a_returned_alert_opens_with_its_words_and_is_the_same_alert_afterwards(
    client: Client, world: World
) -> None:
    add_resident(world, "r@example.org", topics=[ONE])
    desk = sit_down(client, world, Role.AUTHOR)
    desk.begin(ONE)
    desk.where(reach="everyone")
    desk.words()
    alert = desk.send()
    approver = signed_in(world.council_id, Role.APPROVER)
    answer = client.post(f"/staff/alerts/{alert}/return", data={"reason": "Say until when."}, headers=approver)
    assert answer.status_code == 303
    home = Page(client.get("/staff").text)
    assert "Reason: Say until when." in " ".join(home.words)
    desk.draft = client.post(f"/staff/alerts/{alert}/change").headers["location"].removesuffix("/words")
    assert "8am to 6pm on Sunday" in client.get(f"{desk.draft}/words").text
    desk.words(body="Mill Road is closed until 6pm.")
    assert desk.send() == alert
    assert state(client, world.headers, alert) == "submitted"


def test_deleting_a_draft_asks_first(client: Client, world: World) -> None:
    desk = sit_down(client, world)
    desk.begin()
    assert "Are you sure you want to delete this draft?" in client.get(f"{desk.draft}/discard").text
    assert desk.draft in client.get("/staff").text
    assert client.post(f"{desk.draft}/discard").headers["location"] == "/staff"
    assert desk.draft not in client.get("/staff").text


def test_a_colleagues_draft_is_named_and_does_not_open(client: Client, world: World) -> None:
    mine = sit_down(client, world).begin()
    mine.words(title="Gritting tonight")
    other = signed_in(world.council_id, Role.AUTHOR)
    home = client.get("/staff", headers=other)
    assert "Gritting tonight" in home.text
    assert mine.draft not in home.text
    assert "Gritting tonight" not in client.get("/staff", headers=signed_in(world.council_id, Role.VIEWER)).text


def test_the_page_of_a_scheduled_alert_says_when_to_whom_in_which_words_and_by_whom(
    client: Client, world: World
) -> None:
    author, approver = make_key(world, Role.AUTHOR), make_key(world, Role.APPROVER)
    alert = created(
        client,
        author,
        topic=ONE,
        send=True,
        send_at="2099-03-03T14:05:00Z",
        audience={"wards": [NORTH]},
        translations={"cy": {"title": "Ffordd ar gau", "body": "Ddydd Sul."}},
    )
    act(client, approver, alert["id"], "approve")
    page = " ".join(Page(client.get(f"/staff/alerts/{alert['id']}", headers=signed_in(world.council_id)).text).words)
    for said in ("14:05 on 3 March 2099", "Northside", "On Sunday.", "Ddydd Sul.", "Written by Sam", "Approved by Sam"):
        assert said in page
    queued = queue(client, author)["scheduled"]
    assert (queued["count"], titles(queued)) == (1, ["Mill Road closed"])


def test_a_new_time_keeps_the_words_and_asks_for_approval_again(client: Client, world: World) -> None:
    author, approver = make_key(world, Role.AUTHOR), make_key(world, Role.APPROVER)
    alert = created(client, author, topic=ONE, send=True, send_at=soon())
    act(client, approver, alert["id"], "approve")
    moved = act(client, author, alert["id"], "reschedule", {"send_at": "2099-03-03T14:05:00Z"}).json()
    assert (moved["state"], moved["body"]) == ("submitted", "On Sunday.")
    assert queue(client, approver)["to_approve"]["count"] == 1


def test_sending_and_sent_alerts_are_live_or_recent(client: Client, world: World, work: Work) -> None:
    add_resident(world, "r@example.org", topics=["road-closures", "emergencies"])
    created(client, world.headers, send=True)
    created(client, world.headers, topic="emergencies", priority="emergency", title="Flood", send=True)
    work()
    found = queue(client, world.headers)
    assert titles(found["live"]) == ["Flood"]
    assert titles(found["recent"]) == ["Mill Road closed"]


def test_alerts_are_found_by_words_reference_state_topic_ward_day_and_author(client: Client, world: World) -> None:
    author = make_key(world, Role.AUTHOR)
    created(client, author, title="Gritting tonight", reference="WINTER-26/7", audience={"wards": [NORTH]})
    created(client, author, topic=ONE, title="Plans to read", audience={"wards": [SOUTH]}, send=True)
    created(client, world.headers, title="100% of bins", body="Collected by noon.")
    today = moments.present().date().isoformat()
    with transaction() as session:
        me = str(staff.key_holder(session, author["Authorization"].split()[1]).officer_id)
    for asked, found in (
        ({"q": "grit"}, ["Gritting tonight"]),
        ({"q": "collect noon"}, ["100% of bins"]),
        ({"q": "winter-26"}, ["Gritting tonight"]),
        ({"q": "100%"}, ["100% of bins"]),
        ({"q": "%"}, ["100% of bins"]),
        ({"state": "submitted"}, ["Plans to read"]),
        ({"topic": ONE}, ["Plans to read"]),
        ({"ward": NORTH}, ["100% of bins", "Gritting tonight"]),
        ({"author": me}, ["Plans to read", "Gritting tonight"]),
        ({"author": str(uuid4())}, []),
        ({"since": "2099-01-01"}, []),
        ({"until": today, "q": "grit"}, ["Gritting tonight"]),
    ):
        assert listed(client, world.headers, **asked) == found, asked
    page = client.get("/staff/alerts", params={"q": "grit"}, headers=signed_in(world.council_id))
    assert "Gritting tonight" in page.text
    assert "Plans to read" not in page.text
    assert "Nothing matches" in client.get("/staff/alerts?q=nowhere", headers=signed_in(world.council_id)).text


def test_older_alerts_are_a_page_further_with_the_same_search(client: Client, world: World) -> None:
    for number in range(26):
        created(client, world.headers, title=f"Gritting {number}")
    desk = signed_in(world.council_id)
    first = client.get("/staff/alerts?q=gritting", headers=desk).text
    assert "Gritting 25" in first
    assert "Gritting 0<" not in first
    older = next(link for link in Page(first).links if "after=" in link)
    last = client.get(older, headers=desk).text
    assert "Gritting 0<" in last
    assert "Gritting 25" not in last


def test_an_exercise_that_becomes_an_emergency_is_part_of_no_exercise(client: Client, world: World, work: Work) -> None:
    planner, desk = make_key(world, Role.PLANNER), signed_in(world.council_id)
    flood = {"topic": "emergencies", "priority": "emergency"}
    first = created(client, planner, **flood, training=True, send=True)["id"]
    work()
    joined = client.get(f"/api/v1/alerts/{first}", headers=desk).json()["incident"]
    drill = created(client, planner, **flood, training=True, incident=joined)
    assert drill["incident"] == joined
    real = client.put(f"/api/v1/alerts/{drill['id']}", json=new_alert(**flood), headers=desk).json()
    assert (real["is_test"], real["incident"]) == (False, None)


def test_another_version_keeps_no_hazard_that_it_does_not_name(client: Client, world: World) -> None:
    planner = make_key(world, Role.PLANNER)
    flood = {"topic": "emergencies", "priority": "emergency"}
    cap = {"event": "Flood", "severity": "Severe", "instruction": "Leave now."}
    alert = created(client, planner, **flood, cap=cap)
    assert alert["cap"]["instruction"] == "Leave now."
    other = client.put(f"/api/v1/alerts/{alert['id']}", json=new_alert(**flood), headers=planner)
    assert "instruction" not in other.json()["cap"], other.json()["cap"]


@pytest.mark.parametrize(
    "asked", [{"until": "9999-12-31"}, {"since": "0001-01-01"}, {"topic": "a\0b"}, {"ward": "a\0b"}]
)
def test_a_search_at_the_edge_of_what_can_be_asked_is_answered(
    client: Client, world: World, asked: dict[str, str]
) -> None:
    key = make_key(world, Role.AUTHOR)
    assert client.get("/api/v1/alerts", params=asked, headers=key).status_code < 500
    assert client.get("/staff/alerts", params=asked, headers=signed_in(world.council_id)).status_code < 500
