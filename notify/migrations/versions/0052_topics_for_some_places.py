"""A topic may be followed for some of a resident's places only: `only_at` holds their postcodes, and is empty for all."""

from alembic import op

revision = "0052"
down_revision = "0051"


def upgrade() -> None:
    """Add the column."""
    op.execute("SET LOCAL lock_timeout = '10s'")
    op.execute("ALTER TABLE subscription ADD COLUMN only_at text[] CHECK (cardinality(only_at) > 0)")
