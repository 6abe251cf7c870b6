"""When users were last active and invited, second factors that wait for a second administrator, councillors' alerts."""

from alembic import op

revision = "0043"
down_revision = "0042"

OFFICERS = """
ALTER TABLE officer ADD COLUMN last_active_at timestamptz, ADD COLUMN invited_until timestamptz;
UPDATE officer o SET last_active_at = s.seen_at
FROM (SELECT officer_id, max(seen_at) AS seen_at FROM sign_in WHERE NOT is_link GROUP BY officer_id) s
WHERE s.officer_id = o.id;
CREATE TABLE second_factor_reset (
    officer_id uuid PRIMARY KEY REFERENCES officer (id) ON DELETE CASCADE,
    asked_by uuid NOT NULL REFERENCES officer (id) ON DELETE CASCADE,
    asked_at timestamptz NOT NULL,
    reason varchar NOT NULL
);
"""
ALERTS = "ALTER TABLE alert ADD COLUMN is_councillors boolean NOT NULL DEFAULT false"


def upgrade() -> None:
    """Add the columns and the table. Links of invitations that were sent before are worth nothing: send new ones."""
    op.execute(OFFICERS)
    op.execute(ALERTS)
