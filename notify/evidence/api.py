"""Evidence by API: the report after an alert, answers to information requests, and what the council itself says."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Annotated
from uuid import UUID

from litestar import Response, get, put
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from litestar.types import ControllerRouterHandler
from sqlmodel import Field, SQLModel

from notify.alerts import queries as alerts
from notify.core import clock
from notify.core.db import Input, transaction
from notify.evidence.incident_report import incident_report
from notify.evidence.pack import make_pack, state
from notify.evidence.questions import Numbering
from notify.staff.guards import Requires, Right
from notify.staff.queries import council
from notify.staff.routes import StaffRequest


class AnswerView(SQLModel):
    """A question of an information request with the platform's answer and the council's own words."""

    number: str
    question: str
    status: str
    answer: str
    statement: str = Field(description="What the council itself says; may be empty.")


class Statement(Input):
    """What the council itself says to a question."""

    number: str = Field(max_length=20, description="The question's number of CA440.")
    words: str = Field(max_length=4000, description="Empty: it says nothing of its own any more.")


@get("/alerts/{alert_id:uuid}/report", guards=[Requires(Right.SEE_ALERTS)], sync_to_thread=True, tags=["evidence"])
def read_report(request: StaffRequest, alert_id: FromPath[UUID]) -> Mapping[str, object]:
    """What happened with an alert, for the debriefing: the report of the page as data. It names no resident."""
    with transaction() as session:
        return incident_report(session, alerts.alert(session, request.user, alert_id)).as_data()


@get("/evidence", guards=[Requires(Right.SEE_FIGURES)], sync_to_thread=True, tags=["evidence"])
def list_answers(
    request: StaffRequest,
    numbering: FromQuery[Numbering] = Numbering.CA440,
    since: Annotated[date | None, QueryParameter(description="Unset: a year before the last day.")] = None,
    until: Annotated[date | None, QueryParameter(description="Unset: today.")] = None,
) -> list[AnswerView]:
    """Answers to the questions of information requests, from live data."""
    last = until or clock.now().date()
    with transaction() as session:
        own = council(session, request.user.council_id)
        first = since or last - timedelta(days=364)
        pack = make_pack(session, own, numbering=numbering, since=first, until=last)
    return [
        AnswerView(
            number=one.number,
            question=one.question.asked,
            status=one.answer.status.value,
            answer=one.answer.words,
            statement=one.stated,
        )
        for one in pack.entries
    ]


@put(
    "/evidence/statements",
    guards=[Requires(Right.CHANGE_FIGURES)],
    status_code=204,
    sync_to_thread=True,
    tags=["evidence"],
)
def put_statement(request: StaffRequest, data: JSONBody[Statement]) -> Response[None]:
    """Keep what your council itself says to a question."""
    user = request.user
    with transaction() as session:
        state(session, council_id=user.council_id, actor=user.actor, number=data.number, words=data.words)
    return Response(None, status_code=204)


HANDLERS: Sequence[ControllerRouterHandler] = (read_report, list_answers, put_statement)
