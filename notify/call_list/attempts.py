"""Records calls and visits. Nothing is overwritten: each is a row of its own, and who did not know the last is told."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Mapped
from sqlmodel import Session, col, select

from notify.alerts.models import Alert
from notify.call_list.models import OUTCOME_NAMES, CallAttempt, NewAttempt, Outcome
from notify.core import tokens
from notify.core.clock import uk_clock
from notify.core.errors import Conflict, NotFound
from notify.staff.models import Officer
from notify.staff.rights import Principal, Right
from notify.staff.service import audit

SEAL = "call-note"
_LISTED = text("""
    SELECT EXISTS (SELECT FROM delivery d WHERE d.month = :month AND d.alert_id = :alert AND d.subscriber_id = :who)
""")


class AttemptedMeanwhile(Conflict):
    """Somebody else recorded something since the list was shown; `latest` is the number of that attempt."""

    title = "Somebody else recorded something meanwhile"


class NotOnTheList(NotFound):
    """The alert went to no such subscriber of this council."""

    title = "There is no such person on the list"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One call or visit in words: `who` is a name, and `at` the time."""

    number: int
    outcome: Outcome
    note: str
    who: str
    at: str

    @property
    def in_words(self) -> str:
        """As in: Sam recorded ‘safe’ at 14:05."""
        return f"{self.who} recorded ‘{OUTCOME_NAMES[self.outcome].lower()}’ at {self.at}"


def record(session: Session, *, by: Principal, alert: Alert, subscriber_id: UUID, new: NewAttempt) -> CallAttempt:
    """Note what was found at a subscriber that the alert went to.

    Raises: Forbidden, NotOnTheList, AttemptedMeanwhile where `seen` is not the last attempt any more.
    """
    by.require(Right.CHANGE_SUBSCRIBERS)
    who = {"month": alert.ledger_month, "alert": alert.id, "who": subscriber_id}
    if alert.ledger_month is None or not session.execute(_LISTED, who).scalar_one():
        raise NotOnTheList("The alert went to no such subscriber.")
    return append(session, by=by, alert=alert, person_id=subscriber_id, new=new)


def append(
    session: Session, *, by: Principal, alert: Alert, person_id: UUID, new: NewAttempt, at_risk: bool = False
) -> CallAttempt:
    """The same for a subscriber, or someone of the list of people at risk. Raises: AttemptedMeanwhile."""
    one_by_one = text("SELECT pg_advisory_xact_lock(hashtextextended('call:' || :alert || :person, 0))")
    session.execute(one_by_one, {"alert": str(alert.id), "person": str(person_id)})
    column = _column(at_risk)
    found = select(CallAttempt).where(CallAttempt.alert_id == alert.id, column == person_id)
    last = session.exec(found.order_by(col(CallAttempt.number).desc()).limit(1)).first()
    if last and last.number != new.seen:
        said = _in_words(last, names_of(session, [last.actor]).get(last.actor, "An API key"))
        raise AttemptedMeanwhile(f"{said.in_words}. Record yours again if it still holds.", latest=last.number)
    attempt = CallAttempt(
        alert_id=alert.id,
        subscriber_id=None if at_risk else person_id,
        at_risk_person_id=person_id if at_risk else None,
        number=(last.number if last else 0) + 1,
        outcome=new.outcome,
        note=tokens.seal(SEAL, new.note.strip()) if new.note.strip() else "",
        actor=by.actor,
    )
    session.add(attempt)
    session.flush()
    audit(
        session,
        council_id=by.council_id,
        actor=by.actor,
        action="call-list.record",
        subject=str(alert.id),
        person=str(person_id),
        outcome=new.outcome,
    )
    return attempt


def attempts_at(session: Session, alert_id: UUID, person_id: UUID, *, at_risk: bool = False) -> Sequence[Attempt]:
    """Every attempt at this person, the last first."""
    statement = select(CallAttempt).where(CallAttempt.alert_id == alert_id, _column(at_risk) == person_id)
    found = session.exec(statement.order_by(col(CallAttempt.number).desc())).all()
    names = names_of(session, [one.actor for one in found])
    return [_in_words(one, names.get(one.actor, "An API key")) for one in found]


def last_of(session: Session, alert_id: UUID, people: Sequence[UUID], *, at_risk: bool = False) -> dict[UUID, Attempt]:
    """The last attempt at each of these people, of those who had any."""
    if not people:
        return {}
    column = _column(at_risk)
    attempts = select(CallAttempt).where(CallAttempt.alert_id == alert_id, column.in_(people))
    # in their order, so that the last of each person is what stays; a person has a handful
    found = session.exec(attempts.order_by(col(CallAttempt.number))).all()
    names = names_of(session, [one.actor for one in found])
    said = [(one.at_risk_person_id if at_risk else one.subscriber_id, one) for one in found]
    return {person: _in_words(one, names.get(one.actor, "An API key")) for person, one in said if person}


def _column(at_risk: bool) -> Mapped[UUID | None]:
    return col(CallAttempt.at_risk_person_id if at_risk else CallAttempt.subscriber_id)


def names_of(session: Session, actors: Sequence[str]) -> dict[str, str]:
    """The names of these users, by the actor of the audit trail; keys have none."""
    ids = [UUID(actor.partition(":")[2]) for actor in set(actors) if actor.startswith("officer:")]
    found = session.exec(select(Officer.id, Officer.name).where(col(Officer.id).in_(ids))).all() if ids else []
    return {f"officer:{officer_id}": name for officer_id, name in found}


def _in_words(one: CallAttempt, who: str) -> Attempt:
    note = tokens.unseal(SEAL, one.note) if one.note else ""
    return Attempt(one.number, one.outcome, note, who, uk_clock(one.at))
