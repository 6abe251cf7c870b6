"""Suppressions looked through, searched and lifted together, by API and on the page."""

import re
from collections.abc import Callable
from uuid import UUID

import pytest
from litestar import Litestar
from litestar.testing import TestClient
from sqlalchemy import text

from notify.core.db import transaction
from notify.providers.base import Channel
from notify.staff.models import KeyMode, Role
from notify.subscribers.models import SuppressionReason
from notify.subscribers.suppression import bounces
from notify.subscribers.suppression import pages as suppression_pages
from notify.subscribers.suppression.bounce_models import Bounced
from notify.subscribers.suppression.service import suppress
from tests.staff.test_policy import sign_in
from tests.subscribers.html import Page
from tests.subscribers.journey import BROWSER
from tests.world import World, add_resident, make_key, make_other_council, make_world

Client = TestClient[Litestar]
PATH = "/staff/suppressions"


@pytest.fixture
def world(client: Client) -> World:
    return make_world()


def hash_of(address: str) -> bytes:
    with transaction() as session:
        found = text("SELECT address_hash FROM contact WHERE address = :address LIMIT 1")
        return bytes(session.execute(found, {"address": address}).scalar_one())


def silence(world: World, address: str, reason: SuppressionReason, *, is_shared: bool = True) -> None:
    with transaction() as session:
        suppress(
            session,
            council_id=None if is_shared else world.council_id,
            channel=Channel.EMAIL,
            address_hash=hash_of(address),
            reason=reason,
            source="receipt",
        )


def came_back(world: World, *addresses: str) -> None:
    """Each address was refused for good, for the same reason."""
    hashes = [hash_of(address) for address in addresses]
    with transaction() as session:
        bounces.take(
            session, [Bounced(world.council_id, Channel.EMAIL, one, "550 gone", is_hard=True) for one in hashes]
        )


@pytest.fixture
def four(world: World) -> list[UUID]:
    """Two hard bounces, a complaint and a decision of staff."""
    people = [add_resident(world, f"{name}@example.org") for name in ("ann", "bob", "cat", "dan")]
    silence(world, "ann@example.org", SuppressionReason.HARD_BOUNCE)
    silence(world, "bob@example.org", SuppressionReason.HARD_BOUNCE)
    silence(world, "cat@example.org", SuppressionReason.COMPLAINT, is_shared=False)
    silence(world, "dan@example.org", SuppressionReason.STAFF, is_shared=False)
    return people


def listed(client: Client, world: World, **which: str) -> list[dict[str, str]]:
    found: list[dict[str, str]] = client.get("/api/v1/suppressions", params=which, headers=world.headers).json()[
        "suppressions"
    ]
    return found


def lift(client: Client, world: World, **asked: object) -> tuple[int, object]:
    reply = client.post("/api/v1/suppressions/lift", json={"reason": "A mistake."} | asked, headers=world.headers)
    return reply.status_code, reply.json().get("lifted", reply.json().get("type"))


def test_the_list_is_narrowed_by_reason_channel_and_time(client: Client, world: World, four: list[UUID]) -> None:
    assert len(listed(client, world)) == 4
    assert [one["reason"] for one in listed(client, world, reason="complaint")] == ["complaint"]
    assert len(listed(client, world, channel="email")) == 4
    assert listed(client, world, channel="sms") == []
    assert listed(client, world, since="2100-01-01T00:00:00Z") == []


def test_a_person_is_found_by_an_address_in_the_body(client: Client, world: World, four: list[UUID]) -> None:
    def searched(address: str) -> list[str]:
        asked = {"address": address}
        reply = client.post("/api/v1/suppressions/search", json=asked, headers=world.headers)
        return [one["subscriber"] for one in reply.json()["suppressions"]]

    assert searched(" Ann@Example.org") == [str(four[0])]
    for nobody in ("eve@example.org", "07700 900001", "not an address"):
        assert searched(nobody) == []


def test_many_are_lifted_by_reason_for_the_council_alone(client: Client, world: World, four: list[UUID]) -> None:
    far = make_other_council()
    add_resident(far, "ann@example.org", topics=["potholes"])
    assert lift(client, world, which="hard-bounce", until="2020-01-01T00:00:00Z") == (200, 0)
    assert lift(client, world, which="hard-bounce") == (200, 2)
    assert lift(client, world, which="hard-bounce") == (200, 0)
    assert sorted(one["reason"] for one in listed(client, world)) == ["complaint", "staff"]
    assert [one["reason"] for one in listed(client, far)] == ["hard-bounce"]
    kept = listed(client, world, lifted="true", reason="hard-bounce")
    assert {one["lifted_reason"] for one in kept} == {"A mistake."}
    with transaction() as session:
        entries = text("SELECT detail FROM audit_entry WHERE action = 'suppression.lift-many'")
        [detail] = session.execute(entries).scalars()
    assert detail["lifted"] == 2


def test_many_are_lifted_by_id_but_never_what_people_said(client: Client, world: World, four: list[UUID]) -> None:
    ids = {one["reason"]: one["id"] for one in listed(client, world)}
    refused = (422, "/problems/not-in-bulk")
    assert lift(client, world, ids=list(ids.values())) == refused
    assert lift(client, world, which="complaint") == refused
    assert lift(client, world) == refused
    assert lift(client, world, ids=[ids["staff"], ids["hard-bounce"]]) == (200, 2)
    assert len(listed(client, world)) == 2


def test_no_council_lifts_anothers(client: Client, world: World, four: list[UUID]) -> None:
    far = make_other_council()
    assert lift(client, far, ids=[one["id"] for one in listed(client, world, reason="staff")]) == (200, 0)
    assert len(listed(client, world)) == 4


def test_a_test_key_lifts_nothing(client: Client, world: World, four: list[UUID]) -> None:
    key = make_key(world, Role.ADMIN, mode=KeyMode.TEST)
    asked = {"which": "hard-bounce", "reason": "A mistake."}
    assert client.post("/api/v1/suppressions/lift", json=asked, headers=key).status_code == 403


@pytest.fixture
def desk(client: Client, world: World) -> Client:
    """A browser in which an author has signed in."""
    client.headers.update(BROWSER)
    client.follow_redirects = False
    sign_in(client, world, Role.AUTHOR)
    return client


def shown(desk: Client, path: str = PATH) -> str:
    reply = desk.get(path)
    assert reply.status_code == 200
    return Page(reply.text).text


def test_the_page_lists_and_filters(desk: Client, four: list[UUID]) -> None:
    assert all(f"{name}@example.org" in shown(desk) for name in ("ann", "bob", "cat", "dan"))
    only = shown(desk, f"{PATH}?reason=complaint")
    assert ("cat@example.org" in only, "ann@example.org" in only) == (True, False)
    assert "no suppressions to show" in shown(desk, f"{PATH}?channel=sms")
    for odd in ("?reason=odd", "?after=odd", "?subscriber=odd", "?lifted=odd", "?channel="):
        assert "ann@example.org" in shown(desk, PATH + odd)


def test_the_page_finds_a_person_without_an_address_in_the_url(desk: Client, four: list[UUID]) -> None:
    reply = desk.post(f"{PATH}/search", data={"address": "bob@example.org"})
    assert (reply.status_code, reply.headers["location"]) == (303, f"{PATH}?subscriber={four[1]}")
    assert "bob@example.org" in shown(desk, reply.headers["location"])
    missing = desk.post(f"{PATH}/search", data={"address": "eve@example.org"})
    assert (missing.status_code, "one of your subscribers" in missing.text) == (422, True)


def test_the_page_lifts_what_is_ticked_with_a_reason(desk: Client, world: World, four: list[UUID]) -> None:
    ids = [one["id"] for one in listed(desk, world, reason="hard-bounce")]
    without = desk.post(f"{PATH}/lift", data={"id": ids, "why": ""})
    assert (without.status_code, "Enter why" in without.text) == (422, True)
    nothing = desk.post(f"{PATH}/lift", data={"why": "A mistake."})
    assert (nothing.status_code, "Choose at least one" in nothing.text) == (422, True)
    reply = desk.post(f"{PATH}/lift", data={"id": ids, "why": "A mistake."})
    assert (reply.status_code, reply.headers["location"]) == (303, f"{PATH}?lifted=2")
    assert "You can send to 2 addresses again" in shown(desk, reply.headers["location"])


def test_the_page_lifts_all_that_the_list_was_narrowed_to(desk: Client, world: World, four: list[UUID]) -> None:
    reply = desk.post(f"{PATH}/lift", data={"reason": "hard-bounce", "all": "yes", "why": "A mistake."})
    assert reply.headers["location"] == f"{PATH}?lifted=2"
    everything = desk.post(f"{PATH}/lift", data={"all": "yes", "why": "A mistake."})
    assert everything.status_code == 422
    assert len(listed(desk, world)) == 2


def test_on_a_persons_own_page_what_they_said_is_lifted_with_their_word(
    desk: Client, world: World, four: list[UUID]
) -> None:
    [said] = listed(desk, world, reason="complaint")
    answer = {"id": said["id"], "why": "She rang and asked us to."}
    assert desk.post(f"{PATH}/lift", data=answer).status_code == 422
    assert desk.post(f"{PATH}/lift", data=answer | {"subscriber": str(four[2])}).status_code == 303
    assert listed(desk, world, reason="complaint") == []


@pytest.mark.parametrize(("decision", "suppressed"), [("suppress", 3), ("keep", 0)])
def test_a_burst_is_decided_on_the_page(
    desk: Client, world: World, choose: Callable[..., None], decision: str, suppressed: int
) -> None:
    choose(BOUNCE_BURST="2")
    addresses = [f"{name}@example.org" for name in ("ann", "bob", "cat")]
    for address in addresses:
        add_resident(world, address)
    came_back(world, *addresses)
    assert listed(desk, world) == []
    page = desk.get(PATH).text
    assert "3 addresses: 550 gone" in Page(page).text
    [burst] = desk.get("/api/v1/bounces/bursts", headers=world.headers).json()
    reply = desk.post(f"{PATH}/bursts/{burst['id']}", data={"decision": decision})
    assert reply.status_code == 303
    assert "3 addresses" in shown(desk, reply.headers["location"])
    assert len(listed(desk, world)) == suppressed


def test_who_only_reads_gets_no_buttons_to_change(client: Client, world: World, four: list[UUID]) -> None:
    client.headers.update(BROWSER)
    sign_in(client, world, Role.MONITORING)
    page = client.get(PATH).text
    assert ("ann@example.org" in page, "Lift the ones" in page) == (True, False)
    assert client.post(f"{PATH}/lift", data={"why": "A mistake."}).status_code == 403


def test_a_full_page_leads_to_the_older_ones(
    desk: Client, world: World, four: list[UUID], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(suppression_pages, "A_PAGE", 3)
    page = desk.get(PATH).text
    assert "ann@example.org" not in page
    [older] = re.findall(r'href="(/staff/suppressions\?after=[^"]+)"', page)
    assert "ann@example.org" in shown(desk, older)
