"""The frame of staff pages: the menu of what the user may open, and the user's name."""

from collections.abc import Mapping

from litestar import Response

from notify.staff import menu
from notify.staff.guards import Principal
from notify.web.templates import page


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
    entries = menu.entries_for(user)
    return page(
        name, status=status, headers=headers, officer=user.name, menu=entries, at=at, elsewhere=user.elsewhere, **values
    )
