"""A text that its author did not write says what to do in an emergency, and what is over in an all-clear."""

import re
from collections.abc import Callable

import pytest

from tests.alerts.calls import Client, act, created
from tests.mailbox import Mailbox
from tests.world import World, add_resident, administrator, make_world

Work = Callable[[], None]
GAS = {"topic": "emergencies", "priority": "emergency", "title": "Gas leak in Market", "send": True}
HOW_TO_STOP = " Reply STOP to end"
TO_PAGE = re.compile(r" More: https?://\S+/a/[0-9a-z]{6}$")
LONG = "Go " + "on and " * 60 + "on."


@pytest.fixture
def world(client: Client) -> World:
    world = make_world()
    add_resident(world, None, phone="07700 900001", topics=["emergencies", "road-closures"])
    return world


def texts(inbox: Mailbox) -> list[str]:
    """What was texted, less how to stop it, which every text of an alert says last, and a link to its page."""
    found = [line["text"] for line in inbox.lines("sms.jsonl")]
    assert all(text.endswith(HOW_TO_STOP) for text in found)
    return [TO_PAGE.sub("", text.removesuffix(HOW_TO_STOP)) for text in found]


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({"body": "Leave on foot. It began at noon."}, "Gas leak in Market. Leave on foot."),
        ({"body": "Gas leak in Market.\n\nLeave on foot."}, "Gas leak in Market. Leave on foot."),
        ({"body": f"{LONG} Leave on foot."}, "Gas leak in Market. Leave on foot."),
        ({"body": "Noon.", "cap": {"instruction": "Leave on foot. Wait."}}, "Gas leak in Market. Leave on foot. Wait."),
        ({"body": "Noon.", "cap": {"instruction": f"Leave on foot. {LONG}"}}, "Gas leak in Market. Leave on foot."),
        ({"body": "Leave.", "link": "https://example.org/x"}, "Gas leak in Market. Leave. https://example.org/x"),
        ({"body": "Leave on foot.", "sms": "Gas! Out!"}, "Gas! Out!"),
    ],
)
def test_an_emergency_says_what_to_do(
    client: Client, world: World, work: Work, inbox: Mailbox, said: dict[str, object], expected: str
) -> None:
    created(client, world.headers, **GAS | said)
    work()
    assert texts(inbox) == [f"Zed Council: {expected}"]


def test_a_sentence_that_is_too_long_is_cut_at_a_word(client: Client, world: World, work: Work, inbox: Mailbox) -> None:
    created(client, world.headers, **GAS, body=LONG)
    work()
    [text] = texts(inbox)
    assert text.startswith("Zed Council: Gas leak in Market. Go on and on")
    assert text.endswith((" on...", " and..."))
    assert len(text) < 306


def test_a_routine_text_is_the_title_as_before(client: Client, world: World, work: Work, inbox: Mailbox) -> None:
    created(client, world.headers, title="Mill Road closed", body="Take the bus.", send=True)
    work()
    assert texts(inbox) == ["Zed Council: Mill Road closed."]


def test_an_all_clear_names_what_is_over_on_the_phone_and_on_the_page(
    client: Client, world: World, work: Work, inbox: Mailbox
) -> None:
    first = created(client, world.headers, **GAS, body="Leave on foot.")
    work()
    inbox.empty()
    desk = administrator(world)
    form = {"kind": "all-clear", "title": "You can go home", "body": "It is safe. Open the windows."}
    path = f"/staff/alerts/{first['id']}/follow-up"
    check = client.post(path, data=form, headers=desk, follow_redirects=False).headers["location"]
    shown = client.get(check, headers=desk)
    said = 'Zed Council: All-clear: "Gas leak in Market" is over. You can go home. It is safe.'
    assert said.replace('"', "&#34;") in shown.text
    draft = check.split("/")[3]
    assert act(client, desk, draft, "submit").status_code == 200
    work()
    assert texts(inbox) == [said]
