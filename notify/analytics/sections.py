"""The pages below Figures, in the order in which they stand beside each other."""

from collections.abc import Sequence

from notify.staff.desk import MenuItem
from notify.staff.guards import Right

SECTIONS: Sequence[MenuItem] = (
    MenuItem("Overview", "/staff/figures", Right.SEE_FIGURES),
    MenuItem("Topics", "/staff/figures/topics", Right.SEE_FIGURES),
    MenuItem("Wards", "/staff/figures/wards", Right.SEE_FIGURES),
    MenuItem("Ways", "/staff/figures/channels", Right.SEE_FIGURES),
    MenuItem("Providers", "/staff/figures/providers", Right.SEE_FIGURES),
    MenuItem("Languages", "/staff/figures/languages", Right.SEE_FIGURES),
    MenuItem("Service levels", "/staff/figures/service-levels", Right.SEE_FIGURES),
    MenuItem("Costs", "/staff/figures/costs", Right.SEE_FIGURES),
    MenuItem("Calls", "/staff/figures/calls", Right.SEE_FIGURES),
    MenuItem("Exports", "/staff/exports", Right.SEE_FIGURES),
    MenuItem("Published", "/staff/figures/published", Right.CHANGE_FIGURES),
)

__all__ = ["SECTIONS", "MenuItem", "Right"]
