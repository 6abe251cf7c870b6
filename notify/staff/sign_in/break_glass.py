"""Sign-in while the identity provider is away: a password and a code from an app, rate limited.

The password is compared first, outside every transaction (`check`). What else there is to know is then read, counted
and written in one short transaction (`recognise`).
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

import pyotp
from sqlalchemy import update
from sqlmodel import Session, col, select

from notify.core import clock, tokens
from notify.core.errors import Conflict
from notify.core.typed_text import email_key
from notify.staff.models import Officer
from notify.staff.service import audit
from notify.staff.sign_in import attempts, password_hashing, recovery_codes, sessions
from notify.staff.sign_in.attempts import Known
from notify.staff.sign_in.same_person import factor_of, first_active

log = logging.getLogger(__name__)

STEP_SECONDS = 30
HAS_PASSWORD = col(Officer.password_hash).is_not(None)
PURPOSE = "totp"
ISSUER = "Council alerts"


class HasPassword(Conflict):
    """The same address has a password at another council, and one person has one."""

    title = "The person has a password already"


@dataclass(frozen=True, slots=True)
class Enrolment:
    """What an authenticator app reads, and codes for when it is lost. Shown once."""

    uri: str
    recovery_codes: Sequence[str]


@dataclass(frozen=True, slots=True)
class Checked:
    """Whether a password was that of a stored hash. `known` is the hash, so that a change meanwhile is seen."""

    known: str | None
    is_right: bool


def set_password(session: Session, officer: Officer, password_hash: str, *, actor: str) -> Enrolment:
    """Give an officer a password (`password_hashing.hashed`), a new secret for codes and new recovery codes.

    Their sessions end, and no browser is known any more. Who is a user of several councils has one password.
    Raises: HasPassword.
    """
    others = select(Officer.id).where(Officer.email == officer.email, Officer.id != officer.id, HAS_PASSWORD)
    if session.exec(others).first():
        raise HasPassword(f"{officer.email} has a password at another council, which signs them in here too.")
    secret = pyotp.random_base32()
    officer.password_hash = password_hash
    officer.totp_secret = tokens.seal(PURPOSE, secret)
    officer.totp_step, officer.failed_tries, officer.locked_until = 0, 0, None
    session.add(officer)
    session.flush()
    codes = recovery_codes.renew(session, officer.id)
    sessions.close_all(session, [officer.id])
    audit(session, council_id=officer.council_id, actor=actor, action="officer.set-password", subject=str(officer.id))
    return Enrolment(pyotp.TOTP(secret).provisioning_uri(name=officer.email, issuer_name=ISSUER), codes)


def known_hash(session: Session, email: str) -> str | None:
    """The hash of the password of who has this address, if they have one: one at all councils. Locks nothing."""
    statement = select(Officer.password_hash).where(Officer.email == email_key(email), HAS_PASSWORD)
    return session.exec(statement).first()


def check(known: str | None, password: str) -> Checked:
    """Compare; as much work for someone unknown. Takes tens of milliseconds, so never inside a transaction."""
    return Checked(known, password_hashing.fits(known, password))


def recognise(session: Session, *, email: str, checked: Checked, code: str, device: str) -> Officer | None:
    """The officer whose password and app these are, or None. The try is counted either way: let the transaction commit.

    They may be suspended there and active at another council. `device` is the cookie of a browser that signed in
    before, or empty.
    """
    statement = select(Officer).where(Officer.email == email_key(email), HAS_PASSWORD)
    officer = session.exec(statement.with_for_update()).first()
    if officer is None or first_active(session, officer) is None:
        _refused("unknown-user")
        return None
    known = attempts.known_device(officer, device)
    is_right = checked.is_right and checked.known == officer.password_hash
    if is_right and _with_recovery_code(session, officer, known, code):
        return officer
    if attempts.must_wait(session, officer, known):
        _refused("too-many-tries", officer)
        return None
    if not is_right:
        _wrong(session, officer, known, "wrong-password")
        return None
    return _with_code(session, officer, known, code)


def recognise_code(session: Session, officer_id: object, code: str, *, cookie: str) -> Officer | None:
    """The signed-in officer if the code is theirs and new, or None. Wrong ones are counted for their session."""
    one = session.exec(select(Officer).where(col(Officer.id) == officer_id).with_for_update()).first()
    if one is None or not one.active:
        _refused("unknown-user")
        return None
    officer = factor_of(session, one)  # the app is the person's, at whichever council they were given it
    known = attempts.of_session(cookie)
    if _with_recovery_code(session, officer, known, code):
        return officer
    if attempts.must_wait(session, officer, known):
        _refused("too-many-tries", officer)
        return None
    return _with_code(session, officer, known, code)


def _with_recovery_code(session: Session, officer: Officer, known: Known | None, code: str) -> bool:
    """Nobody guesses one, so it also works while strangers' tries have locked the officer out."""
    if not recovery_codes.use(session, officer.id, code):
        return False
    _audit(session, officer, "officer.use-recovery-code")
    attempts.forget(session, officer, known)
    return True


def _with_code(session: Session, officer: Officer, known: Known | None, code: str) -> Officer | None:
    step = _step_of(officer, code)
    if step is None:
        _wrong(session, officer, known, "wrong-code")
        return None
    session.execute(update(Officer).where(col(Officer.id) == officer.id).values(totp_step=step))
    attempts.forget(session, officer, known)
    return officer


def _wrong(session: Session, officer: Officer, known: Known | None, reason: str) -> None:
    tries = attempts.count_wrong(session, officer, known)
    _audit(session, officer, "officer.sign-in-failed", tries=tries)
    _refused(reason, officer)


def _refused(reason: str, officer: Officer | None = None) -> None:
    """Say why in the log and to nobody else: it would help who tries."""
    log.warning("sign-in refused", extra={"reason": reason, **({"officer": str(officer.id)} if officer else {})})


def _audit(session: Session, officer: Officer, action: str, **detail: object) -> None:
    audit(session, council_id=officer.council_id, actor="nobody", action=action, subject=str(officer.id), **detail)


def _step_of(officer: Officer, code: str) -> int | None:
    """The step of a code of now or of half a minute before or after that was not used already; None for any other."""
    if officer.totp_secret is None:
        return None
    totp = pyotp.TOTP(tokens.unseal(PURPOSE, officer.totp_secret))
    now = int(clock.now().timestamp()) // STEP_SECONDS
    given = code.replace(" ", "")
    for step in (now - 1, now, now + 1):
        if step > officer.totp_step and pyotp.utils.strings_equal(given, totp.at(step * STEP_SECONDS)):
            return step
    return None
