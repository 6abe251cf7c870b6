"""Adding residents, one or fifty thousand, in a handful of set-based statements."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlmodel import Session

from notify.channels import CHANNELS, Channel, Content
from notify.core import clock, tokens
from notify.core.db import new_id
from notify.core.errors import Invalid, NotifyError
from notify.languages import _
from notify.subscribers.consent import requests as consent_requests
from notify.subscribers.consent.order import AddressErased, Ledger, Verdict, Word, judge, refuse_erased
from notify.subscribers.consent.requests import Request
from notify.subscribers.imports.entries import AddressTaken, Entry, addresses_of, channels_per_topic, postcode_keys
from notify.subscribers.imports.entry_places import Gazetteer, Settled
from notify.subscribers.imports.insert_statements import Columns, Enrolment, write
from notify.subscribers.imports.known_subscribers import Known, Person, read_known
from notify.subscribers.models import Cadence, ConfirmedBy, ConsentEvidence, NewSubscriber, Topic, TopicPurpose


class EnrolStatus(StrEnum):
    """What became of one entry."""

    CREATED = "created"
    UPDATED = "updated"
    REFUSED = "refused"


class TwoPeople(Invalid):
    """One entry names addresses of two residents."""

    title = "These addresses belong to two people"


@dataclass(frozen=True, slots=True)
class Enrolled:
    """What became of an entry, and why if it was refused. `secrets` are new webhooks' signing secrets.

    Addresses of the channels in `waiting` are added once the person says yes to it. By the channels in `asked`,
    something is sent once they say yes there; `had_unsubscribed`: because they had left, and this is no newer word.
    `is_erased`: they had the council erase them, and this is no newer word either. `notes` say what of the places was
    not used or is not known. `added`: channels of topics that they followed by others, as `topic:channel`.
    """

    row: int
    status: EnrolStatus
    subscriber_id: UUID | None = None
    reason: str = ""
    needs_review: bool = False
    secrets: tuple[str, ...] = ()
    waiting: tuple[Channel, ...] = ()
    asked: tuple[Channel, ...] = ()
    had_unsubscribed: bool = False
    is_erased: bool = False
    notes: tuple[str, ...] = ()
    added: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Held:
    """The topics that wait for the person's own yes, by channel, and when they left what they are asked about."""

    topics: Mapping[Channel, Sequence[UUID]]
    left_at: datetime | None


def enrol(
    session: Session,
    council_id: UUID,
    entries: Sequence[Entry],
    evidence: ConsentEvidence,
    *,
    proof: ConfirmedBy | None,
    asked_by: str | None,
    sign_up: UUID | None = None,
    must_ask: bool = False,
    membership: UUID | None = None,
) -> Sequence[Enrolled]:
    """Add these residents to this council, or what is new about them, and say of each entry its result.

    Without `proof` that the addresses are theirs nobody is written to before they confirm. An address that the council
    has already keeps its resident: places and topics are added to them. A further address, where a council (`asked_by`)
    gives it, waits for a yes from one that is confirmed. What other councils hold is neither read nor locked.

    Where a council brings a consent that is no newer than the person's no, or wants their own yes (`must_ask`), what it
    asks for waits and the person is asked (`consent_order`). Without `asked_by` they speak for themselves, now.

    An address that someone signed up and nobody confirmed leaves that sign-up and becomes a membership of its own:
    what a council knows of a person is not for the stranger who typed their address beside their own. Not where
    the council changes that `membership` itself.
    """
    by = Enrolment(council_id, evidence, clock.now(), proof, asked_by, sign_up, must_ask, membership)
    book = _Book.open(session, entries, by)
    outcomes = [book.enter(entry) for entry in entries]
    write(session, book.columns, by)
    waits = consent_requests.ask(session, council_id, list(book.requests.values()))
    return [book.as_written(outcome, waits) for outcome in outcomes]


def foresee(
    session: Session,
    council_id: UUID,
    entries: Sequence[Entry],
    evidence: ConsentEvidence,
    *,
    proof: ConfirmedBy | None,
    asked_by: str,
    must_ask: bool,
) -> Sequence[Enrolled]:
    """What `enrol` would make of these entries. Nothing is written, and nobody is asked."""
    by = Enrolment(council_id, evidence, clock.now(), proof, asked_by, must_ask=must_ask)
    book = _Book.open(session, entries, by)
    return [book.enter(entry) for entry in entries]


@dataclass(slots=True)
class _Book:
    """What the council knows before the first entry, and what the entries add."""

    by: Enrolment
    known: dict[bytes, Known]
    people: dict[UUID, Person]
    gazetteer: Gazetteer
    ledger: Ledger
    columns: Columns = field(default_factory=Columns)
    requests: dict[UUID, Request] = field(default_factory=dict)
    asked: dict[tuple[UUID | None, Channel], UUID] = field(default_factory=dict)

    @classmethod
    def open(cls, session: Session, entries: Sequence[Entry], by: Enrolment) -> "_Book":
        hashes, keys = [], []
        for entry in entries:
            hashes += [h for _way, _address, h in addresses_of(entry.person, strict=False)]
            keys += postcode_keys(entry.person)
        known, people = read_known(session, by.council_id, hashes)
        ledger = Ledger.read(session, by.council_id, people, hashes)
        gazetteer = Gazetteer.open(session, by.council_id, [entry.person for entry in entries], keys)
        return cls(by, known, people, gazetteer, ledger)

    def enter(self, entry: Entry) -> Enrolled:
        """Note everything one entry adds, or nothing of it and why."""
        word = Word(self.by.said_at(entry.given_at), self.by.must_ask)
        try:
            addressed = addresses_of(entry.person, strict=True)
            places = [self.gazetteer.settle(place) for place in entry.person.places]
            following = channels_per_topic(entry)
            refuse_erased(self.ledger, word, [h for _way, _address, h in addressed])
            owner = self._owner(addressed)
        except NotifyError as error:
            is_erased = isinstance(error, AddressErased)
            return Enrolled(entry.row, EnrolStatus.REFUSED, reason=error.detail, is_erased=is_erased)
        subscriber_id = owner or self._new_subscriber(entry.person)
        self._set_apart(subscriber_id, addressed)
        self.columns.changed += [owner] if owner else []
        held = self._held(subscriber_id, addressed, following, word)
        if not held.topics and self.by.must_ask:
            held = self._places_held(subscriber_id, addressed, [place.key for place in places])
        if held.left_at:  # who left is asked whether they come back, and about nothing else
            addressed = [one for one in addressed if one[2] in self.known]
        waiting = self._waiting(subscriber_id, addressed)
        secrets = self._add_contacts(subscriber_id, addressed, waiting, following, entry)
        asked = self._ask(subscriber_id, entry, addressed, held)
        if not asked or self._is_still_sent(subscriber_id, following, held):
            for given, place in zip(entry.person.places, places, strict=True):
                self._add_place(subscriber_id, given.label, place)
        reachable = {channel for channel, _address, _hash in addressed} - waiting
        self._add_topics(subscriber_id, following, held, reachable, entry)
        return Enrolled(
            entry.row,
            EnrolStatus.UPDATED if owner else EnrolStatus.CREATED,
            subscriber_id,
            needs_review=any(place.needs_review for place in places),
            secrets=secrets,
            waiting=tuple(sorted(waiting)),
            asked=asked,
            had_unsubscribed=held.left_at is not None,
            notes=tuple(note for place in places for note in place.notes),
        )

    def as_written(self, outcome: Enrolled, waits: Set[UUID]) -> Enrolled:
        """The outcome with what was added, and with those channels only by which something waits for a yes: nobody is
        asked for ever.
        """
        asked = tuple(one for one in outcome.asked if self.asked[outcome.subscriber_id, one] in waits)
        added = self.columns.added.get(outcome.subscriber_id, ()) if outcome.subscriber_id else ()
        return replace(outcome, asked=asked, added=tuple(added))

    def _held(
        self,
        subscriber_id: UUID,
        addressed: Sequence[tuple[Channel, str, bytes]],
        following: Sequence[tuple[Topic, Sequence[Channel]]],
        word: Word,
    ) -> _Held:
        """Ask of each topic and channel whether the consent order lets it be sent."""
        confirmed = {channel for channel, _a, h in addressed if h in self.known and self.known[h].is_confirmed}
        held: dict[Channel, list[UUID]] = {}
        left_at: datetime | None = None
        for topic, channels in following:
            ways: dict[Channel, Verdict] = {}
            older: list[datetime] = []
            for channel in channels:
                about = {"subscriber_id": subscriber_id, "topic_id": topic.id}
                ways[channel] = judge(self.ledger, word, **about, channel=channel, is_confirmed=channel in confirmed)
                at = self.ledger.withdrawn_at(subscriber_id, topic.id, channel)
                if ways[channel] == Verdict.ASK and at is not None and (word.at is None or word.at <= at):
                    older.append(at)
            # a no by one channel is no yes by another
            waits = {Verdict.ASK, Verdict.GIVEN} if older else {Verdict.ASK}
            for channel in (one for one, verdict in ways.items() if verdict in waits):
                held.setdefault(channel, []).append(topic.id)
            left_at = max([*older, *([left_at] if left_at else [])], default=None)
        return _Held(held, left_at)

    def _is_still_sent(
        self, subscriber_id: UUID, following: Sequence[tuple[Topic, Sequence[Channel]]], held: _Held
    ) -> bool:
        """Whether a topic that does not wait needs the places now, while others do."""
        at_once = any(topic.id not in held.topics.get(way, ()) for topic, channels in following for way in channels)
        return not self.by.must_ask and (at_once or subscriber_id in self.ledger.following)

    def _places_held(
        self, subscriber_id: UUID, addressed: Sequence[tuple[Channel, str, bytes]], keys: Sequence[str]
    ) -> _Held:
        """Ask by one confirmed address about places alone, where any of them is new."""
        confirmed = [channel for channel, _a, h in addressed if h in self.known and self.known[h].is_confirmed]
        is_new = any((subscriber_id, key) not in self.ledger.places for key in keys)
        return _Held({confirmed[0]: ()} if confirmed and is_new else {}, None)

    def _ask(
        self, subscriber_id: UUID, entry: Entry, addressed: Sequence[tuple[Channel, str, bytes]], held: _Held
    ) -> tuple[Channel, ...]:
        """Note what to ask by each address that the council has; the channels."""
        asked = []
        for channel, _address, h in addressed:
            if channel in held.topics and h in self.known:
                contact_id = self.known[h].contact_id
                before = self.requests[contact_id].topics if contact_id in self.requests else ()
                topics = list(dict.fromkeys([*before, *held.topics[channel]]))
                self.requests[contact_id] = Request.of(contact_id, topics, entry.person, self.by, held.left_at)
                self.asked[subscriber_id, channel] = contact_id
                asked.append(channel)
        return tuple(sorted(asked))

    def _waiting(self, subscriber_id: UUID, addressed: Sequence[tuple[Channel, str, bytes]]) -> Set[Channel]:
        """The channels whose new address waits: a council adds it to a person who has confirmed another."""
        person = self.people[subscriber_id]
        if self.by.asked_by is None or not person.is_confirmed:
            return frozenset()
        return {channel for channel, _address, h in addressed if h not in self.known}

    def _owner(self, addressed: Sequence[tuple[Channel, str, bytes]]) -> UUID | None:
        known = [self.known[h] for _way, _address, h in addressed if h in self.known]
        owners = {one.subscriber_id for one in known if not self._is_claimed(one)}
        claimed = {one.subscriber_id for one in known} - owners
        if len(owners) > 1 or (owners and claimed):
            raise TwoPeople(_("These addresses belong to two different people."))
        owner = next(iter(owners), None)
        for channel, _address, h in addressed:
            if owner and h not in self.known and channel in self.people[owner].channels:
                raise AddressTaken(
                    _("This subscriber already has another {way} address. Change it instead.", way=channel.value)
                )
        return owner

    def _is_claimed(self, known: Known) -> bool:
        """Whether what a council brings must not join the sign-up that has the address."""
        return known.is_claimed and self.by.asked_by is not None and known.subscriber_id != self.by.membership

    def _set_apart(self, subscriber_id: UUID, addressed: Sequence[tuple[Channel, str, bytes]]) -> None:
        """Take claimed addresses out of the sign-ups that they came with."""
        for channel, _address, h in addressed:
            known = self.known.get(h)
            if known and self._is_claimed(known) and known.subscriber_id != subscriber_id:
                self.people[known.subscriber_id].channels.discard(channel)
                self.people[subscriber_id].channels.add(channel)
                self.known[h] = Known(subscriber_id, known.contact_id, is_confirmed=False)
                self.columns.moved.append((known.contact_id, subscriber_id, known.subscriber_id))

    def _new_subscriber(self, person: NewSubscriber) -> UUID:
        subscriber_id = new_id()
        self.people[subscriber_id] = Person()
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
        entry: Entry,
    ) -> tuple[str, ...]:
        secrets = []
        person = self.people[subscriber_id]
        for channel, address, h in addressed:
            if h in self.known:
                self.columns.confirmed += [self.known[h].contact_id] if self.by.proof else []
                continue
            secret = tokens.webhook_secret() if CHANNELS[channel].content is Content.DATA else ""
            secrets += [secret] if secret else []
            contact_id = new_id()
            row = (contact_id, subscriber_id, channel, address, h, tokens.seal_secrets(secret))
            if channel in waiting:
                topics = ",".join(str(topic.id) for topic, channels in following if channel in channels)
                given_at = entry.given_at or self.by.evidence.given_at or self.by.moment
                self.columns.request[subscriber_id, channel] = (*row, topics, given_at)
                continue
            self.known[h] = Known(subscriber_id, contact_id, is_confirmed=False)
            person.channels.add(channel)
            self.columns.contact.append((*row, self.by.moment if self.by.proof else None))
        person.is_confirmed |= self.by.proof is not None
        return tuple(secrets)

    def _add_place(self, subscriber_id: UUID, label: str, place: Settled) -> None:
        found = place.found
        self.columns.place.setdefault(
            (subscriber_id, place.key),
            (
                new_id(),
                subscriber_id,
                label,
                place.key,
                place.ward,
                place.district,
                ",".join(found.near_ward_codes) or None if found else None,
                place.source,
                found.release_id if found else None,
                place.needs_review,
            ),
        )

    def _add_topics(
        self,
        subscriber_id: UUID,
        following: Sequence[tuple[Topic, Sequence[Channel]]],
        held: _Held,
        reachable: Set[Channel],
        entry: Entry,
    ) -> None:
        at = entry.given_at or self.by.evidence.given_at or self.by.moment
        is_dated = self.by.said_at(entry.given_at) is not None
        for topic, channels in following:
            now = [one for one in channels if one in reachable and topic.id not in held.topics.get(one, ())]
            if not now:
                continue
            self.columns.subscription.setdefault((subscriber_id, topic.id), set()).update(now)
            its_own = Cadence.AT_ONCE if topic.purpose == TopicPurpose.EMERGENCY else entry.person.cadence
            self.columns.cadence.setdefault((subscriber_id, topic.id), its_own)
            for channel in now:
                self.columns.consent.append((at, is_dated, subscriber_id, topic.id, channel))
