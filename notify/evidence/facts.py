"""What the platform recorded of one council in one period, as far as answers need it; read from rollups and registers.

Days are those of this country. Tests and exercises count nowhere but where exercises are asked for.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from typing import Any

from sqlalchemy import text
from sqlmodel import Session

from notify.channels import Channel
from notify.core.clock import midnight
from notify.insight.council.slices import By, Slice, slices
from notify.staff.council_settings.effective import CouncilSettings, council_settings
from notify.staff.models import Council


@dataclass(frozen=True)
class Facts:
    """One council from `since` to `until`, both included."""

    session: Session
    council: Council
    since: date
    until: date

    def sliced(self, by: By) -> Sequence[Slice]:
        """Figures of what was sent, by this breakdown."""
        return slices(self.session, self.council.id, by=by, since=self.since, until=self.until)

    @cached_property
    def own(self) -> CouncilSettings:
        """What holds for the council."""
        return council_settings(self.session, self.council.id)

    def carriers(self, channel: Channel) -> str:
        """The providers of a channel in the council's order, in words."""
        return ",".join(one.name for one in self.own.providers_for(channel))

    @cached_property
    def total(self) -> Slice:
        """Everything that was sent."""
        found = self.sliced(By.COUNCIL)
        return found[0] if found else Slice(self.council.slug, self.council.name, *([0] * 11), *([0] * 7))

    @cached_property
    def by_channel(self) -> Sequence[Slice]:
        """By the way messages went."""
        return self.sliced(By.CHANNEL)

    def one(self, statement: str) -> int:
        """The one number that `statement` finds; 0 where it finds nothing."""
        return int(self.session.execute(text(statement), self._values).scalar() or 0)

    def number(self, statement: str) -> float | None:
        """The one number that `statement` finds, which may be none."""
        found = self.session.execute(text(statement), self._values).scalar()
        return None if found is None else round(float(found), 1)

    def rows(self, statement: str) -> Sequence[Mapping[str, Any]]:
        """What `statement` finds."""
        return [dict(row) for row in self.session.execute(text(statement), self._values).mappings()]

    @property
    def _values(self) -> dict[str, object]:
        return {
            "council": self.council.id,
            "districts": list(self.council.district_codes),
            "since": midnight(self.since),
            "until": midnight(self.until + timedelta(days=1)),
            "first": self.since,
            "last": self.until,
        }


# every statement below may use :council, :districts, :since, :until (moments) and :first, :last (days)
EMERGENCY = """
    FROM rollup_alert r JOIN alert a ON a.id = r.alert_id
    WHERE r.council_id = :council AND r.started_at >= :since AND r.started_at < :until
      AND a.priority = 'emergency' AND NOT a.is_test AND NOT a.is_training AND a.parts IS NULL
"""
EMERGENCIES = f"SELECT count(*) {EMERGENCY}"
EMERGENCY_SENT = f"SELECT sum(r.sent) {EMERGENCY}"
EMERGENCY_RECIPIENTS = f"SELECT sum(r.recipients) {EMERGENCY}"
EMERGENCY_UNREACHED = f"SELECT sum(r.recipients - r.sent) {EMERGENCY}"
EMERGENCY_FAILED = f"SELECT sum(r.permanent_failure + r.temporary_failure + r.technical_failure) {EMERGENCY}"
EMERGENCY_COST = f"SELECT sum(r.cost) {EMERGENCY}"
EMERGENCY_TIME = f"SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY r.time_to_95) {EMERGENCY}"
EMERGENCY_CHANNELS = f"""
    SELECT c.channel AS name, sum(c.sent) AS number
    {EMERGENCY.replace("WHERE", "JOIN rollup_cell c ON c.alert_id = a.id WHERE", 1)} GROUP BY 1 ORDER BY 2 DESC, 1
"""
EMERGENCY_KINDS = f"""
    SELECT coalesce(a.event, 'not named') AS name, count(*) AS number {EMERGENCY} GROUP BY 1 ORDER BY 2 DESC, 1
"""
EMERGENCY_PLACED = f"SELECT count(*) {EMERGENCY} AND a.audience IS NOT NULL"
EXERCISES = """
    SELECT count(*) FROM alert WHERE council_id = :council AND is_training
      AND created_at >= :since AND created_at < :until
"""
AUTOMATED_BIN_COST = """
    SELECT sum(r.cost) FROM rollup_alert r JOIN alert a ON a.id = r.alert_id
    WHERE r.council_id = :council AND r.started_at >= :since AND r.started_at < :until
      AND starts_with(a.webhook_event, 'collection.') AND NOT a.is_test
"""
SENT = """
    FROM rollup_alert r JOIN alert a ON a.id = r.alert_id JOIN topic t ON t.id = a.topic_id
    WHERE r.council_id = :council AND r.started_at >= :since AND r.started_at < :until
      AND NOT a.is_test AND NOT a.is_training AND a.parts IS NULL
"""
TARGETED = f"""
    SELECT k.name, count(*) AS number
    {
    SENT.replace(
        "WHERE",
        '''CROSS JOIN LATERAL (
        SELECT CASE WHEN a.audience IS NULL THEN 'everyone who follows the topic' ELSE part END AS name
        FROM (VALUES ('wards'), ('postcodes'), ('districts'), ('polygon'), ('circle')) AS p (part)
        WHERE a.audience IS NULL AND part = 'wards'
           OR jsonb_typeof(a.audience -> part) = 'array' AND jsonb_array_length(a.audience -> part) > 0
           OR jsonb_typeof(a.audience -> part) = 'object'
    ) k WHERE''',
        1,
    )
}
    GROUP BY 1 ORDER BY 2 DESC, 1
"""
APPROVED = f"""
    SELECT count(*) {SENT} AND EXISTS (
        SELECT FROM approval p WHERE p.alert_id = a.id AND p.approved AND p.actor <> a.created_by)
"""
SUBSCRIBERS = """
    FROM subscriber s WHERE s.erased_at IS NULL AND s.council_id = :council AND EXISTS (
        SELECT FROM subscription u WHERE u.subscriber_id = s.id AND u.ended_at IS NULL)
      AND EXISTS (SELECT FROM contact c WHERE c.subscriber_id = s.id AND c.confirmed_at IS NOT NULL)
"""
RESIDENTS = f"SELECT count(*) {SUBSCRIBERS}"
LANGUAGES = f"SELECT s.language AS name, count(*) AS number {SUBSCRIBERS} GROUP BY 1 ORDER BY 2 DESC, 1"
FORMATS = f"SELECT s.mail_format AS name, count(*) AS number {SUBSCRIBERS} GROUP BY 1 ORDER BY 2 DESC, 1"
TRACKED = f"SELECT count(*) {SUBSCRIBERS} AND s.tracking_consent"
TOPICS = """
    SELECT t.name, count(DISTINCT u.subscriber_id) FILTER (WHERE s.id IS NOT NULL) AS number
    FROM topic t LEFT JOIN subscription u ON u.topic_id = t.id AND u.ended_at IS NULL
    LEFT JOIN subscriber s ON s.id = u.subscriber_id AND s.erased_at IS NULL
        AND EXISTS (SELECT FROM contact c WHERE c.subscriber_id = s.id AND c.confirmed_at IS NOT NULL)
    WHERE t.council_id = :council GROUP BY t.id, t.name ORDER BY 2 DESC, 1
"""
SIGN_UPS = """
    SELECT split_part(c.source, ':', 1) AS name, count(DISTINCT c.subscriber_id) AS number
    FROM consent c JOIN topic t ON t.id = c.topic_id
    WHERE t.council_id = :council AND c.action = 'given' AND c.at >= :since AND c.at < :until
    GROUP BY 1 ORDER BY 2 DESC, 1
"""
WARDS = """
    SELECT w.name, w.population,
           count(DISTINCT p.subscriber_id) FILTER (WHERE s.id IS NOT NULL) AS number
    FROM area w JOIN geo_release g ON g.id = w.release_id AND g.activated_at IS NOT NULL
    LEFT JOIN place p ON p.ward_code = w.code
    LEFT JOIN subscriber s ON s.id = p.subscriber_id AND s.erased_at IS NULL AND s.council_id = :council AND EXISTS (
        SELECT FROM subscription u WHERE u.subscriber_id = s.id AND u.ended_at IS NULL)
    WHERE w.kind = 'ward' AND w.district_code = ANY(:districts)
    GROUP BY w.code, w.name, w.population ORDER BY 3, 1
"""
POSTCODES = """
    SELECT count(*) FROM postcode p JOIN geo_release g ON g.id = p.release_id AND g.activated_at IS NOT NULL
    WHERE p.district_code = ANY(:districts)
"""
REPLIES = f"""
    SELECT coalesce(sum((SELECT count(*) FROM reply WHERE reply.alert_id = a.id)
        + coalesce((SELECT sum(safe + help) FROM rollup_reply p WHERE p.alert_id = a.id
                    AND r.detail_removed_at IS NOT NULL), 0)), 0) {EMERGENCY}
"""
CALLS = "SELECT sum(calls) FROM call_volume WHERE council_id = :council AND day BETWEEN :first AND :last"
CALL_MONTHS = """
    SELECT to_char(day, 'YYYY-MM') AS name, sum(calls) AS number FROM call_volume
    WHERE council_id = :council AND day BETWEEN :first AND :last GROUP BY 1 ORDER BY 1
"""
CALL_KINDS = """
    SELECT category AS name, sum(calls) AS number FROM call_volume
    WHERE council_id = :council AND day BETWEEN :first AND :last GROUP BY 1 ORDER BY 2 DESC, 1
"""
CALL_COST = "SELECT call_pence FROM cost_assumption WHERE council_id = :council AND NOT is_exempt"
CALL_COST_EXEMPT = "SELECT count(*) FROM cost_assumption WHERE council_id = :council AND is_exempt"
BUDGET = "SELECT monthly_pence FROM budget WHERE council_id = :council"
STAFF_MINUTES = f"SELECT sum(s.minutes) {EMERGENCY.replace('WHERE', 'JOIN staff_time s ON s.alert_id = a.id WHERE', 1)}"
LEVELS = """
    SELECT count(*) AS alerts, count(*) FILTER (WHERE is_met) AS met FROM service_result
    WHERE council_id = :council AND priority = 'emergency' AND started_at >= :since AND started_at < :until
"""
NOTICES = """
    FROM statutory_notice n JOIN LATERAL (
        SELECT * FROM statutory_notice_version v WHERE v.notice_id = n.id ORDER BY v.version DESC LIMIT 1
    ) latest ON true
    WHERE n.council_id = :council
"""
NOTICES_THEN = f"{NOTICES} AND n.published_at >= :since AND n.published_at < :until"
NOTICES_HELD = f"SELECT count(*) {NOTICES}"
STATUTORY_NOTICES = f"SELECT count(*) {NOTICES_THEN}"
STATUTORY_NOTICES_ELSEWHERE = f"SELECT count(*) {NOTICES_THEN} AND latest.elsewhere <> ''"
STATUTORY_NOTICES_PENCE = f"SELECT coalesce(sum(latest.cost_pence), 0) {NOTICES_THEN}"
NOTICE_KINDS = f"SELECT latest.kind AS name, count(*) AS number {NOTICES_THEN} GROUP BY 1 ORDER BY 2 DESC, 1"
PUBLISHED = "SELECT count(*) FROM publication WHERE council_id = :council AND is_on"
NOTES = """
    SELECT day, words FROM annotation
    WHERE council_id = :council AND removed_at IS NULL AND day BETWEEN :first AND :last ORDER BY day, words
"""
CONTACTS = """
    SELECT c.channel AS name, count(DISTINCT c.id) AS number
    FROM contact c JOIN subscription u ON u.subscriber_id = c.subscriber_id AND u.ended_at IS NULL
    WHERE c.council_id = :council AND c.confirmed_at IS NOT NULL GROUP BY 1 ORDER BY 2 DESC, 1
"""
ROLES = """
    SELECT role AS name, count(*) AS number FROM officer WHERE council_id = :council AND active
    GROUP BY 1 ORDER BY 1
"""
SCHEDULES = "SELECT count(*) FROM export_schedule WHERE council_id = :council AND removed_at IS NULL"
KEYS = "SELECT count(*) FROM api_key WHERE council_id = :council AND revoked_at IS NULL AND mode = 'live'"
RECEIVERS = """
    SELECT count(DISTINCT c.id) FROM contact c JOIN subscription u ON u.subscriber_id = c.subscriber_id
        AND u.ended_at IS NULL
    WHERE c.council_id = :council AND c.channel = 'webhook' AND c.confirmed_at IS NOT NULL
"""
