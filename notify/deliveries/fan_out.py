"""Expands an alert into its ledger: recipients in order, cut into batches, in one transaction."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session

from notify.alerts import area_updates
from notify.alerts import service as alerts_service
from notify.alerts.models import Alert, AlertState, Escalation, Priority
from notify.alerts.service import lane_of
from notify.core import clock, jobs
from notify.core.settings import settings
from notify.deliveries.service import FIRST_HINTS, finish_alert
from notify.places import succession
from notify.places.models import Targets
from notify.providers import sandbox
from notify.providers.base import Channel
from notify.staff.models import Council
from notify.staff.queries import is_test_key
from notify.subscribers.queries import INVENTED_ONLY, AudienceSql, audience

EMERGENCY_BATCH = 250  # small, so that all workers of the lane have something
IS_GATHERED = """
    SELECT EXISTS (SELECT FROM subscription WHERE topic_id = :topic AND ended_at IS NULL AND cadence <> 'at-once')
"""
GATHER = """
    INSERT INTO digest_item (alert_id, contact_id, subscriber_id, language, ward_code, due_at)
    SELECT :alert, f.contact_id, f.subscriber_id, f.language, f.ward_code, due.at
    FROM ({audience}) f
    JOIN subscription g ON g.topic_id = :topic AND g.subscriber_id = f.subscriber_id AND g.ended_at IS NULL
         AND g.cadence <> 'at-once'
    CROSS JOIN LATERAL digest_due(g.cadence, business_now(), CAST(:digest_council AS uuid)) AS due (at)
    WHERE f.channel = 'email' AND due.at < coalesce(CAST(:expires AS timestamptz), 'infinity')
"""
GATHER_FOLLOW_UP = """
    INSERT INTO digest_item (alert_id, contact_id, subscriber_id, language, ward_code, due_at)
    SELECT :alert, i.contact_id, i.subscriber_id, i.language, i.ward_code,
           digest_due(CASE WHEN :is_urgent THEN 'at-once' ELSE g.cadence END, business_now(),
                      CAST(:digest_council AS uuid))
    FROM digest_item i
    JOIN subscription g ON g.topic_id = :topic AND g.subscriber_id = i.subscriber_id AND g.ended_at IS NULL
    WHERE i.alert_id = :first
"""
INSERT_DELIVERIES = """
    INSERT INTO delivery (month, alert_id, number, contact_id, subscriber_id, channel, language, ward_code,
                          update_group, state, changed_at)
    SELECT :month, :alert, :after + row_number() OVER (ORDER BY r.channel, {due} NULLS FIRST, r.contact_id),
           r.contact_id, r.subscriber_id, r.channel, r.language, r.ward_code, {group}, 'created', business_now()
    FROM ({audience}) r {person}
"""
# Those in their quiet hours stand together at the end of their channel, by the moment the hours end, so that a batch is
# still a plain range and is due at one moment. Where nobody has such hours, and for emergencies, nobody is looked at.
QUIET = {
    "due": "quiet_until(q.quiet_from, q.quiet_to, business_now())",
    "person": "LEFT JOIN subscriber q ON q.id = r.subscriber_id AND q.quiet_from IS NOT NULL",
}
NEVER_QUIET = {"due": "CAST(NULL AS timestamptz)", "person": ""}


def expand(session: Session, alert_id: UUID) -> int:
    """Write the alert's ledger and its batches, once; how many deliveries. Safe to repeat.

    Everything happens in this transaction: an alert is either expanded wholly or not at all. One of a council that has
    closed is cancelled.
    """
    alert = session.get(Alert, alert_id, with_for_update={"skip_locked": True}, populate_existing=True)
    if alert is None or alert.state != "sending" or alert.expanded_at is not None:
        return 0
    if session.get_one(Council, alert.council_id).closed_at:
        alerts_service.move(session, alert, [AlertState.SENDING], AlertState.CANCELLED)
        return 0
    alert.ledger_month = clock.first_of_month(clock.now())
    alert.expanded_at = alert.changed_at = clock.now()
    who = recipients(session, alert)
    session.flush()
    return write_ledger(session, alert, _less_those_of_digests(session, alert, who))


def write_ledger(session: Session, alert: Alert, who: AudienceSql) -> int:
    """Deliveries and batches for everyone whom `who` selects; how many. The alert is finished where there is nobody."""
    alert.recipients = extend_ledger(session, alert, who, after=0)
    if not alert.recipients:
        session.flush()
        finish_alert(session, alert.id)
    return alert.recipients


def extend_ledger(session: Session, alert: Alert, who: AudienceSql, *, after: int) -> int:
    """The same for an alert that has `after` deliveries already, which stay as they are; how many more."""
    parameters = {"month": alert.ledger_month, "alert": alert.id, "after": after, **who.parameters}
    quiet = QUIET if alert.priority != Priority.EMERGENCY and _somebody_has_quiet_hours(session) else NEVER_QUIET
    # what is sent later, on other channels, is for those who are new as well
    has_groups = alert.group_words is not None
    group = ("'new'" if after else "r.update_group") if has_groups else "CAST(NULL AS varchar)"
    session.execute(text(INSERT_DELIVERIES.format(audience=who.sql, group=group, **quiet)), parameters)
    size = (
        min(settings().batch_size, EMERGENCY_BATCH) if alert.priority == Priority.EMERGENCY else settings().batch_size
    )
    lane = lane_of(alert.priority)
    about = {"month": alert.ledger_month, "alert": alert.id, "after": after, "size": size, "lane": lane}
    batches = session.execute(text(INSERT_BATCHES.format(**quiet)), about).all()
    for _ in range(min(len(batches), FIRST_HINTS)):
        jobs.note(session, jobs.Job.SEND_NEXT, lane.value, lane=lane)
    return sum(batch.number_to - batch.number_from + 1 for batch in batches)


def recipients(session: Session, alert: Alert) -> AudienceSql:
    """Whom the alert goes to if it is expanded now."""
    # what a test key wrote is seen by that key, which sees no resident
    invented = alert.is_test and is_test_key(session, alert.created_by)
    if alert.follows_id is not None:
        return _those_of_line(session, alert, session.get_one(Alert, alert.follows_id), invented=invented)
    if alert.escalation:
        return _nobody_waits_in_vain(session, alert, invented=invented)
    return _audience(session, alert, alert.channels, invented=invented)


def _audience(session: Session, alert: Alert, channels: Sequence[str], *, invented: bool) -> AudienceSql:
    is_emergency = alert.priority == Priority.EMERGENCY
    # areas may have ended since it was written
    targets = succession.reached(session, Targets.from_json(alert.targets or {}), is_emergency=is_emergency)
    return audience(alert.topic_id, targets, channels, is_emergency=is_emergency, invented=invented)


def _nobody_waits_in_vain(session: Session, alert: Alert, *, invented: bool) -> AudienceSql:
    """The followers by the channels that come first; whoever has none of them by those kept for later, at once."""
    later = Escalation.model_validate(alert.escalation).channels
    every = _audience(session, alert, [*alert.channels, *later], invented=invented)
    sql = f"""
        SELECT contact_id, subscriber_id, channel, language, ward_code
        FROM (SELECT f.*, bool_or(f.channel = ANY(:first_channels)) OVER (PARTITION BY f.subscriber_id) AS can_be_first
              FROM ({every.sql}) f) one
        WHERE one.channel = ANY(:first_channels) OR NOT one.can_be_first
    """
    return AudienceSql(sql, {**every.parameters, "first_channels": list(alert.channels)})


def _those_of_line(session: Session, alert: Alert, first: Alert, *, invented: bool) -> AudienceSql:
    """Whom what follows the first alert goes to: exactly those who got it, or who are in its area by now."""
    if alert.group_words is None and not area_updates.has_other_areas(session, first, alert):
        return _earlier_recipients(session, first.id, invented=invented)
    now = _in_area_now(alert, first, invented=invented)
    if alert.group_words is None:
        return now
    later = Escalation.model_validate(alert.escalation).channels if alert.escalation else []
    every = _audience(session, alert, list(Channel), invented=invented)
    sql = f"""
        WITH now_in AS MATERIALIZED ({now.sql}), every AS MATERIALIZED (
            SELECT f.*, bool_or(f.channel = ANY(:first_channels)) OVER (PARTITION BY f.subscriber_id) AS can_be_first
            FROM ({every.sql}) f
        )
        SELECT n.contact_id, n.subscriber_id, n.channel, n.language, n.ward_code,
               CASE WHEN n.subscriber_id IN (SELECT subscriber_id FROM every) THEN 'still-in' ELSE 'left' END
                   AS update_group
        FROM now_in n
        UNION ALL
        SELECT e.contact_id, e.subscriber_id, e.channel, e.language, e.ward_code, 'new'
        FROM every e
        WHERE (e.channel = ANY(:first_channels) OR NOT e.can_be_first AND e.channel = ANY(:later_channels))
          AND e.subscriber_id NOT IN (SELECT subscriber_id FROM now_in)
    """
    ours = {"first_channels": list(alert.channels), "later_channels": [one.value for one in later]}
    return AudienceSql(sql, {**now.parameters, **every.parameters, **ours})


def _in_area_now(alert: Alert, first: Alert, *, invented: bool) -> AudienceSql:
    """The contacts that the first alert or an update with another area reached, or may be reaching just now, but for
    those whose last word was that they have left.
    """
    sql = f"""
        SELECT contact_id, subscriber_id, channel, language, ward_code
        FROM (
            SELECT DISTINCT ON (u.contact_id) u.contact_id, u.subscriber_id, u.channel, u.language, u.ward_code,
                   first_value(u.update_group) OVER (PARTITION BY u.subscriber_id
                                                     ORDER BY l.expanded_at DESC, l.id DESC) AS last_word
            FROM alert l JOIN delivery u ON u.month = l.ledger_month AND u.alert_id = l.id
            WHERE (l.id = :line OR l.follows_id = :line AND l.group_words IS NOT NULL) AND l.id <> :self
              AND l.expanded_at IS NOT NULL AND (:is_test OR NOT l.is_test)
              AND u.state IN ('sent', 'delivered', 'unknown', 'created')
              AND {INVENTED_ONLY if invented else "true"}
            ORDER BY u.contact_id, l.expanded_at DESC, l.id DESC
        ) latest
        WHERE last_word IS DISTINCT FROM 'left'
    """
    parameters = {"line": first.id, "self": alert.id, "is_test": alert.is_test}
    return AudienceSql(sql, parameters | ({"invented": sandbox.INVENTED} if invented else {}))


def _earlier_recipients(session: Session, first_id: UUID, *, invented: bool) -> AudienceSql:
    """Exactly the contacts that the first alert reached, or may be reaching just now; `next_slice` waits to see."""
    first = session.get_one(Alert, first_id)
    sql = f"""
        SELECT u.contact_id, u.subscriber_id, u.channel, u.language, u.ward_code
        FROM delivery u
        WHERE u.month = :first_month AND u.alert_id = :first
          AND u.state IN ('sent', 'delivered', 'unknown', 'created') AND {INVENTED_ONLY if invented else "true"}
    """
    parameters = {"first_month": first.ledger_month, "first": first_id}
    return AudienceSql(sql, parameters | ({"invented": sandbox.INVENTED} if invented else {}))


def _less_those_of_digests(session: Session, alert: Alert, who: AudienceSql) -> AudienceSql:
    """Note the e-mails that wait for their reader's daily or weekly digest; who is left to be written to now.

    Emergencies wait for no digest, and an alert that would be over by then is sent at once. What follows an alert comes
    to those who have that one in a digest, too. A rehearsal is in no digest, whatever it follows.
    """
    values = {
        "alert": alert.id,
        "topic": alert.topic_id,
        "expires": alert.expires_at,
        "first": alert.follows_id,
        "digest_council": alert.council_id,
    }
    if alert.is_test:
        return who
    if alert.follows_id is not None:
        session.execute(text(GATHER_FOLLOW_UP), values | {"is_urgent": alert.priority == Priority.EMERGENCY})
        return who
    if alert.priority == Priority.EMERGENCY or not session.execute(text(IS_GATHERED), values).scalar():
        return who
    session.execute(text(GATHER.format(audience=who.sql)), {**who.parameters, **values})
    left = f"""
        SELECT f.* FROM ({who.sql}) f
        WHERE NOT EXISTS (SELECT FROM digest_item i WHERE i.alert_id = :alert AND i.contact_id = f.contact_id)
    """
    return AudienceSql(left, who.parameters)


def _somebody_has_quiet_hours(session: Session) -> bool:
    return bool(session.execute(text("SELECT EXISTS (SELECT FROM subscriber WHERE quiet_from IS NOT NULL)")).scalar())


# numbers run on within a channel, so a batch is a plain range; the events say what was created
INSERT_BATCHES = """
    WITH span AS (
        SELECT r.channel, {due} AS due, min(r.number) AS first, max(r.number) AS last
        FROM delivery r {person} WHERE r.month = :month AND r.alert_id = :alert AND r.number > :after GROUP BY 1, 2
    ), made AS (
        INSERT INTO batch (alert_id, month, channel, lane, number_from, number_to, state, due_at)
        SELECT :alert, :month, channel, :lane, start, least(start + :size - 1, last), 'queued',
               coalesce(due, business_now())
        FROM span, generate_series(first, last, :size) AS start
        RETURNING id, number_from, number_to
    ), noted AS (
        INSERT INTO event (month, at, alert_id, number, number_to, kind)
        SELECT :month, business_now(), :alert, number_from, number_to, 'created' FROM made
    )
    SELECT id, number_from, number_to FROM made
"""
