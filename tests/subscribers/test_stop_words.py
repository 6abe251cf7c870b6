"""What a text asks for: STOP in the words that people use, and nothing that only begins like it."""

from collections.abc import Callable

import pytest
from litestar import Litestar
from litestar.testing import TestClient

from notify.core.db import transaction
from notify.deliveries.receipts import take_news
from notify.providers.base import Channel, Inbound
from notify.staff.models import KeyMode, Role
from notify.subscribers.inbound_texts.stop_words import Wish, wish_of
from tests.alerts.calls import created
from tests.mailbox import Mailbox
from tests.world import World, add_resident, at_the_desk, make_key, make_other_council, make_world

Client = TestClient[Litestar]
Work = Callable[[], None]
PHONE = "07700 900201"
NUMBER = "+447700900201"

STOPS = (
    *("STOP", "stop.", " Stop! ", "STOP STOP STOP", "stop all", "STOPALL", "stop please", "Please stop", "stop now"),
    *("opt out", "opt-out", "OPT OUT", "optout", "opt me out", "I want to opt out", "opt out please"),
    *("stop texting me", "Stop sending me texts", "stop messaging me please", "stop it", "stop these texts"),
    *("unsubscribe", "unsubscribe me", "Please unsubscribe me from these alerts", "Unsub", "remove me from your list"),
    *("don't text me", "Don’t text me again", "do not contact me", "no more texts", "no more", "leave me alone"),
    *("Can you stop texting me please?", "could you stop sending these messages to me", "cancel", "END", "quit"),
    *("Stopio", "peidiwch", "Peidiwch â thecstio fi", "Stopiwch os gwelwch yn dda", "dim mwy o negeseuon"),
    *("optio allan", "dad-danysgrifio", "Tynnwch fi oddi ar y rhestr", "diwedd", "canslo"),
)
UNSURE = (
    *("Stop lorries using Mill Lane", "Please stop the bus on High Street", "stop all traffic", "STOP 2 lorries"),
    *("Stop sign on Mill Lane is down", "unsubscribe from bins but not from floods", "Stop bin collections on Fridays"),
    "Peidiwch â gadael lorïau ar Lôn y Felin",
)
NEITHER = (
    *(
        "End of Mill Lane is flooded",
        "Cancel my bin collection",
        "Yes we have no bins",
        "no",
        "thank you",
        "",
        "?!",
        "🙂",
    ),
    *("I quit smoking", "When do you stop?", "Call me", "Opt-in", "Stopping distance", "no alerts came today"),
)


@pytest.mark.parametrize("words", STOPS)
def test_these_are_stop(words: str) -> None:
    assert wish_of(words) is Wish.STOP


@pytest.mark.parametrize("words", UNSURE)
def test_these_only_begin_like_it(words: str) -> None:
    assert wish_of(words) is Wish.UNSURE


@pytest.mark.parametrize("words", NEITHER)
def test_these_are_neither(words: str) -> None:
    assert wish_of(words) is Wish.NOTHING


@pytest.mark.parametrize("words", ["start", "START", "Yes", "yes please", "start again", "dechrau", "UNSTOP"])
def test_these_start_again(words: str) -> None:
    assert wish_of(words) is Wish.START


@pytest.fixture
def world(client: Client) -> World:
    return make_world()


def says(words: str, number: str = NUMBER) -> int:
    with transaction() as session:
        return take_news(session, [Inbound(Channel.SMS, number, words)], provider="file")


def shown(client: Client, headers: dict[str, str]) -> list[str]:
    return [one["words"] for one in client.get("/api/v1/resident-messages", headers=headers).json()["messages"]]


def test_what_only_begins_with_stop_gets_one_reply_and_is_shown_to_staff(
    client: Client, world: World, work: Work, inbox: Mailbox
) -> None:
    add_resident(world, phone=PHONE)
    assert says("Stop lorries using Mill Lane") == 1
    assert says("Stop lorries using Mill Lane") == 0  # said again by the provider
    assert says("Stop them please, all 3 of them") == 1
    work()
    [line] = inbox.lines("sms.jsonl")
    assert (line["to"], line["text"]) == (NUMBER, "Zed Council: Reply STOP to end.")
    assert shown(client, world.headers) == ["Stop them please, all 3 of them", "Stop lorries using Mill Lane"]
    page = client.get("/staff/messages", headers=at_the_desk(make_key(world, Role.AUTHOR)))
    assert "Stop lorries using Mill Lane" in page.text
    assert NUMBER in page.text
    inbox.empty()
    created(client, world.headers, channels=["sms"], send=True)
    work()
    assert inbox.texts() == {NUMBER: 1}
    assert says("STOP") == 1
    created(client, world.headers, channels=["sms"], send=True)
    work()
    assert inbox.texts() == {NUMBER: 1}


def test_the_reply_is_in_the_residents_language(world: World, work: Work, inbox: Mailbox) -> None:
    add_resident(world, phone=PHONE, language="cy")
    says("Peidiwch â gadael lorïau ar Lôn y Felin")
    work()
    assert [line["text"] for line in inbox.lines("sms.jsonl")] == ["Zed Council: Atebwch STOP i orffen."]


def test_a_number_that_nobody_has_gets_no_reply(world: World, work: Work, inbox: Mailbox) -> None:
    assert says("Stop lorries using Mill Lane") == 0
    assert says("Stop lorries using Mill Lane", "60001") == 0
    work()
    assert inbox.texts() == {}


def test_the_council_that_wrote_last_sees_the_words_and_no_other(
    client: Client, world: World, work: Work, inbox: Mailbox
) -> None:
    far, third = make_other_council(), make_other_council("third")
    add_resident(world, phone=PHONE)
    add_resident(far, phone=PHONE, topics=["potholes"])
    created(client, world.headers, channels=["sms"], send=True)
    work()
    created(client, far.headers, topic="potholes", channels=["sms"], send=True)
    work()
    inbox.empty()
    says("Stop lorries using Mill Lane")
    assert [len(shown(client, council.headers)) for council in (world, far, third)] == [0, 1, 0]
    work()
    assert [line["text"].partition(":")[0] for line in inbox.lines("sms.jsonl")] == ["Far Council"]
    created(client, world.headers, channels=["sms"], send=True)
    work()
    says("Stop lorries using Mill Lane")  # the same words to another council are another message
    assert [len(shown(client, council.headers)) for council in (world, far, third)] == [1, 1, 0]


def test_a_test_key_reads_no_message_of_a_resident(client: Client, world: World) -> None:
    add_resident(world, "ann@example.org", phone=PHONE)
    says("Stop lorries using Mill Lane")
    assert shown(client, make_key(world, Role.ADMIN, mode=KeyMode.TEST)) == []
