"""Confirmations and sign-in links: one message each, apart from any alert."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session, col, select, update

from notify.channels import CHANNELS, Confirmation
from notify.core import clock
from notify.core.db import transaction
from notify.core.jobs import Lane
from notify.deliveries import service_message_content
from notify.deliveries.holds import NOTICES_ON_HOLD
from notify.deliveries.service_message_words import NO_TEXTS, NOTHING_BUT_ANSWERS
from notify.deliveries.topic_messages import topic_news
from notify.places.postcodes import canonical
from notify.providers import registry, sandbox
from notify.providers.base import Deferred, Message, Outcome, Provider, Refused
from notify.staff.council_settings.effective import CouncilSettings, installation_settings, settings_of
from notify.staff.models import Council
from notify.subscribers.access_models import ContactRequest, InboundText
from notify.subscribers.confirmation_codes import issue_code
from notify.subscribers.consent import requests as consent_requests
from notify.subscribers.links import issue_link
from notify.subscribers.models import (
    Contact,
    Place,
    ServiceMessage,
    ServiceMessageKind,
    ServiceMessageState,
    Subscriber,
    Subscription,
    Topic,
)
from notify.subscribers.queries import contacts_by_fingerprint, signed_up_with
from notify.subscribers.suppression.service import (
    is_silenced,
    is_silenced_by_everybody,
    is_suppressed,
    is_suppressed_by_everybody,
)

SERVICE_MESSAGE_ATTEMPTS = 8
ABOUT_SOMETHING = (ServiceMessageKind.ADD_CONTACT, ServiceMessageKind.CONTACT_ADDED, ServiceMessageKind.TOLD)
ABOUT_THEM = (ServiceMessageKind.TEXT_INFO, ServiceMessageKind.TEXT_MOVE, ServiceMessageKind.TEXT_MOVED)
PERSONS_OWN = (ServiceMessageKind.SIGN_IN, ServiceMessageKind.TOLD)  # no council sends them


def send_service_message(notice_id: UUID) -> None:
    """Send one confirmation or sign-in message. Its link is made now and never stored readable."""
    with transaction() as session:
        made = _claim(session, notice_id)
    if made is None:
        return
    queued, message, providers = made
    [(_, outcome)] = registry.send_with_failover(providers, [message], lane=Lane.TRANSACTIONAL)
    with transaction() as session:
        _settle(session, queued, outcome)


def _claim(session: Session, notice_id: UUID) -> tuple[ServiceMessage, Message, Sequence[Provider]] | None:
    queued = _taken(session, notice_id)
    contact = session.get(Contact, queued.contact_id) if queued else None
    if queued is None or contact is None:
        return None
    news = topic_news(session, queued, contact)
    what = news.what if news else _what(session, queued)
    is_over = (
        queued.kind in ABOUT_SOMETHING or queued.about is not None
    ) and not what  # it was answered, erased or left meanwhile
    if is_over or _is_silenced(session, queued, contact):
        session.execute(
            update(ServiceMessage).where(col(ServiceMessage.id) == queued.id).values(state=ServiceMessageState.FAILED)
        )
        return None
    subscriber = session.get_one(Subscriber, contact.subscriber_id)
    own = _speaker(session, queued, contact)
    message = service_message_content.service_message(
        queued.kind,
        channel=contact.channel,
        address=contact.address,
        reference=queued.id.hex,
        secret=_secret(session, queued, contact, own.base_url),
        language=subscriber.language,
        own=own,
        signing_secret=contact.secret,
        what=what,
        why=_why(session, queued),
        news=news,
    )
    chosen = own.providers_for(contact.channel)
    if sandbox.is_simulated(message.address):
        return queued, message, [sandbox.of(contact.channel)]
    return queued, message, registry.providers_for(contact.channel, Lane.TRANSACTIONAL, chosen=chosen)


def _taken(session: Session, notice_id: UUID) -> ServiceMessage | None:
    """The message, if it is this worker's to send now. One that is being sent is due again when its worker died."""
    statement = (
        update(ServiceMessage)
        .where(
            col(ServiceMessage.id) == notice_id,
            col(ServiceMessage.state).in_([ServiceMessageState.CREATED, ServiceMessageState.SENDING]),
            col(ServiceMessage.expires_at) > clock.now(),
            col(ServiceMessage.due_at) <= clock.now(),
            text(f"NOT {NOTICES_ON_HOLD}"),
        )
        .values(
            state=ServiceMessageState.SENDING,
            attempts=col(ServiceMessage.attempts) + 1,
            due_at=clock.now() + timedelta(minutes=1),
        )
    )
    return session.exec(statement.returning(ServiceMessage)).scalar_one_or_none()


def _is_silenced(session: Session, queued: ServiceMessage, contact: Contact) -> bool:
    # asked for by whoever has the mailbox: bounces of before do not keep the answer away, and confirming lifts them
    if queued.kind == ServiceMessageKind.SIGN_IN:
        return is_silenced_by_everybody(session, contact.address_hash)
    if queued.kind == ServiceMessageKind.CONFIRM:
        return is_silenced(session, contact)
    if queued.kind in PERSONS_OWN:
        return is_suppressed_by_everybody(session, contact.address_hash)
    return is_suppressed(session, contact)


def _secret(session: Session, queued: ServiceMessage, contact: Contact, base: str) -> service_message_content.Secret:
    """What proves that the message arrived: digits to type in from a text or a call, otherwise a link to follow."""
    if queued.kind not in service_message_content.LINK_PATHS:
        return service_message_content.Secret(f"{base}/manage")
    if CHANNELS[contact.channel].confirmation is Confirmation.CODE and queued.kind == ServiceMessageKind.CONFIRM:
        digits = issue_code(session, contact.id, queued.about, queued.asked_from)
        return service_message_content.Secret(f"{base}/confirm-code", digits)
    return service_message_content.Secret(
        service_message_content.link_url(
            queued.kind, issue_link(session, contact.id, queued.kind, queued.about), base=base
        )
    )


def _speaker(session: Session, queued: ServiceMessage, contact: Contact) -> CouncilSettings:
    """Who the message is from: the council that it is about, with its look and sender. Where one yes confirms several,
    or one link opens several, all are named and the installation sends it.
    """
    councils = {contact.council_id}
    if queued.kind == ServiceMessageKind.CONFIRM:
        request = consent_requests.open_request(session, queued.about) if queued.about else None
        sign_up = request.sign_up if request else contact.sign_up
        councils |= {other.council_id for other in signed_up_with(session, contact, sign_up)}
        councils |= {one.council_id for one in consent_requests.of_sign_up(session, sign_up, contact.address_hash)}
    elif queued.kind == ServiceMessageKind.SIGN_IN:
        everywhere = contacts_by_fingerprint(session, contact.address_hash)
        councils = {other.council_id for other in everywhere if other.confirmed_at} or councils
    elif queued.kind == ServiceMessageKind.TOLD:
        brought = session.get(Contact, queued.about) if queued.about else None
        councils = {brought.council_id} if brought else councils
    found = sorted(settings_of(session, list(councils)).values(), key=lambda one: one.name)
    if len(found) == 1:
        return found[0]
    welsh = " / ".join(one.name_in("cy") for one in found)
    return replace(installation_settings(" / ".join(one.name for one in found)), name_cy=welsh)


def _what(session: Session, queued: ServiceMessage) -> str:
    """The address that is to be added or was, the topics that someone was signed up for or is asked about, the
    postcode to check, or the council that merged."""
    if queued.kind in ABOUT_THEM:
        return _about_them(session, queued)
    if queued.about is None:
        return ""
    if queued.kind == ServiceMessageKind.CONFIRM:
        return _asked_for(session, queued.about)
    if queued.kind == ServiceMessageKind.ADD_CONTACT:
        request = session.get(ContactRequest, queued.about)
        return request.address if request else ""
    if queued.kind == ServiceMessageKind.CHECK_PLACE:
        place = session.get(Place, queued.about)
        return canonical(place.postcode) if place and place.needs_review else ""
    if queued.kind == ServiceMessageKind.COUNCIL_MERGED:
        return session.get_one(Council, queued.about).name
    about = session.get(Contact, queued.about)
    if about is None or queued.kind != ServiceMessageKind.TOLD:
        return about.address if about else ""
    following = select(Topic).join(Subscription, col(Subscription.topic_id) == col(Topic.id))
    following = following.where(Subscription.subscriber_id == about.subscriber_id, col(Subscription.ended_at).is_(None))
    return ", ".join(sorted(topic.words.name for topic in session.exec(following)))


def _about_them(session: Session, queued: ServiceMessage) -> str:
    """The postcode that they want to move to; the postcodes that they have; or also the topics of their texts."""
    if queued.kind == ServiceMessageKind.TEXT_MOVE:
        wanted = session.get(InboundText, queued.about) if queued.about else None
        return canonical(wanted.move_to) if wanted and wanted.move_to else ""
    contact = session.get_one(Contact, queued.contact_id)
    places = select(Place.postcode).where(Place.subscriber_id == contact.subscriber_id).order_by(col(Place.position))
    where = ", ".join(canonical(key) for key in session.exec(places))
    if queued.kind == ServiceMessageKind.TEXT_MOVED:
        return where
    following = select(Topic).join(Subscription, col(Subscription.topic_id) == col(Topic.id))
    following = following.where(
        Subscription.subscriber_id == contact.subscriber_id,
        col(Subscription.ended_at).is_(None),
        col(Subscription.channels).contains([contact.channel]),
    )
    language = session.get_one(Subscriber, contact.subscriber_id).language
    topics = ", ".join(sorted(topic.words_in(language).name for topic in session.exec(following)))
    return f"{topics or NO_TEXTS.get(language, NO_TEXTS['en'])} ({where})" if where else topics


def _asked_for(session: Session, request_id: UUID) -> str:
    """The topics and new places that someone is asked about, of all councils of that sign-up; empty where nothing is
    open now.
    """
    request = consent_requests.open_request(session, request_id)
    contact = session.get(Contact, request.contact_id) if request else None
    if request is None or contact is None:
        return ""
    together = consent_requests.of_sign_up(session, request.sign_up, contact.address_hash) or [request]
    spoken = session.get_one(Subscriber, contact.subscriber_id).language
    asked = [*consent_requests.topic_names(session, together), *consent_requests.new_places(session, together)]
    return ", ".join(asked) or NOTHING_BUT_ANSWERS.get(spoken, NOTHING_BUT_ANSWERS["en"])


def _why(session: Session, queued: ServiceMessage) -> consent_requests.Reason | None:
    request = None
    if queued.kind == ServiceMessageKind.CONFIRM and queued.about:
        request = consent_requests.open_request(session, queued.about)
    return consent_requests.reason_of(request) if request else None


def _settle(session: Session, queued: ServiceMessage, outcome: Outcome) -> None:
    """Sent, failed for good, or due again in a minute, then two, then four…"""
    state, pause = ServiceMessageState.SENT, timedelta()
    if isinstance(outcome, Refused) or (isinstance(outcome, Deferred) and queued.attempts >= SERVICE_MESSAGE_ATTEMPTS):
        state = ServiceMessageState.FAILED
    elif isinstance(outcome, Deferred):
        state, pause = ServiceMessageState.CREATED, timedelta(seconds=5 * 2**queued.attempts)
    session.execute(
        update(ServiceMessage)
        .where(col(ServiceMessage.id) == queued.id)
        .values(state=state, due_at=clock.now() + pause)
    )
