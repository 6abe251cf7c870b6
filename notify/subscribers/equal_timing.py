"""Work done so that the time of an answer does not reveal whether an address is known."""

import secrets
from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session

from notify.channels import CHANNELS, AddressKind
from notify.core import tokens
from notify.providers import addresses
from notify.subscribers.imports.enrolment import enrol
from notify.subscribers.imports.entries import Entry
from notify.subscribers.models import ConsentEvidence, NewSubscriber, Topic


def one_at_a_time(session: Session, person: NewSubscriber) -> None:
    """Wait for other sign-ups of these addresses, until this transaction ends.

    Of two at once the later one would otherwise collide, but only where nobody has the address yet.
    """
    fingerprints = [
        addresses.fingerprint(contact.channel, addresses.normalise(contact.channel, contact.address))
        for contact in person.contacts
    ]
    for number in sorted(int.from_bytes(found[:8], signed=True) for found in fingerprints):
        session.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": number})


def enrol_nobody(
    session: Session, council_id: UUID, person: NewSubscriber, topics: Sequence[Topic], evidence: ConsentEvidence
) -> None:
    """Add someone with other addresses to this council, and undo it."""
    contacts = [
        contact.model_copy(update={"address": _STAND_INS.get(CHANNELS[contact.channel].address, _mailbox)()})
        for contact in person.contacts
    ]
    undone = session.begin_nested()
    somebody = Entry(1, person.model_copy(update={"contacts": contacts}), topics)
    enrol(session, council_id, [somebody], evidence, proof=None, asked_by=None)
    undone.rollback()


def _mailbox() -> str:
    return f"{tokens.random_token()[:32].strip('-_')}@example.org"


def _number() -> str:
    """A mobile number. Nothing is ever sent to it, and it is stored for no moment that others could see."""
    return f"+44740{secrets.randbelow(10**7):07}"


_STAND_INS = {AddressKind.MAILBOX: _mailbox, AddressKind.MOBILE: _number}
