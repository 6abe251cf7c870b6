"""`notify geodata`: load, activate and list releases of postcodes and boundaries."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click

from notify.core.db import transaction
from notify.core.errors import NotifyError
from notify.places import activation, release_loading
from notify.places.activation import ActivationReport
from notify.places.file_recognition import Recognised, SourceKind, recognise
from notify.places.models import ReleaseKind
from notify.places.place_names.loader import load_names
from notify.places.population import load_population
from notify.places.queries import ReleaseState, releases
from notify.places.release_loading import LoadReport

ROWS_PER_LINE = 200_000
REASONS_SHOWN = 5
_UNITS = {ReleaseKind.POSTCODE: "postcodes", ReleaseKind.WARD: "wards", ReleaseKind.DISTRICT: "districts"}
# Postcodes say which wards are in use, so wards are compared with the new ones.
_ORDER = (ReleaseKind.POSTCODE, ReleaseKind.WARD, ReleaseKind.DISTRICT)


class _Explaining(click.Group):
    """Says a known error as one sentence and exits with 1."""

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401 - click's own signature
        try:
            return super().invoke(ctx)
        except NotifyError as error:
            raise click.ClickException(error.detail) from error


@click.group(cls=_Explaining)
def geodata() -> None:
    """Postcodes and boundaries: load, list and activate releases.

    A release is loaded beside the one in force and changes nothing until it is activated. Activating it looks every
    resident's postcode up again. The release before stays, so that `activate` with its number goes back.
    """


@geodata.command()
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@click.option(
    "--kind",
    type=click.Choice(["auto", *(kind.value for kind in SourceKind)]),
    default="auto",
    show_default=True,
    help="What the files hold. auto: CSV is postcodes, or names where the file is called so; map files are areas.",
)
@click.option("--product", help="The product's name. Guessed from the file name.")
@click.option("--version", help="The product's version or date. Guessed from the names and Code-Point's metadata.")
@click.option("--attribution", help="The credit its licence asks you to show. Known for OS and ONS products.")
@click.option(
    "--population",
    type=click.Path(path_type=Path),
    help="CSV of people by ward and age (ward,0,1,2,…), for the wards loaded here, else the active ones.",
)
@click.option("--activate", is_flag=True, help="Activate the release after loading it.")
@click.option("--yes", is_flag=True, help="Activate even where much has changed.")
def load(
    *,
    paths: Sequence[Path],
    kind: str,
    product: str | None,
    version: str | None,
    attribution: str | None,
    population: Path | None,
    activate: bool,
    yes: bool,
) -> None:
    """Load postcodes, wards, districts or place names from files, folders or zips, as they are downloaded.

    \b
    Ordnance Survey's Code-Point Open:
      notify geodata load codepo_gb.zip --activate
    The ONS Postcode Directory, which also knows ended postcodes:
      notify geodata load ONSPD_NOV_2025.zip --activate
    Wards from the ONS Open Geography Portal, best in BGC or BFE detail, with how many people live there:
      notify geodata load Wards_December_2025_Boundaries_UK_BGC.geojson --population persons.csv.gz --activate
    Ordnance Survey's OS Open Names, for the search beside the map; it is in force at once, for your councils' areas:
      notify geodata load opname_csv_gb.zip

    Several postcode files make one release when they lie in one folder: name the folder.
    """
    if not paths and population is None:
        raise click.UsageError("Name a file, folder or zip to load. `notify geodata load --help` has examples.")
    chosen = None if kind == "auto" else SourceKind(kind)
    sources = [(path, _described(recognise(path, chosen), product, version, attribution)) for path in paths]
    if sum(source.kind == SourceKind.POSTCODES for _, source in sources) > 1:
        raise click.UsageError("One postcode release at a time: put the files into one folder and name that.")
    _enter_installation()
    for path, source in sources:
        if source.kind == SourceKind.NAMES:
            _load_names(path, source)
    reports = [_load(path, source) for path, source in sources if source.kind != SourceKind.NAMES]
    if population is not None:
        _load_population(population, reports)
    if activate:
        _activate_all(reports, confirmed=yes)


@geodata.command("activate")
@click.argument("release_id", type=int)
@click.option("--yes", is_flag=True, help="Activate even where much has changed.")
def activate_command(release_id: int, *, yes: bool) -> None:
    """Put a loaded release into force, or go back to the one before.

    Refuses, with the counts, when many postcodes lack a ward or are gone, or when wards that residents or waiting
    alerts need are missing. Look at the counts, then repeat with --yes. Activating the active release again
    measures distances and looks places up again; do that after adding a council.
    """
    _enter_installation()
    _activate(release_id, confirmed=yes)


@geodata.command()
def status() -> None:
    """List the releases: what they are, and which are in force."""
    _enter_installation()
    with transaction() as session:
        found = releases(session)
    if not found:
        click.echo("Nothing is loaded. `notify geodata load --help` says how.")
        return
    rows = [("id", "kind", "product", "version", "rows", "loaded", "state"), *map(_status_row, found)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def load_release(
    path: Path, *, product: str | None = None, version: str | None = None, attribution: str | None = None
) -> ActivationReport:
    """Load one source and put it into force at once; what is not said about it is guessed from its name.

    Raises: what `loading` and `service.activate` raise.
    """
    source = _described(recognise(path), product, version, attribution)
    loaded = _read(path, source, progress=None)
    with transaction() as session:
        return activation.activate(session, loaded.release_id)


def _enter_installation() -> None:
    """Enter what the program above put into the context: `notify` starts the embedded servers where needed.

    Done by each command and not by the group, so that `--help` and a mistyped option start nothing.
    """
    context = click.get_current_context()
    if context.obj is not None:
        context.with_resource(context.obj())


def _described(guess: Recognised, product: str | None, version: str | None, attribution: str | None) -> Recognised:
    return Recognised(
        guess.kind,
        product or guess.product,
        version or guess.version,
        guess.attribution if attribution is None else attribution,
    )


def _read(path: Path, source: Recognised, progress: release_loading.Progress | None) -> LoadReport:
    read = release_loading.load_postcodes if source.kind == SourceKind.POSTCODES else release_loading.load_areas
    return read(path, product=source.product, version=source.version, attribution=source.attribution, progress=progress)


def _load(path: Path, source: Recognised) -> LoadReport:
    progress = _ProgressLine(path.name)
    try:
        report = _read(path, source, progress)
    finally:
        progress.close()
    unit = _UNITS[report.kind]
    click.echo(
        f"Release {report.release_id}: {report.rows:,} {unit} of {source.product} {source.version} "
        f"in {report.seconds:.1f} s."
    )
    if report.kind == ReleaseKind.POSTCODE:
        click.echo(
            f"  {report.without_location:,} without a location, {report.without_ward:,} without a ward, "
            f"{report.ended:,} ended."
        )
    _say_first(f"{report.refused:,} rows left out", [f"{r.file} {r.line}: {r.reason}" for r in report.refusals])
    _say_first(f"{len(report.repaired):,} outlines repaired", [f"{code}: {how}" for code, how in report.repaired])
    if not source.attribution:
        click.echo("  Nobody is credited. If its licence asks for that, load it again with --attribution.")
    click.echo(f"  To put it into force: notify geodata activate {report.release_id}")
    return report


def _load_names(path: Path, source: Recognised) -> None:
    with transaction() as session:
        found = load_names(
            session, path, product=source.product, version=source.version, attribution=source.attribution
        )
    click.echo(f"{found.kept:,} of {found.read:,} names of {source.product} {source.version} lie near your councils.")


def _say_first(heading: str, reasons: Sequence[str]) -> None:
    if reasons:
        click.echo(f"  {heading}:")
        for reason in reasons[:REASONS_SHOWN]:
            click.echo(f"    {reason}")
        if len(reasons) > REASONS_SHOWN:
            click.echo("    …")


def _load_population(path: Path, reports: Sequence[LoadReport]) -> None:
    wards = next((report.release_id for report in reports if report.kind == ReleaseKind.WARD), None)
    with transaction() as session:
        found = load_population(session, path, release_id=wards)
    click.echo(
        f"Population of {found.wards:,} wards of release {found.release_id}: {found.people:,} people. "
        f"{found.unknown:,} wards of the file are not in the release."
    )


def _activate_all(reports: Sequence[LoadReport], *, confirmed: bool) -> None:
    kinds = [report.kind for report in reports]
    if len(set(kinds)) < len(kinds):
        raise click.ClickException("Two of these are of the same kind. Activate the one you want by its number.")
    for report in sorted(reports, key=lambda report: _ORDER.index(report.kind)):
        _activate(report.release_id, confirmed=confirmed)


def _activate(release_id: int, *, confirmed: bool) -> None:
    with transaction() as session:
        report = activation.activate(session, release_id, confirmed=confirmed)
    before = report.previous_id
    instead = f", instead of release {before}" if before not in (None, release_id) else ""
    click.echo(f"Release {release_id} is in force{instead}.")
    for objection in report.objections:
        click.echo(f"  Confirmed: {objection}.")
    moved = f", {report.moved_ward:,} in another ward" if report.kind == ReleaseKind.POSTCODE else ""
    click.echo(f"  {_UNITS[report.kind]}: {report.added:,} added, {report.removed:,} removed{moved}.")
    click.echo(f"  {report.edges:,} postcodes measured to their ward's edge.")
    click.echo(
        f"  {report.places_changed:,} residents' places came into another ward; "
        f"{report.needing_review:,} in all need their resident's answer."
    )
    if report.needing_review:
        click.echo("  They are asked by a message and on their page; /staff/places counts the answers.")


def _status_row(release: ReleaseState) -> tuple[str, ...]:
    return (
        str(release.id),
        release.kind,
        release.product,
        release.version,
        f"{release.row_count:,}",
        release.loaded_at.strftime("%Y-%m-%d %H:%M"),
        release.state,
    )


@dataclass(slots=True)
class _ProgressLine:
    """Rows so far: one line that grows on a terminal, a line per 200,000 rows elsewhere."""

    name: str
    is_terminal: bool = field(default_factory=lambda: sys.stderr.isatty())
    _said: int = 0

    def __call__(self, rows: int) -> None:
        if self.is_terminal:
            click.echo(f"\r{self.name}: {rows:,} rows", nl=False, err=True)
            self._said = rows
        elif rows - self._said >= ROWS_PER_LINE:
            click.echo(f"{self.name}: {rows:,} rows", err=True)
            self._said = rows

    def close(self) -> None:
        """End the line that grew."""
        if self.is_terminal and self._said:
            click.echo(err=True)
