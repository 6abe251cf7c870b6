"""Six digits that confirm a phone: sent by text or read out in a call, typed in on a page, five tries each."""

import hmac
import secrets
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session

from notify.channels import CHANNELS, Channel, Confirmation
from notify.core import clock, request_origin, tokens
from notify.core.settings import settings
from notify.providers import addresses
from notify.subscribers import message_limits, queries
from notify.subscribers.models import Contact

CODE_DIGITS = 6
CODE_TRIES = 5
CODE_LIFE = timedelta(minutes=30)


def _digest(contact_id: UUID, code: str) -> bytes:
    """What is stored. Keyed, because so few digits could be found from a plain hash by trying."""
    return tokens.keyed_hash("code", f"{contact_id}:{code}")


def asked_from(contact_id: UUID) -> bytes | None:
    """What is kept of the network that the present request comes from: enough to know it again for this phone."""
    network = request_origin.network()
    return tokens.keyed_hash("asked-from", f"{contact_id}:{network}") if network else None


def issue_code(session: Session, contact_id: UUID, about: UUID | None = None, asker: bytes | None = None) -> str:
    """A new code for this phone, also a yes to what it is `about`. Those before it work on, as links do.

    `asker` is what `asked_from` was when someone asked for it.
    """
    code = f"{secrets.randbelow(10**CODE_DIGITS):0{CODE_DIGITS}d}"
    session.execute(
        text("""
            INSERT INTO confirm_code (contact_id, digest, about, tries, own_tries, asked_from, expires_at)
            VALUES (:contact, :digest, CAST(:about AS uuid), 0, 0, :asker, :expires)
        """),
        {
            "contact": contact_id,
            "digest": _digest(contact_id, code),
            "about": about,
            "asker": asker,
            "expires": clock.now() + CODE_LIFE,
        },
    )
    return code


def use_code(session: Session, number: str, code: str) -> tuple[Contact, UUID | None] | None:
    """The phone that this code was sent to, used up, and what it is about; None for any other code, which costs one of
    five tries. The network that asked for a code has five of its own, so that strangers' tries take none of them.

    Trying writes a line also where nobody has the number, so that it takes as long. The caller commits also after None,
    or the try would not count. Raises: AddressNotValid.
    """
    digits = "".join(code.split())
    phones = _phones(number)
    may_try = message_limits.may_try_code(session, phones[0][1])
    found = [queries.contacts_by_fingerprint(session, addresses.fingerprint(*phone)) for phone in phones]
    contacts = {contact.id: contact for councils in found for contact in councils}
    # the rows stay locked until the caller commits: a thousand guesses at once are a thousand one after another
    stored = session.execute(
        text("""
            WITH mine AS (
                SELECT c.id, a.asked_from IS NOT NULL AS is_own
                FROM confirm_code c
                LEFT JOIN unnest(CAST(:contacts AS uuid[]), CAST(:askers AS bytea[])) AS a (contact_id, asked_from)
                    ON a.contact_id = c.contact_id AND a.asked_from = c.asked_from
                WHERE c.contact_id = ANY(CAST(:contacts AS uuid[])) ORDER BY c.id FOR UPDATE OF c
            )
            UPDATE confirm_code c
            SET tries = tries + (NOT is_own AND :may_try)::integer, own_tries = own_tries + is_own::integer
            FROM mine
            WHERE c.id = mine.id AND c.expires_at > :now
              AND CASE WHEN is_own THEN own_tries < :most ELSE tries < :most AND :may_try END
            RETURNING contact_id, digest, about
        """),
        {
            "contacts": list(contacts),
            "askers": [asked_from(contact_id) for contact_id in contacts],
            "most": CODE_TRIES,
            "may_try": may_try,
            "now": clock.now(),
        },
    ).all()
    right = [each for each in stored if hmac.compare_digest(bytes(each.digest), _digest(each.contact_id, digits))]
    if not stored:
        _digest(UUID(int=0), digits)  # takes as long
    if not right:
        return None
    session.execute(text("DELETE FROM confirm_code WHERE contact_id = :contact"), {"contact": right[0].contact_id})
    return contacts[right[0].contact_id], right[0].about


def _phones(number: str) -> Sequence[tuple[Channel, str]]:
    """The number on each channel that is confirmed by a code and can reach it. Raises: AddressNotValid."""
    found: list[tuple[Channel, str]] = []
    wrong: addresses.AddressNotValid | None = None
    for about in CHANNELS.values():
        if about.confirmation is Confirmation.CODE and settings().providers_for(about.channel):
            try:
                found.append((about.channel, addresses.normalise(about.channel, number)))
            except addresses.AddressNotValid as error:
                wrong = error
    if wrong and not found:
        raise wrong
    return found
