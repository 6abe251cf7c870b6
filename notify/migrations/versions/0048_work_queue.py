"""An alert can be returned for changes, and a draft can be the next version of an alert that waits for its author."""

from alembic import op

revision = "0048"
down_revision = "0047"

COLUMNS = """
SET LOCAL lock_timeout = '10s';
ALTER TABLE approval ADD COLUMN is_return boolean NOT NULL DEFAULT false;
ALTER TABLE draft ADD COLUMN replaces_id uuid REFERENCES alert (id);
CREATE INDEX draft_replaces ON draft (replaces_id) WHERE replaces_id IS NOT NULL;
"""


def upgrade() -> None:
    """Add the columns."""
    op.execute(COLUMNS)
