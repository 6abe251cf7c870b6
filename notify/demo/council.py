"""The invented council of Zedholm: its residents, and one ward alert through the real queue to show that it works."""

import csv
import io
import json
import os
import random
import signal
import socket
import subprocess
import time
from bisect import bisect
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from itertools import accumulate
from pathlib import Path

import click
import httpx
from sqlmodel import select

from notify.core import clock, db, demo_marker
from notify.core.errors import SetUpError
from notify.core.parent_death import die_with_parent
from notify.core.settings import settings
from notify.demo import collections as demo_collections
from notify.devserver import mail_catcher as devserver_mail_catcher
from notify.devserver.mail_catcher import Catcher
from notify.packaged import packaged
from notify.places.commands import load_release
from notify.places.population import load_population
from notify.processes.command_lines import service_processes
from notify.staff import service as staff
from notify.staff.models import KeyMode, Officer, Role
from notify.staff.queries import council_by_slug, councils
from notify.staff.sign_in import demo_codes
from notify.subscribers import service as subscribers
from notify.subscribers.imports.csv_file import read_rows
from notify.subscribers.imports.service import import_subscribers
from notify.subscribers.models import ApprovalRule, ConsentEvidence, NewTopic, TopicPurpose

FOLDER = packaged("geodata/demo")
COUNCIL = demo_marker.COUNCIL
DISTRICT = "Z07000001"
WARD = "Z05000008"
RESIDENTS = 6_000
PATIENCE_SECONDS = 90.0

TOPICS = (
    NewTopic(
        slug="bins", name="Bin collections", description="Changes to your bin day.", frequency="About twice a month."
    ),
    NewTopic(
        slug="road-closures",
        name="Road closures",
        description="Planned closures near your places.",
        frequency="About once a week.",
        tracking_allowed=True,
    ),
    NewTopic(
        slug="emergencies",
        name="Emergencies",
        description="Floods, evacuation, loss of water or power.",
        frequency="Only when it matters, a few times a year.",
        purpose=TopicPurpose.EMERGENCY,
    ),
    NewTopic(
        slug="consultations",
        name="Consultations",
        description="When the council asks what you think. A colleague approves each message.",
        frequency="About once a month.",
        tracking_allowed=True,
        approval=ApprovalRule.ONE,
    ),
)
# how people came to sign up: where, from which week to which, and how many compared with the others
CAMPAIGNS = (
    ("import", 0, 1, 60.0),
    ("website", 0, 52, 2.0),
    ("assisted", 1, 52, 0.3),
    ("poster-library", 14, 22, 3.0),
    ("website", 27, 29, 9.0),  # after a flood
    ("poster-surgery", 31, 37, 2.5),
    ("council-tax-letter", 41, 44, 12.0),
)
FIRST_NAMES = ("Alis", "Bryn", "Carys", "Dewi", "Edith", "Femi", "Gita", "Huw", "Ines", "Jo", "Kofi", "Lowri")
LAST_NAMES = ("Archer", "Baptiste", "Chowdhury", "Davies", "Ellis", "Fisher", "Griffiths", "Hussain", "Iwan", "Jones")


@dataclass(frozen=True, slots=True)
class Caught:
    """What reached a channel: how many of those expected, of nobody expected, and more than once."""

    channel: str
    expected: int
    received: int
    missing: int
    unexpected: int
    duplicates: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """The demonstration's figures."""

    channels: Sequence[Caught]
    seconds: float

    def figures(self) -> dict[str, float]:
        """The figures of all channels together, as the last line of `notify demo` prints them."""
        names = ("expected", "received", "duplicates", "missing", "unexpected")
        sums: dict[str, float] = {name: sum(getattr(caught, name) for caught in self.channels) for name in names}
        return sums | {"seconds": round(self.seconds, 1)}

    def is_right(self) -> bool:
        """Whether everyone expected got it once and nobody else did."""
        wrong = sum(caught.missing + caught.unexpected + caught.duplicates for caught in self.channels)
        return wrong == 0 and sum(caught.expected for caught in self.channels) > 0


class NotForDemonstrations(SetUpError):
    """Real councils are here already."""

    title = "The demo council needs an installation of its own"


@contextmanager
def mail_catcher() -> Iterator[Catcher]:
    """A local SMTP server that keeps what it gets; the SMTP adapter of our children is pointed at it."""
    with devserver_mail_catcher.start(settings().data_dir, keep=True) as caught:
        os.environ["NOTIFY_SMTP_HOST"], os.environ["NOTIFY_SMTP_PORT"] = caught.host, str(caught.port)
        yield caught


def set_up(say: Callable[[str], None]) -> None:
    """Make sure that Zedholm, its officers, topics, places and residents are here; what is here already stays."""
    with db.transaction() as session:
        here = [council.slug for council in councils(session)]
        if COUNCIL in here:
            return
        if here:
            raise NotForDemonstrations(
                f"This installation holds {', '.join(here)}, and invented residents do not belong among real ones. "
                "Choose another NOTIFY_DATA_DIR."
            )
        council = staff.create_council(session, slug=COUNCIL, name="Zedholm Council", district_codes=[DISTRICT])
        for role in Role:
            staff.create_officer(
                session, council_id=council.id, email=f"{role}@example.org", name=f"Demo {role}", role=role
            )
        for topic in TOPICS:
            subscribers.create_topic(session, council_id=council.id, actor="demo", new=topic)
    say("Loading the wards and postcodes of Zedholm …")
    for name in ("districts.geojson", "wards.geojson", "postcodes.csv"):
        load_release(FOLDER / name, product="Zedholm, invented", version="2026", attribution="Invented data.")
    with db.transaction() as session:
        load_population(session, FOLDER / "population.csv")
        demo_collections.fill(session, council.id, FOLDER / "postcodes.csv")
    say(f"Inviting {RESIDENTS:,} invented residents …")
    _import_residents()


def residents() -> Iterator[dict[str, str]]:
    """The invented residents, the same every time: addresses at example.org and Ofcom's drama numbers only."""
    chance = random.Random(1953)  # noqa: S311 - invention, not secrecy
    with (FOLDER / "postcodes.csv").open() as file:
        postcodes = [row[0] for row in csv.reader(file)]
    for number in range(RESIDENTS):
        topics = [topic.slug for topic in TOPICS if chance.random() < 0.6] or ["emergencies"]
        # a thousand drama numbers there are, and one number reaches one person
        has_phone = number % 6 == 0
        by_phone_only = has_phone and chance.random() < 0.3
        yield {
            "name": f"{chance.choice(FIRST_NAMES)} {chance.choice(LAST_NAMES)}",
            "email": "" if by_phone_only else f"resident{number}@example.org",
            "phone": f"07700 900{number // 6:03}" if has_phone else "",
            "postcode": chance.choice(postcodes),
            "language": "cy" if chance.random() < 0.1 else "en",
            "topics": " ".join(topics),
        }


def sign_ups() -> Mapping[tuple[str, int], Sequence[dict[str, str]]]:
    """The invented residents by how they came to sign up and how many days ago, spread over a year."""
    weeks = [(source, week, size) for source, first, end, size in CAMPAIGNS for week in range(first, end)]
    upto = list(accumulate(size for _source, _week, size in weeks))
    found: dict[tuple[str, int], list[dict[str, str]]] = defaultdict(list)
    for number, resident in enumerate(residents()):
        # steps of the golden section: spread evenly, and no two neighbours alike
        source, week, _size = weeks[bisect(upto, number * 0.6180339887 % 1 * upto[-1])]
        found[source, 365 - 7 * week - number % 7].append(resident)
    return found


def _import_residents() -> None:
    created = 0
    with db.transaction() as session:
        council = council_by_slug(session, COUNCIL)
        for (source, days_ago), people in sign_ups().items():
            evidence = ConsentEvidence(
                wording_version="demo-1",
                wording="Yes, tell me about these topics for my places.",
                source=source,
                given_at=clock.now() - timedelta(days=days_ago),
            )
            rows = read_rows(_as_csv(people))
            report = import_subscribers(
                session, council_id=council.id, actor="demo", rows=rows, evidence=evidence, confirmed=True
            )
            created += report.created
    assert created == RESIDENTS, created  # noqa: S101 - the demo's own data


def _as_csv(people: Sequence[Mapping[str, str]]) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, ["name", "email", "phone", "postcode", "language", "topics"])
    writer.writeheader()
    writer.writerows(people)
    return text.getvalue().encode()


def invitation(mail: Path) -> Sequence[str]:
    """What `notify run` prints: where to look, how to sign in as each role, and a key for the API."""
    base = os.environ["NOTIFY_BASE_URL"]
    with db.transaction() as session:
        council = council_by_slug(session, COUNCIL)
        demo_codes.give_factors(session)
        officers = session.exec(select(Officer).where(Officer.council_id == council.id).order_by(Officer.email)).all()
        links = [
            f"  {officer.role:10} {base}/staff/sign-in/{staff.create_sign_in_link(session, officer.id)}"
            for officer in officers
        ]
        key = staff.create_key(session, council_id=council.id, name="notify run", role=Role.ADMIN, mode=KeyMode.LIVE)
    return [
        f"\nResidents sign up at {base}/ (try the postcode ZZ1 1AA), bin days are at {base}/bins",
        "Officers sign in once with these links, within ten minutes:",
        *links,
        "Where a page asks for a code of an authenticator app, it shows the code: invented officers have no phone.",
        f"API key: {key}",
        f"API documentation: {base}/api/docs",
        f"Texts go to {settings().data_dir / 'sms.jsonl'}, mail into {mail / 'kept'}.",
        "Read the newest mail, with its links, in another terminal: notify mail",
        "Ctrl-C stops everything.\n",
    ]


def run(ward: str) -> Outcome:
    """Set up Zedholm, alert one ward by HTTP, wait for the last send and count what arrived."""
    started = time.monotonic()
    set_up(click.echo)
    with db.transaction() as session:
        council = council_by_slug(session, COUNCIL)
        key = staff.create_key(session, council_id=council.id, name="notify demo", role=Role.ADMIN, mode=KeyMode.LIVE)
    with ExitStack() as stack:
        caught = stack.enter_context(mail_catcher())
        port = _free_port()
        client = stack.enter_context(_serving(port))
        client.headers["Authorization"] = f"Bearer {key}"
        texts = settings().data_dir / "sms.jsonl"
        already = (_size(caught.file), _size(texts))
        click.echo(f"Sending a road closure to ward {ward} …")
        _send(client, ward)
        outcome = Outcome(
            [
                _compare("email", _expected("email", ward), _recipients(caught.file, already[0])),
                _compare("sms", _expected("phone", ward), _recipients(texts, already[1])),
            ],
            time.monotonic() - started,
        )
    _show(outcome)
    return outcome


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def _serving(port: int) -> Iterator[httpx.Client]:
    """Web, workers and scheduler as processes of their own, and a client at the route once it answers."""
    environment = os.environ | {"NOTIFY_BASE_URL": f"http://127.0.0.1:{port}"}
    log = (settings().data_dir / "demo.log").open("ab")
    children = [
        subprocess.Popen(  # noqa: S603 - our own argv
            command.argv, env=environment, stderr=log, preexec_fn=die_with_parent(signal.SIGTERM)
        )
        for command in service_processes(port)
    ]
    try:
        with httpx.Client(base_url=environment["NOTIFY_BASE_URL"], timeout=30) as client:
            _wait_until(lambda: _answers(client), "The web server did not start")
            yield client
    finally:
        for child in children:
            child.terminate()
        for child in children:
            child.wait()
        log.close()


def _answers(client: httpx.Client) -> bool:
    try:
        return client.get("/health/ready").is_success
    except httpx.TransportError:
        return False


def _wait_until(is_so: Callable[[], bool], otherwise: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not is_so():
        if time.monotonic() > deadline:
            raise click.ClickException(f"{otherwise}; see {settings().data_dir / 'demo.log'}.")
        time.sleep(0.05)


def _send(client: httpx.Client, ward: str) -> None:
    """One alert through the public route, watched until the last message was sent."""
    alert = {
        "topic": "road-closures",
        "title": "Harbour Street closed on Sunday",
        "body": "Harbour Street is closed from 8am to 6pm on Sunday for repairs to the sea wall.\n\n"
        "Buses stop in Ferry Street instead. You can still walk through.",
        "translations": {
            "cy": {
                "title": "Harbour Street ar gau ddydd Sul",
                "body": "Mae Harbour Street ar gau rhwng 8am a 6pm ddydd Sul er mwyn trwsio'r morglawdd.",
            }
        },
        "link": "https://example.org/harbour-street",
        "sms": "Harbour Street closed Sun 8am-6pm. Buses stop in Ferry Street.",
        "audience": {"wards": [ward]},
        "send": True,
    }
    reply = client.post("/api/v1/alerts", json=alert, headers={"Idempotency-Key": f"demo-{time.time_ns()}"})
    if not reply.is_success:
        raise click.ClickException(f"{reply.json().get('title')}. {reply.json().get('detail')}")
    address = f"/api/v1/alerts/{reply.json()['id']}"
    _wait_until(lambda: client.get(address).json()["state"] == "sent", "The alert was not sent in time")
    figures = client.get(f"{address}/analytics").json()
    click.echo(
        f"Sent {figures['sent']:,} of {figures['recipients']:,}: half after {figures['time_to_50']} s, "
        f"95% after {figures['time_to_95']} s."
    )


def _expected(column: str, ward: str) -> Counter[str]:
    """Who should get it, worked out from the invented lists alone, without our database."""
    with (FOLDER / "postcodes.csv").open() as file:
        inside = {row[0] for row in csv.reader(file) if row[9] == ward}
    return Counter(
        _written(person[column])
        for person in residents()
        if person[column] and person["postcode"] in inside and "road-closures" in person["topics"].split()
    )


def _written(address: str) -> str:
    """A drama number as a provider gets it; an e-mail address is as it is."""
    return address if "@" in address else "+44" + address.replace(" ", "")[1:]


def _size(file: Path) -> int:
    return file.stat().st_size if file.exists() else 0


def _recipients(file: Path, skipped_bytes: int) -> Counter[str]:
    """Whom the lines of a catcher's file went to, after the part that was there before."""
    if not file.exists():
        return Counter()
    with file.open("rb") as lines:
        lines.seek(skipped_bytes)
        return Counter(json.loads(line)["to"] for line in lines)


def _compare(channel: str, expected: Counter[str], received: Counter[str]) -> Caught:
    return Caught(
        channel=channel,
        expected=len(expected),
        received=len(expected.keys() & received.keys()),
        missing=len(expected.keys() - received.keys()),
        unexpected=len(received.keys() - expected.keys()),
        duplicates=sum(count - 1 for count in received.values()),
    )


def _show(outcome: Outcome) -> None:
    columns = ("channel", "expected", "received", "missing", "unexpected", "duplicates")
    click.echo("\nWho got what, counted at the mail catcher and in the file of texts:\n")
    click.echo("  " + "".join(f"{name:>12}" for name in columns))
    for caught in outcome.channels:
        click.echo("  " + "".join(f"{getattr(caught, name):>12}" for name in columns))
    click.echo("\n`notify run` serves it all to look at.\n")
