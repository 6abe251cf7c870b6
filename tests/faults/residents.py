"""Invented residents, and the model: who should get what, worked out in plain Python without asking the product."""

import random
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session

from benchmarks.installation import WARDS, add_places, add_residents, make_council
from notify.core import db
from notify.providers.base import Channel
from notify.subscribers import service as subscribers
from notify.subscribers.models import NewTopic, TopicPurpose

POSTCODES = 1_000
BINS, FLOODS, NOTES = "bins", "floods", "notes"
FLOOD_FOLLOWERS = 200
NOTE_FOLLOWERS = 5
# the routine alert goes to every ward but the last
AUDIENCE = {"wards": [f"Z05{number:06}" for number in range(WARDS - 1)]}


class Fate(StrEnum):
    """What is special about a resident."""

    NOTHING = "nothing"
    SUPPRESSED = "suppressed"
    FORGIVEN = "forgiven"  # was suppressed once, and is not any more
    UNSUBSCRIBED = "unsubscribed"  # from the bins
    UNCONFIRMED = "unconfirmed"
    TEXTS_ONLY = "texts only"  # about the bins
    MAILBOX_GONE = "mailbox gone"  # the relay refuses it for good


SHARES = dict.fromkeys(Fate, 8) | {Fate.NOTHING: 955, Fate.MAILBOX_GONE: 5}
NOT_WRITABLE = (Fate.SUPPRESSED, Fate.UNCONFIRMED)


@dataclass(frozen=True, slots=True)
class Resident:
    """The n-th invented resident."""

    number: int
    fate: Fate

    @property
    def first_address(self) -> str:
        """The address as `add_residents` writes it."""
        return f"resident{self.number}@example.org"

    @property
    def address(self) -> str:
        """Where their mail goes."""
        return f"gone{self.number}@example.org" if self.fate == Fate.MAILBOX_GONE else self.first_address

    @property
    def ward(self) -> int:
        """The ward that `add_residents` puts them into."""
        return (1 + self.number * 7919 % POSTCODES) % WARDS


@dataclass(frozen=True)
class Model:
    """All residents, and what follows from them."""

    residents: Sequence[Resident]

    def _following(self, topic: str) -> Sequence[Resident]:
        if topic == BINS:
            gone = (Fate.UNSUBSCRIBED, Fate.TEXTS_ONLY)
            return [one for one in self.residents if one.fate not in gone and one.ward < WARDS - 1]
        many = FLOOD_FOLLOWERS if topic == FLOODS else NOTE_FOLLOWERS
        return self.residents[:: max(1, len(self.residents) // many)]

    def subscribers(self, topic: str) -> Collection[int]:
        """The numbers of everybody who follows the topic, writable or not."""
        return [one.number for one in self._following(topic)]

    def ledger(self, topic: str) -> Collection[str]:
        """The addresses that an alert's ledger should hold, with those of mailboxes that are gone."""
        return {one.address for one in self._following(topic) if one.fate not in NOT_WRITABLE}

    @cached_property
    def gone(self) -> set[str]:
        """The addresses that are in a ledger until the relay has refused one mail to each, and in no later one."""
        return {one.address for one in self.residents if one.fate == Fate.MAILBOX_GONE}

    def expected(self, topic: str) -> Collection[str]:
        """The addresses whose mail the relay should take, once each."""
        return self._expected[topic]

    @cached_property
    def _expected(self) -> dict[str, Collection[str]]:
        return {
            topic: {address for address in self.ledger(topic) if not address.startswith("gone")}
            for topic in (BINS, FLOODS, NOTES)
        }


def invent(recipients: int, *, seed: int) -> Model:
    """Residents until exactly so many of them should get the routine alert."""
    chance = random.Random(seed)
    residents: list[Resident] = []
    while recipients:
        [fate] = chance.choices(list(SHARES), list(SHARES.values()))
        resident = Resident(len(residents) + 1, fate)
        residents.append(resident)
        recipients -= resident.ward < WARDS - 1 and fate in (Fate.NOTHING, Fate.FORGIVEN)
    return Model(residents)


def load(model: Model) -> str:
    """Put them into the database; an administrator's key."""
    council_id, key = make_council(NewTopic(slug=BINS, name="Bins", channels=[Channel.EMAIL]))
    with db.transaction() as session:
        add_places(session, POSTCODES)
        # they follow the bins, the only topic so far
        add_residents(session, len(model.residents), postcodes=POSTCODES, phones=False)
    with db.transaction() as session:
        _add_topic(session, council_id, model, NewTopic(slug=NOTES, name="Notes", channels=[Channel.EMAIL]))
        floods = NewTopic(slug=FLOODS, name="Floods", purpose=TopicPurpose.EMERGENCY, channels=[Channel.EMAIL])
        _add_topic(session, council_id, model, floods)
        for fate, statement in STATEMENTS.items():
            chosen = [one for one in model.residents if one.fate == fate]
            addresses = {"addresses": [one.first_address for one in chosen]}
            session.execute(text(statement), addresses)
    return key


def _add_topic(session: Session, council_id: UUID, model: Model, new: NewTopic) -> None:
    topic = subscribers.create_topic(session, council_id=council_id, actor="faults", new=new)
    session.execute(
        text("""
            INSERT INTO subscription (id, council_id, subscriber_id, topic_id, channels, started_at)
            SELECT uuidv7(), c.council_id, c.subscriber_id, :topic, '{email}', business_now() FROM contact c
            WHERE c.address = ANY(:addresses)
        """),
        {"topic": topic.id, "addresses": [f"resident{number}@example.org" for number in model.subscribers(new.slug)]},
    )


_SUPPRESS = """
    INSERT INTO suppression (id, address_hash, channel, reason, source, at, lifted_at)
    SELECT uuidv7(), address_hash, 'email', 'hard-bounce', 'faults', business_now(), {lifted}
    FROM contact WHERE address = ANY(:addresses)
"""
_BINS = "FROM contact c, topic t WHERE t.slug = 'bins' AND u.topic_id = t.id AND c.subscriber_id = u.subscriber_id"
STATEMENTS = {
    Fate.SUPPRESSED: _SUPPRESS.format(lifted="NULL"),
    Fate.FORGIVEN: _SUPPRESS.format(lifted="business_now()"),
    Fate.UNSUBSCRIBED: f"UPDATE subscription u SET ended_at = business_now() {_BINS} AND c.address = ANY(:addresses)",
    Fate.TEXTS_ONLY: f"UPDATE subscription u SET channels = '{{sms}}' {_BINS} AND c.address = ANY(:addresses)",
    Fate.UNCONFIRMED: "UPDATE contact SET confirmed_at = NULL WHERE address = ANY(:addresses)",
    Fate.MAILBOX_GONE: """
        UPDATE contact SET address = replace(address, 'resident', 'gone') WHERE address = ANY(:addresses)
    """,
}
