"""Finding one subscriber: by an exact address, by a reference, or by postcode and name together."""

import re
from collections.abc import Sequence
from uuid import UUID

from pydantic import model_validator
from sqlalchemy import text
from sqlmodel import Field, Session, col, select

from notify.core.db import Input
from notify.places.postcodes import normalise as normalise_postcode
from notify.providers import addresses
from notify.providers.base import Channel
from notify.staff.read_quota import note_reading
from notify.staff.rights import Principal
from notify.staff.service import audit
from notify.subscribers import test_people
from notify.subscribers.models import Contact, Place, Subscriber
from notify.subscribers.queries import SubscriberRecord, records_of
from notify.subscribers.records.access import LONGEST_REASON, SHORTEST_REASON, ReasonNeeded, note_look

MOST_FOUND = 20
# what stands in the headers of an e-mail and in a provider's log: the alert, and the number of the message in it
_MESSAGE = re.compile(r"([0-9a-f]{32})-([1-9][0-9]{0,8})", re.ASCII)
_ID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.ASCII)
_OF_MESSAGE = text("""
    SELECT d.subscriber_id FROM alert a
    JOIN delivery d ON d.month = a.ledger_month AND d.alert_id = a.id AND d.number = :number
    WHERE a.id = :alert AND a.council_id = :council
""")


class SubscriberSearch(Input):
    """Who is looked for, in one of three ways, and what for."""

    address: str | None = Field(default=None, max_length=500, description="An email address or phone number, whole.")
    reference: str | None = Field(
        default=None, max_length=80, description="The id of a subscriber, or the reference of a message to them."
    )
    postcode: str | None = Field(default=None, max_length=20, description="Together with `name`.")
    name: str | None = Field(default=None, min_length=2, max_length=80, description="A part of it is enough.")
    reason: str = Field(
        default="",
        max_length=LONGEST_REASON,
        description="Why. Needed from the roles contact-centre and monitoring. It stands in the audit trail.",
    )

    @model_validator(mode="after")
    def _in_one_way(self) -> "SubscriberSearch":
        ways = [self.address, self.reference, self.postcode or self.name]
        if sum(1 for way in ways if way) != 1 or bool(self.postcode) != bool(self.name):
            raise ValueError("Give `address`, or `reference`, or `postcode` and `name` together.")
        return self


def find(session: Session, user: Principal, search: SubscriberSearch) -> Sequence[SubscriberRecord]:
    """At most twenty of this council's subscribers that fit, the newest first; each is a look at a record.

    Raises: ReasonNeeded, PostcodeNotValid, TooManyResidentsRead.
    """
    reason = " ".join(search.reason.split())
    if user.must_say_why and len(reason) < SHORTEST_REASON:
        raise ReasonNeeded("Send `reason`: why you are looking for this person. Do not write names.")
    statement = select(Subscriber).where(Subscriber.council_id == user.council_id)
    if search.address:
        statement = statement.where(col(Subscriber.id).in_(_of_address(session, user.council_id, search.address)))
    elif search.reference:
        statement = statement.where(col(Subscriber.id).in_(_of_reference(session, user.council_id, search.reference)))
    else:
        at_postcode = select(Place.subscriber_id).where(Place.postcode == normalise_postcode(search.postcode or ""))
        named = col(Subscriber.name).icontains((search.name or "").strip(), autoescape=True)
        statement = statement.where(named, col(Subscriber.id).in_(at_postcode))
    invented = test_people.whom(user)
    if invented is not None:
        statement = statement.where(invented)
    found = records_of(session, session.exec(statement.order_by(col(Subscriber.id).desc()).limit(MOST_FOUND)).all())
    _note(session, user, search, found, reason)
    return found


def _note(
    session: Session, user: Principal, search: SubscriberSearch, found: Sequence[SubscriberRecord], reason: str
) -> None:
    """One line for the search, which names nobody, and one for each record that it shows."""
    way = "address" if search.address else "reference" if search.reference else "postcode and name"
    said = {"reason": reason} if reason else {}
    audit(
        session,
        council_id=user.council_id,
        actor=user.actor,
        action="subscriber.search",
        subject=way,
        found=len(found),
        **said,
    )
    for record in found:
        note_look(session, user, record.subscriber.id, reason)
    note_reading(session, user, len(found), "subscribers found")


def _of_address(session: Session, council_id: UUID, address: str) -> Sequence[UUID]:
    """Who has exactly this address, by whatever channel."""
    hashes = []
    for channel in Channel:
        try:
            hashes.append(addresses.fingerprint(channel, addresses.normalise(channel, address)))
        except addresses.AddressNotValid:
            continue
    statement = select(Contact.subscriber_id).where(
        Contact.council_id == council_id, col(Contact.address_hash).in_(hashes)
    )
    return session.exec(statement).all()


def is_reference(written: str) -> bool:
    """Whether these words can be an id or the reference of a message, and so no address."""
    return bool(_MESSAGE.match(_plain(written)) or _ID.fullmatch(_plain(written)))


def _plain(reference: str) -> str:
    """Without what stands around it in the header of an e-mail."""
    return reference.strip().strip("<>").partition("@")[0].lower()


def _of_reference(session: Session, council_id: UUID, reference: str) -> Sequence[UUID]:
    """The subscriber of this id, or who got the message of this reference."""
    written = _plain(reference)
    if message := _MESSAGE.fullmatch(written):
        values = {"alert": UUID(message[1]), "number": int(message[2]), "council": council_id}
        return list(session.execute(_OF_MESSAGE, values).scalars())
    return [UUID(written)] if _ID.fullmatch(written) else []
