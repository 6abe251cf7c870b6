"""What still needs a topic: alerts that are to be sent, recurring alerts, reminders of bin collections."""

from datetime import datetime

from sqlalchemy import or_
from sqlmodel import Session, col, select

from notify.alerts.models import Alert, AlertState
from notify.core.clock import LONDON
from notify.core.errors import Conflict
from notify.drafting.models import Recurrence
from notify.subscribers.models import Topic
from notify.waste.messages import topic_of
from notify.waste.models import CollectionReminder

WAITING = (AlertState.SUBMITTED, AlertState.APPROVED, AlertState.SCHEDULED, AlertState.SENDING)


class TopicInUse(Conflict):
    """Something is still to be sent about the topic."""

    title = "The topic is still needed"


def require_unused(session: Session, topic: Topic, *, after: datetime | None = None) -> None:
    """Refuse to end a topic about which something is to be sent after this moment; None: at all. Raises: TopicInUse."""
    alerts = select(Alert.title).where(Alert.topic_id == topic.id, col(Alert.state).in_(WAITING))
    recurring = select(Recurrence).where(
        Recurrence.council_id == topic.council_id,
        col(Recurrence.ended_at).is_(None),
        col(Recurrence.content)["topic"].astext == topic.slug,
    )
    if after is not None:
        alerts = alerts.where(or_(col(Alert.send_at) >= after, col(Alert.state) == AlertState.SENDING))
        recurring = recurring.where(col(Recurrence.last_day) >= after.astimezone(LONDON).date())
    if titles := session.exec(alerts.order_by(Alert.title).limit(3)).all():
        named = ", ".join(f"“{title}”" for title in titles)
        raise TopicInUse(f"Send or cancel these alerts first: {named}.")
    if found := session.exec(recurring.limit(1)).first():
        raise TopicInUse(f"End the recurring alert “{found.content['title']}” first.")
    reminds = select(CollectionReminder.id).where(CollectionReminder.council_id == topic.council_id).limit(1)
    of_bins = topic_of(session, topic.council_id)
    if of_bins is not None and of_bins.id == topic.id and session.exec(reminds).first():
        raise TopicInUse("People get reminders of their bin collections by this topic.")
