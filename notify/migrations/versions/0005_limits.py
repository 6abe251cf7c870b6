"""How often an address was written to, and codes that confirm a phone."""

from alembic import op

revision = "0005"
down_revision = "0004"

LIMITS = """
-- keyed hashes: of a mailbox, of a block of a hundred numbers, of all texts; strangers are counted like residents
CREATE TABLE notice_count (
    counted bytea NOT NULL,
    period timestamptz NOT NULL,
    notices integer NOT NULL,
    PRIMARY KEY (counted, period)
);

CREATE TABLE confirm_code (
    contact_id uuid PRIMARY KEY REFERENCES contact (id) ON DELETE CASCADE,
    digest bytea NOT NULL,
    tries integer NOT NULL DEFAULT 0,
    expires_at timestamptz NOT NULL
);
"""


def upgrade() -> None:
    """Add them."""
    op.execute(LIMITS)
