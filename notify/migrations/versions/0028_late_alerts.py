"""An alert that is too late to go out by itself is held until a person sends or reschedules it."""

from alembic import op

revision = "0028"
down_revision = "0027"

COLUMNS = """
ALTER TABLE topic ADD COLUMN late_after_minutes integer NOT NULL DEFAULT 60 CHECK (late_after_minutes > 0);
ALTER TABLE alert ADD COLUMN late_since timestamptz, ADD COLUMN late_reminded_at timestamptz;
CREATE INDEX alert_late ON alert (late_since) WHERE late_since IS NOT NULL AND state IN ('submitted', 'scheduled');
"""


def upgrade() -> None:
    """Add the setting of a topic, and since when an alert is held."""
    op.execute(COLUMNS)
