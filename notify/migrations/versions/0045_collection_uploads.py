"""Files of collection days that officers upload are loaded by a worker, with progress."""

from alembic import op

revision = "0045"
down_revision = "0044"

TABLE = """
SET LOCAL lock_timeout = '10s';
CREATE TABLE collection_upload (
    id uuid PRIMARY KEY,
    council_id uuid NOT NULL REFERENCES council (id),
    created_by varchar NOT NULL,
    files text[] NOT NULL,
    said jsonb NOT NULL,
    state varchar(32) NOT NULL,
    entries integer NOT NULL,
    percent integer NOT NULL,
    failure varchar NOT NULL,
    release_id integer REFERENCES collection_release (id) ON DELETE SET NULL,
    lease_until timestamptz,
    created_at timestamptz NOT NULL,
    finished_at timestamptz
);
CREATE INDEX collection_upload_under_way ON collection_upload (created_at) WHERE finished_at IS NULL;
"""


def upgrade() -> None:
    """Add the table."""
    op.execute(TABLE)
