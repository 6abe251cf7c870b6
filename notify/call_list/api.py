"""API routes that record calls and visits, and note the impact assessment for lists of people at risk."""

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

from litestar import get, post, put
from litestar.params import FromPath, JSONBody
from litestar.types import ControllerRouterHandler
from sqlmodel import SQLModel

from notify.alerts import queries as alerts
from notify.call_list import at_risk, attempts
from notify.call_list.at_risk_models import NewAssessment
from notify.call_list.models import NewAttempt, Outcome
from notify.core.db import transaction
from notify.staff.guards import Requires, RequiresLive, Right
from notify.staff.routes import StaffRequest

ASSESSMENT = "/at-risk-assessment"


class AttemptView(SQLModel):
    """One call or visit. `number` goes into `seen` of the next."""

    number: int
    outcome: Outcome
    at: datetime


class AssessmentView(SQLModel):
    """Whether lists of people at risk are on, and the impact assessment behind that. All is null until it is noted."""

    is_on: bool
    done_on: date | None
    reference: str | None
    person: str | None


@post(
    "/alerts/{alert_id:uuid}/call-list/{subscriber_id:uuid}/attempts",
    guards=[RequiresLive(Right.SEE_SUBSCRIBERS)],
    sync_to_thread=True,
    tags=["ledger"],
)
def record_attempt(
    request: StaffRequest, alert_id: FromPath[UUID], subscriber_id: FromPath[UUID], data: JSONBody[NewAttempt]
) -> AttemptView:
    """Note a call or visit. Nothing is overwritten: 409 says what somebody else noted since `seen`."""
    with transaction() as session:
        alert = alerts.alert(session, request.user, alert_id)
        kept = attempts.record(session, by=request.user, alert=alert, subscriber_id=subscriber_id, new=data)
        return AttemptView(number=kept.number, outcome=kept.outcome, at=kept.at)


@get(ASSESSMENT, guards=[Requires(Right.CHANGE_SETTINGS)], sync_to_thread=True, tags=["councils"])
def read_assessment(request: StaffRequest) -> AssessmentView:
    """Whether lists of people at risk are on, and the impact assessment behind that."""
    with transaction() as session:
        noted = at_risk.assessment(session, request.user.council_id)
        said = noted.model_dump(include=set(AssessmentView.model_fields)) if noted else {"is_on": False}
        return AssessmentView.model_validate({"done_on": None, "reference": None, "person": None} | said)


@put(ASSESSMENT, guards=[RequiresLive(Right.CHANGE_SETTINGS)], sync_to_thread=True, tags=["councils"])
def note_assessment(request: StaffRequest, data: JSONBody[NewAssessment]) -> AssessmentView:
    """Note the impact assessment for lists of people at risk, and turn them on or off."""
    with transaction() as session:
        at_risk.assess(session, by=request.user, new=data)
    return AssessmentView.model_validate(data.model_dump())


HANDLERS: Sequence[ControllerRouterHandler] = (record_attempt, read_assessment, note_assessment)
