"""Lists of people at risk beside an emergency. Each is sealed with a key of its own, which ends a week after it.

Off until a council has noted its impact assessment. Only care leads who are there see it, and each look is audited.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from cryptography.fernet import Fernet
from sqlalchemy import delete, text
from sqlmodel import Session, col, select

from notify.alerts import queries as alerts
from notify.alerts.models import Alert, AlertState, Priority
from notify.call_list.at_risk_file import NEEDS, PRIORITIES, people_in
from notify.call_list.at_risk_models import AtRiskAssessment, AtRiskKey, AtRiskList, AtRiskPerson, NewAssessment
from notify.call_list.attempts import Attempt, NotOnTheList, append, last_of
from notify.call_list.models import CallAttempt, NewAttempt, Outcome
from notify.core import clock, tokens
from notify.core.errors import Conflict, Forbidden
from notify.staff.rights import Principal, Right
from notify.staff.service import audit

KEPT_FOR = timedelta(days=7)
ACTOR = "scheduler"
ENDED = (AlertState.CANCELLED, AlertState.REJECTED)
SEAL = "at-risk"
ATTRIBUTES = ("reference", "address", "postcode", "uprn", "phone", "language", "priority")
# who of them the alert went to, by phone, and what they replied
_ANSWERS = text("""
    SELECT c.address, r.answer
    FROM contact c
    JOIN subscriber s ON s.id = c.subscriber_id AND s.council_id = :council
    LEFT JOIN reply r ON r.alert_id = :alert AND r.subscriber_id = c.subscriber_id
    WHERE c.address = ANY(:phones)
      AND EXISTS (SELECT FROM delivery d
                  WHERE d.month = :month AND d.alert_id = :alert AND d.subscriber_id = c.subscriber_id)
""")
# an emergency ends with its incident, when it is cancelled, or when nothing of its incident is in force any more; one
# that was never sent has no incident, and ends with its all-clear
_DUE = text("""
    SELECT l.id FROM at_risk_list l JOIN alert a ON a.id = l.alert_id LEFT JOIN incident i ON i.id = a.incident_id
    WHERE l.destroyed_at IS NULL AND least(
        i.ended_at,
        CASE WHEN a.state IN ('cancelled', 'rejected') THEN a.changed_at END,
        (SELECT max(coalesce(e.expires_at, e.created_at + interval '1 day')) FROM alert e
         WHERE e.id = a.id OR (e.incident_id = a.incident_id AND e.priority = 'emergency'
                               AND e.follow_up IS DISTINCT FROM 'all-clear' AND (a.is_test OR NOT e.is_test))),
        CASE WHEN i.id IS NULL THEN (
            SELECT min(f.expanded_at) FROM alert f
            WHERE f.follows_id = a.id AND f.follow_up = 'all-clear' AND NOT (f.is_test AND NOT a.is_test)) END
    ) < CAST(:before AS timestamptz)
    ORDER BY l.id LIMIT 100 FOR UPDATE OF l SKIP LOCKED
""")


class AtRiskListsAreOff(Forbidden):
    """The council has not noted its impact assessment, or has turned lists off."""

    title = "Lists of people at risk are off"


class OnlyBesideAnEmergency(Conflict):
    """A list belongs to an emergency that is not long over."""

    title = "The alert is no emergency in force"


@dataclass(frozen=True, slots=True)
class AtRisk:
    """Someone at risk. `answer` is what they replied to the alert; None: nothing, or it did not go to them."""

    id: UUID
    name: str
    reference: str
    address: str
    postcode: str
    uprn: str
    phone: str
    language: str
    priority: str
    needs: Sequence[str]
    got_alert: bool
    answer: str | None
    last: Attempt | None

    @property
    def has_answered(self) -> bool:
        """Whether a reply, or someone who called or visited, says how they are."""
        found = self.last is not None and self.last.outcome in (Outcome.SAFE, Outcome.NEEDS_HELP)
        return self.answer is not None or found


def assessment(session: Session, council_id: UUID) -> AtRiskAssessment | None:
    """What the council noted about its impact assessment."""
    return session.get(AtRiskAssessment, council_id)


def assess(session: Session, *, by: Principal, new: NewAssessment) -> AtRiskAssessment:
    """Note the impact assessment, and turn lists on or off. Raises: Forbidden."""
    by.require(Right.CHANGE_SETTINGS)
    found = assessment(session, by.council_id) or AtRiskAssessment(
        council_id=by.council_id, noted_by=by.actor, **new.model_dump()
    )
    found.sqlmodel_update(new.model_dump() | {"noted_by": by.actor, "noted_at": clock.now()})
    session.add(found)
    session.flush()
    audit(
        session,
        council_id=by.council_id,
        actor=by.actor,
        action="at-risk.assess",
        subject=new.reference,
        is_on=new.is_on,
    )
    return found


def require_open(session: Session, by: Principal, alert_id: UUID) -> Alert:
    """The emergency, for a care lead who is there. Raises: Forbidden, SecondFactorNeeded, UnknownAlert,
    AtRiskListsAreOff, OnlyBesideAnEmergency.
    """
    by.require_person_here(Right.SEE_AT_RISK)
    alert = alerts.alert(session, by, alert_id)
    noted = assessment(session, by.council_id)
    if noted is None or not noted.is_on:
        raise AtRiskListsAreOff("An administrator turns them on at /staff/at-risk, with your impact assessment.")
    if alert.priority != Priority.EMERGENCY or alert.follows_id is not None:
        raise OnlyBesideAnEmergency("A list of people at risk belongs to an emergency, not to an update of it.")
    return alert


def list_of(session: Session, alert_id: UUID) -> AtRiskList | None:
    """The list beside this alert, whether or not it can still be read."""
    return session.exec(select(AtRiskList).where(AtRiskList.alert_id == alert_id)).first()


def upload(session: Session, *, by: Principal, alert_id: UUID, file: bytes) -> AtRiskList:
    """Lay a list beside an emergency, in the place of an earlier one. Raises: what `require_open` raises,
    OnlyBesideAnEmergency for one that is over or an exercise, AtRiskFileNotValid.
    """
    alert = require_open(session, by, alert_id)
    is_over = alert.state in ENDED or (alert.expires_at is not None and alert.expires_at <= clock.now())
    if alert.is_test or is_over:
        raise OnlyBesideAnEmergency("Lists are for an emergency that goes on, and not for an exercise.")
    people = people_in(file)
    session.execute(text("SELECT 1 FROM alert WHERE id = :alert FOR UPDATE"), {"alert": alert.id})
    before = list_of(session, alert.id)
    if before:
        _destroy(session, before)
    found = before or AtRiskList(council_id=by.council_id, alert_id=alert.id, people=0, uploaded_by=by.actor)
    found.sqlmodel_update(
        {"people": len(people), "uploaded_by": by.actor, "uploaded_at": clock.now(), "destroyed_at": None}
    )
    session.add(found)
    session.flush()
    key = Fernet.generate_key()
    session.add(AtRiskKey(list_id=found.id, sealed_key=tokens.seal(SEAL, key.decode())))
    box = Fernet(key)
    for person in people:
        session.add(AtRiskPerson(list_id=found.id, sealed=box.encrypt(json.dumps(person).encode())))
    session.flush()
    _note(session, by, alert, "at-risk.upload", people=len(people))
    return found


def look(session: Session, *, by: Principal, alert_id: UUID) -> Sequence[AtRisk]:
    """The people of the list, those who have not answered first; none where there is no list, or it has ended.

    Raises: what `require_open` raises.
    """
    alert = require_open(session, by, alert_id)
    people = _opened(session, list_of(session, alert.id))
    answers = _answers(session, alert, [one["phone"] for one in people.values() if one.get("phone")])
    last = last_of(session, alert.id, list(people), at_risk=True)
    found = [_at_risk(person, one, answers, last.get(person)) for person, one in people.items()]
    _note(session, by, alert, "at-risk.view", people=len(found))
    order = {name: number for number, name in enumerate(PRIORITIES)}
    return sorted(found, key=lambda one: (one.has_answered, order.get(one.priority, 3), one.postcode, one.address))


def record(session: Session, *, by: Principal, alert_id: UUID, person_id: UUID, new: NewAttempt) -> CallAttempt:
    """Note what was found at someone of the list. Raises: what `require_open` raises, NotOnTheList,
    AttemptedMeanwhile.
    """
    alert = require_open(session, by, alert_id)
    kept, person = list_of(session, alert.id), session.get(AtRiskPerson, person_id)
    if kept is None or person is None or person.list_id != kept.id:
        raise NotOnTheList("There is no such person on the list of this emergency.")
    return append(session, by=by, alert=alert, person_id=person_id, new=new, at_risk=True)


def end_list(session: Session, *, by: Principal, alert_id: UUID) -> None:
    """Destroy a list now. Raises: what `require_open` raises."""
    alert = require_open(session, by, alert_id)
    found = list_of(session, alert.id)
    if found and found.destroyed_at is None:
        _destroy(session, found)
        _note(session, by, alert, "at-risk.destroy")


def destroy_due(session: Session) -> int:
    """Destroy the keys and rows of lists whose emergency ended seven days ago; how many lists."""
    due = list(session.execute(_DUE, {"before": clock.now() - KEPT_FOR}).scalars())
    for list_id in due:
        found = session.get_one(AtRiskList, list_id)
        _destroy(session, found)
        audit(
            session,
            council_id=found.council_id,
            actor=ACTOR,
            action="at-risk.destroy",
            subject=str(found.alert_id),
        )
    return len(due)


def _destroy(session: Session, found: AtRiskList) -> None:
    """The key goes with the rows: a copy of the rows from before cannot be read by anybody."""
    session.execute(delete(AtRiskKey).where(col(AtRiskKey.list_id) == found.id))
    session.execute(delete(AtRiskPerson).where(col(AtRiskPerson.list_id) == found.id))
    found.destroyed_at = clock.now()
    session.add(found)
    session.flush()


def _opened(session: Session, found: AtRiskList | None) -> Mapping[UUID, Mapping[str, str]]:
    """The rows of a list by id; none without its key."""
    key = session.get(AtRiskKey, found.id) if found else None
    if found is None or key is None:
        return {}
    box = Fernet(tokens.unseal(SEAL, key.sealed_key).encode())
    rows = session.exec(select(AtRiskPerson).where(AtRiskPerson.list_id == found.id).order_by(col(AtRiskPerson.id)))
    return {row.id: json.loads(box.decrypt(row.sealed)) for row in rows}


def _answers(session: Session, alert: Alert, phones: Sequence[str]) -> Mapping[str, str | None]:
    """By phone number in its one form, what its owner replied; those that the alert did not go to are left out."""
    numbers = [number for number in map(_number, phones) if number]
    values = {"council": alert.council_id, "alert": alert.id, "month": alert.ledger_month, "phones": numbers}
    found: dict[str, str | None] = {}
    for row in session.execute(_ANSWERS, values) if numbers else ():
        found[row.address] = row.answer or found.get(row.address)
    return found


def _number(phone: str) -> str:
    """A British number as contacts are kept: `+447700900001`."""
    digits = "".join(character for character in phone if character.isdigit() or character == "+")
    return f"+44{digits[1:]}" if digits.startswith("0") and not digits.startswith("00") else digits


def _at_risk(
    person_id: UUID, said: Mapping[str, str], answers: Mapping[str, str | None], last: Attempt | None
) -> AtRisk:
    number = _number(said.get("phone", ""))
    return AtRisk(
        id=person_id,
        name=said.get("name", ""),
        **{name: said.get(name, "") for name in ATTRIBUTES},
        needs=[NEEDS[code] for code in said.get("need", "").split(",") if code in NEEDS],
        got_alert=number in answers,
        answer=answers.get(number),
        last=last,
    )


def _note(session: Session, by: Principal, alert: Alert, action: str, **detail: object) -> None:
    audit(session, council_id=by.council_id, actor=by.actor, action=action, subject=str(alert.id), **detail)
