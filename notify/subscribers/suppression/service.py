"""Addresses that must not be written to: why, since when, who said so, and what lifts it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, func, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, select

from notify.core import clock
from notify.core.errors import NotFound
from notify.providers import addresses
from notify.providers.base import Channel, Inbound
from notify.staff.service import audit
from notify.subscribers import queries
from notify.subscribers.inbound_texts.stop_words import Wish, wish_of
from notify.subscribers.models import Contact, Suppression, SuppressionReason
from notify.subscribers.suppression.scope import BY_EVERYBODY, IS_SILENCED, IS_SUPPRESSED, SILENCED_BY_EVERYBODY


class NoSuchContact(NotFound):
    """The resident cannot be reached in this way, so there is nothing to suppress."""

    title = "The resident has no such contact"


class UnknownSuppression(NotFound):
    """No suppression in force has this id."""

    title = "There is no such suppression"


def suppress(
    session: Session,
    *,
    council_id: UUID | None,
    channel: Channel,
    address_hash: bytes,
    reason: SuppressionReason,
    source: str,
    again_for: UUID | None = None,
) -> bool:
    """Let this council, or (None) no council, write to this address until the suppression is lifted; whether that is
    new. Safe to repeat.

    `again_for`: a council that may have lifted a shared one for itself, and whose message came back once more.
    """
    row = Suppression(council_id=council_id, address_hash=address_hash, channel=channel, reason=reason, source=source)
    made = insert(Suppression).values(**row.model_dump())
    lifted_for = col(Suppression.lifted_for)
    once_more = made.on_conflict_do_update(
        index_elements=["address_hash", "reason", "council_id"],
        index_where=col(Suppression.lifted_at).is_(None),
        set_={"lifted_for": func.array_remove(lifted_for, again_for)},
        where=lifted_for.contains([again_for]),
    )
    statement = once_more if again_for else made.on_conflict_do_nothing()
    return session.execute(statement.returning(col(Suppression.id))).first() is not None


@dataclass(frozen=True, slots=True)
class Suppressed:
    """A suppression as one council sees it, with its contact that it concerns.

    One that is shared began, for this council, no earlier than the contact itself.
    """

    suppression: Suppression
    contact_id: UUID
    subscriber_id: UUID
    at: datetime
    address: str


def suppressions(
    session: Session,
    council_id: UUID,
    *,
    subscriber_id: UUID | None = None,
    after: UUID | None = None,
    also_lifted: bool = False,
    exactly: UUID | None = None,
    only: Sequence[ColumnElement[bool]] = (),
    limit: int = 100,
) -> Sequence[Suppressed]:
    """Those of this council, and the shared ones of its contacts that it has not lifted for itself, the newest first,
    older than `after`. `only` are further conditions for suppressions and contacts."""
    shared = col(Suppression.council_id).is_(None) & ~col(Suppression.lifted_for).contains([council_id])
    statement = (
        select(
            Suppression,
            Contact,
            func.greatest(col(Suppression.at), col(Contact.created_at)),
        )
        .join(Contact, col(Contact.address_hash) == col(Suppression.address_hash))
        .where(Contact.council_id == council_id, (col(Suppression.council_id) == council_id) | shared, *only)
        .order_by(col(Suppression.id).desc())
        .limit(limit)
    )
    if subscriber_id:
        statement = statement.where(Contact.subscriber_id == subscriber_id)
    if after:
        statement = statement.where(col(Suppression.id) < after)
    if exactly:
        statement = statement.where(Suppression.id == exactly)
    if not also_lifted:
        statement = statement.where(col(Suppression.lifted_at).is_(None))
    return [
        Suppressed(row, contact.id, contact.subscriber_id, at if row.council_id is None else row.at, contact.address)
        for row, contact, at in session.exec(statement).all()
    ]


def suppress_contact(
    session: Session, *, council_id: UUID, subscriber_id: UUID, channel: Channel, reason: str, actor: str
) -> Suppressed:
    """Staff decide that their council writes to a resident in this way no more. Safe to repeat.

    Raises: UnknownSubscriber, NoSuchContact.
    """
    queries.council_record(session, council_id, subscriber_id)
    contact = session.exec(
        select(Contact).where(Contact.subscriber_id == subscriber_id, Contact.channel == channel)
    ).first()
    if contact is None:
        raise NoSuchContact(f"This resident has no {channel} contact that follows your council.")
    suppress(
        session,
        council_id=council_id,
        channel=channel,
        address_hash=contact.address_hash,
        reason=SuppressionReason.STAFF,
        source=f"{actor}: {reason}",
    )
    audit(session, council_id=council_id, actor=actor, action="suppression.add", subject=str(contact.id), reason=reason)
    in_force = select(Suppression).where(
        Suppression.address_hash == contact.address_hash,
        Suppression.council_id == council_id,
        Suppression.reason == SuppressionReason.STAFF,
        col(Suppression.lifted_at).is_(None),
    )
    found = session.exec(in_force).one()
    return Suppressed(found, contact.id, subscriber_id, found.at, contact.address)


def lift(session: Session, *, council_id: UUID, suppression_id: UUID, reason: str, actor: str) -> Suppressed:
    """Let the council write to a resident again, and say why. Other suppressions of the address stay, and so does a
    shared one for other councils. Safe to repeat.

    Raises: UnknownSuppression.
    """
    found = suppressions(session, council_id, also_lifted=True, exactly=suppression_id)
    found = found or _lifted_before(session, council_id, suppression_id)
    if not found:
        raise UnknownSuppression("Your council has no suppression with this id.")
    one = found[0]
    row = one.suppression
    if row.lifted_at is not None:
        return one
    if row.council_id is None:
        one = _lift_for(session, council_id, one, reason)
    else:
        row.lifted_at, row.lifted_reason = clock.now(), reason
        session.add(row)
    audit(
        session,
        council_id=council_id,
        actor=actor,
        action="suppression.lift",
        subject=str(one.contact_id),
        reason=reason,
        was=row.reason.value,
    )
    session.flush()
    return one


def _lifted_before(session: Session, council_id: UUID, suppression_id: UUID) -> Sequence[Suppressed]:
    """The council's own line about a shared suppression that it has lifted for itself."""
    shared = session.get(Suppression, suppression_id)
    if shared is None or council_id not in shared.lifted_for:
        return []
    own = select(Suppression.id).where(
        Suppression.council_id == council_id,
        Suppression.address_hash == shared.address_hash,
        Suppression.reason == shared.reason,
    )
    newest = session.exec(own.order_by(col(Suppression.id).desc()).limit(1)).first()
    return suppressions(session, council_id, also_lifted=True, exactly=newest) if newest else []


def _lift_for(session: Session, council_id: UUID, shared: Suppressed, reason: str) -> Suppressed:
    """Lift a shared suppression for one council, which keeps a line of its own that says so."""
    row = shared.suppression
    row.lifted_for = [*row.lifted_for, council_id]
    session.add(row)
    own = Suppression(
        **row.model_dump(include={"address_hash", "channel", "reason", "source"}),
        council_id=council_id,
        at=shared.at,
        lifted_at=clock.now(),
        lifted_reason=reason,
    )
    session.add(own)
    session.flush()
    return replace(shared, suppression=own)


def obey(session: Session, said: Inbound, *, source: str) -> bool:
    """Do what a resident wrote, where it says STOP or START and nothing else; whether that changed anything.

    START lifts what STOP put in force and nothing else: an address that bounced stays unwritten to.
    """
    wish = wish_of(said.text)
    if wish not in (Wish.STOP, Wish.START):
        return False
    try:
        address = addresses.normalise(said.channel, said.address)
    except addresses.AddressNotValid:
        return False  # a short code, or a number that nobody here has
    hashed = addresses.fingerprint(said.channel, address)
    if wish is Wish.STOP:
        if said.at is not None and _was_taken_back(session, hashed, said.at):
            return False  # said again by the provider, after a later START
        holders = _holders(session, hashed)
        stopped = [_stop(session, said.channel, hashed, council_id, source) for council_id in holders]
        return any(stopped)
    in_force: list[ColumnElement[bool]] = [
        col(Suppression.address_hash) == hashed,
        col(Suppression.reason) == SuppressionReason.STOP,
        col(Suppression.lifted_at).is_(None),
    ]
    if said.at is not None:  # said again by the provider, it must not undo a later STOP
        in_force.append(col(Suppression.at) < said.at)
    values = {"lifted_at": clock.now(), "lifted_reason": f"The resident wrote {said.text.strip()[:20].upper()}."}
    lifted = update(Suppression).where(*in_force).values(**values).returning(col(Suppression.id))
    return session.execute(lifted).first() is not None


def _holders(session: Session, hashed: bytes) -> Sequence[UUID | None]:
    """The councils that have this address: they share the number that was answered. None where no council has it."""
    found = session.exec(select(Contact.council_id).where(Contact.address_hash == hashed)).all()
    return sorted(found) or [None]


def _stop(session: Session, channel: Channel, hashed: bytes, council_id: UUID | None, source: str) -> bool:
    reason = SuppressionReason.STOP
    return suppress(session, council_id=council_id, channel=channel, address_hash=hashed, reason=reason, source=source)


def _was_taken_back(session: Session, hashed: bytes, at: datetime) -> bool:
    """Whether a STOP of this address was lifted after this moment."""
    lifted = select(Suppression.id).where(
        Suppression.address_hash == hashed,
        Suppression.reason == SuppressionReason.STOP,
        col(Suppression.lifted_at) > at,
    )
    return session.exec(lifted.limit(1)).first() is not None


def is_suppressed(session: Session, contact: Contact) -> bool:
    """Whether this contact's council may not write to it."""
    asked = text(f"SELECT {IS_SUPPRESSED} FROM contact c WHERE c.id = :id")  # noqa: S608 - our own words
    return bool(session.execute(asked, {"id": contact.id}).scalar_one())


def is_silenced(session: Session, contact: Contact) -> bool:
    """Whether this contact's council may not answer it either. A bounce does not silence: who asks for a message has
    a mailbox."""
    asked = text(f"SELECT {IS_SILENCED} FROM contact c WHERE c.id = :id")  # noqa: S608 - our own words
    return bool(session.execute(asked, {"id": contact.id}).scalar_one())


def is_suppressed_by_everybody(session: Session, address_hash: bytes) -> bool:
    """Whether no council may write to the address with this keyed hash."""
    asked = text(f"SELECT {BY_EVERYBODY}")
    return bool(session.execute(asked, {"address_hash": address_hash}).scalar_one())


def is_silenced_by_everybody(session: Session, address_hash: bytes) -> bool:
    """Whether no council may answer this address, bounces aside."""
    asked = text(f"SELECT {SILENCED_BY_EVERYBODY}")
    return bool(session.execute(asked, {"address_hash": address_hash}).scalar_one())
