"""One person of a call list."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session

from notify.alerts.models import Alert
from notify.call_list.attempts import NotOnTheList
from notify.call_list.models import Outcome
from notify.channels import PHONES
from notify.places.postcodes import canonical

_PERSON = text("""
    SELECT s.name, s.language, coalesce(h.postcode, '') AS postcode, coalesce(h.label, '') AS place,
           ARRAY(SELECT DISTINCT address FROM contact c WHERE c.subscriber_id = s.id AND c.channel = ANY(:phones))
               AS phones, r.answer
    FROM subscriber s
    LEFT JOIN LATERAL (
        SELECT postcode, label FROM place WHERE subscriber_id = s.id ORDER BY position, id LIMIT 1
    ) h ON true
    LEFT JOIN reply r ON r.alert_id = :alert AND r.subscriber_id = s.id
    WHERE s.id = :who AND s.council_id = :council AND EXISTS (
        SELECT FROM delivery d WHERE d.month = :month AND d.alert_id = :alert AND d.subscriber_id = s.id)
""")

_FOUND = text("""
    SELECT outcome, count(*) AS people FROM (
        SELECT DISTINCT ON (subscriber_id) outcome FROM call_attempt
        WHERE alert_id = ANY(:alerts) AND subscriber_id IS NOT NULL ORDER BY subscriber_id, at DESC, number DESC
    ) last GROUP BY outcome
""")


def found_by_outcome(session: Session, alerts: Sequence[UUID]) -> dict[Outcome, int]:
    """Of the people who were called or visited because of these alerts, how many were last found how."""
    counted = {row.outcome: row.people for row in session.execute(_FOUND, {"alerts": list(alerts)})}
    return {one: counted[one.value] for one in Outcome if one.value in counted}


@dataclass(frozen=True, slots=True)
class Person:
    """Someone to call or visit."""

    name: str
    language: str
    postcode: str
    place: str
    phones: list[str]
    answer: str | None


def person(session: Session, alert: Alert, subscriber_id: UUID) -> Person:
    """A subscriber that the alert went to. Raises: NotOnTheList."""
    values = {"alert": alert.id, "month": alert.ledger_month, "who": subscriber_id, "council": alert.council_id}
    found = session.execute(_PERSON, values | {"phones": list(PHONES)}).first()
    if found is None:
        raise NotOnTheList("The alert went to no such subscriber.")
    said = dict(found._mapping)
    return Person(**said | {"postcode": canonical(said["postcode"]) if said["postcode"] else ""})
