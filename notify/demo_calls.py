"""The invented year's calls, prices and what estimates rest on, as statements that follow those of `demo_ledger`."""

# weekdays from eight to six; more people ring after an emergency, and fewer about bins since they are told
CALLS = """
    INSERT INTO call_volume (council_id, category, starts_at, is_whole_day, day, calls)
    SELECT :council, k.category, h.at, false, (h.at AT TIME ZONE 'Europe/London')::date,
           greatest(0, round(k.usual * (1.15 - 0.3 * (1 - extract(epoch FROM :now - h.at) / 31536000))
               * (0.7 + 0.6 * ((hashtextextended(k.category || h.at, 0) & 1048575) / 1048576.0))
               + CASE WHEN EXISTS (
                   SELECT FROM invented_alert a JOIN topic t ON t.id = a.topic_id
                   WHERE t.slug = k.topic AND a.urgent AND a.first = a.number
                     AND h.at BETWEEN date_trunc('hour', a.started) AND a.started + interval '4 hours')
                 THEN 24 ELSE 0 END))
    FROM (VALUES ('Missed bins', 'bins', 9), ('Roads and pavements', 'road-closures', 6),
                 ('Emergency line', 'emergencies', 2), ('Council tax', NULL, 14)) AS k (category, topic, usual)
    CROSS JOIN LATERAL (
        SELECT at FROM generate_series(date_trunc('day', CAST(:now AS timestamptz)) - interval '364 days',
                                       date_trunc('day', CAST(:now AS timestamptz)), interval '1 hour') AS at
    ) h
    WHERE extract(hour FROM h.at AT TIME ZONE 'Europe/London') BETWEEN 8 AND 20
      AND (extract(isodow FROM h.at) < 6 OR k.topic = 'emergencies')
    ON CONFLICT DO NOTHING
"""
CATEGORIES = """
    INSERT INTO call_category (council_id, category, topic_id)
    SELECT :council, k.category, t.id
    FROM (VALUES ('Missed bins', 'bins'), ('Roads and pavements', 'road-closures'), ('Emergency line', 'emergencies'),
                 ('Council tax', NULL)) AS k (category, topic)
    LEFT JOIN topic t ON t.council_id = :council AND t.slug = k.topic
    ON CONFLICT DO NOTHING
"""
PRICES = """
    INSERT INTO unit_price (id, council_id, channel, provider, valid_from, price, source, added_by, added_at)
    SELECT gen_random_uuid(), :council, channel, provider, CAST(:now AS timestamptz)::date - 366, price,
           'Invented price list', 'demo', :now
    FROM (VALUES ('sms', 'govuk-sms', 2300), ('sms', 'twilio-sms', 4000), ('email', 'govuk-email', 0),
                 ('email', 'smtp', 0)) AS p (channel, provider, price)
    ON CONFLICT DO NOTHING
"""
ASSUMED = """
    INSERT INTO cost_assumption (council_id, call_pence, is_exempt, call_source, low_percent, high_percent,
                                 share_source, staff_hour_pence, staff_source, changed_at, changed_by)
    VALUES (:council, 310, false, 'Invented: contact centre budget by calls', 1, 4,
            'Invented: calls in weeks without alerts', 2100, 'Invented: mean of the team', :now, 'demo')
    ON CONFLICT DO NOTHING
"""
STAFF = """
    INSERT INTO staff_time (alert_id, minutes, noted_at, noted_by)
    SELECT alert_id, 45 + number * 13 % 60, :now, 'demo' FROM invented_alert WHERE urgent AND fate <> 'exercise'
    ON CONFLICT DO NOTHING
"""
MONEY_AND_CALLS = (CALLS, CATEGORIES, PRICES, ASSUMED, STAFF)
