"""The frame of the pages below Figures: their neighbours, and the form of days where they are about some."""

from litestar import Response

from notify.insight.period import CHOICES, Period
from notify.insight.report_menu import SECTIONS
from notify.staff.guards import Principal, Right
from notify.staff.page_frame import staff_page

FIGURES = "/staff/figures"


def report_page(
    user: Principal, template: str, *, section: str, period: Period | None = None, status: int = 200, **values: object
) -> Response[object]:
    """A page that extends `figures-base.html`; `section` is the address of the entry it belongs to."""
    return staff_page(
        user,
        template,
        at=FIGURES,
        status=status,
        headers=None,
        section=section,
        sections=[item for item in SECTIONS if user.may(item.right)],
        period=period,
        choices=CHOICES,
        may_write=user.may(Right.WRITE_ALERTS),
        **values,
    )
