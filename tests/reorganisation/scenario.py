"""A reorganisation from beginning to end, on any postcodes: two districts become one unitary council with new wards.

Whom each alert must reach is worked out by plain Python from the postcodes alone.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from click.testing import CliRunner
from sqlalchemy import text

from notify.alerts import ended_areas
from notify.alerts.service import start_due
from notify.core.db import transaction
from notify.drafting import recurrence, recurring_ended_areas
from notify.places import activation, ended_remits
from notify.places.activation import ActivationReport
from notify.places.release_loading import load_areas, load_postcodes
from notify.reorganisation.commands import council
from notify.staff.models import Role
from notify.subscribers.models import NewTopic, TopicPurpose
from notify.subscribers.place_reviews import service as place_reviews_service
from notify.subscribers.service import create_topic
from tests import moments
from tests.alerts.calls import Client, Headers, act, created
from tests.alerts.test_late import officer
from tests.mailbox import Mailbox
from tests.world import World, add_resident, administrator, at_the_desk, make_other_council

Work = Callable[[], None]


@dataclass(frozen=True, slots=True)
class Postcode:
    """A line of a postcode file: key with its space, position in metres, ward and district."""

    postcode: str
    easting: int
    northing: int
    ward: str
    district: str

    def line(self) -> str:
        """The line in Code-Point Open's layout."""
        return (
            f'"{self.postcode}",10,{self.easting},{self.northing},"E92000001","","","","{self.district}","{self.ward}"'
        )


@dataclass(frozen=True, slots=True)
class Land:
    """Postcodes before and after, the two districts, the unitary that they become, and ward outlines if there are any.

    `ward` is one of the first district's that ends.
    """

    before: Sequence[Postcode]
    after: Sequence[Postcode]
    districts: tuple[str, str]
    unitary: str
    ward: str
    outlines: tuple[Path, Path] | None = None

    def successors(self, ward: str) -> Mapping[str, float]:
        """The shares of an old ward's postcodes in the wards of today."""
        now = {one.postcode: one.ward for one in self.after if one.ward}
        went = Counter(now[one.postcode] for one in self.before if one.ward == ward and one.postcode in now)
        return {code: count / went.total() for code, count in went.items()}

    def ward_now(self, one: Postcode) -> str:
        """The ward of a resident at a postcode of before: where it is gone, that of nearly all its neighbours."""
        now = {two.postcode: two.ward for two in self.after if two.ward}
        if one.postcode in now:
            return now[one.postcode]
        if one.ward in now.values():
            return one.ward
        return next((code for code, share in self.successors(one.ward).items() if share >= 0.95), one.ward)


@dataclass(frozen=True, slots=True)
class Resident:
    """Somebody with one place for each council they follow."""

    email: str
    places: tuple[Postcode, ...]


def settle(land: Land, *, every: int) -> Sequence[Resident]:
    """A resident at every so manieth postcode of each district; every tenth of the first also follows the second."""
    first, second = ([one for one in land.before if one.district == code][::every] for code in land.districts)
    both = [Resident(f"b{n}@example.org", (one, second[n])) for n, one in enumerate(first[::10]) if n < len(second)]
    known = {place.postcode for resident in both for place in resident.places}
    alone = [
        Resident(f"r{n}@example.org", (one,)) for n, one in enumerate([*first, *second]) if one.postcode not in known
    ]
    return [*both, *alone]


def file_of(path: Path, postcodes: Sequence[Postcode]) -> Path:
    """The postcodes as a file."""
    path.write_text("".join(one.line() + "\n" for one in postcodes))
    return path


def in_force(path: Path, version: str) -> ActivationReport:
    """Load a file and activate it, whatever speaks against it."""
    read = load_postcodes if path.suffix == ".csv" else load_areas
    loaded = read(path, product="Release", version=version, attribution="")
    with transaction() as session:
        return activation.activate(session, loaded.release_id, confirmed=True)


def typed(*words: str) -> str:
    """What `notify council` says."""
    done = CliRunner().invoke(council, words, obj=nullcontext)
    assert done.exit_code == 0, f"{done.output} {done.exception!r}"
    return done.output


def make_council(slug: str, district: str, own: str) -> World:
    """A council with topics of its own, bins and emergencies."""
    world = make_other_council(slug, districts=[district], topics=("bins", own))
    with transaction() as session:
        new = NewTopic(slug="emergencies", name="Emergencies", purpose=TopicPurpose.EMERGENCY)
        create_topic(session, council_id=world.council_id, actor="test", new=new)
    return world


def tasks() -> None:
    """What the scheduler does within a minute."""
    for task in (
        ended_areas.look,
        recurring_ended_areas.look,
        ended_remits.look,
        place_reviews_service.ask,
        place_reviews_service.settle_outside,
    ):
        with transaction() as session:
            task(session)


def start() -> None:
    """Every scheduled alert is due."""
    with transaction() as session:
        session.execute(text("UPDATE alert SET send_at = business_now() WHERE state = 'scheduled'"))
        start_due(session)


@dataclass(frozen=True, slots=True)
class Waiting:
    """What waited when the reorganisation came, and whose it was."""

    author: Headers
    everyone: str
    ward: str
    emergency: str


def prepare(client: Client, land: Land, residents: Sequence[Resident], east: World, west: World) -> Waiting:
    """Residents, a remit, and alerts: scheduled for everyone and for a ward, recurring, and a scheduled emergency."""
    worlds = dict(zip(land.districts, (east, west), strict=True))
    for resident in residents:
        for place in resident.places:
            topics = ("bins", "emergencies", "roads" if place.district == land.districts[0] else "planning")
            add_resident(worlds[place.district], resident.email, postcodes=[place.postcode], topics=topics)
    at = moments.present() + timedelta(hours=1)
    author = officer(east, "ann", Role.AUTHOR)
    officer(east, "cllr", Role.COUNCILLOR)
    boss = administrator(east)
    [cllr] = [one for one in client.get("/api/v1/officers", headers=boss).json() if one["name"] == "cllr"]
    assert client.post(f"/api/v1/officers/{cllr['id']}", json={"areas": [land.ward]}, headers=boss).status_code == 200
    words = {"topic": "bins", "send": True, "send_at": at.isoformat()}
    everyone = created(client, author, **words)
    in_ward = created(client, author, audience={"wards": [land.ward]}, **words)
    planner = officer(east, "pia", Role.PLANNER)
    urgent = words | {"topic": "emergencies", "priority": "emergency", "audience": {"wards": [land.ward]}}
    emergency = created(client, planner, **urgent)
    again = created(client, author, topic="bins", audience={"wards": [land.ward]})
    plan = {"rule": "weekly", "at": "09:00", "first": str(at.date() + timedelta(days=1))}
    plan["last"] = str(at.date() + timedelta(days=60))
    desk = at_the_desk(author)
    assert client.post(f"/staff/alerts/{again['id']}/repeat", data=plan, headers=desk).status_code == 303
    return Waiting(author, everyone["id"], in_ward["id"], emergency["id"])


def reorganise(land: Land, folder: Path) -> ActivationReport:
    """The steps of docs/places.md: a new council, two mergers, the new district, the new release, the old districts."""
    first, second = land.districts
    typed("create", "new", "New Council", "--district", first, "--district", second)
    typed("merge", "east", "new", "--yes")
    typed("merge", "west", "new", "--yes")
    typed("districts", "new", "--add", land.unitary)
    report = in_force(file_of(folder / "after.csv", land.after), "after")
    if land.outlines:
        in_force(land.outlines[1], "after")
    typed("districts", "new", "--remove", first, "--remove", second)
    return report


def run(client: Client, inbox: Mailbox, work: Work, folder: Path, land: Land, *, every: int) -> None:
    """Everything, with what must be so at each step."""
    client.follow_redirects = False
    if land.outlines:
        in_force(land.outlines[0], "before")
    in_force(file_of(folder / "before.csv", land.before), "before")
    east, west = make_council("east", land.districts[0], "roads"), make_council("west", land.districts[1], "planning")
    residents = settle(land, every=every)
    waiting = prepare(client, land, residents, east, west)
    work()
    inbox.empty()
    report = reorganise(land, folder)
    assert not [one for one in report.objections if "district" in one]
    tasks()
    work()
    everybody_was_told(inbox, land, residents)
    nobody_is_lost(residents)
    alerts_go_where_they_should(client, inbox, work, land, residents, waiting)


def everybody_was_told(inbox: Mailbox, land: Land, residents: Sequence[Resident]) -> None:
    """Residents of the merger and of open places, officers of held alerts, recurring alerts and remits."""
    by_subject: defaultdict[str, set[str]] = defaultdict(set)
    for mail in inbox.messages():
        by_subject[str(mail["Subject"])].add(str(mail["To"]))
    assert by_subject["Your alerts now come from New Council"] == {one.email for one in residents}
    there = {one.postcode for one in land.after if one.ward}
    unsure = {one.email for one in residents if any(place.postcode not in there for place in one.places)}
    assert by_subject["Check your postcode for alerts"] == unsure != set()
    assert by_subject["Areas have ended: Mill Road closed"] == {"ann@example.org"}
    assert "cllr@example.org" in by_subject["Areas given to cllr have ended"]
    for name in ("East Council", "West Council"):
        assert "ann@example.org" in by_subject[f"{name} is now part of New Council"]
    assert "Your alerts from New Council have stopped" not in by_subject


def nobody_is_lost(residents: Sequence[Resident]) -> None:
    """One membership an address, with every place and every topic."""
    with transaction() as session:
        rows = session.execute(
            text("""
                SELECT c.address, array_agg(DISTINCT p.postcode) AS places, array_agg(DISTINCT t.slug) AS topics
                FROM contact c JOIN place p USING (subscriber_id)
                JOIN subscription u ON u.subscriber_id = c.subscriber_id AND u.ended_at IS NULL
                JOIN topic t ON t.id = u.topic_id JOIN council k ON k.id = c.council_id AND k.slug = 'new'
                GROUP BY c.id
            """)
        ).all()
        assert session.execute(text("SELECT count(*) FROM subscriber")).scalar_one() == len(residents)
    held = {row.address: (set(row.places), set(row.topics)) for row in rows}
    assert held.keys() == {one.email for one in residents}
    for one in residents:
        places, topics = held[one.email]
        assert places == {place.postcode.replace(" ", "") for place in one.places}
        assert {"bins", "emergencies"} < topics
        assert len(topics) == 2 + len(one.places)


def alerts_go_where_they_should(
    client: Client, inbox: Mailbox, work: Work, land: Land, residents: Sequence[Resident], waiting: Waiting
) -> None:
    """The emergency by itself, the routine ones once their areas are replaced, and to nobody twice."""
    known = {one.email for one in residents}
    shares = land.successors(land.ward)
    successors = {code for code, share in shares.items() if share >= 0.01}
    inside = {one.email for one in residents if any(land.ward_now(place) in successors for place in one.places)}
    still_there = {one.email for one in residents if any(land.ward_now(place) == land.ward for place in one.places)}
    assert set() < inside < known
    inbox.empty()
    start()
    work()
    reached = {to: count for to, count in inbox.recipients().items() if to in known}
    assert set(reached) >= inside | still_there
    extra = set(reached) - inside - still_there - near(land.ward, successors)
    assert not extra
    assert set(reached.values()) == {1}
    for alert in (waiting.everyone, waiting.ward):
        assert read(client, waiting, alert)["state"] == "scheduled"
    replaced = act(client, waiting.author, waiting.ward, "replace-areas").json()
    assert set(replaced["audience"]["wards"]) == successors
    inbox.empty()
    start()
    work()
    assert {to: count for to, count in inbox.recipients().items() if to in known} == dict.fromkeys(inside, 1)
    replaced = act(client, waiting.author, waiting.everyone, "replace-areas").json()
    assert replaced["audience"]["districts"] == [land.unitary]
    inbox.empty()
    start()
    work()
    assert {to: count for to, count in inbox.recipients().items() if to in known} == dict.fromkeys(known, 1)
    with transaction() as session:
        assert recurrence.make_due(session) == 0  # it waits for its areas


def near(ward: str, successors: set[str]) -> set[str]:
    """Residents within 50 m of these wards, or in parts of old wards that nobody could say."""
    with transaction() as session:
        found = session.execute(
            text("""
                SELECT c.address FROM contact c JOIN place p USING (subscriber_id)
                WHERE p.alt_ward_code = ANY(:codes)
                   OR NOT area_is_current(p.ward_code)
                      AND EXISTS (SELECT FROM area_successors(p.ward_code) s WHERE s.code = ANY(:codes))
            """),
            {"codes": [ward, *successors]},
        )
        return set(found.scalars())


def read(client: Client, waiting: Waiting, alert: str) -> dict[str, Any]:
    """The alert as the new council sees it."""
    found: dict[str, Any] = client.get(f"/api/v1/alerts/{alert}", headers=waiting.author).json()
    return found
