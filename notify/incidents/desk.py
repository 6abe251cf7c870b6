"""Everything that the page of an incident shows now."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import text
from sqlmodel import Session, col, select

from notify.alerts import queries as alert_queries
from notify.alerts.incidents import queries
from notify.alerts.incidents.models import Incident, IncidentState
from notify.alerts.models import Alert, AlertState, FollowUp, Priority
from notify.call_list.models import OUTCOME_NAMES, Outcome
from notify.call_list.queries import found_by_outcome
from notify.channels import label
from notify.core import clock
from notify.deliveries.escalation import escalates_at
from notify.incidents.figures import IncidentFigures, figures_of
from notify.incidents.timeline import Happening, timeline
from notify.places.models import Targets
from notify.places.outlines import places_in_words
from notify.staff.councils import lineage
from notify.staff.rights import Actor
from notify.subscribers.models import Topic

BEGUN = (AlertState.SENDING, AlertState.SENT)
WAITING = (AlertState.DRAFT, AlertState.SUBMITTED, AlertState.APPROVED, AlertState.SCHEDULED, AlertState.REJECTED)
WATCHED_AFTER = timedelta(hours=2)  # replies and receipts still come in
LINKED_DAYS = timedelta(days=30)
CALLS = text("""
    SELECT sum(v.calls) FROM call_volume v JOIN call_category c ON c.council_id = v.council_id
         AND c.category = v.category
    WHERE v.council_id = ANY(:councils) AND c.topic_id = ANY(:topics)
      AND v.day BETWEEN CAST(:since AS timestamptz)::date AND CAST(:until AS timestamptz)::date
""")


@dataclass(frozen=True, slots=True)
class Escalating:
    """That an alert goes to people who were not reached, or have not answered, on other channels at this time."""

    at: datetime
    alert: Alert
    channels: Sequence[str]


@dataclass(frozen=True, slots=True)
class Desk:
    """One incident as its page shows it. `now` is the alert whose words hold, `leading` the one that updates follow.

    `called`: how many people were last found how by calls and visits.
    `calls` are those about its topics from the day it began to the day it ended; None where none are known.
    """

    incident: Incident
    now: Alert | None
    leading: Alert | None
    alerts: Sequence[Alert]
    waiting: Sequence[Alert]
    places: Sequence[str]
    is_everywhere: bool
    in_force_until: datetime | None
    figures: IncidentFigures
    escalating: Sequence[Escalating]
    happened: Sequence[Happening]
    calls: int | None
    is_watched: bool
    called: Mapping[str, int]

    @property
    def is_open(self) -> bool:
        """Whether it goes on."""
        return self.incident.state == IncidentState.OPEN

    @property
    def is_in_force(self) -> bool:
        """Whether an alert of it warns people now."""
        return self.in_force_until is not None and self.in_force_until > clock.now()


def desk_of(session: Session, by: Actor, incident: Incident) -> Desk:
    """What is known of the incident now, as far as this actor's remit goes."""
    alerts = queries.alerts_of(session, by, incident)
    urgent = [one for one in alerts if one.priority == Priority.EMERGENCY and one.state in BEGUN]
    leading = next((one for one in reversed(urgent) if one.follows_id is None), None)
    of_area = alert_queries.alert_of_area(session, leading) if leading else None
    targets = Targets.from_json(of_area.targets) if of_area and of_area.targets else None
    return Desk(
        incident=incident,
        now=urgent[-1] if urgent else None,
        leading=leading,
        alerts=alerts,
        waiting=[one for one in alerts if one.state in WAITING],
        places=places_in_words(session, targets, language="en") if targets and not targets.everywhere else (),
        is_everywhere=targets is not None and targets.everywhere,
        in_force_until=_in_force_until(urgent),
        figures=figures_of(session, alerts),
        escalating=[found for one in urgent if (found := _escalating(session, one))],
        happened=timeline(session, incident, alerts),
        calls=_calls(session, incident, alerts),
        is_watched=is_watched(incident),
        called={OUTCOME_NAMES[one]: people for one, people in _called(session, alerts).items()},
    )


def _called(session: Session, alerts: Sequence[Alert]) -> Mapping[Outcome, int]:
    return found_by_outcome(session, [one.id for one in alerts])


def is_watched(incident: Incident) -> bool:
    """Whether the numbers still change by themselves: until two hours after its end."""
    return incident.ended_at is None or clock.now() - incident.ended_at < WATCHED_AFTER


def _in_force_until(urgent: Sequence[Alert]) -> datetime | None:
    over = {one.follows_id for one in urgent if one.follow_up == FollowUp.ALL_CLEAR}
    ends = [
        one.expires_at
        for one in urgent
        if one.expires_at and one.follow_up != FollowUp.ALL_CLEAR and (one.follows_id or one.id) not in over
    ]
    return max(ends, default=None)


def _escalating(session: Session, alert: Alert) -> Escalating | None:
    at = escalates_at(session, alert)
    later = alert.escalation["channels"] if alert.escalation else []
    return Escalating(at, alert, [label(str(one)) for one in later]) if at and isinstance(later, list) else None


def _calls(session: Session, incident: Incident, alerts: Sequence[Alert]) -> int | None:
    values = {
        "councils": list(lineage(session, incident.council_id)),
        "topics": list({one.topic_id for one in alerts}),
        "since": incident.opened_at,
        "until": incident.ended_at or clock.now(),
    }
    found = session.execute(CALLS, values).scalar()
    return None if found is None else int(found)


def may_be_linked(session: Session, by: Actor, incident: Incident) -> Sequence[Alert]:
    """The newest routine alerts of the last thirty days that are part of no incident."""
    recent = clock.now() - LINKED_DAYS
    found = [one for one, _ in alert_queries.alerts(session, by, limit=100)]
    return [
        one
        for one in found
        if one.incident_id is None
        and one.priority == Priority.ROUTINE
        and one.follows_id is None
        and one.is_test == incident.is_training
        and one.council_id == incident.council_id
        and one.created_at > recent
    ][:20]


def topic_names(session: Session, alerts: Sequence[Alert]) -> Sequence[str]:
    """The names of the topics that these alerts are about."""
    ids = {one.topic_id for one in alerts}
    return session.exec(select(Topic.name).where(col(Topic.id).in_(ids)).order_by(Topic.name)).all()
