"""Alembic's environment: runs the migrations over the connection that `notify.migrations.run` gives."""

from alembic import context

from notify.migrations import HIDDEN_TABLES, METADATA
from notify.migrations import tables as _schema  # noqa: F401 - every table must be known


def _include(_object: object, name: str | None, kind: str, *_: object) -> bool:
    return not (kind == "table" and name and HIDDEN_TABLES.match(name))


connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=METADATA, include_object=_include)
with context.begin_transaction():
    context.run_migrations()
