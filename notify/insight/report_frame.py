"""The frame of report pages: the menu of reports, and the form for the period."""

from collections.abc import Sequence

from litestar import Response

from notify.insight.period import CHOICES, Period
from notify.staff.guards import Principal, Right
from notify.staff.menu import Menu, entries_for
from notify.staff.page_frame import staff_page

FIGURES = "/staff/figures"


def report_page(
    user: Principal, template: str, *, section: str, period: Period | None = None, status: int = 200, **values: object
) -> Response[object]:
    """A page that extends `reports/base.html`; `section` is the address of the entry it belongs to."""
    wrong = period.field_errors if period else ()
    field_errors = values.pop("field_errors", ())
    return staff_page(
        user,
        template,
        at=FIGURES,
        status=422 if wrong else status,
        field_errors=[*wrong, *field_errors] if isinstance(field_errors, Sequence) else wrong,
        headers=None,
        section=section,
        sections=entries_for(user, Menu.REPORTS),
        period=period,
        choices=CHOICES,
        may_write=user.may(Right.WRITE_ALERTS),
        **values,
    )
