"""How many messages a stranger can make us send: to one mailbox, to neighbouring numbers, and by text at all.

Everybody is counted alike, whether we know the address or not, so that neither the answer nor its time tells.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session

from notify import clock, tokens
from notify.providers.base import Channel
from notify.settings import settings
from notify.staff.service import audit
from notify.subscribers.models import NoticeKind

log = logging.getLogger(__name__)

NOTICES_PER_DAY = 3  # of each kind, to one mailbox or number
TRIES_PER_DAY = 100  # at the codes of one number, however many codes it is sent
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
BLOCK_DIGITS = 2  # numbers that differ in their last two digits are neighbours
DOTLESS = frozenset({"gmail.com", "googlemail.com"})


def mailbox_of(channel: Channel, address: str) -> str:
    """Where messages to this normalised address end up: `a+1@…` and `a@…` are one mailbox."""
    if channel != Channel.EMAIL:
        return address
    local, _, domain = address.rpartition("@")
    local = local.partition("+")[0]
    if domain in DOTLESS:
        local, domain = local.replace(".", ""), "gmail.com"
    return f"{local}@{domain}"


@dataclass(frozen=True, slots=True)
class _Counter:
    """One thing that is counted: how many a period are allowed, and how many this message asks for."""

    counted: bytes
    period: datetime
    most: int
    wanted: int = 1


_COUNT = text("""
    INSERT INTO notice_count AS c (counted, period, notices)
    SELECT w.counted, w.period, w.wanted
    FROM unnest(CAST(:counted AS bytea[]), CAST(:periods AS timestamptz[]), CAST(:wanted AS integer[]),
                CAST(:most AS integer[])) AS w (counted, period, wanted, most)
    WHERE w.wanted <= w.most
    ORDER BY w.counted, w.period
    ON CONFLICT (counted, period) DO UPDATE SET notices = c.notices + excluded.notices
        WHERE c.notices + excluded.notices <= (
            SELECT o.most FROM unnest(CAST(:counted AS bytea[]), CAST(:most AS integer[])) AS o (counted, most)
            WHERE o.counted = excluded.counted
        )
    RETURNING counted
""")


def _count(session: Session, counters: Sequence[_Counter]) -> set[bytes]:
    """Count each, and return those that were still allowed. Held in one order, so that nobody waits in a circle."""
    if not counters:
        return set()
    found = session.execute(
        _COUNT,
        {
            "counted": [counter.counted for counter in counters],
            "periods": [counter.period for counter in counters],
            "wanted": [counter.wanted for counter in counters],
            "most": [counter.most for counter in counters],
        },
    )
    return {bytes(row.counted) for row in found}


def _begins(period: timedelta) -> datetime:
    """When the period that is running began."""
    now = clock.now()
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight if period == DAY else now.replace(minute=0, second=0, microsecond=0)


def allowed(
    session: Session, reached: Mapping[UUID, tuple[Channel, str]], kind: NoticeKind, *, asked_by_stranger: bool
) -> Sequence[UUID]:
    """Count a message of this kind to each of these addresses, and return those that may be written to now.

    `reached` is by any id: each with its channel and normalised address. The mailbox is asked first, so that somebody
    who presses again and again for one number uses up nothing that others need.
    """
    left = _mailboxes_left(session, reached, kind)
    return [each for each in left if not asked_by_stranger or _may_text(session, *reached[each])]


def _mailboxes_left(session: Session, reached: Mapping[UUID, tuple[Channel, str]], kind: NoticeKind) -> Sequence[UUID]:
    """Those of which every mailbox and number had fewer than three today."""
    keys: dict[bytes, list[UUID]] = {}
    for key, (channel, address) in reached.items():
        counted = tokens.keyed_hash(f"notices:{kind}", mailbox_of(channel, address))
        keys.setdefault(counted, []).append(key)
    period = _begins(DAY)
    counters = [_Counter(counted, period, NOTICES_PER_DAY, len(found)) for counted, found in keys.items()]
    left = _count(session, counters)
    return [key for counted, found in keys.items() if counted in left for key in found]


def _may_text(session: Session, channel: Channel, address: str) -> bool:
    """Whether a stranger's wish may cost us one more text or call; counted whether or not we know the number.

    No, when a block of neighbouring numbers was written to too often within the hour, as fraud with texts does, or when
    the day's texts are used up. Alerts are never counted here.
    """
    if channel not in (Channel.SMS, Channel.VOICE):
        return True
    block = tokens.keyed_hash("notices:block", address[:-BLOCK_DIGITS])
    if not _count(session, [_Counter(block, _begins(HOUR), settings().adjacent_numbers)]):
        _stopped(session, "texts.stop-neighbours", block, _begins(HOUR))
        return False
    everything = tokens.keyed_hash("notices:texts", "all")
    if not _count(session, [_Counter(everything, _begins(DAY), settings().notice_texts_per_day)]):
        _stopped(session, "texts.stop-day", everything, _begins(DAY))
        return False
    return True


def may_try_code(session: Session, number: str) -> bool:
    """Whether one more code may be tried for this normalised number today; counted whether or not we know it."""
    counted = tokens.keyed_hash("codes:tries", number)
    return bool(_count(session, [_Counter(counted, _begins(DAY), TRIES_PER_DAY)]))


def _stopped(session: Session, action: str, counted: bytes, period: datetime) -> None:
    """Say so in the log each time, and once a period in the audit trail, which strangers must not be able to fill."""
    named = counted.hex()[:8]  # a keyed hash: the trail says which block it was without naming a number
    log.warning("texts that strangers ask for are stopped", extra={"action": action, "block": named})
    if _count(session, [_Counter(tokens.keyed_hash("notices:told", counted.hex()), period, 1)]):
        audit(session, council_id=None, actor="allowance", action=action, subject=named)
