"""`notify demo`, `demo-history` and `run`: the invented council, and everything on one machine."""

import json
import os
import socket
import sys
from collections.abc import Sequence

import click

from notify import migrations
from notify.core import db
from notify.demo import council as demo_council
from notify.demo import history as demo_history
from notify.devserver.installation import Servers
from notify.processes.command_lines import GRACE_SECONDS, service_processes
from notify.processes.supervisor import run as supervise
from notify.staff import queries as staff_queries


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


@click.command("run")
@click.option("--port", default=8000, show_default=True, help="Port of the web pages on 127.0.0.1.")
@click.pass_obj
def run_command(servers: Servers, port: int) -> None:
    """Serve everything on this machine: web, workers, scheduler and a mail catcher.

    An installation without a council gets the demo council, with a past year to look at.
    """
    _require_free(port)
    with servers():
        migrations.run(db.engine())
        with demo_council.mail_catcher() as caught:
            os.environ["NOTIFY_BASE_URL"] = f"http://127.0.0.1:{port}"
            for line in demo_council.invitation(caught) if _is_demo() else _own_invitation():
                click.echo(line)
            supervise(service_processes(port), grace_seconds=GRACE_SECONDS)


def _require_free(port: int) -> None:
    with socket.socket() as probe:
        if probe.connect_ex(("127.0.0.1", port)) == 0:
            raise click.ClickException(f"Something serves port {port} already. Try: notify run --port {port + 1}")


def _is_demo() -> bool:
    """Whether the demo council lives here, which it does wherever no other came first."""
    with db.transaction() as session:
        here = [council.slug for council in staff_queries.councils(session)]
    if not here:
        demo_council.set_up(click.echo)
    if here and demo_council.COUNCIL not in here:
        return False
    demo_history.fill(click.echo)
    return True


def _own_invitation() -> Sequence[str]:
    base = os.environ["NOTIFY_BASE_URL"]
    return [
        f"\nResidents sign up at {base}/. Officers sign in with `notify officer link EMAIL`.",
        f"API documentation: {base}/api/docs. Mail is caught, not sent: read it with `notify mail`.",
        "Ctrl-C stops everything.\n",
    ]
