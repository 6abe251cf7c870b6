"""Real Cambridge: 20,000 invented residents on real postcodes, real wards, a real web server, worker and SMTP server.

Whom each alert must reach is worked out by plain Python from the two CSV files alone.
"""

import csv
import io
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from notify.core.db import transaction
from notify.core.jobs import Lane
from notify.devserver import embedded
from notify.places.commands import load_release
from notify.places.geometry import to_lon_lat
from notify.processes.command_lines import scheduler_process, web_process, worker_process
from notify.staff import service as staff
from notify.staff.models import KeyMode, Role
from notify.subscribers import service as subscribers
from notify.subscribers.models import NewTopic
from tests.conftest import empty_database
from tests.mailbox import Mailbox
from tests.running import answers, free_port, running, wait_until

CAMBRIDGE = "E07000008"
NEWNHAM = "E05013058"
RESIDENTS = 20_000
IMPORT = {"wording_version": "test-1", "wording": "Yes, write to me.", "consent_source": "test"}

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Resident:
    """A line of the residents' file with the point and ward of its line in the postcodes' file."""

    email: str
    easting: int
    northing: int
    ward: str


@dataclass(frozen=True, slots=True)
class City:
    """The running product with Cambridge in it."""

    client: httpx.Client
    residents: list[Resident]

    def send(self, audience: dict[str, object] | None) -> None:
        """A road closure, watched until the last message was handed over."""
        body = {
            "topic": "road-closures",
            "title": "Mill Road closed on Sunday",
            "body": "Mill Road bridge is closed.",
            "audience": audience,
            "send": True,
        }
        reply = self.client.post("/api/v1/alerts", json=body, headers={"Idempotency-Key": str(uuid4())})
        assert reply.status_code == 201, reply.text
        address = f"/api/v1/alerts/{reply.json()['id']}"
        wait_until(lambda: self.client.get(address).json()["state"] == "sent", seconds=120, what="the last hand-over")

    def expected(self, is_inside: Callable[[Resident], bool]) -> set[str]:
        """The addresses of everybody inside, by plain Python."""
        return {resident.email for resident in self.residents if is_inside(resident)}


def invent(postcodes_csv: Path) -> tuple[str, list[Resident]]:
    """The residents' CSV, and the same people joined by hand to the postcodes' CSV."""
    with postcodes_csv.open() as file:
        lines = [row for row in csv.reader(file) if row[8] == CAMBRIDGE]
    assert len(lines) == 2947
    chance = random.Random(20_000)
    text, people = io.StringIO(), []
    writer = csv.writer(text)
    writer.writerow(["name", "email", "postcode", "topics"])
    for number in range(RESIDENTS):
        line = chance.choice(lines)
        email = f"resident{number}@example.org"
        writer.writerow([f"Resident {number}", email, line[0], "road-closures"])
        people.append(Resident(email, int(line[2]), int(line[3]), line[9]))
    return text.getvalue(), people


@pytest.fixture(scope="module")
def city(servers: embedded.Addresses, real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    """Cambridge's wards, the CB postcodes of January 2024, 20,000 residents, and every process running."""
    port = free_port()
    base_url = f"http://127.0.0.1:{port}"
    with transaction() as session:
        council = staff.create_council(session, slug="cambridge", name="Cambridge", district_codes=[CAMBRIDGE])
        topic = NewTopic(slug="road-closures", name="Road closures")
        subscribers.create_topic(session, council_id=council.id, actor="test", new=topic)
        key = staff.create_key(session, council_id=council.id, name="test", role=Role.ADMIN, mode=KeyMode.LIVE)
    load_release(real_data / "wards_2021" / "E07000008.geojson")
    load_release(real_data / "postcodes_2024" / "cb.csv")
    residents_csv, people = invent(real_data / "postcodes_2024" / "cb.csv")
    processes = [web_process("127.0.0.1", port), worker_process(Lane.ROUTINE, threads=4), scheduler_process()]
    log = tmp_path_factory.mktemp("city") / "processes.log"
    with (
        running(processes, log, {"NOTIFY_BASE_URL": base_url}),
        httpx.Client(base_url=base_url, timeout=60, headers={"Authorization": f"Bearer {key}"}) as client,
    ):
        wait_until(lambda: answers(base_url), what=f"the web server; see {log}")
        reply = client.post(
            "/api/v1/subscribers/import", params=IMPORT, content=residents_csv, headers={"Content-Type": "text/csv"}
        )
        assert reply.is_success, reply.text
        assert reply.json()["created"] == RESIDENTS
        yield City(client, people)
    empty_database()


def test_a_ward(city: City, inbox: Mailbox) -> None:
    city.send({"wards": [NEWNHAM]})
    expected = city.expected(lambda resident: resident.ward == NEWNHAM)
    assert len(expected) > 500
    assert inbox.recipients() == dict.fromkeys(expected, 1)


def test_a_polygon_with_a_hole(city: City, inbox: Mailbox) -> None:
    # corners between whole metres, where no postcode can lie on a side
    outer = [(544_500.5, 257_000.5), (546_900.5, 257_300.5), (547_400.5, 259_200.5), (545_000.5, 259_400.5)]
    hole = [(545_400.5, 257_800.5), (546_400.5, 257_800.5), (546_400.5, 258_600.5), (545_400.5, 258_600.5)]
    polygon = {"type": "Polygon", "coordinates": [lon_lat_ring(outer), lon_lat_ring(hole)]}
    city.send({"polygon": polygon})

    def is_inside(resident: Resident) -> bool:
        point = (resident.easting, resident.northing)
        return encloses(outer, point) and not encloses(hole, point)

    expected = city.expected(is_inside)
    assert len(expected) > 500
    assert len(city.expected(lambda resident: encloses(hole, (resident.easting, resident.northing)))) > 100
    assert inbox.recipients() == dict.fromkeys(expected, 1)


def test_a_circle_of_500_metres(city: City, inbox: Mailbox) -> None:
    centre = next(resident for resident in city.residents if resident.ward == NEWNHAM)
    city.send({"circle": {"postcode": postcode_at(city, centre), "radius_m": 500}})

    def is_inside(resident: Resident) -> bool:
        return (resident.easting - centre.easting) ** 2 + (resident.northing - centre.northing) ** 2 <= 500**2

    expected = city.expected(is_inside)
    assert len(expected) > 100
    assert inbox.recipients() == dict.fromkeys(expected, 1)


def test_everyone_less_a_ward(city: City, inbox: Mailbox) -> None:
    city.send({"except": {"wards": [NEWNHAM]}})
    expected = city.expected(lambda resident: resident.ward != NEWNHAM)
    assert len(expected) > 15_000
    assert inbox.recipients() == dict.fromkeys(expected, 1)


def postcode_at(city: City, resident: Resident) -> str:
    """The postcode whose published point is this resident's."""
    with transaction() as session:
        connection = session.connection()
        return str(
            connection.exec_driver_sql(
                "SELECT key FROM postcode WHERE easting = %s AND northing = %s LIMIT 1",
                (resident.easting, resident.northing),
            ).scalar_one()
        )


def lon_lat_ring(corners: list[Point]) -> list[list[float]]:
    """A closed GeoJSON ring of corners in metres; with 20 points a side, straight stays straight."""
    ring: list[list[float]] = []
    for (x1, y1), (x2, y2) in zip(corners, [*corners[1:], corners[0]], strict=True):
        ring += [list(to_lon_lat(x1 + (x2 - x1) * step / 20, y1 + (y2 - y1) * step / 20)) for step in range(20)]
    return [*ring, ring[0]]


def encloses(corners: list[Point], point: Point) -> bool:
    """Whether the point lies inside, by counting the sides crossed on the way east."""
    x, y = point
    inside = False
    for (x1, y1), (x2, y2) in zip(corners, [*corners[1:], corners[0]], strict=True):
        if (y1 > y) != (y2 > y) and x < x1 + (y - y1) * (x2 - x1) / (y2 - y1):
            inside = not inside
    return inside
