"""Targets: how the council stands, red, amber, green or blue, and where it says what it means to reach."""

from collections.abc import Sequence

from litestar import Response
from litestar.params import FromPath, RawBody
from litestar.response import Redirect
from litestar.types import ControllerRouterHandler
from sqlmodel import Session

from notify.core.db import transaction
from notify.core.form_fields import EMPTY, FieldError, Form
from notify.insight.indicators import targets
from notify.insight.indicators.catalogue import BY_KEY
from notify.insight.indicators.rating import IN_WORDS, Rag
from notify.insight.indicators.targets import TargetNotValid, Wish
from notify.insight.models import Target, TargetKind
from notify.insight.period import chosen
from notify.insight.report_frame import report_page
from notify.staff.guards import Principal, Requires, Right
from notify.staff.menu import Menu, MenuItem
from notify.staff.routes import StaffRequest, staff_get, staff_post
from notify.web.forms import read_form

PATH = "/staff/figures/targets"
NEW = "new"


@staff_get(PATH, Requires(Right.SEE_FIGURES))
def show_targets(request: StaffRequest) -> Response[object]:
    """How each indicator stands in some days, beside the days before."""
    user = request.user
    period = chosen({name: str(value) for name, value in request.query_params.items()})
    with transaction() as session:
        found = targets.standings(session, user.council_id, period)
    return report_page(
        user,
        "reports/targets.html",
        section=PATH,
        period=period,
        before=period.before(),
        found=found,
        in_words={rag: IN_WORDS[rag] for rag in Rag},
        counts={rag: sum(one.rag == rag for one in found) for rag in Rag if any(one.rag == rag for one in found)},
        may_change=user.may(Right.CHANGE_FIGURES),
        saved=bool(request.query_params.get("saved")),
    )


@staff_get(f"{PATH}/{{indicator:str}}", Requires(Right.CHANGE_FIGURES))
def edit_target(request: StaffRequest, indicator: FromPath[str]) -> Response[object]:
    """What the council means to reach with one indicator, or with a new one of its own."""
    with transaction() as session:
        return _form(session, request.user, indicator, EMPTY, [])


def _form(
    session: Session, user: Principal, indicator: str, form: Form, field_errors: Sequence[FieldError]
) -> Response[object]:
    kept = None if indicator == NEW else targets.kept_target(session, user.council_id, indicator)
    platform = BY_KEY.get(indicator)
    is_own = platform is None
    return report_page(
        user,
        "reports/target.html",
        section=PATH,
        status=422 if field_errors else 200,
        indicator=indicator,
        title=platform.name if platform else kept.name if kept else "An indicator of your own",
        unit=platform.unit if platform else "",
        source=platform.source if platform else "",
        is_own=is_own,
        is_new=indicator == NEW,
        fields=_fields(kept, form),
        entered=targets.entered_values(session, kept) if kept and is_own else [],
        rows=form.one("rows"),
        kinds=TargetKind,
        field_errors=field_errors,
    )


def _fields(kept: Target | None, form: Form) -> dict[str, str]:
    """What the form shows: what was typed, else what is kept."""
    if form.has("kind") or form.has("name") or form.has("target"):
        return {name: form.one(name) for name in ("kind", "target", "actions", "name", "unit", "better")}
    if kept is None:
        return {"kind": TargetKind.TARGET, "target": "", "actions": "", "name": "", "unit": "", "better": "higher"}
    return {
        "kind": kept.kind,
        "target": "" if kept.target is None else f"{kept.target.normalize():f}",
        "actions": kept.actions,
        "name": kept.name,
        "unit": kept.unit,
        "better": "lower" if kept.lower_is_better else "higher",
    }


@staff_post(f"{PATH}/{{indicator:str}}", Requires(Right.CHANGE_FIGURES))
def save_target(request: StaffRequest, indicator: FromPath[str], body: RawBody) -> Response[object]:
    """Keep it."""
    form, user = read_form(body), request.user
    wish = Wish(
        kind=form.one("kind"),
        target=form.one("target"),
        actions=form.one("actions"),
        name=form.one("name"),
        unit=form.one("unit"),
        lower_is_better=form.one("better") == "lower",
    )
    try:
        with transaction() as session:
            kept = targets.set_target(
                session,
                council_id=user.council_id,
                actor=user.actor,
                indicator=None if indicator == NEW else indicator,
                wish=wish,
            )
            key = kept.indicator
    except TargetNotValid as refused:
        with transaction() as session:
            return _form(session, user, indicator, form, [FieldError(refused.field, refused.detail)])
    return Redirect(f"{PATH}/{key}#values" if indicator == NEW else f"{PATH}?saved=1", status_code=303)


@staff_post(f"{PATH}/{{indicator:str}}/values", Requires(Right.CHANGE_FIGURES))
def save_values(request: StaffRequest, indicator: FromPath[str], body: RawBody) -> Response[object]:
    """Keep what the council measured itself, month by month."""
    form, user = read_form(body), request.user
    with transaction() as session:
        kept = targets.own_target(session, user.council_id, indicator)
        try:
            targets.enter_values(session, target=kept, actor=user.actor, rows=form.one("rows"))
        except TargetNotValid as refused:
            return _form(session, user, indicator, form, [FieldError(refused.field, refused.detail)])
    return Redirect(f"{PATH}/{indicator}#values", status_code=303)


MENU_ITEMS = (MenuItem("Targets", "/staff/figures/targets", Right.SEE_FIGURES, 100, Menu.REPORTS),)
HANDLERS: Sequence[ControllerRouterHandler] = (show_targets, edit_target, save_target, save_values)
