"""What is asked for an address that a council already has: it waits until that address confirms."""

from collections.abc import Sequence, Set
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import cast
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.sql.expression import bindparam
from sqlmodel import Session, col, select

from notify.core import clock
from notify.core.db import new_id
from notify.places.postcodes import canonical
from notify.places.postcodes import normalise as normalise_postcode
from notify.providers.base import Channel
from notify.subscribers import message_limits, service_messages
from notify.subscribers.access_models import ConsentRequest
from notify.subscribers.imports.insert_statements import REQUEST_LIFE, Enrolment
from notify.subscribers.models import (
    ConsentEvidence,
    Contact,
    NewPlace,
    NewSubscriber,
    Place,
    ServiceMessageKind,
    Topic,
)

OWN_ANSWERS = {"name", "language", "places", "tracking_consent", "mail_format", "cadence"}
COUNCILS_ANSWERS = {"places", "cadence"}  # the rest of what it holds about someone stays as it is
HAS = text("""
    SELECT s.tracking_consent,
           ARRAY(SELECT u.topic_id FROM subscription u WHERE u.subscriber_id = s.id AND u.ended_at IS NULL
                 AND CAST(:channel AS text) = ANY(u.channels)
                 AND (u.only_at IS NULL OR u.only_at @> CAST(:places AS text[]))) AS topics,
           ARRAY(SELECT p.postcode FROM place p WHERE p.subscriber_id = s.id) AS postcodes
    FROM subscriber s WHERE s.id = :subscriber
""")
STORE = text("""
    INSERT INTO consent_request AS q (id, council_id, contact_id, is_own, topics, answers, wording_version, language,
                                      source, asked_by, sign_up, left_at, asked_at, expires_at)
    SELECT :id, c.council_id, c.id, :own, CAST(:topics AS uuid[]), :answers, :wording_version, :language, :source,
           :asked_by, CAST(:sign_up AS uuid), CAST(:left_at AS timestamptz), :now, :expires
    FROM contact c WHERE c.id = :contact
    ON CONFLICT (contact_id, is_own) DO UPDATE SET
        topics = CASE WHEN q.is_own OR q.expires_at <= excluded.asked_at THEN excluded.topics
                      ELSE ARRAY(SELECT DISTINCT unnest(q.topics || excluded.topics)) END,
        answers = excluded.answers,
        wording_version = excluded.wording_version, language = excluded.language, source = excluded.source,
        asked_by = excluded.asked_by, sign_up = excluded.sign_up, left_at = greatest(q.left_at, excluded.left_at),
        asked_at = excluded.asked_at, expires_at = excluded.expires_at
    WHERE q.is_own OR coalesce(excluded.left_at > q.left_at, excluded.left_at IS NOT NULL, false)
       OR excluded.left_at IS NULL AND NOT (
           q.expires_at > excluded.asked_at AND excluded.topics <@ q.topics AND excluded.answers = q.answers)
    RETURNING id
""").bindparams(bindparam("answers", type_=JSONB))
JOIN = text("""
    UPDATE consent_request SET topics = ARRAY(SELECT DISTINCT unnest(topics || CAST(:topics AS uuid[]))),
                               answers = :answers
    WHERE contact_id = :contact AND NOT is_own AND expires_at > :now
""").bindparams(bindparam("answers", type_=JSONB))


class Reason(StrEnum):
    """Why someone is asked: they signed up again, a council brought a consent older than their no, or it wants their
    yes in any case.
    """

    OWN = "own"
    LEFT = "left"
    COUNCIL = "council"


@dataclass(frozen=True, slots=True)
class Request:
    """Topics and answers for one contact, and whose wish it is. `left_at`: when the person had stopped them."""

    contact_id: UUID
    topics: Sequence[UUID]
    answers: dict[str, object]
    evidence: ConsentEvidence
    asked_by: str | None
    sign_up: UUID | None = None
    left_at: datetime | None = None

    @classmethod
    def of(
        cls, contact_id: UUID, topics: Sequence[UUID], person: NewSubscriber, by: Enrolment, left_at: datetime | None
    ) -> "Request":
        """What a council asks for, or the person with that sign-up."""
        answers = person.model_dump(mode="json", include=COUNCILS_ANSWERS if by.asked_by else OWN_ANSWERS)
        return cls(contact_id, topics, answers, by.evidence, by.asked_by, by.sign_up, left_at)


def own(
    session: Session, contact: Contact, person: NewSubscriber, topics: Sequence[Topic], by: Enrolment
) -> Request | None:
    """What someone who signs up again asks for at this address; None where they get all of it already."""
    places = [normalise_postcode(place.postcode) for place in person.places]
    whose = {"subscriber": contact.subscriber_id, "channel": contact.channel, "places": places}
    has = session.execute(HAS, whose).one()
    new = [topic.id for topic in topics if contact.channel in topic.channels and topic.id not in has.topics]
    is_moving = any(postcode not in has.postcodes for postcode in places)
    if not new and not is_moving and not (person.tracking_consent and not has.tracking_consent):
        return None
    return Request.of(contact.id, new, person, by, None)


def store(session: Session, requests: Sequence[Request]) -> Sequence[tuple[UUID, UUID]]:
    """Keep these, each within an older one of the same kind; contact and request of those to be asked about.

    A request keeps its id, so that the links that were sent lead to the newest answers. Who left is asked once, however
    often a list comes again, and nobody about the same thing while they may still answer; topics of another list join
    what is asked. Their own wish is theirs to repeat.
    """
    now = clock.now()
    asked = []
    for one in sorted(requests, key=lambda request: request.contact_id):
        values = {
            "id": new_id(),
            "contact": one.contact_id,
            "own": one.asked_by is None,
            "topics": list(one.topics),
            "answers": one.answers,
            **one.evidence.model_dump(include={"wording_version", "language", "source"}),
            "asked_by": one.asked_by,
            "sign_up": one.sign_up,
            "left_at": one.left_at,
            "now": now,
            "expires": now + REQUEST_LIFE,
        }
        stored = session.execute(STORE, values).first()
        asked += [(one.contact_id, stored.id)] if stored else []
        if stored is None:
            session.execute(JOIN, values)
    return asked


def ask(session: Session, council_id: UUID, requests: Sequence[Request]) -> Set[UUID]:
    """Write to these contacts for a council, three times a day at most; the contacts whose yes is waited for."""
    if not requests:
        return frozenset()
    stored = dict(store(session, requests))
    contacts = session.exec(select(Contact).where(col(Contact.id).in_(stored))).all()
    reached = {contact.id: (Channel(contact.channel), contact.address) for contact in contacts}
    allowed = message_limits.allowed(session, reached, ServiceMessageKind.CONFIRM, council_id=council_id)
    service_messages.send(
        session, [(contact_id, stored[contact_id]) for contact_id in allowed], ServiceMessageKind.CONFIRM
    )
    waiting = select(ConsentRequest.contact_id).where(
        col(ConsentRequest.contact_id).in_([one.contact_id for one in requests]),
        col(ConsentRequest.is_own).is_(False),
        ConsentRequest.expires_at > clock.now(),
    )
    return set(session.exec(waiting))


def ask_once(
    session: Session, waiting: Sequence[tuple[Contact, Request]], *, written: Set[bytes], council_id: UUID | None
) -> None:
    """Keep what a sign-up asks for at contacts of several councils, and write once to each address that is not
    `written` to already.

    A message counts like a sign-in link, so that who is known is not written to more often than anyone else. Where
    none may be sent today nothing is kept: what was sent before still asks what it said.
    """
    first = {one.address_hash: one for one, _request in reversed(waiting) if one.address_hash not in written}
    reached = {one.id: (Channel(one.channel), one.address) for one in first.values()}
    allowed = set(
        message_limits.allowed(
            session, reached, ServiceMessageKind.SIGN_IN, council_id=council_id, asked_by_stranger=True
        )
    )
    kept = written | {address_hash for address_hash, one in first.items() if one.id in allowed}
    stored = dict(store(session, [request for contact, request in waiting if contact.address_hash in kept]))
    wanted = [(one.id, stored[one.id]) for one in first.values() if one.id in stored]
    service_messages.send(session, wanted, ServiceMessageKind.CONFIRM)


def open_request(session: Session, request_id: UUID, *, for_update: bool = False) -> ConsentRequest | None:
    """The request, while it may be answered."""
    statement = select(ConsentRequest).where(ConsentRequest.id == request_id, ConsentRequest.expires_at > clock.now())
    return session.exec(statement.with_for_update() if for_update else statement).first()


def reason_of(request: ConsentRequest) -> Reason:
    """Why someone is asked."""
    if request.is_own:
        return Reason.OWN
    return Reason.LEFT if request.left_at else Reason.COUNCIL


def topic_names(session: Session, requests: Sequence[ConsentRequest]) -> Sequence[str]:
    """What these ask for, by the topics' names."""
    return names_of(session, [topic_id for request in requests for topic_id in request.topics])


def new_places(session: Session, requests: Sequence[ConsentRequest]) -> Sequence[str]:
    """The postcodes, as printed, that people ask for themselves here and do not have yet."""
    own = [request for request in requests if request.is_own]
    places = [NewPlace.model_validate(place) for one in own for place in cast("list[object]", one.answers["places"])]
    asked = {normalise_postcode(place.postcode) for place in places}
    held = select(Place.postcode).join(Contact, col(Contact.subscriber_id) == col(Place.subscriber_id))
    has = set(session.exec(held.where(col(Contact.id).in_([one.contact_id for one in own]))))
    return [canonical(postcode) for postcode in sorted(asked - has)]


def names_of(session: Session, ids: Sequence[UUID]) -> Sequence[str]:
    """The names of these topics in the language that is spoken, in their order."""
    found = session.exec(select(Topic).where(col(Topic.id).in_(ids))).all()
    return sorted(topic.words.name for topic in found)


def of_sign_up(
    session: Session, sign_up: UUID | None, address_hash: bytes, *, for_update: bool = False
) -> Sequence[ConsentRequest]:
    """What one sign-up with several councils asks for at this address, while it may be answered."""
    if sign_up is None:
        return []
    statement = (
        select(ConsentRequest)
        .join(Contact, col(Contact.id) == col(ConsentRequest.contact_id))
        .where(
            ConsentRequest.sign_up == sign_up,
            ConsentRequest.expires_at > clock.now(),
            Contact.address_hash == address_hash,
        )
        .order_by(col(ConsentRequest.id))
    )
    return session.exec(statement.with_for_update(of=ConsentRequest) if for_update else statement).all()
