"""`notify council districts`, `rename` and `merge`: what a reorganisation of local government asks for."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager

import click

from notify.core.db import transaction
from notify.reorganisation import closure, service
from notify.staff import councils, queries
from notify.staff.commands import ACTOR
from notify.staff.commands import council as council
from notify.staff.council_settings.address import set_address
from notify.staff.council_settings.effective import council_settings

Servers = Callable[[], AbstractContextManager[None]]


@council.command("districts")
@click.argument("slug")
@click.option("--add", multiple=True, help="GSS code of a district it covers from now on; repeat.")
@click.option("--remove", multiple=True, help="GSS code of a district it no longer covers; repeat.")
@click.option("--yes", is_flag=True, help="End the topics of residents who live in none of its districts.")
@click.pass_obj
def change_districts(servers: Servers, slug: str, add: Sequence[str], remove: Sequence[str], *, yes: bool) -> None:
    """Change which districts a council covers: `notify council districts zed --add E06000066`.

    Where a district got a new code, add that, activate the postcodes that carry it, and then remove the old one.
    Residents who live in none of its districts afterwards are told, and their topics end.
    """
    with servers():
        with transaction() as session:
            found = queries.council_by_slug(session, slug)
            if not add and not remove:
                raise click.UsageError("Say what changes, with --add or --remove.")
            now, outside = service.change_districts(session, found, add=add, remove=remove, actor=ACTOR, confirmed=yes)
            name = found.name
        click.echo(f"{name} covers {', '.join(now)}.")
        if outside:
            click.echo(f"  {outside:,} residents live outside of it now: they are told, and their topics have ended.")


@council.command("rename")
@click.argument("slug")
@click.argument("name")
@click.option("--slug", "new_slug", help="Another short name too. Addresses with the old one keep working.")
@click.pass_obj
def rename(servers: Servers, slug: str, name: str, new_slug: str | None) -> None:
    """Give a council another name. What it sent before is still shown under the old one."""
    with servers(), transaction() as session:
        found = queries.council_by_slug(session, slug)
        before = found.name
        councils.rename(session, found, name=name, slug=new_slug, actor=ACTOR)
        click.echo(f"{before} is now {found.name} ({found.slug}).")


@council.command("address")
@click.argument("slug")
@click.option("--domain", default="", help="A domain of the council's own that leads here, such as alerts.example.org.")
@click.option("--path", default="", help="A path of this service, such as east-cambs.")
@click.pass_obj
def address(servers: Servers, slug: str, domain: str, path: str) -> None:
    """Say where a council's pages are; without options they are with those of the installation. Emails lead there."""
    with servers(), transaction() as session:
        found = queries.council_by_slug(session, slug)
        set_address(session, found, domain=domain, path=path, actor=ACTOR)
        click.echo(f"{found.name}: {council_settings(session, found.id).base_url}")


@council.command("close")
@click.argument("slug")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def close(servers: Servers, slug: str, *, yes: bool) -> None:
    """Close a council: nobody signs up with it and nothing is sent. `notify council reopen` undoes it.

    Alerts that wait are cancelled, recurring alerts and exports end. Users may look and export; residents see and erase
    what is held. After the retention period their details are erased, and reopening brings back no resident.
    """
    with servers():
        with transaction() as session:
            name = queries.council_by_slug(session, slug).name
        if not yes:
            click.confirm(f"Close {name}?", abort=True)
        with transaction() as session:
            done = closure.close(session, queries.council_by_slug(session, slug), actor=ACTOR)
        click.echo(f"{name} has closed. {done.alerts:,} waiting and {done.recurring:,} recurring alerts ended.")


@council.command("reopen")
@click.argument("slug")
@click.pass_obj
def reopen(servers: Servers, slug: str) -> None:
    """Open a closed council again."""
    with servers(), transaction() as session:
        found = queries.council_by_slug(session, slug)
        closure.reopen(session, found, actor=ACTOR)
        click.echo(f"{found.name} is open.")


@council.command("merge")
@click.argument("old")
@click.argument("new")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def merge(servers: Servers, old: str, new: str, *, yes: bool) -> None:
    """Make council OLD part of council NEW, which may be a new one.

    \b
    Two districts become a unitary council:
      notify council create newshire "Newshire Council" --district E07000001 --district E07000002
      notify council merge east newshire
      notify council merge west newshire
    Then load and activate the postcodes with the new codes:
      notify council districts newshire --add E06000099
      notify geodata load ONSPD.zip --activate
      notify council districts newshire --remove E07000001 --remove E07000002

    Residents, topics, waiting and recurring alerts, templates, users and keys go to NEW. What both councils held of one
    address becomes one membership: all places, and for each topic what the person said last. What OLD sent stays under
    its name. Residents and users are told. This cannot be undone: make a copy of the database first.
    """
    with servers():
        with transaction() as session:
            names = [queries.council_by_slug(session, slug).name for slug in (old, new)]
        if not yes:
            click.confirm(f"Make {names[0]} part of {names[1]}? This cannot be undone.", abort=True)
        with transaction() as session:
            leaving, staying = (queries.council_by_slug(session, slug) for slug in (old, new))
            done = service.merge(session, leaving, staying, actor=ACTOR)
        click.echo(f"{names[0]} is part of {names[1]}.")
        click.echo(f"  {done.subscribers:,} residents moved, {done.united:,} of them to a membership they had there.")
        click.echo(
            f"  Topics joined: {', '.join(done.joined) or 'none'}. Topics added: {', '.join(done.copied) or 'none'}."
        )
        click.echo(f"  {done.alerts:,} waiting and {done.recurring:,} recurring alerts go on.")
        click.echo(f"  {done.officers:,} users sign in again, {done.keys:,} keys go on working.")
        click.echo("  Scheduled exports, targets, budget and prices of the old council stay with it: set them anew.")
