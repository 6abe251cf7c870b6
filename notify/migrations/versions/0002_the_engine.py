"""The engine: batches that count their deaths, holds, meters, and what the database looked like last."""

from alembic import op

revision = "0002"
down_revision = "0001"

BATCHES = """
ALTER TABLE batch
    DROP COLUMN queued_at,
    ADD COLUMN deaths integer NOT NULL DEFAULT 0,
    ADD COLUMN handed_over integer NOT NULL DEFAULT 0,
    ADD COLUMN bounced integer NOT NULL DEFAULT 0,
    ADD COLUMN claimed_at timestamptz;
-- one more try is due although nobody knows whether the first arrived
ALTER TABLE delivery ADD COLUMN unsure boolean NOT NULL DEFAULT false;
-- an index on a delivery's state would make every change of it touch all indexes; its events are written once
CREATE INDEX event_dead ON event (alert_id) WHERE kind IN ('temporary-failure', 'technical-failure', 'unknown');
"""

HOLDS = """
CREATE TABLE hold (
    id uuid PRIMARY KEY,
    lane varchar(32),
    alert_id uuid REFERENCES alert (id),
    reason varchar NOT NULL,
    actor varchar NOT NULL,
    at timestamptz NOT NULL,
    lifted_at timestamptz,
    lifted_by varchar
);
CREATE INDEX hold_in_force ON hold (at) WHERE lifted_at IS NULL;
CREATE INDEX hold_by_alert ON hold (alert_id) WHERE alert_id IS NOT NULL;
"""

METERS = """
CREATE TABLE meter (
    name varchar NOT NULL,
    labels varchar NOT NULL,
    value double precision NOT NULL,
    PRIMARY KEY (name, labels)
);
"""

WITNESS = """
-- one row: which server this database was last seen on, so that a restored copy is noticed
CREATE TABLE witness (
    id boolean PRIMARY KEY DEFAULT true CHECK (id),
    system varchar NOT NULL,
    timeline varchar NOT NULL
);
"""

STATISTICS = """
-- A month's first big alert meets a partition that nobody has analysed, and the planner reads all of it for each batch.
CREATE FUNCTION analyze_when_grown(month date) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    name text := 'delivery_' || to_char(month, 'YYYYMM');
    known real;
    pages integer;
BEGIN
    SELECT reltuples, relpages INTO known, pages FROM pg_class WHERE oid = to_regclass(name);
    IF known <= 0 OR pg_relation_size(to_regclass(name)) > 2 * pages::bigint * current_setting('block_size')::bigint THEN
        EXECUTE format('ANALYZE %I (month, alert_id, number, contact_id, state)', name);
    END IF;
END $$;
"""

# An alert of this minute is in no statistics: with them the planner takes it for one without deliveries, and any index
# for as good as the right one. Without them it expects some, and looks for a range of numbers where it should.
PARTITIONS = """
CREATE OR REPLACE FUNCTION make_month_partitions(months_ahead integer) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    first date := date_trunc('month', now() AT TIME ZONE 'UTC')::date;
    start date;
    made integer := 0;
    ledger text;
BEGIN
    FOR ahead IN 0..months_ahead LOOP
        start := (first + make_interval(months => ahead))::date;
        FOREACH ledger IN ARRAY ARRAY['delivery', 'event'] LOOP
            IF to_regclass(ledger || '_' || to_char(start, 'YYYYMM')) IS NULL THEN
                EXECUTE format('CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (%L) TO (%L)',
                    ledger || '_' || to_char(start, 'YYYYMM'), ledger, start, (start + interval '1 month')::date);
                -- room on each page for the one update a row will see, so that indexes stay untouched
                EXECUTE format('ALTER TABLE %I SET (fillfactor = %s)',
                    ledger || '_' || to_char(start, 'YYYYMM'), CASE ledger WHEN 'delivery' THEN 70 ELSE 100 END);
                IF ledger = 'delivery' THEN
                    EXECUTE format('ALTER TABLE %I ALTER COLUMN alert_id SET STATISTICS 0',
                        ledger || '_' || to_char(start, 'YYYYMM'));
                END IF;
                made := made + 1;
            END IF;
        END LOOP;
    END LOOP;
    RETURN made;
END $$;
DO $$ DECLARE
    partition regclass;
BEGIN
    FOR partition IN SELECT inhrelid::regclass FROM pg_inherits WHERE inhparent = 'delivery'::regclass LOOP
        EXECUTE format('ALTER TABLE %s ALTER COLUMN alert_id SET STATISTICS 0', partition);
    END LOOP;
END $$;
"""

PLANNER = """
-- PostgreSQL's default takes disks for spinning ones and would rather read a whole table than 500 rows by index.
DO $$ BEGIN
    EXECUTE format('ALTER DATABASE %I SET random_page_cost = 1.1', current_database());
EXCEPTION WHEN insufficient_privilege THEN
    RAISE NOTICE 'Not the database''s owner: set random_page_cost = 1.1 yourself if its disks are solid-state.';
END $$;
"""


def upgrade() -> None:
    for part in (BATCHES, HOLDS, METERS, WITNESS, STATISTICS, PARTITIONS, PLANNER):
        op.execute(part)
