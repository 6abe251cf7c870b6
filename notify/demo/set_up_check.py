"""Whether the newest schema and a council are there: `python -m notify.demo.set_up_check` ends with 0 if so."""

import sys
from contextlib import suppress
from pathlib import Path

import psycopg

from notify.core.settings import settings

MIGRATIONS = Path(__file__).parents[1] / "migrations" / "versions"
ASK = "SELECT version_num = %(newest)s AND EXISTS (SELECT FROM council) FROM alembic_version"


def is_set_up() -> bool:
    """Whether there is nothing to make before pages can be served."""
    newest = max(path.name for path in MIGRATIONS.glob("[0-9]*.py")).partition("_")[0]
    with suppress(psycopg.Error), psycopg.connect(settings().database_url or "") as connection:
        return connection.execute(ASK, {"newest": newest}).fetchone() == (True,)
    return False


if __name__ == "__main__":
    sys.exit(0 if is_set_up() else 1)
