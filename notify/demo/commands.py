"""`notify demo` and `demo-history`: the invented council."""

import json
import sys

import click

from notify import migrations
from notify.core import db
from notify.demo import council as demo_council
from notify.demo import history as demo_history
from notify.devserver.installation import Servers


@click.command("demo")
@click.option("--ward", default=demo_council.WARD, show_default=True, help="Code of the ward to alert.")
@click.pass_obj
def demo_command(servers: Servers, ward: str) -> None:
    """Set up the invented council of Zedholm, alert one ward through the real queue, and show who got what."""
    with servers():
        migrations.run(db.engine())
        result = demo_council.run(ward)
    click.echo(json.dumps(result.figures()))
    sys.exit(0 if result.is_right() else 1)


@click.command("demo-history")
@click.pass_obj
def demo_history_command(servers: Servers) -> None:
    """Give the invented council of Zedholm a year of alerts, clicks, sign-ups and leavers to look at.

    `notify run` does it by itself where it sets the council up. Done once, it changes nothing any more; any other
    council is refused.
    """
    with servers():
        migrations.run(db.engine())
        demo_council.set_up(click.echo)
        is_new = demo_history.fill(click.echo)
    click.echo("Zedholm has a past year now." if is_new else "Zedholm has its past year already: nothing changed.")
