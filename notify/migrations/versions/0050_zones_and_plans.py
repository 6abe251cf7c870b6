"""Saved zones of a council with their versions, and plans: alerts that are ready before they are needed."""

from alembic import op

revision = "0050"
down_revision = "0048"

TABLES = """
SET LOCAL lock_timeout = '10s';
CREATE TABLE zone (
    id uuid PRIMARY KEY,
    council_id uuid NOT NULL REFERENCES council (id),
    slug varchar NOT NULL,
    name varchar NOT NULL,
    kind varchar(32) NOT NULL,
    reference varchar,
    created_by varchar NOT NULL,
    created_at timestamptz NOT NULL,
    archived_at timestamptz,
    UNIQUE (council_id, slug)
);
CREATE TABLE zone_version (
    zone_id uuid NOT NULL REFERENCES zone (id),
    version integer NOT NULL CHECK (version > 0),
    shape jsonb NOT NULL,
    hectares double precision NOT NULL,
    source varchar NOT NULL,
    created_by varchar NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (zone_id, version)
);
CREATE TABLE plan (
    id uuid PRIMARY KEY,
    council_id uuid NOT NULL REFERENCES council (id),
    slug varchar NOT NULL,
    name varchar NOT NULL,
    topic varchar NOT NULL,
    priority varchar(32) NOT NULL,
    fields jsonb NOT NULL,
    approver_role varchar(32),
    lasts_minutes integer CHECK (lasts_minutes > 0),
    exercise_months integer NOT NULL CHECK (exercise_months > 0),
    created_by varchar NOT NULL,
    created_at timestamptz NOT NULL,
    changed_at timestamptz NOT NULL,
    archived_at timestamptz,
    UNIQUE (council_id, slug)
);
ALTER TABLE draft ADD COLUMN plan_id uuid REFERENCES plan (id);
-- no foreign key: an alert keeps what it was made from, and workers know nothing of plans, which are never deleted
ALTER TABLE alert ADD COLUMN plan_id uuid, ADD COLUMN approver_role varchar(32);
CREATE INDEX alert_plan ON alert (plan_id, is_training) WHERE plan_id IS NOT NULL;
CREATE INDEX draft_plan ON draft (plan_id) WHERE plan_id IS NOT NULL;
"""


def upgrade() -> None:
    """Add the tables."""
    op.execute(TABLES)
