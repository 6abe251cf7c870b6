"""The database: one engine a process, one transaction a request, and column types that tables share."""

import secrets
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import Column, DateTime, Dialect, Engine, Enum, String, TypeDecorator, create_engine, text
from sqlmodel import Session, SQLModel

from notify.core import jobs, tokens
from notify.core.errors import SetUpError
from notify.core.settings import once_a_process, settings

_is_open: ContextVar[bool] = ContextVar("transaction", default=False)
GROWN = """
    SELECT relname FROM pg_class WHERE oid = ANY(CAST(:tables AS regclass[])) AND reltuples >= 0 AND (
        reltuples < relpages
        OR pg_relation_size(oid) / current_setting('block_size')::integer >= 4 * greatest(relpages, 1)
    ) ORDER BY relname
"""


class DatabaseNotConfigured(SetUpError):
    """No database address: this process was not started by the `notify` command."""

    title = "No database is configured"


@once_a_process
def engine() -> Engine:
    """The process's one pool of connections.

    Raises: DatabaseNotConfigured when NOTIFY_DATABASE_URL is unset and no embedded server was started.
    """
    url = settings().database_url
    if url is None:
        raise DatabaseNotConfigured(
            "Set NOTIFY_DATABASE_URL, or start this process with the `notify` command, "
            "which starts the embedded servers."
        )
    return create_engine(
        url.replace("postgresql://", "postgresql+psycopg://", 1),
        pool_size=settings().database_pool,
        max_overflow=0,
        hide_parameters=True,  # an error's text goes to the log, and addresses must not
        pool_timeout=10,
        pool_pre_ping=True,  # a restarted server costs one ping, not one failed request
        connect_args={
            "connect_timeout": 10,
            # a prepared statement has one plan for all values; for a range of numbers any index then looks right
            "prepare_threshold": None,
            # a database host that vanished without a word is noticed in half a minute, not in two hours
            "keepalives_idle": 10,
            "keepalives_interval": 5,
            "keepalives_count": 3,
            "tcp_user_timeout": 20_000,
        },
    )


@contextmanager
def transaction() -> Iterator[Session]:
    """A session whose work is committed when the block ends and undone when it raises.

    Jobs noted inside with `jobs.note` are sent after the commit, never before and never when it fails.
    """
    with Session(engine(), expire_on_commit=False) as session:
        before = _is_open.get()
        _is_open.set(True)
        try:
            with session.begin():
                yield session
        finally:
            _is_open.set(before)  # no token: a generator may be closed in another context than it began in
        jobs.send(jobs.noted(session))


def refuse_in_transaction(what: str) -> None:
    """Refuse slow work while this thread holds a transaction, and with it a connection and perhaps locks.

    Raises: RuntimeError, which is a defect of ours.
    """
    if _is_open.get():
        raise RuntimeError(f"{what} must not happen inside a transaction.")


def expect_many_rows(session: Session) -> None:
    """Plan this transaction's checks of foreign keys for tables that are about to grow.

    PostgreSQL keeps the plan of such a check as long as the connection lives. One made while a table held a few rows
    reads the whole of it, once for each of fifty thousand new rows.
    """
    session.execute(text("SET LOCAL enable_seqscan = off"))
    session.execute(text("DISCARD PLANS"))


def count_what_grew(session: Session, tables: Sequence[str]) -> None:
    """Give the planner new statistics of those of these tables that were all but empty or a quarter as large before.

    It believes the last count: of a table that was nearly empty then, it expects no row however large it has become,
    and compares every new row with all others. Whoever else counts these tables waits until this transaction ends.
    """
    grown = session.execute(text(GROWN), {"tables": list(tables)}).scalars().all()
    if grown:
        session.execute(text(f"ANALYZE {', '.join(grown)}"))


class Input(SQLModel):
    """The base of everything that comes in: validated, and unknown fields are refused rather than ignored.

    Tables are never inputs, because a `table=True` model validates nothing.
    """

    model_config = {"extra": "forbid"}


def new_id() -> UUID:
    """A UUID of version 7: unique, and sorted by the moment it was made. Source: RFC 9562 section 5.7."""
    milliseconds = time.time_ns() // 1_000_000
    value = milliseconds << 80 | 0x7 << 76 | secrets.randbits(12) << 64 | 0b10 << 62 | secrets.randbits(62)
    return UUID(int=value)


def state_column(
    states: type[StrEnum], *, default: StrEnum | None = None, nullable: bool = False, primary_key: bool = False
) -> Column[StrEnum]:
    """A text column that holds the values of `states`, not PostgreSQL's own enum of member names."""
    kind = Enum(states, native_enum=False, length=32, values_callable=lambda s: [m.value for m in s])
    return Column(kind, nullable=nullable, default=default, primary_key=primary_key)


class SealedSecrets(TypeDecorator[str]):
    """A text column of secrets with spaces between them: sealed in the database, clear in our hands."""

    impl = String
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """What is stored."""
        return tokens.seal_secrets(value) if value else value

    def process_result_value(self, value: str | None, dialect: Dialect) -> str | None:
        """What was sealed."""
        return tokens.open_secrets(value) if value else value


def secrets_column() -> Column[str]:
    """A column of SealedSecrets, empty where there is none."""
    return Column(SealedSecrets(), nullable=False, default="")


def moment_column(*, nullable: bool = False, primary_key: bool = False) -> Column[datetime]:
    """A column for an aware moment in UTC."""
    return Column(DateTime(timezone=True), nullable=nullable, primary_key=primary_key)
