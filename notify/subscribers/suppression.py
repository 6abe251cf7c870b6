"""Addresses that must not be written to: why, since when, who said so, and what lifts it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, update
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, select

from notify import clock
from notify.errors import NotFound
from notify.providers.base import Channel, Inbound
from notify.staff.service import audit
from notify.subscribers import addresses, queries
from notify.subscribers.models import Contact, Subscription, Suppression, SuppressionReason, Topic

# what carriers and people use; Welsh residents write Welsh
STOP_WORDS = frozenset(
    {"stop", "stopall", "unsubscribe", "cancel", "end", "quit", "optout", "revoke", "stopio", "peidiwch"}
)
ONLY_ALONE = frozenset({"cancel", "end", "quit", "yes"})  # first words of ordinary sentences, too
START_WORDS = frozenset({"start", "unstop", "yes", "dechrau", "cychwyn"})


class NoSuchContact(NotFound):
    """The resident cannot be reached in this way, so there is nothing to suppress."""

    title = "The resident has no such contact"


class UnknownSuppression(NotFound):
    """No suppression in force has this id."""

    title = "There is no such suppression"


def suppress(
    session: Session, *, channel: Channel, address_hash: bytes, reason: SuppressionReason, source: str
) -> bool:
    """Never write to this address again, until the suppression is lifted; whether that is new. Safe to repeat."""
    row = Suppression(address_hash=address_hash, channel=channel, reason=reason, source=source)
    statement = insert(Suppression).values(**row.model_dump()).on_conflict_do_nothing().returning(col(Suppression.id))
    return session.execute(statement).first() is not None


@dataclass(frozen=True, slots=True)
class Suppressed:
    """A suppression of one of a council's residents, with the contact that it concerns."""

    suppression: Suppression
    contact_id: UUID
    subscriber_id: UUID


def suppressions(
    session: Session,
    council_id: UUID,
    *,
    subscriber_id: UUID | None = None,
    after: UUID | None = None,
    also_lifted: bool = False,
    exactly: UUID | None = None,
    only: ColumnElement[bool] | None = None,
    limit: int = 100,
) -> Sequence[Suppressed]:
    """Those of the residents who follow a topic of this council, the newest first, older than `after`.

    `only` is a condition for their contacts.
    """
    follows = (
        select(Subscription.id)
        .join(Topic, col(Topic.id) == col(Subscription.topic_id))
        .where(
            Subscription.subscriber_id == Contact.subscriber_id,
            Topic.council_id == council_id,
            col(Subscription.ended_at).is_(None),
        )
    )
    statement = (
        select(Suppression, Contact.id, Contact.subscriber_id)
        .join(Contact, col(Contact.address_hash) == col(Suppression.address_hash))
        .where(follows.exists())
        .order_by(col(Suppression.id).desc())
        .limit(limit)
    )
    if only is not None:
        statement = statement.where(only)
    if subscriber_id:
        statement = statement.where(Contact.subscriber_id == subscriber_id)
    if after:
        statement = statement.where(col(Suppression.id) < after)
    if exactly:
        statement = statement.where(Suppression.id == exactly)
    if not also_lifted:
        statement = statement.where(col(Suppression.lifted_at).is_(None))
    return [Suppressed(*row) for row in session.exec(statement).all()]


def suppress_contact(
    session: Session, *, council_id: UUID, subscriber_id: UUID, channel: Channel, reason: str, actor: str
) -> Suppressed:
    """Staff decide that a resident is not written to in this way any more. Safe to repeat.

    Raises: UnknownSubscriber, NoSuchContact.
    """
    queries.council_record(session, council_id, subscriber_id)
    follows = select(Subscription.id).join(Topic, col(Topic.id) == col(Subscription.topic_id))
    follows = follows.where(
        Subscription.subscriber_id == subscriber_id,
        Topic.council_id == council_id,
        col(Subscription.ended_at).is_(None),
    )
    contact = session.exec(
        select(Contact).where(Contact.subscriber_id == subscriber_id, Contact.channel == channel, follows.exists())
    ).first()
    if contact is None:
        raise NoSuchContact(f"This resident has no {channel} contact that follows your council.")
    suppress(
        session,
        channel=channel,
        address_hash=contact.address_hash,
        reason=SuppressionReason.STAFF,
        source=f"{actor}: {reason}",
    )
    audit(session, council_id=council_id, actor=actor, action="suppression.add", subject=str(contact.id), reason=reason)
    in_force = select(Suppression).where(
        Suppression.address_hash == contact.address_hash,
        Suppression.reason == SuppressionReason.STAFF,
        col(Suppression.lifted_at).is_(None),
    )
    return Suppressed(session.exec(in_force).one(), contact.id, subscriber_id)


def lift(session: Session, *, council_id: UUID, suppression_id: UUID, reason: str, actor: str) -> Suppressed:
    """Let a resident be written to again, and say why. Other suppressions of the address stay. Safe to repeat.

    Raises: UnknownSuppression.
    """
    found = suppressions(session, council_id, also_lifted=True, exactly=suppression_id)
    if not found:
        raise UnknownSuppression("Your council has no suppression with this id.")
    row = found[0].suppression
    if row.lifted_at is None:
        row.lifted_at, row.lifted_reason = clock.now(), reason
        session.add(row)
        audit(
            session,
            council_id=council_id,
            actor=actor,
            action="suppression.lift",
            subject=str(found[0].contact_id),
            reason=reason,
            was=row.reason.value,
        )
        session.flush()
    return found[0]


def obey(session: Session, said: Inbound, *, source: str) -> bool:
    """Do what a resident wrote: STOP or START, as the first word, whatever stands around it; whether that changed
    anything. Words that ordinary sentences begin with count only when they stand alone.

    START lifts what STOP put in force and nothing else: an address that bounced stays unwritten to.
    """
    words = re.findall(r"\w+", said.text.lower())
    word = words[0] if words else ""
    if word not in STOP_WORDS | START_WORDS or (word in ONLY_ALONE and len(words) > 1):
        return False
    try:
        address = addresses.normalise(said.channel, said.address)
    except addresses.AddressNotValid:
        return False  # a short code, or a number that nobody here has
    hashed = addresses.fingerprint(said.channel, address)
    if word in STOP_WORDS:
        if said.at is not None and _was_taken_back(session, hashed, said.at):
            return False  # said again by the provider, after a later START
        return suppress(
            session, channel=said.channel, address_hash=hashed, reason=SuppressionReason.STOP, source=source
        )
    in_force: list[ColumnElement[bool]] = [
        col(Suppression.address_hash) == hashed,
        col(Suppression.reason) == SuppressionReason.STOP,
        col(Suppression.lifted_at).is_(None),
    ]
    if said.at is not None:  # said again by the provider, it must not undo a later STOP
        in_force.append(col(Suppression.at) < said.at)
    values = {"lifted_at": clock.now(), "lifted_reason": f"The resident wrote {word.upper()}."}
    lifted = update(Suppression).where(*in_force).values(**values).returning(col(Suppression.id))
    return session.execute(lifted).first() is not None


def _was_taken_back(session: Session, hashed: bytes, at: datetime) -> bool:
    """Whether a STOP of this address was lifted after this moment."""
    lifted = select(Suppression.id).where(
        Suppression.address_hash == hashed,
        Suppression.reason == SuppressionReason.STOP,
        col(Suppression.lifted_at) > at,
    )
    return session.exec(lifted.limit(1)).first() is not None
