"""What messages cost, and what a council means to spend."""

from alembic import op

revision = "0004"
down_revision = "0003"

COSTS = """
-- in thousandths of a penny
ALTER TABLE delivery ADD COLUMN cost integer;

CREATE TABLE budget (
    council_id uuid PRIMARY KEY REFERENCES council (id),
    monthly_pence integer NOT NULL CHECK (monthly_pence >= 0),
    warned_month date,
    stopped_month date
);

CREATE TABLE spend (
    council_id uuid NOT NULL REFERENCES council (id),
    month date NOT NULL,
    channel varchar(32) NOT NULL,
    provider varchar NOT NULL,
    messages integer NOT NULL,
    cost bigint NOT NULL,
    PRIMARY KEY (council_id, month, channel, provider)
);
"""


def upgrade() -> None:
    """Add them."""
    op.execute(COSTS)
