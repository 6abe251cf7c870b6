"""`notify run`: everything on one machine. It stays as long as the others, so it loads as little as it can."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import click

from notify.core.demo_marker import INVITATION
from notify.core.errors import SetUpError
from notify.core.settings import settings
from notify.devserver import mail_catcher
from notify.devserver.installation import servers
from notify.processes.command_lines import GRACE_SECONDS, own_machine_processes
from notify.processes.supervisor import run as supervise

LOOK_SECONDS = 0.2


class NotForProduction(SetUpError):
    """What catches mail instead of sending it is for a machine of one's own."""

    title = "This is not for production"


def refuse_in_production() -> None:
    """Refuse to catch mail where residents come by https. Raises: NotForProduction."""
    if settings().is_secure:
        raise NotForProduction(
            "NOTIFY_BASE_URL is https, and this catches mail instead of sending it. Run `notify web` and `notify "
            "workers`, or unset NOTIFY_BASE_URL."
        )


@click.command("run")
@click.option("--port", default=8000, show_default=True, help="Port of the web pages on 127.0.0.1.")
def run_command(port: int) -> None:
    """Serve everything on this machine: web, workers, scheduler and a mail catcher.

    An installation without a council gets the demo council, with a past year to look at. The links to sign in are
    printed once everything answers.
    """
    refuse_in_production()
    _require_free(port)
    with servers(), mail_catcher.start(settings().data_dir, keep=True) as caught:
        os.environ["NOTIFY_SMTP_HOST"], os.environ["NOTIFY_SMTP_PORT"] = caught.host, str(caught.port)
        os.environ["NOTIFY_BASE_URL"] = f"http://127.0.0.1:{port}"
        invitation = _set_up(caught.file.parent)
        ready = _Ready(f"{os.environ['NOTIFY_BASE_URL']}/health/ready", lambda: click.echo("\n".join(invitation)))
        supervise(own_machine_processes(port), grace_seconds=GRACE_SECONDS, look=ready.look)


def _require_free(port: int) -> None:
    with socket.socket() as probe:
        if probe.connect_ex(("127.0.0.1", port)) == 0:
            raise click.ClickException(f"Something serves port {port} already. Try: notify run --port {port + 1}")


def _set_up(mail: Path) -> Sequence[str]:
    """Have the schema and the demo council made; the lines of the invitation. Raises: SystemExit."""
    invitation: list[str] | None = None
    with subprocess.Popen(  # noqa: S603 - our own
        [sys.executable, "-m", "notify.demo.set_up", str(mail)], stdout=subprocess.PIPE, text=True, encoding="utf-8"
    ) as child:
        for line in child.stdout or ():
            if invitation is not None:
                invitation.append(line.rstrip("\n"))
            elif line.strip() == INVITATION:
                invitation = []
            else:
                click.echo(line, nl=False)
    if child.returncode:
        sys.exit(child.returncode)
    return invitation or []


class _Ready:
    """Looks now and then whether the pages answer, and says so once."""

    def __init__(self, address: str, say: Callable[[], None]) -> None:
        self._address, self._say = address, say
        self._is_said = False
        self._look_at = 0.0

    def look(self) -> None:
        """Look, if it is time to."""
        if self._is_said or time.monotonic() < self._look_at:
            return
        self._look_at = time.monotonic() + LOOK_SECONDS
        with suppress(OSError), urllib.request.urlopen(self._address, timeout=1):  # noqa: S310 - our own, on the loopback
            self._is_said = True
            self._say()
