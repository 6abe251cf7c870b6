"""How many messages a stranger can make us send: to one mailbox, to neighbouring numbers, and by text at all.

Everybody is counted alike, whether we know the address or not, so that neither the answer nor its time tells.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import text
from sqlmodel import Session

from notify import clock, tokens
from notify.providers.base import Channel
from notify.settings import settings
from notify.subscribers.models import NoticeKind

log = logging.getLogger(__name__)

NOTICES_PER_DAY = 3  # of each kind, to one mailbox or number
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


def mailboxes_left(session: Session, reached: Mapping[str, tuple[Channel, str]], kind: NoticeKind) -> Sequence[str]:
    """Count a message of this kind to each of these addresses, and return those that may have one more today.

    `reached` is by any key: each with its channel and normalised address. Every mailbox and number has three a day.
    """
    keys: dict[bytes, list[str]] = {}
    for key, (channel, address) in reached.items():
        counted = tokens.keyed_hash(f"notices:{kind}", mailbox_of(channel, address))
        keys.setdefault(counted, []).append(key)
    period = _begins(DAY)
    counters = [_Counter(counted, period, NOTICES_PER_DAY, len(found)) for counted, found in keys.items()]
    allowed = _count(session, counters)
    return [key for counted, found in keys.items() if counted in allowed for key in found]


def may_text(session: Session, channel: Channel, address: str) -> bool:
    """Whether a stranger's wish may cost us one more text or call; counted whether or not we know the number.

    No, when many neighbouring numbers were written to within the hour, as fraud with texts does, or when the day's
    texts are used up. Alerts are never counted here.
    """
    if channel not in (Channel.SMS, Channel.VOICE):
        return True
    block = tokens.keyed_hash("notices:block", address[:-BLOCK_DIGITS])
    if not _count(session, [_Counter(block, _begins(HOUR), settings().adjacent_numbers)]):
        log.warning("texts to neighbouring numbers stopped for this hour", extra={"block": block.hex()[:8]})
        return False
    everything = tokens.keyed_hash("notices:texts", "all")
    if not _count(session, [_Counter(everything, _begins(DAY), settings().notice_texts_per_day)]):
        log.warning("no more texts to residents today: NOTIFY_NOTICE_TEXTS_PER_DAY is used up")
        return False
    return True
