"""A stranger types somebody's address beside their own: what the council or the person says later is not theirs."""

from collections.abc import Callable

import pytest
from litestar import Litestar
from litestar.testing import TestClient
from sqlalchemy import text

from notify.core.db import transaction
from tests.mailbox import Mailbox
from tests.subscribers.journey import BROWSER, sign_in, sign_up, topic_ids
from tests.subscribers.test_sign_up_again import ANN, NUMBER, PHONE, code_in, followed, links_to
from tests.world import World, make_world

Client = TestClient[Litestar]
Work = Callable[[], None]
EVIDENCE = {"wording_version": "paper-1", "wording": "Yes.", "consent_source": "paper form"}


@pytest.fixture
def world(client: Client) -> World:
    client.headers.update(BROWSER)
    client.follow_redirects = False
    return make_world()


def brought(client: Client, world: World, **query: str) -> None:
    """The council's file names Ann with her postcode."""
    answer = client.post(
        "/api/v1/subscribers/import",
        params=EVIDENCE | query,
        content=f"email,postcode,topics,name\n{ANN},ZZ1 1AA,bins,Ann\n",
        headers=world.headers | {"Accept": "application/json", "Content-Type": "text/csv"},
    )
    assert (answer.status_code, answer.json()["created"]) == (200, 1), answer.text


def claimed_by_mallory(client: Client, work: Work, inbox: Mailbox) -> None:
    answers = {"topic": topic_ids("road-closures"), "tracking_consent": "yes", "language": "cy", "name": "Mallory"}
    sign_up(client, email=ANN, mobile=PHONE, postcode="ZZ2 1AA", **answers)
    work()
    assert client.post("/confirm-code", data={"mobile": PHONE, "code": code_in(inbox)}).status_code == 200


@pytest.mark.parametrize("query", [{}, {"confirm": "true"}])
def test_a_councils_list_does_not_join_a_strangers_sign_up(
    client: Client, world: World, work: Work, inbox: Mailbox, query: dict[str, str]
) -> None:
    claimed_by_mallory(client, work, inbox)
    brought(client, world, **query)
    assert (followed(ANN), followed(NUMBER)) == ({"bins"}, {"road-closures"})
    sign_in(client, NUMBER)
    page = client.get("/my").text
    assert "ZZ2 1AA" in page
    assert ANN not in page
    assert "ZZ1 1AA" not in page
    with transaction() as session:
        asked = (
            "SELECT s.name, s.language, s.tracking_consent FROM subscriber s JOIN contact c ON c.subscriber_id = s.id"
        )
        ann = session.execute(text(f"{asked} WHERE c.address = :address"), {"address": ANN}).one()
    assert tuple(ann) == ("Ann", "en", False)


def test_a_sign_up_that_loses_its_only_address_to_a_councils_list_is_gone(client: Client, world: World) -> None:
    sign_up(client, email=ANN, postcode="ZZ2 1AA", topic=topic_ids("road-closures"), name="Mallory")
    brought(client, world)
    assert followed(ANN) == {"bins"}
    with transaction() as session:
        assert session.execute(text("SELECT name FROM subscriber")).scalars().all() == ["Ann"]


def test_an_address_that_waits_for_its_yes_keeps_what_the_council_brought_before(client: Client, world: World) -> None:
    sign_up(client, email=ANN, topic=topic_ids("road-closures"))
    brought(client, world, confirm="true")
    answer = client.post(
        "/api/v1/subscribers/import",
        params=EVIDENCE | {"confirm": "true"},
        content=f"email,postcode,topics\n{ANN},ZZ1 1AA,road-closures\n",
        headers=world.headers | {"Accept": "application/json", "Content-Type": "text/csv"},
    )
    assert answer.json()["updated"] == 1
    assert followed(ANN) == {"bins", "road-closures"}


def test_a_council_changes_a_sign_up_that_nobody_confirmed_where_it_is(client: Client, world: World) -> None:
    sign_up(client, email=ANN, topic=topic_ids("road-closures"))
    with transaction() as session:
        subscriber = session.execute(text("SELECT id FROM subscriber")).scalar_one()
    change = {"topics": ["bins"], "consent": {"wording_version": "v1", "wording": "Yes.", "source": "phone"}}
    answer = client.patch(f"/api/v1/subscribers/{subscriber}", json=change, headers=world.headers)
    assert (answer.status_code, followed(ANN)) == (200, {"bins"})
    with transaction() as session:
        assert session.execute(text("SELECT id FROM subscriber")).scalar_one() == subscriber


@pytest.mark.parametrize("query", [{}, {"confirm": "true"}])
@pytest.mark.parametrize("is_sent_before", [True, False])
def test_what_ann_ticked_herself_still_waits_behind_her_link(
    client: Client, world: World, work: Work, inbox: Mailbox, query: dict[str, str], *, is_sent_before: bool
) -> None:
    sign_up(client, email=ANN, postcode="ZZ2 1AA", topic=topic_ids("road-closures"), language="cy")
    if is_sent_before:
        work()
    brought(client, world, **query)
    work()
    assert followed(ANN) == {"bins"}
    links = links_to(inbox, ANN)
    own = next(link for link in links if "ZZ2 1AA" in client.get(link).text)
    assert len(links) == 1 + len(query)
    assert client.post(own).status_code in (200, 303)
    assert followed(ANN) == {"bins", "road-closures"}
    sign_in(client, ANN)
    page = client.get("/my").text
    assert ("ZZ1 1AA" in page, "ZZ2 1AA" in page) == (True, True)


def test_the_councils_link_says_nothing_of_what_somebody_ticked(
    client: Client, world: World, work: Work, inbox: Mailbox
) -> None:
    sign_up(client, email=ANN, postcode="ZZ2 1AA", topic=topic_ids("road-closures"))
    work()
    brought(client, world, confirm="true")
    work()
    [councils] = [link for link in links_to(inbox, ANN) if "ZZ2 1AA" not in client.get(link).text]
    assert client.post(councils).status_code in (200, 303)
    assert followed(ANN) == {"bins"}
