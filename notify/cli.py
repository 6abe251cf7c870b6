"""The `notify` command."""

import json
import os
import socket
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import NoReturn

import click
from sqlalchemy.exc import DBAPIError

from notify import db, demo, demo_history, embedded, jobs, logs, migrations
from notify.cap import signing
from notify.deliveries.bounce_commands import bounce_command
from notify.deliveries.checks import complaints as hand_over_complaints
from notify.deliveries.commands import hold_command, queue, release_command
from notify.errors import NotifyError
from notify.evidence.commands import evidence_command
from notify.exports.commands import export_command, retention_command
from notify.jobs import Lane
from notify.notices.commands import notices_command
from notify.performance.commands import calls_command
from notify.places.commands import geodata
from notify.processes import (
    scheduler_process,
    service_processes,
    web_process,
    worker_process,
    worker_processes,
    workers_chosen,
)
from notify.providers import registry, speech
from notify.settings import reread, settings
from notify.staff import queries as staff_queries
from notify.staff.commands import audit, council, key, officer
from notify.staff.telling import check_staff_channels
from notify.supervisor import Command
from notify.supervisor import run as supervise

GRACE_SECONDS = 30.0


@contextmanager
def installation() -> Iterator[None]:
    """The database and the queue: those that the settings name, or the embedded ones while this block runs."""
    chosen = settings()
    if chosen.database_url and chosen.redis_url:
        yield
        return
    with embedded.servers(chosen.data_dir) as addresses:
        use_addresses(addresses)
        yield


def use_addresses(addresses: embedded.Addresses) -> None:
    """Let this process and its children use these servers wherever the environment names none."""
    os.environ.setdefault("NOTIFY_DATABASE_URL", addresses.database_url)
    os.environ.setdefault("NOTIFY_REDIS_URL", addresses.redis_url)
    os.environ.setdefault("NOTIFY_SECRET_KEY", addresses.secret_key)
    reread()


class Teller(click.Group):
    """A group of commands that turns known errors into one sentence and exit code 1."""

    def invoke(self, ctx: click.Context) -> object:
        """Run the command; explain what went wrong if it is something we know."""
        try:
            return super().invoke(ctx)
        except NotifyError as error:
            raise click.ClickException(f"{error.title}. {error.detail}") from None
        except DBAPIError as error:
            raise click.ClickException(
                f"The database cannot be used: {str(error.orig).strip().splitlines()[0]}. "
                "Try `notify doctor`, or `notify migrate` if this is a new database."
            ) from None


@click.group(
    cls=Teller,
    # groups of other rooms enter `obj` when they need servers; `--help` then starts none
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100, "obj": installation},
)
def main() -> None:
    """Alerts by topic and place for residents who asked for them.

    Without NOTIFY_DATABASE_URL and NOTIFY_REDIS_URL every command uses embedded servers whose data lie in
    NOTIFY_DATA_DIR (.notify). Start with `notify demo`, then `notify run`.
    """


@main.command("demo")
@click.option("--ward", default=demo.WARD, show_default=True, help="Code of the ward to alert.")
def run_demo(ward: str) -> None:
    """Set up the invented council of Zedholm, alert one ward through the real queue, and show who got what."""
    with installation():
        migrations.run(db.engine())
        result = demo.run(ward)
    click.echo(json.dumps(result.figures()))
    sys.exit(0 if result.is_right() else 1)


@main.command("demo-history")
def run_demo_history() -> None:
    """Give the invented council of Zedholm a year of alerts, clicks, sign-ups and leavers to look at.

    `notify run` does it by itself where it sets the council up. Done once, it changes nothing any more; any other
    council is refused.
    """
    with installation():
        migrations.run(db.engine())
        demo.set_up(click.echo)
        is_new = demo_history.fill(click.echo)
    click.echo("Zedholm has a past year now." if is_new else "Zedholm has its past year already: nothing changed.")


@main.command()
@click.option("--port", default=8000, show_default=True, help="Port of the web pages on 127.0.0.1.")
def run(port: int) -> None:
    """Serve everything on this machine: web, workers, scheduler and a mail catcher.

    An installation without a council gets the demo council, with a past year to look at.
    """
    _require_free(port)
    with installation():
        migrations.run(db.engine())
        with demo.mail_catcher() as caught:
            os.environ["NOTIFY_BASE_URL"] = f"http://127.0.0.1:{port}"
            for line in demo.invitation(caught) if _is_demo() else _own_invitation():
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
        demo.set_up(click.echo)
    if here and demo.COUNCIL not in here:
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


@main.command()
@click.argument("address", required=False)
def mail(address: str | None) -> None:
    """Print the newest mail that `notify run` caught, for ADDRESS or for anybody, with its links."""
    newest_first = sorted((settings().data_dir / "kept").glob("*.eml"), key=lambda file: -file.stat().st_mtime)
    for file in newest_first:
        message = message_from_bytes(file.read_bytes(), policy=default)
        if address is None or address.lower() in str(message["To"]).lower():
            text = message.get_body(("plain",))
            click.echo(f"To: {message['To']}\nSubject: {message['Subject']}\n\n{text.get_content() if text else ''}")
            return
    raise click.ClickException("No such mail was caught. It may take a second; look again.")


@main.command()
def migrate() -> None:
    """Bring the database to the newest schema. Safe to repeat."""
    with installation():
        migrations.run(db.engine())
    click.echo("The database is up to date.")


@main.command()
@click.option("--yes", is_flag=True, help="Do not ask.")
def reset(yes: bool) -> None:
    """Stop the embedded servers and delete everything in them."""
    if not yes:
        click.confirm(f"Delete every resident, alert and setting in {settings().data_dir.resolve()}?", abort=True)
    embedded.reset(settings().data_dir)
    click.echo("Everything is deleted.")


def _serve(process: Command) -> NoReturn:
    """Become this process, or stay its parent while it needs our embedded servers."""
    with installation():
        chosen = settings()
        if not embedded.status(chosen.data_dir).database_pid:
            os.execve(process.argv[0], list(process.argv), {**os.environ, **process.env})  # noqa: S606 - our own argv
        sys.exit(supervise([process], grace_seconds=GRACE_SECONDS))


@main.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8000, show_default=True)
@click.option("--workers", default=1, show_default=True, help="Web processes.")
def web(host: str, port: int, workers: int) -> None:
    """Serve the pages and the API."""
    _serve(web_process(host, port, workers))


@main.command()
@click.argument("lane", type=click.Choice([lane.value for lane in Lane]))
@click.option("--threads", type=click.IntRange(1), help="Batches handed over at a time; NOTIFY_WORKER_THREADS.")
def worker(lane: str, threads: int | None) -> None:
    """Work on one lane: emergency, transactional or routine. `notify workers` runs all of them."""
    _serve(worker_process(Lane(lane), threads or settings().worker_threads))


@main.command()
@click.option("--emergency", type=click.IntRange(0), help="Processes of this lane; NOTIFY_EMERGENCY_WORKERS.")
@click.option("--transactional", type=click.IntRange(0), help="The same; NOTIFY_TRANSACTIONAL_WORKERS.")
@click.option("--routine", type=click.IntRange(0), help="The same; NOTIFY_ROUTINE_WORKERS.")
@click.option("--threads", type=click.IntRange(1), help="Batches each hands over at a time; NOTIFY_WORKER_THREADS.")
@click.option("--scheduler/--no-scheduler", default=True, show_default=True, help="Run a scheduler too.")
def workers(threads: int | None, scheduler: bool, **counts: int | None) -> None:
    """Run the workers of every lane and a scheduler, and start again what dies.

    SIGTERM asks all of them to finish what is in hand, which takes seconds; what still runs after 30 s is killed and
    loses nothing either.
    """
    logs.configure()
    chosen = {lane: counts[lane.value] for lane in Lane}
    counted = {
        lane: default if (count := chosen[lane]) is None else count for lane, default in workers_chosen().items()
    }
    commands = [
        *worker_processes(counted, threads or settings().worker_threads),
        *([scheduler_process()] if scheduler else []),
    ]
    if not commands:
        raise click.UsageError("That is no process at all: ask for at least one worker or the scheduler.")
    with installation():
        sys.exit(supervise(commands, grace_seconds=GRACE_SECONDS))


@main.command()
def scheduler() -> None:
    """Start scheduled alerts and find forgotten work. Several may run; one acts."""
    _serve(scheduler_process())


@main.command()
def doctor() -> None:
    """Say what is wrong with this installation and how to mend it."""
    complaints: list[str] = []
    with installation():
        for check in (
            *(_check_database, _check_queue, _check_providers, check_staff_channels, hand_over_complaints),
            signing.complaints,
        ):
            complaints += check()
    for complaint in complaints:
        click.echo(f"✗ {complaint}")
    for note in signing.notes():
        click.echo(f"· {note}")
    if not complaints:
        click.echo("✓ Database, queue, providers and workers are ready.")
    sys.exit(1 if complaints else 0)


@main.command()
@click.argument("text")
@click.option("--language", default="en", show_default=True, help="en or cy.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), default=Path("call.wav"), show_default=True)
def speak(text: str, language: str, out: Path) -> None:
    """Hear about how a call reads TEXT: names, times, numbers. The voice on the telephone is another.

    \b
      notify speak "Flood warning for Tŷ Mawr. Move upstairs." --language cy
    """
    recording = speech.preview(text, language)
    if recording is None:
        raise click.ClickException("Nothing here can speak: install espeak-ng (apt-get install espeak-ng).")
    out.write_bytes(recording)
    click.echo(f"Written to {out}.")


def _check_database() -> Sequence[str]:
    try:
        with db.transaction() as session:
            councils = staff_queries.councils(session)
    except Exception as error:
        reason = str(getattr(error, "orig", error)).strip().splitlines()[0]
        return [f"The database cannot be used ({reason}): check NOTIFY_DATABASE_URL, then run `notify migrate`."]
    return [] if councils else ["There is no council yet: run `notify council create --help`, or `notify demo`."]


def _check_queue() -> Sequence[str]:
    with suppress(Exception):
        jobs.sending_broker().client.ping()
        return []
    return ["Redis cannot be reached: check NOTIFY_REDIS_URL. Alerts still go out, a few seconds later."]


def _check_providers() -> Sequence[str]:
    try:
        found = registry.named()
    except NotifyError as error:
        return [error.detail]
    known = {provider.name for provider in found}
    strangers = [
        f"{setting} names {name!r}, which no channel uses: check the spelling, or it has no effect."
        for setting, names in settings().providers_with_figures().items()
        for name in sorted(names - known)
    ]
    return [*strangers, *(f"{provider.name}: {words}" for provider in found for words in provider.check())]


for command in (
    *(geodata, queue, hold_command, release_command, bounce_command, council, officer, key, audit),
    *(export_command, retention_command, evidence_command, calls_command, notices_command),
):
    main.add_command(command)
