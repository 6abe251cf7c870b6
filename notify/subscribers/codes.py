"""Six digits that confirm a phone: sent by text, typed in on a page, five tries each."""

import hmac
import secrets
from datetime import timedelta
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session

from notify import clock, tokens
from notify.providers.base import Channel
from notify.subscribers import addresses, allowance, queries
from notify.subscribers.models import Contact

CODE_DIGITS = 6
CODE_TRIES = 5
CODE_LIFE = timedelta(minutes=30)


def _digest(contact_id: UUID, code: str) -> bytes:
    """What is stored. Keyed, because so few digits could be found from a plain hash by trying."""
    return tokens.keyed_hash("code", f"{contact_id}:{code}")


def issue_code(session: Session, contact_id: UUID) -> str:
    """A new code for this phone; the one before stops working."""
    code = f"{secrets.randbelow(10**CODE_DIGITS):0{CODE_DIGITS}d}"
    session.execute(
        text("""
            INSERT INTO confirm_code (contact_id, digest, tries, expires_at) VALUES (:contact, :digest, 0, :expires)
            ON CONFLICT (contact_id) DO UPDATE SET digest = excluded.digest, tries = 0, expires_at = excluded.expires_at
        """),
        {"contact": contact_id, "digest": _digest(contact_id, code), "expires": clock.now() + CODE_LIFE},
    )
    return code


def use_code(session: Session, number: str, code: str) -> Contact | None:
    """The phone that this code was sent to, used up; None for any other code, which costs one of five tries.

    Trying writes a line also where nobody has the number, so that it takes as long. The caller commits also after None,
    or the try would not count. Raises: AddressNotValid.
    """
    digits = "".join(code.split())
    address = addresses.normalise(Channel.SMS, number)
    may_try = allowance.may_try_code(session, address)
    contact = queries.contact_by_fingerprint(session, addresses.fingerprint(Channel.SMS, address))
    # the row stays locked until the caller commits: a thousand guesses at once are a thousand one after another
    stored = session.execute(
        text("""
            UPDATE confirm_code SET tries = tries + 1
            WHERE contact_id = :contact AND tries < :most AND expires_at > :now
            RETURNING digest
        """),
        {"contact": contact.id if contact else None, "most": CODE_TRIES, "now": clock.now()},
    ).scalar_one_or_none()
    given = _digest(contact.id if contact else UUID(int=0), digits)
    if not may_try or contact is None or stored is None or not hmac.compare_digest(bytes(stored), given):
        return None
    session.execute(text("DELETE FROM confirm_code WHERE contact_id = :contact"), {"contact": contact.id})
    return contact
