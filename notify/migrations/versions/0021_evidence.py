"""What councils state in answers to freedom-of-information requests."""

from alembic import op

revision = "0021"
down_revision = "0020"

STATEMENTS = """
CREATE TABLE foi_statement (
    council_id uuid NOT NULL REFERENCES council (id) ON DELETE CASCADE,
    number varchar NOT NULL,
    words varchar NOT NULL,
    actor varchar NOT NULL,
    changed_at timestamptz NOT NULL,
    PRIMARY KEY (council_id, number)
);
"""


def upgrade() -> None:
    """Add the table."""
    op.execute(STATEMENTS)
