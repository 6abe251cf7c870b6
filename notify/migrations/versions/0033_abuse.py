"""What strangers try is counted apart from what a known browser tries, and there are codes for a lost phone."""

from alembic import op

revision = "0033"
down_revision = "0032"

SIGN_IN = """
CREATE TABLE sign_in_tries (
    bucket bytea PRIMARY KEY,
    tries integer NOT NULL,
    locked_until timestamptz,
    changed_at timestamptz NOT NULL
);
CREATE TABLE recovery_code (
    digest bytea PRIMARY KEY,
    officer_id uuid NOT NULL REFERENCES officer (id),
    used_at timestamptz
);
CREATE INDEX recovery_code_of_officer ON recovery_code (officer_id);
"""

CODES = """
ALTER TABLE notice ADD COLUMN asked_from bytea;
ALTER TABLE confirm_code DROP CONSTRAINT confirm_code_pkey, ADD COLUMN id uuid DEFAULT uuidv7() PRIMARY KEY,
    ADD COLUMN asked_from bytea, ADD COLUMN own_tries integer NOT NULL DEFAULT 0;
CREATE INDEX confirm_code_of_contact ON confirm_code (contact_id);
"""

SEALS = """
ALTER TABLE audit_seal ADD COLUMN sealed_at timestamptz, ADD COLUMN sealed_since timestamptz;
CREATE TABLE audit_watch (
    id boolean PRIMARY KEY DEFAULT true CHECK (id),
    ran_at timestamptz NOT NULL,
    proof bytea NOT NULL
);
"""

READING = """
CREATE TABLE residents_read (
    actor varchar NOT NULL,
    day timestamptz NOT NULL,
    people integer NOT NULL,
    PRIMARY KEY (actor, day)
);
"""

COUNTS = """
CREATE TABLE asked_count (
    id uuid PRIMARY KEY,
    council_id uuid NOT NULL REFERENCES council (id),
    person varchar NOT NULL,
    at timestamptz NOT NULL,
    question varchar NOT NULL,
    targets jsonb NOT NULL,
    targets_digest bytea NOT NULL,
    is_first boolean NOT NULL,
    exact integer NOT NULL,
    answer jsonb NOT NULL
);
CREATE INDEX asked_count_of_person ON asked_count (council_id, person, at);
"""


def upgrade() -> None:
    """Create the tables of tries and of recovery codes, and keep what strangers ask for apart."""
    op.execute(SIGN_IN)
    op.execute(CODES)
    op.execute(SEALS)
    op.execute(READING)
    op.execute(COUNTS)
