"""Who was not reached by an alert and why, so that they can be rung or visited."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session

from notify.alerts.models import Alert
from notify.call_list.attempts import Attempt, last_of
from notify.channels import PHONES, label
from notify.deliveries.failure_reasons import cleaned
from notify.deliveries.models import DeliveryState
from notify.places.postcodes import canonical

WORDS: Mapping[str, str] = {
    DeliveryState.CREATED: "waiting",
    DeliveryState.SENDING: "waiting",
    DeliveryState.SENT: "sent",
    DeliveryState.DELIVERED: "delivered",
    DeliveryState.PERMANENT_FAILURE: "not delivered",
    DeliveryState.TEMPORARY_FAILURE: "not delivered within a day",
    DeliveryState.TECHNICAL_FAILURE: "not sent, a fault on our side",
    DeliveryState.CANCELLED: "cancelled",
    DeliveryState.EXPIRED: "expired",
    DeliveryState.SUPPRESSED: "held back",
    DeliveryState.UNKNOWN: "may have arrived, not known",
}


class Missing(StrEnum):
    """What someone is missed for: nothing was delivered, or the alert asked for a reply and there is none."""

    NOT_DELIVERED = "not-delivered"
    NOT_ANSWERED = "not-answered"


@dataclass(frozen=True, slots=True)
class Missed:
    """Someone to ring or visit. `ways` say the result of each message; `answer` is what they replied."""

    subscriber_id: UUID
    ward: str
    name: str
    postcode: str
    place: str
    phones: str
    emails: str
    ways: str
    answer: str | None
    answered_at: datetime | None
    language: str = "en"
    last: Attempt | None = None

    @property
    def needs_help(self) -> bool:
        """Whether they said so."""
        return self.answer == "help"


class Order(StrEnum):
    """How the list is sorted: by ward and name, as one walks from postcode to postcode, or by who needs help most."""

    WARD = "ward"
    WALK = "walk"
    NEED = "need"


def missed(
    session: Session,
    alert: Alert,
    missing: Missing,
    *,
    limit: int,
    passed: int = 0,
    order: Order = Order.WARD,
) -> tuple[Sequence[Missed], int]:
    """These people, and how many there are in all: who needs help first unless it is for a walk, then in this order.

    Whoever said that they need help is among them however well they were reached. Who was erased is not.
    """
    values = {
        "month": alert.ledger_month,
        "alert": alert.id,
        "council": alert.council_id,
        "missing": missing.value,
        "phones": list(PHONES),
    }
    page = {"limit": limit, "passed": passed, "order": order.value}
    rows = session.execute(text(MISSED), values | page).all()
    last = last_of(session, alert.id, [row.subscriber_id for row in rows])
    return [_read({**row._mapping}, last.get(row.subscriber_id)) for row in rows], rows[0].people if rows else 0


def _read(row: Mapping[str, object], last: Attempt | None) -> Missed:
    ways = row["ways"]
    fates = [_fate(way) for way in ways] if isinstance(ways, list) else []
    names = ("subscriber_id", "ward", "name", "postcode", "place", "phones", "emails", "answer", "answered_at")
    said = {name: row[name] for name in names} | {
        "postcode": canonical(str(row["postcode"])) if row["postcode"] else ""
    }
    return Missed(**said, language=str(row["language"]), ways="; ".join(fates), last=last)  # type: ignore[arg-type]


def _fate(way: Mapping[str, str]) -> str:
    said = f"{label(way['channel'])}: {WORDS.get(way['state'], way['state'])}"
    reason = cleaned(way["reason"])
    return f"{said} ({reason.rstrip('.')})" if reason else said


def unheard(session: Session, alert: Alert) -> tuple[int, int]:
    """How many people the alert has messages to, and of how many no receipt and no reply says that it arrived."""
    values = {"month": alert.ledger_month, "alert": alert.id, "council": alert.council_id}
    people, silent = session.execute(text(UNHEARD), values).one()
    return people, silent


UNHEARD = """
    WITH person AS (
        SELECT d.subscriber_id, bool_or(d.state = 'delivered') AS has_receipt
        FROM delivery d WHERE d.month = :month AND d.alert_id = :alert GROUP BY d.subscriber_id
    )
    SELECT count(*), count(*) FILTER (WHERE NOT p.has_receipt AND r.alert_id IS NULL)
    FROM person p JOIN subscriber s ON s.id = p.subscriber_id AND s.council_id = :council
    LEFT JOIN reply r ON r.alert_id = :alert AND r.subscriber_id = p.subscriber_id
"""
MISSED = """
    WITH person AS (
        SELECT d.subscriber_id, min(d.ward_code) AS ward_code,
               bool_or(d.state IN ('sent', 'delivered')) AS was_reached,
               bool_or(coalesce(d.update_group, 'new') = 'new') AS is_asked,
               json_agg(json_build_object('channel', d.channel, 'state', d.state, 'reason', d.reason)
                        ORDER BY d.number) AS ways
        FROM delivery d WHERE d.month = :month AND d.alert_id = :alert GROUP BY d.subscriber_id
    ), wanted AS (
        SELECT p.*, r.answer, r.at AS answered_at
        FROM person p LEFT JOIN reply r ON r.alert_id = :alert AND r.subscriber_id = p.subscriber_id
        WHERE r.answer = 'help'
           OR :missing = 'not-delivered' AND NOT p.was_reached AND r.answer IS NULL
           OR :missing = 'not-answered' AND r.answer IS NULL AND p.is_asked
    ), named AS (
        SELECT DISTINCT ON (a.code) a.code, a.name FROM area a JOIN geo_release g ON g.id = a.release_id
        WHERE a.code IN (SELECT ward_code FROM wanted) AND g.activated_at IS NOT NULL
        ORDER BY a.code, g.retired_at IS NULL DESC, g.id DESC
    )
    SELECT w.subscriber_id, coalesce(n.name, 'Not known') AS ward, s.name, s.language, w.ways, w.answer, w.answered_at,
           coalesce(h.postcode, '') AS postcode, coalesce(h.label, '') AS place,
           coalesce(c.phones, '') AS phones, coalesce(c.emails, '') AS emails, count(*) OVER () AS people
    FROM wanted w
    JOIN subscriber s ON s.id = w.subscriber_id AND s.council_id = :council
    LEFT JOIN named n ON n.code = w.ward_code
    -- of several places the one that the alert is about
    LEFT JOIN LATERAL (
        SELECT postcode, label FROM place WHERE subscriber_id = w.subscriber_id
        ORDER BY ward_code IS NOT DISTINCT FROM w.ward_code DESC, position, id LIMIT 1
    ) h ON true
    LEFT JOIN LATERAL (
        SELECT string_agg(DISTINCT address, ', ') FILTER (WHERE channel = ANY(:phones)) AS phones,
               string_agg(DISTINCT address, ', ') FILTER (WHERE channel = 'email') AS emails
        FROM contact WHERE subscriber_id = w.subscriber_id
    ) c ON true
    LEFT JOIN LATERAL (
        SELECT outcome FROM call_attempt WHERE alert_id = :alert AND subscriber_id = w.subscriber_id
        ORDER BY number DESC LIMIT 1
    ) t ON true
    ORDER BY :order <> 'walk' AND w.answer IS NOT DISTINCT FROM 'help' DESC,
             -- whom someone found safe or gone comes last, who was found in need first, then who was not tried yet
             CASE WHEN :order = 'need' THEN
                 CASE t.outcome WHEN 'needs-help' THEN 0 WHEN 'no-answer' THEN 2 WHEN 'moved' THEN 3 WHEN 'safe' THEN 4
                 ELSE 1 END
             END,
             CASE WHEN :order = 'walk' THEN h.postcode END NULLS LAST,
             CASE WHEN :order = 'walk' THEN h.label END,
             n.name NULLS LAST, s.name, w.subscriber_id
    LIMIT :limit OFFSET :passed
"""
