"""Idempotency keys: a repeated request gets its first reply and has no second effect."""

import hashlib
from collections.abc import Mapping
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session

from notify.alerts.models import IdempotentReply
from notify.core.errors import Conflict, Invalid


class KeyReused(Invalid):
    """An idempotency key means one request for ever."""

    title = "This Idempotency-Key was used for another request"


class StillRunning(Conflict):
    """The first request with this key has not been answered yet."""

    title = "The same request is still running"


def lock(session: Session, *, council_id: UUID, key: str, body: bytes) -> dict[str, object] | None:
    """The reply that was given to this very request before, or None when it is new and may run now.

    Holds the key until the transaction ends; `record` then stores the reply in the same transaction, so that a
    request either happened wholly and is recorded, or not at all. Raises: StillRunning, KeyReused.
    """
    free = session.execute(
        text("SELECT pg_try_advisory_xact_lock(hashtextextended(:name, 0))"), {"name": f"{council_id}/{key}"}
    ).scalar_one()
    if not free:
        raise StillRunning("Wait for the answer to the first request, or repeat this one in a second.")
    kept = session.get(IdempotentReply, (council_id, key))
    if kept is None:
        return None
    if kept.body_hash != hashlib.sha256(body).digest():
        raise KeyReused("The body differs from the first request's. Use a new key for a new alert.")
    return kept.reply


def record(session: Session, *, council_id: UUID, key: str, body: bytes, reply: Mapping[str, object]) -> None:
    """Keep the reply for when the same request comes again."""
    session.add(
        IdempotentReply(council_id=council_id, key=key, body_hash=hashlib.sha256(body).digest(), reply=dict(reply))
    )
