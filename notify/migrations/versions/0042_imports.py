"""Lists of residents, and releases of boundaries and postcodes, are taken in the background from pages."""

from alembic import op

revision = "0042"
down_revision = "0040"

TABLES = """
CREATE TABLE subscriber_import (
    id uuid PRIMARY KEY,
    council_id uuid NOT NULL REFERENCES council (id),
    actor varchar NOT NULL,
    file_name varchar NOT NULL,
    fingerprint bytea NOT NULL,
    file bytea,
    sample bytea,
    fields varchar[] NOT NULL,
    options jsonb NOT NULL,
    state varchar(32) NOT NULL,
    counts jsonb NOT NULL,
    lines_done integer NOT NULL,
    tries integer NOT NULL,
    failure varchar NOT NULL,
    lease uuid,
    lease_until timestamptz,
    created_at timestamptz NOT NULL,
    started_at timestamptz,
    finished_at timestamptz,
    undone_at timestamptz
);
CREATE INDEX subscriber_import_of_council ON subscriber_import (council_id, id);
CREATE INDEX subscriber_import_due ON subscriber_import (state) WHERE state IN ('checking', 'importing', 'undoing');
CREATE TABLE subscriber_import_row (
    import_id uuid NOT NULL REFERENCES subscriber_import (id) ON DELETE CASCADE,
    row integer NOT NULL,
    outcome varchar(32) NOT NULL,
    subscriber_id uuid,
    at timestamptz,
    added varchar[] NOT NULL,
    reason varchar NOT NULL,
    PRIMARY KEY (import_id, row)
);
CREATE INDEX subscriber_import_row_person ON subscriber_import_row (import_id, subscriber_id)
    WHERE subscriber_id IS NOT NULL;
CREATE TABLE release_task (
    id uuid PRIMARY KEY,
    council_id uuid NOT NULL REFERENCES council (id),
    actor varchar NOT NULL,
    work varchar(32) NOT NULL,
    state varchar(32) NOT NULL,
    file_name varchar NOT NULL,
    release_id integer,
    is_confirmed boolean NOT NULL,
    rows integer NOT NULL,
    outcome jsonb NOT NULL,
    failure varchar NOT NULL,
    lease_until timestamptz,
    created_at timestamptz NOT NULL,
    finished_at timestamptz
);
CREATE INDEX release_task_of_council ON release_task (council_id, id);
"""


def upgrade() -> None:
    """Create the tables of imports, of what became of their rows, and of work on releases."""
    op.execute(TABLES)
