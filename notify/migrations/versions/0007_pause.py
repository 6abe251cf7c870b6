"""Residents who want nothing but emergencies for a while."""

from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Add the moment until which they pause."""
    op.execute("ALTER TABLE subscriber ADD COLUMN paused_until timestamptz")
