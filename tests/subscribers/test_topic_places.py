"""A topic for one of several places only: what is counted is what is sent, and places that move or go take it along."""

from collections.abc import Mapping, Sequence

import pytest
from litestar import Litestar
from litestar.testing import TestClient
from sqlalchemy import text
from sqlmodel import select

from notify.core.db import transaction
from notify.deliveries import fan_out
from notify.subscribers import links, topic_places
from notify.subscribers.models import Place, ServiceMessageKind, Subscription
from tests.alerts.calls import created
from tests.counting import exactly
from tests.subscribers.html import Page
from tests.subscribers.journey import BROWSER, change_my, sign_in, sign_up, topic_ids
from tests.world import NORTH, SOUTH, World, add_resident, make_world

Client = TestClient[Litestar]
HOME, MUMS = "ZZ11AA", "ZZ21AA"
PLACES: Mapping[str, Sequence[str]] = {"n": [HOME], "s": [MUMS], "ns": [HOME, MUMS], "": []}
WARDS = {HOME: NORTH, MUMS: SOUTH}
# who: their places, and those that they follow the topic for
PEOPLE = [
    ("n", None), ("n", [HOME]), ("s", None), ("s", [MUMS]), ("", None),
    ("ns", None), ("ns", [HOME]), ("ns", [MUMS]), ("ns", [HOME, MUMS]),
]  # fmt: skip
AUDIENCES: Sequence[Mapping[str, object]] = [
    {},
    {"wards": [NORTH]},
    {"wards": [SOUTH]},
    {"wards": [NORTH, SOUTH]},
    {"postcodes": [HOME]},
    {"postcodes": [HOME], "wards": [SOUTH]},
    {"wards": [NORTH, SOUTH], "except": {"wards": [NORTH]}},
    {"except": {"wards": [NORTH]}},
    {"except": {"postcodes": [MUMS]}},
]


@pytest.fixture
def world(client: Client) -> World:
    client.headers.update(BROWSER)
    client.follow_redirects = False
    return make_world()


def limited(who: object, only: Sequence[str] | None) -> None:
    with transaction() as session:
        topic = session.exec(select(Subscription.topic_id).where(Subscription.subscriber_id == who)).one()
        topic_places.limit(session, who, topic, only)  # type: ignore[arg-type]


def is_meant(audience: Mapping[str, object], places: str, only: Sequence[str] | None) -> bool:
    """The rule in words of its own: a place that the topic is followed for is inside and not excepted."""

    def inside(part: object, postcode: str) -> bool:
        named = part if isinstance(part, dict) else {}
        return postcode in named.get("postcodes", ()) or WARDS[postcode] in named.get("wards", ())

    is_everyone = not {"wards", "postcodes"} & audience.keys()
    if is_everyone and ("except" not in audience or not PLACES[places]):
        return True
    followed = [one for one in PLACES[places] if only is None or one in only]
    return any((is_everyone or inside(audience, one)) and not inside(audience.get("except"), one) for one in followed)


def test_what_is_counted_is_what_is_sent_whatever_the_places(client: Client, world: World) -> None:
    people = {}
    for number, (places, only) in enumerate(PEOPLE):
        who = add_resident(world, f"p{number}@example.org", postcodes=PLACES[places], topics=["road-closures"])
        limited(who, only)
        people[who] = (places, only)
    for audience in AUDIENCES:
        wanted = {who for who, (places, only) in people.items() if is_meant(audience, places, only)}
        asked = {"audience": audience} if audience else {}
        counted = exactly(world, topic="road-closures", **asked).people
        alert = created(client, world.headers, topic="road-closures", send=True, **asked)
        with transaction() as session:
            fan_out.expand(session, alert["id"])
        with transaction() as session:
            statement = text("SELECT subscriber_id FROM delivery WHERE alert_id = :alert")
            sent = session.execute(statement, {"alert": alert["id"]}).scalars().all()
        assert (counted, sorted(sent)) == (len(wanted), sorted(wanted)), audience


def follows() -> list[tuple[list[str] | None, bool]]:
    with transaction() as session:
        rows = session.exec(select(Subscription.only_at, Subscription.ended_at)).all()
    return [(list(only) if only else None, ended is not None) for only, ended in rows]


def both_places(client: Client, world: World) -> str:
    add_resident(world, "sam@example.org", postcodes=[HOME, MUMS], topics=["bins"])
    sign_in(client, "sam@example.org")
    return f"/my/topic-places/{topic_ids('bins')[0]}"


def choose(client: Client, path: str, *places: str) -> Page:
    fields = Page(client.get(path).text).fields
    reply = client.post(path, data={"version": fields["version"], "place": places})
    return Page(client.get("/my").text if reply.status_code == 303 else reply.text)


def test_a_resident_chooses_the_places_of_a_topic(client: Client, world: World) -> None:
    path = both_places(client, world)
    page = Page(client.get("/my").text)
    assert path in page.links
    assert "Only for" not in page.text
    older = Page(client.get(path).text).fields
    assert "Only for Home (ZZ2 1AA)" in choose(client, path, MUMS).text
    assert follows() == [([MUMS], False)]
    assert client.post(path, data=older | {"place": HOME}).status_code == 409
    assert "Select at least one place" in choose(client, path).text
    choose(client, path, HOME, MUMS)
    assert follows() == [(None, False)]
    assert client.get(f"/my/topic-places/{topic_ids('emergencies')[0]}").status_code == 404


def place_of(postcode: str) -> str:
    with transaction() as session:
        return str(session.exec(select(Place.id).where(Place.postcode == postcode)).one())


def test_a_place_that_moves_takes_its_topics_along_and_one_that_goes_ends_them(client: Client, world: World) -> None:
    choose(client, both_places(client, world), MUMS)
    client.post(f"/my/move/{place_of(MUMS)}", data={"postcode": "ZZ1 1AB"})
    assert follows() == [(["ZZ11AB"], False)]
    assert "Bin collections" in client.get("/my/change/remove", params={"place": place_of("ZZ11AB")}).text
    change_my(client, "remove", place=place_of("ZZ11AB"))
    assert follows() == [(["ZZ11AB"], True)]


def test_signing_up_again_for_another_place_adds_it(client: Client, world: World) -> None:
    who = add_resident(world, "sam@example.org", postcodes=[HOME], topics=["bins"])
    limited(who, [HOME])
    sign_up(client, postcode="ZZ2 1AA")
    with transaction() as session:
        request = session.execute(text("SELECT topics FROM consent_request")).scalar_one()
    assert [str(one) for one in request] == topic_ids("bins")
    with transaction() as session:
        about = session.execute(text("SELECT id FROM consent_request")).scalar_one()
        contact = session.execute(text("SELECT id FROM contact")).scalar_one()
        token = links.issue_link(session, contact, ServiceMessageKind.CONFIRM, about)
    assert client.post(f"/confirm/{token}").status_code == 200
    assert follows() == [([HOME, MUMS], False)]


def test_a_council_reads_and_sets_the_places_of_a_topic(client: Client, world: World) -> None:
    path = f"/api/v1/subscribers/{add_resident(world, 'sam@example.org', postcodes=[HOME, MUMS], topics=['bins'])}"
    for asked, answered in (({"bins": ["zz2 1aa"]}, ["ZZ2 1AA"]), ({"bins": []}, None)):
        reply = client.patch(path, json={"only_at": asked}, headers=world.headers)
        assert (reply.status_code, reply.json()["topics"][0]["only_at"]) == (200, answered)
    refused = client.patch(path, json={"only_at": {"bins": ["ZZ1 1AB"]}}, headers=world.headers)
    assert (refused.status_code, "none of their places" in refused.json()["detail"]) == (422, True)
