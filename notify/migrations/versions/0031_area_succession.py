"""Which area follows one that ended, whether a code is in force, and alerts that are held because theirs is not."""

from alembic import op

revision = "0031"
down_revision = "0030"

TABLES = """
CREATE TABLE area_succession (
    release_id integer NOT NULL REFERENCES geo_release (id),
    old_code varchar NOT NULL,
    new_code varchar NOT NULL,
    share double precision NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (old_code, release_id, new_code)
);
CREATE INDEX postcode_by_ward ON postcode (release_id, ward_code);
ALTER TABLE alert ADD COLUMN ended_areas text[];
CREATE INDEX alert_with_ended_areas ON alert (id)
    WHERE ended_areas IS NOT NULL AND state IN ('submitted', 'scheduled');
"""

# Residents are where their postcode is, so the postcodes say which areas are in force. An area that no postcode carries
# is in force while its own release is, or a resident's place keeps it, unless postcodes have said where it went.
FUNCTIONS = """
CREATE FUNCTION area_is_current(wanted text) RETURNS boolean LANGUAGE sql STABLE AS $$
    WITH live AS (
        SELECT id FROM geo_release WHERE kind = 'postcode' AND activated_at IS NOT NULL AND retired_at IS NULL
    )
    SELECT EXISTS (SELECT FROM postcode p WHERE p.release_id = (SELECT id FROM live) AND p.ward_code = wanted
                   AND p.ended_on IS NULL)
        OR EXISTS (SELECT FROM postcode p WHERE p.release_id = (SELECT id FROM live) AND p.district_code = wanted
                   AND p.ended_on IS NULL)
        OR NOT EXISTS (SELECT FROM area_succession s WHERE s.old_code = wanted)
           AND (EXISTS (SELECT FROM area a JOIN geo_release r ON r.id = a.release_id
                        WHERE a.code = wanted AND r.activated_at IS NOT NULL AND r.retired_at IS NULL)
                OR EXISTS (SELECT FROM place WHERE ward_code = wanted)
                OR EXISTS (SELECT FROM place WHERE district_code = wanted))
$$;
-- the areas in force that have taken over an area that ended, each with its share of what was there
CREATE FUNCTION area_successors(wanted text) RETURNS TABLE (code text, share double precision)
LANGUAGE sql STABLE AS $$
    WITH RECURSIVE line AS (
        SELECT wanted AS code, CAST(1 AS double precision) AS share, ARRAY[wanted] AS path
        UNION ALL
        SELECT CAST(s.new_code AS text), line.share * s.share, line.path || CAST(s.new_code AS text)
        FROM line JOIN area_succession s ON s.old_code = line.code
        WHERE s.at = (SELECT max(m.at) FROM area_succession m WHERE m.old_code = line.code)
          AND s.new_code <> ALL (line.path) AND NOT area_is_current(line.code)
    )
    SELECT line.code, sum(line.share) FROM line
    WHERE line.code <> wanted AND area_is_current(line.code) GROUP BY line.code
$$;
"""


def upgrade() -> None:
    """Add the table, the column and the functions."""
    op.execute(TABLES)
    op.execute(FUNCTIONS)
