"""`notify sms`: a text as if a resident had written it, to try what the service does and answers."""

from collections.abc import Sequence

import click

from notify.channels import Channel
from notify.core import clock
from notify.core.db import transaction
from notify.core.settings import settings
from notify.deliveries.receipts import take_news
from notify.providers import addresses, file, sandbox
from notify.providers.base import Inbound


def _enter_installation() -> None:
    """Enter what the program above put into the context: `notify` starts the embedded servers where needed."""
    context = click.get_current_context()
    if context.obj is not None:
        context.with_resource(context.obj())


@click.group("sms")
def sms_command() -> None:
    """Try the answers to texts of residents."""


@sms_command.command("receive")
@click.argument("number")
@click.argument("words", nargs=-1, required=True)
def receive_command(number: str, words: Sequence[str]) -> None:
    """Take WORDS as a text from NUMBER.

    For the file provider and for invented numbers: what a real provider carries, it also tells us of.

    \b
      notify sms receive 07700900123 STOP
      notify sms receive +447700900123 "SW1A 1AA"
    """
    try:
        address = addresses.normalise(Channel.SMS, number)
    except addresses.AddressNotValid as error:
        raise click.UsageError(error.detail) from None
    to_file = any(one.name == file.FileProvider.name for one in settings().providers_for(Channel.SMS))
    if not to_file and not sandbox.is_invented(address):
        raise click.UsageError(
            "Only where NOTIFY_SMS_PROVIDERS names file, or from an invented number such as +447700900123."
        )
    _enter_installation()
    with transaction() as session:
        said = Inbound(Channel.SMS, address, " ".join(words), clock.now())
        changed = take_news(session, [said], provider=file.FileProvider.name)
    if not changed:
        click.echo("Nothing was done: nobody has this number, or it has been answered enough for today.")
        return
    click.echo(
        f"Taken. Workers write the answer, if there is one, to {file.FileProvider().path}." if to_file else "Taken."
    )
