"""Consent has an order: the person's newest word wins, whatever file, form or key comes later with an older one.

`judge` is the only place that decides it, and enrolment, the only place that starts a subscription, asks it about each.
A merger of councils compares lines of the ledger by `SAID_AT`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import func, text
from sqlmodel import Session, select

from notify.core.clock import LONDON
from notify.core.errors import Conflict
from notify.providers.base import Channel
from notify.subscribers.consent.ledger import IMPORT_UNDONE
from notify.subscribers.models import Consent, ConsentAction

# leaves out whether someone may be counted, which is no alert, and what a council took back of its own list, which
# nobody said
WITHDRAWN = f"""
    SELECT subscriber_id, topic_id, channel, max(at) AS at FROM consent
    WHERE subscriber_id = ANY(:ids) AND action = 'withdrawn' AND channel IS DISTINCT FROM 'tracking'
          AND source <> '{IMPORT_UNDONE}'
    GROUP BY subscriber_id, topic_id, channel
"""  # noqa: S608 - our own words
IN_FORCE = """
    SELECT subscriber_id, topic_id, channels FROM subscription WHERE subscriber_id = ANY(:ids) AND ended_at IS NULL
"""
PLACES = "SELECT subscriber_id, postcode FROM place WHERE subscriber_id = ANY(:ids)"
ERASED = """
    SELECT address_hash, erased_at FROM erased_address WHERE address_hash = ANY(:hashes) AND council_id = :council
"""
# When a line `l` of the ledger was said, for comparing it with others. A yes that a council brought without a date is
# older than any no, until the person confirms that address themselves.
SAID_AT = """CASE WHEN l.is_dated THEN l.at ELSE coalesce(
    (SELECT min(k.at) FROM consent k WHERE k.subscriber_id = l.subscriber_id AND k.action = 'confirmed'
     AND k.channel = l.channel AND k.at >= l.at), '-infinity') END"""


class AddressErased(Conflict):
    """The person had the council erase them, and nobody knows of a later consent."""

    title = "This address was erased"


class Verdict(StrEnum):
    """What becomes of one topic by one channel: it is sent already, may be sent, or waits for the person's yes."""

    IN_FORCE = "in-force"
    GIVEN = "given"
    ASK = "ask"


@dataclass(frozen=True, slots=True)
class Word:
    """The consent that someone brings. `at` is when the person gave it; None, where nobody knows, is older than any
    withdrawal. `must_ask`: the council wants the person's own yes in any case.
    """

    at: datetime | None
    must_ask: bool = False


@dataclass(slots=True)
class Ledger:
    """What these people of one council said and have, and which of these addresses were erased."""

    withdrawn: dict[tuple[UUID, UUID | None, str | None], datetime] = field(default_factory=dict)
    in_force: set[tuple[UUID, UUID, str]] = field(default_factory=set)
    following: set[UUID] = field(default_factory=set)
    places: set[tuple[UUID, str]] = field(default_factory=set)
    erased: dict[bytes, datetime] = field(default_factory=dict)

    @classmethod
    def read(
        cls, session: Session, council_id: UUID, subscriber_ids: Iterable[UUID], hashes: Sequence[bytes]
    ) -> "Ledger":
        """Read it after these people were locked, so that someone who is leaving at this moment has left."""
        session.flush()
        ids = list(subscriber_ids)
        found = cls()
        for row in session.execute(text(WITHDRAWN), {"ids": ids}) if ids else ():
            found.withdrawn[row.subscriber_id, row.topic_id, row.channel] = row.at
        for row in session.execute(text(IN_FORCE), {"ids": ids}) if ids else ():
            found.in_force |= {(row.subscriber_id, row.topic_id, channel) for channel in row.channels}
            found.following.add(row.subscriber_id)
        for row in session.execute(text(PLACES), {"ids": ids}) if ids else ():
            found.places.add((row.subscriber_id, row.postcode))
        for row in session.execute(text(ERASED), {"hashes": list(hashes), "council": council_id}):
            found.erased[bytes(row.address_hash)] = row.erased_at
        return found

    def withdrawn_at(self, subscriber_id: UUID, topic_id: UUID, channel: str) -> datetime | None:
        """When this person last said no to the topic by this channel, or to everything; None where they never did."""
        keys = [(subscriber_id, topic, way) for topic in (topic_id, None) for way in (channel, None)]
        return max((self.withdrawn[key] for key in keys if key in self.withdrawn), default=None)


def judge(
    ledger: Ledger, word: Word, *, subscriber_id: UUID, topic_id: UUID, channel: Channel, is_confirmed: bool
) -> Verdict:
    """Whether the topic may be sent to this person by this channel now. `is_confirmed`: the address there is."""
    if (subscriber_id, topic_id, channel.value) in ledger.in_force:
        return Verdict.IN_FORCE
    left_at = ledger.withdrawn_at(subscriber_id, topic_id, channel.value)
    if left_at is not None and (word.at is None or word.at <= left_at):
        return Verdict.ASK
    return Verdict.ASK if word.must_ask and is_confirmed else Verdict.GIVEN


def is_older_than_no_to_counting(session: Session, subscriber_id: UUID, said_at: datetime | None) -> bool:
    """Whether the person said no to being counted, and this yes is no newer, as far as anyone knows."""
    statement = select(func.max(Consent.at)).where(
        Consent.subscriber_id == subscriber_id,
        Consent.action == ConsentAction.WITHDRAWN,
        Consent.channel == "tracking",
    )
    said_no_at = session.exec(statement).one()
    return said_no_at is not None and (said_at is None or said_at <= said_no_at)


def refuse_erased(ledger: Ledger, word: Word, hashes: Sequence[bytes]) -> None:
    """Let nobody back who was erased after they gave this consent. Raises: AddressErased."""
    for one in hashes:
        erased_at = ledger.erased.get(one)
        if erased_at is not None and (word.at is None or word.at <= erased_at):
            day = erased_at.astimezone(LONDON)
            raise AddressErased(
                f"This person was erased on {day.day} {day:%B %Y}. Take them out of your list, or send `given_at` with "
                "the moment of a later consent."
            )
