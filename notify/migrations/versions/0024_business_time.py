"""Business dates in SQL come from one function, so that a session can ask what happens on another day."""

from alembic import op

revision = "0024"
down_revision = "0023"

CLOCK = """
-- How far this session's business time is from the server's: nothing, unless `notify.clock_offset` says so.
CREATE FUNCTION clock_offset() RETURNS interval LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT coalesce(nullif(current_setting('notify.clock_offset', true), ''), '0')::interval
$$;
-- when this transaction began: for dates, deadlines and everything that people read. Leases use now().
CREATE FUNCTION business_now() RETURNS timestamptz LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT now() + coalesce(nullif(current_setting('notify.clock_offset', true), ''), '0')::interval
$$;
-- this very moment, on the same clock
CREATE FUNCTION business_clock() RETURNS timestamptz LANGUAGE sql VOLATILE PARALLEL SAFE AS $$
    SELECT clock_timestamp() + coalesce(nullif(current_setting('notify.clock_offset', true), ''), '0')::interval
$$;

ALTER TABLE rollup_due ALTER COLUMN noted_at SET DEFAULT business_now();
ALTER TABLE rollup_hit ALTER COLUMN changed_at SET DEFAULT business_clock();
ALTER TABLE spend ALTER COLUMN changed_at SET DEFAULT business_clock();
CREATE OR REPLACE FUNCTION note_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.changed_at = business_clock();
    RETURN NEW;
END $$;
CREATE OR REPLACE FUNCTION make_month_partitions(months_ahead integer) RETURNS integer LANGUAGE sql AS $$
    SELECT sum(make_month(
        (date_trunc('month', business_now() AT TIME ZONE 'UTC') + make_interval(months => ahead))::date))
    FROM generate_series(0, months_ahead) AS ahead
$$;
"""


def upgrade() -> None:
    """Add the functions, and let defaults and triggers use them."""
    op.execute(CLOCK)
