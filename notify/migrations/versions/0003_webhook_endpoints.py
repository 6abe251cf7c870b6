"""How receivers of webhooks fare."""

from alembic import op

revision = "0003"
down_revision = "0002"

ENDPOINTS = """
CREATE TABLE endpoint (
    contact_id uuid PRIMARY KEY REFERENCES contact (id) ON DELETE CASCADE,
    failing_since timestamptz,
    last_failure_at timestamptz,
    last_failure_reason varchar,
    last_success_at timestamptz,
    disabled_at timestamptz,
    disabled_reason varchar,
    previous_secret_until timestamptz
);
CREATE INDEX endpoint_failing ON endpoint (failing_since) WHERE failing_since IS NOT NULL AND disabled_at IS NULL;
CREATE INDEX endpoint_rotating ON endpoint (previous_secret_until) WHERE previous_secret_until IS NOT NULL;
"""


def upgrade() -> None:
    """Add them."""
    op.execute(ENDPOINTS)
