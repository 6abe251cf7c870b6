"""The way in when the identity provider is away: a password and a code from an app, counted and slowed."""

from dataclasses import dataclass
from datetime import timedelta

import pyotp
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import update
from sqlmodel import Session, col, select

from notify import clock, tokens
from notify.errors import Invalid
from notify.settings import once_a_process
from notify.staff import sessions
from notify.staff.models import Officer
from notify.staff.service import audit
from notify.typed_text import email_key

FREE_TRIES = 5
LONGEST_WAIT = timedelta(hours=1)
SHORTEST_PASSWORD = 12
STEP_SECONDS = 30
PURPOSE = "totp"
ISSUER = "Council alerts"


class PasswordTooShort(Invalid):
    """Length is what makes a password strong."""

    title = "The password is too short"


@dataclass(frozen=True, slots=True)
class Enrolment:
    """What an authenticator app reads. Shown once."""

    uri: str


@once_a_process
def _hasher() -> PasswordHasher:
    return PasswordHasher()  # argon2id with the library's present parameters, RFC 9106's low-memory choice


@once_a_process
def _nobodys_hash() -> str:
    return _hasher().hash(tokens.random_token())


def set_password(session: Session, officer: Officer, password: str, *, actor: str) -> Enrolment:
    """Give an officer a password and a new secret for codes; their sessions end. Raises: PasswordTooShort."""
    if len(password) < SHORTEST_PASSWORD:
        raise PasswordTooShort(f"Take at least {SHORTEST_PASSWORD} characters: four words nobody would guess.")
    secret = pyotp.random_base32()
    officer.password_hash = _hasher().hash(password)
    officer.totp_secret = tokens.seal(PURPOSE, secret)
    officer.totp_step, officer.failed_tries, officer.locked_until = 0, 0, None
    session.add(officer)
    session.flush()
    sessions.close_all(session, [officer.id])
    audit(session, council_id=officer.council_id, actor=actor, action="officer.set-password", subject=str(officer.id))
    return Enrolment(pyotp.TOTP(secret).provisioning_uri(name=officer.email, issuer_name=ISSUER))


def recognise(session: Session, *, email: str, password: str, code: str) -> Officer | None:
    """The officer who knows both, or None. The try is counted either way: let the transaction commit."""
    officer = session.exec(select(Officer).where(Officer.email == email_key(email)).with_for_update()).first()
    known = officer.password_hash if officer and officer.active else None
    # as much work for somebody unknown, so that the time tells nothing
    right = _fits(known or _nobodys_hash(), password) and known is not None
    if officer is None or known is None or _must_wait(officer):
        return None
    return officer if _counted(session, officer, right and _code_fits(officer, code)) else None


def recognise_code(session: Session, officer_id: object, code: str) -> Officer | None:
    """The signed-in officer if the code is theirs and new, or None. Counted like `recognise`."""
    officer = session.exec(select(Officer).where(col(Officer.id) == officer_id).with_for_update()).first()
    if officer is None or not officer.active or _must_wait(officer):
        return None
    return officer if _counted(session, officer, _code_fits(officer, code)) else None


def _fits(known: str, password: str) -> bool:
    try:
        return _hasher().verify(known, password)
    except (VerificationError, InvalidHashError):
        return False


def _must_wait(officer: Officer) -> bool:
    return officer.locked_until is not None and officer.locked_until > clock.now()


def _code_fits(officer: Officer, code: str) -> bool:
    """Whether this is a code of now or of half a minute before or after, and none that was used already."""
    if officer.totp_secret is None:
        return False
    totp = pyotp.TOTP(tokens.unseal(PURPOSE, officer.totp_secret))
    now = int(clock.now().timestamp()) // STEP_SECONDS
    given = code.replace(" ", "")
    for step in (now - 1, now, now + 1):
        if step > officer.totp_step and pyotp.utils.strings_equal(given, totp.at(step * STEP_SECONDS)):
            officer.totp_step = step
            return True
    return False


def _counted(session: Session, officer: Officer, is_right: bool) -> bool:
    """Remember the outcome: after five wrong tries each further one doubles the wait, up to an hour."""
    tries = 0 if is_right else officer.failed_tries + 1
    over = tries - FREE_TRIES
    wait = min(LONGEST_WAIT, timedelta(minutes=2 ** min(over, 10))) if over >= 0 else None
    session.execute(
        update(Officer)
        .where(col(Officer.id) == officer.id)
        .values(failed_tries=tries, locked_until=clock.now() + wait if wait else None, totp_step=officer.totp_step)
    )
    if not is_right:
        audit(
            session,
            council_id=officer.council_id,
            actor="nobody",
            action="officer.sign-in-failed",
            subject=str(officer.id),
            tries=tries,
        )
    return is_right
