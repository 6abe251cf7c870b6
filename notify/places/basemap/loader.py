"""Loads a base map: the squares of a national file that this installation's councils lie in, and no others."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import shapely
from sqlmodel import Session

from notify.core.errors import SetUpError
from notify.places.basemap import sources, store
from notify.places.basemap.squares import Box, range_of
from notify.places.projection import unproject
from notify.places.queries import Bounds, councils_bounds

# round the councils' own postcodes, so that their edges are not the map's; the country round them costs a few squares
NEAR_M, ROUND_M = 3_000, 25_000
LEAST_NEAR_ZOOM = 12

Progress = Callable[[int], None]


class NoPlacesToCutTo(SetUpError):
    """There is no council yet, or nothing says where it lies."""

    title = "Nothing says where your councils lie"


class NothingThere(SetUpError):
    """The file shows other land."""

    title = "The base map shows none of your councils"


@dataclass(frozen=True, slots=True)
class Loaded:
    """What was kept of a file."""

    name: str
    attribution: str
    tiles: int
    size_bytes: int
    boxes: int


def load(session: Session, path: Path, *, attribution: str | None = None, progress: Progress | None = None) -> Loaded:
    """Keep what the file shows of this installation's councils; it takes the place of the map before.

    Raises: NoPlacesToCutTo, NothingThere, BasemapNotReadable, PmtilesNotInstalled.
    """
    bounds = councils_bounds(session)
    if not bounds:
        raise NoPlacesToCutTo(
            "Create a council and load its postcodes first: `notify geodata load --help`. The map is cut to them."
        )
    with sources.opened(path) as source:
        facts = {name: source.facts[name] for name in ("name", "attribution") if source.facts.get(name)}
        if attribution is not None:
            facts["attribution"] = attribution
        boxes = [_in_degrees(one, ROUND_M) for one in bounds]
        west, south = min(box[0] for box in boxes), min(box[1] for box in boxes)
        east, north = max(box[2] for box in boxes), max(box[3] for box in boxes)
        facts["bounds"] = f"{west:.5f},{south:.5f},{east:.5f},{north:.5f}"
        kept = store.keep(store.path(), _cut(source, bounds, progress), facts)
    if not kept.tiles:
        raise NothingThere(f"{path.name} has no tile where your councils are. The map before is kept.")
    return Loaded(facts.get("name", path.stem), facts.get("attribution", ""), kept.tiles, kept.size_bytes, len(bounds))


def _in_degrees(bounds: Bounds, margin_m: float) -> Box:
    box = shapely.box(*bounds).buffer(margin_m, join_style="mitre")
    west, south, east, north = shapely.transform(shapely.segmentize(box, 1_000), unproject).bounds
    return west, south, east, north


def _cut(source: sources.Source, bounds: Sequence[Bounds], progress: Progress | None) -> Iterator[store.Tile]:
    count = 0
    for zoom in source.zooms():
        seen: set[tuple[int, int]] = set()
        margin_m = NEAR_M if zoom >= LEAST_NEAR_ZOOM else ROUND_M
        for wanted in (range_of(_in_degrees(one, margin_m), zoom) for one in bounds):
            for tile in source.tiles(wanted):
                if (tile.x, tile.y) in seen:
                    continue
                seen.add((tile.x, tile.y))
                count += 1
                if progress and count % 1000 == 0:
                    progress(count)
                yield tile
