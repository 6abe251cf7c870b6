"""The invented year of Zedholm as statements: who came and went, the ledger of each alert, and what was done with it.

They read `invented_alert`, which `demo_history` fills, and run in order. Chance is a hash of what it is about.
"""

from notify.demo.council import COUNCIL


def _chance(of: str, seed: int) -> str:
    """SQL for a number from 0 to below 1 that is always the same for the same words."""
    return f"((hashtextextended({of}, {seed}) & 1048575) / 1048576.0::float)"


# everyone by topic and channel, with when they came and, of the leavers, went
PEOPLE = f"""
    CREATE TEMP TABLE invented_person ON COMMIT DROP AS
    SELECT c.id AS contact_id, c.subscriber_id, c.channel::text AS channel, c.address::text AS name,
           s.language::text AS language, p.ward_code::text AS ward_code, u.topic_id, g.joined,
           CAST(NULL AS timestamptz) AS gone, {_chance("c.address", 1)} < 0.35 AS agreed
    FROM subscription u
    JOIN topic t ON t.id = u.topic_id AND t.council_id = :council
    JOIN contact c ON c.subscriber_id = u.subscriber_id AND c.channel = ANY(u.channels)
    JOIN subscriber s ON s.id = u.subscriber_id
    JOIN place p ON p.subscriber_id = u.subscriber_id AND p.position = 0
    JOIN (SELECT subscriber_id, min(at) AS joined FROM consent GROUP BY 1) g ON g.subscriber_id = u.subscriber_id
    WHERE u.ended_at IS NULL
"""
# people who came, went and were erased: only what is kept of such people is left of them
LEFT = f"""
    INSERT INTO invented_person
    SELECT md5('contact ' || n)::uuid, md5('leaver ' || n)::uuid, CASE WHEN n % 7 = 0 THEN 'sms' ELSE 'email' END,
           'leaver ' || n, CASE WHEN n % 11 = 0 THEN 'cy' ELSE 'en' END,
           'Z050000' || lpad((1 + floor(12 * {_chance("'ward ' || n", 2)}))::text, 2, '0'), t.id, came.at,
           least(came.at + interval '1 day' * (4 + 130 * {_chance("'stay ' || n", 3)}),
                 CAST(:now AS timestamptz) - interval '1 hour' * (1 + 400 * {_chance("'late ' || n", 4)})),
           {_chance("'leaver ' || n", 1)} < 0.35
    FROM generate_series(1, :leavers) AS n
    CROSS JOIN LATERAL (
        SELECT CAST(:now AS timestamptz) - interval '1 day' * (30 + 334 * {_chance("'came ' || n", 5)}) AS at) came
    JOIN topic t ON t.council_id = :council AND {_chance("t.slug || n", 6)} < 0.6
"""
LEAVERS_CONSENT = f"""
    INSERT INTO consent (at, is_dated, council_id, subscriber_id, topic_id, channel, action, wording_version, language,
                         source)
    SELECT at, true, :council, subscriber_id, topic_id, channel, action, '{COUNCIL}/demo-1', language, source
    FROM (
        SELECT joined AS at, subscriber_id, topic_id, channel, 'given' AS action, language,
               CASE WHEN {_chance("name", 7)} < 0.8 THEN 'website' ELSE 'assisted' END AS source
        FROM invented_person WHERE gone IS NOT NULL
        UNION ALL
        SELECT gone, subscriber_id, topic_id, channel, 'withdrawn', language,
               CASE WHEN {_chance("name", 8)} < 0.7 THEN 'one-click' ELSE 'website' END
        FROM invented_person WHERE gone IS NOT NULL
    ) line ORDER BY at, subscriber_id, topic_id
"""
AGREED = """
    WITH yes AS (
        UPDATE subscriber s SET tracking_consent = true
        FROM (SELECT DISTINCT subscriber_id FROM invented_person WHERE agreed AND gone IS NULL) p
        WHERE s.id = p.subscriber_id RETURNING s.id, s.council_id, s.language
    )
    INSERT INTO consent (at, is_dated, council_id, subscriber_id, topic_id, channel, action, wording_version, language,
                         source)
    SELECT p.joined, true, yes.council_id, yes.id, NULL, 'tracking', 'given', 'website', yes.language, 'website'
    FROM yes JOIN (SELECT subscriber_id, min(joined) AS joined FROM invented_person GROUP BY 1) p
        ON p.subscriber_id = yes.id
"""
BACKDATED = (
    """
    UPDATE subscription u SET started_at = p.joined FROM invented_person p
    WHERE u.subscriber_id = p.subscriber_id AND u.topic_id = p.topic_id
""",
    """
    UPDATE contact c SET created_at = p.joined, confirmed_at = p.joined FROM invented_person p
    WHERE c.id = p.contact_id
""",
    """
    UPDATE subscriber s SET created_at = p.joined FROM invented_person p WHERE s.id = p.subscriber_id
""",
)
# what follows an alert goes to those who got the first
DELIVERIES = f"""
    INSERT INTO delivery (month, alert_id, number, contact_id, subscriber_id, channel, language, ward_code, state,
                          provider, reason, cost, sent_at, changed_at)
    SELECT month, alert_id, number, contact_id, subscriber_id, channel, language, ward_code, state,
           CASE WHEN is_out THEN provider END,
           CASE state WHEN 'permanent-failure' THEN '550 no such mailbox' WHEN 'temporary-failure' THEN 'mailbox full'
                      WHEN 'technical-failure' THEN 'the provider was away' WHEN 'suppressed' THEN 'hard-bounce' END,
           CASE WHEN is_out THEN CASE provider WHEN 'govuk-sms' THEN 2300 WHEN 'twilio-sms' THEN 4000 ELSE 0 END END,
           CASE WHEN is_out THEN out_at END,
           CASE WHEN state IN ('delivered', 'permanent-failure', 'temporary-failure')
                THEN out_at + interval '1 second' * (2 + 40 * late * late * late) ELSE out_at END
    FROM (
        SELECT *, state NOT IN ('cancelled', 'suppressed', 'technical-failure') AS is_out
        FROM (
            SELECT *,
                   CASE WHEN fate = 'cancelled' AND number > 0.55 * count(*) OVER (PARTITION BY alert_id)
                        THEN 'cancelled'
                        WHEN luck < 0.004 THEN 'suppressed' WHEN luck < 0.006 THEN 'technical-failure'
                        WHEN luck < 0.016 THEN 'permanent-failure' WHEN luck < 0.022 THEN 'temporary-failure'
                        WHEN fate = 'exercise' OR provider IN ('smtp', 'twilio-sms') THEN 'sent'
                        ELSE 'delivered' END AS state,
                   started + interval '1 second' * (0.6 + number * pace + late
                       + CASE WHEN fate = 'slow' AND number > 40 THEN 1900 ELSE 0 END) AS out_at
            FROM (
                SELECT a.month, a.alert_id, a.started, a.fate, a.pace,
                       p.contact_id, p.subscriber_id, p.channel, p.language, p.ward_code,
                       row_number() OVER (PARTITION BY a.alert_id ORDER BY p.channel, p.name) AS number,
                       {_chance("p.name || a.number", 9)} AS luck, {_chance("p.name || a.number", 10)} AS late,
                       CASE WHEN a.fate = 'exercise' THEN 'sandbox'
                            WHEN p.channel = 'sms' AND {_chance("p.name || a.number", 11)} < 0.08 THEN 'twilio-sms'
                            WHEN p.channel = 'sms' THEN 'govuk-sms'
                            WHEN {_chance("p.name || a.number", 11)} < 0.07 THEN 'smtp' ELSE 'govuk-email'
                       END AS provider
                FROM invented_alert a
                JOIN invented_alert b ON b.number = a.first
                JOIN invented_person p ON p.topic_id = a.topic_id AND p.joined <= b.started
                     AND (p.gone IS NULL OR p.gone > b.started + interval '2 days')
                     AND (a.wards = '{{}}' OR p.ward_code = ANY(a.wards))
            ) who
        ) told
    ) made
"""
FINISHED = """
    UPDATE alert a SET recipients = d.recipients, finished_at = d.last + interval '2 seconds',
                       changed_at = d.last + interval '2 seconds'
    FROM (SELECT alert_id, count(*) AS recipients, max(coalesce(sent_at, changed_at)) AS last
          FROM delivery WHERE alert_id IN (SELECT alert_id FROM invented_alert) GROUP BY 1) d
    WHERE a.id = d.alert_id
"""
EVENTS = """
    INSERT INTO event (month, at, alert_id, number, number_to, kind, detail)
    SELECT month, at, alert_id, number, number_to, kind, detail FROM (
        SELECT a.month, a.started AS at, a.alert_id, min(d.number) AS number, max(d.number) AS number_to,
               'created' AS kind, CAST(NULL AS jsonb) AS detail
        FROM invented_alert a JOIN delivery d ON d.month = a.month AND d.alert_id = a.alert_id GROUP BY 1, 2, 3
        UNION ALL
        SELECT month, max(sent_at), alert_id, min(number), max(number), 'sent', NULL
        FROM (SELECT d.*, d.number - row_number() OVER (PARTITION BY d.alert_id, d.channel ORDER BY d.number) AS island
              FROM delivery d JOIN invented_alert a ON d.month = a.month AND d.alert_id = a.alert_id
              WHERE d.sent_at IS NOT NULL) sent
        GROUP BY month, alert_id, channel, island
        UNION ALL
        SELECT d.month, d.changed_at, d.alert_id, d.number, NULL, d.state,
               CASE WHEN d.reason IS NOT NULL THEN jsonb_build_object('reason', d.reason) END
        FROM delivery d JOIN invented_alert a ON d.month = a.month AND d.alert_id = a.alert_id
        WHERE d.state <> 'sent'
    ) line ORDER BY at, alert_id, number
"""
# nothing is counted in an emergency, where the topic does not allow it, or of people who did not agree
HITS = f"""
    WITH base AS (
        SELECT d.month, d.alert_id, d.number, d.channel, d.sent_at, p.name || a.number AS key,
               d.number AS reader,
               CASE t.slug WHEN 'consultations' THEN 0.17 WHEN 'bins' THEN 0.08 ELSE 0.12 END AS share
        FROM invented_alert a
        JOIN alert l ON l.id = a.alert_id AND l.link IS NOT NULL
        JOIN topic t ON t.id = a.topic_id AND t.tracking_allowed
        JOIN delivery d ON d.month = a.month AND d.alert_id = a.alert_id AND d.state IN ('sent', 'delivered')
        JOIN invented_person p ON p.contact_id = d.contact_id AND p.topic_id = a.topic_id AND p.agreed
        WHERE NOT a.urgent AND d.channel = 'email'
    ), found AS (
        SELECT month, md5(key || 'human')::uuid AS id,
               sent_at + interval '1 second' * (25 - 14000 * ln(1 - 0.999 * {_chance("key", 12)})) AS at,
               alert_id, reader AS number, 'clicked' AS kind, 0 AS link, channel,
               CASE WHEN {_chance("key", 13)} < 0.62 THEN 'phone' WHEN {_chance("key", 13)} < 0.9 THEN 'computer'
                    ELSE 'tablet' END AS device, 'human' AS verdict, '' AS reason
        FROM base WHERE {_chance("key", 14)} < share
        UNION ALL
        SELECT month, md5(key || 'scanner' || link)::uuid, sent_at + interval '2 seconds', alert_id, reader,
               'clicked', link, channel, 'program', 'machine',
               CASE link WHEN 0 THEN 'first seconds' ELSE 'hidden link' END
        FROM base CROSS JOIN (VALUES (0), (-1)) AS both_links (link) WHERE {_chance("key", 15)} < 0.05
        UNION ALL
        SELECT month, md5(key || 'unsure')::uuid, sent_at + interval '40 seconds', alert_id, reader,
               'clicked', 0, channel, 'unknown', 'unknown', ''
        FROM base WHERE {_chance("key", 16)} < 0.015
        UNION ALL
        SELECT month, md5(key || 'open')::uuid,
               sent_at + interval '1 second' * (20 - 9000 * ln(1 - 0.999 * {_chance("key", 17)})), alert_id,
               reader, 'opened', 0, channel, 'mail-proxy',
               CASE WHEN {_chance("key", 18)} < 0.4 THEN 'machine' ELSE 'unknown' END,
               CASE WHEN {_chance("key", 18)} < 0.4 THEN 'apple privacy' ELSE 'mail proxy' END
        FROM base WHERE {_chance("key", 19)} < 0.55
    )
    INSERT INTO hit (month, id, at, alert_id, number, kind, link, channel, device, verdict, reason)
    SELECT * FROM found WHERE at < :now
"""
# the same sums that `tracking.intake` keeps as hits come in
HIT_SUMS = (
    """
    INSERT INTO rollup_hit (alert_id, kind, verdict, channel, link, device, hour, times)
    SELECT h.alert_id, h.kind, h.verdict, h.channel, h.link, h.device, date_trunc('hour', h.at), count(*)
    FROM hit h JOIN invented_alert a ON a.month = h.month AND a.alert_id = h.alert_id GROUP BY 1, 2, 3, 4, 5, 6, 7
""",
    """
    INSERT INTO reader (month, alert_id, number, kind)
    SELECT DISTINCT h.month, h.alert_id, h.number, h.kind
    FROM hit h JOIN invented_alert a ON a.month = h.month AND a.alert_id = h.alert_id
    WHERE h.number IS NOT NULL AND h.verdict <> 'machine'
""",
    """
    INSERT INTO rollup_people (alert_id, kind, channel, language, ward_code, people)
    SELECT r.alert_id, r.kind, d.channel, d.language, coalesce(d.ward_code, ''), count(*)
    FROM reader r JOIN invented_alert a ON a.month = r.month AND a.alert_id = r.alert_id
    JOIN delivery d ON d.month = r.month AND d.alert_id = r.alert_id AND d.number = r.number
    GROUP BY 1, 2, 3, 4, 5
""",
)
# most leavers press the link in the last thing they got, and a few call it spam
LEFT_BY = f"""
    INSERT INTO event (month, at, alert_id, number, kind)
    SELECT month, gone, alert_id, number, kind FROM (
        SELECT DISTINCT ON (p.subscriber_id) d.month, p.gone, d.alert_id, d.number,
               CASE WHEN {_chance("p.name", 8)} < 0.65 THEN 'unsubscribed'
                    WHEN {_chance("p.name", 8)} < 0.7 THEN 'complained' END AS kind
        FROM invented_person p
        JOIN delivery d ON d.contact_id = p.contact_id AND d.sent_at < p.gone
        JOIN invented_alert a ON a.month = d.month AND a.alert_id = d.alert_id
        WHERE p.gone IS NOT NULL ORDER BY p.subscriber_id, d.sent_at DESC
    ) last WHERE kind IS NOT NULL ORDER BY gone
"""
REPLIES = f"""
    WITH said AS (
        INSERT INTO reply (alert_id, subscriber_id, month, number, answer, at)
        SELECT DISTINCT ON (p.subscriber_id) a.alert_id, p.subscriber_id, d.month, d.number,
               CASE WHEN {_chance("p.name", 20)} < 0.03 THEN 'help' ELSE 'safe' END,
               d.sent_at + interval '1 second' * (40 + 3000 * {_chance("p.name", 21)})
        FROM invented_alert a JOIN alert l ON l.id = a.alert_id AND l.asks_reply
        JOIN delivery d ON d.month = a.month AND d.alert_id = a.alert_id AND d.sent_at IS NOT NULL
        JOIN invented_person p ON p.contact_id = d.contact_id AND p.topic_id = a.topic_id AND p.gone IS NULL
        WHERE {_chance("p.name", 20)} < 0.44
        ORDER BY p.subscriber_id, d.number
        RETURNING alert_id, month, number, answer, at
    )
    INSERT INTO event (month, at, alert_id, number, kind, detail)
    SELECT month, at, alert_id, number, 'replied', jsonb_build_object('answer', answer) FROM said ORDER BY at
"""
MONEY = (
    """
    INSERT INTO spend (council_id, month, channel, provider, messages, cost)
    SELECT :council, date_trunc('month', d.sent_at AT TIME ZONE 'UTC')::date, d.channel, d.provider, count(*),
           sum(d.cost)
    FROM delivery d JOIN invented_alert a ON a.month = d.month AND a.alert_id = d.alert_id
    WHERE d.sent_at IS NOT NULL AND d.provider <> 'sandbox' GROUP BY 2, 3, 4
    ON CONFLICT (council_id, month, channel, provider)
    DO UPDATE SET messages = spend.messages + excluded.messages, cost = spend.cost + excluded.cost
""",
    """
    INSERT INTO budget (council_id, monthly_pence) VALUES (:council, :budget) ON CONFLICT DO NOTHING
""",
)
STAFF_TIME = """
    INSERT INTO staff_time (alert_id, minutes, noted_at, noted_by)
    SELECT alert_id, 45 + number * 13 % 60, :now, 'demo' FROM invented_alert WHERE urgent AND fate <> 'exercise'
"""
HISTORY = (
    "ANALYZE subscriber, contact, place, subscription, consent",  # they may have been filled a moment ago
    PEOPLE,
    LEFT,
    "ANALYZE invented_person",
    LEAVERS_CONSENT,
    AGREED,
    *BACKDATED,
    DELIVERIES,
    FINISHED,
    EVENTS,
    HITS,
    *HIT_SUMS,
    LEFT_BY,
    REPLIES,
    *MONEY,
    STAFF_TIME,
)
