"""Reports as pages, PDFs and JSON: after an alert, of the personal data that is held, of tests."""

from collections.abc import Sequence
from uuid import UUID

from litestar import Response
from litestar.params import FromPath
from litestar.types import ControllerRouterHandler

from notify.alerts import queries as alerts
from notify.core.db import transaction
from notify.evidence.incident_report import incident_report
from notify.evidence.processing_record import inventory
from notify.evidence.report_files import ReportForm, Wanted, report_file
from notify.evidence.test_runs import runs_report
from notify.insight.report_frame import report_page
from notify.staff.guards import Requires, Right
from notify.staff.page_frame import staff_page
from notify.staff.routes import StaffRequest, staff_get

EVIDENCE = "/staff/evidence"


@staff_get(f"{EVIDENCE}/personal-data", Requires(Right.SEE_FIGURES))
def personal_data(request: StaffRequest, form: Wanted = ReportForm.PAGE) -> Response[object]:
    """The record of processing."""
    with transaction() as session:
        report = inventory(session, request.user.council_id)
    if form != ReportForm.PAGE:
        return report_file(report, form, "personal-data")
    here = f"{EVIDENCE}/personal-data"
    return report_page(request.user, "evidence/report.html", section=EVIDENCE, report=report, here=here, back=EVIDENCE)


@staff_get(f"{EVIDENCE}/runs", Requires(Right.SEE_FIGURES))
def latest(request: StaffRequest, form: Wanted = ReportForm.PAGE) -> Response[object]:
    """What the latest runs of tests and benchmarks showed."""
    report = runs_report()
    if form != ReportForm.PAGE:
        return report_file(report, form, "runs")
    here = f"{EVIDENCE}/runs"
    return report_page(request.user, "evidence/report.html", section=EVIDENCE, report=report, here=here, back=EVIDENCE)


@staff_get("/staff/alerts/{alert_id:uuid}/report", Requires(Right.SEE_ALERTS))
def after_an_alert(request: StaffRequest, alert_id: FromPath[UUID], form: Wanted = ReportForm.PAGE) -> Response[object]:
    """What happened, for the debriefing."""
    with transaction() as session:
        alert = alerts.alert(session, request.user, alert_id)
        report = incident_report(session, alert)
    if form != ReportForm.PAGE:
        return report_file(report, form, f"report-{alert_id}")
    here, back = f"/staff/alerts/{alert_id}/report", f"/staff/alerts/{alert_id}"
    return staff_page(request.user, "evidence/report.html", at="", report=report, here=here, back=back, sections=[])


HANDLERS: Sequence[ControllerRouterHandler] = (personal_data, latest, after_an_alert)
