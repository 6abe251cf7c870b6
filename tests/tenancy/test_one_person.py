"""One person and two councils: one message and one yes for both, and each left, silenced and added to on its own."""

import re
from collections.abc import Callable

import pytest
from litestar import Litestar
from litestar.testing import TestClient
from sqlalchemy import text

from notify.core.db import transaction
from notify.subscribers import known_elsewhere
from notify.subscribers.models import ServiceMessageKind
from tests.alerts.calls import created
from tests.mailbox import Mailbox
from tests.subscribers.journey import BROWSER, change_my, link_for, sign_in, sign_up, topic_ids
from tests.tracking.reading import one_click_path, part
from tests.world import World, add_resident, make_other_council, make_world

Client = TestClient[Litestar]
Work = Callable[[], None]
ANN = "ann@example.org"


@pytest.fixture
def zed(client: Client) -> World:
    client.headers.update(BROWSER)
    client.follow_redirects = False
    return make_world()


@pytest.fixture
def far(zed: World) -> World:
    return make_other_council()


def confirmed() -> dict[str, str | None]:
    """By whose word each council has her address."""
    asked = text("SELECT k.slug, c.confirmed_by FROM contact c JOIN council k ON k.id = c.council_id")
    with transaction() as session:
        return {row.slug: row.confirmed_by for row in session.execute(asked)}


def link_in(inbox: Mailbox, path: str) -> str:
    found = re.search(rf"{path}[\w-]+", str(inbox.messages()[-1].get_body(("plain",))))
    assert found
    return found[0]


def reached(client: Client, council: World, topic: str, work: Work, inbox: Mailbox) -> bool:
    inbox.empty()
    created(client, council.headers, topic=topic, send=True)
    work()
    return ANN in inbox.recipients()


def test_county_and_district_are_one_sign_up_one_message_and_one_yes(
    client: Client, zed: World, far: World, work: Work, inbox: Mailbox
) -> None:
    sign_up(client, email=ANN, topic=topic_ids("bins", "potholes"))
    work()
    [mail] = inbox.messages()
    assert "Far Council / Zed Council" in mail["From"] or "Far Council / Zed Council\n" in part(mail, "plain")
    done = client.post(link_in(inbox, "/confirm/"))
    assert "Bin collections from Zed Council" in done.text
    assert "Potholes from Far Council" in done.text
    assert confirmed() == {"zed": "link", "far": "link"}
    assert reached(client, zed, "bins", work, inbox)
    assert reached(client, far, "potholes", work, inbox)


def test_a_yes_to_one_councils_message_is_no_yes_to_anothers(
    client: Client, zed: World, far: World, work: Work, inbox: Mailbox
) -> None:
    add_resident(zed, ANN, topics=["bins"], confirm=True)
    work()
    zeds = link_in(inbox, "/confirm/")
    inbox.empty()
    add_resident(far, ANN, topics=["potholes"], confirm=True)
    work()
    assert inbox.messages()[0]["Subject"] == "Confirm your alerts"
    assert client.post(link_in(inbox, "/confirm/")).status_code == 200
    assert confirmed() == {"zed": None, "far": "link"}
    assert client.post(zeds).status_code == 200  # the newer link of another council has not ended it


def test_a_stranger_who_signs_her_up_elsewhere_changes_nothing_of_what_waits(
    client: Client, zed: World, far: World
) -> None:
    add_resident(zed, ANN, topics=["bins"], name="Ann", confirm=True)
    sign_up(client, email=ANN, topic=topic_ids("potholes"))
    with transaction() as session:
        held = session.execute(text("SELECT name FROM subscriber ORDER BY name")).scalars().all()
    assert held == ["", "Ann"]


def test_leaving_one_council_by_its_mail_leaves_the_other_and_all_is_a_choice(
    client: Client, zed: World, far: World, work: Work, inbox: Mailbox
) -> None:
    add_resident(zed, ANN, topics=["bins"])
    add_resident(far, ANN, topics=["potholes"])
    assert reached(client, far, "potholes", work, inbox)
    [mail] = inbox.messages()
    path = one_click_path(mail)
    assert client.post(path, content=b"List-Unsubscribe=One-Click").status_code == 200
    assert not reached(client, far, "potholes", work, inbox)
    assert reached(client, zed, "bins", work, inbox)
    [mail] = inbox.messages()
    assert client.post(one_click_path(mail), data={"scope": "all"}).status_code == 200
    assert not reached(client, zed, "bins", work, inbox)


def test_a_telephone_that_a_council_adds_opens_that_councils_membership_only(
    client: Client, zed: World, far: World
) -> None:
    add_resident(zed, ANN, topics=["bins"], name="Ann of Zed")
    add_resident(far, ANN, phone="07700 900999", topics=["potholes"], name="Ann of Far")
    assert client.post(f"/manage/{link_for('+447700900999', ServiceMessageKind.SIGN_IN)}").status_code == 303
    page = client.get("/my").text
    assert "Ann of Far" in page
    assert "Zed" not in client.get("/my/data").text
    assert "Ann of Zed" not in page


def test_what_tells_of_another_council_goes_to_the_address_itself_only(
    client: Client, zed: World, far: World, work: Work, inbox: Mailbox
) -> None:
    """A contact that one council put beside hers must not hear what another one does."""
    add_resident(zed, "officer@example.org", phone="07700 900001", topics=["bins"])
    add_resident(far, phone="07700 900001", topics=["potholes"])
    with transaction() as session:
        known_elsewhere.tell(session)
    work()
    assert inbox.messages() == []
    assert inbox.texts() == {"+447700900001": 1}


def test_a_topic_of_a_further_council_starts_a_membership_without_her_name(
    client: Client, zed: World, far: World
) -> None:
    add_resident(zed, ANN, topics=["bins"], name="Ann")
    sign_in(client, ANN)
    reply = change_my(client, "topics", topic=topic_ids("bins", "potholes"))
    assert (reply.status_code, reply.headers["location"]) == (303, "/my?saved=true")
    with transaction() as session:
        rows = session.execute(text("SELECT name FROM subscriber ORDER BY name")).scalars().all()
        places = session.execute(text("SELECT count(*) FROM place")).scalar_one()
    assert (rows, places) == (["", "Ann"], 2)
    assert confirmed() == {"zed": "link", "far": "link"}
    assert "Change your alerts from Far Council" in client.get("/my").text
