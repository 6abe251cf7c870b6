"""How a user gets in, as administrators keep it: invitations, sessions, and a lost second factor."""

from uuid import UUID

import pyotp
from sqlmodel import Session, col, select

from notify.core import tokens
from notify.core.errors import Conflict, Forbidden, NotFound
from notify.staff import invitations, users
from notify.staff.models import Officer, Role, SecondFactorReset
from notify.staff.rights import Principal, Right
from notify.staff.service import audit
from notify.staff.sign_in import break_glass, recovery_codes, sessions
from notify.staff.sign_in.same_person import same_person, users_of


class NoSecondFactor(Conflict):
    """Their second factor is not ours to give."""

    title = "There is no second factor here"


class FactorOfOthers(Forbidden):
    """The second factor is theirs elsewhere too, where these administrators decide nothing."""

    title = "Their second factor counts beyond your council"


class OnlyAdministrator(Conflict):
    """Nobody else could agree."""

    title = "A second administrator is needed"


class ResetNotAsked(NotFound):
    """Nobody asked for it, or it was done."""

    title = "No one has asked for a new second factor"


class SecondPersonNeeded(Forbidden):
    """Who asked for it, or who it is for, does not agree to it."""

    title = "Another administrator has to agree"


class UnknownSession(NotFound):
    """It has ended already."""

    title = "There is no such session"


def withdraw_invitation(session: Session, *, by: Principal, officer_id: UUID) -> Officer:
    """Have an invitation work no longer. Raises: Forbidden, SecondFactorNeeded, UnknownOfficer, NoInvitation."""
    by.require_person_here(Right.MANAGE_STAFF)
    one = users.officer(session, by.council_id, officer_id)
    invitations.withdraw(session, one, actor=by.actor)
    return one


def end_sessions(session: Session, *, by: Principal, officer_id: UUID, key: str = "") -> None:
    """Sign a user out everywhere, or of the session that `key` names.

    Raises: Forbidden, SecondFactorNeeded, UnknownOfficer, UnknownSession.
    """
    by.require_person_here(Right.MANAGE_STAFF)
    one = users.officer(session, by.council_id, officer_id)
    if not key:
        sessions.close_all(session, [one.id])
    elif not sessions.close_one(session, one.id, key):
        raise UnknownSession("This session has ended already.")
    audit(session, council_id=by.council_id, actor=by.actor, action="officer.end-sessions", subject=str(one.id))


def ask_reset(session: Session, *, by: Principal, officer_id: UUID, reason: str) -> SecondFactorReset:
    """Ask another administrator to agree to a new second factor for someone who lost theirs.

    Raises: Forbidden, SecondFactorNeeded, UnknownOfficer, NoSecondFactor, FactorOfOthers, OnlyAdministrator.
    """
    by.require_person_here(Right.MANAGE_STAFF)
    one = users.officer(session, by.council_id, officer_id)
    _require_own_factor(session, one)
    if by.officer_id is None or not _others(session, by, one):
        raise OnlyAdministrator(
            "No other administrator could agree. Your system administrator gives them a new one with "
            f"`notify officer password {one.email}`."
        )
    asked = session.merge(SecondFactorReset(officer_id=one.id, asked_by=by.officer_id, reason=reason))
    session.flush()
    audit(
        session,
        council_id=by.council_id,
        actor=by.actor,
        action="officer.ask-second-factor",
        subject=str(one.id),
        reason=reason,
    )
    return asked


def agree_to_reset(session: Session, *, by: Principal, officer_id: UUID) -> break_glass.Enrolment:
    """Give someone the new second factor that another administrator asked for. It can be read only now, and the person
    still needs their password.

    Raises: Forbidden, SecondFactorNeeded, UnknownOfficer, ResetNotAsked, SecondPersonNeeded, NoSecondFactor,
    FactorOfOthers.
    """
    by.require_person_here(Right.MANAGE_STAFF)
    one = users.officer(session, by.council_id, officer_id)
    asked = session.get(SecondFactorReset, one.id, with_for_update=True)
    if asked is None:
        raise ResetNotAsked("Ask for it first. Another administrator then agrees.")
    if by.officer_id in (None, asked.asked_by, one.id):
        raise SecondPersonNeeded("Someone else must agree: not the person who asked, and not the user it is for.")
    _require_own_factor(session, one)
    secret = pyotp.random_base32()
    one.totp_secret, one.totp_step = tokens.seal(break_glass.PURPOSE, secret), 0
    one.failed_tries, one.locked_until = 0, None
    session.add(one)
    session.delete(asked)
    session.flush()
    codes = recovery_codes.renew(session, one.id)
    sessions.close_all(session, session.exec(select(Officer.id).where(same_person(one))).all())
    audit(
        session,
        council_id=by.council_id,
        actor=by.actor,
        action="officer.reset-second-factor",
        subject=str(one.id),
        asked_by=f"officer:{asked.asked_by}",
    )
    uri = pyotp.TOTP(secret).provisioning_uri(name=one.email, issuer_name=break_glass.ISSUER)
    return break_glass.Enrolment(uri, codes)


def refuse_reset(session: Session, *, by: Principal, officer_id: UUID) -> None:
    """Drop what was asked for. Raises: Forbidden, SecondFactorNeeded, UnknownOfficer, ResetNotAsked."""
    by.require_person_here(Right.MANAGE_STAFF)
    one = users.officer(session, by.council_id, officer_id)
    asked = session.get(SecondFactorReset, one.id)
    if asked is None:
        raise ResetNotAsked("No one has asked for it, or it was done.")
    session.delete(asked)
    audit(session, council_id=by.council_id, actor=by.actor, action="officer.refuse-second-factor", subject=str(one.id))


def _require_own_factor(session: Session, one: Officer) -> None:
    if one.totp_secret is None:
        raise NoSecondFactor(f"{one.email} has no password and app here: their second factor is with their account.")
    elsewhere = any(there.council_id != one.council_id for there, _ in users_of(session, one))
    operators = select(Officer.id).where(same_person(one), col(Officer.is_operator))
    if elsewhere or session.exec(operators.limit(1)).first():
        raise FactorOfOthers(
            "They run this installation or work for another council too, and the second factor is the same there. An "
            f"operator gives them a new one with `notify officer password {one.email}`."
        )


def _others(session: Session, by: Principal, one: Officer) -> bool:
    """Whether another administrator than these two could agree."""
    others = select(Officer.id).where(
        Officer.council_id == by.council_id,
        Officer.role == Role.ADMIN,
        col(Officer.active),
        Officer.topics == [],
        Officer.areas == [],
        col(Officer.id).not_in([by.officer_id, one.id]),
    )
    return session.exec(others.limit(1)).first() is not None
