"""`notify waste`: load, compare and activate collection days."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack
from datetime import datetime
from pathlib import Path

import click

from notify.core.clock import LONDON
from notify.core.db import transaction
from notify.staff.queries import council_by_slug
from notify.waste import release_loading, releases
from notify.waste.file_shapes import NamedHome, Source
from notify.waste.recurrence import WEEKDAYS
from notify.waste.release_loading import LoadingOptions
from notify.waste.releases import Comparison

Servers = Callable[[], AbstractContextManager[None]]
REASONS_SHOWN = 10
ENTRIES_A_LINE = 100_000


@click.group("waste")
def waste_command() -> None:
    """Collection days: load rounds and homes, compare them with what is active, put them into force.

    \b
      notify waste load zedholm rounds.csv properties.csv
      notify waste compare zedholm 7
      notify waste activate zedholm 7
    """


@waste_command.command("load")
@click.argument("council")
@click.argument("paths", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--name", default="", help="What the release is called. The names of the files if it is not given.")
@click.option("--source", default="", help="Who says so: residents read it beside the dates.")
@click.option("--licence", default="", help="The licence of the addresses, as its owner asks it to be stated.")
@click.option("--fetched-at", default="", help="How old the files are, such as 2027-01-05. Now if it is not given.")
@click.option("--fresh-days", type=click.IntRange(1, 2000), help="For how many days after that dates may be stated.")
@click.option("--postcode", default="", help="The home of a file that names none (UKBinCollectionData, iCalendar).")
@click.option("--uprn", default="", help="Its UPRN, or your own reference.")
@click.option("--address", default="", help="Its address.")
@click.option("--paid", multiple=True, help="A stream that residents pay for, such as garden. Repeat it for several.")
@click.option("--activate", is_flag=True, help="Put what was loaded into force.")
@click.pass_obj
def load(
    servers: Servers,
    *,
    council: str,
    paths: Sequence[Path],
    name: str,
    source: str,
    licence: str,
    fetched_at: str,
    fresh_days: int | None,
    postcode: str,
    uprn: str,
    address: str,
    paid: Sequence[str],
    activate: bool,
) -> None:
    """Load CSV, JSON or iCalendar files beside the active release; nothing changes until it is activated."""
    names = ", ".join(path.name for path in paths)
    options = LoadingOptions(
        name=name or names,
        source=source or names,
        loaded_by="command-line",
        licence=licence,
        fetched_at=datetime.fromisoformat(fetched_at).replace(tzinfo=LONDON) if fetched_at else None,
        fresh_days=fresh_days,
        progress=_Progress(),
        paid=paid,
    )
    home = NamedHome(uprn, address, postcode)
    with servers(), ExitStack() as files:
        sources = [Source(path.name, files.enter_context(path.open("rb")), home) for path in paths]
        with transaction() as session:
            own = council_by_slug(session, council)
            made = release_loading.load(session, own.id, sources, options)
            click.echo(f"Release {made.id}: {made.homes} homes, {made.rules} rules, {made.refused} rows left out.")
            for refusal in made.refusals[:REASONS_SHOWN]:
                click.echo(f"  {refusal}", err=True)
            _say(
                releases.activate(session, made, actor="command-line") if activate else releases.compare(session, made)
            )


@waste_command.command("list")
@click.argument("council")
@click.pass_obj
def list_command(servers: Servers, council: str) -> None:
    """List the council's releases, the newest first."""
    with servers(), transaction() as session:
        for one in releases.releases(session, council_by_slug(session, council).id):
            state = "loaded" if one.activated_at is None else "ended" if one.ended_at else "active"
            click.echo(f"{one.id}  {state:6}  {one.homes} homes  {one.loaded_at:%Y-%m-%d %H:%M}  {one.name}")


@waste_command.command("compare")
@click.argument("council")
@click.argument("release_id")
@click.pass_obj
def compare(servers: Servers, council: str, release_id: str) -> None:
    """Say how many homes a release is new for, and how many change day."""
    with servers(), transaction() as session:
        _say(releases.compare(session, releases.release(session, council_by_slug(session, council).id, release_id)))


@waste_command.command("activate")
@click.argument("council")
@click.argument("release_id")
@click.pass_obj
def activate_command(servers: Servers, council: str, release_id: str) -> None:
    """Put a loaded release into force, in one transaction."""
    with servers(), transaction() as session:
        chosen = releases.release(session, council_by_slug(session, council).id, release_id)
        _say(releases.activate(session, chosen, actor="command-line"))


class _Progress:
    """Says now and then how far it is."""

    def __init__(self) -> None:
        self._said = 0

    def __call__(self, entries: int) -> None:
        if entries - self._said >= ENTRIES_A_LINE:
            self._said = entries
            click.echo(f"{entries} entries read", err=True)


def _say(made: Comparison) -> None:
    click.echo(f"{made.new} homes new, {made.changed} change day, {made.same} the same, {made.gone} gone.")
    for stream, homes in sorted(made.by_stream.items()):
        click.echo(f"  {stream}: {homes} homes")
    for (before, after), homes in sorted(made.weekdays.items(), key=lambda line: -line[1])[:REASONS_SHOWN]:
        if before != after:
            click.echo(f"  {WEEKDAYS[before].capitalize()} to {WEEKDAYS[after].capitalize()}: {homes} homes")
