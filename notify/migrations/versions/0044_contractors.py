"""Collection days: contractors and their words, sources that are fetched, use by day, and what webhooks call an alert."""

from alembic import op

revision = "0044"
down_revision = "0043"

TABLES = """
SET LOCAL lock_timeout = '10s';
CREATE TABLE collection_contractor (
    id uuid PRIMARY KEY,
    council_id uuid NOT NULL REFERENCES council (id),
    name varchar NOT NULL,
    secret varchar NOT NULL,
    created_by varchar NOT NULL,
    created_at timestamptz NOT NULL,
    ended_at timestamptz
);
CREATE UNIQUE INDEX collection_contractor_name ON collection_contractor (council_id, name) WHERE ended_at IS NULL;
CREATE TABLE collection_status (
    council_id uuid NOT NULL REFERENCES council (id),
    source varchar NOT NULL,
    reference varchar NOT NULL,
    outcome varchar(32) NOT NULL,
    day date NOT NULL,
    round varchar NOT NULL,
    stream varchar NOT NULL,
    home varchar,
    cause varchar(32) NOT NULL,
    event_id uuid REFERENCES waste_event (id),
    at timestamptz NOT NULL,
    PRIMARY KEY (council_id, source, reference)
);
CREATE INDEX collection_status_day ON collection_status (council_id, day);
CREATE TABLE collection_source (
    id uuid PRIMARY KEY,
    council_id uuid NOT NULL REFERENCES council (id),
    address varchar NOT NULL,
    name varchar NOT NULL,
    licence varchar NOT NULL,
    paid text[] NOT NULL,
    every_hours integer NOT NULL CHECK (every_hours BETWEEN 1 AND 744),
    most_changes integer CHECK (most_changes >= 0),
    created_by varchar NOT NULL,
    created_at timestamptz NOT NULL,
    next_at timestamptz NOT NULL,
    content_hash bytea,
    result varchar NOT NULL,
    result_at timestamptz,
    is_failing boolean NOT NULL,
    release_id integer REFERENCES collection_release (id) ON DELETE SET NULL
);
CREATE TABLE collection_use (
    council_id uuid NOT NULL REFERENCES council (id),
    day date NOT NULL,
    kind varchar(32) NOT NULL,
    times integer NOT NULL,
    PRIMARY KEY (council_id, day, kind)
);
ALTER TABLE alert ADD COLUMN webhook_event varchar, ADD COLUMN webhook_detail jsonb;
"""


def upgrade() -> None:
    """Add the tables, and what webhooks say of an automated message."""
    op.execute(TABLES)
