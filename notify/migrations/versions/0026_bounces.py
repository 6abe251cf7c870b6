"""Each bounce with its cause: so that several soft ones count, and many hard ones of one cause wait for a person."""

from alembic import op

revision = "0026"
down_revision = "0025"

BOUNCES = """
CREATE TABLE bounce (
    id uuid PRIMARY KEY DEFAULT uuidv7(),
    council_id uuid NOT NULL REFERENCES council (id),
    channel varchar(32) NOT NULL,
    address_hash bytea NOT NULL,
    state varchar(32) NOT NULL,
    cause varchar NOT NULL,
    at timestamptz NOT NULL,
    decided_at timestamptz,
    decided_by varchar
);
CREATE INDEX bounce_by_address ON bounce (address_hash, at);
CREATE INDEX bounce_by_cause ON bounce (cause, at) WHERE state <> 'soft';
CREATE UNIQUE INDEX bounce_held ON bounce (council_id, address_hash) WHERE state = 'held';
CREATE INDEX bounce_by_age ON bounce (at);
"""


def upgrade() -> None:
    """Create the table of bounces; what came back before is in the ledger and among the suppressions."""
    op.execute(BOUNCES)
