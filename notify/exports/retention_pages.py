"""The page that says what was removed, what goes next, and what stays."""

from collections.abc import Sequence

from litestar import Response
from litestar.types import ControllerRouterHandler

from notify.core.db import transaction
from notify.exports.dictionary import TABLES
from notify.exports.dictionary_terms import Keeping
from notify.exports.retention import runs
from notify.insight.report_frame import report_page
from notify.staff.council_settings.effective import council_settings
from notify.staff.guards import Requires, Right
from notify.staff.routes import StaffRequest, staff_get

PATH = "/staff/exports/retention"


@staff_get(PATH, Requires(Right.SEE_FIGURES))
def show_retention(request: StaffRequest) -> Response[object]:
    """Every round that removed something: when, how many alerts, rows, months and keys."""
    with transaction() as session:
        found = runs(session)
        own = council_settings(session, request.user.council_id)
    return report_page(
        request.user,
        "exports/retention.html",
        section="/staff/exports",
        days=own.retention_days,
        runs=found,
        detail=[name for name, entry in TABLES.items() if entry.keeping == Keeping.DETAIL],
    )


HANDLERS: Sequence[ControllerRouterHandler] = (show_retention,)
