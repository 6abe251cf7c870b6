"""Secrets that sign webhooks and exports are sealed with a key that the database does not hold."""

from alembic import op
from sqlalchemy import text

from notify.core import tokens

revision = "0034"
down_revision = "0033"

TABLES = ("contact", "contact_request", "export_schedule")


def upgrade() -> None:
    """Seal what is there in clear. Needs NOTIFY_SECRET_KEY where there is any."""
    connection = op.get_bind()
    for table in TABLES:
        clear = connection.execute(text(f"SELECT id, secret FROM {table} WHERE secret LIKE 'whsec%'")).all()  # noqa: S608
        sealed = [{"id": row.id, "secret": tokens.seal_secrets(row.secret)} for row in clear]
        if sealed:
            connection.execute(text(f"UPDATE {table} SET secret = :secret WHERE id = :id"), sealed)  # noqa: S608
