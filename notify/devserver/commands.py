"""`notify mail` and `notify reset`: what the mail catcher and the embedded servers keep in the data directory."""

from email import message_from_bytes
from email.policy import default

import click

from notify.core.settings import settings
from notify.devserver import embedded
from notify.devserver.kept_mail import KEPT


@click.command("mail")
@click.argument("address", required=False)
def mail_command(address: str | None) -> None:
    """Print the newest email that `notify run` caught, with its links."""
    newest_first = sorted((settings().data_dir / KEPT).glob("*.eml"), key=lambda file: -file.stat().st_mtime)
    for file in newest_first:
        message = message_from_bytes(file.read_bytes(), policy=default)
        if address is None or address.lower() in str(message["To"]).lower():
            text = message.get_body(("plain",))
            click.echo(f"To: {message['To']}\nSubject: {message['Subject']}\n\n{text.get_content() if text else ''}")
            return
    raise click.ClickException("No such mail was caught. It may take a second; look again.")


@click.command("reset")
@click.option("--yes", is_flag=True, help="Do not ask.")
def reset_command(yes: bool) -> None:
    """Stop the embedded servers and delete everything in them."""
    if not yes:
        click.confirm(f"Delete every resident, alert and setting in {settings().data_dir.resolve()}?", abort=True)
    embedded.reset(settings().data_dir)
    click.echo("Everything is deleted.")
