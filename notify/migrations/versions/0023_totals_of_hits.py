"""How often each alert was clicked and opened in all, so that a page over a year reads four rows an alert."""

from alembic import op

revision = "0023"
down_revision = "0022"

TOTALS = """
CREATE TABLE rollup_hit_total (
    alert_id uuid NOT NULL REFERENCES alert (id) ON DELETE CASCADE,
    channel varchar(32) NOT NULL,
    kind varchar(32) NOT NULL,
    verdict varchar(32) NOT NULL,
    times bigint NOT NULL,
    PRIMARY KEY (alert_id, channel, kind, verdict)
);
INSERT INTO rollup_hit_total (alert_id, channel, kind, verdict, times)
SELECT alert_id, channel, kind, verdict, sum(times) FROM rollup_hit GROUP BY 1, 2, 3, 4;

-- kept by the database, so that no writer of rollup_hit can forget them
CREATE FUNCTION add_up_hits() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        INSERT INTO rollup_hit_total (alert_id, channel, kind, verdict, times)
        SELECT alert_id, channel, kind, verdict, sum(times) FROM (
            SELECT alert_id, channel, kind, verdict, times FROM fresh
            UNION ALL SELECT alert_id, channel, kind, verdict, -times FROM stale
        ) change GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4
        ON CONFLICT (alert_id, channel, kind, verdict)
        DO UPDATE SET times = rollup_hit_total.times + excluded.times;
    ELSE
        INSERT INTO rollup_hit_total (alert_id, channel, kind, verdict, times)
        SELECT alert_id, channel, kind, verdict, sum(times) FROM fresh GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4
        ON CONFLICT (alert_id, channel, kind, verdict)
        DO UPDATE SET times = rollup_hit_total.times + excluded.times;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER add_up_new AFTER INSERT ON rollup_hit
    REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION add_up_hits();
CREATE TRIGGER add_up_changed AFTER UPDATE ON rollup_hit
    REFERENCING NEW TABLE AS fresh OLD TABLE AS stale FOR EACH STATEMENT EXECUTE FUNCTION add_up_hits();
"""


def upgrade() -> None:
    """Add the table, what it holds, and who keeps it."""
    op.execute(TOTALS)
