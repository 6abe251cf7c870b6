"""`notify run`: everything on one machine. It stays as long as the others, so it loads as little as it can."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from contextlib import suppress
from pathlib import Path

import click

from notify.core import demo_marker
from notify.core.demo_marker import INVITATION
from notify.core.errors import SetUpError
from notify.core.parent_death import die_with_parent
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
        demo_marker.mark()
        set_up = _SetUp(caught.file.parent)
        if not _is_set_up():
            set_up.wait()
        ready = _Ready(f"{os.environ['NOTIFY_BASE_URL']}/health/ready", set_up)
        supervise(own_machine_processes(port), grace_seconds=GRACE_SECONDS, look=ready.look)


def _require_free(port: int) -> None:
    with socket.socket() as probe:
        if probe.connect_ex(("127.0.0.1", port)) == 0:
            raise click.ClickException(f"Something serves port {port} already. Try: notify run --port {port + 1}")


def _is_set_up() -> bool:
    """Whether the newest schema and a council are there, so that the pages may start while the rest is looked at.

    Asked by a process that ends: what it needs for that would stay in this one.
    """
    return subprocess.run([sys.executable, "-m", "notify.demo.set_up_check"]).returncode == 0


class _SetUp:
    """Has the schema and the demo council made by a process that ends; what it says is passed on as it comes."""

    def __init__(self, mail: Path) -> None:
        self.invitation: list[str] = []
        self._child = subprocess.Popen(  # noqa: S603 - our own
            [sys.executable, "-m", "notify.demo.set_up", str(mail)],
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            preexec_fn=die_with_parent(signal.SIGTERM),
        )
        self._reader = threading.Thread(target=self._read, name="set-up", daemon=True)
        self._reader.start()

    def _read(self) -> None:
        is_invitation = False
        for line in self._child.stdout or ():
            if is_invitation:
                self.invitation.append(line.rstrip("\n"))
            elif line.strip() == INVITATION:
                is_invitation = True
            else:
                click.echo(line, nl=False)

    def is_over(self) -> bool:
        """Whether everything is made. Raises: SystemExit where it could not be."""
        if self._child.poll() is None:
            return False
        self._reader.join()
        if self._child.returncode:
            sys.exit(self._child.returncode)
        return True

    def wait(self) -> None:
        """Return when everything is made. Raises: SystemExit where it could not be."""
        self._child.wait()
        self.is_over()


class _Ready:
    """Looks now and then whether the pages answer and everything is made, and prints the invitation once."""

    def __init__(self, address: str, set_up: _SetUp) -> None:
        self._address, self._set_up = address, set_up
        self._is_said = self._answers = False
        self._look_at = 0.0

    def look(self) -> None:
        """Look, if it is time to."""
        if self._is_said or time.monotonic() < self._look_at:
            return
        self._look_at = time.monotonic() + LOOK_SECONDS
        if not self._answers:
            with suppress(OSError), urllib.request.urlopen(self._address, timeout=1):  # noqa: S310 - our own, on the loopback
                self._answers = True
        if self._set_up.is_over() and self._answers:
            self._is_said = True
            click.echo("\n".join(self._set_up.invitation))
