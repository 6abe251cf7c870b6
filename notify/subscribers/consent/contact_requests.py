"""A contact that a council adds waits for a confirmed contact to agree, and the others are told."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session, col, select

from notify.channels import SPOKEN, Channel
from notify.core import clock
from notify.core.tokens import digest
from notify.languages import _
from notify.staff.queries import council
from notify.staff.service import audit
from notify.subscribers import links, message_limits, service_messages
from notify.subscribers.access_models import ContactRequest, LinkToken
from notify.subscribers.imports.enrolment import enrol
from notify.subscribers.imports.entries import Entry
from notify.subscribers.models import (
    ConfirmedBy,
    ConsentEvidence,
    Contact,
    NewContact,
    NewSubscriber,
    ServiceMessageKind,
    Subscriber,
    Topic,
)

# a call has no link to follow
WHO_IS_ASKED = """
    SELECT q.id AS request_id, c.id AS contact_id, c.channel, c.address
    FROM contact_request q JOIN contact c ON c.subscriber_id = q.subscriber_id AND c.confirmed_at IS NOT NULL
    WHERE q.subscriber_id = ANY(:ids) AND q.expires_at > :now AND c.channel <> ALL(:spoken)
    ORDER BY q.id, c.id
"""


@dataclass(frozen=True, slots=True)
class Asked:
    """What someone is asked: whether this address of theirs may be used by this council."""

    council_id: UUID
    council_name: str
    channel: Channel
    address: str


def ask_to_add(session: Session, council_id: UUID, subscriber_ids: Sequence[UUID]) -> None:
    """Ask every confirmed contact of these residents about the addresses that wait; three times a day at most."""
    values = {"ids": list(subscriber_ids), "now": clock.now(), "spoken": list(SPOKEN)}
    rows = session.execute(text(WHO_IS_ASKED), values).all()
    reached = {row.contact_id: (Channel(row.channel), row.address) for row in rows}
    kind = ServiceMessageKind.ADD_CONTACT
    allowed = set(message_limits.allowed(session, reached, kind, council_id=council_id))
    service_messages.send(
        session, [(row.contact_id, row.request_id) for row in rows if row.contact_id in allowed], kind
    )


def asked_by(session: Session, token: str) -> Asked:
    """What a link asks, without using it up. Raises: LinkUsedOrExpired."""
    found = session.exec(
        select(ContactRequest)
        .join(LinkToken, col(LinkToken.about) == col(ContactRequest.id))
        .where(
            LinkToken.digest == digest(token),
            LinkToken.purpose == ServiceMessageKind.ADD_CONTACT,
            col(LinkToken.used_at).is_(None),
            LinkToken.expires_at > clock.now(),
            ContactRequest.expires_at > clock.now(),
        )
    ).first()
    if found is None:
        raise _over()
    return Asked(found.council_id, council(session, found.council_id).name, Channel(found.channel), found.address)


def answer(session: Session, token: str, *, is_yes: bool) -> None:
    """Add the address, or forget it. Opens no session. Raises: LinkUsedOrExpired."""
    contact, request_id = links.use_link_about(session, token, ServiceMessageKind.ADD_CONTACT)
    request = session.get(ContactRequest, request_id, with_for_update=True) if request_id else None
    if request is None or request.subscriber_id != contact.subscriber_id or request.expires_at <= clock.now():
        raise _over()
    session.delete(request)
    session.flush()
    action = "contact.refuse"
    if is_yes:
        action = "contact.add"
        if contact.confirmed_by == ConfirmedBy.COUNCIL:
            contact.confirmed_by = ConfirmedBy.LINK
        _add(session, request, asked=contact)
    audit(session, council_id=request.council_id, actor="resident", action=action, subject=str(request.subscriber_id))


def _over() -> links.LinkUsedOrExpired:
    return links.LinkUsedOrExpired(
        _("This question has already been answered, or has expired. You do not need to do anything.")
    )


def _add(session: Session, request: ContactRequest, *, asked: Contact) -> None:
    now = clock.now()
    taken = select(Contact.id).where(
        (col(Contact.address_hash) == request.address_hash) & (col(Contact.council_id) == request.council_id)
        | (col(Contact.subscriber_id) == request.subscriber_id) & (col(Contact.channel) == request.channel)
    )
    if session.exec(taken).first() is not None:
        raise _over()
    added = Contact(
        council_id=request.council_id,
        subscriber_id=request.subscriber_id,
        channel=request.channel,
        address=request.address,
        address_hash=request.address_hash,
        secret=request.secret,
        confirmed_at=now if request.is_proved else None,
        confirmed_by=ConfirmedBy.COUNCIL if request.is_proved else None,
    )
    session.add(added)
    session.get_one(Subscriber, request.subscriber_id).changed_at = now
    session.flush()
    _follow(session, request)
    others = select(Contact.id).where(
        Contact.subscriber_id == request.subscriber_id,
        col(Contact.confirmed_at).is_not(None),
        col(Contact.id).not_in([added.id, asked.id]),
        col(Contact.channel).not_in(SPOKEN),
    )
    told = session.exec(others).all()
    service_messages.write_notices(
        session, told, ServiceMessageKind.CONTACT_ADDED, council_id=request.council_id, about=added.id
    )
    if not request.is_proved:
        service_messages.ask_to_confirm(session, [request.subscriber_id], council_id=request.council_id)


def _follow(session: Session, request: ContactRequest) -> None:
    """Send by the new address what the council was asked to send there, with the evidence that it gave: the person has
    just said yes to it.
    """
    topics = session.exec(
        select(Topic).where(col(Topic.id).in_(request.topics), Topic.council_id == request.council_id)
    ).all()
    sent_there = [topic for topic in topics if topic.is_offered and request.channel in topic.channels]
    person = NewSubscriber(contacts=[NewContact(channel=Channel(request.channel), address=request.address)])
    evidence = ConsentEvidence(
        wording_version=request.wording_version,
        language=request.language,
        source=request.source,
        given_at=request.given_at,
    )
    enrol(session, request.council_id, [Entry(1, person, sent_there)], evidence, proof=None, asked_by=None)
