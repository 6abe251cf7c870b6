"""Digests: what residents want gathered once a day or a week, made into one e-mail a person and topic."""

import hashlib
from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session, col, select

from notify.alerts.models import Alert, AlertState, Priority
from notify.core import clock
from notify.deliveries.fan_out import write_ledger
from notify.languages import _, ngettext, speaking
from notify.providers.base import Channel
from notify.subscribers.models import Topic
from notify.subscribers.queries import AudienceSql

LONGEST_TITLE = 120


def send_due(session: Session) -> int:
    """Make and start every digest that is due; how many e-mails. People with the same alerts share one digest."""
    session.execute(text(DROP_WHAT_IS_OVER))
    written = 0
    for row in session.execute(text(DUE)).all():
        alerts = _in_order(session, row.alerts)
        digest = _digest_of(alerts, session.get_one(Topic, row.topic_id))
        session.add(digest)
        session.flush()
        session.execute(text(TAKE), {"digest": digest.id, "alerts": row.alerts, "contacts": row.contacts})
        written += write_ledger(session, digest, AudienceSql(READERS, {}))
    return written


def drop_waiting(session: Session, council_id: UUID) -> None:
    """Send nothing of what waits for a digest of this council."""
    session.execute(text(DROP_OF_COUNCIL), {"council": council_id})


def _in_order(session: Session, ids: Sequence[UUID]) -> Sequence[Alert]:
    found = {alert.id: alert for alert in session.exec(select(Alert).where(col(Alert.id).in_(ids)))}
    return [found[alert_id] for alert_id in ids]


def _digest_of(alerts: Sequence[Alert], topic: Topic) -> Alert:
    """An alert under way whose words are those of `alerts`, in each language that one of them is written in."""
    now = clock.now()
    languages = ["en", *sorted({language for alert in alerts for language in alert.translations} - {"en"})]
    parts: list[dict[str, object]] = [
        {"alert": str(alert.id), "link": alert.link, "words": {code: _words(alert, code) for code in languages}}
        for alert in alerts
    ]
    words = {code: _as_one(alerts, topic, code) for code in languages}
    english = words.pop("en")
    named = ",".join(str(alert.id) for alert in alerts)
    return Alert(
        council_id=topic.council_id,
        topic_id=topic.id,
        priority=Priority.ROUTINE,
        title=english["title"],
        body=english["body"],
        translations=words,
        channels=[Channel.EMAIL.value],
        state=AlertState.SENDING,
        content_hash=hashlib.sha256(named.encode()).digest(),
        created_by="digest",
        approved_at=now,
        expanded_at=now,
        ledger_month=clock.first_of_month(now),
        parts=parts,
    )


def _words(alert: Alert, language: str) -> Mapping[str, str]:
    """Title and body of one alert, in English where nobody translated it."""
    said = alert.translations.get(language, {"title": alert.title, "body": alert.body})
    return {"title": said["title"], "body": said["body"]}


def _as_one(alerts: Sequence[Alert], topic: Topic, language: str) -> dict[str, str]:
    """Title and body of the whole digest. One alert alone keeps its title."""
    said = [_words(alert, language) for alert in alerts]
    with speaking(language):
        count = ngettext("{n} alert", "{n} alerts", len(said))
        title = said[0]["title"] if len(said) == 1 else _("{topic}: {count}", topic=topic.words.name, count=count)
    body = "\n\n".join(f"{words['title']}\n\n{words['body']}" for words in said)
    return {"title": title[:LONGEST_TITLE], "body": body}


DROP_OF_COUNCIL = """
    UPDATE digest_item i SET due_at = 'infinity'
    FROM alert a WHERE a.id = i.alert_id AND a.council_id = :council AND i.digest_id IS NULL
"""
DROP_WHAT_IS_OVER = """
    UPDATE digest_item i SET due_at = 'infinity'
    FROM alert a
    WHERE a.id = i.alert_id AND i.digest_id IS NULL AND i.due_at <= business_now()
      AND (a.state = 'cancelled' OR a.expires_at <= business_now())
"""
# one row for each topic and set of alerts, with everyone who gets exactly these
DUE = """
    WITH due AS (
        SELECT i.contact_id, i.alert_id, coalesce(t.merged_into_id, t.id) AS topic_id, a.approved_at
        FROM digest_item i JOIN alert a ON a.id = i.alert_id JOIN topic t ON t.id = a.topic_id
        WHERE i.digest_id IS NULL AND i.due_at <= business_now()
        FOR UPDATE OF i SKIP LOCKED
    ), wanted AS (
        SELECT topic_id, contact_id, array_agg(alert_id ORDER BY approved_at, alert_id) AS alerts
        FROM due GROUP BY topic_id, contact_id
    )
    SELECT topic_id, alerts, array_agg(contact_id) AS contacts
    FROM wanted GROUP BY topic_id, alerts ORDER BY topic_id, alerts
"""
TAKE = """
    UPDATE digest_item SET digest_id = :digest
    WHERE alert_id = ANY(:alerts) AND contact_id = ANY(:contacts) AND digest_id IS NULL
"""
READERS = """
    SELECT DISTINCT ON (i.contact_id) i.contact_id, i.subscriber_id, 'email' AS channel, i.language, i.ward_code
    FROM digest_item i WHERE i.digest_id = :alert ORDER BY i.contact_id
"""
