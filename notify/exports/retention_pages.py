"""The page that says what was removed, what goes next, and what stays."""

from collections.abc import Sequence

from litestar import Request, Response, get
from litestar.datastructures import State
from litestar.types import ControllerRouterHandler

from notify.core.db import transaction
from notify.core.settings import settings
from notify.exports.dictionary import TABLES
from notify.exports.dictionary_terms import Keeping
from notify.exports.retention import runs
from notify.insight.report_frame import report_page
from notify.staff.guards import Principal, Requires, Right

AnyRequest = Request[Principal, None, State]

PATH = "/staff/exports/retention"


@get(PATH, guards=[Requires(Right.SEE_FIGURES)], sync_to_thread=True, include_in_schema=False)
def show_retention(request: AnyRequest) -> Response[object]:
    """Every round that removed something: when, how many alerts, rows, months and keys."""
    with transaction() as session:
        found = runs(session)
    return report_page(
        request.user,
        "exports/retention.html",
        section="/staff/exports",
        days=settings().retention_days,
        runs=found,
        detail=[name for name, entry in TABLES.items() if entry.keeping == Keeping.DETAIL],
    )


HANDLERS: Sequence[ControllerRouterHandler] = (show_retention,)
