"""Hours in which residents want nothing but emergencies."""

from alembic import op

revision = "0008"
down_revision = "0007"

QUIET = """
ALTER TABLE subscriber ADD COLUMN quiet_from time, ADD COLUMN quiet_to time,
    ADD CONSTRAINT quiet_hours_are_two CHECK ((quiet_from IS NULL) = (quiet_to IS NULL) AND quiet_from <> quiet_to);
CREATE INDEX subscriber_quiet ON subscriber (id) WHERE quiet_from IS NOT NULL;

-- when the quiet hours that are running end, on the clock of this country; NULL outside them
CREATE FUNCTION quiet_until(quiet_from time, quiet_to time, at timestamptz) RETURNS timestamptz
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT CASE
        WHEN quiet_from < quiet_to AND l.clock >= quiet_from AND l.clock < quiet_to
          OR quiet_from > quiet_to AND l.clock < quiet_to
            THEN (l.today + quiet_to) AT TIME ZONE 'Europe/London'
        WHEN quiet_from > quiet_to AND l.clock >= quiet_from
            THEN (l.today + 1 + quiet_to) AT TIME ZONE 'Europe/London'
    END
    FROM (SELECT (at AT TIME ZONE 'Europe/London')::time AS clock,
                 (at AT TIME ZONE 'Europe/London')::date AS today) l
$$;
"""


def upgrade() -> None:
    """Add the hours, and the function that knows when they end."""
    op.execute(QUIET)
