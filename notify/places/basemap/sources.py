"""Files of vector tiles that others publish, MBTiles and PMTiles, read square by square."""

import gzip
import html
import re
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from notify.core.errors import Invalid, SetUpError
from notify.packaged import extra_missing
from notify.places.basemap.squares import Range
from notify.places.basemap.store import Tile, metadata_of, reading

_GZIP = b"\x1f\x8b"
_YEAR = re.compile(r"(?<!\d)(20\d\d)(?!\d)")


class BasemapNotReadable(Invalid):
    """Not a file of vector tiles that we can read."""

    title = "The base map cannot be read"


class PmtilesNotInstalled(SetUpError):
    """The reader of PMTiles is an extra."""

    title = "PMTiles cannot be read here"


class Source(Protocol):
    """A file of vector tiles."""

    @property
    def facts(self) -> Mapping[str, str]:
        """What it says of itself."""

    def zooms(self) -> Sequence[int]:
        """The zoom levels that it has."""

    def tiles(self, wanted: Range) -> Iterator[Tile]:
        """Those of its tiles that lie in the range, gzip."""


@dataclass(frozen=True, slots=True)
class MbtilesSource:
    """An MBTiles file, which is SQLite; its rows count from the south."""

    held: sqlite3.Connection
    facts: Mapping[str, str]

    def zooms(self) -> Sequence[int]:
        """The zoom levels that it has."""
        if {"minzoom", "maxzoom"} <= self.facts.keys():
            return range(int(self.facts["minzoom"]), int(self.facts["maxzoom"]) + 1)
        return [zoom for (zoom,) in self.held.execute("SELECT DISTINCT zoom_level FROM tiles ORDER BY 1")]

    def tiles(self, wanted: Range) -> Iterator[Tile]:
        """Those of its tiles that lie in the range, gzip."""
        last = (1 << wanted.zoom) - 1
        rows = self.held.execute(
            "SELECT tile_column, tile_row, tile_data FROM tiles WHERE zoom_level = ? "
            "AND tile_column BETWEEN ? AND ? AND tile_row BETWEEN ? AND ? ORDER BY 1, 2",
            (wanted.zoom, wanted.west, wanted.east, last - wanted.south, last - wanted.north),
        )
        for column, row, data in rows:
            yield Tile(wanted.zoom, column, last - row, _compressed(data))


@dataclass(frozen=True, slots=True)
class PmtilesSource:
    """A PMTiles archive."""

    reader: object
    facts: Mapping[str, str]

    def zooms(self) -> Sequence[int]:
        """The zoom levels that it has."""
        return range(int(self.facts["minzoom"]), int(self.facts["maxzoom"]) + 1)

    def tiles(self, wanted: Range) -> Iterator[Tile]:
        """Those of its tiles that lie in the range, gzip."""
        for x, y in wanted.squares():
            data = self.reader.get(wanted.zoom, x, y)  # type: ignore[attr-defined]
            if data:
                yield Tile(wanted.zoom, x, y, _compressed(data))


@contextmanager
def opened(path: Path) -> Iterator[Source]:
    """The file, as what it begins with says it is. Raises: BasemapNotReadable, PmtilesNotInstalled."""
    try:
        with path.open("rb") as file:
            begins = file.read(16)
    except OSError as error:
        raise BasemapNotReadable(f"{path} cannot be read: {error.strerror}.") from None
    if begins.startswith(b"SQLite format 3"):
        with _mbtiles(path) as source:
            yield source
    elif begins.startswith(b"PMTiles"):
        with _pmtiles(path) as source:
            yield source
    else:
        raise BasemapNotReadable(f"{path.name} is neither MBTiles nor PMTiles. A zip must be unpacked first.")


@contextmanager
def _mbtiles(path: Path) -> Iterator[Source]:
    with reading(path) as held:
        try:
            facts = dict(metadata_of(held))
            held.execute("SELECT 1 FROM tiles LIMIT 1").fetchone()
        except sqlite3.DatabaseError as error:
            raise BasemapNotReadable(f"{path.name} is no MBTiles file: {error}.") from None
        if facts.get("format", "pbf") not in ("pbf", "mvt"):
            raise BasemapNotReadable(
                f"{path.name} holds pictures ({facts['format']}). Vector tiles are needed; for pictures from a "
                "server set NOTIFY_MAP_TILES_URL."
            )
        facts["attribution"] = _credit(facts, path)
        yield MbtilesSource(held, facts)


@contextmanager
def _pmtiles(path: Path) -> Iterator[Source]:
    try:
        from pmtiles.reader import MmapSource, Reader
        from pmtiles.tile import TileType
    except ImportError:
        raise PmtilesNotInstalled(extra_missing("Reading PMTiles", "basemap")) from None
    with path.open("rb") as file:
        reader = Reader(MmapSource(file))
        try:
            header, said = reader.header(), reader.metadata()
        except Exception as error:  # the reader raises whatever it comes across first
            raise BasemapNotReadable(f"{path.name} is no PMTiles archive: {error}.") from None
        if header["tile_type"] != TileType.MVT:
            raise BasemapNotReadable(f"{path.name} holds no vector tiles but {header['tile_type'].name}.")
        facts = {name: str(value) for name, value in said.items() if isinstance(value, str)}
        facts |= {"minzoom": str(header["min_zoom"]), "maxzoom": str(header["max_zoom"])}
        facts["attribution"] = _credit(facts, path)
        yield PmtilesSource(reader, facts)


def _compressed(data: bytes) -> bytes:
    return bytes(data) if data[:2] == _GZIP else gzip.compress(data, 6, mtime=0)


def _credit(facts: Mapping[str, str], path: Path) -> str:
    """What the file says of its makers, without markup; for a product of Ordnance Survey what its licence asks for."""
    said = html.unescape(re.sub(r"<[^>]*>", "", facts.get("attribution", ""))).strip()
    if said or "zoomstack" not in f"{facts.get('name', '')} {path.name}".lower():
        return said
    year = _YEAR.search(f"{facts.get('version', '')} {facts.get('description', '')} {path.name}")
    return "Contains OS data © Crown copyright and database right" + (f" {year[1]}" if year else "")
