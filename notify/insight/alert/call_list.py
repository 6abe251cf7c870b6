"""The call list of an alert, page by page. Looking is counted against what someone may read, and audited."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlmodel import Session

from notify.alerts import queries as alerts
from notify.alerts.models import Alert
from notify.insight.alert.not_reached import Missed, Missing, Order, missed
from notify.staff.read_quota import note_reading
from notify.staff.rights import Principal
from notify.staff.service import audit

ON_A_PAGE = 100
MOST_PRINTED = 5_000


@dataclass(frozen=True, slots=True)
class CallList:
    """One page of the people that an alert did not reach, what they are missed for, and how many there are in all."""

    alert: Alert
    missing: Missing
    found: Sequence[Missed]
    people: int
    has_more: bool


def asked_about(session: Session, by: Principal, alert_id: UUID, show: str) -> tuple[Alert, Missing]:
    """The alert and what people are missed for; without replies there is nothing to be missed but the delivery.

    Raises: UnknownAlert.
    """
    alert = alerts.alert(session, by, alert_id)
    is_answer = show == Missing.NOT_ANSWERED and alert.asks_reply
    return alert, Missing.NOT_ANSWERED if is_answer else Missing.NOT_DELIVERED


def look(
    session: Session,
    by: Principal,
    alert_id: UUID,
    show: str,
    *,
    page: int,
    order: Order = Order.WARD,
    is_whole: bool = False,
) -> CallList:
    """One page of the list, from 1, or the whole of it. Raises: UnknownAlert, and what `note_reading` raises."""
    alert, missing = asked_about(session, by, alert_id, show)
    limit = MOST_PRINTED if is_whole else ON_A_PAGE
    found, people = missed(session, alert, missing, limit=limit, passed=(page - 1) * limit, order=order)
    note_reading(session, by, len(found), f"call list of {alert.id}")
    audit(
        session,
        council_id=by.council_id,
        actor=by.actor,
        action="alert.missed.view",
        subject=str(alert.id),
        missing=missing,
        people=len(found),
        page=page,
    )
    return CallList(alert, missing, found, people, page * limit < people)
