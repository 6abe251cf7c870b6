"""The dry run counts exactly whom the send then writes to, and both agree with plain Python."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import count
from math import hypot
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from notify.alerts.models import DryRun
from notify.alerts.queries import count_audience
from notify.core.db import transaction
from notify.deliveries import worker_loop
from notify.places.projection import to_lon_lat
from notify.providers.addresses import fingerprint, normalise
from notify.providers.base import Channel
from notify.subscribers import service as subscribers
from notify.subscribers.models import NewContact, NewPlace, NewTopic, SubscriberRequest, SuppressionReason
from notify.subscribers.suppression import service as suppression_service
from tests.alerts.calls import Client, created
from tests.world import DISTRICT, EVIDENCE, NORTH, POSTCODES, SOUTH, World, add_resident, make_world

KEYS = [key for key, *_ in POSTCODES]
WHERE = {key: (float(easting), float(northing)) for key, easting, northing, _ in POSTCODES}
WARDS = {key: ward for key, _, _, ward in POSTCODES}
BETWEEN_WARDS, UNKNOWN = "ZZ11AD", "ZZ99ZZ"
_numbers = count()


@dataclass(frozen=True)
class Home:
    """A place: its postcode, and which ward the resident said it is in, if they were asked."""

    key: str
    answer: str | None

    @property
    def ward(self) -> str | None:
        return self.answer or WARDS.get(self.key)


@dataclass(frozen=True)
class Person:
    """A resident of the model. `out` are channels that are unconfirmed, suppressed or unsubscribed."""

    homes: tuple[Home, ...]
    channels: tuple[Channel, ...]
    out: Mapping[Channel, str]
    language: str


def inside(part: Mapping[str, Any], home: Home, margin_m: float) -> bool:
    """Whether a home lies in the union of what `part` names."""
    if home.ward in part.get("wards", ()) or (home.key in WARDS and DISTRICT in part.get("districts", ())):
        return True
    if home.key in part.get("postcodes", ()) or f"{home.key[:-3]} {home.key[-3]}" in part.get("postcodes", ()):
        return True
    if home.key not in WHERE:
        return False
    (easting, northing), margin_m = WHERE[home.key], part.get("buffer_m", margin_m)
    if "box" in part:
        west, south, east, north = part["box"]
        away = hypot(max(west - easting, easting - east, 0), max(south - northing, northing - north, 0))
        if away <= margin_m:
            return True
    if "circle" in part:
        x, y = WHERE[part["circle"]["postcode"]]
        radius_m: float = part["circle"]["radius_m"]
        return hypot(x - easting, y - northing) <= radius_m + margin_m
    return False


def names_nothing(part: Mapping[str, Any]) -> bool:
    return not any(part.get(name) for name in ("wards", "districts", "postcodes", "box", "circle"))


def counted_home(audience: Mapping[str, Any], person: Person, *, emergency: bool) -> tuple[Home | None, bool] | None:
    """The first of their homes that is meant, and whether only as a neighbour. None: nobody writes to them."""
    excluded = audience.get("except", {})
    everywhere = names_nothing(audience)
    if everywhere and not person.homes:
        return None, False
    for home in person.homes:
        plainly = everywhere or inside(audience, home, 100 if emergency else 0)
        # near the boundary, and nobody has said on which side
        is_neighbour = home.key == BETWEEN_WARDS and home.answer is None and SOUTH in audience.get("wards", ())
        if (plainly or (emergency and is_neighbour)) and not inside(excluded, home, 0):
            return home, not plainly
    return None


def polygon(box: Sequence[float]) -> dict[str, object]:
    west, south, east, north = box
    corners = [(west, south), (east, south), (east, north), (west, north), (west, south)]
    return {"type": "Polygon", "coordinates": [[list(to_lon_lat(*corner)) for corner in corners]]}


def as_json(part: Mapping[str, Any]) -> dict[str, Any]:
    """The part as the API takes it."""
    said = {name: value for name, value in part.items() if name not in ("box", "except")}
    if "box" in part:
        said["polygon"] = polygon(part["box"])
    return said | ({"except": as_json(part["except"])} if "except" in part else {})


# edges 37 m off the hundreds, so that no postcode lies where centimetres decide
EDGES_E = st.integers(5549, 5570).map(lambda hundreds: hundreds * 100 + 37)
EDGES_N = st.integers(3440, 3452).map(lambda hundreds: hundreds * 100 + 37)
BOXES = st.tuples(EDGES_E, EDGES_N, st.integers(1, 12), st.integers(1, 6)).map(
    lambda b: (b[0], b[1], b[0] + 100 * b[2], b[1] + 100 * b[3])
)
CIRCLES = st.fixed_dictionaries(
    {"postcode": st.sampled_from(KEYS), "radius_m": st.sampled_from([50, 150, 300, 495, 600, 1200])}
)
PARTS = {
    "wards": st.lists(st.sampled_from([NORTH, SOUTH]), unique=True),
    "districts": st.sampled_from([[], [], [DISTRICT]]),
    "postcodes": st.lists(st.sampled_from([*KEYS, UNKNOWN, "ZZ1 1", "ZZ2 1"]), max_size=3, unique=True),
    "box": BOXES,
    "circle": CIRCLES,
    "buffer_m": st.sampled_from([0, 100]),
}
EXCEPT = st.fixed_dictionaries({}, optional={name: kind for name, kind in PARTS.items() if name != "districts"})
NAMES = ("wards", "districts", "postcodes", "box", "circle")


def names_a_place(audience: Mapping[str, Any]) -> bool:
    """An audience that names nothing is refused: it is more likely a failed look-up than a wish for everyone."""
    return any(part.get(name) for part in (audience, audience.get("except", {})) for name in NAMES)


AUDIENCES = st.none() | st.fixed_dictionaries({}, optional=PARTS | {"except": EXCEPT}).filter(names_a_place)
HOMES = st.builds(Home, st.sampled_from([*KEYS, UNKNOWN]), st.none()) | st.builds(
    Home, st.just(BETWEEN_WARDS), st.sampled_from([None, NORTH, SOUTH])
)
SENDABLE = (Channel.EMAIL, Channel.SMS, Channel.WEBHOOK)
PEOPLE = st.builds(
    Person,
    st.lists(HOMES, max_size=3, unique_by=lambda home: home.key).map(tuple),
    st.lists(st.sampled_from(SENDABLE), min_size=1, unique=True).map(tuple),
    st.dictionaries(st.sampled_from(SENDABLE), st.sampled_from(["suppressed", "unsubscribed"]), max_size=1),
    st.sampled_from(["en", "cy"]),
)


def addresses(number: int) -> dict[Channel, str]:
    return {
        Channel.EMAIL: f"r{number}@example.org",
        Channel.SMS: f"0798{number:07}",
        Channel.WEBHOOK: f"https://example.org/{number}",
    }


def move_in(world: World, person: Person, topic: str) -> str:
    """Store a resident of the model; their id."""
    own = addresses(next(_numbers))
    request = SubscriberRequest(
        language=person.language,
        contacts=[NewContact(channel=channel, address=own[channel]) for channel in person.channels],
        places=[NewPlace(postcode=home.key, ward=home.answer) for home in person.homes],
        topics=[topic],
        consent=EVIDENCE,
    )
    with transaction() as session:
        outcome = subscribers.add_subscriber(session, council_id=world.council_id, actor="test", request=request)
        for channel, how in person.out.items():
            if channel not in person.channels:
                continue
            if how == "suppressed":
                hashed = fingerprint(channel, normalise(channel, own[channel]))
                reason = SuppressionReason.COMPLAINT
                suppression_service.suppress(
                    session,
                    council_id=world.council_id,
                    channel=channel,
                    address_hash=hashed,
                    reason=reason,
                    source="test",
                )
            else:
                contact = session.execute(
                    text("SELECT id FROM contact WHERE subscriber_id = :id AND channel = :channel"),
                    {"id": outcome.subscriber_id, "channel": channel},
                ).scalar_one()
                subscribers.unsubscribe(session, contact_id=contact, topic_id=None, source="test")
    return str(outcome.subscriber_id)


def new_topic(world: World) -> str:
    slug = f"topic-{next(_numbers)}"
    with transaction() as session:
        subscribers.create_topic(
            session, council_id=world.council_id, actor="test", new=NewTopic(slug=slug, name="Topic")
        )
    return slug


def ledger(alert_id: str) -> set[tuple[str, str]]:
    """Who is in the ledger of an alert, and on which channel."""
    with transaction() as session:
        rows = session.execute(
            text("SELECT subscriber_id, channel FROM delivery WHERE alert_id = :id"), {"id": alert_id}
        ).all()
    assert len(rows) == len(set(rows))
    return {(str(row.subscriber_id), row.channel) for row in rows}


@given(
    people=st.lists(PEOPLE, max_size=7),
    audience=AUDIENCES,
    channels=st.lists(st.sampled_from(SENDABLE), min_size=1, unique=True),
    priority=st.sampled_from(["routine", "emergency"]),
)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def check_the_dry_run(
    client: Client,
    world: World,
    people: Sequence[Person],
    audience: Mapping[str, Any] | None,
    channels: Sequence[Channel],
    priority: str,
) -> None:
    topic = new_topic(world)
    expected, by_language, by_ward, near = set(), Counter[str](), Counter[str | None](), 0
    for person in people:
        who = move_in(world, person, topic)
        reached = [channel for channel in person.channels if channel in channels and channel not in person.out]
        home = counted_home(audience or {}, person, emergency=priority == "emergency")
        if home and reached:
            expected |= {(who, channel) for channel in reached}
            by_language[person.language] += 1
            by_ward[home[0].ward if home[0] else None] += 1
            near += home[1]
    asked: dict[str, Any] = {"topic": topic, "channels": channels, "priority": priority}
    asked |= {"audience": as_json(audience)} if audience is not None else {}
    with transaction() as session:
        counted = asdict(count_audience(session, world.planner, DryRun.model_validate(asked)))
    told = client.post("/api/v1/audiences", json=asked, headers=world.headers).json()
    alert = created(client, world.headers, **asked, send=True)
    worker_loop.expand_alert(alert["id"])

    assert ledger(alert["id"]) == expected
    assert (told["people"], told["fewer_than_ten"], told["by_ward"]) == (0, True, [])  # they would be singled out
    assert counted["people"] == len({who for who, _ in expected})
    assert counted["by_channel"] == {str(c): 0 for c in channels} | Counter(channel for _, channel in expected)
    assert counted["by_language"] == by_language
    assert {ward["code"]: ward["people"] for ward in counted["by_ward"]} == by_ward
    assert counted["near_boundary"] == near


def test_the_dry_run_counts_exactly_whom_the_send_writes_to(client: Client) -> None:
    check_the_dry_run(client, make_world())


def test_a_dry_run_changes_nothing_and_names_nobody(client: Client) -> None:
    world = make_world()
    add_resident(world, "a@example.org", phone="07700 900001", name="Ann Ash")
    reply = client.post("/api/v1/audiences", json={"topic": "road-closures", "sms": "x" * 161}, headers=world.headers)
    found = reply.json()
    assert (found["people"], found["fewer_than_ten"]) == (0, True)
    assert (found["sms_parts"], found["sms_parts_total"]) == (2, 20)
    assert (found["by_ward"], found["by_language"], found["by_channel"]["email"]) == ([], {}, 0)
    assert (found["population"], found["share_of_population"]) == (None, None)
    assert not any(words in reply.text for words in ("example.org", "900001", "Ann"))
    with transaction() as session:
        assert session.execute(text("SELECT count(*) FROM alert")).scalar_one() == 0


def test_a_text_costs_as_many_parts_as_the_network_counts(client: Client) -> None:
    world = make_world()
    paid_for = len("Zed Council: . Reply STOP to end")  # every text begins with the sender and says how to stop
    lengths = [("a", 160, 1), ("a", 161, 2), ("a", 307, 3), ("ŵ", 70, 1), ("ŵ", 71, 2)]
    for character, length, parts in lengths:
        asked = {"topic": "road-closures", "sms": character * (length - paid_for)}
        assert client.post("/api/v1/audiences", json=asked, headers=world.headers).json()["sms_parts"] == parts


def test_a_dry_run_refuses_what_a_send_would_refuse(client: Client) -> None:
    world = make_world()
    wrong: list[dict[str, object]] = [{"colour": "red"}, {"audience": {"wards": ["Z05999999"]}}, {"channels": []}]
    for fields in wrong:
        asked = {"topic": "road-closures"} | fields
        assert client.post("/api/v1/audiences", json=asked, headers=world.headers).status_code == 422
    assert client.post("/api/v1/audiences", json={"topic": "dragons"}, headers=world.headers).status_code == 404
