"""What a waste contractor says of collections: completed, or missed with a reason. Each word is taken once.

A missed collection becomes an event, so that pages say so and reminders' subscribers are told. Repeats change nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Field, Session, col, select

from notify.core import clock
from notify.core.db import Input
from notify.core.errors import NotifyError
from notify.core.typed_text import Typed
from notify.waste import events, queries
from notify.waste.entries import reference_of
from notify.waste.events import NewEvent
from notify.waste.home_days import today
from notify.waste.models import Cause, CollectionStatus, EventKind, Outcome

LONGEST_AGO = timedelta(days=28)
MOST_AT_ONCE = 1_000
ONE_AT_A_TIME = "SELECT pg_advisory_xact_lock(hashtextextended(:key, 0))"


class NewStatus(Input):
    """A word about the collections of `day`: of a home, a round, or a stream of it.

    `reference` is the source's own name for it: what comes twice with the same is one. `cause` is why it was missed.
    """

    reference: Typed = Field(min_length=1, max_length=100)
    outcome: Outcome
    day: date
    round: Typed = Field(default="", max_length=60)
    stream: Typed = Field(default="", max_length=60)
    uprn: Typed | None = Field(default=None, max_length=80)
    cause: Cause = Cause.OTHER


@dataclass(frozen=True, slots=True)
class RefusedStatus:
    """A word that was not taken, and why."""

    reference: str
    reason: str


@dataclass(slots=True)
class Taken:
    """How many words were new and how many had come before, and which were refused."""

    accepted: int = 0
    repeated: int = 0
    refused: list[RefusedStatus] = field(default_factory=list)


def take(session: Session, council_id: UUID, statuses: Sequence[NewStatus], *, source: str, actor: str) -> Taken:
    """Take what `source` says; what cannot be right is refused by itself."""
    taken = Taken()
    # two calls at once must not make two events of one miss
    session.execute(text(ONE_AT_A_TIME), {"key": f"collection statuses of {council_id}"})
    for status in statuses:
        reason = _objection(session, council_id, status)
        if reason:
            taken.refused.append(RefusedStatus(status.reference, reason))
        elif not _note(session, council_id, status, source):
            taken.repeated += 1
        elif reason := _publish(session, council_id, status, source, actor):
            taken.refused.append(RefusedStatus(status.reference, reason))
        else:
            taken.accepted += 1
    return taken


def _objection(session: Session, council_id: UUID, status: NewStatus) -> str:
    if not today() - LONGEST_AGO <= status.day <= today():
        return "The day must be today or one of the last 28 days."
    if not (status.round or status.uprn):
        return "Give `round` or `uprn`: which collection was it?"
    if status.uprn:
        try:
            queries.home(session, council_id, reference_of(status.uprn))
        except queries.UnknownHome as error:
            return error.detail
    return ""


def _note(session: Session, council_id: UUID, status: NewStatus, source: str) -> bool:
    """Keep the word; whether it is new."""
    values = {
        **status.model_dump(exclude={"uprn"}),
        "council_id": council_id,
        "source": source,
        "home": reference_of(status.uprn) if status.uprn else None,
        "at": clock.now(),
    }
    statement = insert(CollectionStatus).values(**values).on_conflict_do_nothing()
    made = session.execute(statement.returning(col(CollectionStatus.reference))).scalar()
    return made is not None


def _publish(session: Session, council_id: UUID, status: NewStatus, source: str, actor: str) -> str:
    """Make an event of what was missed; why that cannot be, or nothing. A refused word is forgotten again."""
    if status.outcome is not Outcome.MISSED:
        return ""
    known = session.get_one(CollectionStatus, (council_id, source, status.reference))
    if (same := _same_miss(session, council_id, known)) is not None:
        known.event_id = same
        session.add(known)
        return ""
    said = {"kind": EventKind.NOT_COMPLETED, "day": status.day, "cause": status.cause}
    where = {"round": status.round, "stream": status.stream, "home": known.home}
    try:
        event = events.add(session, council_id, NewEvent.model_validate(said | where), actor=actor)
    except NotifyError as error:
        session.delete(known)
        session.flush()
        return error.detail
    known.event_id = event.id
    session.add(known)
    session.flush()
    return ""


def _same_miss(session: Session, council_id: UUID, status: CollectionStatus) -> UUID | None:
    """The event that says this already, under another reference."""
    statement = select(CollectionStatus.event_id).where(
        CollectionStatus.council_id == council_id,
        CollectionStatus.outcome == Outcome.MISSED,
        CollectionStatus.day == status.day,
        CollectionStatus.round == status.round,
        CollectionStatus.stream == status.stream,
        col(CollectionStatus.home).is_not_distinct_from(status.home),
        col(CollectionStatus.event_id).is_not(None),
    )
    return session.exec(statement.limit(1)).first()
