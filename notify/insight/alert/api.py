"""The call list of an alert by API."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated
from uuid import UUID

from litestar import get
from litestar.params import FromPath, QueryParameter
from litestar.types import ControllerRouterHandler
from sqlmodel import Field, SQLModel

from notify.call_list.models import Outcome
from notify.core.db import transaction
from notify.insight.alert.call_list import look
from notify.insight.alert.not_reached import Missing, Order
from notify.staff.guards import RequiresLive, Right
from notify.staff.routes import StaffRequest


class LastAttempt(SQLModel):
    """The last call or visit that someone recorded."""

    number: int
    outcome: Outcome
    note: str
    who: str


class PersonToCall(SQLModel):
    """Someone whom an alert did not reach, with what is needed to call or visit them."""

    subscriber_id: UUID
    ward: str
    name: str
    postcode: str
    place: str
    phones: str
    emails: str
    ways: str = Field(description="The result of each message.")
    answer: str | None = Field(description="What they replied: `help` or `safe`.")
    answered_at: datetime | None
    language: str
    last: LastAttempt | None = Field(description="The last call or visit. Its number goes into `seen` of yours.")


class CallListPage(SQLModel):
    """One page of 100 people, those who asked for help first. `people` are all pages together."""

    missing: Missing
    list: list[PersonToCall]
    people: int
    next: int | None = Field(description="Goes into `page` for the page that follows.")


@get(
    "/alerts/{alert_id:uuid}/call-list",
    guards=[RequiresLive(Right.SEE_SUBSCRIBERS)],
    sync_to_thread=True,
    tags=["ledger"],
)
def read_call_list(
    request: StaffRequest,
    alert_id: FromPath[UUID],
    show: Annotated[Missing, QueryParameter(description="`not-answered` where the alert asked for a reply.")] = (
        Missing.NOT_DELIVERED
    ),
    page: Annotated[int, QueryParameter(ge=1, le=10_000)] = 1,
    sort: Annotated[Order, QueryParameter(description="`walk`: by postcode and street; `need`: who needs help.")] = (
        Order.WARD
    ),
) -> CallListPage:
    """The people an alert did not reach. What is read counts against what you may read a day, and is audited."""
    with transaction() as session:
        looked = look(session, request.user, alert_id, show, page=page, order=sort)
    people = [PersonToCall.model_validate(one, from_attributes=True) for one in looked.found]
    more = page + 1 if looked.has_more else None
    return CallListPage(missing=looked.missing, list=people, people=looked.people, next=more)


HANDLERS: Sequence[ControllerRouterHandler] = (read_call_list,)
