"""What is sent regularly, what was removed when, and when figures about clicks last changed."""

from alembic import op

revision = "0019"
down_revision = "0018"

SCHEDULES = """
CREATE TABLE export_schedule (
    id uuid PRIMARY KEY,
    council_id uuid NOT NULL REFERENCES council,
    what varchar NOT NULL,
    format varchar NOT NULL,
    rhythm varchar(32) NOT NULL CHECK (rhythm IN ('weekly', 'monthly')),
    officers uuid[] NOT NULL,
    webhook varchar NOT NULL,
    secret varchar NOT NULL,
    created_by varchar NOT NULL,
    created_at timestamptz NOT NULL,
    next_at timestamptz,
    paused_at timestamptz,
    removed_at timestamptz
);
CREATE INDEX export_schedule_due ON export_schedule (next_at) WHERE next_at IS NOT NULL;
CREATE TABLE export_run (
    id uuid PRIMARY KEY,
    schedule_id uuid NOT NULL REFERENCES export_schedule,
    due_at timestamptz NOT NULL,
    receiver varchar NOT NULL,
    since date NOT NULL,
    until date NOT NULL,
    state varchar(32) NOT NULL,
    attempts integer NOT NULL,
    lease_until timestamptz,
    retry_at timestamptz NOT NULL,
    finished_at timestamptz,
    rows integer,
    problem varchar NOT NULL,
    -- one sending a turn and receiver, whoever makes it
    UNIQUE (schedule_id, due_at, receiver)
);
CREATE INDEX export_run_waiting ON export_run (retry_at) WHERE state IN ('due', 'sending');
"""

RETENTION = """
CREATE TABLE retention_run (
    id uuid PRIMARY KEY,
    started_at timestamptz NOT NULL,
    finished_at timestamptz,
    days integer NOT NULL,
    alerts integer NOT NULL,
    held_back integer NOT NULL,
    removed jsonb NOT NULL,
    partitions text[] NOT NULL,
    keys integer NOT NULL,
    problem varchar NOT NULL
);
-- alerts whose figures are closed and whose rows may not all be removed yet
CREATE TABLE retention_due (
    alert_id uuid PRIMARY KEY REFERENCES alert
);
-- replies by ward, of alerts whose detail is gone
CREATE TABLE rollup_reply (
    alert_id uuid NOT NULL REFERENCES alert (id) ON DELETE CASCADE,
    ward_code varchar NOT NULL,
    asked integer NOT NULL,
    safe integer NOT NULL,
    help integer NOT NULL,
    PRIMARY KEY (alert_id, ward_code)
);
-- from this moment on figures are all that is known about who got it
ALTER TABLE alert ADD COLUMN detail_removed_at timestamptz;
"""

CHANGES = """
-- so that whoever reads only what changed misses nothing
ALTER TABLE rollup_hit ADD COLUMN changed_at timestamptz NOT NULL DEFAULT clock_timestamp();
ALTER TABLE spend ADD COLUMN changed_at timestamptz NOT NULL DEFAULT clock_timestamp();
CREATE FUNCTION note_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.changed_at = clock_timestamp();
    RETURN NEW;
END $$;
CREATE TRIGGER changed BEFORE UPDATE ON rollup_hit FOR EACH ROW EXECUTE FUNCTION note_change();
CREATE TRIGGER changed BEFORE UPDATE ON spend FOR EACH ROW EXECUTE FUNCTION note_change();
"""


def upgrade() -> None:
    """Add the tables and the columns."""
    for part in (SCHEDULES, RETENTION, CHANGES):
        op.execute(part)
