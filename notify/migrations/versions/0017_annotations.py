"""What officers write beside the figures."""

from alembic import op

revision = "0017"
down_revision = "0016"

ANNOTATIONS = """
CREATE TABLE annotation (
    id uuid PRIMARY KEY,
    council_id uuid NOT NULL REFERENCES council (id),
    alert_id uuid REFERENCES alert (id) ON DELETE CASCADE,
    topic_id uuid REFERENCES topic (id),
    day date NOT NULL,  -- the day that it is about
    words varchar NOT NULL,
    author varchar NOT NULL,
    author_name varchar NOT NULL,
    created_at timestamptz NOT NULL,
    removed_at timestamptz,
    removed_by varchar
);
CREATE INDEX annotation_by_day ON annotation (council_id, day);
CREATE INDEX annotation_by_alert ON annotation (alert_id) WHERE alert_id IS NOT NULL;
"""


def upgrade() -> None:
    """Add the table."""
    op.execute(ANNOTATIONS)
