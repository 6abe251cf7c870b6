"""`notify migrate`: the newest schema."""

import click

from notify import migrations
from notify.core import db
from notify.devserver.installation import Servers


@click.command("migrate")
@click.pass_obj
def migrate_command(servers: Servers) -> None:
    """Bring the database to the newest schema. Safe to repeat."""
    with servers():
        migrations.run(db.engine())
    click.echo("The database is up to date.")
