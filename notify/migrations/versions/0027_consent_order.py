"""Consent has an order: what waits for a person's own yes, who was erased when, and leaving as a line of its own."""

from alembic import op

revision = "0027"
down_revision = "0026"

TABLES = """
-- what is asked for a contact that the council has: in no audience before the person says yes there
CREATE TABLE consent_request (
    id uuid PRIMARY KEY,
    council_id uuid NOT NULL REFERENCES council (id),
    contact_id uuid NOT NULL REFERENCES contact (id) ON DELETE CASCADE,
    is_own boolean NOT NULL,
    topics uuid[] NOT NULL,
    answers jsonb NOT NULL,
    wording_version varchar NOT NULL,
    language varchar NOT NULL,
    source varchar NOT NULL,
    asked_by varchar,
    sign_up uuid,
    left_at timestamptz,
    asked_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    UNIQUE (contact_id, is_own)
);
-- the hash first: an import looks up thousands of them
CREATE TABLE erased_address (
    address_hash bytea NOT NULL,
    council_id uuid NOT NULL REFERENCES council (id),
    erased_at timestamptz NOT NULL,
    PRIMARY KEY (address_hash, council_id)
);
-- a text that begins with STOP and goes on about something else, for staff to read
CREATE TABLE resident_message (
    id uuid PRIMARY KEY,
    council_id uuid NOT NULL REFERENCES council (id),
    contact_id uuid NOT NULL REFERENCES contact (id) ON DELETE CASCADE,
    words varchar NOT NULL,
    at timestamptz NOT NULL
);
CREATE INDEX resident_message_by_council ON resident_message (council_id, id);
ALTER TABLE confirm_code ADD COLUMN about uuid;
"""

# Before this, leaving everything left a line for each topic and none that covers topics they had never followed.
LEFT = """
INSERT INTO consent (at, council_id, subscriber_id, topic_id, channel, action, wording_version, language, source)
SELECT w.at, c.council_id, c.subscriber_id, NULL, c.channel, 'withdrawn', 'left-everything', s.language,
       'left-everything'
FROM contact c
JOIN subscriber s ON s.id = c.subscriber_id
JOIN LATERAL (
    SELECT max(l.at) AS at FROM consent l
    WHERE l.subscriber_id = c.subscriber_id AND l.action = 'withdrawn' AND l.topic_id IS NOT NULL
      AND (l.channel IS NULL OR l.channel = c.channel)
) w ON w.at IS NOT NULL
WHERE NOT EXISTS (
    SELECT FROM subscription u
    WHERE u.subscriber_id = c.subscriber_id AND u.ended_at IS NULL AND c.channel = ANY(u.channels))
ORDER BY w.at, c.id;
"""


def upgrade() -> None:
    """Add the tables, and note of everybody who gets nothing any more that they left."""
    op.execute(TABLES)
    op.execute(LEFT)
