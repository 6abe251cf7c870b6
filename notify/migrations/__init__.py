"""Alembic migrations, run by `notify migrate`."""

import re
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Engine, text
from sqlmodel import SQLModel

METADATA = SQLModel.metadata
HIDDEN_TABLES = re.compile(r"(delivery|event|hit|reader|postcode)_r?\d+$")  # partitions, made at run time


def config() -> Config:
    """Alembic's configuration, without a file: the scripts stand beside this module."""
    settings = Config()
    settings.set_main_option("script_location", str(Path(__file__).parent))
    settings.set_main_option("path_separator", "os")
    return settings


def run(engine: Engine) -> None:
    """Bring the database to the newest schema and make the coming months' partitions. Safe to repeat."""
    settings = config()
    with engine.begin() as connection:
        # two services that start at once must not both migrate
        connection.execute(text("SELECT pg_advisory_xact_lock(hashtext('notify.migrations'))"))
        settings.attributes["connection"] = connection
        command.upgrade(settings, "head")
        connection.execute(text("SELECT make_month_partitions(3)"))
    engine.dispose()  # the schema comes with settings of the database, which only new connections take up
