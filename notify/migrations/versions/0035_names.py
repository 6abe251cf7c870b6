"""Tables and columns are named in the words of the field."""

from alembic import op

revision = "0035"
down_revision = "0034"

TABLES = {
    "notice": "service_message",
    "notice_count": "service_message_count",
    "public_notice": "statutory_notice",
    "public_notice_version": "statutory_notice_version",
    "resident_message": "inbound_text",
    "endpoint": "webhook_receiver",
    "service_target": "service_level_objective",
}
INDEXES = {
    "notice_due": "service_message_due",
    "notice_by_contact": "service_message_by_contact",
    "endpoint_failing": "webhook_receiver_failing",
    "endpoint_rotating": "webhook_receiver_rotating",
    "public_notice_newest": "statutory_notice_newest",
    "resident_message_by_council": "inbound_text_by_council",
}
COLUMNS = (
    ("delivery", "handed_over_at", "sent_at"),
    ("batch", "handed_over", "sent"),
    ("rollup_curve", "handed_over", "sent"),
    ("rollup_hour", "handed_over", "sent"),
    ("service_message_count", "notices", "messages"),
)
# keys in JSON, and the name of an indicator
WORDS = """
UPDATE target SET indicator = 'subscribers' WHERE indicator = 'followers';
UPDATE asked_count SET answer = (answer - 'followers' - 'followers_in_emergencies') || jsonb_build_object(
    'subscribers', answer->'followers', 'emergency_subscribers', answer->'followers_in_emergencies');
"""


def upgrade() -> None:
    """Rename. Constraints keep their names, which nobody reads; nothing is rewritten."""
    for old, new in TABLES.items():
        op.rename_table(old, new)
    for old, new in INDEXES.items():
        op.execute(f"ALTER INDEX {old} RENAME TO {new}")
    for table, old, new in COLUMNS:
        op.alter_column(table, old, new_column_name=new)
    op.execute(WORDS)


def downgrade() -> None:
    """Back to the old names."""
    for table, old, new in COLUMNS:
        op.alter_column(table, new, new_column_name=old)
    for old, new in INDEXES.items():
        op.execute(f"ALTER INDEX {new} RENAME TO {old}")
    for old, new in TABLES.items():
        op.rename_table(new, old)
