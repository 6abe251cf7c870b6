"""The `notify` command. It imports the module of a subcommand only when that one runs or shows its own help."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pkgutil import resolve_name
from typing import TYPE_CHECKING

import click

from notify import __version__
from notify.core.errors import NotifyError
from notify.core.private_files import keep_private

if TYPE_CHECKING:
    from pydantic import ValidationError
    from sqlalchemy.exc import DBAPIError


class LazyCommand(click.Command):
    """The name and the first sentence of the help of a command whose module is not imported yet."""

    def __init__(self, name: str, target: str, summary: str) -> None:
        """`target` is where the command is defined, as `module:attribute`."""
        super().__init__(name, help=summary)
        self._target = target

    def load(self) -> click.Command:
        """The command itself."""
        command: click.Command = resolve_name(self._target)
        return command


class LazyGroup(click.Group):
    """Loads a command when it is invoked, and turns known errors into one sentence and exit code 1."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that the first argument names, loaded, and the other arguments."""
        name, command, rest = super().resolve_command(ctx, args)
        return name, command.load() if isinstance(command, LazyCommand) else command, rest

    def invoke(self, ctx: click.Context) -> object:
        """Run the command. Raises: click.ClickException for a NotifyError and for an error of the database."""
        try:
            return super().invoke(ctx)
        except NotifyError as error:
            raise click.ClickException(f"{error.title}. {error.detail}") from None
        except _settings_errors() as error:
            from notify.core.setting_errors import sentences

            raise click.ClickException(
                f"The settings (NOTIFY_…) cannot be used. {'; '.join(sentences(error))}."
            ) from None
        except _database_errors() as error:
            raise click.ClickException(
                f"The database cannot be used: {str(error.orig).strip().splitlines()[0]}. "
                "Try `notify doctor`, or `notify migrate` if this is a new database."
            ) from None


def _settings_errors() -> "tuple[type[ValidationError], ...]":
    """Pydantic's error, or nothing while pydantic is not imported and so cannot raise it."""
    if "pydantic" not in sys.modules:
        return ()
    from pydantic import ValidationError

    return (ValidationError,)


def _database_errors() -> "tuple[type[DBAPIError], ...]":
    """SQLAlchemy's error, or nothing while SQLAlchemy is not imported and so cannot raise it."""
    if "sqlalchemy.exc" not in sys.modules:
        return ()
    from sqlalchemy.exc import DBAPIError

    return (DBAPIError,)


@contextmanager
def installation() -> Iterator[None]:
    """The database and the queue while this block runs. Every table is declared, not only those of one feature."""
    from notify.devserver.installation import servers
    from notify.migrations import tables as migrations_tables  # noqa: F401 - `notify export everything` and `notify evidence` read all of them

    with servers():
        yield


# Each summary is the first sentence of the command's own help, which tests/test_cli.py compares.
COMMANDS = (
    LazyCommand(
        "alert",
        "notify.client.commands:alert_command",
        "Send alerts through the API of an installation, here or elsewhere.",
    ),
    LazyCommand("audit", "notify.staff.commands:audit", "The audit trail."),
    LazyCommand(
        "basemap",
        "notify.places.basemap.commands:basemap",
        "The base map: streets, rivers and buildings behind the wards.",
    ),
    LazyCommand(
        "bounce",
        "notify.deliveries.bounce_commands:bounce_command",
        "Read a bounce or complaint from standard input, for a mail server's pipe.",
    ),
    LazyCommand(
        "calls",
        "notify.insight.calls.commands:calls_command",
        "Import calls to the council, to compare them with alerts.",
    ),
    LazyCommand("council", "notify.reorganisation.commands:council", "Councils of this installation."),
    LazyCommand(
        "demo",
        "notify.demo.commands:demo_command",
        "Set up the invented council of Zedholm, alert one ward through the real queue, and show who got what.",
    ),
    LazyCommand(
        "demo-history",
        "notify.demo.commands:demo_history_command",
        "Give the invented council of Zedholm a year of alerts, clicks, sign-ups and leavers to look at.",
    ),
    LazyCommand("doctor", "notify.doctor:doctor_command", "Check this installation and say how to fix what is wrong."),
    LazyCommand("evidence", "notify.evidence.commands:evidence_command", "Answer information requests from live data."),
    LazyCommand(
        "export", "notify.exports.commands:export_command", "Export data: a data set as a file, or everything."
    ),
    LazyCommand(
        "geodata",
        "notify.places.commands:geodata",
        "Postcodes and boundaries: load, list and activate releases.",
    ),
    LazyCommand(
        "hold",
        "notify.deliveries.commands:hold_command",
        "Put sending on hold: an alert, a lane, or everything.",
    ),
    LazyCommand("key", "notify.staff.commands:key", "API keys."),
    LazyCommand(
        "languages", "notify.languages_command:languages_command", "Say how complete each language of the pages is."
    ),
    LazyCommand(
        "mail",
        "notify.devserver.commands:mail_command",
        "Print the newest email that `notify run` caught, with its links.",
    ),
    LazyCommand("migrate", "notify.migrations.commands:migrate_command", "Bring the database to the newest schema."),
    LazyCommand(
        "notices",
        "notify.statutory_notices.commands:notices_command",
        "Verify the register of statutory notices.",
    ),
    LazyCommand("officer", "notify.staff.commands:officer", "Users: staff of a council."),
    LazyCommand("queue", "notify.deliveries.commands:queue", "Show the queue: waiting, on hold and failed deliveries."),
    LazyCommand(
        "release",
        "notify.deliveries.commands:release_command",
        "Release a hold: on an alert, a lane, or everything.",
    ),
    LazyCommand(
        "reset", "notify.devserver.commands:reset_command", "Stop the embedded servers and delete everything in them."
    ),
    LazyCommand(
        "retention",
        "notify.exports.commands:retention_command",
        "Delete details of recipients older than NOTIFY_RETENTION_DAYS; totals stay.",
    ),
    LazyCommand(
        "run",
        "notify.demo.run_command:run_command",
        "Serve everything on this machine: web, workers, scheduler and a mail catcher.",
    ),
    LazyCommand(
        "scheduler", "notify.processes.commands:scheduler_command", "Start scheduled alerts and find forgotten work."
    ),
    LazyCommand(
        "settings",
        "notify.settings_command:settings_command",
        "Print every setting that is in force and where it was given, without secrets.",
    ),
    LazyCommand("sms", "notify.deliveries.sms_commands:sms_command", "Try the answers to texts of residents."),
    LazyCommand(
        "speak", "notify.providers.commands:speak_command", "Record how a phone call reads TEXT: names, times, numbers."
    ),
    LazyCommand(
        "waste",
        "notify.waste.commands:waste_command",
        "Collection days: load rounds and homes, compare them with what is active, put them into force.",
    ),
    LazyCommand("web", "notify.processes.commands:web_command", "Serve the pages and the API."),
    LazyCommand(
        "worker", "notify.processes.commands:worker_command", "Work on one lane: emergency, transactional or routine."
    ),
    LazyCommand(
        "workers",
        "notify.processes.commands:workers_command",
        "Run the workers of every lane and a scheduler, and restart any that end.",
    ),
)


@click.group(
    cls=LazyGroup,
    commands=COMMANDS,
    # commands of other modules enter `obj` when they need servers; `--help` then starts none
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100, "obj": installation},
)
@click.version_option(__version__, package_name="council-notify", prog_name="notify")
def main() -> None:
    """Alerts by topic and place for residents who asked for them.

    Without NOTIFY_DATABASE_URL and NOTIFY_REDIS_URL every command uses embedded servers whose data lie in
    NOTIFY_DATA_DIR (.notify). Start with `notify demo`, then `notify run`.
    """
    keep_private()
