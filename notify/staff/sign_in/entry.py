"""Starts a session from a proof of identity, and records it."""

from uuid import UUID

from sqlmodel import Session, select

from notify.core import clock
from notify.staff.invitations import invited
from notify.staff.models import Officer, Role
from notify.staff.service import audit, note_sign_in
from notify.staff.sign_in import attempts, break_glass, sessions
from notify.staff.sign_in.oidc import Identity, SignInRefused

NOT_BOUND = (
    "Your account does not say that its email address is yours. Ask an administrator of your council for an invitation."
)
NOT_HERE = "Nobody here has your address, or they left. Ask an administrator of your council to add you."


def enter_by_identity(session: Session, identity: Identity, *, instead_of: str, invitation: str = "") -> str:
    """The secret for the session of whom the identity provider named. Raises: SignInRefused.

    The first time an officer is found by invitation, or by an address that the provider says was verified, and bound to
    the account; from then on only that account is them.
    """
    officer = session.exec(
        select(Officer).where(Officer.oidc_subject == identity.subject).with_for_update()
    ).first() or _bind(session, identity, invited(session, invitation))
    if not officer.active:
        raise SignInRefused(NOT_HERE)
    if identity.role is not None and identity.role != officer.role:
        _take_role(session, officer, identity.role)
    note_sign_in(session, officer, way="oidc")
    return sessions.open_session(session, officer, mfa_at=identity.mfa_at, instead_of=instead_of)


def _bind(session: Session, identity: Identity, invited_id: UUID | None) -> Officer:
    if invited_id is None and not identity.is_email_verified:
        raise SignInRefused(NOT_BOUND).because("email-not-verified")
    who = Officer.email == identity.email if invited_id is None else Officer.id == invited_id
    officer = session.exec(select(Officer).where(who).with_for_update()).first()
    if officer is None or not officer.active or officer.oidc_subject is not None:
        raise SignInRefused(NOT_HERE)  # another account with the address of someone who is bound is not them
    officer.oidc_subject = identity.subject
    session.flush()
    actor = f"officer:{officer.id}"
    by = "invitation" if invited_id else "verified email"
    audit(
        session,
        council_id=officer.council_id,
        actor=actor,
        action="officer.bind-account",
        subject=str(officer.id),
        by=by,
    )
    return officer


def _take_role(session: Session, officer: Officer, role: Role) -> None:
    before, officer.role = officer.role, role
    session.flush()
    sessions.close_all(session, [officer.id])
    audit(
        session,
        council_id=officer.council_id,
        actor="identity-provider",
        action="officer.change",
        subject=str(officer.id),
        role=role,
        before=before,
    )


def enter_by_password(
    session: Session, *, email: str, checked: break_glass.Checked, code: str, device: str, instead_of: str
) -> tuple[str, str] | None:
    """The secrets for the session of who knows both and for their browser to be known by, or None.

    The try is counted: let the transaction commit.
    """
    officer = break_glass.recognise(session, email=email, checked=checked, code=code, device=device)
    if officer is None:
        return None
    note_sign_in(session, officer, way="password")
    cookie = sessions.open_session(session, officer, mfa_at=clock.now(), instead_of=instead_of)
    return cookie, attempts.device_cookie(officer)
