"""What officers are writing, and the texts that they use again."""

from alembic import op

revision = "0013"
down_revision = "0012"

DRAFTS = """
CREATE TABLE draft (
    id uuid PRIMARY KEY,
    council_id uuid NOT NULL REFERENCES council,
    officer_id uuid NOT NULL REFERENCES officer,
    topic varchar NOT NULL,
    priority varchar(32) NOT NULL,
    fields jsonb NOT NULL,
    alert_id uuid REFERENCES alert,
    created_at timestamptz NOT NULL,
    changed_at timestamptz NOT NULL
);
CREATE INDEX draft_of_officer ON draft (officer_id, changed_at DESC) WHERE alert_id IS NULL;

-- a template is changed by adding a version
CREATE TABLE message_template (
    id uuid PRIMARY KEY,
    council_id uuid NOT NULL REFERENCES council,
    name varchar NOT NULL,
    version integer NOT NULL,
    fields jsonb NOT NULL,
    created_by varchar NOT NULL,
    created_at timestamptz NOT NULL,
    retired_at timestamptz,
    UNIQUE (council_id, name, version)
);
"""


def upgrade() -> None:
    """Add both tables."""
    op.execute(DRAFTS)
