"""Pages of incidents: the list, the live page of one, notes, handovers, linked alerts and its end."""

from collections.abc import Sequence
from uuid import UUID

from litestar import Response, get
from litestar.params import FromPath, RawBody
from litestar.response import Redirect, ServerSentEvent
from litestar.types import ControllerRouterHandler
from pydantic import ValidationError
from sqlmodel import Session

from notify.alerts import queries as alert_queries
from notify.alerts.incidents import queries
from notify.alerts.incidents.models import Incident, IncidentState
from notify.alerts.incidents.service import AlertsInForce, IncidentEnded, IncidentOfAnotherKind
from notify.core.db import transaction
from notify.core.errors import NotFound
from notify.core.form_fields import EMPTY, FieldError, Form
from notify.incidents import service
from notify.incidents.desk import desk_of, is_watched, may_be_linked
from notify.incidents.models import IncidentName, NewNote, NoteKind
from notify.insight.live_stream import live
from notify.staff.guards import Principal, Requires, Right
from notify.staff.menu import MenuItem
from notify.staff.page_frame import staff_page
from notify.staff.routes import StaffRequest, staff_get, staff_post
from notify.web.forms import read_form
from notify.web.templates import part

LIST = "/staff/incidents"
PATH = f"{LIST}/{{incident_id:uuid}}"
SEES, WRITES = Requires(Right.SEE_ALERTS), Requires(Right.WRITE_ALERTS)
MOST_ENDED = 50


@staff_get(LIST, SEES)
def list_incidents(request: StaffRequest) -> Response[object]:
    """What goes on now, and what has ended."""
    with transaction() as session:
        found = queries.incidents(session, request.user, limit=MOST_ENDED)
    return staff_page(
        request.user,
        "incidents/list.html",
        at=LIST,
        open_ones=[one for one in found if one.state == IncidentState.OPEN],
        ended=[one for one in found if one.state == IncidentState.ENDED],
    )


@staff_get(PATH, SEES)
def show_incident(request: StaffRequest, incident_id: FromPath[UUID]) -> Response[object]:
    """What is happening, who was reached, who needs help, and what is next."""
    with transaction() as session:
        return _page(session, request.user, queries.incident(session, request.user, incident_id), EMPTY, [])


def _page(
    session: Session, user: Principal, incident: Incident, form: Form, field_errors: Sequence[FieldError]
) -> Response[object]:
    may_write = user.may(Right.WRITE_ALERTS)
    desk = desk_of(session, user, incident)
    return staff_page(
        user,
        "incidents/incident.html",
        at=LIST,
        status=422 if field_errors else 200,
        desk=desk,
        form=form,
        field_errors=field_errors,
        may_write=may_write,
        may_broadcast=user.may(Right.BROADCAST) or (incident.is_training and may_write),
        may_call=user.may(Right.SEE_SUBSCRIBERS),
        may_end=may_write and _may_end(user, incident),
        linkable=may_be_linked(session, user, incident) if may_write and desk.is_open else [],
    )


def _may_end(user: Principal, incident: Incident) -> bool:
    return incident.state == IncidentState.OPEN and (incident.is_training or user.may(Right.BROADCAST))


@get(f"{PATH}/live", guards=[SEES], include_in_schema=False, is_stream=True)
async def watch_incident(request: StaffRequest, incident_id: FromPath[UUID]) -> ServerSentEvent:
    """The page's numbers and log as server-sent events while they change."""

    def require() -> None:
        with transaction() as session:
            queries.incident(session, request.user, incident_id)

    return await live(request, require, lambda user: _read(user, incident_id))


def _read(user: Principal, incident_id: UUID) -> tuple[str, bool] | None:
    try:
        with transaction() as session:
            desk = desk_of(session, user, queries.incident(session, user, incident_id))
            shown = part("incidents/now.html", desk=desk, may_call=user.may(Right.SEE_SUBSCRIBERS))
            return shown, is_watched(desk.incident)
    except NotFound:
        return None


@staff_post(f"{PATH}/notes", WRITES)
def add_note(request: StaffRequest, incident_id: FromPath[UUID], body: RawBody) -> Response[object]:
    """Keep a note with its time, or hand over to the next shift."""
    form, user = read_form(body), request.user
    kind = NoteKind.HANDOVER if form.one("kind") == NoteKind.HANDOVER else NoteKind.NOTE
    field = "handover" if kind == NoteKind.HANDOVER else "words"
    with transaction() as session:
        incident = queries.incident(session, user, incident_id)
        try:
            new = NewNote(words=form.one(field), kind=kind, still_open=form.one("still_open"))
        except ValidationError:
            words = "Write what happened, in at most 2,000 characters."
            return _page(session, user, incident, form, [FieldError(field, words)])
        service.add_note(session, by=user, incident=incident, new=new)
    return _back(incident_id, "log")


@staff_post(f"{PATH}/handovers/{{note_id:uuid}}/read", SEES)
def mark_read(request: StaffRequest, incident_id: FromPath[UUID], note_id: FromPath[UUID]) -> Response[object]:
    """Say that you have read the handover."""
    with transaction() as session:
        incident = queries.incident(session, request.user, incident_id)
        service.mark_read(session, by=request.user, incident=incident, note_id=note_id)
    return _back(incident_id, "log")


@staff_post(f"{PATH}/alerts", WRITES)
def link_alert(request: StaffRequest, incident_id: FromPath[UUID], body: RawBody) -> Response[object]:
    """Have a routine alert be part of the incident."""
    form, user = read_form(body), request.user
    try:
        with transaction() as session:
            incident = queries.incident(session, user, incident_id)
            alert = alert_queries.alert(session, user, UUID(form.one("alert")))
            service.link(session, by=user, incident=incident, alert=alert)
    except (ValueError, NotFound, IncidentEnded, IncidentOfAnotherKind):
        with transaction() as session:
            incident = queries.incident(session, user, incident_id)
            return _page(session, user, incident, form, [FieldError("alert", "Choose an alert from the list.")])
    return _back(incident_id, "alerts")


@staff_post(f"{PATH}/name", WRITES)
def rename_incident(request: StaffRequest, incident_id: FromPath[UUID], body: RawBody) -> Response[object]:
    """Give the incident another name."""
    form, user = read_form(body), request.user
    with transaction() as session:
        incident = queries.incident(session, user, incident_id)
        try:
            new = IncidentName(name=form.one("name"))
        except ValidationError:
            return _page(session, user, incident, form, [FieldError("name", "Enter a name of at most 120 characters.")])
        service.rename(session, by=user, incident=incident, name=new.name)
    return _back(incident_id)


@staff_post(f"{PATH}/end", WRITES)
def end_incident(request: StaffRequest, incident_id: FromPath[UUID]) -> Response[object]:
    """Say that the incident is over, once nothing of it is in force."""
    user = request.user
    try:
        with transaction() as session:
            service.end(session, by=user, incident=queries.incident(session, user, incident_id))
    except (AlertsInForce, IncidentEnded) as error:
        with transaction() as session:
            incident = queries.incident(session, user, incident_id)
            return _page(session, user, incident, EMPTY, [FieldError("end", error.detail)])
    return _back(incident_id)


def _back(incident_id: UUID, at: str = "") -> Response[object]:
    return Redirect(f"{LIST}/{incident_id}{'#' + at if at else ''}", status_code=303)


MENU_ITEMS = (MenuItem("Incidents", LIST, Right.SEE_ALERTS, 15),)
HANDLERS: Sequence[ControllerRouterHandler] = (
    list_incidents,
    show_incident,
    watch_incident,
    add_note,
    mark_read,
    link_alert,
    rename_incident,
    end_incident,
)
