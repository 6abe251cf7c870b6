"""Plans: alerts that are ready before they are needed, and when each was last exercised."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from dateutil.relativedelta import relativedelta
from pydantic import field_validator
from sqlalchemy import text
from sqlmodel import Field, Session, col, select

from notify.alerts import remit
from notify.alerts.models import Alert, AlertContent, AlertState, Priority
from notify.core import clock
from notify.core.clock import LONDON
from notify.core.db import Input
from notify.core.errors import Invalid, NotFound
from notify.drafting.copy import fields_of
from notify.drafting.models import Draft, Fields, Plan
from notify.drafting.service import begin
from notify.staff.models import Role
from notify.staff.remit import EVERYTHING, OutsideYourRemit
from notify.staff.rights import RIGHTS, Principal, Right
from notify.staff.service import audit
from notify.zones.queries import saved
from notify.zones.service import slug_of

LONGEST_LIFE = timedelta(days=7)
# times belong to one alert, and whether it is an exercise is said each time
NOT_KEPT = ("send_at", "expires_at", "onset", "training")
_EXERCISED = text("""
    SELECT plan_id, max(expanded_at) AS at FROM alert
    WHERE council_id = :council AND plan_id IS NOT NULL AND is_training AND expanded_at IS NOT NULL
    GROUP BY plan_id
""")


class UnknownPlan(NotFound):
    """Another council's, or archived."""

    title = "There is no such plan"


class PlanNotValid(Invalid):
    """A plan says at least something, to someone."""

    title = "The plan cannot be kept"


class PlanTerms(Input):
    """What a plan says beside its alert."""

    name: str = Field(min_length=1, max_length=80)
    approver_role: Role | None = Field(default=None, description="Who is asked first for approval. Unset: all who may.")
    lasts_minutes: int | None = Field(
        default=None, ge=5, le=int(LONGEST_LIFE.total_seconds()) // 60, description="How long its alert is in force."
    )
    exercise_months: int = Field(default=12, ge=1, le=60, description="An emergency is exercised this often.")

    @field_validator("approver_role")
    @classmethod
    def _may_approve(cls, role: Role | None) -> Role | None:
        if role and Right.APPROVE_ALERTS not in RIGHTS[role]:
            raise ValueError("This role approves no alerts.")
        return role


@dataclass(frozen=True, slots=True)
class ListedPlan:
    """A plan, when it was last exercised, and whether it should have been since."""

    plan: Plan
    exercised_at: datetime | None
    is_overdue: bool

    @property
    def is_emergency(self) -> bool:
        """Whether it can be exercised."""
        return self.plan.priority == Priority.EMERGENCY


def plans(session: Session, council_id: UUID) -> Sequence[ListedPlan]:
    """The council's plans in use: those whose exercise is overdue first, then by name."""
    statement = select(Plan).where(Plan.council_id == council_id, col(Plan.archived_at).is_(None))
    exercised = {row.plan_id: row.at for row in session.execute(_EXERCISED, {"council": council_id})}
    listed = [_listed(one, exercised.get(one.id)) for one in session.exec(statement.order_by(Plan.name))]
    return sorted(listed, key=lambda one: not one.is_overdue)


def plan(session: Session, council_id: UUID, slug: str) -> ListedPlan:
    """One plan in use. Raises: UnknownPlan."""
    found = next((one for one in plans(session, council_id) if one.plan.slug == slug), None)
    if found is None:
        raise UnknownPlan(f"Your council has no plan {slug!r}. `GET /api/v1/plans` lists them.")
    return found


def _listed(one: Plan, exercised_at: datetime | None) -> ListedPlan:
    is_emergency = one.priority == Priority.EMERGENCY
    return ListedPlan(one, exercised_at, is_emergency and _due(one, exercised_at) <= clock.now().date())


def _due(one: Plan, exercised_at: datetime | None) -> date:
    """By when it is exercised: one that never was, now."""
    if exercised_at is None:
        return date.min
    last: date = exercised_at.astimezone(LONDON).date() + relativedelta(months=one.exercise_months)
    return last


def require_may_keep(by: Principal, priority: Priority) -> None:
    """Refuse who may not keep plans: they serve the whole council. Raises: Forbidden, OutsideYourRemit."""
    by.require(Right.WRITE_ALERTS)
    by.require(Right.APPROVE_ALERTS)
    remit.require_broadcast(by, priority)
    if by.remit != EVERYTHING:
        raise OutsideYourRemit("Plans serve the whole council, and you work with some topics or areas only.")


def save_plan(
    session: Session,
    *,
    by: Principal,
    terms: PlanTerms,
    topic: str,
    priority: Priority,
    fields: Mapping[str, Sequence[str]],
) -> Plan:
    """Keep a plan, or what the one of this name says from now on. Gaps such as `((place))` may stay open.

    Raises: Forbidden, OutsideYourRemit, PlanNotValid.
    """
    require_may_keep(by, priority)
    kept: Fields = {name: list(values) for name, values in fields.items() if name not in NOT_KEPT and any(values)}
    if not kept.get("title") or not kept.get("body") or not kept.get("reach"):
        raise PlanNotValid("A plan has at least a title, a message, and who gets it.")
    slug = slug_of(terms.name)
    known = session.exec(select(Plan).where(Plan.council_id == by.council_id, Plan.slug == slug).with_for_update())
    found = known.first() or Plan(
        council_id=by.council_id, slug=slug, name="", topic=topic, priority=priority, created_by=by.actor
    )
    found.sqlmodel_update(terms.model_dump())
    found.name = " ".join(terms.name.split())
    found.topic, found.priority, found.fields = topic, priority, kept
    found.changed_at, found.archived_at = clock.now(), None
    session.add(found)
    session.flush()
    audit(session, council_id=by.council_id, actor=by.actor, action="plan.save", subject=str(found.id))
    return found


def fields_from(content: AlertContent) -> Fields:
    """The fields of a draft that would make this alert."""
    said = content.model_dump(include={"title", "body", "sms", "link", "reference", "asks_reply", "priority"})
    audience = content.audience.model_dump(mode="json", by_alias=True, exclude_none=True) if content.audience else None
    later = content.escalate.channels if content.escalate else []
    return fields_of(
        Alert(
            **said,
            **(content.cap.model_dump() if content.cap else {}),
            audience=audience,
            channels=[one.value for one in content.channels if one not in later],
            translations={code: words.model_dump(exclude_none=True) for code, words in content.translations.items()},
            escalation=content.escalate.model_dump(mode="json") if content.escalate else None,
            state=AlertState.DRAFT,
        )
    )


def use_plan(session: Session, *, by: Principal, officer_id: UUID, slug: str, is_exercise: bool) -> Draft:
    """The draft that a plan makes for this officer, to an emergency's or a routine alert's own rules.

    Zones are taken in their newest version. Raises: UnknownPlan, Forbidden, OutsideYourRemit, PlanNotValid.
    """
    found = usable(by, plan(session, by.council_id, slug), is_exercise=is_exercise)
    draft = begin(
        session,
        council_id=by.council_id,
        officer_id=officer_id,
        topic=found.topic,
        priority=found.priority,
        fields=draft_fields(session, found, is_exercise=is_exercise),
    )
    draft.plan_id = found.id
    audit(session, council_id=by.council_id, actor=by.actor, action="plan.use", subject=str(found.id))
    return draft


def usable(by: Principal, listed: ListedPlan, *, is_exercise: bool) -> Plan:
    """The plan, if this user may make an alert of it. Raises: Forbidden, OutsideYourRemit, PlanNotValid."""
    by.require(Right.WRITE_ALERTS)
    remit.require_broadcast(by, listed.plan.priority)
    by.remit.require_topic(listed.plan.topic)
    if is_exercise and not listed.is_emergency:
        raise PlanNotValid("Only a plan for an emergency is exercised.")
    return listed.plan


def note_plan(session: Session, found: Plan, alert: Alert, *, by: Principal) -> None:
    """Note that the alert was made from this plan."""
    alert.plan_id, alert.approver_role = found.id, found.approver_role
    session.add(alert)
    audit(session, council_id=by.council_id, actor=by.actor, action="plan.use", subject=str(found.id))


def draft_fields(session: Session, found: Plan, *, is_exercise: bool) -> Fields:
    """The fields of the draft that a plan makes now."""
    fields: Fields = dict(found.fields)
    for name in ("zone", "without_zone"):
        if fields.get(name):
            fields[name] = [_newest(session, found.council_id, named) for named in fields[name]]
    if found.lasts_minutes:
        ends = clock.now() + timedelta(minutes=found.lasts_minutes)
        fields["expires_at"] = [f"{ends.astimezone(LONDON):%Y-%m-%dT%H:%M}"]
    return fields | ({"training": ["yes"]} if is_exercise else {})


def _newest(session: Session, council_id: UUID, named: str) -> str:
    """The zone that is meant, in its newest version; one that was archived in the version that the plan has."""
    slug = named.partition("@")[0]
    try:
        return f"{slug}@{saved(session, council_id, slug).version.version}"
    except NotFound:
        return named


def archive_plan(session: Session, *, by: Principal, slug: str) -> None:
    """Offer a plan no longer. Raises: UnknownPlan, Forbidden, OutsideYourRemit."""
    found = plan(session, by.council_id, slug).plan
    require_may_keep(by, found.priority)
    found.archived_at = clock.now()
    session.add(found)
    audit(session, council_id=by.council_id, actor=by.actor, action="plan.archive", subject=str(found.id))
