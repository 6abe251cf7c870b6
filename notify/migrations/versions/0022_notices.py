"""The register of statutory notices."""

from alembic import op

revision = "0022"
down_revision = "0021"

NOTICES = """
CREATE TABLE public_notice (
    id uuid PRIMARY KEY,
    council_id uuid NOT NULL REFERENCES council (id) ON DELETE CASCADE,
    reference varchar NOT NULL,
    published_at timestamptz NOT NULL,
    UNIQUE (council_id, reference)
);
CREATE INDEX public_notice_newest ON public_notice (published_at DESC, id DESC);
CREATE TABLE public_notice_version (
    notice_id uuid NOT NULL REFERENCES public_notice (id) ON DELETE CASCADE,
    version integer NOT NULL CHECK (version > 0),
    kind varchar(32) NOT NULL,
    title varchar NOT NULL,
    legal_basis varchar NOT NULL,
    body text NOT NULL,
    wards text[] NOT NULL,
    comments_by date,
    in_force_until date,
    elsewhere varchar NOT NULL,
    cost_pence integer CHECK (cost_pence >= 0),
    reason varchar NOT NULL,
    is_withdrawn boolean NOT NULL,
    published_by varchar NOT NULL,
    published_at timestamptz NOT NULL,
    digest bytea NOT NULL,
    PRIMARY KEY (notice_id, version)
);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON public_notice_version
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON public_notice
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
"""


def upgrade() -> None:
    """Add the tables."""
    op.execute(NOTICES)
