"""What one yes answers: the address itself, and all that the same sign-up asks for at it. The page that asks for the
yes shows it, and the yes applies it, so that both are one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlmodel import Session, col, select

from notify.core.tokens import digest
from notify.languages import _
from notify.places.postcodes import canonical, normalise
from notify.subscribers import links, queries
from notify.subscribers.access_models import ConsentRequest, LinkToken
from notify.subscribers.consent import requests as consent_requests
from notify.subscribers.consent.answers import person_of
from notify.subscribers.models import Contact, MailFormat, Place, ServiceMessageKind, Subscriber, Subscription


@dataclass(frozen=True, slots=True)
class Together:
    """The contacts that one yes confirms and the requests that it accepts, by their ids."""

    contacts: Mapping[UUID, Contact]
    requests: Mapping[UUID, ConsentRequest]


def answered_by(session: Session, asked: Contact, about: UUID | None, *, for_update: bool = False) -> Together | None:
    """What a yes at this contact answers; None where what it was `about` is not open any more."""
    request = consent_requests.open_request(session, about, for_update=for_update) if about else None
    if about and request is None:
        return None
    sign_up = request.sign_up if request else asked.sign_up
    found = consent_requests.of_sign_up(session, sign_up, asked.address_hash, for_update=for_update)
    requests = {one.id: one for one in found} | ({request.id: request} if request else {})
    contacts = {asked.id: asked}
    contacts |= {one.id: one for one in queries.signed_up_with(session, asked, sign_up)}
    contacts |= {one.contact_id: session.get_one(Contact, one.contact_id) for one in requests.values()}
    return Together(contacts, requests)


@dataclass(frozen=True, slots=True)
class Question:
    """What someone says yes to, as the page words it. `languages` and `mail_formats` are what alerts then come in."""

    topics: Sequence[str] = ()
    places: Sequence[str] = ()
    languages: Sequence[str] = ()
    mail_formats: Sequence[MailFormat] = ()
    is_counted: bool = False
    councils: Sequence[UUID] = ()


def asked_by_link(session: Session, token: str) -> Question | None:
    """What a link asks, without using it up; None where that was answered already.

    Raises: LinkUsedOrExpired where nobody said yes with it.
    """
    state, contact = links.state_of(session, token, ServiceMessageKind.CONFIRM)
    if state is links.LinkState.OPEN and contact:
        together = answered_by(session, contact, session.get_one(LinkToken, digest(token)).about)
        if together:
            return _question(session, together)
        state = links.LinkState.USED  # what it was about has been answered by another link
    if contact and contact.confirmed_at and state is links.LinkState.USED:
        return None
    raise links.LinkUsedOrExpired(_(links.WHY_NOT[state]))


def _question(session: Session, together: Together) -> Question:
    """What the requests ask for, and what the memberships hold that the yes brings to life."""
    new = [one.subscriber_id for one in together.contacts.values() if one.confirmed_at is None]
    people = session.exec(select(Subscriber).where(col(Subscriber.id).in_(new))).all()
    requests = together.requests.values()
    answers = [(one, person_of(one, together.contacts[one.contact_id])) for one in requests]
    manners = [(one.language, MailFormat(one.mail_format), one.tracking_consent) for one in people]
    manners += [(one.language, one.mail_format, one.tracking_consent) for request, one in answers if request.is_own]
    followed = select(Subscription.topic_id).where(
        col(Subscription.subscriber_id).in_(new), col(Subscription.ended_at).is_(None)
    )
    asked = [topic_id for one in requests for topic_id in one.topics]
    there = session.exec(select(Place.postcode).where(col(Place.subscriber_id).in_(new)).order_by(Place.postcode))
    postcodes = [*there, *(normalise(place.postcode) for _who, one in answers for place in one.places)]
    return Question(
        topics=consent_requests.names_of(session, [*session.exec(followed), *asked]),
        places=list(dict.fromkeys(canonical(one) for one in postcodes)),
        languages=list(dict.fromkeys(language for language, _form, _counted in manners)),
        mail_formats=list(dict.fromkeys(form for _language, form, _counted in manners)),
        is_counted=any(counted for _language, _form, counted in manners),
        councils=list(dict.fromkeys(one.council_id for one in together.contacts.values())),
    )
