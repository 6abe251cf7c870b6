"""Adding residents, one or fifty thousand, in a handful of set-based statements."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session

from notify import clock, tokens
from notify.db import new_id
from notify.errors import Invalid, NotifyError
from notify.languages import _
from notify.places.postcodes import normalise as normalise_postcode
from notify.places.queries import Resolved, resolve_postcodes
from notify.providers.base import Channel
from notify.subscribers import addresses
from notify.subscribers.models import (
    Cadence,
    ConsentAction,
    ConsentEvidence,
    NewSubscriber,
    Topic,
    TopicPurpose,
    WardSource,
)


class EnrolStatus(StrEnum):
    """What became of one entry."""

    CREATED = "created"
    UPDATED = "updated"
    REFUSED = "refused"


class TwoPeople(Invalid):
    """One entry names addresses of two residents."""

    title = "These addresses belong to two people"


class AddressTaken(Invalid):
    """The resident already has another address of this kind."""

    title = "There is another address already"


class TopicNotOnChannel(Invalid):
    """The topic is not sent the way this resident can be reached."""

    title = "The topic is not sent this way"


@dataclass(frozen=True, slots=True)
class Entry:
    """One resident to add, with the topics already looked up. `row` names the entry in a report."""

    row: int
    person: NewSubscriber
    topics: Sequence[Topic]


@dataclass(frozen=True, slots=True)
class Enrolled:
    """What became of an entry, and why if it was refused. `secrets` are new webhooks' signing secrets."""

    row: int
    status: EnrolStatus
    subscriber_id: UUID | None = None
    reason: str = ""
    needs_review: bool = False
    secrets: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Known:
    """An address that is here already."""

    subscriber_id: UUID
    contact_id: UUID


@dataclass(slots=True)
class _Columns:
    """Rows to write, table by table."""

    subscriber: list[tuple[object, ...]] = field(default_factory=list)
    contact: list[tuple[object, ...]] = field(default_factory=list)
    place: dict[tuple[UUID, str], tuple[object, ...]] = field(default_factory=dict)
    subscription: dict[tuple[UUID, UUID], set[str]] = field(default_factory=dict)
    cadence: dict[tuple[UUID, UUID], Cadence] = field(default_factory=dict)
    consent: list[tuple[object, ...]] = field(default_factory=list)
    confirmed: list[UUID] = field(default_factory=list)
    changed: list[UUID] = field(default_factory=list)


def enrol(
    session: Session, entries: Sequence[Entry], evidence: ConsentEvidence, *, confirmed: bool
) -> Sequence[Enrolled]:
    """Add these residents or what is new about them, and say of each entry what became of it.

    `confirmed` says that the council holds proof that the addresses are theirs; otherwise nobody is written to
    before they confirm. An address that is here already keeps its resident: places and topics are added to them.
    """
    book = _Book.open(session, entries, evidence, confirmed=confirmed)
    outcomes = [book.enter(entry) for entry in entries]
    _write(session, book.columns, evidence, book.moment)
    return outcomes


@dataclass(slots=True)
class _Book:
    """What is known before the first entry, and what the entries add."""

    evidence: ConsentEvidence
    confirmed: bool
    moment: datetime
    known: dict[bytes, Known]
    channels_of: dict[UUID, set[Channel]]
    postcodes: Mapping[str, Resolved]
    columns: _Columns = field(default_factory=_Columns)

    @classmethod
    def open(cls, session: Session, entries: Sequence[Entry], evidence: ConsentEvidence, *, confirmed: bool) -> "_Book":
        hashes, keys = [], []
        for entry in entries:
            hashes += [h for _way, _address, h in _addresses(entry.person, strict=False)]
            keys += _postcode_keys(entry.person)
        known, channels_of = _known(session, hashes)
        return cls(evidence, confirmed, clock.now(), known, channels_of, resolve_postcodes(session, keys))

    def enter(self, entry: Entry) -> Enrolled:
        """Note everything one entry adds, or nothing of it and why."""
        try:
            addressed = _addresses(entry.person, strict=True)
            places = [self._resolve(place.postcode, place.ward) for place in entry.person.places]
            following = _channels_per_topic(entry)
            owner = self._owner(addressed)
        except NotifyError as error:
            return Enrolled(entry.row, EnrolStatus.REFUSED, reason=error.detail)
        subscriber_id = owner or self._new_subscriber(entry.person)
        self.columns.changed += [owner] if owner else []
        secrets = self._add_contacts(subscriber_id, addressed)
        for place, (key, found, ward, source) in zip(entry.person.places, places, strict=True):
            self._add_place(subscriber_id, place.label, key, found, ward, source)
        self._add_topics(subscriber_id, following, entry.person.cadence)
        return Enrolled(
            entry.row,
            EnrolStatus.UPDATED if owner else EnrolStatus.CREATED,
            subscriber_id,
            needs_review=any(_needs_review(found) for _key, found, _ward, _source in places),
            secrets=secrets,
        )

    def _owner(self, addressed: Sequence[tuple[Channel, str, bytes]]) -> UUID | None:
        owners = {self.known[h].subscriber_id for _way, _address, h in addressed if h in self.known}
        if len(owners) > 1:
            raise TwoPeople(_("One of these addresses belongs to one subscriber and another to somebody else."))
        owner = next(iter(owners), None)
        for channel, _address, h in addressed:
            if owner and h not in self.known and channel in self.channels_of[owner]:
                raise AddressTaken(
                    _("This subscriber already has another {way} address. Change it instead.", way=channel.value)
                )
        return owner

    def _new_subscriber(self, person: NewSubscriber) -> UUID:
        subscriber_id = new_id()
        self.channels_of[subscriber_id] = set()
        self.columns.subscriber.append(
            (subscriber_id, person.name.strip(), person.language, person.tracking_consent, person.mail_format)
        )
        return subscriber_id

    def _add_contacts(self, subscriber_id: UUID, addressed: Sequence[tuple[Channel, str, bytes]]) -> tuple[str, ...]:
        secrets = []
        for channel, address, h in addressed:
            if h in self.known:
                if self.confirmed:
                    self.columns.confirmed.append(self.known[h].contact_id)
                continue
            secret = tokens.webhook_secret() if channel == Channel.WEBHOOK else ""
            secrets += [secret] if secret else []
            contact_id = new_id()
            self.known[h] = Known(subscriber_id, contact_id)
            self.channels_of[subscriber_id].add(channel)
            confirmed_at = self.moment if self.confirmed else None
            self.columns.contact.append((contact_id, subscriber_id, channel, address, h, secret, confirmed_at))
        return tuple(secrets)

    def _resolve(self, postcode: str, ward: str | None) -> tuple[str, Resolved | None, str | None, WardSource]:
        key = normalise_postcode(postcode)
        found = self.postcodes.get(key)
        if found and ward and ward in (found.ward_code, found.alt_ward_code):
            return key, found, ward, WardSource.RESIDENT
        return key, found, found.ward_code if found else None, WardSource.PUBLISHED

    def _add_place(
        self, subscriber_id: UUID, label: str, key: str, found: Resolved | None, ward: str | None, source: WardSource
    ) -> None:
        self.columns.place.setdefault(
            (subscriber_id, key),
            (
                new_id(),
                subscriber_id,
                label,
                key,
                ward,
                found.district_code if found else None,
                found.alt_ward_code if found else None,
                source,
                found.release_id if found else None,
                _needs_review(found),
            ),
        )

    def _add_topics(
        self, subscriber_id: UUID, following: Sequence[tuple[Topic, Sequence[Channel]]], cadence: Cadence
    ) -> None:
        at = self.evidence.given_at or self.moment
        for topic, channels in following:
            self.columns.subscription.setdefault((subscriber_id, topic.id), set()).update(channels)
            its_own = Cadence.AT_ONCE if topic.purpose == TopicPurpose.EMERGENCY else cadence
            self.columns.cadence.setdefault((subscriber_id, topic.id), its_own)
            for channel in channels:
                self.columns.consent.append((at, subscriber_id, topic.id, channel))


def _needs_review(found: Resolved | None) -> bool:
    """Whether the postcode is unknown, ended or without a ward, so that each release should try again."""
    return found is None or found.ended_on is not None or found.ward_code is None


def _addresses(person: NewSubscriber, *, strict: bool) -> list[tuple[Channel, str, bytes]]:
    """Each contact normalised with its fingerprint. Not strict: what is not valid is left out."""
    found = []
    for contact in person.contacts:
        try:
            address = addresses.normalise(contact.channel, contact.address)
        except addresses.AddressNotValid:
            if strict:
                raise
            continue
        found.append((contact.channel, address, addresses.fingerprint(contact.channel, address)))
    if strict and len({channel for channel, _address, _hash in found}) < len(found):
        raise AddressTaken(_("Give one address of each kind."))
    return found


def _postcode_keys(person: NewSubscriber) -> list[str]:
    keys = []
    for place in person.places:
        try:
            keys.append(normalise_postcode(place.postcode))
        except Invalid:
            continue
    return keys


def _channels_per_topic(entry: Entry) -> list[tuple[Topic, Sequence[Channel]]]:
    reachable = [contact.channel for contact in entry.person.contacts]
    following: list[tuple[Topic, Sequence[Channel]]] = []
    for topic in entry.topics:
        channels = [channel for channel in reachable if channel in topic.channels]
        if not channels:
            raise TopicNotOnChannel(
                _("{topic} is sent by {ways} only.", topic=topic.name, ways=", ".join(topic.channels))
            )
        following.append((topic, channels))
    return following


def _known(session: Session, hashes: Sequence[bytes]) -> tuple[dict[bytes, Known], dict[UUID, set[Channel]]]:
    """Who has these addresses already, and which channels each of them has.

    They are held until the transaction ends, always in the same order: two requests about one resident wait for
    each other instead of giving both their places the same position.
    """
    session.execute(
        text("""
            SELECT id FROM subscriber
            WHERE id IN (SELECT subscriber_id FROM contact WHERE address_hash = ANY(:hashes)) ORDER BY id FOR UPDATE
        """),
        {"hashes": list(hashes)},
    )
    rows = session.execute(
        text("""
            SELECT c.address_hash, c.id, c.subscriber_id, c.channel, c.address_hash = ANY(:hashes) AS asked
            FROM contact c
            WHERE c.subscriber_id IN (SELECT subscriber_id FROM contact WHERE address_hash = ANY(:hashes))
        """),
        {"hashes": list(hashes)},
    )
    known: dict[bytes, Known] = {}
    channels_of: dict[UUID, set[Channel]] = {}
    for row in rows:
        channels_of.setdefault(row.subscriber_id, set()).add(Channel(row.channel))
        if row.asked:
            known[bytes(row.address_hash)] = Known(row.subscriber_id, row.id)
    return known, channels_of


def _write(session: Session, columns: _Columns, evidence: ConsentEvidence, moment: datetime) -> None:
    """Everything noted, in one statement a table."""
    _insert(session, INSERT_SUBSCRIBERS, columns.subscriber, moment=moment)
    _insert(session, INSERT_CONTACTS, columns.contact, moment=moment)
    _insert(session, INSERT_PLACES, list(columns.place.values()), moment=moment)
    following = [
        (new_id(), subscriber_id, topic_id, ",".join(sorted(channels)), columns.cadence[subscriber_id, topic_id])
        for (subscriber_id, topic_id), channels in columns.subscription.items()
    ]
    _insert(session, INSERT_SUBSCRIPTIONS, following, moment=moment)
    _insert(
        session,
        INSERT_CONSENTS,
        columns.consent,
        action=ConsentAction.GIVEN,
        wording_version=evidence.wording_version,
        language=evidence.language,
        source=evidence.source,
    )
    if columns.confirmed:
        session.execute(
            text("UPDATE contact SET confirmed_at = :moment WHERE id = ANY(:ids) AND confirmed_at IS NULL"),
            {"moment": moment, "ids": columns.confirmed},
        )
    if columns.changed:
        session.execute(
            text("UPDATE subscriber SET changed_at = :moment WHERE id = ANY(:ids)"),
            {"moment": moment, "ids": columns.changed},
        )


def _insert(session: Session, sql: str, rows: Sequence[tuple[object, ...]], **values: object) -> None:
    if rows:
        arrays = {f"c{n}": list(column) for n, column in enumerate(zip(*rows, strict=True))}
        session.execute(text(sql), arrays | values)


INSERT_SUBSCRIBERS = """
    INSERT INTO subscriber (id, name, language, tracking_consent, mail_format, created_at, changed_at)
    SELECT r.id, r.name, r.language, r.tracking, r.mail_format, :moment, :moment
    FROM unnest(CAST(:c0 AS uuid[]), CAST(:c1 AS text[]), CAST(:c2 AS text[]), CAST(:c3 AS boolean[]),
                CAST(:c4 AS text[]))
        AS r (id, name, language, tracking, mail_format)
"""
INSERT_CONTACTS = """
    INSERT INTO contact (id, subscriber_id, channel, address, address_hash, secret, created_at, confirmed_at)
    SELECT r.id, r.subscriber_id, r.channel, r.address, r.address_hash, r.secret, :moment, r.confirmed_at
    FROM unnest(CAST(:c0 AS uuid[]), CAST(:c1 AS uuid[]), CAST(:c2 AS text[]), CAST(:c3 AS text[]),
                CAST(:c4 AS bytea[]), CAST(:c5 AS text[]), CAST(:c6 AS timestamptz[]))
        AS r (id, subscriber_id, channel, address, address_hash, secret, confirmed_at)
"""
INSERT_PLACES = """
    INSERT INTO place (id, subscriber_id, label, postcode, ward_code, district_code, alt_ward_code,
                       ward_source, release_id, needs_review, resolved_at, position)
    SELECT c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, :moment,
           (SELECT coalesce(max(position) + 1, 0) FROM place WHERE subscriber_id = r.c1)
               + row_number() OVER (PARTITION BY r.c1 ORDER BY r.given) - 1
    FROM unnest(CAST(:c0 AS uuid[]), CAST(:c1 AS uuid[]), CAST(:c2 AS text[]), CAST(:c3 AS text[]),
                CAST(:c4 AS text[]), CAST(:c5 AS text[]), CAST(:c6 AS text[]), CAST(:c7 AS text[]),
                CAST(:c8 AS integer[]), CAST(:c9 AS boolean[]))
        WITH ORDINALITY AS r (c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, given)
    ON CONFLICT (subscriber_id, postcode) DO NOTHING
"""
INSERT_SUBSCRIPTIONS = """
    INSERT INTO subscription AS u (id, subscriber_id, topic_id, channels, cadence, started_at)
    SELECT r.id, r.subscriber_id, r.topic_id, string_to_array(r.channels, ','), r.cadence, :moment
    FROM unnest(CAST(:c0 AS uuid[]), CAST(:c1 AS uuid[]), CAST(:c2 AS uuid[]), CAST(:c3 AS text[]),
                CAST(:c4 AS text[]))
        AS r (id, subscriber_id, topic_id, channels, cadence)
    ON CONFLICT (topic_id, subscriber_id) WHERE ended_at IS NULL
    DO UPDATE SET channels = ARRAY(SELECT DISTINCT unnest(u.channels || excluded.channels) ORDER BY 1)
"""
INSERT_CONSENTS = """
    INSERT INTO consent (at, subscriber_id, topic_id, channel, action, wording_version, language, source)
    SELECT r.at, r.subscriber_id, r.topic_id, r.channel, :action, :wording_version, :language, :source
    FROM unnest(CAST(:c0 AS timestamptz[]), CAST(:c1 AS uuid[]), CAST(:c2 AS uuid[]), CAST(:c3 AS text[]))
        AS r (at, subscriber_id, topic_id, channel)
"""
