"""The archive by API: what was sent, found by words, topic, ward, sender, urgency and days."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from litestar import get
from litestar.params import FromQuery, QueryParameter
from litestar.types import ControllerRouterHandler
from sqlmodel import Field, SQLModel

from notify.alerts.models import Priority
from notify.core.db import transaction
from notify.insight.archive.queries import Kept, Search, find
from notify.staff.guards import Requires, Right
from notify.staff.routes import StaffRequest

MOST = 100


class ArchivedAlert(SQLModel):
    """One alert as it was sent."""

    id: UUID
    sent_at: datetime
    topic: str
    priority: Priority
    title: str
    body: str
    written_by: str
    approvals: int = Field(description="How many people agreed to what went out.")
    messages: dict[str, int] = Field(description="Messages sent, by channel.")

    @classmethod
    def of(cls, kept: Kept) -> "ArchivedAlert":
        """The public fields of what was kept."""
        said = kept.alert.model_dump(include={"id", "priority", "title", "body"})
        return cls.model_validate(
            said
            | {
                "sent_at": kept.sent_at,
                "topic": kept.topic.slug,
                "written_by": kept.written_by,
                "approvals": len(kept.agreed),
                "messages": kept.sent,
            }
        )


class ArchivePage(SQLModel):
    """One page of the archive, the newest first. `next` goes into `after` for the page that follows."""

    alerts: list[ArchivedAlert]
    next: UUID | None


@get("/archive", guards=[Requires(Right.SEE_ALERTS)], sync_to_thread=True, tags=["archive"])
def search_archive(
    request: StaffRequest,
    q: Annotated[str, QueryParameter(max_length=200, description="Words, in any of their forms.")] = "",
    topic: Annotated[str, QueryParameter(max_length=60)] = "",
    priority: FromQuery[Priority | None] = None,
    ward: Annotated[str, QueryParameter(max_length=9, description="A ward's code.")] = "",
    sender: Annotated[str, QueryParameter(max_length=60, description="An actor, as the audit trail names it.")] = "",
    since: FromQuery[date | None] = None,
    until: FromQuery[date | None] = None,
    after: Annotated[UUID | None, QueryParameter(description="`next` of the page before.")] = None,
    limit: Annotated[int, QueryParameter(ge=1, le=MOST)] = 50,
) -> ArchivePage:
    """What your council sent and your remit has to do with. Tests and digests are left out."""
    asked = Search(q.replace("\0", ""), topic, priority or "", ward, sender, since, until, after)
    user = request.user
    with transaction() as session:
        kept = find(session, user.council_id, user.remit, asked, limit=limit)
        found = [ArchivedAlert.of(one) for one in kept]
    return ArchivePage(alerts=found, next=found[-1].id if len(found) == limit else None)


HANDLERS: Sequence[ControllerRouterHandler] = (search_archive,)
