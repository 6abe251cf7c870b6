"""What word processors and phones leave in a text is sent as it was meant, and what cannot be sent is named."""

import pytest
from litestar import Litestar
from litestar.testing import TestClient

from tests.alerts.calls import created, post_alert
from tests.world import World, make_world

Client = TestClient[Litestar]


@pytest.fixture
def world(client: Client) -> World:
    return make_world()


@pytest.mark.parametrize(
    ("pasted", "sent"),
    [
        ("Ring 01632\u00a0960123", "Ring 01632 960123"),
        ("5\u2009pm to 6\u202fpm", "5 pm to 6 pm"),
        ("Mill\u200b Lane\ufeff and\u00ad so\u2060 on", "Mill Lane and so on"),
        ("One\u2028Two\u2029Three\vFour", "One\nTwo\nThree\nFour"),
        ("نمی\u200cخواهم", "نمی\u200cخواهم"),
        ("\U0001f468\u200d\U0001f469\u200d\U0001f467", "\U0001f468\u200d\U0001f469\u200d\U0001f467"),
        ("Cymru \U0001f3f4\U000e0067\U000e0062\U000e0077\U000e006c\U000e0073\U000e007f",) * 2,
        ("To\u200e the\u200f left", "To\u200e the\u200f left"),
        ("An \u2067open one", "An \u2067open one\u2069"),
        ("\ue001Logo", "Logo"),
        ("New \U0001faea emoji", "New \U0001faea emoji"),
    ],
)
def test_it_is_sent_as_it_was_meant(client: Client, world: World, pasted: str, sent: str) -> None:
    alert = created(client, world.headers, title=f"T {pasted}", body=pasted, sms=pasted)
    assert (alert["body"], alert["sms"]) == (sent, sent)
    assert alert["title"] == f"T {sent}".replace("\n", " ")


@pytest.mark.parametrize("character", ["\x07", "\x9b", "\u202e", "\u202a"])
def test_what_cannot_be_sent_is_refused_with_its_place(client: Client, world: World, character: str) -> None:
    answer = post_alert(client, world.headers, body=f"Mill Lane{character} is closed.")
    assert answer.status_code == 422
    assert "after “Mill Lane”" in answer.json()["detail"]


@pytest.mark.parametrize("field", ["title", "body"])
def test_nothing_but_padding_is_no_text(client: Client, world: World, field: str) -> None:
    assert post_alert(client, world.headers, **{field: "\u200b\ufeff"}).status_code == 422
