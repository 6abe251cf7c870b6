"""Pages of plans: the list with overdue exercises, one plan, and keeping a draft as a plan."""

from collections.abc import Sequence
from uuid import UUID

from litestar import Response
from litestar.params import FromPath, RawBody
from litestar.types import ControllerRouterHandler
from pydantic import ValidationError
from sqlmodel import Session

from notify.alerts.models import Priority
from notify.core.db import transaction
from notify.core.errors import Forbidden
from notify.core.form_fields import EMPTY, FieldError, Form
from notify.drafting import plans, queries
from notify.drafting.draft_reader import languages
from notify.drafting.models import Draft, Plan
from notify.drafting.placeholders import names_in
from notify.drafting.route_options import AT, SEES, WRITES, officer_of, people_only, see_other
from notify.staff.guards import Principal
from notify.staff.menu import MenuItem
from notify.staff.models import Role
from notify.staff.page_frame import staff_page
from notify.staff.rights import RIGHTS, Right
from notify.staff.routes import StaffRequest, staff_get, staff_post
from notify.subscribers.queries import topics
from notify.web.forms import read_form
from notify.zones.queries import zones as zones_in_use

PATH = "/staff/plans"
ONE = f"{PATH}/{{slug:str}}"
KEEP = f"{AT}/{{draft_id:uuid}}/plan"
APPROVERS = {role: role.value.replace("-", " ").capitalize() for role in Role if Right.APPROVE_ALERTS in RIGHTS[role]}
LASTS = {"": "Until someone ends it", "60": "1 hour", "180": "3 hours", "360": "6 hours", "720": "12 hours"} | {
    "1440": "24 hours",
    "2880": "2 days",
}


@staff_get(PATH, SEES)
def list_plans(request: StaffRequest) -> Response[object]:
    """Every plan in use, those with an overdue exercise first."""
    user = request.user
    with transaction() as session:
        found = plans.plans(session, user.council_id)
        names = _topic_names(session, user)
    return staff_page(
        user, "plans/list.html", at=PATH, plans=found, topics=names, may_write=user.may(Right.WRITE_ALERTS)
    )


def _topic_names(session: Session, user: Principal) -> dict[str, str]:
    return {one.slug: one.name for one in topics(session, [user.council_id])}


@staff_get(ONE, SEES)
def show_plan(request: StaffRequest, slug: FromPath[str]) -> Response[object]:
    """What a plan says, who gets it and how, and the button that makes the draft."""
    user = request.user
    with transaction() as session:
        found = plans.plan(session, user.council_id, slug)
        names = _topic_names(session, user)
        zones = {one.zone.slug: one.zone.name for one in zones_in_use(session, user.council_id)}
    kept = found.plan
    form = Form(kept.fields)
    return staff_page(
        user,
        "plans/plan.html",
        at=PATH,
        listed=found,
        plan=kept,
        form=form,
        zones=zones,
        topic=names.get(kept.topic, kept.topic),
        languages={code: name for code, name in languages().items() if form.one(f"title-{code}")},
        gaps=names_in([value for values in kept.fields.values() for value in values]),
        lasts=_lasts(is_emergency=found.is_emergency).get(
            str(kept.lasts_minutes or ""), f"{kept.lasts_minutes} minutes"
        ),
        approvers=APPROVERS.get(kept.approver_role, "") if kept.approver_role else "",
        may_use=user.may(Right.WRITE_ALERTS) and (not found.is_emergency or user.may(Right.BROADCAST)),
        may_keep=_may_keep(user, kept),
    )


def _lasts(*, is_emergency: bool) -> dict[str, str]:
    return LASTS | ({"": "24 hours, as every emergency"} if is_emergency else {})


def _may_keep(user: Principal, kept: Plan) -> bool:
    try:
        plans.require_may_keep(user, kept.priority)
    except Forbidden:
        return False
    return True


@staff_post(f"{ONE}/use", WRITES, people_only, status_code=200)
def use_plan(request: StaffRequest, slug: FromPath[str], body: RawBody) -> Response[object]:
    """Make the draft, or an exercise of it, and go on where its words are."""
    user, is_exercise = request.user, read_form(body).has("exercise")
    with transaction() as session:
        draft = plans.use_plan(session, by=user, officer_id=officer_of(user), slug=slug, is_exercise=is_exercise)
        return see_other(f"{AT}/{draft.id}/words")


@staff_post(f"{ONE}/archive", WRITES, people_only, status_code=200)
def archive_plan(request: StaffRequest, slug: FromPath[str]) -> Response[object]:
    """Offer a plan no longer."""
    with transaction() as session:
        plans.archive_plan(session, by=request.user, slug=slug)
    return see_other(PATH)


@staff_get(KEEP, WRITES, people_only)
def ask_for_terms(request: StaffRequest, draft_id: FromPath[UUID]) -> Response[object]:
    """What a draft is called as a plan, who approves it, and how often it is exercised."""
    with transaction() as session:
        draft = queries.draft(session, request.user.officer_id, draft_id)
        kept = session.get(Plan, draft.plan_id) if draft.plan_id else None
        return _terms_page(request.user, draft, _form_of(kept) if kept else EMPTY, [])


def _form_of(kept: Plan) -> Form:
    said = {"approver_role": kept.approver_role, "lasts_minutes": kept.lasts_minutes}
    fields = {"name": kept.name, "exercise_months": kept.exercise_months} | {k: v for k, v in said.items() if v}
    return Form({name: [str(value)] for name, value in fields.items()})


def _terms_page(user: Principal, draft: Draft, form: Form, field_errors: Sequence[FieldError]) -> Response[object]:
    return staff_page(
        user,
        "plans/keep.html",
        at=PATH,
        status=422 if field_errors else 200,
        draft=draft,
        form=form,
        approvers=APPROVERS,
        lasts=_lasts(is_emergency=draft.priority == Priority.EMERGENCY),
        is_emergency=draft.priority == Priority.EMERGENCY,
        field_errors=field_errors,
    )


@staff_post(KEEP, WRITES, people_only, status_code=200)
def keep_plan(request: StaffRequest, draft_id: FromPath[UUID], body: RawBody) -> Response[object]:
    """Keep a draft as a plan, or as what the plan of this name says from now on. The draft is done with."""
    form, user = read_form(body), request.user
    said = {name: form.one(name) for name in plans.PlanTerms.model_fields if form.one(name)}
    with transaction() as session:
        draft = queries.draft(session, user.officer_id, draft_id)
        try:
            terms = plans.PlanTerms.model_validate(said)
            kept = plans.save_plan(
                session, by=user, terms=terms, topic=draft.topic, priority=draft.priority, fields=draft.fields
            )
        except ValidationError as error:
            fields = [str(one["loc"][0]) for one in error.errors()]
            wrong = [FieldError(field, WRONG.get(field, "Choose another.")) for field in fields]
            return _terms_page(user, draft, form, wrong)
        except plans.PlanNotValid as error:
            return _terms_page(user, draft, form, [FieldError("name", error.detail)])
        session.delete(draft)
        return see_other(f"{PATH}/{kept.slug}")


WRONG = {"name": "Enter a name of at most 80 characters.", "exercise_months": "Enter months from 1 to 60."}
MENU_ITEMS = (MenuItem("Plans", PATH, Right.SEE_ALERTS, 28),)
HANDLERS: Sequence[ControllerRouterHandler] = (
    list_plans,
    show_plan,
    use_plan,
    archive_plan,
    ask_for_terms,
    keep_plan,
)
