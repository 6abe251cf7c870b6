"""A text with a postcode waits for the resident's yes: the place of their alerts moves there.

Staff read only texts that ask for a person, so those that name a postcode are told apart.
"""

from alembic import op

revision = "0054"
down_revision = "0052"


def upgrade() -> None:
    """Add the column; the texts there are ask for a person."""
    op.execute("SET LOCAL lock_timeout = '10s'; ALTER TABLE inbound_text ADD COLUMN move_to varchar")
