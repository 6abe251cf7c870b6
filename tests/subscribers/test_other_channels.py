"""Sign-up by telephone call and by webhook: offered where somebody carries them, confirmed like the others."""

import json
import re
from collections.abc import Callable, Sequence
from typing import ClassVar

import pytest
from litestar import Litestar
from litestar.testing import TestClient
from sqlmodel import select

from notify.core.db import transaction
from notify.deliveries import service_messages
from notify.providers import registry
from notify.providers.base import Channel, Message
from notify.subscribers.models import Contact, ServiceMessage
from tests.subscribers.html import Page
from tests.subscribers.journey import BROWSER, answer_question, topic_ids
from tests.world import World, make_world

Client = TestClient[Litestar]


class Recorder:
    """The provider's edge: keeps what it was handed."""

    name: ClassVar[str] = "recorder"

    def __init__(self, channel: Channel) -> None:
        self.channel = channel
        self.heard: list[Message] = []

    def send(self, message: Message) -> str:
        """Takes everything."""
        self.heard.append(message)
        return ""

    def close(self) -> None:
        """Nothing is open."""


@pytest.fixture
def world(client: Client) -> World:
    client.headers.update(BROWSER)
    return make_world()


def sign_up(client: Client, **fields: str) -> Page:
    way = next(iter(fields))
    asked = {"postcode": "ZZ1 1AA", "topic": topic_ids("bins"), "way": way} | fields
    reply = client.post("/sign-up", data=asked, follow_redirects=True)
    assert reply.status_code == 200, reply.text
    return Page(reply.text)


def heard(monkeypatch: pytest.MonkeyPatch, channel: Channel) -> Sequence[Message]:
    """The notices that wait, handed to a recorder."""
    recorder = Recorder(channel)
    monkeypatch.setattr(registry, "providers_for", lambda *_, **_chosen: [recorder])
    with transaction() as session:
        waiting = session.exec(select(ServiceMessage.id)).all()
    for notice in waiting:
        service_messages.send_service_message(notice)
    return recorder.heard


def test_calls_are_offered_only_where_somebody_places_them(
    client: Client, world: World, choose: Callable[..., None]
) -> None:
    answer_question(client, "postcode", postcode="ZZ1 1AA")
    assert "Phone call" not in answer_question(client, "topics", topic=topic_ids("bins")).text
    choose(VOICE_PROVIDERS="twilio-voice")
    assert "Phone call" in Page(client.get("/sign-up/channels").text).text


def test_a_landline_is_rung_and_confirmed_with_the_digits_read_out(
    client: Client, world: World, choose: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    choose(VOICE_PROVIDERS="twilio-voice")
    page = sign_up(client, telephone="0113 496 0123")
    assert "When we call" in page.text
    [call] = heard(monkeypatch, Channel.VOICE)
    digits = re.findall(r"(?:\d\. ){5}\d", call.text)
    assert len(digits) == 2  # read out twice
    code = re.sub(r"\D", "", digits[0])
    wrong = f"{(int(code) + 1) % 1_000_000:06}"
    assert client.post("/confirm-code", data={"mobile": "0113 496 0123", "code": wrong}).status_code == 422
    assert client.post("/confirm-code", data={"mobile": "0113 496 0123", "code": code}).status_code == 200
    with transaction() as session:
        contact = session.exec(select(Contact)).one()
        assert contact.channel == Channel.VOICE
        assert contact.confirmed_at is not None


def test_a_webhook_is_called_with_a_link_and_shows_its_secret_once(
    client: Client, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = sign_up(client, webhook="https://hooks.example.org/alerts")
    assert "The call to your webhook" in page.text
    [call] = heard(monkeypatch, Channel.WEBHOOK)
    asked = json.loads(call.text)
    assert asked["type"] == "contact.confirm"
    assert call.secret.startswith("whsec_")
    path = "/confirm/" + asked["data"]["url"].partition("/confirm/")[2]
    assert call.secret not in client.get(path).text
    assert call.secret in client.post(path).text
    assert call.secret not in client.post(path).text
    with transaction() as session:
        assert session.exec(select(Contact.confirmed_at)).one() is not None


def test_a_server_is_called_at_most_three_times_a_day_whatever_the_path(
    client: Client, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(6):
        sign_up(client, webhook=f"https://hooks.example.org/{number}")
    assert len(heard(monkeypatch, Channel.WEBHOOK)) == 3


def test_further_languages_can_be_chosen_where_the_council_translates_to_them(
    client: Client, world: World, choose: Callable[..., None]
) -> None:
    answer_question(client, "postcode", postcode="ZZ1 1AA")
    answer_question(client, "topics", topic=topic_ids("bins"))
    answer_question(client, "channels", way="mobile")
    page = answer_question(client, "contacts", mobile="07700 900123")
    assert "Polski" not in page.text
    choose(FURTHER_LANGUAGES="pl,ur")
    page = Page(client.get("/sign-up/language").text)
    assert "Polski" in page.text
    assert 'lang="ur"' in page.html
