"""API routes of plans."""

from collections.abc import Sequence
from datetime import datetime

from litestar import delete, get, post
from litestar.params import FromPath, JSONBody
from litestar.types import ControllerRouterHandler
from sqlmodel import Field, SQLModel

from notify.alerts import service as alerts
from notify.alerts.models import AlertContent, Priority
from notify.alerts.views import AlertView
from notify.core.db import Input, transaction
from notify.drafting import plans
from notify.drafting.draft_reader import alert_from, word_fields
from notify.drafting.placeholders import filled
from notify.drafting.plans import ListedPlan, PlanTerms
from notify.drafting.route_options import SEES
from notify.staff.guards import RequiresLive
from notify.staff.models import Role
from notify.staff.rights import Right
from notify.staff.routes import StaffRequest
from notify.subscribers.models import Topic

CHANGES = RequiresLive(Right.WRITE_ALERTS)
ONE = "/plans/{slug:str}"


class NewPlan(PlanTerms):
    """A plan, or what the one of this name says from now on. `((name))` in its words is filled in when it is used."""

    alert: AlertContent = Field(description="Without `send_at`, `expires_at` and `training`, which belong to one use.")


class PlanView(SQLModel):
    """An alert that is ready before it is needed."""

    slug: str
    name: str
    topic: str
    priority: Priority
    fields: dict[str, list[str]] = Field(description="As the draft that it becomes holds them.")
    approver_role: Role | None
    lasts_minutes: int | None
    exercise_months: int
    last_exercised_at: datetime | None = Field(description="When a training alert that was made from it was sent.")
    is_overdue: bool = Field(description="Of an emergency: whether it should have been exercised since.")
    changed_at: datetime

    @classmethod
    def of(cls, listed: ListedPlan) -> "PlanView":
        """The public fields of a plan."""
        said = listed.plan.model_dump(include=set(cls.model_fields))
        return cls(**said, last_exercised_at=listed.exercised_at, is_overdue=listed.is_overdue)


class PlanUse(Input):
    """What is said each time that a plan is used."""

    training: bool = Field(default=False, description="Exercise it: nothing leaves the sandbox.")
    values: dict[str, str] = Field(default_factory=dict, description="For each `((name))` in its words.")


@get("/plans", guards=[SEES], sync_to_thread=True, tags=["plans"])
def list_plans(request: StaffRequest) -> list[PlanView]:
    """The plans in use, those with an overdue exercise first."""
    with transaction() as session:
        return [PlanView.of(one) for one in plans.plans(session, request.user.council_id)]


@post("/plans", guards=[CHANGES], sync_to_thread=True, tags=["plans"])
def save_plan(request: StaffRequest, data: JSONBody[NewPlan]) -> PlanView:
    """Keep a plan: the first of its name, or what it says from now on."""
    user, content = request.user, data.alert
    terms = PlanTerms.model_validate(data.model_dump(exclude={"alert"}))
    with transaction() as session:
        kept = plans.save_plan(
            session,
            by=user,
            terms=terms,
            topic=content.topic,
            priority=content.priority,
            fields=plans.fields_from(content),
        )
        return PlanView.of(plans.plan(session, user.council_id, kept.slug))


@get(ONE, guards=[SEES], sync_to_thread=True, tags=["plans"])
def read_plan(request: StaffRequest, slug: FromPath[str]) -> PlanView:
    """One plan."""
    with transaction() as session:
        return PlanView.of(plans.plan(session, request.user.council_id, slug))


@delete(ONE, guards=[CHANGES], sync_to_thread=True, tags=["plans"])
def archive_plan(request: StaffRequest, slug: FromPath[str]) -> None:
    """Offer a plan no longer. What was made from it stays."""
    with transaction() as session:
        plans.archive_plan(session, by=request.user, slug=slug)


@post(f"{ONE}/alert", guards=[CHANGES], sync_to_thread=True, tags=["plans"])
def use_plan(request: StaffRequest, slug: FromPath[str], data: JSONBody[PlanUse]) -> AlertView:
    """Make the alert of a plan, as a draft. `POST /alerts/{id}/submit` asks for it to be sent."""
    user = request.user
    with transaction() as session:
        kept = plans.usable(user, plans.plan(session, user.council_id, slug), is_exercise=data.training)
        fields = plans.draft_fields(session, kept, is_exercise=data.training)
        words = {name: [filled(text, data.values) for text in fields[name]] for name in word_fields() if name in fields}
        new = alert_from(fields | words, topic=kept.topic, priority=kept.priority)
        alert = alerts.create(session, by=user, new=new)
        plans.note_plan(session, kept, alert, by=user)
        return AlertView.of(alert, session.get_one(Topic, alert.topic_id))


HANDLERS: Sequence[ControllerRouterHandler] = (list_plans, save_plan, read_plan, archive_plan, use_plan)
