"""How officers sign in, what each may see, keys that belong to people, and seals on the audit trail."""

from alembic import op

revision = "0010"
down_revision = "0009"

OFFICERS = """
ALTER TABLE officer
    ADD COLUMN topics text[] NOT NULL DEFAULT '{}',
    ADD COLUMN areas text[] NOT NULL DEFAULT '{}',
    ADD COLUMN oidc_subject varchar UNIQUE,
    ADD COLUMN password_hash varchar,
    ADD COLUMN totp_secret varchar,
    ADD COLUMN totp_step bigint NOT NULL DEFAULT 0,
    ADD COLUMN failed_tries integer NOT NULL DEFAULT 0,
    ADD COLUMN locked_until timestamptz;

ALTER TABLE api_key ADD COLUMN officer_id uuid REFERENCES officer (id);

-- whoever is signed in signs in once more: nobody knows when these sessions were last used
DELETE FROM sign_in;
ALTER TABLE sign_in
    ADD COLUMN seen_at timestamptz NOT NULL,
    ADD COLUMN mfa_at timestamptz;
CREATE INDEX sign_in_by_officer ON sign_in (officer_id);

-- who counts as one person changed: what waits for a second yes is asked anew
UPDATE alert SET submission = submission + 1 WHERE state = 'submitted';

CREATE TABLE used_state (
    digest bytea PRIMARY KEY,
    expires_at timestamptz NOT NULL
);
"""

SEALS = """
-- seals stand beside the entries, because entries never change; the order of sealing is the order of the chain
CREATE TABLE audit_seal (
    position bigint PRIMARY KEY,
    entry_id bigint NOT NULL UNIQUE REFERENCES audit_entry (id),
    digest bytea NOT NULL
);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON audit_seal
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON audit_seal
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON audit_entry
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
"""


def upgrade() -> None:
    """Add them."""
    op.execute(OFFICERS)
    op.execute(SEALS)
