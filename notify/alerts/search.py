"""Finding alerts by their words, state, topic, ward, day and author."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, or_, text
from sqlalchemy.sql.elements import TextClause
from sqlmodel import col

from notify.alerts.models import Alert, AlertState
from notify.alerts.visibility import TOUCHES
from notify.core.clock import midnight
from notify.subscribers.models import Topic

# the very expression that is indexed
WORDS = """
    (to_tsvector('english', alert.title || ' ' || alert.body || ' ' || coalesce(alert.sms, '') || ' '
                            || coalesce(alert.event, '') || ' ' || coalesce(alert.instruction, '') || ' '
                            || coalesce(alert.reference, ''))
     || jsonb_to_tsvector('english', alert.translations, '["string"]')) @@ websearch_to_tsquery('english', :words)
"""
IN_WARD = TOUCHES.replace(":areas", ":ward")
# an officer's keys write for them
BY_OFFICER = """
    (alert.created_by = 'officer:' || CAST(:author AS text)
     OR alert.created_by IN (SELECT 'key:' || k.prefix FROM api_key k WHERE k.officer_id = CAST(:author AS uuid)))
"""


@dataclass(frozen=True, slots=True)
class AlertSearch:
    """What is looked for; what is unset matches everything. Days are those of this country, when it was written.

    `words` are found in every text of an alert, as whole words or another form of them, and as a part of its title or
    reference. `author` is the id of a user.
    """

    words: str = ""
    state: AlertState | None = None
    topic: str = ""
    ward: str = ""
    since: date | None = None
    until: date | None = None
    author: UUID | None = None

    def conditions(self) -> Sequence[ColumnElement[bool] | TextClause]:
        """Conditions on a SELECT of alerts joined with their topics."""
        found: list[ColumnElement[bool] | TextClause] = []
        if self.words:
            part = or_(*(col(one).icontains(self.words, autoescape=True) for one in (Alert.title, Alert.reference)))
            found.append(or_(text(WORDS).bindparams(words=self.words), part))
        if self.state:
            found.append(col(Alert.state) == self.state)
        if self.topic:
            found.append(col(Topic.slug) == self.topic)
        if self.ward:
            found.append(text(IN_WARD).bindparams(ward=[self.ward]))
        if self.since:
            found.append(col(Alert.created_at) >= midnight(self.since))
        if self.until and self.until < date.max:
            found.append(col(Alert.created_at) < midnight(self.until + timedelta(days=1)))
        if self.author:
            found.append(text(BY_OFFICER).bindparams(author=str(self.author)))
        return found
