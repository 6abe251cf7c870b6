"""Links that work once, and the sessions they open. Only digests are stored."""

from datetime import timedelta
from enum import StrEnum
from uuid import UUID

from sqlalchemy import delete, update
from sqlmodel import Session, col

from notify.core import clock, tokens
from notify.core.errors import NotFound
from notify.languages import _, later
from notify.subscribers.access_models import LinkToken, ResidentSession
from notify.subscribers.models import ConfirmedBy, Contact, ServiceMessageKind
from notify.subscribers.service_messages import SERVICE_MESSAGE_LIFE
from notify.subscribers.suppression import bounces

SESSION_LIFE = timedelta(hours=1)
COOKIE = "resident"
ASKED_BY_STRANGERS = (ServiceMessageKind.CONFIRM, ServiceMessageKind.SIGN_IN)


class LinkUsedOrExpired(NotFound):
    """The link was used already, replaced by a newer one, or has expired."""

    title = later("This link no longer works")


class LinkState(StrEnum):
    """What a link can do. `USED`: it was used, or another one that was sent for the same thing."""

    OPEN = "open"
    USED = "used"
    EXPIRED = "expired"
    UNKNOWN = "unknown"


WHY_NOT = {
    LinkState.USED: later(
        "It has already been used, or a newer link replaced it. If you selected its button before, that worked. "
        "Otherwise ask for a new link."
    ),
    LinkState.EXPIRED: later("It has expired. Ask for a new link."),
    LinkState.UNKNOWN: later("We did not send this link, or part of it is missing. Copy the whole link again."),
}


def issue_link(session: Session, contact_id: UUID, purpose: ServiceMessageKind, about: UUID | None = None) -> str:
    """A token for a link that works once.

    Links that strangers can make us send leave those before them working, or anyone could end what was sent to the
    owner: all go to the same mailbox, few a day, and using one ends the others. What only a council sends replaces what
    it sent before.
    """
    token = tokens.random_token()
    now = clock.now()
    if purpose not in ASKED_BY_STRANGERS:
        _end(session, contact_id, purpose, about)
    session.add(
        LinkToken(
            digest=tokens.digest(token),
            contact_id=contact_id,
            about=about,
            purpose=purpose,
            expires_at=now + SERVICE_MESSAGE_LIFE[purpose],
        )
    )
    return token


def _end(session: Session, contact_id: UUID, purpose: ServiceMessageKind, about: UUID | None) -> None:
    """End the unused links of this purpose, and `about` the same."""
    session.execute(
        update(LinkToken)
        .where(
            col(LinkToken.contact_id) == contact_id,
            col(LinkToken.purpose) == purpose,
            col(LinkToken.about).is_not_distinct_from(about),
            col(LinkToken.used_at).is_(None),
        )
        .values(used_at=clock.now())
    )


def use_link(session: Session, token: str, purpose: ServiceMessageKind) -> Contact:
    """Use up a link; the contact it was sent to. Raises: LinkUsedOrExpired."""
    return use_link_about(session, token, purpose)[0]


def state_of(session: Session, token: str, purpose: ServiceMessageKind) -> tuple[LinkState, Contact | None]:
    """What a link can do, and for the links that we sent the contact that has it. Nothing is used up."""
    link = session.get(LinkToken, tokens.digest(token))
    if link is None or link.purpose != purpose:
        return LinkState.UNKNOWN, None
    contact = session.get(Contact, link.contact_id)
    if link.used_at is not None or contact is None:
        return LinkState.USED, contact
    return (LinkState.OPEN if link.expires_at > clock.now() else LinkState.EXPIRED), contact


def require_open(session: Session, token: str, purpose: ServiceMessageKind) -> None:
    """Raises: LinkUsedOrExpired with what became of the link, where its button would do nothing."""
    state, _contact = state_of(session, token, purpose)
    if state is not LinkState.OPEN:
        raise LinkUsedOrExpired(_(WHY_NOT[state]))


def use_link_about(session: Session, token: str, purpose: ServiceMessageKind) -> tuple[Contact, UUID | None]:
    """The same, with what the link is about, where that is something else than the contact."""
    used = session.execute(
        update(LinkToken)
        .where(
            col(LinkToken.digest) == tokens.digest(token),
            col(LinkToken.purpose) == purpose,
            col(LinkToken.used_at).is_(None),
            col(LinkToken.expires_at) > clock.now(),
        )
        .values(used_at=clock.now())
        .returning(col(LinkToken.contact_id), col(LinkToken.about))
    ).one_or_none()
    contact = session.get(Contact, used.contact_id) if used else None
    if contact is None or used is None:
        require_open(session, token, purpose)
        raise LinkUsedOrExpired(_(WHY_NOT[LinkState.USED]))
    _end(session, contact.id, purpose, used.about)
    return contact, used.about


def open_session(session: Session, token: str) -> str:
    """Use up a sign-in link; the secret for the resident's session cookie. Raises: LinkUsedOrExpired.

    What only councils' proofs said of the address, its owner has shown now.
    """
    contact = use_link(session, token, ServiceMessageKind.SIGN_IN)
    bounces.prove(session, contact.address_hash)
    session.execute(
        update(Contact)
        .where(col(Contact.address_hash) == contact.address_hash, col(Contact.confirmed_by) == ConfirmedBy.COUNCIL)
        .values(confirmed_by=ConfirmedBy.LINK)
    )
    return start_session(session, contact.address_hash)


def start_session(session: Session, address_hash: bytes) -> str:
    """The secret for a cookie that lets whoever has this address manage for an hour what councils send to it."""
    cookie = tokens.random_token()
    session.add(
        ResidentSession(digest=tokens.digest(cookie), address_hash=address_hash, expires_at=clock.now() + SESSION_LIFE)
    )
    return cookie


def end_session(session: Session, cookie: str) -> None:
    """End the session of this cookie, if there is one."""
    session.execute(delete(ResidentSession).where(col(ResidentSession.digest) == tokens.digest(cookie)))
