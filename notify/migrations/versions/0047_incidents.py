"""Incidents: the alerts of one emergency together, notes of the shift, and updates with another area."""

from alembic import op

revision = "0047"
down_revision = "0046"

TABLES = """
SET LOCAL lock_timeout = '10s';
CREATE TABLE incident (
    id uuid PRIMARY KEY,
    council_id uuid NOT NULL REFERENCES council (id),
    ref varchar NOT NULL UNIQUE,
    name varchar NOT NULL,
    hazard varchar,
    is_training boolean NOT NULL,
    state varchar(32) NOT NULL,
    opened_by varchar NOT NULL,
    opened_at timestamptz NOT NULL,
    ended_by varchar,
    ended_at timestamptz,
    CHECK ((state = 'ended') = (ended_at IS NOT NULL))
);
CREATE INDEX incident_of_council ON incident (council_id, opened_at);
CREATE INDEX incident_open ON incident (council_id) WHERE state = 'open';
CREATE TABLE incident_note (
    id uuid PRIMARY KEY,
    incident_id uuid NOT NULL REFERENCES incident (id),
    kind varchar(32) NOT NULL,
    words varchar NOT NULL,
    still_open varchar NOT NULL,
    actor varchar NOT NULL,
    at timestamptz NOT NULL
);
CREATE INDEX incident_note_of_incident ON incident_note (incident_id, at);
CREATE TABLE incident_note_read (
    note_id uuid NOT NULL REFERENCES incident_note (id) ON DELETE CASCADE,
    actor varchar NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (note_id, actor)
);
ALTER TABLE alert ADD COLUMN incident_id uuid REFERENCES incident (id), ADD COLUMN group_words jsonb;
CREATE INDEX alert_of_incident ON alert (incident_id) WHERE incident_id IS NOT NULL;
ALTER TABLE delivery ADD COLUMN update_group varchar(32);
"""
# every emergency in force is an incident that goes on, with what followed it
GOING_ON = """
WITH going_on AS (
    SELECT a.id AS alert_id, uuidv7() AS id FROM alert a
    WHERE a.priority = 'emergency' AND a.follows_id IS NULL AND (NOT a.is_test OR a.is_training)
      AND a.state IN ('sending', 'sent') AND a.expanded_at IS NOT NULL AND a.expires_at > business_now()
      AND NOT EXISTS (SELECT FROM alert f WHERE f.follows_id = a.id AND f.follow_up = 'all-clear'
                      AND f.expanded_at IS NOT NULL AND (a.is_test OR NOT f.is_test))
), opened AS (
    INSERT INTO incident (id, council_id, ref, name, hazard, is_training, state, opened_by, opened_at)
    SELECT g.id, a.council_id, substr(md5(g.id::text), 1, 10), a.title, a.event, a.is_training, 'open', a.created_by,
           coalesce(a.approved_at, a.expanded_at)
    FROM going_on g JOIN alert a ON a.id = g.alert_id
)
UPDATE alert a SET incident_id = g.id FROM going_on g WHERE g.alert_id IN (a.id, a.follows_id)
"""


def upgrade() -> None:
    """Add the tables, and open an incident for each emergency in force."""
    op.execute(TABLES)
    op.execute(GOING_ON)
