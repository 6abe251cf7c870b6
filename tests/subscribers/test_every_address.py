"""Whatever a council knows of the addresses in a sign-up, each of them gets its own message."""

from collections.abc import Callable, Mapping
from itertools import product

import pytest
from litestar import Litestar
from litestar.testing import TestClient
from sqlalchemy import text

from notify.core.db import transaction
from tests.mailbox import Mailbox
from tests.subscribers.journey import sign_up, topic_ids
from tests.world import World, add_resident, make_world

Client = TestClient[Litestar]
Work = Callable[[], None]
MAIL, PHONE, NUMBER = "ann@example.org", "07700 900201", "+447700900201"


@pytest.fixture
def world(client: Client) -> World:
    return make_world()


def signed_up_with(other: Mapping[str, str], own: Mapping[str, str]) -> Callable[[Client, World], None]:
    """Someone else's unconfirmed sign-up has the address beside another of theirs."""

    def go(client: Client, _: World) -> None:
        sign_up(client, **{**other, **own}, topic=topic_ids("road-closures"))

    return go


def confirmed(client: Client, world: World, *, topics: list[str], **who: str) -> None:
    add_resident(world, who.get("email"), phone=who.get("phone", ""), topics=topics)


def silenced(world: World, address: str, reason: str) -> None:
    """They stopped, or their mailbox bounced."""
    with transaction() as session:
        session.execute(
            text("""INSERT INTO suppression (id, council_id, address_hash, channel, reason, source, at, lifted_for)
                    SELECT uuidv7(), council_id, address_hash, channel, :reason, 'test', now(), '{}' FROM contact
                    WHERE address = :address"""),
            {"reason": reason, "address": address},
        )


EMAILS: Mapping[str, Callable[[Client, World], None]] = {
    "new": lambda _client, _world: None,
    "unconfirmed": signed_up_with({}, {"email": MAIL}),
    "beside-another": signed_up_with({"mobile": "07700 900300"}, {"email": MAIL}),
    "known": lambda client, world: confirmed(client, world, topics=["road-closures"], email=MAIL),
    "has-it-all": lambda client, world: confirmed(client, world, topics=["bins"], email=MAIL),
}
PHONES: Mapping[str, Callable[[Client, World], None]] = {
    "new": lambda _client, _world: None,
    "unconfirmed": signed_up_with({}, {"email": "", "mobile": PHONE}),
    "beside-another": signed_up_with({"email": "bob@example.org"}, {"mobile": PHONE}),
    "known": lambda client, world: confirmed(client, world, topics=["road-closures"], phone=PHONE),
    "has-it-all": lambda client, world: confirmed(client, world, topics=["bins"], phone=PHONE),
}


@pytest.mark.parametrize(("of_mail", "of_phone"), list(product(EMAILS, PHONES)))
def test_each_address_gets_one_message_and_the_page_says_so(
    client: Client, world: World, work: Work, inbox: Mailbox, of_mail: str, of_phone: str
) -> None:
    EMAILS[of_mail](client, world)
    PHONES[of_phone](client, world)
    work()
    inbox.empty()
    page = sign_up(client, email=MAIL, mobile=PHONE)
    assert (MAIL in page.text, PHONE in page.text) == (True, True)
    work()
    assert (inbox.recipients(), inbox.texts()) == ({MAIL: 1}, {NUMBER: 1})


@pytest.mark.parametrize("channel", ["email", "sms"])
@pytest.mark.parametrize("of_phone", ["new", "known", "has-it-all"])
@pytest.mark.parametrize("of_mail", ["new", "known"])
def test_a_topic_that_comes_one_way_only_leaves_no_address_without_a_message(
    client: Client, world: World, work: Work, inbox: Mailbox, channel: str, of_phone: str, of_mail: str
) -> None:
    EMAILS[of_mail](client, world)
    PHONES[of_phone](client, world)
    with transaction() as session:
        session.execute(text("UPDATE topic SET channels = ARRAY[:channel] WHERE slug = 'bins'"), {"channel": channel})
    sign_up(client, email=MAIL, mobile=PHONE)
    work()
    assert (inbox.recipients(), inbox.texts()) == ({MAIL: 1}, {NUMBER: 1})


@pytest.mark.parametrize("reason", ["complaint", "stop", "staff"])
def test_who_told_us_to_stop_is_not_written_to_and_who_bounced_is(
    client: Client, world: World, work: Work, inbox: Mailbox, reason: str
) -> None:
    EMAILS["known"](client, world)
    PHONES["known"](client, world)
    silenced(world, NUMBER, reason)
    silenced(world, MAIL, "hard-bounce")
    page = sign_up(client, email=MAIL, mobile=PHONE)
    work()
    assert (inbox.recipients(), inbox.texts()) == ({MAIL: 1}, {})
    assert "If you answered STOP to our text messages, answer START first." in page.text
