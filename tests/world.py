"""A small invented council for tests, made through the same services as a real one."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from uuid import UUID, uuid4

import shapely
from argon2 import PasswordHasher
from sqlalchemy import text
from sqlmodel import Session, select

from notify.core import clock
from notify.core.db import transaction
from notify.core.settings import settings
from notify.providers.base import Channel
from notify.staff import service as staff
from notify.staff.models import ApiKey, KeyMode, Officer, Role
from notify.staff.rights import Principal
from notify.staff.sign_in import sessions
from notify.subscribers import queries
from notify.subscribers import service as subscribers
from notify.subscribers.imports.enrolment import enrol
from notify.subscribers.imports.entries import Entry
from notify.subscribers.models import (
    ConfirmedBy,
    ConsentEvidence,
    NewContact,
    NewPlace,
    NewSubscriber,
    NewTopic,
    SubscriberRequest,
    TopicPurpose,
)

DISTRICT = "Z07000001"
NORTH, SOUTH = "Z05000001", "Z05000002"
CHEAP_HASHER = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
METRICS_TOKEN = "prometheus of the tests"
SCRAPER = {"Authorization": f"Bearer {METRICS_TOKEN}"}
EVIDENCE = ConsentEvidence(wording_version="test-1", wording="Yes, write to me.", language="en", source="test")

# key, easting, northing, ward: two wards side by side, the boundary at easting 556000
POSTCODES = (
    ("ZZ11AA", 555_500, 344_500, NORTH),
    ("ZZ11AB", 555_600, 344_600, NORTH),
    ("ZZ11AD", 555_990, 344_500, NORTH),
    ("ZZ21AA", 556_500, 344_500, SOUTH),
    ("ZZ21AB", 556_900, 344_900, SOUTH),
)


@dataclass(frozen=True, slots=True)
class World:
    """A council with topics `road-closures`, `bins` (tracked) and `emergencies`, two wards, and an admin's key."""

    council_id: UUID
    key: str

    @property
    def headers(self) -> dict[str, str]:
        """What a request of the council's administrator carries."""
        return {"Authorization": f"Bearer {self.key}"}

    @property
    def planner(self) -> Principal:
        """Somebody who may broadcast and gave their second factor just now, for calls of services."""
        return Principal("officer:test", "Kim", self.council_id, Role.PLANNER, mfa_at=clock.now())


def make_world(*, topics: Sequence[NewTopic] = ()) -> World:
    """The council, its places and topics, committed."""
    standard = [
        NewTopic(slug="road-closures", name="Road closures"),
        NewTopic(slug="bins", name="Bin collections", tracking_allowed=True),
        NewTopic(slug="emergencies", name="Emergencies", purpose=TopicPurpose.EMERGENCY),
    ]
    with transaction() as session:
        council = staff.create_council(session, slug="zed", name="Zed Council", district_codes=[DISTRICT])
        for topic in [*standard, *topics]:
            subscribers.create_topic(session, council_id=council.id, actor="test", new=topic)
        key = staff.create_key(session, council_id=council.id, name="test", role=Role.ADMIN, mode=KeyMode.LIVE)
        load_places(session)
    return World(council.id, key)


def make_other_council(
    slug: str = "far", *, districts: Sequence[str] = (DISTRICT,), topics: Sequence[str] = ("potholes", "gritting")
) -> World:
    """Another council of the same installation, in the same district unless said otherwise, with these topics."""
    with transaction() as session:
        name = f"{slug.capitalize()} Council"
        council = staff.create_council(session, slug=slug, name=name, district_codes=list(districts))
        for topic in topics:
            new = NewTopic(slug=topic, name=topic.capitalize())
            subscribers.create_topic(session, council_id=council.id, actor="test", new=new)
        key = staff.create_key(session, council_id=council.id, name=slug, role=Role.ADMIN, mode=KeyMode.LIVE)
    return World(council.id, key)


def make_key(world: World, role: Role, *, mode: KeyMode = KeyMode.LIVE) -> dict[str, str]:
    """The headers of a new key of this role, which belongs to a new officer."""
    with transaction() as session:
        officer = staff.create_officer(
            session, council_id=world.council_id, email=f"{uuid4().hex}@example.org", name="Sam", role=role
        )
        key = staff.create_key(
            session, council_id=world.council_id, name=role, role=role, mode=mode, officer_id=officer.id
        )
    return {"Authorization": f"Bearer {key}"}


def at_the_desk(key: dict[str, str]) -> dict[str, str]:
    """The headers of a browser in which the officer of this key has just signed in with a second factor."""
    prefix = key["Authorization"].split("_")[2]
    with transaction() as session:
        officer = session.exec(select(Officer).join(ApiKey).where(ApiKey.prefix == prefix)).one()
    return desk_of(officer, mfa_at=clock.now())


def desk_of(officer: Officer, *, mfa_at: datetime | None) -> dict[str, str]:
    """The headers of a browser in which this officer is signed in, who last gave a second factor at this moment."""
    with transaction() as session:
        return session_of(session, officer, mfa_at=mfa_at)


@cache
def password_hash(password: str) -> str:
    """What is stored of an officer's password, made cheaply."""
    return CHEAP_HASHER.hash(password)


def signed_in(council_id: UUID, role: Role = Role.PLANNER) -> dict[str, str]:
    """The headers of a browser in which a new officer of this council has just signed in with a second factor."""
    with transaction() as session:
        officer = staff.create_officer(
            session, council_id=council_id, email=f"{uuid4().hex}@example.org", name="Kim", role=role
        )
        return session_of(session, officer, mfa_at=clock.now())


def session_of(session: Session, officer: Officer, *, mfa_at: datetime | None) -> dict[str, str]:
    """The same as `desk_of` in a transaction that is open."""
    cookie = sessions.open_session(session, officer, mfa_at=mfa_at)
    return {"Cookie": f"{settings().cookie_name('officer')}={cookie}", "Sec-Fetch-Site": "same-origin"}


def administrator(world: World) -> dict[str, str]:
    """The headers of a browser in which an administrator has just signed in with a second factor."""
    return at_the_desk(make_key(world, Role.ADMIN))


def somebody_here(council_id: UUID) -> Principal:
    """An administrator of this council as services know them, with a fresh second factor."""
    return Principal("test", "Sam", council_id, Role.ADMIN, mfa_at=clock.now())


def council_key(world: World, role: Role) -> dict[str, str]:
    """The headers of a new key of this role, which is the council's own."""
    with transaction() as session:
        key = staff.create_key(session, council_id=world.council_id, name=role, role=role, mode=KeyMode.LIVE)
    return {"Authorization": f"Bearer {key}"}


def load_places(session: Session) -> None:
    """Two wards and five postcodes, straight into an active release."""
    session.execute(
        text("""
            INSERT INTO geo_release (id, kind, product, version, attribution, row_count, loaded_at, activated_at)
            VALUES (1, 'postcode', 'Invented', '1', 'Invented.', 5, business_now(), business_now()),
                   (2, 'ward', 'Invented', '1', 'Invented.', 2, business_now(), business_now())
        """)
    )
    session.execute(text("SELECT setval(pg_get_serial_sequence('geo_release', 'id'), 2)"))
    session.execute(text("CREATE TABLE IF NOT EXISTS postcode_r1 PARTITION OF postcode FOR VALUES IN (1)"))
    session.execute(
        text("""
            INSERT INTO postcode (release_id, key, easting, northing, quality, ward_code, district_code,
                                  edge_m, alt_ward_code, near_ward_codes)
            VALUES (1, :key, :e, :n, 10, :ward, :district, :edge, :alt, CAST(:near AS text[]))
        """),
        [
            {
                "key": key,
                "e": easting,
                "n": northing,
                "ward": ward,
                "district": DISTRICT,
                "edge": abs(easting - 556_000),
                "alt": SOUTH if key == "ZZ11AD" else None,
                "near": [SOUTH] if key == "ZZ11AD" else None,
            }
            for key, easting, northing, ward in POSTCODES
        ],
    )
    session.execute(
        text("""
            INSERT INTO area (release_id, code, kind, name, district_code, population)
            VALUES (2, :north, 'ward', 'Northside', :district, 1000), (2, :south, 'ward', 'Southside', :district, 2000)
        """),
        {"north": NORTH, "south": SOUTH, "district": DISTRICT},
    )


def add_resident(
    world: World,
    email: str | None = None,
    *,
    phone: str | None = None,
    webhook: str | None = None,
    postcodes: Sequence[str] = ("ZZ1 1AA",),
    topics: Sequence[str] = ("road-closures",),
    name: str = "",
    language: str = "en",
    tracking_consent: bool = False,
    confirm: bool = False,
    said_at: datetime | None = None,
) -> UUID:
    """A resident with confirmed contacts (or asked to `confirm`); their id. `said_at`: the day of their consent."""
    given = ((Channel.EMAIL, email), (Channel.SMS, phone), (Channel.WEBHOOK, webhook))
    request = SubscriberRequest(
        name=name,
        language=language,
        contacts=[NewContact(channel=channel, address=address) for channel, address in given if address],
        places=[NewPlace(postcode=postcode) for postcode in postcodes],
        topics=list(topics),
        tracking_consent=tracking_consent,
        consent=EVIDENCE.model_copy(update={"given_at": said_at}),
        confirm=confirm,
    )
    with transaction() as session:
        outcome = subscribers.add_subscriber(session, council_id=world.council_id, actor="test", request=request)
    assert outcome.subscriber_id
    return outcome.subscriber_id


def add_residents(
    world: World,
    emails: Sequence[str],
    *,
    phones: Sequence[str] = (),
    postcodes: Sequence[str] = ("ZZ1 1AA",),
    topics: Sequence[str] = ("road-closures",),
    name: str = "",
) -> None:
    """Residents with confirmed contacts in one statement a table: many of them cost hardly more than one."""
    entries = []
    with transaction() as session:
        subscribers.record_wording(session, EVIDENCE)
        followed = [queries.topic(session, world.council_id, slug) for slug in topics]
        for row, email in enumerate(emails):
            contacts = [NewContact(channel=Channel.EMAIL, address=email)]
            contacts += [NewContact(channel=Channel.SMS, address=phones[row])] if phones else []
            places = [NewPlace(postcode=postcode) for postcode in postcodes]
            person = NewSubscriber(name=name, contacts=contacts, places=places, topics=list(topics))
            entries.append(Entry(row, person, followed))
        enrol(session, world.council_id, entries, EVIDENCE, proof=ConfirmedBy.COUNCIL, asked_by="test")


def add_outlines() -> None:
    """The wards of the tests' world as squares."""
    with transaction() as session:
        for code, west in ((NORTH, 555_000), (SOUTH, 556_000)):
            shape = shapely.to_wkb(shapely.box(west, 344_000, west + 1000, 345_000))
            session.execute(text("UPDATE area SET geom = :shape WHERE code = :code"), {"shape": shape, "code": code})
