"""What each council has chosen for itself, its images, councils that close, operators, and users of several councils."""

from alembic import op

revision = "0038"
down_revision = "0037"

SETTINGS = """
CREATE TABLE council_settings (
    council_id uuid PRIMARY KEY REFERENCES council (id),
    name_cy varchar,
    short_name varchar,
    colour varchar,
    button_colour varchar,
    logo varchar,
    icon varchar,
    contact_page varchar,
    contact_phone varchar,
    contact_email varchar,
    data_protection_page varchar,
    data_protection_email varchar,
    sender_name varchar,
    sender_address varchar UNIQUE,
    reply_to varchar,
    sms_sender varchar,
    domain varchar UNIQUE,
    path varchar UNIQUE,
    languages text[],
    digest_time time,
    digest_day integer CHECK (digest_day BETWEEN 1 AND 7),
    retention_days integer CHECK (retention_days BETWEEN 7 AND 90),
    pre_election jsonb,
    providers jsonb,
    changed_at timestamptz NOT NULL
);
CREATE TABLE council_image (
    council_id uuid NOT NULL REFERENCES council (id),
    kind varchar(32) NOT NULL,
    media_type varchar NOT NULL,
    content bytea NOT NULL,
    PRIMARY KEY (council_id, kind)
);
CREATE FUNCTION digest_due(cadence text, at timestamptz, council uuid) RETURNS timestamptz
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT CASE cadence
        WHEN 'daily' THEN (l.today + CASE WHEN l.is_past THEN 1 ELSE 0 END + l.hour) AT TIME ZONE 'Europe/London'
        WHEN 'weekly' THEN (l.today + CASE WHEN l.days = 0 AND l.is_past THEN 7 ELSE l.days END
                            + l.hour) AT TIME ZONE 'Europe/London'
        ELSE at
    END
    FROM (SELECT c.hour, (at AT TIME ZONE 'Europe/London')::date AS today,
                 (at AT TIME ZONE 'Europe/London')::time >= c.hour AS is_past,
                 (c.day - extract(isodow FROM at AT TIME ZONE 'Europe/London')::int + 7) % 7 AS days
          FROM (SELECT coalesce(max(s.digest_time), time '17:00') AS hour, coalesce(max(s.digest_day), 5) AS day
                FROM council_settings s WHERE s.council_id = council) c) l
$$;
"""
COUNCILS = """
ALTER TABLE council ADD COLUMN closed_at timestamptz;
ALTER TABLE officer ADD COLUMN is_operator boolean NOT NULL DEFAULT false;
ALTER TABLE officer ALTER COLUMN is_operator DROP DEFAULT;
"""
# one person may be a user of several councils, and is one user in each
SEVERAL = """
ALTER TABLE officer DROP CONSTRAINT officer_email_key, DROP CONSTRAINT officer_oidc_subject_key;
ALTER TABLE officer ADD CONSTRAINT officer_email_once UNIQUE (email, council_id),
    ADD CONSTRAINT officer_oidc_subject_once UNIQUE (oidc_subject, council_id);
"""


def upgrade() -> None:
    """Add the tables, the columns and the function, and let one address be a user of several councils."""
    op.execute(SETTINGS)
    op.execute(COUNCILS)
    op.execute(SEVERAL)
