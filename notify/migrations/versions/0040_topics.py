"""Topics in several languages, in an order and in groups, with a legal basis and an end."""

from alembic import op

revision = "0040"
down_revision = "0039"

GROUPS = """
CREATE TABLE topic_group (
    id uuid PRIMARY KEY,
    council_id uuid NOT NULL REFERENCES council (id),
    name varchar NOT NULL,
    translations jsonb NOT NULL DEFAULT '{}',
    position integer NOT NULL DEFAULT 0,
    UNIQUE (council_id, name)
);
"""
TOPICS = """
ALTER TABLE topic
    ADD COLUMN translations jsonb NOT NULL DEFAULT '{}',
    ADD COLUMN legal_basis varchar(32) NOT NULL DEFAULT 'consent'
        CHECK (legal_basis IN ('consent', 'public-task', 'legal-obligation', 'vital-interests')),
    ADD COLUMN is_suggested boolean NOT NULL DEFAULT false,
    ADD COLUMN group_id uuid REFERENCES topic_group (id),
    ADD COLUMN position integer NOT NULL DEFAULT 0,
    ADD COLUMN closes_at timestamptz,
    ADD COLUMN closed_at timestamptz,
    ADD COLUMN instead_ids uuid[] NOT NULL DEFAULT '{}';
UPDATE topic SET legal_basis = 'public-task' WHERE purpose = 'emergency';
CREATE INDEX topic_closing ON topic (closes_at) WHERE closes_at IS NOT NULL AND closed_at IS NULL;
"""


def upgrade() -> None:
    """Add the columns; the topics that there are keep the basis that the record of processing named."""
    op.execute(GROUPS)
    op.execute(TOPICS)
