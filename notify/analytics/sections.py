"""The pages below Figures, in the order in which they stand beside each other."""

from collections.abc import Sequence

from notify.staff.desk import MenuItem
from notify.staff.guards import Right

SECTIONS: Sequence[MenuItem] = ()

__all__ = ["SECTIONS", "MenuItem", "Right"]
