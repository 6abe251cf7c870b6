"""Invitations: links by which an officer's account at the identity provider becomes theirs here.

Many providers do not say whether someone proved to have an email address. Then the address alone binds nobody: an
administrator makes a link, and who signs in by it is that officer from then on.
"""

from datetime import timedelta
from urllib.parse import urlencode
from uuid import UUID

from sqlmodel import Session

from notify.core import clock, jobs, tokens
from notify.core.errors import Conflict
from notify.core.settings import settings
from notify.staff.models import Officer
from notify.staff.service import audit, create_sign_in_link
from notify.staff.sign_in.oidc import oidc_settings
from notify.staff.sign_in.sessions import close_all

LIFE = timedelta(days=7)
MOMENT_BYTES = 8


class AlreadyBound(Conflict):
    """The officer signs in with an account already, and keeps it."""

    title = "The officer has an account already"


class NoInvitations(Conflict):
    """There is no council account that an invitation could bind."""

    title = "Users are not invited here"


class NoInvitation(Conflict):
    """They have begun already, or nobody invited them."""

    title = "There is no invitation to withdraw"


def invite(session: Session, officer: Officer, *, actor: str) -> str:
    """The address of a link that works for seven days, until an account is bound. Raises: AlreadyBound."""
    _note(session, officer, actor)
    return _link(officer)


def invite_by_mail(session: Session, officer: Officer, *, actor: str) -> None:
    """Have the link sent to the officer's own address, once this transaction has committed: who asks for it never sees
    it, and cannot become someone else by it. Raises: AlreadyBound, NoInvitations.
    """
    if not oidc_settings().is_on and not settings().links_sign_in:
        raise NoInvitations(
            "Users sign in with passwords here. Your system administrator adds them with `notify officer create "
            "--password`."
        )
    _note(session, officer, actor)
    jobs.note(session, jobs.Job.TELL_STAFF, f"invitation {officer.id}", lane=jobs.Lane.TRANSACTIONAL)


def mailed_link(session: Session, officer: Officer) -> str | None:
    """The link for the officer's message; None where they need none any more."""
    if not officer.active or officer.oidc_subject is not None:
        return None
    if oidc_settings().is_on:
        return _link(officer)
    return f"{settings().base_url}/staff/sign-in/{create_sign_in_link(session, officer.id)}"


def _note(session: Session, officer: Officer, actor: str) -> None:
    if officer.oidc_subject is not None:
        raise AlreadyBound(f"{officer.email} signs in with a council account already.")
    officer.invited_until = (clock.now() + LIFE).replace(microsecond=0)
    session.add(officer)
    session.flush()
    audit(session, council_id=officer.council_id, actor=actor, action="officer.invite", subject=str(officer.id))


def withdraw(session: Session, officer: Officer, *, actor: str) -> None:
    """Have the link that someone was sent work no longer, and suspend them. Raises: NoInvitation."""
    if officer.invited_until is None or officer.oidc_subject is not None or officer.last_active_at is not None:
        raise NoInvitation(f"{officer.email} has no invitation that is open. Suspend them instead.")
    officer.invited_until, officer.active = None, False
    session.add(officer)
    session.flush()
    close_all(session, [officer.id])
    audit(session, council_id=officer.council_id, actor=actor, action="officer.withdraw", subject=str(officer.id))


def _link(officer: Officer) -> str:
    until = int(officer.invited_until.timestamp()) if officer.invited_until else 0
    token = tokens.sign(tokens.Purpose.INVITATION, officer.id.bytes + until.to_bytes(MOMENT_BYTES))
    return f"{settings().base_url}/staff/sign-in/oidc?{urlencode({'invitation': token})}"


def invited(session: Session, token: str) -> UUID | None:
    """The officer whom this invitation is for, while it lasts and is their newest; None for anything else."""
    try:
        payload = tokens.read(tokens.Purpose.INVITATION, token)
    except tokens.LinkNotValid:
        return None
    officer = session.get(Officer, UUID(bytes=payload[:-MOMENT_BYTES]))
    if officer is None or officer.invited_until is None or officer.invited_until < clock.now():
        return None
    is_newest = int.from_bytes(payload[-MOMENT_BYTES:]) == int(officer.invited_until.timestamp())
    return officer.id if is_newest else None
