"""Addresses that must not be written to: why, since when, who said so, and what lifts it."""

from sqlalchemy import update
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col

from notify import clock
from notify.errors import NotFound
from notify.providers.base import Channel, Inbound
from notify.subscribers import addresses
from notify.subscribers.models import Suppression, SuppressionReason

# what carriers and people use; Welsh residents write Welsh
STOP_WORDS = frozenset({"stop", "stopall", "unsubscribe", "cancel", "end", "quit", "stopio", "peidiwch", "9"})
START_WORDS = frozenset({"start", "unstop", "yes", "dechrau", "cychwyn"})


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


def obey(session: Session, said: Inbound, *, source: str) -> bool:
    """Do what a resident wrote: STOP or START, as the first word, whatever its case; whether that changed anything.

    START lifts what STOP put in force and nothing else: an address that bounced stays unwritten to.
    """
    word = (said.text.split() or [""])[0].strip(".!,\"'“”‘’").lower()
    if word not in STOP_WORDS | START_WORDS:
        return False
    try:
        address = addresses.normalise(said.channel, said.address)
    except addresses.AddressNotValid:
        return False  # a short code, or a number that nobody here has
    hashed = addresses.fingerprint(said.channel, address)
    if word in STOP_WORDS:
        return suppress(
            session, channel=said.channel, address_hash=hashed, reason=SuppressionReason.STOP, source=source
        )
    in_force = (
        col(Suppression.address_hash) == hashed,
        col(Suppression.reason) == SuppressionReason.STOP,
        col(Suppression.lifted_at).is_(None),
    )
    values = {"lifted_at": clock.now(), "lifted_reason": f"The resident wrote {word.upper()}."}
    lifted = update(Suppression).where(*in_force).values(**values).returning(col(Suppression.id))
    return session.execute(lifted).first() is not None
