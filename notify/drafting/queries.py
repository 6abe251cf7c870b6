"""Reads a council's drafts and templates."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session, col, select

from notify.core.errors import NotFound
from notify.drafting.models import Draft, MessageTemplate
from notify.staff.models import Officer


class UnknownDraft(NotFound):
    """Another officer's, or sent, or thrown away."""

    title = "There is no such draft"


class UnknownTemplate(NotFound):
    """Another council's, or retired."""

    title = "There is no such template"


def draft(session: Session, officer_id: UUID | None, draft_id: UUID) -> Draft:
    """This officer's draft, held until the transaction ends. Raises: UnknownDraft."""
    statement = select(Draft).where(Draft.id == draft_id, Draft.officer_id == officer_id, col(Draft.alert_id).is_(None))
    found = session.exec(statement.with_for_update()).first()
    if found is None:
        raise UnknownDraft(
            "You have no draft here: it may have been sent or thrown away. Begin again at /staff/compose."
        )
    return found


def drafts(session: Session, officer_id: UUID | None) -> Sequence[Draft]:
    """What this officer has begun and not sent, the newest first."""
    statement = select(Draft).where(Draft.officer_id == officer_id, col(Draft.alert_id).is_(None))
    return session.exec(statement.order_by(col(Draft.changed_at).desc()).limit(50)).all()


def templates(session: Session, council_id: UUID) -> Sequence[MessageTemplate]:
    """The newest version of each template that is in use, by name."""
    newest = text("""
        SELECT DISTINCT ON (name) id FROM message_template WHERE council_id = :council ORDER BY name, version DESC
    """)
    ids = session.execute(newest, {"council": council_id}).scalars().all()
    statement = select(MessageTemplate).where(
        col(MessageTemplate.id).in_(ids), col(MessageTemplate.retired_at).is_(None)
    )
    return session.exec(statement.order_by(MessageTemplate.name)).all()


def template(session: Session, council_id: UUID, template_id: UUID | str) -> MessageTemplate:
    """One version of a template, by an id as it comes from a form too. Raises: UnknownTemplate."""
    try:
        found = session.get(MessageTemplate, UUID(str(template_id)))
    except ValueError:
        found = None
    if found is None or found.council_id != council_id or found.retired_at is not None:
        raise UnknownTemplate("It may have been retired. Choose another, or begin with nothing.")
    return found


def messages_this_week(session: Session, alert_targets_sql: str, parameters: dict[str, object]) -> tuple[int, int]:
    """Of the people an audience means: how many got three or more alerts in seven days, and the most anyone got."""
    row = session.execute(
        text(f"""
            WITH meant AS (SELECT DISTINCT subscriber_id FROM ({alert_targets_sql}) m),
            had AS (
                SELECT d.subscriber_id, count(DISTINCT d.alert_id) AS alerts
                FROM delivery d JOIN meant USING (subscriber_id)
                WHERE d.month >= date_trunc('month', business_now() - interval '7 days')::date
                  AND d.changed_at > business_now() - interval '7 days' AND d.state IN ('sent', 'delivered')
                GROUP BY d.subscriber_id
            )
            SELECT count(*) FILTER (WHERE alerts >= 3) AS tired, coalesce(max(alerts), 0) AS most FROM had
        """),
        parameters,
    ).one()
    return row.tired, row.most


def address_of(session: Session, officer_id: UUID) -> str:
    """The officer's own e-mail address."""
    return session.get_one(Officer, officer_id).email
