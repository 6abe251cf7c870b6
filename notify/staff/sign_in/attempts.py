"""Wrong tries to sign in, counted where they come from: a browser that is known, a session, or anyone else.

Strangers share one count for each officer. A browser that signed in before carries a signed cookie and has a count of
its own, so that nobody elsewhere can lock its officer out.
"""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, update
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col

from notify.core import clock, tokens
from notify.staff.models import Officer, SignInTries

FREE_TRIES = 5
LONGEST_WAIT = timedelta(hours=1)
KEPT = timedelta(days=2)
DEVICE_LIFE = timedelta(days=365)
DEVICE_BYTES = 8


@dataclass(frozen=True, slots=True)
class Known:
    """Where a try comes from, if that is known. `bucket` is what its wrong tries are counted under."""

    bucket: bytes


def device_cookie(officer: Officer) -> str:
    """What a browser keeps in which this officer signed in with their password. A new password ends it."""
    return tokens.sign(tokens.Purpose.DEVICE, _about(officer) + secrets.token_bytes(DEVICE_BYTES))


def known_device(officer: Officer, cookie: str) -> Known | None:
    """The browser that this cookie was given to, if it was for this officer and their present password."""
    try:
        payload = tokens.read(tokens.Purpose.DEVICE, cookie)
    except tokens.LinkNotValid:
        return None
    return Known(tokens.digest(cookie)) if payload[:-DEVICE_BYTES] == _about(officer) else None


def of_session(cookie: str) -> Known:
    """The session of this cookie, for someone who is signed in."""
    return Known(tokens.keyed_hash("tries:session", cookie))


def _about(officer: Officer) -> bytes:
    return officer.id.bytes + hashlib.sha256((officer.password_hash or "").encode()).digest()[:DEVICE_BYTES]


def must_wait(session: Session, officer: Officer, known: Known | None) -> bool:
    """Whether no try counts now, right or wrong. The officer's row is locked by the caller."""
    until = officer.locked_until
    if known is not None:
        row = session.get(SignInTries, known.bucket)
        until = row.locked_until if row else None
    return until is not None and until > clock.now()


def count_wrong(session: Session, officer: Officer, known: Known | None) -> int:
    """Count a wrong try; how many there were. After five each further one doubles the wait, up to an hour."""
    row = session.get(SignInTries, known.bucket) if known else None
    tries = 1 + (row.tries if row else 0 if known else officer.failed_tries)
    _store(session, officer.id, known, tries, _wait_until(tries))
    return tries


def forget(session: Session, officer: Officer, known: Known | None) -> None:
    """Begin to count again, after a try that was right."""
    if known:
        session.execute(delete(SignInTries).where(col(SignInTries.bucket) == known.bucket))
    else:
        _store(session, officer.id, None, 0, None)


def _wait_until(tries: int) -> datetime | None:
    over = tries - FREE_TRIES
    return clock.now() + min(LONGEST_WAIT, timedelta(minutes=2 ** min(over, 10))) if over >= 0 else None


def _store(session: Session, officer_id: UUID, known: Known | None, tries: int, until: datetime | None) -> None:
    if known is None:
        changed = update(Officer).where(col(Officer.id) == officer_id)
        session.execute(changed.values(failed_tries=tries, locked_until=until))
        return
    now = clock.now()
    session.execute(delete(SignInTries).where(col(SignInTries.changed_at) < now - KEPT))
    values = {"tries": tries, "locked_until": until, "changed_at": now}
    statement = insert(SignInTries).values(bucket=known.bucket, **values)
    session.execute(statement.on_conflict_do_update(index_elements=["bucket"], set_=values))
