"""Suppressions looked through and lifted by the hundred: what a council's staff do after a mistake of a mail system."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, text
from sqlmodel import Session, col, select

from notify.core.errors import Invalid
from notify.providers import addresses
from notify.providers.base import Channel
from notify.staff.service import audit
from notify.subscribers.models import Contact, Suppression, SuppressionReason

MOST_AT_ONCE = 10_000
# what staff read
REASONS: Mapping[SuppressionReason, str] = {
    SuppressionReason.HARD_BOUNCE: "Hard bounce",
    SuppressionReason.SOFT_BOUNCES: "Several soft bounces",
    SuppressionReason.COMPLAINT: "Complaint",
    SuppressionReason.STOP: "Replied STOP",
    SuppressionReason.UNSUBSCRIBED: "Unsubscribed",
    SuppressionReason.STAFF: "Suppressed by staff",
}
# facts about addresses and staff's own decisions; what people said is lifted one by one, with their word
IN_BULK = (SuppressionReason.HARD_BOUNCE, SuppressionReason.SOFT_BOUNCES, SuppressionReason.STAFF)


class NotInBulk(Invalid):
    """What a person said is lifted with that person's word, one by one."""

    title = "These suppressions cannot be lifted together"


@dataclass(frozen=True, slots=True)
class Which:
    """Which suppressions of a council are meant; what is not given does not narrow them."""

    reason: SuppressionReason | None = None
    channel: Channel | None = None
    since: datetime | None = None
    until: datetime | None = None

    def conditions(self) -> Sequence[ColumnElement[bool]]:
        """For a query of suppressions."""
        found: list[ColumnElement[bool]] = []
        if self.reason:
            found.append(col(Suppression.reason) == self.reason)
        if self.channel:
            found.append(col(Suppression.channel) == self.channel)
        if self.since:
            found.append(col(Suppression.at) >= self.since)
        if self.until:
            found.append(col(Suppression.at) < self.until)
        return found


def subscriber_of(session: Session, council_id: UUID, address: str) -> UUID | None:
    """The council's subscriber with this e-mail address, telephone number or receiver, if it has one."""
    hashes = []
    for channel in Channel:
        try:
            hashes.append(addresses.fingerprint(channel, addresses.normalise(channel, address)))
        except addresses.AddressNotValid:
            continue
    found = select(Contact.subscriber_id).where(Contact.council_id == council_id, col(Contact.address_hash).in_(hashes))
    return session.exec(found.limit(1)).first()


def lift_many(
    session: Session,
    *,
    council_id: UUID,
    which: Which | None = None,
    ids: Sequence[UUID] = (),
    reason: str,
    actor: str,
) -> int:
    """Let the council write again to the addresses of these suppressions, by ids or by what they have in common; how
    many. Shared ones stay in force for other councils. Safe to repeat.

    Raises: NotInBulk where what a person said is among them, or nothing was chosen.
    """
    if which is not None and which.reason not in IN_BULK:
        raise NotInBulk("Name one of these reasons: hard-bounce, soft-bounces, staff.")
    if which is None and not ids:
        raise NotInBulk("Choose at least one suppression.")
    asked = which or Which()
    values: dict[str, object] = {
        "council": council_id,
        "ids": list(ids) if which is None else None,
        "reason": asked.reason,
        "channel": asked.channel,
        "since": asked.since,
        "until": asked.until,
        "most": MOST_AT_ONCE,
        "in_bulk": list(IN_BULK),
    }
    if which is None and session.execute(text(SAID_BY_PEOPLE), values).scalar():
        raise NotInBulk("What people said themselves (stop, complaint, unsubscribed) is lifted one by one.")
    lifted = len(session.execute(text(LIFT), values | {"why": reason}).all())
    if lifted:
        audit(
            session,
            council_id=council_id,
            actor=actor,
            action="suppression.lift-many",
            subject=asked.reason.value if asked.reason else "chosen",
            reason=reason,
            lifted=lifted,
        )
    return lifted


_MEANT = """
    FROM suppression x
    WHERE x.lifted_at IS NULL
      AND (x.council_id = :council OR x.council_id IS NULL AND NOT CAST(:council AS uuid) = ANY(x.lifted_for))
      AND EXISTS (SELECT FROM contact c WHERE c.council_id = :council AND c.address_hash = x.address_hash)
      AND (CAST(:ids AS uuid[]) IS NULL OR x.id = ANY(CAST(:ids AS uuid[])))
"""
SAID_BY_PEOPLE = f"SELECT EXISTS (SELECT {_MEANT} AND x.reason <> ALL(CAST(:in_bulk AS varchar[])))"
# a shared one keeps its row for others; the council gets a line of its own that says who lifted it, and why
LIFT = f"""
    WITH meant AS (
        SELECT x.id {_MEANT}
          AND x.reason = ANY(CAST(:in_bulk AS varchar[]))
          AND (CAST(:reason AS varchar) IS NULL OR x.reason = :reason)
          AND (CAST(:channel AS varchar) IS NULL OR x.channel = :channel)
          AND (CAST(:since AS timestamptz) IS NULL OR x.at >= :since)
          AND (CAST(:until AS timestamptz) IS NULL OR x.at < :until)
        ORDER BY x.address_hash LIMIT :most FOR UPDATE
    ), own AS (
        UPDATE suppression x SET lifted_at = business_now(), lifted_reason = :why
        FROM meant WHERE x.id = meant.id AND x.council_id IS NOT NULL RETURNING x.id
    ), shared AS (
        UPDATE suppression x SET lifted_for = array_append(x.lifted_for, CAST(:council AS uuid))
        FROM meant WHERE x.id = meant.id AND x.council_id IS NULL
        RETURNING x.id, x.address_hash, x.channel, x.reason, x.source, x.at
    ), kept AS (
        INSERT INTO suppression (id, council_id, address_hash, channel, reason, source, at, lifted_at, lifted_reason)
        SELECT uuidv7(), :council, address_hash, channel, reason, source, at, business_now(), :why FROM shared
    )
    SELECT id FROM own UNION ALL SELECT id FROM shared
"""  # noqa: S608 - our own words
