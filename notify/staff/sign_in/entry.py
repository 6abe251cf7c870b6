"""Starts a session from a proof of identity, and records it."""

from collections.abc import Sequence
from uuid import UUID

from sqlmodel import Session, col, select

from notify.core import clock
from notify.staff.invitations import invited
from notify.staff.models import Officer, Role
from notify.staff.rights import roles_within
from notify.staff.service import audit, note_sign_in
from notify.staff.sign_in import attempts, break_glass, sessions
from notify.staff.sign_in.oidc import Identity, SignInRefused
from notify.staff.sign_in.same_person import first_active

NOT_BOUND = (
    "Your account does not say that its email address is yours. Ask an administrator of your council for an invitation."
)
NOT_HERE = "Nobody here has your address, or they left. Ask an administrator of your council to add you."


def enter_by_identity(session: Session, identity: Identity, *, instead_of: str, invitation: str = "") -> str:
    """The secret for the session of whom the identity provider named. Raises: SignInRefused.

    The first time an officer is found by invitation, or by an address that the provider says was verified, and bound to
    the account; from then on only that account is them.
    """
    invited_id = invited(session, invitation)
    known = _users_of(session, identity)
    if not known or (invited_id and invited_id not in {one.id for one in known}):
        new = _bind(session, identity, invited_id, not_at=[one.council_id for one in known])
        known = [new, *known]
    known += _bind_further(session, identity, known)
    officer = next((one for one in known if one.active), None)
    if officer is None:
        raise SignInRefused(NOT_HERE)
    if identity.role is not None:
        _follow(session, known, identity.role)
    note_sign_in(session, officer, way="oidc")
    return sessions.open_session(session, officer, mfa_at=identity.mfa_at, instead_of=instead_of)


def _follow(session: Session, known: Sequence[Officer], role: Role) -> None:
    """Take the role that the account's provider names. It raises nobody who works for several councils, since it is
    said of one of them; it lowers at each, since nobody can tell which.
    """
    for one in known:
        is_lower = role in roles_within(one.role)
        if role != one.role and (is_lower or len(known) == 1):
            _take_role(session, one, role)


def _users_of(session: Session, identity: Identity) -> list[Officer]:
    """Whom this account is bound to, one a council, the oldest first."""
    statement = select(Officer).where(Officer.oidc_subject == identity.subject).order_by(col(Officer.created_at))
    return list(session.exec(statement.with_for_update()).all())


def _bind_further(session: Session, identity: Identity, known: Sequence[Officer]) -> list[Officer]:
    """Bind the account to users of other councils with the address that the provider says was verified."""
    if not identity.is_email_verified:
        return []
    statement = select(Officer).where(
        Officer.email == identity.email, col(Officer.oidc_subject).is_(None), col(Officer.active)
    )
    further = [
        one
        for one in session.exec(statement.order_by(col(Officer.created_at)).with_for_update())
        if one.council_id not in {there.council_id for there in known}
    ]
    for one in further:
        _take_account(session, one, identity, "verified email")
    return further


def _bind(session: Session, identity: Identity, invited_id: UUID | None, *, not_at: Sequence[UUID]) -> Officer:
    if invited_id is None and not identity.is_email_verified:
        raise SignInRefused(NOT_BOUND).because("email-not-verified")
    who = Officer.email == identity.email if invited_id is None else Officer.id == invited_id
    free = col(Officer.oidc_subject).is_(None) & col(Officer.active)
    found = select(Officer).where(who, free).order_by(col(Officer.created_at)).with_for_update()
    officer = session.exec(found).first()
    if officer is None or officer.council_id in not_at:
        raise SignInRefused(NOT_HERE)  # another account with the address of someone who is bound is not them
    return _take_account(session, officer, identity, "invitation" if invited_id else "verified email")


def _take_account(session: Session, officer: Officer, identity: Identity, by: str) -> Officer:
    officer.oidc_subject = identity.subject
    session.flush()
    actor = f"officer:{officer.id}"
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
    owner = break_glass.recognise(session, email=email, checked=checked, code=code, device=device)
    officer = first_active(session, owner) if owner else None
    if owner is None or officer is None:
        return None
    note_sign_in(session, officer, way="password")
    cookie = sessions.open_session(session, officer, mfa_at=clock.now(), instead_of=instead_of)
    return cookie, attempts.device_cookie(owner)
