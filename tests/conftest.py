"""What every test stands on: real embedded servers, a migrated database, emptied between tests."""

import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import hypothesis
import psycopg
import pytest
from dramatiq import Worker
from dramatiq.brokers.redis import RedisBroker
from litestar import Litestar
from litestar.testing import TestClient
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from notify import migrations
from notify.alerts.publishing import banner
from notify.core import db, jobs, redis_client, settings
from notify.devserver import embedded, mail_catcher
from notify.devserver.start_watch import StartLimits
from notify.migrations import tables as _schema  # noqa: F401 - every table must be known
from notify.providers import circuit_breaker, registry
from notify.staff.sign_in import password_hashing
from notify.tracking import buffer
from tests import moments, pigeon
from tests import real_data as real
from tests.dated import is_dated
from tests.documented import hold_against_document
from tests.mailbox import Mailbox
from tests.starting import started
from tests.world import CHEAP_HASHER, METRICS_TOKEN
from workers import actors
from workers.broker import make_broker

# how long a machine takes says nothing about what is right
hypothesis.settings.register_profile("patient", deadline=None)
hypothesis.settings.load_profile("patient")

# nothing here must survive a power cut, so the servers need not wait for the disk
FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
# An automatic ANALYZE between two tests sees pages without a row. From then on the planner takes the table for empty,
# however much the next test writes: what takes a second takes an hour. Without one it goes by the size of the file.
NO_WRONG_STATISTICS = {"autovacuum": "off"}
MUCH_BYTES = 1_000_000
# a lock that somebody forgot must end in an error with a statement in it, not in a run that never ends
NO_ENDLESS_WAIT = {"lock_timeout": "120s", "idle_in_transaction_session_timeout": "400s"}

LARGE = """
    SELECT name FROM unnest(CAST(:names AS text[])) AS name
    WHERE pg_relation_size(name::regclass)
        + (SELECT coalesce(sum(pg_relation_size(relid)), 0) FROM pg_partition_tree(name::regclass)) > :much
"""
TABLES = tuple(migrations.METADATA.tables)


class FinishedProcess(Protocol):
    """What pytest-xdist, which has no types, tells of a process that ran tests."""

    config: pytest.Config
    workeroutput: dict[str, list[str]]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark the tests that touch dates or read real data, and leave out what cannot run here."""
    for item in items:
        if isinstance(item, pytest.Function) and is_dated(item.path, item.originalname):
            item.add_marker("dated")
    real.sort_out(config, items)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say what was left out."""
    if left_out := config.stash.get(real.LEFT_OUT, None):
        terminalreporter.write_line(real.summary(left_out), yellow=True)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Pass on to the process that asks what this one left out."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["left_out"] = session.config.stash.get(real.LEFT_OUT, [])


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: FinishedProcess) -> None:
    """Hear what a process left out."""
    if left_out := node.workeroutput.get("left_out"):
        node.config.stash[real.LEFT_OUT] = left_out


@pytest.fixture(scope="session", autouse=True)
def cheap_passwords() -> Iterator[None]:
    """Passwords cost a test next to nothing. Processes of their own hash them as in production."""
    with pytest.MonkeyPatch.context() as change:
        change.setattr(password_hashing, "_hasher", lambda: CHEAP_HASHER)
        yield


@pytest.fixture(scope="session")
def mail(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mailbox]:
    """A real SMTP server that the SMTP adapter hands over to, and what it received."""
    with started(
        lambda limits: mail_catcher.start(tmp_path_factory.mktemp("mail"), keep=True, limits=limits), "the mail catcher"
    ) as caught:
        os.environ["NOTIFY_SMTP_HOST"], os.environ["NOTIFY_SMTP_PORT"] = caught.host, str(caught.port)
        os.environ["NOTIFY_FILE_PATH"] = str(caught.file.parent / "sms.jsonl")
        yield Mailbox(caught.file.parent)


@pytest.fixture(scope="session")
def servers(mail: Mailbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[embedded.Addresses]:
    """The real PostgreSQL and Redis-protocol servers of this test run."""
    with started(lambda limits: migrated_servers(tmp_path_factory, limits), "the servers") as addresses:
        yield addresses


@contextmanager
def migrated_servers(tmp_path_factory: pytest.TempPathFactory, limits: StartLimits) -> Iterator[embedded.Addresses]:
    """Servers in a new directory, in the environment and with the newest schema."""
    directory = tmp_path_factory.mktemp("servers")
    tuning = FAST | NO_ENDLESS_WAIT | NO_WRONG_STATISTICS | moments.database_settings()
    try:
        with embedded.servers(directory, tuning=tuning, limits=limits) as addresses:
            os.environ["NOTIFY_DATA_DIR"] = str(tmp_path_factory.mktemp("data"))
            os.environ["NOTIFY_DATABASE_URL"] = addresses.database_url
            os.environ["NOTIFY_REDIS_URL"] = addresses.redis_url
            os.environ["NOTIFY_NETWORK_LIMITS"] = "0"  # hundreds of tests come from one network
            os.environ["NOTIFY_METRICS_TOKEN"] = METRICS_TOKEN
            os.environ["NOTIFY_SECRET_KEY"] = "a secret for tests only, " + secrets.token_hex(16)
            settings.reread()
            moments.restore()
            _let_tests_do_more(addresses.database_url)
            try:
                migrations.run(db.engine())
                yield addresses
            finally:
                db.engine().dispose()
    finally:
        embedded.reset(directory)


def as_superuser(database_url: str) -> str:
    """The same database by the account that may everything."""
    return database_url.replace("//notify@", "//postgres@")


def _let_tests_do_more(database_url: str) -> None:
    """Empty tables without their triggers, which the application never does."""
    with psycopg.connect(as_superuser(database_url), autocommit=True) as connection:
        connection.execute("GRANT SET ON PARAMETER session_replication_role TO notify")


TRIES = 3


def empty_database() -> None:
    """Remove what a test committed and queued. What a browser asked last may still be on its way: then once more."""
    for attempt in range(TRIES):
        try:
            _empty_tables()
            break
        except OperationalError:  # a deadlock with that request
            if attempt == TRIES - 1:
                raise
    jobs.sending_broker().client.flushall()
    circuit_breaker.forget()
    buffer.forget()
    banner.forget()
    moments.restore()


def _empty_tables() -> None:
    with db.engine().begin() as connection:
        asked = " UNION ALL ".join(f"SELECT '{name}' WHERE EXISTS (SELECT 1 FROM {name})" for name in TABLES)
        filled = connection.execute(text(asked)).scalars().all()
        if filled:  # emptying all of them would cost a quarter of a second a test
            connection.execute(text("SET LOCAL session_replication_role = replica"))  # no order to keep, no triggers
            large = connection.execute(text(LARGE), {"names": filled, "much": MUCH_BYTES}).scalars().all()
            if large:  # nobody vacuums, and whoever comes next should not read through what is gone
                connection.execute(text(f"TRUNCATE {', '.join(large)} CASCADE"))
            for name in filled:
                connection.execute(text(f"DELETE FROM {name}"))
        # tests name releases by number, and work that was undone uses up numbers too
        connection.execute(text("SELECT setval(pg_get_serial_sequence('geo_release', 'id'), 1, false)"))


@pytest.fixture
def database(servers: embedded.Addresses) -> Iterator[None]:
    """An empty, migrated database and an empty queue; commits are real."""
    yield
    empty_database()


@pytest.fixture(scope="session")
def app(servers: embedded.Addresses) -> Litestar:
    """The whole application."""
    from notify.app import create_app  # settings must be in place first

    return create_app()


@pytest.fixture
def client(app: Litestar, database: None) -> Iterator[TestClient[Litestar]]:
    """A client at the public door."""
    with TestClient(app) as client:
        client.event_hooks = {"response": [hold_against_document(app)]}
        yield client


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder with real UK data, beside the checkout or where NOTIFY_REAL_DATA says."""
    folder = real.folder()
    assert folder.is_dir(), f"These tests read real data from {folder}; set NOTIFY_REAL_DATA to where it is."
    return folder


@pytest.fixture
def inbox(mail: Mailbox) -> Mailbox:
    """The same mailbox, empty."""
    mail.empty()
    return mail


@pytest.fixture
def choose(servers: embedded.Addresses, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Changes settings for the rest of the test: `choose(SMS_PROVIDERS="pigeon,file")`."""

    def change(**variables: str) -> None:
        for name, value in variables.items():
            monkeypatch.setenv(f"NOTIFY_{name}", value)
        read_settings_anew()

    yield change
    monkeypatch.undo()
    read_settings_anew()


def read_settings_anew() -> None:
    """Give back what was made from the settings, and read them at the next call."""
    registry.close_all()
    db.engine().dispose()
    jobs.sending_broker().close()
    redis_client.close()
    settings.reread()


@pytest.fixture
def loft(choose: Callable[..., None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Texts go by a third party's provider, and this is where they arrive."""
    site, loft = tmp_path / "site", tmp_path / "loft"
    site.mkdir()
    loft.mkdir()
    pigeon.install(site)
    monkeypatch.syspath_prepend(str(site))
    choose(SMS_PROVIDERS="pigeon,file", PIGEON_LOFT=str(loft), PIGEON_RING=pigeon.RING)
    return loft


@pytest.fixture
def work(database: None, mail: Mailbox) -> Iterator[Callable[[], None]]:
    """Runs everything that is queued with a real Dramatiq worker, until nothing is left."""
    broker = make_broker()
    actors.register(broker)
    # only while it is asked for: a worker in the background would be quicker than some tests
    yield lambda: drain(broker)
    broker.close()


def drain(broker: RedisBroker) -> None:
    """Run everything that is queued, until nothing is left."""
    worker = Worker(broker, worker_threads=2, worker_timeout=50)
    worker.start()
    try:
        for lane in jobs.Lane:
            broker.join(lane, interval=10, timeout=120_000)
        worker.join()
    finally:
        worker.stop()
