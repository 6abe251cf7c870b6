"""The base map: loaded from what others publish, cut to the councils here, and served so that browsers keep it."""

import gzip
import json
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from pathlib import Path

import mapbox_vector_tile
import pytest
from click.testing import CliRunner
from litestar import Litestar
from litestar.testing import TestClient
from pmtiles.tile import Compression, TileType, zxy_to_tileid
from pmtiles.writer import Writer

from benchmarks import make_demo_basemap
from notify.places.basemap import store
from notify.places.basemap.commands import basemap
from notify.places.basemap.squares import place
from notify.places.basemap.style import INKS, LOOKS, style_of
from tests.world import World, make_world

# the library that draws tiles still calls what shapely renamed
pytestmark = pytest.mark.filterwarnings("ignore:The 'shapely.ops.transform:DeprecationWarning")

Client = TestClient[Litestar]
HERE = (0.32, 52.975)  # where the invented council lies
FAR = (-4.1, 50.4)  # another town
DEMO = Path(__file__).parents[2] / "geodata" / "demo"


@pytest.fixture(autouse=True)
def no_map_is_left(database: None) -> Iterator[None]:
    store.path().unlink(missing_ok=True)
    yield
    store.path().unlink(missing_ok=True)


@pytest.fixture
def world(database: None) -> World:
    return make_world()


def square(zoom: int, where: tuple[float, float]) -> tuple[int, int]:
    x, y = place(*where, zoom)
    return int(x), int(y)


def drawn(name: str) -> bytes:
    """A tile with one road of this name."""
    road = {"geometry": "LINESTRING(0 0, 4000 4000)", "properties": {"type": "Local", "name": name}}
    encoded: bytes = mapbox_vector_tile.encode([{"name": "roads", "features": [road]}])
    return encoded


def mbtiles(path: Path, *, facts: Mapping[str, str] | None = None) -> Path:
    """A national map of two towns, at two zoom levels, as a program would write it: rows from the south, gzip."""
    said = {"name": "OS Open Zoomstack", "format": "pbf", "description": "October 2026"} | dict(facts or {})
    with closing(sqlite3.connect(path)) as made, made:
        made.execute("CREATE TABLE metadata (name text, value text)")
        made.execute("CREATE TABLE tiles (zoom_level int, tile_column int, tile_row int, tile_data blob)")
        made.executemany("INSERT INTO metadata VALUES (?, ?)", said.items())
        for zoom in (12, 14):
            for name, where in (("Mill Lane", HERE), ("Far Lane", FAR)):
                x, y = square(zoom, where)
                data = gzip.compress(drawn(name))
                made.execute("INSERT INTO tiles VALUES (?, ?, ?, ?)", (zoom, x, (1 << zoom) - 1 - y, data))
    return path


def pmtiles(path: Path) -> Path:
    """The same as PMTiles, at one zoom level and not compressed."""
    with path.open("wb") as file:
        writer = Writer(file)
        squares = {zxy_to_tileid(14, *square(14, where)): name for name, where in (("Mill Lane", HERE), ("Far", FAR))}
        for number in sorted(squares):
            writer.write_tile(number, drawn(squares[number]))
        about = {"tile_type": TileType.MVT, "tile_compression": Compression.NONE, "min_zoom": 14, "max_zoom": 14}
        box = {"min_lon_e7": -50_000_000, "min_lat_e7": 500_000_000, "max_lon_e7": 5_000_000, "max_lat_e7": 535_000_000}
        middle = {"center_zoom": 14, "center_lon_e7": 0, "center_lat_e7": 520_000_000}
        writer.finalize(about | box | middle, {"attribution": '<a href="https://example.org">Surveyors &amp; Co</a>'})
    return path


def loaded(path: Path, *more: str) -> str:
    result = CliRunner().invoke(basemap, ["load", str(path), *more])
    assert result.exit_code == 0, result.output
    return result.output


def tile_at(zoom: int, where: tuple[float, float]) -> str:
    x, y = square(zoom, where)
    return f"/basemap/{zoom}/{x}/{y}.pbf"


@pytest.mark.parametrize("made", [mbtiles, pmtiles])
def test_a_national_map_is_cut_to_the_councils_here(made: object, world: World, client: Client, tmp_path: Path) -> None:
    assert callable(made)
    output = loaded(made(tmp_path / "map"))
    assert ("2 tiles" if made is mbtiles else "1 tiles") in output
    answer = client.get(tile_at(14, HERE))
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/x-protobuf")
    (road,) = mapbox_vector_tile.decode(answer.content)["roads"]["features"]
    assert road["properties"]["name"] == "Mill Lane"
    assert client.get(tile_at(14, FAR)).status_code == 204


def test_makers_are_credited_as_their_licence_asks(world: World, client: Client, tmp_path: Path) -> None:
    loaded(mbtiles(tmp_path / "zoomstack.mbtiles"))
    assert store.about().attribution == "Contains OS data © Crown copyright and database right 2026"  # type: ignore[union-attr]
    loaded(pmtiles(tmp_path / "map.pmtiles"))
    assert store.about().attribution == "Surveyors & Co"  # type: ignore[union-attr]
    loaded(pmtiles(tmp_path / "map.pmtiles"), "--attribution", "<b>Ours</b>")
    style = client.get("/basemap/style-light.json").json()
    assert style["sources"]["base"]["attribution"] == "&lt;b&gt;Ours&lt;/b&gt;"


def test_a_tile_is_fetched_once_and_named(world: World, client: Client, tmp_path: Path) -> None:
    loaded(mbtiles(tmp_path / "map"))
    style = client.get("/basemap/style-light.json").json()
    x, y = square(14, HERE)
    address = style["sources"]["base"]["tiles"][0].format(z=14, x=x, y=y)
    first = client.get(address)
    assert first.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert first.headers["content-encoding"] == "gzip"
    again = client.get(address, headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    plain = client.get(address, headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert plain.content == first.content
    assert client.get(tile_at(14, HERE)).headers["cache-control"] == "public, max-age=86400"


def test_a_new_edition_has_new_addresses(world: World, client: Client, tmp_path: Path) -> None:
    loaded(mbtiles(tmp_path / "map"))
    before = client.get("/basemap/style-dark.json").json()["sources"]["base"]["tiles"]
    loaded(pmtiles(tmp_path / "map.pmtiles"))
    assert client.get("/basemap/style-dark.json").json()["sources"]["base"]["tiles"] != before


@pytest.mark.parametrize(
    "path", ["/basemap/14/0/0.png", "/basemap/3/8/0.pbf", "/basemap/3/0/-1.pbf", "/basemap/x.json"]
)
def test_what_is_no_part_of_a_map_is_not_found(path: str, client: Client) -> None:
    assert client.get(path).status_code == 404


def test_files_that_are_no_vector_tiles_are_refused_in_a_sentence(world: World, tmp_path: Path) -> None:
    loaded(mbtiles(tmp_path / "good"))
    empty = sqlite3.connect(tmp_path / "other.sqlite")
    empty.execute("CREATE TABLE other (id int)")
    empty.close()
    (tmp_path / "map.zip").write_bytes(b"PK\x03\x04")
    pictures = mbtiles(tmp_path / "pictures", facts={"format": "png"})
    for path, words in (
        (tmp_path / "map.zip", "neither MBTiles nor PMTiles"),
        (tmp_path / "other.sqlite", "is no MBTiles file"),
        (pictures, "holds pictures (png)"),
    ):
        result = CliRunner().invoke(basemap, ["load", str(path)])
        assert (result.exit_code, words in result.output) == (1, True), result.output
    assert store.about() is not None  # the map before is kept


def test_a_map_of_other_land_leaves_the_map_before(world: World, tmp_path: Path) -> None:
    loaded(mbtiles(tmp_path / "good"))
    with closing(sqlite3.connect(mbtiles(tmp_path / "far"))) as far, far:
        far.execute("DELETE FROM tiles WHERE tile_column = ?", (square(14, HERE)[0],))
        far.execute("DELETE FROM tiles WHERE tile_column = ?", (square(12, HERE)[0],))
    result = CliRunner().invoke(basemap, ["load", str(tmp_path / "far")])
    assert "has no tile where your councils are" in result.output
    assert store.about() is not None


def test_without_a_council_there_is_nothing_to_cut_to(tmp_path: Path) -> None:
    result = CliRunner().invoke(basemap, ["load", str(mbtiles(tmp_path / "map"))])
    assert (result.exit_code, "Create a council" in result.output) == (1, True)


@pytest.mark.parametrize("look", LOOKS)
def test_each_look_has_the_same_layers_in_its_own_colours(
    look: str, world: World, client: Client, tmp_path: Path
) -> None:
    loaded(mbtiles(tmp_path / "map"))
    style = client.get(f"/basemap/style-{look}.json").json()
    assert style["layers"][0]["paint"]["background-color"] == INKS[look].land
    light = style_of("light", store.about())
    assert [layer["id"] for layer in style["layers"]] == [layer["id"] for layer in light["layers"]]
    assert "glyphs" not in style  # labels are drawn in the browser, and nothing is fetched for them


def test_pictures_of_another_server_take_the_maps_place(client: Client, choose: Callable[..., None]) -> None:
    address = "https://tiles.example.org/{z}/{x}/{y}.png?key=k"
    choose(MAP_TILES_URL=address, MAP_TILES_ATTRIBUTION="Surveyors")
    style = client.get("/basemap/style-light.json").json()
    assert style["sources"].keys() == {"pictures"}
    assert style["sources"]["pictures"]["tiles"] == [address]


def test_the_invented_map_is_what_its_script_draws(tmp_path: Path) -> None:
    make_demo_basemap.main(tmp_path)
    assert (tmp_path / "names.csv").read_text() == (DEMO / "names.csv").read_text()
    assert contents(tmp_path / "basemap.mbtiles") == contents(DEMO / "basemap.mbtiles")
    assert (DEMO / "basemap.mbtiles").stat().st_size < 1_000_000


def contents(path: Path) -> list[tuple[int, int, int, bytes]]:
    """The tiles, unpacked: how well they were compressed depends on the machine."""
    with store.reading(path) as held:
        rows = held.execute(
            "SELECT zoom_level, tile_column, tile_row, tile_data FROM tiles ORDER BY 1, 2, 3"
        ).fetchall()
    return [(zoom, column, row, gzip.decompress(data)) for zoom, column, row, data in rows]


def test_the_style_is_json_that_browsers_may_keep_for_minutes(client: Client) -> None:
    answer = client.get("/basemap/style-contrast.json")
    assert answer.headers["cache-control"] == "public, max-age=300"
    assert json.loads(answer.content)["version"] == 8
    again = client.get("/basemap/style-contrast.json", headers={"If-None-Match": answer.headers["etag"]})
    assert again.status_code == 304


@pytest.mark.parametrize("damage", [b"not a database", None])
def test_a_damaged_map_is_no_map(world: World, client: Client, tmp_path: Path, damage: bytes | None) -> None:
    loaded(mbtiles(tmp_path / "uk.mbtiles"))
    if damage:
        store.path().write_bytes(damage)
    else:
        with closing(sqlite3.connect(store.path())) as held, held:
            held.execute("UPDATE metadata SET value = 'soon' WHERE name = 'maxzoom'")
    answer = client.get("/basemap/style-light.json")
    assert (answer.status_code, "base" in answer.json()["sources"]) == (200, False)
