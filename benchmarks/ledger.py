"""What the ledger says of an alert, asked straight from PostgreSQL so that asking costs the product nothing."""

import time
from collections.abc import Mapping

from sqlalchemy import Connection, text

from notify.core import db

LOOK_SECONDS = 0.05


def _connection() -> Connection:
    return db.engine().connect().execution_options(isolation_level="AUTOCOMMIT")


def wait_until_sent(alert_id: str, *, seconds: float) -> None:
    """Return when everything of the alert is handed over and recorded. Raises: TimeoutError."""
    deadline = time.monotonic() + seconds
    with _connection() as connection:
        while connection.execute(text("SELECT state FROM alert WHERE id = :id"), {"id": alert_id}).scalar() != "sent":
            if time.monotonic() > deadline:
                raise TimeoutError(f"not everything was recorded after {seconds} s: {states(alert_id)}")
            time.sleep(LOOK_SECONDS)


def states(alert_id: str) -> Mapping[str, int]:
    """How many deliveries are in which state."""
    with _connection() as connection:
        rows = connection.execute(
            text("SELECT state, count(*) AS deliveries FROM delivery WHERE alert_id = :id GROUP BY state"),
            {"id": alert_id},
        )
        return {row.state: row.deliveries for row in rows}


def open_deliveries(alert_id: str) -> int:
    """How many deliveries are in batches that are not done yet; 0 also before the alert is expanded."""
    with _connection() as connection:
        statement = """
            SELECT coalesce(sum(number_to - number_from + 1), 0)
            FROM batch WHERE alert_id = :id AND state IN ('queued', 'leased')
        """
        return int(connection.execute(text(statement), {"id": alert_id}).scalar_one())


def settle() -> None:
    """Do now what PostgreSQL would else do in the middle of the next measurement."""
    with _connection() as connection:
        connection.execute(text("VACUUM ANALYZE"))
        connection.execute(text("CHECKPOINT"))
