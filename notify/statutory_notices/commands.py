"""`notify notices`: proof that the register is what was published."""

import sys
from collections.abc import Callable
from contextlib import AbstractContextManager

import click

from notify.core.db import transaction
from notify.statutory_notices import service

Servers = Callable[[], AbstractContextManager[None]]


@click.group("notices")
def notices_command() -> None:
    """Verify the register of statutory notices.

    \b
      notify notices verify
    """


@notices_command.command("verify")
@click.pass_obj
def verify(servers: Servers) -> None:
    """Hold every version against its digest and the audit trail. Exit code 1: something is not what was published.

    The audit trail itself is proved by `notify audit verify`.
    """
    with servers(), transaction() as session:
        count = service.count_versions(session)
        discrepancies = service.verify(session)
    for discrepancy in discrepancies:
        click.echo(f"{discrepancy.reference}, version {discrepancy.version}: {discrepancy.why}", err=True)
    click.echo(f"{count} versions of notices looked at, {len(discrepancies)} in doubt.")
    sys.exit(1 if discrepancies else 0)
