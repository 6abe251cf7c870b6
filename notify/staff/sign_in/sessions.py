"""Officers' sessions: kept here, not in the browser; short, renewed at every change of rights, ended at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, update
from sqlmodel import Session, col, select

from notify.core import clock, tokens
from notify.staff.models import Officer, SignIn

SESSION_LIFE = timedelta(hours=8)
IDLE_LIFE = timedelta(minutes=30)
NOTED_EVERY = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Whose session a cookie names, and when they last proved themselves with a second factor."""

    officer: Officer
    mfa_at: datetime | None


def open_session(
    session: Session,
    officer: Officer,
    *,
    mfa_at: datetime | None,
    instead_of: str = "",
    until: datetime | None = None,
) -> str:
    """The secret for a new session's cookie, which lasts a working day or `until`. The session that the browser came
    with, if any, ends.
    """
    if instead_of:
        close_session(session, instead_of)
    now = clock.now()
    session.execute(delete(SignIn).where(col(SignIn.officer_id) == officer.id, col(SignIn.expires_at) <= now))
    session.execute(update(Officer).where(col(Officer.id) == officer.id).values(last_active_at=now))
    cookie = tokens.random_token()
    session.add(
        SignIn(
            digest=tokens.digest(cookie),
            officer_id=officer.id,
            is_link=False,
            expires_at=until or now + SESSION_LIFE,
            seen_at=now,
            mfa_at=mfa_at,
        )
    )
    return cookie


def renew_session(session: Session, cookie: str, *, mfa_at: datetime) -> str | None:
    """A new secret for the session of `cookie` with a fresh second factor, as long-lived as before."""
    fresh = tokens.random_token()
    renewed = session.execute(
        update(SignIn)
        .where(col(SignIn.digest) == tokens.digest(cookie), col(SignIn.is_link).is_(False))
        .values(digest=tokens.digest(fresh), mfa_at=mfa_at, seen_at=clock.now())
    )
    return fresh if renewed.rowcount else None  # type: ignore[attr-defined]


def signed_in(session: Session, cookie: str) -> SignedIn | None:
    """Whose session this cookie names, while it and its officer are valid. Looking keeps the session alive."""
    found = _find(session, cookie)
    if found is None:
        return None
    officer, kept = found
    if clock.now() - kept.seen_at >= NOTED_EVERY:
        session.execute(update(SignIn).where(col(SignIn.digest) == kept.digest).values(seen_at=clock.now()))
        session.execute(update(Officer).where(col(Officer.id) == officer.id).values(last_active_at=clock.now()))
    return SignedIn(officer, kept.mfa_at)


def still_signed_in(session: Session, cookie: str) -> SignedIn | None:
    """The same for a page that asks by itself: nobody may be there, so it does not keep the session alive."""
    found = _find(session, cookie)
    return SignedIn(found[0], found[1].mfa_at) if found else None


def _find(session: Session, cookie: str) -> tuple[Officer, SignIn] | None:
    now = clock.now()
    return session.exec(
        select(Officer, SignIn)
        .join(SignIn, col(SignIn.officer_id) == col(Officer.id))
        .where(
            SignIn.digest == tokens.digest(cookie),
            col(SignIn.is_link).is_(False),
            SignIn.expires_at > now,
            SignIn.seen_at > now - IDLE_LIFE,
            col(Officer.active).is_(True),
        )
    ).first()


def kept(session: Session, cookie: str) -> SignIn | None:
    """What is kept of the session of this cookie."""
    found = select(SignIn).where(SignIn.digest == tokens.digest(cookie), col(SignIn.is_link).is_(False))
    return session.exec(found).first()


def close_session(session: Session, cookie: str) -> None:
    """End the session of this cookie, if there is one."""
    session.execute(delete(SignIn).where(col(SignIn.digest) == tokens.digest(cookie)))


@dataclass(frozen=True, slots=True)
class OpenSession:
    """A browser in which someone is signed in; `key` names it and opens nothing."""

    key: str
    began_at: datetime
    seen_at: datetime
    mfa_at: datetime | None


def open_sessions(session: Session, officer_id: UUID) -> Sequence[OpenSession]:
    """Where this officer is signed in now, the newest first."""
    now = clock.now()
    found = session.exec(
        select(SignIn).where(
            SignIn.officer_id == officer_id,
            col(SignIn.is_link).is_(False),
            SignIn.expires_at > now,
            SignIn.seen_at > now - IDLE_LIFE,
        )
    ).all()
    listed = [OpenSession(one.digest.hex(), one.expires_at - SESSION_LIFE, one.seen_at, one.mfa_at) for one in found]
    return sorted(listed, key=lambda one: one.began_at, reverse=True)


def close_one(session: Session, officer_id: UUID, key: str) -> bool:
    """End the session of this officer that `key` names; whether there was one."""
    try:
        digest = bytes.fromhex(key)
    except ValueError:
        return False
    ended = session.execute(
        delete(SignIn)
        .where(col(SignIn.officer_id) == officer_id, col(SignIn.digest) == digest)
        .returning(col(SignIn.digest))
    )
    return ended.first() is not None


def close_all(session: Session, officer_ids: Sequence[UUID]) -> None:
    """End every session and sign-in link of these officers."""
    session.execute(delete(SignIn).where(col(SignIn.officer_id).in_(officer_ids)))
