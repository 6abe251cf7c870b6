"""Public pages of a council's figures, and the same as open data."""

import json
from collections.abc import Sequence
from datetime import date
from typing import Annotated

from babel.dates import format_date
from litestar import Response
from litestar.params import FromPath, QueryParameter
from litestar.types import ControllerRouterHandler

from notify.charts.bars import bars
from notify.charts.chart import Chart, Item
from notify.charts.words import percent, pounds, seconds, whole
from notify.core.db import transaction
from notify.insight.open_data import files as open_data_files
from notify.insight.open_data import tables
from notify.insight.open_data.disclosure import SMALL, WITHHELD
from notify.insight.open_data.publication import FiguresNotPublished, Published, everything, published
from notify.insight.open_data.tables import Cells, Column, Table
from notify.languages import _, spoken
from notify.web.conditional import known_by
from notify.web.dates import day
from notify.web.headers import OPEN_TO_ALL
from notify.web.routes import PublicRequest, page_get
from notify.web.templates import page

SHORTLY = {"Cache-Control": "public, max-age=300"}
FOR_ALL = SHORTLY | OPEN_TO_ALL
DRAWN = 12  # months or the most of anything that a picture shows; the table has all
Slug = Annotated[str, QueryParameter(max_length=80)]
# which column of a table is drawn, by which column that names the rows
PICTURES = {
    tables.BY_MONTH.name: (0, 3),
    tables.BY_TOPIC.name: (1, 3),
    tables.WARDS.name: (1, 2),
    tables.COSTS.name: (0, 1),
}


@page_get("/performance")
def show_performance(council: Slug = "") -> Response[object]:
    """A council's figures, or which councils show theirs. Raises: FiguresNotPublished."""
    with transaction() as session:
        if council:
            return _shown(published(session, council))
        shown = everything(session)
    if not shown:
        raise FiguresNotPublished(_("No council publishes figures about its alerts here."))
    if len(shown) == 1:
        return _shown(shown[0])
    return page("public/performance-councils.html", headers=SHORTLY, shown=shown)


def _shown(one: Published) -> Response[object]:
    parts = [
        (table, [[told(value, column) for value, column in zip(row, table.columns, strict=True)] for row in rows],
         _picture(table, rows))
        for table in open_data_files.shown_tables(one)
        for rows in [one.tables[table.name]]
    ]  # fmt: skip
    return page(
        "public/performance.html",
        headers=SHORTLY,
        one=one,
        parts=parts,
        first=day(one.first),
        last=day(one.last),
        has_months=one.first <= one.last,
        numeric=lambda column: column.kind in ("integer", "decimal"),
        licence=open_data_files.LICENCE,
        seconds=seconds,
        changed=day(one.changed_at.date()),
    )


def told(value: object, column: Column) -> str:
    """A cell as people read it."""
    marks = {SMALL: _("fewer than 5"), WITHHELD: _("withheld"), None: _("none")}
    if value is None or (isinstance(value, str) and value in marks):
        return marks[value]
    if column.kind == "gYearMonth":
        year, month = str(value).split("-")
        return str(format_date(date(int(year), int(month), 1), "MMM y", locale=spoken()))
    if column.name == "urgency":
        return _("Emergency") if value == "emergency" else _("Routine")
    return _number(value, column.name) if isinstance(value, int | float) else str(value)


def _number(value: float, name: str) -> str:
    if name.endswith("_percent"):
        return percent(value / 100)
    if name.endswith("_seconds"):
        return seconds(value)
    return pounds(value) if name == "pounds" else whole(value)


def _picture(table: Table, rows: Sequence[Cells]) -> Chart | None:
    """The months, topics or wards as bars; None where words say it better."""
    if table.name not in PICTURES or not rows:
        return None
    label, drawn = (table.columns[place] for place in PICTURES[table.name])
    name, place = PICTURES[table.name]
    kept = rows[-DRAWN:] if label.kind == "gYearMonth" else rows[: 3 * DRAWN]
    items = [_item(told(row[name], label), row[place], drawn) for row in kept]
    heads = (_(label.title), _(drawn.title))
    return bars(_(table.title), items, heads=heads, write=lambda value: _number(value, drawn.name))


def _item(label: str, value: object, drawn: Column) -> Item:
    if isinstance(value, int | float):
        return Item(label, float(value))
    return Item(label, None, said=told(value, drawn))


@page_get("/performance/catalog.jsonld")
def read_catalogue(request: PublicRequest) -> Response[bytes]:
    """Every open table of every council that publishes, in DCAT."""
    with transaction() as session:
        shown = everything(session)
    body = json.dumps(open_data_files.catalogue(shown), ensure_ascii=False, indent=1).encode()
    changed = max((one.changed_at for one in shown), default=None)
    return known_by(request, body, "application/ld+json", headers=FOR_ALL, changed=changed)


@page_get("/performance/{slug:str}/{name:str}")
def read_open_data(request: PublicRequest, slug: FromPath[str], name: FromPath[str]) -> Response[bytes]:
    """A table as CSV or JSON, or what its columns mean. Raises: FiguresNotPublished."""
    with transaction() as session:
        one = published(session, slug)
    body, media_type = open_data_files.file_of(one, name)
    return known_by(request, body, media_type, headers=FOR_ALL, changed=one.changed_at)


HANDLERS: Sequence[ControllerRouterHandler] = (show_performance, read_catalogue, read_open_data)
