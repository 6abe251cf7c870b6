"""Writes drafts and templates, and makes an alert of a draft."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy import update
from sqlmodel import Session, col, func, select

from notify.alerts import remit, revision
from notify.alerts import service as alerts
from notify.alerts.councillors import refuse_councillor
from notify.alerts.models import Alert, NewAlert, Priority
from notify.core import clock
from notify.core.errors import Invalid
from notify.drafting import placeholders, queries
from notify.drafting.copy import fields_with_times
from notify.drafting.draft_reader import alert_of, word_fields
from notify.drafting.hazards import HAZARDS
from notify.drafting.models import Draft, Fields, MessageTemplate, Plan
from notify.staff.remit import EVERYTHING, OutsideYourRemit
from notify.staff.rights import Principal
from notify.staff.service import audit

TEMPLATE_FIELDS = ("title", "body", "sms")
UNDO = timedelta(seconds=30)  # nothing of a routine alert is sent before, so that it can still be taken back


class NotYourTemplate(OutsideYourRemit):
    """Another officer's template, which serves topics and areas beyond one's own."""

    title = "The template is somebody else's"


class TemplateNotValid(Invalid):
    """A template needs a name and some words."""

    title = "The template cannot be kept"


def begin(
    session: Session, *, council_id: UUID, officer_id: UUID, topic: str, priority: Priority, fields: Fields
) -> Draft:
    """A new draft with these fields filled in."""
    draft = Draft(council_id=council_id, officer_id=officer_id, topic=topic, priority=priority, fields=fields)
    session.add(draft)
    session.flush()
    return draft


def begin_change(session: Session, alert: Alert, *, topic: str, officer_id: UUID) -> Draft:
    """The draft in which this officer writes the next version of an alert: the one they have begun, or a new one."""
    begun = select(Draft).where(
        Draft.replaces_id == alert.id, Draft.officer_id == officer_id, col(Draft.alert_id).is_(None)
    )
    found = session.exec(begun.order_by(col(Draft.changed_at).desc())).first()
    if found and found.changed_at >= alert.changed_at:
        return found
    draft = begin(
        session,
        council_id=alert.council_id,
        officer_id=officer_id,
        topic=topic,
        priority=alert.priority,
        fields=fields_with_times(alert),
    )
    draft.replaces_id = alert.id
    return draft


def first_words(hazard: str, *, in_welsh: bool = False) -> Fields:
    """The fields that a hazard's first words fill in, with Welsh beside English where that is asked for."""
    kind = HAZARDS[hazard]
    welsh = {"title-cy": [kind.welsh.title], "body-cy": [kind.welsh.body], "sms-cy": [kind.welsh.sms]}
    return {"hazard": [hazard], "title": [kind.title], "body": [kind.body], "sms": [kind.sms]} | (
        welsh if in_welsh else {}
    )


def keep(session: Session, draft: Draft, names: Sequence[str], given: Mapping[str, Sequence[str]]) -> None:
    """Take these fields of a form into the draft, as they are; those of other pages stay."""
    kept = {name: values for name, values in draft.fields.items() if name not in names}
    kept |= {name: list(given[name]) for name in names if name in given}
    draft.fields, draft.changed_at = kept, clock.now()
    session.flush()


def fill_in(session: Session, draft: Draft, values: Mapping[str, str]) -> None:
    """Put values in the place of `((names))`, in every text of the draft."""
    changed = {
        name: [placeholders.filled(text, values) for text in texts]
        for name, texts in draft.fields.items()
        if name in word_fields()
    }
    keep(session, draft, list(changed), changed)


def delete_draft(session: Session, draft: Draft) -> None:
    """Remove a draft that was not sent."""
    session.delete(draft)


def send(session: Session, draft: Draft, new: NewAlert, *, by: Principal) -> Alert:
    """Make an alert of the draft and submit it. What needs nobody's approval can be taken back for half a minute.

    A draft that is the next version of an alert becomes that alert.
    Raises: what `alerts.create`, `revision.revise` and `alerts.submit` raise.
    """
    if draft.replaces_id:
        alert = remit.own(session, by, draft.replaces_id)
        revision.revise(session, by=by, alert=alert, new=_with_time_to_undo(new))
    else:
        alert = alerts.create(session, by=by, new=_with_time_to_undo(new))
    _note_plan(session, draft, alert)
    alerts.submit(session, by=by, alert=alert)
    draft.alert_id = alert.id
    return alert


def _note_plan(session: Session, draft: Draft, alert: Alert) -> None:
    plan = session.get(Plan, draft.plan_id) if draft.plan_id else None
    if plan:
        alert.plan_id, alert.approver_role = plan.id, plan.approver_role
        session.add(alert)


def _with_time_to_undo(new: NewAlert) -> NewAlert:
    soonest = clock.now().replace(microsecond=0) + UNDO  # people read it
    if new.priority == Priority.EMERGENCY or (new.send_at and new.send_at >= soonest):
        return new
    if new.expires_at and new.expires_at <= soonest:
        return new
    return new.model_copy(update={"send_at": soonest})


def ready(draft: Draft) -> NewAlert:
    """The alert that the draft describes. Raises: NotReady with every fault."""
    return alert_of(draft)


def save_template(
    session: Session, *, by: Principal, name: str, fields: Mapping[str, Sequence[str]]
) -> MessageTemplate:
    """A new version of the template of this name, or its first. Raises: TemplateNotValid, NotYourTemplate."""
    refuse_councillor(by, "keep templates")
    title = " ".join(name.split())
    kept = {field: list(values) for field, values in fields.items() if field in word_fields() and any(values)}
    if not title or len(title) > 80:
        raise TemplateNotValid("Give the template a name of at most 80 characters.")
    if not kept.get("title") or not kept.get("body"):
        raise TemplateNotValid("A template has at least a title and a message.")
    _require_own_template(session, by, title)
    known = select(func.max(MessageTemplate.version)).where(
        MessageTemplate.council_id == by.council_id, MessageTemplate.name == title
    )
    version = (session.exec(known).one() or 0) + 1
    template = MessageTemplate(council_id=by.council_id, name=title, version=version, fields=kept, created_by=by.actor)
    session.add(template)
    session.flush()
    _note(session, by, template, "save", version=version)
    return template


def retire_template(session: Session, *, by: Principal, template_id: UUID) -> None:
    """Offer a template no longer. What was written with it stays. Raises: UnknownTemplate, NotYourTemplate."""
    refuse_councillor(by, "archive templates")
    template = queries.template(session, by.council_id, template_id)
    _require_own_template(session, by, template.name)
    session.execute(
        update(MessageTemplate)
        .where(col(MessageTemplate.council_id) == by.council_id, col(MessageTemplate.name) == template.name)
        .values(retired_at=clock.now())
    )
    _note(session, by, template, "retire")


def _note(session: Session, by: Principal, template: MessageTemplate, deed: str, **detail: object) -> None:
    audit(
        session,
        council_id=by.council_id,
        actor=by.actor,
        action=f"template.{deed}",
        subject=str(template.id),
        **detail,
    )


def _require_own_template(session: Session, by: Principal, name: str) -> None:
    """Refuse who works with some topics or areas only what serves all of them. Raises: NotYourTemplate."""
    if by.remit == EVERYTHING:
        return
    others = select(MessageTemplate.id).where(
        MessageTemplate.council_id == by.council_id,
        MessageTemplate.name == name,
        MessageTemplate.created_by != by.actor,
    )
    if session.exec(others.limit(1)).first() is not None:
        raise NotYourTemplate("Somebody else wrote this template. Keep yours under another name.")


def rename_topic(session: Session, council_id: UUID, slug: str, new: str) -> None:
    """Have the council's drafts about one topic be about another."""
    session.execute(
        update(Draft)
        .where(col(Draft.council_id) == council_id, col(Draft.topic) == slug, col(Draft.alert_id).is_(None))
        .values(topic=new)
    )
    session.execute(update(Plan).where(col(Plan.council_id) == council_id, col(Plan.topic) == slug).values(topic=new))
