"""The pages below Figures, in the order in which they stand beside each other."""

from collections.abc import Sequence

from notify.staff.page_frame import MenuItem
from notify.staff.rights import Right

SECTIONS: Sequence[MenuItem] = (
    MenuItem("Overview", "/staff/figures", Right.SEE_FIGURES),
    MenuItem("Topics", "/staff/figures/topics", Right.SEE_FIGURES),
    MenuItem("Wards", "/staff/figures/wards", Right.SEE_FIGURES),
    MenuItem("Ways", "/staff/figures/channels", Right.SEE_FIGURES),
    MenuItem("Providers", "/staff/figures/providers", Right.SEE_FIGURES),
    MenuItem("Languages", "/staff/figures/languages", Right.SEE_FIGURES),
    MenuItem("Growth", "/staff/figures/growth", Right.SEE_FIGURES),
    MenuItem("Reach", "/staff/figures/reach", Right.SEE_FIGURES),
    MenuItem("Fatigue", "/staff/figures/fatigue", Right.SEE_FIGURES),
    MenuItem("Targets", "/staff/figures/targets", Right.SEE_FIGURES),
    MenuItem("Service levels", "/staff/figures/service-levels", Right.SEE_FIGURES),
    MenuItem("Costs", "/staff/figures/costs", Right.SEE_FIGURES),
    MenuItem("Calls", "/staff/figures/calls", Right.SEE_FIGURES),
    MenuItem("Exports", "/staff/exports", Right.SEE_FIGURES),
    MenuItem("Published", "/staff/figures/published", Right.CHANGE_FIGURES),
    MenuItem("Evidence", "/staff/evidence", Right.SEE_FIGURES),
)

__all__ = ["SECTIONS", "MenuItem", "Right"]
