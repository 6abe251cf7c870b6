"""The audit trail by API."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated

from litestar import get
from litestar.params import FromQuery, QueryParameter
from litestar.types import ControllerRouterHandler
from sqlmodel import Field, SQLModel

from notify.core.db import transaction
from notify.staff.audit_search import Search, find
from notify.staff.guards import Requires, Right
from notify.staff.routes import StaffRequest


class AuditLine(SQLModel):
    """One entry of the audit trail."""

    id: int
    at: datetime
    sentence: str = Field(description="What happened, in words. Decide by `action`, never by the words.")
    who: str
    actor: str
    action: str
    subject: str
    detail: str


class AuditPage(SQLModel):
    """One page of the trail, the newest first. `next` goes into `before` for the page that follows."""

    entries: list[AuditLine]
    next: int | None


@get("/audit", guards=[Requires(Right.SEE_AUDIT)], sync_to_thread=True, tags=["staff"])
def read_audit(
    request: StaffRequest,
    q: Annotated[str, QueryParameter(max_length=200, description="An alert's title, a name, or what happened.")] = "",
    since: FromQuery[date | None] = None,
    until: FromQuery[date | None] = None,
    before: FromQuery[int | None] = None,
    limit: Annotated[int, QueryParameter(ge=1, le=500)] = 100,
) -> AuditPage:
    """Who did what, found by words and days."""
    asked = Search(q.replace("\0", ""), since, until, before)
    with transaction() as session:
        found = find(session, request.user.council_id, asked, limit=limit)
    lines = [AuditLine.model_validate(one, from_attributes=True) for one in found]
    return AuditPage(entries=lines, next=lines[-1].id if len(lines) == limit else None)


HANDLERS: Sequence[ControllerRouterHandler] = (read_audit,)
