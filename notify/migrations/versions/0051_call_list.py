"""What staff who call and visit found, and lists of people at risk that end with an emergency.

`at_risk_key` is unlogged: it is in no write-ahead log and in no base backup, so that a restored copy of `at_risk_person`
cannot be read. A database that crashes forgets the keys, and the lists have to be uploaded again.
"""

from alembic import op

revision = "0051"
down_revision = "0050"

TABLES = """
SET LOCAL lock_timeout = '10s';
CREATE TABLE at_risk_assessment (
    council_id uuid PRIMARY KEY REFERENCES council (id),
    is_on boolean NOT NULL,
    done_on date NOT NULL,
    reference varchar NOT NULL,
    person varchar NOT NULL,
    noted_by varchar NOT NULL,
    noted_at timestamptz NOT NULL
);
CREATE TABLE at_risk_list (
    id uuid PRIMARY KEY,
    council_id uuid NOT NULL REFERENCES council (id),
    alert_id uuid NOT NULL UNIQUE REFERENCES alert (id),
    people integer NOT NULL,
    uploaded_by varchar NOT NULL,
    uploaded_at timestamptz NOT NULL,
    destroyed_at timestamptz
);
CREATE TABLE at_risk_person (
    id uuid PRIMARY KEY,
    list_id uuid NOT NULL REFERENCES at_risk_list (id),
    sealed bytea NOT NULL
);
CREATE INDEX at_risk_person_list ON at_risk_person (list_id);
CREATE UNLOGGED TABLE at_risk_key (
    list_id uuid PRIMARY KEY,
    sealed_key varchar NOT NULL
);
CREATE TABLE call_attempt (
    id uuid PRIMARY KEY,
    alert_id uuid NOT NULL REFERENCES alert (id),
    subscriber_id uuid REFERENCES subscriber (id) ON DELETE CASCADE,
    at_risk_person_id uuid REFERENCES at_risk_person (id) ON DELETE CASCADE,
    number integer NOT NULL CHECK (number > 0),
    outcome varchar(32) NOT NULL,
    note varchar NOT NULL,
    actor varchar NOT NULL,
    at timestamptz NOT NULL,
    CHECK (num_nonnulls(subscriber_id, at_risk_person_id) = 1)
);
CREATE UNIQUE INDEX call_attempt_subscriber ON call_attempt (alert_id, subscriber_id, number);
CREATE UNIQUE INDEX call_attempt_at_risk ON call_attempt (alert_id, at_risk_person_id, number);
CREATE INDEX call_attempt_by_subscriber ON call_attempt (subscriber_id);
CREATE INDEX call_attempt_by_at_risk ON call_attempt (at_risk_person_id);
"""


def upgrade() -> None:
    """Add the tables."""
    op.execute(TABLES)
