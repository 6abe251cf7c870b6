"""The menus of staff pages. Features register their entries, so that none knows the address of one above it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from notify.staff.rights import Principal, Right


class Menu(StrEnum):
    """Where an entry stands."""

    MAIN = "main"
    REPORTS = "reports"


@dataclass(frozen=True, slots=True)
class MenuItem:
    """An entry of a menu, shown to those who have the right. Entries stand in the order of `place`, lowest first."""

    text: str
    href: str
    right: Right
    place: int
    menu: Menu = Menu.MAIN


_items: list[MenuItem] = []


def register(items: Iterable[MenuItem]) -> None:
    """Make these all the entries there are, in both menus."""
    _items[:] = sorted(items, key=lambda item: item.place)


def entries(menu: Menu) -> Sequence[MenuItem]:
    """Every entry of this menu, in order."""
    return [item for item in _items if item.menu is menu]


def entries_for(user: Principal, menu: Menu = Menu.MAIN) -> Sequence[MenuItem]:
    """The entries of this menu that `user` may open, in order."""
    return [item for item in entries(menu) if user.may(item.right)]
