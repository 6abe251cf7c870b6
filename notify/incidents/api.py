"""API routes of incidents."""

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from litestar import get, patch, post
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from litestar.types import ControllerRouterHandler

from notify.alerts import queries as alert_queries
from notify.alerts.incidents import queries
from notify.alerts.incidents.models import IncidentState
from notify.core.db import Input, transaction
from notify.incidents import service
from notify.incidents.debrief import debrief
from notify.incidents.desk import desk_of
from notify.incidents.models import IncidentName, NewNote
from notify.incidents.views import (
    HappeningView,
    IncidentDetailView,
    IncidentLogView,
    IncidentPage,
    IncidentView,
    NoteView,
)
from notify.staff.guards import Requires, Right
from notify.staff.routes import StaffRequest
from notify.web.conditional import POLLED

SEES, WRITES = Requires(Right.SEE_ALERTS), Requires(Right.WRITE_ALERTS)


class LinkedAlert(Input):
    """A routine alert that is to be part of an incident."""

    alert: UUID


@get("/incidents", guards=[SEES], sync_to_thread=True, tags=["incidents"], opt=POLLED)
def list_incidents(
    request: StaffRequest,
    limit: Annotated[int, QueryParameter(ge=1, le=500)] = 50,
    after: FromQuery[UUID | None] = None,
    wanted: Annotated[IncidentState | None, QueryParameter(name="state")] = None,
) -> IncidentPage:
    """The council's incidents, newest first."""
    with transaction() as session:
        found = queries.incidents(session, request.user, state=wanted, after=after, limit=limit)
        views = [IncidentView.of(one) for one in found]
    return IncidentPage(incidents=views, next=views[-1].id if len(views) == limit else None)


@get("/incidents/{incident_id:uuid}", guards=[SEES], sync_to_thread=True, tags=["incidents"], opt=POLLED)
def read_incident(request: StaffRequest, incident_id: FromPath[UUID]) -> IncidentDetailView:
    """One incident with its alerts, and who they reached, each number counted by one query."""
    with transaction() as session:
        incident = queries.incident(session, request.user, incident_id)
        return IncidentDetailView.of_desk(desk_of(session, request.user, incident))


@get("/incidents/{incident_id:uuid}/log", guards=[SEES], sync_to_thread=True, tags=["incidents"])
def read_incident_log(request: StaffRequest, incident_id: FromPath[UUID]) -> IncidentLogView:
    """Approvals, sending, escalations, replies, notes and handovers, newest first."""
    with transaction() as session:
        incident = queries.incident(session, request.user, incident_id)
        happened = desk_of(session, request.user, incident).happened
    return IncidentLogView(log=[HappeningView.of(one) for one in happened])


@get("/incidents/{incident_id:uuid}/debrief", guards=[SEES], sync_to_thread=True, tags=["incidents"])
def read_debrief(request: StaffRequest, incident_id: FromPath[UUID]) -> dict[str, object]:
    """The debrief report as sections of words and tables."""
    with transaction() as session:
        report = debrief(session, request.user, queries.incident(session, request.user, incident_id))
    return dict(report.as_data())


@post("/incidents/{incident_id:uuid}/notes", guards=[WRITES], sync_to_thread=True, tags=["incidents"])
def add_incident_note(request: StaffRequest, incident_id: FromPath[UUID], data: JSONBody[NewNote]) -> NoteView:
    """Add a note, or with `"kind": "handover"` what the next shift needs to know."""
    with transaction() as session:
        incident = queries.incident(session, request.user, incident_id)
        return NoteView.of(service.add_note(session, by=request.user, incident=incident, new=data))


@post(
    "/incidents/{incident_id:uuid}/handovers/{note_id:uuid}/read",
    guards=[SEES],
    status_code=204,
    sync_to_thread=True,
    tags=["incidents"],
)
def mark_handover_read(request: StaffRequest, incident_id: FromPath[UUID], note_id: FromPath[UUID]) -> None:
    """Say that you have read a handover."""
    with transaction() as session:
        incident = queries.incident(session, request.user, incident_id)
        service.mark_read(session, by=request.user, incident=incident, note_id=note_id)


@post("/incidents/{incident_id:uuid}/alerts", guards=[WRITES], status_code=200, sync_to_thread=True, tags=["incidents"])
def link_alert(request: StaffRequest, incident_id: FromPath[UUID], data: JSONBody[LinkedAlert]) -> IncidentDetailView:
    """Make a routine alert, such as a road closure, part of an incident, with what follows it.

    Emergencies name their incident when they are created, and updates join the incident of their alert by themselves.
    """
    with transaction() as session:
        user = request.user
        incident = queries.incident(session, user, incident_id)
        service.link(session, by=user, incident=incident, alert=alert_queries.alert(session, user, data.alert))
        return IncidentDetailView.of_desk(desk_of(session, user, incident))


@patch("/incidents/{incident_id:uuid}", guards=[WRITES], sync_to_thread=True, tags=["incidents"])
def rename_incident(request: StaffRequest, incident_id: FromPath[UUID], data: JSONBody[IncidentName]) -> IncidentView:
    """Give an incident another name for staff. Its public page shows the titles of its alerts."""
    with transaction() as session:
        incident = queries.incident(session, request.user, incident_id)
        service.rename(session, by=request.user, incident=incident, name=data.name)
        return IncidentView.of(incident)


@post("/incidents/{incident_id:uuid}/end", guards=[WRITES], status_code=200, sync_to_thread=True, tags=["incidents"])
def end_incident(request: StaffRequest, incident_id: FromPath[UUID]) -> IncidentView:
    """End an incident of which nothing is in force any more. The all-clear ends it by itself."""
    with transaction() as session:
        incident = queries.incident(session, request.user, incident_id)
        service.end(session, by=request.user, incident=incident)
        return IncidentView.of(incident)


HANDLERS: Sequence[ControllerRouterHandler] = (
    list_incidents,
    read_incident,
    read_incident_log,
    read_debrief,
    add_incident_note,
    mark_handover_read,
    link_alert,
    rename_incident,
    end_incident,
)
