"""Replies to an emergency: a link in each message, two buttons; the last answer counts, and goes with its writer."""

import json
import re
from collections.abc import Callable
from datetime import timedelta
from threading import Event
from typing import Any
from uuid import UUID, uuid4

import pytest
from litestar import Litestar
from litestar.testing import TestClient
from sqlalchemy import text
from sqlmodel import select

from notify.alerts import reply_request
from notify.alerts.models import Alert
from notify.core import clock
from notify.core.db import transaction
from notify.core.settings import settings
from notify.deliveries.message_content import AlertContent, Recipient
from notify.deliveries.models import Answer, Reply
from notify.providers import sms_segments
from notify.providers.base import Channel
from notify.staff.council_settings.effective import installation_settings
from notify.subscribers import erasure
from notify.subscribers.models import Topic
from tests.alerts.calls import act, created, post_alert
from tests.mailbox import Mailbox
from tests.tracking.reading import link, part
from tests.world import World, add_resident, make_other_council, make_world, signed_in

Client = TestClient[Litestar]
Work = Callable[[], None]


@pytest.fixture
def world(client: Client) -> World:
    return make_world()


def ask(client: Client, world: World, **fields: object) -> UUID:
    """An emergency that asks for replies."""
    alert = created(
        client, world.headers, topic="emergencies", priority="emergency", asks_reply=True, send=True, **fields
    )
    return UUID(alert["id"])


def answers() -> list[tuple[UUID, Answer]]:
    with transaction() as session:
        return [(one.subscriber_id, one.answer) for one in session.exec(select(Reply))]


def history() -> list[dict[str, str]]:
    with transaction() as session:
        return list(session.execute(text("SELECT detail FROM event WHERE kind = 'replied' ORDER BY id")).scalars())


def path_in(words: str) -> str:
    found = re.search(r"/r/[\w-]+", words)
    assert found
    return found[0]


def reply_in(inbox: Mailbox) -> str:
    [mail] = inbox.messages()
    return link(mail, "/r/")


def test_mail_and_text_carry_each_a_link_of_their_own(client: Client, world: World, work: Work, inbox: Mailbox) -> None:
    add_resident(world, "a@example.org", phone="07700 900001", topics=["emergencies"])
    ask(client, world, sms="Leave now.")
    work()
    [sms] = inbox.lines("sms.jsonl")
    assert sms["text"].startswith(
        "Zed Council: Leave now. Reply 1 if safe, 2 if you need help, or open " + settings().base_url
    )
    assert path_in(sms["text"]) != reply_in(inbox)
    assert len(path_in(sms["text"])) == len("/r/") + 18
    assert "call 999" in part(inbox.messages()[0], "plain")
    assert "call 999" in part(inbox.messages()[0], "html")


def test_a_webhook_and_a_welsh_text_carry_it_too(client: Client, world: World) -> None:
    alert_id = ask(client, world, translations={"cy": {"title": "Llifogydd", "body": "Ewch.", "sms": "Ewch nawr."}})
    with transaction() as session:
        alert = session.get_one(Alert, alert_id)
        words = AlertContent(alert, session.get_one(Topic, alert.topic_id), installation_settings("Zed Council"))
    for number, (channel, language) in enumerate([(Channel.WEBHOOK, "en"), (Channel.SMS, "cy")], start=1):
        who = Recipient(
            *(number, f"x-{number}", uuid4(), channel, "-", "", "", language, ""), may_be_tracked=False, is_unsure=False
        )
        said = words.message(who, Event()).text
        assert reply_request.reply_url(alert.reply_code or 0, number) in said
        if channel == Channel.WEBHOOK:
            assert json.loads(said)["data"]["reply_url"] == reply_request.reply_url(alert.reply_code or 0, number)
        else:
            assert said.startswith("Zed Council: Ewch nawr. Atebwch 1 os yn ddiogel, 2 os oes angen help, neu agorwch ")


def test_the_link_is_counted_before_it_is_sent(client: Client, world: World, work: Work, inbox: Mailbox) -> None:
    add_resident(world, phone="07700 900001", topics=["emergencies"])
    words = "x" * (160 - len("Zed Council: . Reply STOP to end"))
    asked = {"topic": "emergencies", "sms": words, "priority": "emergency", "channels": ["sms"]}
    parts = [
        client.post("/api/v1/audiences", json=asked | more, headers=world.headers).json()["sms_parts"]
        for more in ({}, {"asks_reply": True})
    ]
    ask(client, world, sms=words)
    work()
    [sms] = inbox.lines("sms.jsonl")
    assert (parts, sms_segments.count(sms["text"]).segments) == ([1, 2], 2)


def test_looking_answers_nothing_and_a_button_does(client: Client, world: World, work: Work, inbox: Mailbox) -> None:
    resident = add_resident(world, "a@example.org", topics=["emergencies"])
    ask(client, world, title="Flood")
    work()
    path = reply_in(inbox)
    page = client.get(path)
    assert (page.status_code, answers()) == (200, [])
    assert "Flood" in page.text
    assert "call 999" in page.text
    assert client.post(path, data={"answer": "help"}).status_code == 200
    assert answers() == [(resident, Answer.HELP)]


def test_the_last_answer_counts_and_the_same_again_changes_nothing(
    client: Client, world: World, work: Work, inbox: Mailbox
) -> None:
    resident = add_resident(world, "a@example.org", topics=["emergencies"])
    ask(client, world)
    work()
    path = reply_in(inbox)
    for said in ("help", "help", "safe", "safe", "dancing", "safe"):
        assert client.post(path, data={"answer": said}).status_code == 200
    assert answers() == [(resident, Answer.SAFE)]
    assert history() == [{"answer": "help"}, {"answer": "safe"}]
    assert "Your answer so far: I am safe" in client.get(path).text


def test_whoever_is_erased_has_not_answered(client: Client, world: World, work: Work, inbox: Mailbox) -> None:
    resident = add_resident(world, "a@example.org", topics=["emergencies"])
    add_resident(world, "b@example.org", topics=["emergencies"])
    ask(client, world)
    work()
    paths = {mail["To"]: link(mail, "/r/") for mail in inbox.messages()}
    for path in paths.values():
        client.post(path, data={"answer": "help"})
    with transaction() as session:
        erasure.erase(session, subscriber_id=resident, actor="test")
    assert (len(answers()), len(history())) == (1, 1)
    assert client.get(paths["a@example.org"]).status_code == 404
    assert client.post(paths["a@example.org"], data={"answer": "safe"}).status_code == 404
    assert len(answers()) == 1


def test_whoever_this_council_erased_has_not_answered_it(
    client: Client, world: World, work: Work, inbox: Mailbox
) -> None:
    resident = add_resident(world, "a@example.org", topics=["emergencies"])
    ask(client, world)
    work()
    path = reply_in(inbox)
    client.post(path, data={"answer": "help"})
    add_resident(make_other_council(), "a@example.org", topics=["potholes"])  # they follow another council, too
    with transaction() as session:
        erasure.erase(session, subscriber_id=resident, actor="test")
        assert session.execute(text("SELECT count(*) FROM subscriber")).scalar_one() == 1
    assert (answers(), history()) == ([], [])
    assert client.get(path).status_code == 404


def test_after_the_all_clear_nobody_is_asked_any_more(client: Client, world: World, work: Work, inbox: Mailbox) -> None:
    add_resident(world, "a@example.org", topics=["emergencies"])
    alert = ask(client, world)
    work()
    path = reply_in(inbox)
    act(client, signed_in(world.council_id), str(alert), "all-clear", {"title": "Over", "body": "Come home."})
    work()
    page = client.get(path)
    assert "This alert is over" in page.text
    assert '<form method="post" action="/r/' not in page.text
    assert client.post(path, data={"answer": "help"}).status_code == 410
    assert answers() == []


@pytest.mark.parametrize("token", ["abc", "A" * 22, "A" * 48])
def test_a_forged_link_is_no_link(client: Client, world: World, token: str) -> None:
    assert client.get(f"/r/{token}").status_code == 404
    assert client.post(f"/r/{token}", data={"answer": "safe"}).status_code == 404


def test_a_link_leads_to_alerts_that_asked_only(client: Client, world: World, work: Work, inbox: Mailbox) -> None:
    add_resident(world, "a@example.org", topics=["emergencies"])
    quiet = UUID(created(client, world.headers, topic="emergencies", priority="emergency", send=True)["id"])
    work()
    assert "/r/" not in part(inbox.messages()[0], "plain")
    with transaction() as session:
        code = session.get_one(Alert, quiet).reply_code
    assert code
    assert client.get(reply_request.reply_url(code, 1).removeprefix(settings().base_url)).status_code == 404


def test_another_sites_page_cannot_answer(client: Client, world: World, work: Work, inbox: Mailbox) -> None:
    add_resident(world, "a@example.org", topics=["emergencies"])
    ask(client, world)
    work()
    foreign = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
    assert client.post(reply_in(inbox), data={"answer": "safe"}, headers=foreign).status_code == 403
    assert answers() == []


@pytest.mark.parametrize(
    "field", [{"asks_reply": True}, {"training": True}, {"escalate": {"after_minutes": 5, "channels": ["sms"]}}]
)
def test_only_emergencies_ask(client: Client, world: World, field: dict[str, Any]) -> None:
    assert post_alert(client, world.headers, **field).status_code == 422


def test_each_of_these_wishes_is_part_of_what_is_approved(client: Client, world: World) -> None:
    ends = (clock.now() + timedelta(hours=5)).isoformat()

    def hashed(**fields: object) -> str:
        body = {"topic": "emergencies", "priority": "emergency", "channels": ["email"], "expires_at": ends, **fields}
        said: str = created(client, world.headers, **body)["content_hash"]
        return said

    five, six = ({"escalate": {"after_minutes": minutes, "channels": ["sms"]}} for minutes in (5, 6))
    assert hashed() == hashed()
    assert len({hashed(), hashed(asks_reply=True), hashed(training=True), hashed(**five), hashed(**six)}) == 5
