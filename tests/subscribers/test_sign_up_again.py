"""Every address that is given gets its message, and what was asked for waits behind its link or code."""

import re
from collections.abc import Callable, Mapping
from email.message import EmailMessage

import pytest
from litestar import Litestar
from litestar.testing import TestClient
from sqlalchemy import text
from sqlmodel import select

from notify.core.db import transaction
from notify.subscribers.models import Contact, MailFormat, Place, Subscriber, Subscription, Topic
from tests.alerts.calls import created
from tests.mailbox import Mailbox
from tests.subscribers.html import Page
from tests.subscribers.journey import BROWSER, sign_up, topic_ids
from tests.tracking.reading import part
from tests.world import World, add_resident, make_other_council, make_world

Client = TestClient[Litestar]
Work = Callable[[], None]
ANN, PHONE, NUMBER = "ann@example.org", "07700 900201", "+447700900201"


@pytest.fixture
def world(client: Client) -> World:
    client.headers.update(BROWSER)
    client.follow_redirects = False
    return make_world()


def followed(address: str) -> set[str]:
    asked = """
        SELECT t.slug FROM contact c
        JOIN subscription u ON u.subscriber_id = c.subscriber_id AND u.ended_at IS NULL AND c.channel = ANY(u.channels)
        JOIN topic t ON t.id = u.topic_id WHERE c.address = :address
    """
    with transaction() as session:
        return set(session.execute(text(asked), {"address": address}).scalars())


def words_of(mail: EmailMessage) -> str:
    return " ".join(part(mail, "plain").split())


def links_to(inbox: Mailbox, address: str) -> list[str]:
    mails = [part(mail, "plain") for mail in inbox.messages() if mail["To"] == address]
    return [found[0] for mail in mails if (found := re.search(r"/confirm/[\w-]+", mail))]


def link_to(inbox: Mailbox, address: str) -> str:
    [mail] = [mail for mail in inbox.messages() if mail["To"] == address]
    found = re.search(r"/confirm/[\w-]+", part(mail, "plain"))
    assert found
    return found[0]


def code_in(inbox: Mailbox) -> str:
    [line] = inbox.lines("sms.jsonl")
    found = re.search(r"\b\d{6}\b", line["text"])
    assert found
    return found[0]


def test_a_known_address_keeps_every_new_answer_behind_its_link(
    client: Client, world: World, work: Work, inbox: Mailbox
) -> None:
    who = add_resident(world, ANN, topics=["road-closures"], name="Ann")
    answers = {"cadence": "daily", "mail_format": "large", "language": "cy", "tracking_consent": "yes"}
    page = sign_up(client, email=ANN, postcode="ZZ2 1AA", name="Mallory", **answers)
    assert "We have sent a message to:" in page.text
    assert followed(ANN) == {"road-closures"}
    work()
    assert inbox.recipients() == {ANN: 1}
    [mail] = inbox.messages()
    assert "You already get alerts from Zed Council" in words_of(mail)
    assert "You’re already signed up. Add these topics and places?" in words_of(mail)
    assert "Bin collections, ZZ2 1AA" in words_of(mail)
    assert "Mallory" not in mail.as_string()
    path = link_to(inbox, ANN)
    assert "Bin collections" in client.get(path).text
    assert followed(ANN) == {"road-closures"}
    assert "Bin collections from Zed Council" in client.post(path).text
    assert followed(ANN) == {"road-closures", "bins"}
    with transaction() as session:
        person = session.get_one(Subscriber, who)
        assert (person.name, person.language, person.mail_format) == ("Ann", "cy", MailFormat.LARGE)
        assert person.tracking_consent
        assert set(session.exec(select(Place.postcode))) == {"ZZ11AA", "ZZ21AA"}
        cadences = dict(session.exec(select(Topic.slug, Subscription.cadence).join(Subscription)).all())
        assert cadences == {"road-closures": "at-once", "bins": "daily"}
    assert "You are already signed up" in client.post(path).text


def test_a_new_address_beside_a_number_that_somebody_confirmed_gets_its_own_message(
    client: Client, world: World, work: Work, inbox: Mailbox
) -> None:
    add_resident(world, phone=PHONE, topics=["road-closures"])
    sign_up(client, email=ANN, mobile=PHONE)
    work()
    assert (inbox.recipients(), inbox.texts()) == ({ANN: 1}, {NUMBER: 1})
    assert client.post(link_to(inbox, ANN)).status_code == 200
    assert (followed(ANN), followed(NUMBER)) == ({"bins"}, {"road-closures"})
    done = client.post("/confirm-code", data={"mobile": PHONE, "code": code_in(inbox)})
    assert done.status_code == 200
    assert followed(NUMBER) == {"road-closures", "bins"}
    with transaction() as session:  # who confirms the one learns nothing of the other
        assert len(set(session.exec(select(Contact.subscriber_id)))) == 2
    inbox.empty()
    created(client, world.headers, topic="bins", send=True)
    work()
    assert (inbox.recipients(), inbox.texts()) == ({ANN: 1}, {NUMBER: 1})


def test_who_asks_for_nothing_new_gets_a_link_to_manage(
    client: Client, world: World, work: Work, inbox: Mailbox
) -> None:
    add_resident(world, ANN, topics=["bins"])
    sign_up(client, email=ANN)
    work()
    [mail] = inbox.messages()
    assert mail["Subject"] == "Your link to manage alerts"


def test_one_yes_answers_for_a_council_that_knows_the_address_and_for_one_that_does_not(
    client: Client, world: World, work: Work, inbox: Mailbox
) -> None:
    far = make_other_council()
    add_resident(world, ANN, topics=["road-closures"])
    sign_up(client, email=ANN, topic=topic_ids("bins", "potholes"))
    work()
    assert inbox.recipients() == {ANN: 1}
    assert client.post(link_to(inbox, ANN)).status_code == 200
    assert followed(ANN) == {"road-closures", "bins", "potholes"}
    inbox.empty()
    created(client, far.headers, topic="potholes", send=True)
    work()
    assert inbox.recipients() == {ANN: 1}


def test_the_page_names_all_that_the_yes_changes_also_at_a_council_that_knows_the_address(
    client: Client, world: World, work: Work, inbox: Mailbox
) -> None:
    make_other_council()
    add_resident(world, ANN, topics=["road-closures"])
    answers = {"language": "cy", "tracking_consent": "yes", "mail_format": "large", "postcode": "ZZ2 1AA"}
    sign_up(client, email=ANN, topic=topic_ids("bins", "potholes"), **answers)
    work()
    page = Page(client.get(link_to(inbox, ANN)).text)
    for named in ("Bin collections", "Potholes", "ZZ2 1AA", "Cymraeg", "Large print", "You agreed"):
        assert named in page.text


def test_one_yes_answers_for_two_councils_that_both_know_the_address(
    client: Client, world: World, work: Work, inbox: Mailbox
) -> None:
    far = make_other_council()
    add_resident(world, ANN, topics=["road-closures"])
    add_resident(far, ANN, topics=["gritting"])
    sign_up(client, email=ANN, topic=topic_ids("bins", "potholes"))
    work()
    [mail] = inbox.messages()
    assert {"Bin collections", "Potholes"} <= set(re.findall("Bin collections|Potholes", words_of(mail)))
    client.post(link_to(inbox, ANN))
    assert followed(ANN) == {"road-closures", "bins", "gritting", "potholes"}


def test_signing_up_by_phone_again_after_leaving_is_asked_in_the_residents_language(
    client: Client, world: World, work: Work, inbox: Mailbox
) -> None:
    add_resident(world, phone=PHONE, topics=["road-closures"], language="cy")
    sign_up(client, email="", mobile=PHONE)
    work()
    [line] = inbox.lines("sms.jsonl")
    assert line["text"].startswith("Rydych eisoes yn cael rhybuddion gan Zed Council")
    assert code_in(inbox) in line["text"]


@pytest.mark.parametrize(
    "given",
    [
        {"email": ANN},
        {"email": "", "mobile": PHONE},
        {"email": "new@example.org", "mobile": PHONE},
        {"email": ANN, "mobile": "07700 900777"},
    ],
)
def test_the_page_is_the_same_known_or_not(client: Client, world: World, given: Mapping[str, str]) -> None:
    before = sign_up(client, **given)
    with transaction() as session:
        for row in session.exec(select(Subscriber)):
            session.delete(row)
    add_resident(world, ANN, topics=["road-closures"])
    add_resident(world, phone=PHONE, topics=["bins"])
    after = sign_up(client, **given)
    assert (before.status_code, before.text) == (after.status_code, after.text)
    assert "road-closures" not in after.text


def test_a_stranger_cannot_change_what_somebody_waits_to_answer_for_a_council(
    client: Client, world: World, work: Work, inbox: Mailbox
) -> None:
    """What a council asks and what somebody signs up for are two questions: each link answers its own."""
    add_resident(world, ANN, topics=["road-closures"])
    asked = client.post(
        "/api/v1/subscribers",
        json={
            "contacts": [{"channel": "email", "address": ANN}],
            "topics": ["emergencies"],
            "confirm": True,
            "consent": {"wording_version": "v1", "wording": "Yes.", "source": "phone"},
        },
        headers=world.headers,
    )
    assert asked.json()["asked"] == ["email"]
    work()
    councils = link_to(inbox, ANN)
    inbox.empty()
    sign_up(client, email=ANN)
    work()
    own = link_to(inbox, ANN)
    assert client.post(own).status_code == 200
    assert followed(ANN) == {"road-closures", "bins"}
    assert client.post(councils).status_code == 200
    assert followed(ANN) == {"road-closures", "bins", "emergencies"}


def test_signing_up_more_often_than_we_write_ends_no_link_that_was_sent(
    client: Client, world: World, work: Work, inbox: Mailbox
) -> None:
    add_resident(world, ANN, topics=["road-closures"])
    for _day in range(3):
        sign_up(client, email=ANN)
        work()
    fourth = sign_up(client, email=ANN, topic=topic_ids("emergencies"))
    assert "We have sent a message to:" in fourth.text
    work()
    sent = links_to(inbox, ANN)
    assert len(sent) == 3
    assert "Bin collections" in client.get(sent[0]).text
    assert client.post(sent[0]).status_code == 200
    assert followed(ANN) == {"road-closures", "bins"}
    assert ["You are already signed up" in client.post(one).text for one in sent[1:]] == [True, True]


def test_an_earlier_link_leads_to_the_newest_answers(client: Client, world: World, work: Work, inbox: Mailbox) -> None:
    add_resident(world, ANN, topics=["road-closures"])
    for postcode in ("ZZ1 1AA", "ZZ2 1AA"):
        sign_up(client, email=ANN, postcode=postcode)
        work()
    first = min(links_to(inbox, ANN), key=lambda one: "ZZ2 1AA" in client.get(one).text)
    assert "ZZ2 1AA" in client.get(first).text
    assert client.post(first).status_code == 200
    assert followed(ANN) == {"road-closures", "bins"}
