"""`notify basemap`: the map of streets that staff draw on."""

from pathlib import Path
from typing import Any

import click

from notify.core.db import transaction
from notify.core.errors import NotifyError
from notify.places.basemap import loader, store


class _Explaining(click.Group):
    """Says a known error as one sentence and exits with 1."""

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401 - click's own signature
        try:
            return super().invoke(ctx)
        except NotifyError as error:
            raise click.ClickException(error.detail) from error


@click.group(cls=_Explaining)
def basemap() -> None:
    """The base map: streets, rivers and buildings behind the wards."""


@basemap.command()
@click.argument("path", metavar="FILE", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--attribution", help="The credit its licence asks you to show. Known for OS Open Zoomstack.")
def load(path: Path, attribution: str | None) -> None:
    """Load a base map from MBTiles or PMTiles, cut to this installation's councils.

    \b
    Ordnance Survey's OS Open Zoomstack, as vector tiles (MBTiles), is made for it and free:
      notify basemap load OS_Open_Zoomstack.mbtiles

    Load it again after adding a council, and when there is a new edition. Where several machines serve pages, each
    needs the file in its NOTIFY_DATA_DIR.
    """
    context = click.get_current_context()
    if context.obj is not None:
        context.with_resource(context.obj())
    with transaction() as session:
        found = loader.load(
            session, path, attribution=attribution, progress=lambda count: click.echo(f"{count:,} tiles", err=True)
        )
    click.echo(f"{found.tiles:,} tiles of {found.name}, {found.size_bytes / 1e6:,.1f} MB: {store.path()}")
    if not found.attribution:
        click.echo("  Nobody is credited. If its licence asks for that, load it again with --attribution.")


@basemap.command()
def status() -> None:
    """Show which base map is in use."""
    about = store.about()
    if about is None:
        click.echo("No base map is loaded. `notify basemap load --help` says how.")
        return
    click.echo(f"{about.name or 'Without a name'}, zoom {about.least_zoom} to {about.most_zoom}. {about.attribution}")
