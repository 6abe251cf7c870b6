"""Reports as pages, PDFs and JSON: after an alert, of the personal data that is held, of tests."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from litestar import Response
from litestar.params import FromPath, QueryParameter
from litestar.types import ControllerRouterHandler

from notify.alerts import queries as alerts
from notify.core.db import transaction
from notify.evidence.incident_report import incident_report
from notify.evidence.processing_record import inventory
from notify.evidence.report import Report
from notify.evidence.test_runs import runs_report
from notify.insight.report_frame import report_page
from notify.staff.guards import Requires, Right
from notify.staff.page_frame import staff_page
from notify.staff.routes import StaffRequest, staff_get

EVIDENCE = "/staff/evidence"


class ReportForm(StrEnum):
    """How a report is wanted."""

    PAGE = "page"
    PDF = "pdf"
    JSON = "json"


Wanted = Annotated[ReportForm, QueryParameter(name="format")]


@staff_get(f"{EVIDENCE}/personal-data", Requires(Right.SEE_FIGURES))
def personal_data(request: StaffRequest, form: Wanted = ReportForm.PAGE) -> Response[object]:
    """The record of processing."""
    with transaction() as session:
        report = inventory(session, request.user.council_id)
    if form != ReportForm.PAGE:
        return _file(report, form, "personal-data")
    here = f"{EVIDENCE}/personal-data"
    return report_page(request.user, "evidence/report.html", section=EVIDENCE, report=report, here=here, back=EVIDENCE)


@staff_get(f"{EVIDENCE}/runs", Requires(Right.SEE_FIGURES))
def latest(request: StaffRequest, form: Wanted = ReportForm.PAGE) -> Response[object]:
    """What the latest runs of tests and benchmarks showed."""
    report = runs_report()
    if form != ReportForm.PAGE:
        return _file(report, form, "runs")
    here = f"{EVIDENCE}/runs"
    return report_page(request.user, "evidence/report.html", section=EVIDENCE, report=report, here=here, back=EVIDENCE)


@staff_get("/staff/alerts/{alert_id:uuid}/report", Requires(Right.SEE_ALERTS))
def after_an_alert(request: StaffRequest, alert_id: FromPath[UUID], form: Wanted = ReportForm.PAGE) -> Response[object]:
    """What happened, for the debriefing."""
    with transaction() as session:
        alert = alerts.alert(session, request.user, alert_id)
        report = incident_report(session, alert)
    if form != ReportForm.PAGE:
        return _file(report, form, f"report-{alert_id}")
    here, back = f"/staff/alerts/{alert_id}/report", f"/staff/alerts/{alert_id}"
    return staff_page(request.user, "evidence/report.html", at="", report=report, here=here, back=back, sections=[])


def _file(report: Report, form: ReportForm, name: str) -> Response[object]:
    made, kind = (
        (report.as_pdf(), "application/pdf") if form == ReportForm.PDF else (report.as_json(), "application/json")
    )
    headers = {"Content-Disposition": f'attachment; filename="{name}.{form.value}"', "Cache-Control": "no-store"}
    return Response(made, media_type=kind, headers=headers)


HANDLERS: Sequence[ControllerRouterHandler] = (personal_data, latest, after_an_alert)
