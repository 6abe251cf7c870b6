"""The base map as it is kept: one MBTiles file (SQLite) in the data folder, read-only while it is served."""

import hashlib
import logging
import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from notify.core.settings import settings

log = logging.getLogger(__name__)
FILE = "basemap.mbtiles"
_SCHEMA = """
CREATE TABLE metadata (name text PRIMARY KEY, value text);
CREATE TABLE tiles (zoom_level integer, tile_column integer, tile_row integer, tile_data blob,
                    PRIMARY KEY (zoom_level, tile_column, tile_row)) WITHOUT ROWID;
"""


@dataclass(frozen=True, slots=True)
class Tile:
    """One square of the map at a zoom level; `x` counts from the west and `y` from the north. `data` is gzip."""

    zoom: int
    x: int
    y: int
    data: bytes


@dataclass(frozen=True, slots=True)
class About:
    """What a map says of itself. `bounds` are west, south, east, north in degrees; `version` changes with the tiles."""

    name: str
    attribution: str
    least_zoom: int
    most_zoom: int
    bounds: tuple[float, float, float, float]
    version: str


@dataclass(frozen=True, slots=True)
class Kept:
    """What `keep` wrote."""

    tiles: int
    size_bytes: int


_about: dict[tuple[str, int, int], About | None] = {}


def path() -> Path:
    """Where this installation's base map is, if it has one."""
    return settings().data_dir / FILE


def about() -> About | None:
    """What the base map in use says of itself; None where none is loaded."""
    try:
        found = path().stat()
    except FileNotFoundError:
        return None
    key = (str(path()), found.st_mtime_ns, found.st_ino)
    if key not in _about:
        _about.clear()
        _about[key] = _read_about()
    return _about[key]


def _read_about() -> About | None:
    try:
        with reading(path()) as held:
            return _described(metadata_of(held))
    except (sqlite3.DatabaseError, ValueError):
        log.exception("The base map %s cannot be read, so maps are drawn without it. Load it again.", path())
        return None


def tile(zoom: int, x: int, y: int) -> bytes | None:
    """A tile's data, gzip; None where the map has nothing there, or there is no map."""
    try:
        with reading(path()) as held:
            row = held.execute(
                "SELECT tile_data FROM tiles WHERE zoom_level = ? AND tile_column = ? AND tile_row = ?",
                (zoom, x, (1 << zoom) - 1 - y),
            ).fetchone()
    except sqlite3.DatabaseError:  # no such file, or one that is damaged
        return None
    return bytes(row[0]) if row else None


@contextmanager
def reading(file: Path) -> Iterator[sqlite3.Connection]:
    """A file of tiles, open to be read."""
    address = file.resolve().as_uri()
    with closing(sqlite3.connect(f"{address}?mode=ro&immutable=1", uri=True)) as held:
        yield held


def metadata_of(held: sqlite3.Connection) -> Mapping[str, str]:
    """The names and values that a file of tiles carries about itself."""
    return {str(name): str(value) for name, value in held.execute("SELECT name, value FROM metadata")}


def keep(to: Path, tiles: Iterable[Tile], facts: Mapping[str, str]) -> Kept:
    """Write a map, and put it in the place of one that is there in one step. `facts` join what the tiles say."""
    to.parent.mkdir(parents=True, exist_ok=True)
    beside = to.with_name(f"{to.name}.{os.getpid()}.new")
    beside.unlink(missing_ok=True)
    known, count, zooms = hashlib.sha256(), 0, set()
    try:
        with closing(sqlite3.connect(beside)) as made, made:
            made.executescript(_SCHEMA)
            for one in tiles:
                known.update(b"%d/%d/%d" % (one.zoom, one.x, one.y) + one.data)
                made.execute(
                    "INSERT INTO tiles VALUES (?, ?, ?, ?)",
                    (one.zoom, one.x, (1 << one.zoom) - 1 - one.y, one.data),
                )
                count += 1
                zooms.add(one.zoom)
            own = {"format": "pbf", "version": known.hexdigest()[:16]}
            if zooms:
                own |= {"minzoom": str(min(zooms)), "maxzoom": str(max(zooms))}
            made.executemany("INSERT INTO metadata VALUES (?, ?)", sorted((dict(facts) | own).items()))
        size = beside.stat().st_size
        if count:
            beside.replace(to)
    finally:
        beside.unlink(missing_ok=True)
    return Kept(count, size)


def _described(facts: Mapping[str, str]) -> About:
    west, south, east, north = (float(part) for part in facts.get("bounds", "-180,-85,180,85").split(","))
    return About(
        name=facts.get("name", ""),
        attribution=facts.get("attribution", ""),
        least_zoom=int(facts.get("minzoom", 0)),
        most_zoom=int(facts.get("maxzoom", 14)),
        bounds=(west, south, east, north),
        version=facts.get("version", ""),
    )
