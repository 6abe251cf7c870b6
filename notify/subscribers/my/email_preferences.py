"""How a resident's e-mails come: at once or gathered into digests, and in which form."""

from collections.abc import Mapping

from sqlalchemy import update
from sqlmodel import Session, col

from notify.core import clock
from notify.core.form_fields import Form
from notify.languages import later
from notify.subscribers.models import Cadence, MailFormat, Subscriber, Subscription, TopicPurpose
from notify.subscribers.queries import SubscriberRecord
from notify.subscribers.sign_up.form import read_one_of

CADENCES: Mapping[Cadence, str] = {
    Cadence.AT_ONCE: later("At once"),
    Cadence.DAILY: later("Once a day, together, at 5 in the afternoon"),
    Cadence.WEEKLY: later("Once a week, together, on Friday afternoon"),
}
FORMATS: Mapping[MailFormat, str] = {
    MailFormat.STANDARD: later("With headings and colours"),
    MailFormat.PLAIN: later("Plain text"),
    MailFormat.LARGE: later("Large print"),
}


def field_of(subscription: Subscription) -> str:
    """The name of the field that says when a topic's e-mails come."""
    return f"cadence-{subscription.topic_id}"


def save(session: Session, record: SubscriberRecord, form: Form) -> None:
    """Store what the form says; what it leaves out stays. Emergencies come at once whatever it says."""
    person = record.subscriber
    chosen = read_one_of(form, "mail_format", MailFormat(person.mail_format))
    statement = update(Subscriber).where(col(Subscriber.id) == person.id)
    session.execute(statement.values(mail_format=chosen, changed_at=clock.now()))
    for subscription, topic in record.subscriptions:
        if topic.purpose != TopicPurpose.EMERGENCY:
            cadence = read_one_of(form, field_of(subscription), Cadence(subscription.cadence))
            changed = update(Subscription).where(col(Subscription.id) == subscription.id)
            session.execute(changed.values(cadence=cadence))
