"""Invitations: links by which an officer's account at the identity provider becomes theirs here.

Many providers do not say whether somebody proved to have an email address. Then the address alone binds nobody: an
administrator makes a link, and who signs in by it is that officer from then on.
"""

from datetime import timedelta
from urllib.parse import urlencode
from uuid import UUID

from sqlmodel import Session

from notify.core import clock, tokens
from notify.core.errors import Conflict
from notify.core.settings import settings
from notify.staff.models import Officer
from notify.staff.service import audit

LIFE = timedelta(days=7)
MOMENT_BYTES = 8


class AlreadyBound(Conflict):
    """The officer signs in with an account already, and keeps it."""

    title = "The officer has an account already"


def invite(session: Session, officer: Officer, *, actor: str) -> str:
    """The address of a link that works for seven days, until an account is bound. Raises: AlreadyBound."""
    if officer.oidc_subject is not None:
        raise AlreadyBound(f"{officer.email} signs in with a council account already.")
    until = int((clock.now() + LIFE).timestamp()).to_bytes(MOMENT_BYTES)
    token = tokens.sign(tokens.Purpose.INVITATION, officer.id.bytes + until)
    audit(session, council_id=officer.council_id, actor=actor, action="officer.invite", subject=str(officer.id))
    return f"{settings().base_url}/staff/sign-in/oidc?{urlencode({'invitation': token})}"


def invited(token: str) -> UUID | None:
    """The officer whom this invitation is for, while it lasts; None for anything else."""
    try:
        payload = tokens.read(tokens.Purpose.INVITATION, token)
    except tokens.LinkNotValid:
        return None
    is_over = int.from_bytes(payload[-MOMENT_BYTES:]) < clock.now().timestamp()
    return None if is_over else UUID(bytes=payload[:-MOMENT_BYTES])
