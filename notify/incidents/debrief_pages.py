"""The debrief report of an incident as a page, a PDF and JSON."""

from collections.abc import Sequence
from uuid import UUID

from litestar import Response
from litestar.params import FromPath
from litestar.types import ControllerRouterHandler

from notify.alerts.incidents import queries
from notify.core.db import transaction
from notify.evidence.report_files import ReportForm, Wanted, report_file
from notify.incidents.debrief import debrief
from notify.staff.guards import Requires, Right
from notify.staff.page_frame import staff_page
from notify.staff.routes import StaffRequest, staff_get

PATH = "/staff/incidents/{incident_id:uuid}/debrief"


@staff_get(PATH, Requires(Right.SEE_ALERTS))
def show_debrief(
    request: StaffRequest, incident_id: FromPath[UUID], form: Wanted = ReportForm.PAGE
) -> Response[object]:
    """What happened, for the debriefing."""
    with transaction() as session:
        report = debrief(session, request.user, queries.incident(session, request.user, incident_id))
    if form != ReportForm.PAGE:
        return report_file(report, form, f"debrief-{incident_id}")
    back = f"/staff/incidents/{incident_id}"
    here = f"{back}/debrief"
    return staff_page(request.user, "evidence/report.html", at="", report=report, here=here, back=back, sections=[])


HANDLERS: Sequence[ControllerRouterHandler] = (show_debrief,)
