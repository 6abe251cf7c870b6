"""An officer may have a mobile number, which urgent staff notifications are texted to."""

from alembic import op

revision = "0029"
down_revision = "0028"


def upgrade() -> None:
    """Add the number."""
    op.execute("ALTER TABLE officer ADD COLUMN phone varchar")
