"""`notify bounce`: reads a bounce that a mail server pipes in."""

import sys

import click
from sqlalchemy.exc import SQLAlchemyError

from notify.core.db import transaction
from notify.core.errors import NotifyError
from notify.deliveries.receipts import take_news
from notify.providers.bounces.reader import read_bounce

PROVIDER = "smtp"
TRY_AGAIN = 75  # EX_TEMPFAIL of sysexits.h: the mail server keeps the mail and comes back


def _enter_installation() -> None:
    """Enter what the program above put into the context: `notify` starts the embedded servers where needed."""
    context = click.get_current_context()
    if context.obj is not None:
        context.with_resource(context.obj())


@click.command("bounce")
@click.option("--recipient", metavar="ADDRESS", required=True, help="The envelope recipient of the email.")
def bounce_command(recipient: str) -> None:
    """Read a bounce or complaint from standard input, for a mail server's pipe.

    What is no news ends well, too. Exit code 75 asks the mail server to try again: nothing could be written down.

    \b
      notify bounce --recipient "$RECIPIENT" < message.eml
    """
    raw = sys.stdin.buffer.read()
    try:
        _enter_installation()
        news = read_bounce(raw, recipient)
        if news:  # most of what comes to such addresses is rubbish
            with transaction() as session:
                take_news(session, news, provider=PROVIDER)
    except (NotifyError, SQLAlchemyError, OSError) as error:
        click.echo(f"Nothing was written down ({type(error).__name__}): try again later.", err=True)
        sys.exit(TRY_AGAIN)
