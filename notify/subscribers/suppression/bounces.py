"""Bounces: one hard one suppresses an address, several soft ones do, and many at once wait for a person.

One mistake of our own (a wrong resolver, a relay that invents refusals) can make every address look dead within an
hour. So hard bounces with one cause are counted, and more than a setting allows suppress nobody until a member of
staff has looked.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session

from notify.channels import CHANNELS, Channel
from notify.core.errors import NotFound
from notify.staff.service import audit
from notify.subscribers.models import SuppressionReason
from notify.subscribers.suppression.bounce_models import Bounced, BounceSettings
from notify.subscribers.suppression.service import suppress

LONGEST_CAUSE = 120
LONGEST_REASON = 1_000  # of which a cause is made; mail systems write what they like
RECEIPT, REFUSED = "receipt", "refused"  # said later, or at once
CONFIRMED = "receipt, confirmed by staff"

# addresses, links, and whatever holds a digit and is no reply code: ids of queues, hosts, counters
_VARIES = re.compile(
    r"\S*@\S*|https?://\S+|<[^>]*>|…|(?<![\w.])(?![245]\d\d\b)(?!\d\.\d{1,3}\.\d{1,3}\b)(?=[\w.-]*\d)[\w.-]+"
)
_PUNCTUATION = re.compile(r"[^\w.]+")


class UnknownBurst(NotFound):
    """Nothing of this cause waits for your council any more."""

    title = "No bounces of this cause are waiting"


@dataclass(frozen=True, slots=True)
class Burst:
    """Hard bounces of one cause that wait for a person of one council. `id` is the oldest bounce's."""

    id: UUID
    cause: str
    addresses: int
    first_at: datetime
    last_at: datetime


def cause_of(reason: str) -> str:
    """A reason without what differs from address to address, so that bounces with one cause can be counted."""
    return (
        " ".join(_PUNCTUATION.sub(" ", _VARIES.sub(" ", reason[:LONGEST_REASON].lower())).split())[:LONGEST_CAUSE]
        or "no reason"
    )


def take(session: Session, came_back: Sequence[Bounced], *, source: str = RECEIPT) -> Sequence[UUID]:
    """Count these bounces and suppress whom they suppress; a bounce of each burst that began, for staff to be told.

    To be called after whatever else locks rows: it waits for others that take bounces of the same cause.
    """
    begun = [_take_hard(session, cause, found, source) for cause, found in _by_cause(came_back)]
    _take_soft(session, [one for one in came_back if not one.is_hard], source)
    return [bounce for bounces in begun for bounce in bounces]


def _by_cause(came_back: Sequence[Bounced]) -> Sequence[tuple[str, Sequence[Bounced]]]:
    causes: dict[str, list[Bounced]] = {}
    for one in came_back:
        if one.is_hard:
            causes.setdefault(cause_of(one.reason), []).append(one)
    return sorted(causes.items())  # so that two call-backs cannot wait in a ring


def _take_hard(session: Session, cause: str, found: Sequence[Bounced], source: str) -> Sequence[UUID]:
    """Suppress these addresses, or hold them with all of the last hour that have the same cause.

    Many within an hour are held whichever councils wrote. After that hour only a council that itself has many of them
    waiting goes on holding, and for a day: one that does not decide keeps nobody else's bounces from counting.
    """
    most = BounceSettings().burst
    session.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:cause, 27))"), {"cause": cause})
    session.execute(text(NOTE), _columns(found) | {"cause": cause, "state": "taken"})
    waiting = {row.council_id: row.addresses for row in session.execute(text(WAITING), {"cause": cause})}
    is_burst = session.execute(text(SEEN), {"cause": cause}).scalar_one() > most > 0
    holding = [council for council, addresses in waiting.items() if addresses > most > 0]
    for one in sorted(found, key=lambda one: one.address_hash):
        if not is_burst and one.council_id not in holding:
            _suppress(session, one.council_id, one.channel, one.address_hash, SuppressionReason.HARD_BOUNCE, source)
    held = _hold(session, {"cause": cause, "everybody": is_burst, "councils": holding}) if is_burst or holding else {}
    session.execute(text(REFRESH), {"hashes": [one.address_hash for one in found]})
    return [bounce for council, bounce in held.items() if council not in waiting]


def _hold(session: Session, values: Mapping[str, object]) -> Mapping[UUID, UUID]:
    """Hold the bounces of the last hour with this cause; the oldest of each council that has some."""
    session.execute(text(LIFT_AGAIN), values)
    held: dict[UUID, UUID] = {}
    for row in session.execute(text(HOLD), values):
        held[row.council_id] = min(row.id, held.get(row.council_id, row.id))
    return held


def _suppress(
    session: Session, council_id: UUID, channel: Channel, address_hash: bytes, reason: SuppressionReason, source: str
) -> bool:
    """A fact about an address, which councils share; a receiver of webhooks belongs to its own council."""
    is_own = CHANNELS[channel].is_own_service
    return suppress(
        session,
        council_id=council_id if is_own else None,
        again_for=None if is_own else council_id,
        channel=channel,
        address_hash=address_hash,
        reason=reason,
        source=source,
    )


def _take_soft(session: Session, found: Sequence[Bounced], source: str) -> None:
    chosen = BounceSettings()
    if not found:
        return
    session.execute(text(NOTE), _columns(found) | {"cause": "", "state": "soft"})
    limits = {"count": chosen.soft_count, "days": chosen.soft_days, "window": chosen.soft_window_days}
    hashes = {"hashes": [one.address_hash for one in found]}
    too_many = {bytes(row) for row in session.execute(text(TOO_MANY), hashes | limits).scalars()}
    for one in sorted(found, key=lambda one: one.address_hash):
        if one.address_hash in too_many:
            _suppress(session, one.council_id, one.channel, one.address_hash, SuppressionReason.SOFT_BOUNCES, source)


def forget_soft(session: Session, address_hashes: Sequence[bytes]) -> None:
    """Something arrived at these addresses: what came back softly before counts no more."""
    if address_hashes:
        values = {"hashes": sorted(address_hashes), "why": "A message arrived."}
        session.execute(text(FORGET_SOFT), values)
        session.execute(text(LIFT_SOFT), values)


def prove(session: Session, address_hash: bytes) -> None:
    """The resident has shown that messages arrive at this address: bounces of before say nothing more, and no council
    is kept from writing there by them."""
    values = {"hashes": [address_hash], "why": "The resident confirmed the address again."}
    session.execute(text(FORGET), values)
    session.execute(text(LIFT_BOUNCES), values)


def erase(session: Session, council_id: UUID, address_hashes: Sequence[bytes]) -> None:
    """Forget what came back to a council from these addresses, whose owner is erased."""
    values = {"council": council_id, "hashes": list(address_hashes)}
    session.execute(text(ERASE), values)


def bursts(session: Session, council_id: UUID) -> Sequence[Burst]:
    """The hard bounces of this council that wait for a person, by cause, the newest first."""
    rows = session.execute(text(BURSTS), {"council": council_id}).all()
    return [Burst(row.id, row.cause, row.addresses, row.first_at, row.last_at) for row in rows]


def burst_of(session: Session, bounce_id: UUID) -> tuple[UUID, Burst] | None:
    """The council and the burst that this bounce is part of, while it waits."""
    row = session.execute(text("SELECT council_id, cause FROM bounce WHERE id = :id"), {"id": bounce_id}).first()
    if row is None:
        return None
    found = next((burst for burst in bursts(session, row.council_id) if burst.cause == row.cause), None)
    return (row.council_id, found) if found else None


def waiting(session: Session) -> int:
    """How many hard bounces of all councils wait for a person."""
    return int(session.execute(text("SELECT count(*) FROM bounce WHERE state = 'held'")).scalar_one())


def decide(session: Session, *, council_id: UUID, burst_id: UUID, is_dead: bool, actor: str) -> int:
    """Suppress every address of a burst after all, or leave them all in use; how many.

    Raises: UnknownBurst.
    """
    row = session.execute(text(CAUSE), {"id": burst_id, "council": council_id}).first()
    if row is None:
        raise UnknownBurst("Somebody else has decided, or this is not a burst of your council's.")
    cause = str(row.cause)
    session.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:cause, 27))"), {"cause": cause})
    values = {"cause": cause, "council": council_id, "actor": actor}
    decided = session.execute(text(DECIDE), values | {"state": "confirmed" if is_dead else "dismissed"}).all()
    for one in sorted(decided, key=lambda one: bytes(one.address_hash)) if is_dead else ():
        address = bytes(one.address_hash)
        _suppress(session, council_id, Channel(one.channel), address, SuppressionReason.HARD_BOUNCE, CONFIRMED)
    audit(
        session,
        council_id=council_id,
        actor=actor,
        action="bounces.confirm" if is_dead else "bounces.dismiss",
        subject=str(burst_id),
        cause=cause,
        addresses=len(decided),
    )
    return len(decided)


def _columns(found: Sequence[Bounced]) -> dict[str, object]:
    return {
        "councils": [one.council_id for one in found],
        "channels": [one.channel.value for one in found],
        "hashes": [one.address_hash for one in found],
    }


# a bounce of an address that is suppressed anyway counts for no burst: it has no cause
NOTE = """
    INSERT INTO bounce (council_id, channel, address_hash, state, cause, at)
    SELECT f.council_id, f.channel, f.address_hash, CAST(:state AS varchar),
           CASE WHEN EXISTS (SELECT FROM suppression x
                             WHERE x.address_hash = f.address_hash AND x.reason = 'hard-bounce'
                               AND x.lifted_at IS NULL AND coalesce(x.council_id, f.council_id) = f.council_id
                               AND f.council_id <> ALL(x.lifted_for))
                THEN '' ELSE CAST(:cause AS varchar) END,
           business_now()
    FROM unnest(CAST(:councils AS uuid[]), CAST(:channels AS varchar[]), CAST(:hashes AS bytea[]))
         AS f (council_id, channel, address_hash)
"""
SEEN = """
    SELECT count(DISTINCT address_hash) FROM bounce
    WHERE cause = :cause AND state IN ('taken', 'held') AND at > business_now() - interval '1 hour'
"""
WAITING = """
    SELECT council_id, count(DISTINCT address_hash) AS addresses FROM bounce
    WHERE cause = :cause AND state = 'held' AND at > business_now() - interval '1 day' GROUP BY council_id
"""
# an emergency that tried an old one again waits as long again
REFRESH = """
    UPDATE suppression SET at = business_now()
    WHERE address_hash = ANY(CAST(:hashes AS bytea[])) AND reason = 'hard-bounce' AND lifted_at IS NULL
      AND council_id IS NULL AND at < business_now() - interval '1 day'
"""
# what the first of a burst suppressed, before anyone could know that it was one
LIFT_AGAIN = """
    UPDATE suppression x SET lifted_at = business_now(), lifted_reason = 'Held, with many others of one cause.'
    FROM bounce b
    WHERE b.cause = :cause AND b.state = 'taken' AND b.at > business_now() - interval '1 hour'
      AND x.address_hash = b.address_hash AND x.reason = 'hard-bounce' AND x.lifted_at IS NULL
      AND x.source IN ('receipt', 'refused') AND x.at >= b.at - interval '1 minute'
      AND (:everybody OR b.council_id = ANY(CAST(:councils AS uuid[])))
"""
HOLD = """
    WITH fresh AS (
        SELECT DISTINCT ON (council_id, address_hash) id FROM bounce b
        WHERE cause = :cause AND state = 'taken' AND at > business_now() - interval '1 hour'
          AND (:everybody OR council_id = ANY(CAST(:councils AS uuid[])))
          AND NOT EXISTS (SELECT FROM bounce h WHERE h.council_id = b.council_id AND h.address_hash = b.address_hash
                          AND h.state = 'held')
        ORDER BY council_id, address_hash, id
    ), repeated AS (
        DELETE FROM bounce WHERE cause = :cause AND state = 'taken' AND at > business_now() - interval '1 hour'
           AND (:everybody OR council_id = ANY(CAST(:councils AS uuid[]))) AND id NOT IN (SELECT id FROM fresh)
    )
    UPDATE bounce SET state = 'held' WHERE id IN (SELECT id FROM fresh) RETURNING id, council_id
"""
# a lift, by whatever hand, begins the count again
TOO_MANY = """
    SELECT b.address_hash FROM bounce b
    WHERE b.address_hash = ANY(CAST(:hashes AS bytea[])) AND b.state = 'soft'
      AND b.at > business_now() - make_interval(days => :window)
      AND b.at > coalesce((SELECT max(x.lifted_at) FROM suppression x
                           WHERE x.address_hash = b.address_hash AND x.reason = 'soft-bounces'), '-infinity')
    GROUP BY 1
    HAVING count(*) >= :count AND count(DISTINCT CAST(b.at AT TIME ZONE 'Europe/London' AS date)) >= :days
"""
FORGET_SOFT = "DELETE FROM bounce WHERE address_hash = ANY(CAST(:hashes AS bytea[])) AND state = 'soft'"
LIFT_SOFT = """
    UPDATE suppression SET lifted_at = business_now(), lifted_reason = :why
    WHERE address_hash = ANY(CAST(:hashes AS bytea[])) AND reason = 'soft-bounces' AND lifted_at IS NULL
"""
FORGET = """
    UPDATE bounce SET state = 'dismissed', decided_at = business_now(), decided_by = 'resident'
    WHERE address_hash = ANY(CAST(:hashes AS bytea[])) AND state IN ('soft', 'held')
"""
ERASE = "DELETE FROM bounce WHERE council_id = :council AND address_hash = ANY(CAST(:hashes AS bytea[]))"
LIFT_BOUNCES = """
    UPDATE suppression SET lifted_at = business_now(), lifted_reason = :why
    WHERE address_hash = ANY(CAST(:hashes AS bytea[])) AND reason IN ('hard-bounce', 'soft-bounces')
      AND lifted_at IS NULL AND channel <> 'webhook'
"""
BURSTS = """
    SELECT CAST(min(CAST(id AS text)) AS uuid) AS id, cause, count(*) AS addresses, min(at) AS first_at,
           max(at) AS last_at
    FROM bounce WHERE council_id = :council AND state = 'held' GROUP BY cause ORDER BY last_at DESC, cause
"""
CAUSE = "SELECT cause FROM bounce WHERE id = :id AND council_id = :council AND state = 'held'"
DECIDE = """
    UPDATE bounce SET state = :state, decided_at = business_now(), decided_by = :actor
    WHERE council_id = :council AND cause = :cause AND state = 'held' RETURNING channel, address_hash
"""
