"""Only people who agreed to be counted get a counted link, so rates of clicks are divided by what they were sent.

Before this release every email of a tracked alert had a counted link, so what was sent then stays the divisor.
"""

from alembic import op

revision = "0055"
down_revision = "0054"


def upgrade() -> None:
    """Add the column, and take what was sent for it."""
    op.execute("SET LOCAL lock_timeout = '10s'; ALTER TABLE rollup_cell ADD COLUMN agreed integer NOT NULL DEFAULT 0")
    op.execute("UPDATE rollup_cell SET agreed = sent WHERE sent > 0 AND channel = 'email'")
