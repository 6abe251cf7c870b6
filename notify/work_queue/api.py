"""The API route of the work queue."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from litestar import get
from litestar.types import ControllerRouterHandler
from sqlmodel import Field, SQLModel

from notify.alerts.models import AlertState, FollowUp, Priority
from notify.core.db import transaction
from notify.deliveries.queries import FailedAlert
from notify.staff.guards import Requires, Right
from notify.staff.routes import StaffRequest
from notify.web.conditional import POLLED
from notify.work_queue.queries import Section, work_queue


class QueuedAlertView(SQLModel):
    """One alert of the queue. `GET /alerts/{id}` has the rest."""

    id: UUID
    title: str
    topic: str = Field(description="The topic's name.")
    state: AlertState
    priority: Priority
    follow_up: FollowUp | None
    is_training: bool
    is_late: bool = Field(description="Held since its time had passed too long before.")
    has_ended_areas: bool = Field(description="Held because areas of its audience have ended.")
    author: str
    created_at: datetime
    send_at: datetime | None
    finished_at: datetime | None
    recipients: int | None
    reason: str = Field(description="Why it was sent back or returned; may be empty.")


class SectionView(SQLModel):
    """The first ten alerts of a section, and how many there are in all."""

    count: int
    alerts: list[QueuedAlertView]


class FailedView(SQLModel):
    """An alert of the last week with failed messages, by state. `POST /alerts/{id}/retry` tries again."""

    alert: UUID
    title: str
    failed: dict[str, int]


class OpenDraftView(SQLModel):
    """What someone of the team has begun on the pages and not sent."""

    id: UUID
    title: str
    topic: str
    author: str
    changed_at: datetime
    is_emergency: bool
    is_own: bool


class WorkQueueView(SQLModel):
    """What waits for you, or for the user whose key it is. What you have no right to act on is empty."""

    to_approve: SectionView = Field(description="Written by others, and waiting for your answer.")
    scheduled: SectionView = Field(description="Soonest first.")
    live: SectionView = Field(description="On its way, or an emergency in force without an all-clear.")
    failed: list[FailedView]
    returned: SectionView = Field(description="Stored drafts, with the reason where they came back from approval.")
    drafts: list[OpenDraftView]
    recent: SectionView = Field(description="Sent, the newest first.")


@get("/work-queue", guards=[Requires(Right.SEE_ALERTS)], sync_to_thread=True, tags=["alerts"], opt=POLLED)
def read_work_queue(request: StaffRequest) -> WorkQueueView:
    """What waits for you: to approve, scheduled, live, failed, drafts of the team, and what was sent recently."""
    with transaction() as session:
        found = work_queue(session, request.user)
    return WorkQueueView(
        to_approve=_section(found.to_approve),
        scheduled=_section(found.scheduled),
        live=_section(found.live),
        failed=[
            FailedView(
                alert=one.alert_id, title=one.title, failed={str(state): many for state, many in one.failed.items()}
            )
            for one in found.failed
        ],
        returned=_section(found.returned),
        drafts=[OpenDraftView.model_validate(one, from_attributes=True) for one in found.drafts],
        recent=_section(found.recent),
    )


def _failed(one: FailedAlert) -> FailedView:
    by_state = {str(state): many for state, many in one.failed.items()}
    return FailedView(alert=one.alert_id, title=one.title, failed=by_state)


def _section(section: Section) -> SectionView:
    views = [QueuedAlertView.model_validate(one, from_attributes=True) for one in section.alerts]
    return SectionView(count=section.count, alerts=views)


HANDLERS: Sequence[ControllerRouterHandler] = (read_work_queue,)
