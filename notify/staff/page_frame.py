"""The frame of the officers' pages: whose they are, where their rights lead, and what is to be mended."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from litestar import Response

from notify.staff.guards import Principal, Right
from notify.web.templates import page


@dataclass(frozen=True, slots=True)
class MenuItem:
    """A page that every page leads to."""

    text: str
    href: str
    right: Right


MENU: Sequence[MenuItem] = (
    MenuItem("Alerts", "/staff", Right.SEE_ALERTS),
    MenuItem("Write", "/staff/compose", Right.WRITE_ALERTS),
    MenuItem("Templates", "/staff/templates", Right.WRITE_ALERTS),
    MenuItem("Calendar", "/staff/calendar", Right.SEE_ALERTS),
    MenuItem("Archive", "/staff/archive", Right.SEE_ALERTS),
    MenuItem("Notices", "/staff/notices", Right.SEE_ALERTS),
    MenuItem("Figures", "/staff/figures", Right.SEE_FIGURES),
    MenuItem("Residents", "/staff/sign-up", Right.CHANGE_SUBSCRIBERS),
    MenuItem("Suppressions", "/staff/suppressions", Right.SEE_SUBSCRIBERS),
    MenuItem("Audit trail", "/staff/audit", Right.SEE_AUDIT),
    MenuItem("Officers", "/staff/officers", Right.MANAGE_STAFF),
    MenuItem("API keys", "/staff/keys", Right.MANAGE_STAFF),
)


def staff_page(
    user: Principal,
    name: str,
    *,
    at: str,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    **values: object,
) -> Response[object]:
    """The page `templates/pages/<name>` with a menu of what `user` may open; `at` is the entry it belongs to."""
    menu = [item for item in MENU if user.may(item.right)]
    return page(name, status=status, headers=headers, officer=user.name, menu=menu, at=at, **values)
