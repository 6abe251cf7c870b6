"""`notify alert`: what programs and people at a terminal do with alerts, through the API."""

import json
from typing import Any, NoReturn
from uuid import uuid4

import click
import httpx

from notify.client import Notify, Problem

URL, KEY = "NOTIFY_API_URL", "NOTIFY_API_KEY"


@click.group("alert")
def alert_command() -> None:
    """Send alerts through the API of an installation, here or elsewhere."""


@alert_command.command("send")
@click.option("--url", envvar=URL, default="http://127.0.0.1:8000", show_default=True, help=f"The service, or {URL}.")
@click.option("--key", envvar=KEY, required=True, help=f"An API key; {KEY} keeps it out of lists of processes.")
@click.option("--topic", required=True, help="Short name of the topic.")
@click.option("--ward", "wards", multiple=True, help="Code of a ward, as often as you like.")
@click.option("--district", "districts", multiple=True, help="Code of a district.")
@click.option("--postcode", "postcodes", multiple=True, help="A postcode.")
@click.option(
    "--file",
    "words",
    type=click.File(encoding="utf-8"),
    required=True,
    help="The words: the title in the first line, the text below. `-` reads them from standard input.",
)
@click.option("--sms", help="The text message; unset: made of the title.")
@click.option("--emergency", is_flag=True, help="As an emergency. With a key it waits for a person's approval.")
@click.option("--draft", is_flag=True, help="Make a draft and send nothing.")
@click.option("--count", is_flag=True, help="Only say how many people it would reach.")
@click.option("--idempotency-key", help="The same key with the same alert sends it once, however often it is run.")
def send_command(url: str, key: str, **said: Any) -> None:  # noqa: ANN401 - options of every type
    """Send an alert to everyone who follows a topic in these places; without a place, everywhere."""
    title, _, body = said["words"].read().strip().partition("\n")
    if not title or not body.strip():
        raise click.UsageError("The file needs a title in its first line and a text below it.")
    audience = {name: list(said[name]) for name in ("wards", "districts", "postcodes") if said[name]}
    alert = {"topic": said["topic"], "title": title.strip(), "body": body.strip(), "send": not said["draft"]}
    alert |= {"audience": audience} if audience else {}
    alert |= {"sms": said["sms"]} if said["sms"] else {}
    alert |= {"priority": "emergency"} if said["emergency"] else {}
    name = said["idempotency_key"] or uuid4().hex
    with Notify(url, key) as service:
        try:
            if said["count"]:
                found = service.count(said["topic"], audience or None)
                click.echo(json.dumps({"people": found.people, "fewer_than_ten": found.fewer_than_ten}))
                return
            made = service.send_alert(alert, idempotency_key=name)
        except Problem as problem:
            _fail(problem)
        except httpx.TransportError as error:
            what = f"{url} does not answer ({error}). Whether it was sent is not known."
            raise click.ClickException(f"{what} Repeat it with --idempotency-key {name}: it is sent once.") from None
    click.echo(json.dumps({"id": str(made.id), "state": made.state}))


def _fail(problem: Problem) -> NoReturn:
    wrong = "".join(f"\n  {one.get('field')}: {one.get('message')}" for one in problem.errors)
    asked = f" (request {problem.request_id})" if problem.request_id else ""
    raise click.ClickException(f"{problem}{wrong}{asked}")
