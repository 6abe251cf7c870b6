"""What people and machines did with messages, kept with a verdict; and figures that no page need count again."""

from alembic import op

revision = "0016"
down_revision = "0015"

HITS = """
-- every click and open as it came in; in the month of the alert's ledger, so that it lives and goes with it
CREATE TABLE hit (
    month date NOT NULL,
    id uuid NOT NULL,  -- whoever repeats a hit repeats its id, and it counts once
    at timestamptz NOT NULL,
    alert_id uuid NOT NULL,
    number integer,  -- of readers who agreed to be counted
    kind varchar(32) NOT NULL,
    link smallint NOT NULL,
    channel varchar(32) NOT NULL,
    device varchar(32) NOT NULL,
    visitor bytea,
    verdict varchar(32) NOT NULL,
    reason varchar NOT NULL,
    PRIMARY KEY (month, id)
) PARTITION BY RANGE (month);
CREATE INDEX hit_by_visitor ON hit (visitor, at) WHERE visitor IS NOT NULL;
CREATE INDEX hit_by_reader ON hit (alert_id, number) WHERE number IS NOT NULL;

CREATE FUNCTION keep_hits() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- what came in stays as it came; only what we think of it may change, and the pseudonym and reader may go
    IF (NEW.month, NEW.id, NEW.at, NEW.alert_id, NEW.kind, NEW.link, NEW.channel, NEW.device)
            IS DISTINCT FROM (OLD.month, OLD.id, OLD.at, OLD.alert_id, OLD.kind, OLD.link, OLD.channel, OLD.device)
        OR (NEW.visitor IS NOT NULL AND NEW.visitor IS DISTINCT FROM OLD.visitor)
        OR (NEW.number IS NOT NULL AND NEW.number IS DISTINCT FROM OLD.number) THEN
        RAISE EXCEPTION 'A hit is kept as it came in.' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER kept BEFORE UPDATE ON hit FOR EACH ROW EXECUTE FUNCTION keep_hits();

-- who agreed and did it at least once, so that each counts once
CREATE TABLE reader (
    month date NOT NULL,
    alert_id uuid NOT NULL,
    number integer NOT NULL,
    kind varchar(32) NOT NULL,
    PRIMARY KEY (month, alert_id, number, kind)
) PARTITION BY RANGE (month);

-- a visitor's pseudonym can be made by this key only, and the key lives two days
CREATE TABLE visitor_key (
    day date PRIMARY KEY,
    key bytea NOT NULL
);
"""

ROLLUPS = """
CREATE TABLE rollup_hit (
    alert_id uuid NOT NULL REFERENCES alert (id) ON DELETE CASCADE,
    kind varchar(32) NOT NULL,
    verdict varchar(32) NOT NULL,
    channel varchar(32) NOT NULL,
    link smallint NOT NULL,
    device varchar(32) NOT NULL,
    hour timestamptz NOT NULL,
    times bigint NOT NULL,
    PRIMARY KEY (alert_id, kind, verdict, channel, link, device, hour)
);
CREATE TABLE rollup_people (
    alert_id uuid NOT NULL REFERENCES alert (id) ON DELETE CASCADE,
    kind varchar(32) NOT NULL,
    channel varchar(32) NOT NULL,
    language varchar NOT NULL,
    ward_code varchar NOT NULL,
    people bigint NOT NULL,
    PRIMARY KEY (alert_id, kind, channel, language, ward_code)
);
CREATE TABLE rollup_alert (
    alert_id uuid PRIMARY KEY REFERENCES alert (id) ON DELETE CASCADE,
    council_id uuid NOT NULL REFERENCES council (id),
    topic_id uuid NOT NULL REFERENCES topic (id),
    started_at timestamptz NOT NULL,
    recipients integer NOT NULL,
    sent integer NOT NULL,
    delivered integer NOT NULL,
    permanent_failure integer NOT NULL,
    temporary_failure integer NOT NULL,
    technical_failure integer NOT NULL,
    unknown integer NOT NULL,
    suppressed integer NOT NULL,
    cancelled integer NOT NULL,
    expired integer NOT NULL,
    waiting integer NOT NULL,
    cost bigint NOT NULL,  -- in thousandths of a penny
    unpriced integer NOT NULL,
    unsubscribed integer NOT NULL,
    complained integer NOT NULL,
    time_to_50 double precision,
    time_to_95 double precision,
    time_to_99 double precision,
    time_to_100 double precision,
    counted_at timestamptz NOT NULL,
    took interval NOT NULL,
    is_final boolean NOT NULL,
    detail_removed_at timestamptz
);
CREATE INDEX rollup_alert_by_time ON rollup_alert (council_id, started_at);
CREATE TABLE rollup_cell (
    alert_id uuid NOT NULL REFERENCES alert (id) ON DELETE CASCADE,
    channel varchar(32) NOT NULL,
    language varchar NOT NULL,
    ward_code varchar NOT NULL,
    provider varchar NOT NULL,
    recipients integer NOT NULL,
    sent integer NOT NULL,
    delivered integer NOT NULL,
    permanent_failure integer NOT NULL,
    temporary_failure integer NOT NULL,
    technical_failure integer NOT NULL,
    unknown integer NOT NULL,
    suppressed integer NOT NULL,
    cancelled integer NOT NULL,
    expired integer NOT NULL,
    waiting integer NOT NULL,
    cost bigint NOT NULL,
    unpriced integer NOT NULL,
    PRIMARY KEY (alert_id, channel, language, ward_code, provider)
);
CREATE TABLE rollup_curve (
    alert_id uuid NOT NULL REFERENCES alert (id) ON DELETE CASCADE,
    channel varchar(32) NOT NULL,
    second integer NOT NULL,
    handed_over integer NOT NULL,
    delivered integer NOT NULL,
    PRIMARY KEY (alert_id, channel, second)
);
CREATE TABLE rollup_hour (
    alert_id uuid NOT NULL REFERENCES alert (id) ON DELETE CASCADE,
    channel varchar(32) NOT NULL,
    provider varchar NOT NULL,
    hour timestamptz NOT NULL,
    handed_over integer NOT NULL,
    delivered integer NOT NULL,
    failed integer NOT NULL,
    PRIMARY KEY (alert_id, channel, provider, hour)
);
-- alerts with news that are not counted yet
CREATE TABLE rollup_due (
    alert_id uuid PRIMARY KEY REFERENCES alert (id) ON DELETE CASCADE,
    noted_at timestamptz NOT NULL DEFAULT now()
);
-- how far the events were read, and when
CREATE TABLE rollup_mark (
    at timestamptz PRIMARY KEY,
    event_id bigint NOT NULL
);
"""

PARTITIONS = """
CREATE FUNCTION make_month(start date) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    made integer := 0;
    ledger text;
    part text;
BEGIN
    FOREACH ledger IN ARRAY ARRAY['delivery', 'event', 'hit', 'reader'] LOOP
        part := ledger || '_' || to_char(start, 'YYYYMM');
        IF to_regclass(part) IS NULL THEN
            EXECUTE format('CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (%L) TO (%L)',
                part, ledger, start, (start + interval '1 month')::date);
            -- room on each page for the one update a row will see, so that indexes stay untouched
            EXECUTE format('ALTER TABLE %I SET (fillfactor = %s)', part,
                CASE ledger WHEN 'delivery' THEN 70 ELSE 100 END);
            IF ledger = 'delivery' THEN
                EXECUTE format('ALTER TABLE %I ALTER COLUMN alert_id SET STATISTICS 0', part);
            END IF;
            made := made + 1;
        END IF;
    END LOOP;
    RETURN made;
END $$;
CREATE OR REPLACE FUNCTION make_month_partitions(months_ahead integer) RETURNS integer LANGUAGE sql AS $$
    SELECT sum(make_month((date_trunc('month', now() AT TIME ZONE 'UTC') + make_interval(months => ahead))::date))
    FROM generate_series(0, months_ahead) AS ahead
$$;
SELECT make_month(to_date(substr(relname, 10), 'YYYYMM'))
FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid WHERE inhparent = 'delivery'::regclass;
"""

MOVED = """
INSERT INTO hit (month, id, at, alert_id, number, kind, link, channel, device, verdict, reason)
SELECT month, uuidv7(), at, alert_id, number, kind, 0, 'email', 'unknown', 'unknown', 'before verdicts' FROM event
WHERE kind IN ('clicked', 'opened');
DELETE FROM event WHERE kind IN ('clicked', 'opened');
INSERT INTO rollup_hit (alert_id, kind, verdict, channel, link, device, hour, times)
SELECT alert_id, kind, verdict, channel, link, device, date_trunc('hour', at), count(*) FROM hit
GROUP BY 1, 2, 3, 4, 5, 6, 7;
INSERT INTO reader (month, alert_id, number, kind)
SELECT DISTINCT month, alert_id, number, kind FROM hit WHERE number IS NOT NULL;
INSERT INTO rollup_people (alert_id, kind, channel, language, ward_code, people)
SELECT r.alert_id, r.kind, d.channel, d.language, coalesce(d.ward_code, ''), count(*)
FROM reader r JOIN delivery d USING (month, alert_id, number) GROUP BY 1, 2, 3, 4, 5;
"""


def upgrade() -> None:
    """Add the tables, and move what was counted until now."""
    for part in (HITS, ROLLUPS, PARTITIONS, MOVED):
        op.execute(part)
