"""No sequence of counts singles out a group of fewer than ten people: not by leaving out, slivers or nested circles."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from itertools import combinations
from typing import Any

import pytest
from litestar import Litestar
from litestar.testing import TestClient
from sqlalchemy import text

from notify.alerts import audience_counts
from notify.core.db import transaction
from notify.core.limit_settings import LimitSettings
from notify.places.projection import to_lon_lat
from notify.staff.models import Role
from tests import moments
from tests.alerts.calls import created
from tests.world import NORTH, POSTCODES, SOUTH, World, at_the_desk, make_key, make_world

Client = TestClient[Litestar]
Body = Mapping[str, Any]
# how many live at each postcode; the four at ZZ1 1AB are the group that somebody wants to find
LIVING = {"ZZ11AA": 16, "ZZ11AB": 4, "ZZ11AD": 3, "ZZ21AA": 12, "ZZ21AB": 0}
SECRET = "ZZ11AB"


def square(west: float, south: float, east: float, north: float) -> dict[str, object]:
    corners = [(west, south), (east, south), (east, north), (west, north), (west, south)]
    return {"type": "Polygon", "coordinates": [[list(to_lon_lat(*corner)) for corner in corners]]}


SEQUENCES: Mapping[str, Sequence[Body]] = {
    "with and without it": [
        {"wards": [NORTH]},
        {"wards": [NORTH], "except": {"postcodes": [SECRET]}},
        {"wards": [NORTH, SOUTH]},
        {"wards": [NORTH, SOUTH], "except": {"postcodes": [SECRET]}},
        {"postcodes": [SECRET]},
        {"postcodes": ["ZZ11AA", SECRET]},
        {"postcodes": ["ZZ11AA"]},
    ],
    "every combination": [
        {"postcodes": list(chosen)} for size in (1, 2, 3, 4, 5) for chosen in combinations(LIVING, size)
    ],
    "nested circles": [{"circle": {"postcode": "ZZ11AA", "radius_m": radius}} for radius in range(20, 1420, 50)],
    "slivers": [{"polygon": square(555_000, 344_000, 555_590 + metres, 345_000)} for metres in range(0, 440, 20)],
    "one at a time": [
        {"postcodes": ["ZZ21AA", "ZZ11AA"], "except": {"postcodes": [key]}} for key in ("ZZ21AA", "ZZ11AA", SECRET)
    ],
}


@pytest.fixture
def world(client: Client) -> World:
    world = make_world()
    lines = [f"{key}-{number}@example.org,{key}" for key, people in LIVING.items() for number in range(people)]
    reply = client.post(
        "/api/v1/subscribers/import",
        params={"wording_version": "1", "wording": "Yes.", "consent_source": "test", "topics": "road-closures"},
        content="\n".join(["email,postcode", *lines]),
        headers=world.headers | {"Content-Type": "text/csv"},
    )
    assert reply.json()["created"] == sum(LIVING.values()), reply.text
    return world


def ask(client: Client, headers: dict[str, str], audience: Body) -> dict[str, Any]:
    asked = {"topic": "road-closures", "audience": audience, "channels": ["email"]}
    reply = client.post("/api/v1/audiences", json=asked, headers=headers)
    found: dict[str, Any] = reply.json() | {"status": reply.status_code}
    return found


def meant(world: World, audience: Body) -> frozenset[object]:
    """Who it really is, for whom a send would be."""
    from notify.alerts import queries
    from notify.alerts.models import DryRun

    asked = DryRun.model_validate({"topic": "road-closures", "audience": audience, "channels": ["email"]})
    with transaction() as session:
        targets = queries.targets_of(session, world.planner, asked)
        return audience_counts._people(session, world.planner, asked, targets)


def numbers(told: Body) -> list[object]:
    """All that an answer says about people."""
    shown = ("people", "by_channel", "by_language", "by_ward", "near_boundary", "population", "share_of_population")
    return [told[name] for name in (*shown, "cost_pence", "fewer_than_ten", "sms_parts_total")]


@pytest.mark.parametrize("sequence", SEQUENCES)
def test_two_answers_that_differ_are_of_audiences_ten_people_apart(client: Client, world: World, sequence: str) -> None:
    headers = make_key(world, Role.AUTHOR)
    told = [(audience, ask(client, headers, audience)) for audience in SEQUENCES[sequence]]
    assert {answer["status"] for _, answer in told} == {200}
    assert {answer["people"] % 10 for _, answer in told} == {0}
    first: list[tuple[frozenset[object], list[object]]] = []
    for audience, answer in told:
        people, said = meant(world, audience), numbers(answer)
        known = [before for before in first if before[1] == said]
        if not known:
            assert all(len(people ^ others) >= 10 for others, _ in first), audience
            first.append((people, said))
    assert len(first) >= (1 if sequence == "slivers" else 2)  # a sliver changes nothing at all
    with transaction() as session:
        written = session.execute(text("SELECT count(*) FROM audit_entry WHERE action = 'audience.count'"))
        assert written.scalar_one() == len(told)


def test_people_who_join_one_by_one_are_not_counted_out(client: Client, world: World) -> None:
    """Somebody who may enrol people could otherwise find the number at which the rounding turns."""
    before = ask(client, world.headers, {"wards": [NORTH]})
    for number in range(6):
        new = {"contacts": [{"channel": "email", "address": f"fake{number}@example.org"}], "topics": ["road-closures"]}
        new |= {"places": [{"postcode": "ZZ1 1AA"}]}
        new |= {"consent": {"wording_version": "1", "wording": "Yes.", "language": "en", "source": "test"}}
        assert client.post("/api/v1/subscribers", json=new, headers=world.headers).status_code == 201
        assert numbers(ask(client, world.headers, {"wards": [NORTH]})) == numbers(before)


@pytest.mark.parametrize("other", [{"channels": ["email", "sms"]}, {"priority": "emergency"}, {"channels": ["email"]}])
def test_other_channels_and_priorities_tell_nothing_more_of_the_same_people(
    client: Client, world: World, other: Body
) -> None:
    """Twelve are rounded down; with three more they would be fifteen, and rounded up."""
    headers = make_key(world, Role.AUTHOR)
    few = ask(client, headers, {"postcodes": ["ZZ21AA"]})
    asked: dict[str, object] = {"topic": "road-closures", "audience": {"postcodes": ["ZZ21AA", "ZZ11AD"]}, **other}
    moments.ahead(days=27)
    more = client.post("/api/v1/audiences", json=asked, headers=make_key(world, Role.AUTHOR))  # who helps the first
    assert (few["people"], more.json()["people"]) == (10, 10), more.text


@pytest.mark.parametrize("then", ["", "cancel", "send", "send cancel"])
def test_one_person_alone_reads_no_exact_number_of_what_was_never_sent(client: Client, world: World, then: str) -> None:
    """A planner could count anybody by an alert for next month, or one that is cancelled at once."""
    planner = make_key(world, Role.PLANNER)
    send = {"send": True, "send_at": (moments.present() + timedelta(days=30)).isoformat()} if "send" in then else {}
    made = created(client, planner, topic="road-closures", audience={"postcodes": ["ZZ11AA"]}, **send)
    if "cancel" in then:
        assert client.post(f"/api/v1/alerts/{made['id']}/cancel", headers=planner).is_success
    page = client.get(f"/staff/alerts/{made['id']}/check", headers=at_the_desk(planner)).text
    assert ("20 emails" in page, "16 emails" in page) == (True, False)


def test_each_person_has_a_quota_of_different_audiences_and_the_same_one_is_free(
    client: Client, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audience_counts, "limit_settings", lambda: LimitSettings(counts_per_hour=3))
    headers = make_key(world, Role.AUTHOR)
    keys = [key for key, *_ in POSTCODES]
    statuses = [ask(client, headers, {"postcodes": [key]})["status"] for key in keys]
    assert statuses == [200, 200, 200, 429, 429]
    refused = ask(client, headers, {"postcodes": [keys[4]]})
    assert (refused["type"], 0 < refused["retry_after"] <= 3601) == ("/problems/too-many-counts", True)
    assert ask(client, headers, {"postcodes": [keys[0]]})["status"] == 200
    assert ask(client, make_key(world, Role.AUTHOR), {"postcodes": [keys[4]]})["status"] == 200
