"""A report as a file: how it is asked for, and the response that carries it."""

from enum import StrEnum
from typing import Annotated

from litestar import Response
from litestar.params import QueryParameter

from notify.evidence.report import Report


class ReportForm(StrEnum):
    """How a report is wanted."""

    PAGE = "page"
    PDF = "pdf"
    JSON = "json"


Wanted = Annotated[ReportForm, QueryParameter(name="format")]


def report_file(report: Report, form: ReportForm, name: str) -> Response[object]:
    """The report as PDF or JSON, to be kept under this name."""
    made, kind = (
        (report.as_pdf(), "application/pdf") if form == ReportForm.PDF else (report.as_json(), "application/json")
    )
    headers = {"Content-Disposition": f'attachment; filename="{name}.{form.value}"', "Cache-Control": "no-store"}
    return Response(made, media_type=kind, headers=headers)
