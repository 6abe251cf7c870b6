"""Codes for the day when an officer's authenticator app is lost: each stands once for the app's code."""

import base64
import secrets
from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import delete, update
from sqlmodel import Session, col

from notify.core import clock, tokens
from notify.staff.models import RecoveryCode

HOW_MANY = 8
CODE_BYTES = 10  # 80 bits: nobody guesses one, so tries at them need no lock


def renew(session: Session, officer_id: UUID) -> Sequence[str]:
    """New codes, such as `k3vq-7d2m-x5ra-ub4c`, which can be read only now. The ones before stop working."""
    session.execute(delete(RecoveryCode).where(col(RecoveryCode.officer_id) == officer_id))
    codes = [_new() for _ in range(HOW_MANY)]
    session.add_all(RecoveryCode(digest=_digest(officer_id, code), officer_id=officer_id) for code in codes)
    return codes


def use(session: Session, officer_id: UUID, code: str) -> bool:
    """Whether this is an unused code of this officer; it is used up."""
    used = session.execute(
        update(RecoveryCode)
        .where(
            col(RecoveryCode.digest) == _digest(officer_id, code),
            col(RecoveryCode.officer_id) == officer_id,
            col(RecoveryCode.used_at).is_(None),
        )
        .values(used_at=clock.now())
    )
    return bool(used.rowcount)  # type: ignore[attr-defined]


def _new() -> str:
    letters = base64.b32encode(secrets.token_bytes(CODE_BYTES)).decode().lower()
    return "-".join(letters[at : at + 4] for at in range(0, len(letters), 4))


def _digest(officer_id: UUID, code: str) -> bytes:
    letters = "".join(code.split()).replace("-", "").lower()
    return tokens.keyed_hash("recovery", f"{officer_id}:{letters}")
