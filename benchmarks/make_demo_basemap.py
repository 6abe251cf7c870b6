"""Draws the invented base map of Zedholm: `geodata/demo/basemap.mbtiles` and `names.csv`.

Run once and its files committed. Vector tiles with the layers of OS Open Zoomstack, zooms 8 to 14, so that the style
for the real product draws the invented one; place names in the 34 columns of OS Open Names.
"""

import csv
import gzip
from collections.abc import Iterator, Sequence
from math import pi
from pathlib import Path

import mapbox_vector_tile
import numpy as np
import shapely
from shapely import LineString
from shapely.geometry.base import BaseGeometry

from benchmarks.demo_town import CENTRE, FOLDER, Thing, Town, invent
from notify.places.basemap.squares import Range, range_of
from notify.places.basemap.store import Tile, keep
from notify.places.projection import Points, unproject

EARTH_M = 6_378_137.0 * pi  # from the middle of a web map to its edge
ZOOMS = range(8, 15)
NEAR_ZOOM = 12
EXTENT = 4096
BEYOND = 64  # units that a tile shows of its neighbours, so that lines join
ORDER = (
    "sea", "foreshore", "urban_areas", "sites", "greenspaces", "woodland", "surfacewater", "waterlines", "buildings",
    "roads", "rail", "railwaystations", "names",
)  # fmt: skip
NOTHING = ("", "", "")


def main(folder: Path = FOLDER) -> None:
    """Invent the town and write both files."""
    town = invent()
    west, south, east, north = shapely.transform(town.island.buffer(2_500), unproject).bounds
    facts = {
        "name": "Zedholm, invented",
        "attribution": "Invented map of Zedholm",
        "bounds": f"{west:.5f},{south:.5f},{east:.5f},{north:.5f}",
    }
    (folder / "basemap.mbtiles").unlink(missing_ok=True)
    keep(folder / "basemap.mbtiles", _tiles(town.things, (west, south, east, north)), facts)
    _write_names(town, folder / "names.csv")


def _mercator(points: Points) -> Points:
    """EPSG:27700 to EPSG:3857."""
    degrees = unproject(points)
    north = np.log(np.tan(pi / 4 + np.radians(degrees[:, 1]) / 2)) * EARTH_M / pi
    return np.column_stack([degrees[:, 0] * EARTH_M / 180, north])


def _tiles(things: Sequence[Thing], box: tuple[float, float, float, float]) -> Iterator[Tile]:
    shapes = np.array([shapely.transform(shapely.segmentize(thing.shape, 2_000), _mercator) for thing in things])
    tree = shapely.STRtree(shapes)
    west, south, east, north = box
    wider = (west - 0.3, south - 0.2, east + 0.3, north + 0.2)  # only sea, which compresses well
    for zoom in ZOOMS:
        step = 2 * EARTH_M / (1 << zoom)
        for x, y in _squares(range_of(box if zoom >= NEAR_ZOOM else wider, zoom)):
            left, top = x * step - EARTH_M, EARTH_M - y * step
            bounds = (left, top - step, left + step, top)
            data = _encoded(things, shapes, tree, zoom, bounds)
            if data:
                yield Tile(zoom, x, y, gzip.compress(data, 9, mtime=0))


def _squares(wanted: Range) -> list[tuple[int, int]]:
    return sorted(wanted.squares())


def _encoded(
    things: Sequence[Thing],
    shapes: "np.ndarray[tuple[int], np.dtype[np.object_]]",
    tree: shapely.STRtree,
    zoom: int,
    bounds: tuple[float, float, float, float],
) -> bytes:
    unit = (bounds[2] - bounds[0]) / EXTENT
    more = BEYOND * unit
    frame = (bounds[0] - more, bounds[1] - more, bounds[2] + more, bounds[3] + more)
    found: dict[str, list[dict[str, object]]] = {}
    for at in sorted(tree.query(shapely.box(*frame))):
        thing = things[at]
        if zoom < thing.least_zoom:
            continue
        shape = shapely.clip_by_rect(shapes[at].simplify(unit * (1 if zoom == ZOOMS[-1] else 2)), *frame)
        if shape.is_empty:
            continue
        about = {"type": thing.kind, "number": thing.number}
        about["name1" if thing.layer == "names" else "name"] = thing.name
        found.setdefault(thing.layer, []).append(
            {"geometry": shape, "properties": {name: value for name, value in about.items() if value}}
        )
    layers = [{"name": name, "features": found[name]} for name in ORDER if name in found]
    if not layers:
        return b""
    options = {"extents": EXTENT, "quantize_bounds": bounds}
    encoded: bytes = mapbox_vector_tile.encode(layers, default_options=options)
    return encoded


def _write_names(town: Town, path: Path) -> None:
    """The columns of OS Open Names, of which most are empty here; no header, as published."""
    villages = [thing for thing in town.of("names") if thing.kind in ("Town", "Village")]
    kinds = {"Town": "Town", "Village": "Village", "Water": "River", "Greenspace": "Other Settlement", "Sites": ""}
    rows = []
    for thing in town.things:
        if thing.layer == "roads" and thing.name:
            rows.append(_row(thing, "transportNetwork", "Named Road", villages))
        elif thing.layer == "names" and thing.kind in kinds:
            local = {"Sites": "Hospital" if "Hospital" in thing.name else "Primary Education"}.get(
                thing.kind, {"Greenspace": "Public Park Or Garden"}.get(thing.kind, kinds[thing.kind])
            )
            of_kind = "populatedPlace" if thing.kind in ("Town", "Village") else "other"
            rows.append(_row(thing, of_kind, local, villages))
    unique = {(row[2], row[7]): row for row in reversed(rows)}
    with path.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        for number, row in enumerate(sorted(unique.values(), key=lambda row: (row[2], row[7])), start=1):
            writer.writerow([f"zed{number:05}", *row[1:]])


def _middle(thing: Thing) -> BaseGeometry:
    line = thing.shape
    return line.interpolate(0.5, normalized=True) if isinstance(line, LineString) else line.centroid


def _row(thing: Thing, of_kind: str, local: str, villages: Sequence[Thing]) -> list[str]:
    middle = _middle(thing)
    x, y = shapely.get_coordinates(middle)[0]
    nearest = min(villages, key=lambda village: village.shape.distance(middle))
    west, south, east, north = (f"{edge:.0f}" for edge in thing.shape.buffer(20).bounds)
    where = "" if nearest is thing else nearest.name
    detail = ["", "", west, south, east, north]
    district = ["Zedholm", "", "District"]
    return [
        *("", "", thing.name, "", "", "", of_kind, local, f"{x:.0f}", f"{y:.0f}"),
        *detail,
        *("ZZ1", ""),
        *(where, "", ""),
        *district,
        *NOTHING,
        *("East of England", "", "England", ""),
        *NOTHING,
    ]


if __name__ == "__main__":
    main()
    print(f"Zedholm lies round {CENTRE}.")
