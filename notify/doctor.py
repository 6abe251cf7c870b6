"""`notify doctor`: what is wrong with this installation, and how to fix it."""

import sys
from collections.abc import Sequence
from contextlib import suppress

import click
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from notify.cap import signing
from notify.channels import Channel
from notify.core import db, jobs
from notify.core.errors import NotifyError
from notify.core.jobs import Lane
from notify.core.setting_errors import unknown
from notify.core.settings import settings
from notify.deliveries.doctor_checks import complaints as delivery_problems
from notify.devserver import embedded
from notify.devserver.installation import Servers
from notify.providers import registry
from notify.staff import queries as staff_queries
from notify.staff.council_settings.effective import settings_of
from notify.staff.notification_channels import check_staff_channels


@click.command("doctor")
@click.pass_obj
def doctor_command(servers: Servers) -> None:
    """Check this installation and say how to fix what is wrong."""
    complaints: list[str] = [*unknown()]
    with servers():
        for check in (
            *(_check_database, _check_queue, _check_providers, _check_council_senders),
            *(check_staff_channels, delivery_problems),
            signing.complaints,
        ):
            complaints += check()
        notes = _notes_on_database()
    for complaint in complaints:
        click.echo(f"✗ {complaint}")
    for note in (*signing.notes(), *notes):
        click.echo(f"· {note}")
    if not complaints:
        click.echo("✓ Database, queue, providers and workers are ready.")
    sys.exit(1 if complaints else 0)


def _check_database() -> Sequence[str]:
    try:
        with db.transaction() as session:
            councils = staff_queries.councils(session)
    except Exception as error:
        reason = str(getattr(error, "orig", error)).strip().splitlines()[0]
        return [f"The database cannot be used ({reason}): check NOTIFY_DATABASE_URL, then run `notify migrate`."]
    return [] if councils else ["There is no council yet: run `notify council create --help`, or `notify demo`."]


def _notes_on_database() -> Sequence[str]:
    """Whether the application may do more in an external database than it needs. The embedded one is its own."""
    if embedded.status(settings().data_dir).database_pid:
        return []
    with suppress(Exception), db.transaction() as session:
        if session.execute(text("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")).scalar_one():
            return ["NOTIFY_DATABASE_URL names a superuser: give the application a user that owns its database only."]
    return []


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


def _check_council_senders() -> Sequence[str]:
    """Each council with a sender address of its own: whether mail from there is believed."""
    said: list[str] = []
    with suppress(NotifyError, DBAPIError):
        with db.transaction() as session:
            own = settings_of(session, [council.id for council in staff_queries.councils(session)])
        for council in own.values():
            if not council.closed_at and council.sender_address != settings().sender_address:
                chosen = registry.providers_for(
                    Channel.EMAIL, Lane.ROUTINE, chosen=council.providers_for(Channel.EMAIL)
                )
                said += [f"{council.name}: {words}" for words in registry.check_sender(chosen, council.sender_address)]
    return said
