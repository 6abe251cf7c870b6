"""How often a topic writes, in the council's words."""

from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Add it."""
    op.execute("ALTER TABLE topic ADD COLUMN frequency varchar NOT NULL DEFAULT ''")
