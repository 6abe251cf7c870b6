"""Who looked at a record lately is found at once; a batch that was opened again has its own day of trying."""

from alembic import op

revision = "0039"
down_revision = "0038"


def upgrade() -> None:
    """Index the entries that tell of a look at a record, and note when a batch was opened again."""
    op.execute(
        "CREATE INDEX audit_entry_look ON audit_entry (subject, actor, id) WHERE action = 'subscriber.see'"
    )
    op.execute("ALTER TABLE batch ADD COLUMN reopened_at timestamptz")
