"""How many messages a stranger can make us send: to one mailbox, to neighbouring numbers, and by text at all.

Everyone is counted alike, whether we know the address or not, so that neither the answer nor its time tells.
"""

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from urllib.parse import urlsplit
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session

from notify.channels import CHANNELS, AddressKind, Channel
from notify.core import clock, request_origin, tokens
from notify.core.settings import settings
from notify.staff.service import audit
from notify.subscribers.models import ServiceMessageKind

log = logging.getLogger(__name__)

SERVICE_MESSAGES_PER_DAY = 3  # of each kind, to one mailbox or number, for one council or network that asks
SERVICE_MESSAGES_FOR_STRANGERS = 9  # the same for all networks together
TESTS_PER_HOUR = 5  # that one officer sends to themselves
TRIES_PER_DAY = 100  # at the codes of one number, however many codes it is sent
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
BLOCK_DIGITS = 2  # numbers that differ in their last two digits are neighbours
DOTLESS = frozenset({"gmail.com", "googlemail.com"})
_COUNT = text("""
    INSERT INTO service_message_count AS c (counted, period, messages)
    SELECT w.counted, :period, w.wanted
    FROM unnest(CAST(:counted AS bytea[]), CAST(:wanted AS integer[])) AS w (counted, wanted)
    WHERE w.wanted <= :most
    ORDER BY w.counted
    ON CONFLICT (counted, period) DO UPDATE SET messages = c.messages + excluded.messages
        WHERE c.messages + excluded.messages <= :most
    RETURNING counted
""")


def mailbox_of(channel: Channel, address: str) -> str:
    """Where messages to this normalised address end up: `a+1@…` and `a@…` are one mailbox, and a server is one."""
    if CHANNELS[channel].address is AddressKind.URL:
        return urlsplit(address).netloc
    if CHANNELS[channel].address is not AddressKind.MAILBOX:
        return address
    local, _, domain = address.rpartition("@")
    local = local.partition("+")[0]
    if domain in DOTLESS:
        local, domain = local.replace(".", ""), "gmail.com"
    return f"{local}@{domain}"


def _count(session: Session, wanted: Mapping[bytes, int], *, since: datetime, most: int) -> set[bytes]:
    """Count so many for each; those that stay within `most` since the period began are returned, others not counted.

    Always in one order, so that two requests never wait for each other in a circle.
    """
    if not wanted:
        return set()
    values = {"counted": list(wanted), "wanted": list(wanted.values()), "period": since, "most": most}
    return {bytes(row.counted) for row in session.execute(_COUNT, values)}


def _one_more(session: Session, counted: bytes, *, since: datetime, most: int) -> bool:
    return bool(_count(session, {counted: 1}, since=since, most=most))


def _begins(period: timedelta) -> datetime:
    """When the period that is running began."""
    now = clock.now()
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight if period == DAY else now.replace(minute=0, second=0, microsecond=0)


def allowed(
    session: Session,
    reached: Mapping[UUID, tuple[Channel, str]],
    kind: ServiceMessageKind,
    *,
    council_id: UUID | None,
    asked_by_stranger: bool = False,
) -> Sequence[UUID]:
    """Count a message of this kind to each of these addresses, and return those that may be written to now.

    What a council asks for is counted for that council alone, so that none uses up what others or the person need.

    `reached` is by any id: each with its channel and normalised address. The mailbox is asked first, so that someone
    who presses again and again for one number uses up nothing that others need.
    """
    if council_id:
        left = _mailboxes_left(session, reached, f"{kind}:{council_id}", SERVICE_MESSAGES_PER_DAY)
    else:  # what one stranger asks for leaves the owner, who is elsewhere, theirs
        near = _mailboxes_left(session, reached, f"{kind}:from:{request_origin.network()}", SERVICE_MESSAGES_PER_DAY)
        left = _mailboxes_left(session, {each: reached[each] for each in near}, kind, SERVICE_MESSAGES_FOR_STRANGERS)
    return [each for each in left if not asked_by_stranger or _may_text(session, *reached[each])]


def _mailboxes_left(
    session: Session, reached: Mapping[UUID, tuple[Channel, str]], what: str, most: int
) -> Sequence[UUID]:
    """Those whose mailbox or number had fewer than `most` today."""
    keys: dict[bytes, list[UUID]] = {}
    for key, (channel, address) in reached.items():
        counted = tokens.keyed_hash(f"notices:{what}", mailbox_of(channel, address))
        keys.setdefault(counted, []).append(key)
    wanted = {counted: len(found) for counted, found in keys.items()}
    left = _count(session, wanted, since=_begins(DAY), most=most)
    return [key for counted, found in keys.items() if counted in left for key in found]


def _may_text(session: Session, channel: Channel, address: str) -> bool:
    """Whether a stranger's wish may cost us one more text or call; counted whether or not we know the number.

    No, when a block of neighbouring numbers was written to too often within the hour, as fraud with texts does, or when
    the day's texts are used up. Alerts are never counted here.
    """
    if not CHANNELS[channel].is_phone:
        return True
    block = tokens.keyed_hash("notices:block", address[:-BLOCK_DIGITS])
    if not _one_more(session, block, since=_begins(HOUR), most=settings().adjacent_numbers):
        _stopped(session, "texts.stop-neighbours", block, _begins(HOUR))
        return False
    everything = tokens.keyed_hash("notices:texts", "all")
    if not _one_more(session, everything, since=_begins(DAY), most=settings().service_texts_per_day):
        _stopped(session, "texts.stop-day", everything, _begins(DAY))
        return False
    return True


def may_tell_by_text(session: Session) -> bool:
    """Whether one more text or call may tell someone today what a council did: apart from what strangers ask for."""
    counted = tokens.keyed_hash("notices:texts", "told")
    return _one_more(session, counted, since=_begins(DAY), most=settings().service_texts_per_day)


def may_send_test(session: Session, officer_id: UUID) -> bool:
    """Whether this officer may send themselves one more test message within the hour, by email or text."""
    counted = tokens.keyed_hash("notices:tests", str(officer_id))
    return _one_more(session, counted, since=_begins(HOUR), most=TESTS_PER_HOUR)


def may_try_code(session: Session, number: str) -> bool:
    """Whether one more code may be tried for this normalised number today; counted whether or not we know it."""
    counted = tokens.keyed_hash("codes:tries", number)
    return _one_more(session, counted, since=_begins(DAY), most=TRIES_PER_DAY)


def is_first_time(session: Session, sign_up: str) -> bool:
    """Whether this sign-up was not taken before: its button may be pressed twice, and a phone may send a form again.

    The same for addresses that are known and not, so that no answer is quicker for one of them.
    """
    return _one_more(session, tokens.keyed_hash("sign-up:once", sign_up), since=_begins(DAY), most=1)


def _stopped(session: Session, action: str, counted: bytes, period: datetime) -> None:
    """Say so in the log each time, and once a period in the audit trail, which strangers must not be able to fill."""
    named = counted.hex()[:8]  # a keyed hash: the trail says which block it was without naming a number
    log.warning("texts that strangers ask for are stopped", extra={"action": action, "block": named})
    if _one_more(session, tokens.keyed_hash("notices:told", counted.hex()), since=period, most=1):
        audit(session, council_id=None, actor="allowance", action=action, subject=named)
