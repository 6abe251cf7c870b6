"""What an alert warns of in CAP words, which CAP messages came in, and which flood warnings were read."""

from alembic import op

revision = "0011"
down_revision = "0010"

CAP = """
ALTER TABLE alert ADD COLUMN event varchar, ADD COLUMN category varchar(32), ADD COLUMN severity varchar(32),
    ADD COLUMN urgency varchar(32), ADD COLUMN certainty varchar(32), ADD COLUMN instruction varchar;

-- `sender`, `identifier` and `sent` together name a message for the whole world
CREATE TABLE cap_message (
    council_id uuid NOT NULL REFERENCES council (id),
    is_test boolean NOT NULL,
    sender varchar NOT NULL,
    identifier varchar NOT NULL,
    sent timestamptz NOT NULL,
    digest bytea NOT NULL,
    alert_id uuid NOT NULL REFERENCES alert (id),
    reply jsonb NOT NULL,
    received_at timestamptz NOT NULL,
    PRIMARY KEY (council_id, is_test, sender, identifier)
);
CREATE INDEX cap_message_by_alert ON cap_message (alert_id);

-- every warning that was looked at, with the council it concerns and the draft it became; neither: it concerns nobody
CREATE TABLE flood_warning (
    id uuid PRIMARY KEY,
    area_code varchar NOT NULL,
    severity varchar(32) NOT NULL,
    changed_at timestamptz NOT NULL,
    council_id uuid REFERENCES council (id),
    alert_id uuid REFERENCES alert (id),
    note varchar NOT NULL,
    read_at timestamptz NOT NULL,
    UNIQUE NULLS NOT DISTINCT (area_code, severity, changed_at, council_id)
);
CREATE INDEX flood_warning_by_alert ON flood_warning (alert_id);
"""


def upgrade() -> None:
    """Add the columns and the two tables."""
    op.execute(CAP)
