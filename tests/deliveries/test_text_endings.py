"""Every text says how to stop: by an answer where the sender takes one, and by a short link where it cannot."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from litestar import Litestar
from litestar.testing import TestClient
from sqlmodel import select

from notify.core.db import transaction
from notify.core.settings import settings
from notify.providers import registry
from notify.providers.base import Channel
from notify.subscribers.models import ConsentWording
from tests.alerts.calls import created
from tests.mailbox import Mailbox
from tests.subscribers.journey import BROWSER, sign_up
from tests.world import World, add_resident, make_other_council, make_world

Client = TestClient[Litestar]
Work = Callable[[], None]
PHONE, NUMBER = "07700 900201", "+447700900201"


@pytest.fixture
def world(client: Client) -> World:
    return make_world()


def in_the_loft(loft: Path) -> list[str]:
    return [file.read_text().partition("\n")[2] for file in sorted(loft.iterdir())]


def test_a_number_takes_answers_so_texts_say_reply_stop(
    client: Client, world: World, work: Work, inbox: Mailbox
) -> None:
    add_resident(world, phone=PHONE)
    add_resident(world, phone="07700 900202", language="cy")
    welsh = {"cy": {"title": "Ar gau", "body": "Dydd Sul.", "sms": "Ar gau ddydd Sul."}}
    created(client, world.headers, channels=["sms"], sms="Mill Road closed on Sunday.", translations=welsh, send=True)
    created(client, world.headers, channels=["sms"], sms="Mill Road is open", send=True)
    created(client, world.headers, channels=["sms"], sms="Open. Text STOP to end", send=True)
    work()
    assert {line["text"] for line in inbox.lines("sms.jsonl")} == {
        "Zed Council: Mill Road closed on Sunday. Reply STOP to end",
        "Zed Council: Ar gau ddydd Sul. Atebwch STOP i orffen",
        "Zed Council: Mill Road is open. Reply STOP to end",
        "Zed Council: Open. Text STOP to end",
    }


def test_a_name_takes_none_so_texts_hold_a_short_link_that_stops_them(
    client: Client, world: World, work: Work, loft: Path
) -> None:
    far = make_other_council()
    client.headers.update(BROWSER)
    add_resident(world, phone=PHONE)
    add_resident(far, phone=PHONE, topics=["potholes"])
    created(client, world.headers, channels=["sms"], sms="Mill Road closed.", send=True)
    work()
    [text] = in_the_loft(loft)
    address = re.escape(settings().base_url)
    found = re.fullmatch(rf"Zed Council: Mill Road closed\. Stop: {address}(/x/[\w-]{{32}})", text)
    assert found, text
    asked = client.get(found[1])
    assert (asked.status_code, f'action="{found[1]}"' in asked.text) == (200, True)
    created(client, world.headers, channels=["sms"], send=True)
    work()
    assert len(in_the_loft(loft)) == 2  # looking stops nothing
    assert client.post(found[1]).status_code == 200
    assert client.post(found[1]).status_code == 200
    created(client, world.headers, channels=["sms"], send=True)
    created(client, far.headers, topic="potholes", channels=["sms"], send=True)
    work()
    assert len(in_the_loft(loft)) == 2


def test_a_link_that_was_changed_stops_nobody(client: Client, world: World) -> None:
    client.headers.update(BROWSER)
    for method in (client.get, client.post):
        assert method("/x/" + "A" * 32).status_code == 404


@pytest.mark.parametrize(
    ("chosen", "takes"),
    [
        ({"SMS_PROVIDERS": "file"}, True),
        ({"SMS_PROVIDERS": "twilio-sms", "TWILIO_FROM_NUMBER": "+447700900999"}, True),
        ({"SMS_PROVIDERS": "twilio-sms", "TWILIO_FROM_NUMBER": "ZedCouncil"}, False),
        ({"SMS_PROVIDERS": "twilio-sms", "TWILIO_MESSAGING_SERVICE_SID": "MG1"}, True),
        ({"SMS_PROVIDERS": "govuk-sms"}, False),
        ({"SMS_PROVIDERS": "govuk-sms", "GOVUK_SMS_TAKES_REPLIES": "true"}, True),
        ({"SMS_PROVIDERS": "aws-sms", "AWS_SMS_ORIGINATION_IDENTITY": "+447700900999"}, True),
        ({"SMS_PROVIDERS": "aws-sms", "AWS_SMS_ORIGINATION_IDENTITY": "pool-1234"}, True),
        ({"SMS_PROVIDERS": "aws-sms", "AWS_SMS_ORIGINATION_IDENTITY": "ZEDCOUNCIL"}, False),
        ({"SMS_PROVIDERS": "file", "EMERGENCY_SMS_PROVIDERS": "govuk-sms"}, False),
    ],
)
def test_each_kind_of_sender_is_known(choose: Callable[..., None], chosen: dict[str, str], takes: bool) -> None:
    choose(**chosen)
    assert registry.takes_replies(Channel.SMS) is takes


def test_the_words_agreed_to_promise_no_link_in_every_message(client: Client, world: World) -> None:
    client.headers.update(BROWSER)
    sign_up(client, email="", mobile=PHONE)
    with transaction() as session:
        wording = session.exec(select(ConsentWording)).one()
    assert "every email has a link for it, every text message says how" in wording.wording
    assert "link in every message" not in wording.wording


def test_the_dry_run_pays_for_the_ending_too(client: Client, world: World) -> None:
    add_resident(world, phone=PHONE)
    longest = "x" * (160 - len("Zed Council: . Reply STOP to end"))
    asked = {"topic": "road-closures", "channels": ["sms"]}
    fits = client.post("/api/v1/audiences", json=asked | {"sms": longest}, headers=world.headers).json()
    over = client.post("/api/v1/audiences", json=asked | {"sms": longest + "x"}, headers=world.headers).json()
    assert (fits["sms_parts"], over["sms_parts"]) == (1, 2)
