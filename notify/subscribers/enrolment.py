"""Adding residents, one or fifty thousand, in a handful of set-based statements."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
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
from notify.subscribers.enrolment_rows import Columns, Enrolment, write
from notify.subscribers.models import (
    Cadence,
    ConfirmedBy,
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
    """What became of an entry, and why if it was refused. `secrets` are new webhooks' signing secrets.

    Addresses of the channels in `waiting` are added once the person says yes to it.
    """

    row: int
    status: EnrolStatus
    subscriber_id: UUID | None = None
    reason: str = ""
    needs_review: bool = False
    secrets: tuple[str, ...] = ()
    waiting: tuple[Channel, ...] = ()


@dataclass(frozen=True, slots=True)
class Known:
    """An address that this council has already."""

    subscriber_id: UUID
    contact_id: UUID


def enrol(
    session: Session,
    council_id: UUID,
    entries: Sequence[Entry],
    evidence: ConsentEvidence,
    *,
    proof: ConfirmedBy | None,
    asked_by: str | None,
    sign_up: UUID | None = None,
) -> Sequence[Enrolled]:
    """Add these residents to this council, or what is new about them, and say of each entry what became of it.

    Without `proof` that the addresses are theirs nobody is written to before they confirm. An address that the council
    has already keeps its resident: places and topics are added to them. A further address, where a council (`asked_by`)
    gives it, waits for a yes from one that is confirmed. What other councils hold is neither read nor locked.
    """
    by = Enrolment(council_id, evidence, clock.now(), proof, asked_by, sign_up)
    book = _Book.open(session, entries, by)
    outcomes = [book.enter(entry) for entry in entries]
    write(session, book.columns, by)
    return outcomes


@dataclass(slots=True)
class _Book:
    """What the council knows before the first entry, and what the entries add."""

    by: Enrolment
    known: dict[bytes, Known]
    people: dict[UUID, "_Person"]
    postcodes: Mapping[str, Resolved]
    columns: Columns = field(default_factory=Columns)

    @classmethod
    def open(cls, session: Session, entries: Sequence[Entry], by: Enrolment) -> "_Book":
        hashes, keys = [], []
        for entry in entries:
            hashes += [h for _way, _address, h in _addresses(entry.person, strict=False)]
            keys += _postcode_keys(entry.person)
        known, people = _known(session, by.council_id, hashes)
        return cls(by, known, people, resolve_postcodes(session, keys))

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
        waiting = self._waiting(subscriber_id, addressed)
        secrets = self._add_contacts(subscriber_id, addressed, waiting, following)
        for place, (key, found, ward, source) in zip(entry.person.places, places, strict=True):
            self._add_place(subscriber_id, place.label, key, found, ward, source)
        self._add_topics(subscriber_id, following, waiting, entry.person.cadence)
        return Enrolled(
            entry.row,
            EnrolStatus.UPDATED if owner else EnrolStatus.CREATED,
            subscriber_id,
            needs_review=any(_needs_review(found) for _key, found, _ward, _source in places),
            secrets=secrets,
            waiting=tuple(sorted(waiting)),
        )

    def _waiting(self, subscriber_id: UUID, addressed: Sequence[tuple[Channel, str, bytes]]) -> Set[Channel]:
        """The channels whose new address waits: a council adds it to a person who has confirmed another."""
        person = self.people[subscriber_id]
        if self.by.asked_by is None or not person.is_confirmed:
            return frozenset()
        return {channel for channel, _address, h in addressed if h not in self.known}

    def _owner(self, addressed: Sequence[tuple[Channel, str, bytes]]) -> UUID | None:
        owners = {self.known[h].subscriber_id for _way, _address, h in addressed if h in self.known}
        if len(owners) > 1:
            raise TwoPeople(_("One of these addresses belongs to one subscriber and another to somebody else."))
        owner = next(iter(owners), None)
        for channel, _address, h in addressed:
            if owner and h not in self.known and channel in self.people[owner].channels:
                raise AddressTaken(
                    _("This subscriber already has another {way} address. Change it instead.", way=channel.value)
                )
        return owner

    def _new_subscriber(self, person: NewSubscriber) -> UUID:
        subscriber_id = new_id()
        self.people[subscriber_id] = _Person()
        self.columns.subscriber.append(
            (subscriber_id, person.name.strip(), person.language, person.tracking_consent, person.mail_format)
        )
        return subscriber_id

    def _add_contacts(
        self,
        subscriber_id: UUID,
        addressed: Sequence[tuple[Channel, str, bytes]],
        waiting: Set[Channel],
        following: Sequence[tuple[Topic, Sequence[Channel]]],
    ) -> tuple[str, ...]:
        secrets = []
        person = self.people[subscriber_id]
        for channel, address, h in addressed:
            if h in self.known:
                self.columns.confirmed += [self.known[h].contact_id] if self.by.proof else []
                continue
            secret = tokens.webhook_secret() if channel == Channel.WEBHOOK else ""
            secrets += [secret] if secret else []
            contact_id = new_id()
            row = (contact_id, subscriber_id, channel, address, h, secret)
            if channel in waiting:
                topics = ",".join(str(topic.id) for topic, channels in following if channel in channels)
                self.columns.request[subscriber_id, channel] = (*row, topics)
                continue
            self.known[h] = Known(subscriber_id, contact_id)
            person.channels.add(channel)
            self.columns.contact.append((*row, self.by.moment if self.by.proof else None))
        person.is_confirmed |= self.by.proof is not None
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
        self,
        subscriber_id: UUID,
        following: Sequence[tuple[Topic, Sequence[Channel]]],
        waiting: Set[Channel],
        cadence: Cadence,
    ) -> None:
        at = self.by.evidence.given_at or self.by.moment
        for topic, channels in following:
            now = [channel for channel in channels if channel not in waiting]
            if not now:
                continue
            self.columns.subscription.setdefault((subscriber_id, topic.id), set()).update(now)
            its_own = Cadence.AT_ONCE if topic.purpose == TopicPurpose.EMERGENCY else cadence
            self.columns.cadence.setdefault((subscriber_id, topic.id), its_own)
            for channel in now:
                self.columns.consent.append((at, subscriber_id, topic.id, channel))


@dataclass(slots=True)
class _Person:
    """How a resident of this council can be reached, and whether any of it is confirmed."""

    channels: set[Channel] = field(default_factory=set)
    is_confirmed: bool = False


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


def _known(
    session: Session, council_id: UUID, hashes: Sequence[bytes]
) -> tuple[dict[bytes, Known], dict[UUID, _Person]]:
    """Who of this council has these addresses already, and how each of them can be reached.

    They are held until the transaction ends, always in the same order: two requests about one resident wait for
    each other instead of giving both their places the same position.
    """
    values = {"hashes": list(hashes), "council": council_id}
    session.execute(
        text("""
            SELECT id FROM subscriber
            WHERE id IN (SELECT subscriber_id FROM contact
                         WHERE address_hash = ANY(:hashes) AND council_id = :council) ORDER BY id FOR UPDATE
        """),
        values,
    )
    rows = session.execute(
        text("""
            SELECT c.address_hash, c.id, c.subscriber_id, c.channel, c.address_hash = ANY(:hashes) AS asked,
                   c.confirmed_at IS NOT NULL AS is_confirmed
            FROM contact c
            WHERE c.subscriber_id IN (SELECT subscriber_id FROM contact
                                      WHERE address_hash = ANY(:hashes) AND council_id = :council)
        """),
        values,
    )
    known: dict[bytes, Known] = {}
    people: dict[UUID, _Person] = {}
    for row in rows:
        person = people.setdefault(row.subscriber_id, _Person())
        person.channels.add(Channel(row.channel))
        person.is_confirmed |= row.is_confirmed
        if row.asked:
            known[bytes(row.address_hash)] = Known(row.subscriber_id, row.id)
    return known, people
