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

LIFE = timedelta(days=7)
MOMENT_BYTES = 8


class AlreadyBound(Conflict):
    """The officer signs in with an account already, and keeps it."""

    title = "The officer has an account already"


class NoInvitations(Conflict):
    """There is no council account that an invitation could bind."""

    title = "Users are not invited here"


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
    audit(session, council_id=officer.council_id, actor=actor, action="officer.invite", subject=str(officer.id))


def _link(officer: Officer) -> str:
    until = int((clock.now() + LIFE).timestamp()).to_bytes(MOMENT_BYTES)
    token = tokens.sign(tokens.Purpose.INVITATION, officer.id.bytes + until)
    return f"{settings().base_url}/staff/sign-in/oidc?{urlencode({'invitation': token})}"


def invited(token: str) -> UUID | None:
    """The officer whom this invitation is for, while it lasts; None for anything else."""
    try:
        payload = tokens.read(tokens.Purpose.INVITATION, token)
    except tokens.LinkNotValid:
        return None
    is_over = int.from_bytes(payload[-MOMENT_BYTES:]) < clock.now().timestamp()
    return None if is_over else UUID(bytes=payload[:-MOMENT_BYTES])
