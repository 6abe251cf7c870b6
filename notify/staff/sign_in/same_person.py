"""One person who is a user of several councils: which users of an address are the same person, and whose factor counts.

An address alone proves nothing: another person may have accepted an invitation that was sent to it. So users are the
same person if one council account is bound to each, or if they have the same address and no account is bound to any of
them: then the password and the app are those that the operator gave to that address.
"""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import ColumnElement
from sqlmodel import Session, col, select

from notify.core.errors import NotFound
from notify.staff.models import Council, Officer
from notify.staff.service import audit
from notify.staff.sign_in import sessions


class NotAUserThere(NotFound):
    """The person is no user of such a council, or was suspended there."""

    title = "You are not a user of this council"


def same_person(officer: Officer) -> ColumnElement[bool]:
    """The users who are the same person as this one, the user included."""
    if officer.oidc_subject is not None:
        return col(Officer.oidc_subject) == officer.oidc_subject
    return (col(Officer.email) == officer.email) & col(Officer.oidc_subject).is_(None)


def users_of(session: Session, officer: Officer) -> Sequence[tuple[Officer, Council]]:
    """The same person's active users at all councils, by the council's name; councils that merged are left out."""
    statement = select(Officer, Council).join(Council, col(Council.id) == col(Officer.council_id))
    statement = statement.where(same_person(officer), col(Officer.active), col(Council.merged_into_id).is_(None))
    return session.exec(statement.order_by(Council.name).limit(50)).all()


def factor_of(session: Session, officer: Officer) -> Officer:
    """The user whose authenticator app this person has: this one, or the same person's at another council."""
    if officer.totp_secret is not None:
        return officer
    statement = select(Officer).where(same_person(officer), col(Officer.totp_secret).is_not(None))
    return session.exec(statement.order_by(col(Officer.created_at)).with_for_update()).first() or officer


def switch(session: Session, officer_id: UUID, *, cookie: str, slug: str) -> str:
    """The secret for a session at another council of the person who is signed in; the one that they came with ends.

    It lasts no longer than that one, and its second factor is as old where it is the same person's own.
    Raises: NotAUserThere.
    """
    officer = session.get_one(Officer, officer_id)
    found = [one for one, council in users_of(session, officer) if council.slug == slug and one.id != officer.id]
    kept = sessions.kept(session, cookie)
    if not found or kept is None:
        raise NotAUserThere("Choose one of the councils at the top of the page.")
    other = found[0]
    mfa_at = kept.mfa_at if _is_one_factor(session, officer, other) else None
    audit(
        session,
        council_id=officer.council_id,
        actor=f"officer:{officer.id}",
        action="officer.leave",
        subject=str(officer.id),
        way="switch",
    )
    audit(
        session,
        council_id=other.council_id,
        actor=f"officer:{other.id}",
        action="officer.sign-in",
        subject=str(other.id),
        way="switch",
    )
    return sessions.open_session(session, other, mfa_at=mfa_at, instead_of=cookie, until=kept.expires_at)


def _is_one_factor(session: Session, officer: Officer, other: Officer) -> bool:
    """Whether a second factor that was given for one is the other's too."""
    if officer.oidc_subject is not None:
        return officer.oidc_subject == other.oidc_subject
    factor = factor_of(session, officer)
    return factor.totp_secret is not None and factor.id == factor_of(session, other).id


def first_active(session: Session, officer: Officer) -> Officer | None:
    """This user, else the same person's at another council; None where they were suspended everywhere."""
    if officer.active:
        return officer
    return next((one for one, _ in users_of(session, officer)), None)
