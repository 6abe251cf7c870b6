"""How residents want their emails: at once or gathered, and in which form."""

from alembic import op

revision = "0009"
down_revision = "0008"

EMAILS = """
ALTER TABLE subscriber ADD COLUMN mail_format varchar(32) NOT NULL DEFAULT 'standard'
    CHECK (mail_format IN ('standard', 'plain', 'large'));
ALTER TABLE subscription ADD COLUMN cadence varchar(32) NOT NULL DEFAULT 'at-once'
    CHECK (cadence IN ('at-once', 'daily', 'weekly'));
CREATE INDEX subscription_gathered ON subscription (topic_id) WHERE ended_at IS NULL AND cadence <> 'at-once';

-- an alert made of others has their words here
ALTER TABLE alert ADD COLUMN parts jsonb;

CREATE TABLE digest_item (
    alert_id uuid NOT NULL REFERENCES alert,
    contact_id uuid NOT NULL REFERENCES contact ON DELETE CASCADE,
    subscriber_id uuid NOT NULL,
    language varchar NOT NULL,
    ward_code varchar,
    due_at timestamptz NOT NULL,
    digest_id uuid REFERENCES alert,
    PRIMARY KEY (alert_id, contact_id)
);
CREATE INDEX digest_item_due ON digest_item (due_at) WHERE digest_id IS NULL;
CREATE INDEX digest_item_contact ON digest_item (contact_id);

-- the next five o'clock in the afternoon here, of any day or of a Friday; now where nothing is gathered
CREATE FUNCTION digest_due(cadence text, at timestamptz) RETURNS timestamptz
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT CASE cadence
        WHEN 'daily' THEN (l.today + CASE WHEN l.is_past THEN 1 ELSE 0 END + time '17:00') AT TIME ZONE 'Europe/London'
        WHEN 'weekly' THEN (l.today + CASE WHEN l.to_friday = 0 AND l.is_past THEN 7 ELSE l.to_friday END
                            + time '17:00') AT TIME ZONE 'Europe/London'
        ELSE at
    END
    FROM (SELECT (at AT TIME ZONE 'Europe/London')::date AS today,
                 (at AT TIME ZONE 'Europe/London')::time >= time '17:00' AS is_past,
                 (5 - extract(isodow FROM at AT TIME ZONE 'Europe/London')::int + 7) % 7 AS to_friday) l
$$;
"""


def upgrade() -> None:
    """Add the choices, the digests' items, and the function that knows when a digest is due."""
    op.execute(EMAILS)
