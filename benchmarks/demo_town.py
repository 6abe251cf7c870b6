"""Invents the streets, river, parks and houses of Zedholm within its invented wards. EPSG:27700, metres.

The same seed draws the same town; it follows `geodata/demo/wards.geojson`, which `make_demo_council` draws.
"""

import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from math import atan2, cos, hypot, pi, sin
from pathlib import Path

import numpy as np
import shapely
from shapely import LineString, Point, Polygon
from shapely.affinity import rotate, translate
from shapely.geometry.base import BaseGeometry

from notify.places.geometry import parse_shape

FOLDER = Path(__file__).resolve().parent.parent / "geodata" / "demo"
CENTRE = (556_000.0, 344_500.0)
TOWN_M, VILLAGE_M = 1_750.0, 420.0
BLOCK_M = 165.0  # from street to street

FIRST = (
    "Abbey", "Alma", "Anchor", "Ash", "Barrack", "Beacon", "Beech", "Bell", "Bishop", "Boat", "Bridge", "Burgess",
    "Candle", "Canon", "Chandler", "Chapel", "Cherry", "Church", "Cobden", "Coopers", "Cross", "Dyke", "East",
    "Elder", "Elm", "Fen", "Fisher", "Flax", "Fleet", "Foundry", "Friar", "Garden", "George", "Glebe", "Granary",
    "Green", "Guild", "Hawthorn", "Heron", "High", "Holly", "Hope", "Ivy", "Jetty", "Juniper", "King", "Lark",
    "Laurel", "Lime", "Long", "Maltings", "Manor", "Maple", "Marsh", "Mason", "Meadow", "Mercer", "Nelson", "North",
    "Oak", "Orchard", "Osier", "Park", "Pear", "Plover", "Poplar", "Priory", "Quay", "Queen", "Rectory", "Reed",
    "Rope", "Rose", "Rowan", "Saddler", "Salt", "School", "Sluice", "South", "Spring", "Station", "Stone", "Swan",
    "Tanner", "Teasel", "Tern", "Thorn", "Vicarage", "Victoria", "Walnut", "Weaver", "Well", "West", "Wharf",
    "Wheel", "Willow", "Windmill", "Wool", "Wren", "Yarrow",
)  # fmt: skip
LAST = ("Street", "Road", "Lane", "Close", "Way", "Avenue", "Terrace", "Row")


@dataclass(frozen=True, slots=True)
class Thing:
    """Something to draw: in which layer of OS Open Zoomstack, what kind, its name, and from which zoom it is seen."""

    layer: str
    shape: BaseGeometry
    kind: str = ""
    name: str = ""
    number: str = ""
    least_zoom: int = 8


@dataclass(slots=True)
class Town:
    """What has been invented so far."""

    chance: random.Random
    island: Polygon
    things: list[Thing] = field(default_factory=list)
    taken: set[str] = field(default_factory=set)

    def add(self, layer: str, shape: BaseGeometry, **about: object) -> None:
        """Put something on the map, where there is land to put it."""
        if not shape.is_empty:
            self.things.append(Thing(layer, shape, **about))  # type: ignore[arg-type]

    def of(self, layer: str) -> Iterator[Thing]:
        """What is on this layer."""
        return (thing for thing in self.things if thing.layer == layer)

    def new_name(self) -> str:
        """A street's name that no other street has."""
        while True:
            name = f"{self.chance.choice(FIRST)} {self.chance.choice(LAST)}"
            if name not in self.taken:
                self.taken.add(name)
                return name


def invent() -> Town:
    """The whole island."""
    wards: dict[str, BaseGeometry] = {
        feature["properties"]["WD26NM"]: parse_shape(feature["geometry"])
        for feature in json.loads((FOLDER / "wards.geojson").read_text())["features"]
    }
    island = _longest(shapely.union_all([ward.buffer(0.5) for ward in wards.values()]))
    coast = shapely.get_exterior_ring(island)
    town = Town(random.Random(1953), Polygon(coast), taken={"Mill Lane", "Quay Road"})
    river = _water(town)
    _green(town, river)
    _main_roads(town)
    land = town.island.buffer(-60).difference(shapely.union_all([thing.shape for thing in town.of("surfacewater")]))
    free = land.difference(shapely.union_all([thing.shape for thing in (*town.of("greenspaces"), *town.of("sites"))]))
    _mill_lane(town, river, free)
    _streets(town, Point(CENTRE).buffer(TOWN_M).intersection(free), CENTRE, TOWN_M)
    for name, ward in sorted(wards.items()):
        middle = ward.representative_point()
        if middle.distance(Point(CENTRE)) > TOWN_M + VILLAGE_M:
            near = middle.buffer(VILLAGE_M).intersection(free)
            _streets(town, near, (middle.x, middle.y), VILLAGE_M)
            town.add("names", middle, kind="Village", name=name, least_zoom=9)
            town.add("urban_areas", near)
    _houses(town, free)
    town.add("names", Point(CENTRE), kind="Town", name="Zedholm")
    return town


def _water(town: Town) -> LineString:
    """The sea, the beach and a river that widens to its mouth."""
    west, south, east, north = town.island.bounds
    sea = shapely.box(west - 60_000, south - 60_000, east + 60_000, north + 60_000)
    town.add("sea", sea.difference(town.island))
    town.add("foreshore", town.island.buffer(140).difference(town.island), least_zoom=10)
    x, y = CENTRE
    course = [(-3_300, 1_150), (-2_500, 700), (-1_650, 780), (-900, 300), (-350, -180), (350, -320), (900, -780)]
    course += [(1_500, -1_150), (2_300, -1_500), (2_900, -2_300), (3_300, -3_600)]
    river = _smooth([(x + dx, y + dy) for dx, dy in course])
    lines = [river.interpolate(share, normalized=True) for share in np.linspace(0, 1, 60)]
    parts = [
        LineString([before, after]).buffer(14 + 46 * at / 60) for at, (before, after) in enumerate(pairwise(lines))
    ]
    town.add("surfacewater", shapely.union_all(parts).intersection(town.island).simplify(1), kind="Local")
    for at in (0.25, 0.55):
        town.add("names", river.interpolate(at, normalized=True), kind="Water", name="River Zed", least_zoom=11)
    brook = _smooth([(x + dx, y + dy) for dx, dy in ((900, 2_500), (500, 1_700), (650, 900), (200, 300), (60, -250))])
    town.add("waterlines", brook, kind="Local", least_zoom=10)
    town.add("names", brook.interpolate(0.4, normalized=True), kind="Water", name="Mill Brook", least_zoom=13)
    town.add("names", Point(x - 7_500, y + 3_500), kind="Water", name="The Wash", least_zoom=8)
    return river


def _smooth(points: Sequence[tuple[float, float]]) -> LineString:
    """A line through these points without corners (Catmull-Rom)."""
    p = np.array([points[0], *points, points[-1]], dtype=float)
    t = np.linspace(0, 1, 9)[:-1, None]
    found = []
    for a, b, c, d in zip(p, p[1:], p[2:], p[3:], strict=False):
        found.append(0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3))
    return LineString([*np.vstack(found), p[-1]])


def _green(town: Town, river: LineString) -> None:
    x, y = CENTRE
    for name, kind, dx, dy, size in (
        ("Jubilee Park", "Public Park Or Garden", -620, -500, 230),
        ("Castle Green", "Public Park Or Garden", 560, 420, 170),
        ("Quay Gardens", "Public Park Or Garden", 1_150, -380, 120),
        ("Zedholm Cemetery", "Cemetery", -1_150, 1_150, 150),
        ("Harbour Playing Fields", "Playing Field", 1_500, 900, 240),
    ):
        shape = _blot(town, x + dx, y + dy, size).difference(river.buffer(70))
        town.add("greenspaces", shape, kind=kind, least_zoom=10)
        town.add("names", shape.representative_point(), kind="Greenspace", name=name, least_zoom=13)
    for name, dx, dy, size in (("Barley Wood", -2_700, 1_900, 520), ("King’s Copse", 2_700, 1_300, 420)):
        shape = _blot(town, x + dx, y + dy, size).intersection(town.island.buffer(-120)).difference(river.buffer(70))
        town.add("woodland", shape, least_zoom=8)
        town.add("names", shape.representative_point(), kind="Woodland", name=name, least_zoom=11)
    for name, dx, dy, size in (("Zedholm Hospital", -250, 820, 95), ("Harbour School", 980, 60, 80)):
        shape = rotate(shapely.box(x + dx - size, y + dy - size, x + dx + size, y + dy + size), 17)
        town.add("sites", shape, kind="Medical Care" if "Hospital" in name else "Education", least_zoom=12)
        town.add("names", shape.centroid, kind="Sites", name=name, least_zoom=14)


def _blot(town: Town, x: float, y: float, size: float) -> Polygon:
    """A round shape that no compass drew."""
    reaches = [size * town.chance.uniform(0.7, 1.15) for _ in range(9)]
    points = [(x + reach * cos(2 * pi * at / 9), y + reach * sin(2 * pi * at / 9)) for at, reach in enumerate(reaches)]
    return Polygon(points).buffer(size / 5).buffer(-size / 5)


def _main_roads(town: Town) -> None:
    """A road round the island, roads from the market to it, and a railway to the harbour."""
    coast = town.island.exterior
    x, y = CENTRE
    ring = []
    for point in coast.coords[:-1:6]:
        angle, reach = atan2(point[1] - y, point[0] - x), hypot(point[0] - x, point[1] - y)
        ring.append((x + 0.68 * reach * cos(angle), y + 0.68 * reach * sin(angle)))
    round_road = _smooth([*ring, ring[0]])
    town.add("roads", round_road, kind="A Road", name="Island Road", number="A1953")
    town.taken.add("Island Road")
    spokes = (("High Street", 0.04), ("Harbour Road", 0.22), ("Lighthouse Road", 0.4), ("Dunes Road", 0.6))
    for number, (name, share) in enumerate((*spokes, ("Barley Hill Road", 0.8)), start=1):
        end = round_road.interpolate(share, normalized=True)
        bend = (x + (end.x - x) * 0.5 + town.chance.uniform(-160, 160), y + (end.y - y) * 0.5)
        town.add("roads", _smooth([CENTRE, bend, (end.x, end.y)]), kind="B Road", name=name, number=f"B195{number}")
        town.taken.add(name)
    rail = _smooth([(x - 3_600, y - 700), (x - 1_900, y - 900), (x - 500, y - 760), (x + 700, y - 1_250)])
    town.add("rail", rail, kind="Single Track", least_zoom=9)
    town.add("railwaystations", rail.interpolate(0.72, normalized=True), kind="Railway Station", name="Zedholm")


def _mill_lane(town: Town, river: LineString, free: BaseGeometry) -> None:
    """The lane along the river that everybody looks for, and the quay on the other bank."""
    for name, away, first, last in (("Mill Lane", 95.0, 0.3, 0.47), ("Quay Road", -110.0, 0.34, 0.52)):
        beside = river.offset_curve(away)
        share = [beside.interpolate(at, normalized=True) for at in np.linspace(first, last, 14)]
        lane = LineString(share).intersection(free.buffer(20))
        town.add("roads", _longest(lane), kind="Local", name=name, least_zoom=12)


def _longest(shape: BaseGeometry) -> BaseGeometry:
    parts: list[BaseGeometry] = list(shapely.get_parts([shape]))
    return max(parts, key=lambda part: part.length)


def _streets(town: Town, within: BaseGeometry, middle: tuple[float, float], size: float) -> None:
    """A net of streets that has been pulled at, a fifth of it left out, each piece with a name."""
    chance, many = town.chance, int(size // BLOCK_M)
    turned = chance.uniform(-25, 25)
    nodes = {
        (i, j): (i * BLOCK_M + chance.uniform(-34, 34), j * BLOCK_M + chance.uniform(-34, 34))
        for i in range(-many, many + 1)
        for j in range(-many, many + 1)
    }
    rows = [[nodes[i, j] for i in range(-many, many + 1)] for j in range(-many, many + 1)]
    columns = [[nodes[i, j] for j in range(-many, many + 1)] for i in range(-many, many + 1)]
    cover = within.buffer(-15)
    for points in (*rows, *columns):
        start = 0
        while start < len(points) - 1:
            length = chance.choice((2, 3, 3, 4, 5))
            piece = points[start : start + length + 1]
            start += length
            if len(piece) < 2 or chance.random() < 0.14:
                continue
            placed = translate(rotate(LineString(piece), turned, origin=(0, 0)), *middle)
            for part in shapely.get_parts([placed.intersection(cover)]):
                if isinstance(part, LineString) and part.length > 110:
                    town.add("roads", part.simplify(1), kind="Local", name=town.new_name(), least_zoom=12)


def _houses(town: Town, free: BaseGeometry) -> None:
    """Houses on both sides of the streets, not on them, not in the water, and a garden apart."""
    chance = town.chance
    roads = [thing for thing in town.of("roads")]
    beds = shapely.buffer([road.shape for road in roads], 7)
    found = []
    for road in roads:
        step = 26 if road.kind == "Local" else 60
        at = 20.0
        while at < road.shape.length - 20:
            here, there = road.shape.interpolate(at), road.shape.interpolate(at + 1)
            heading = atan2(there.y - here.y, there.x - here.x)
            for side in (-1, 1):
                away, wide, deep = chance.uniform(15, 21), chance.uniform(6, 11), chance.uniform(4.5, 7)
                x, y = here.x - side * away * sin(heading), here.y + side * away * cos(heading)
                house = shapely.box(x - wide, y - deep, x + wide, y + deep)
                found.append(rotate(house, heading, use_radians=True))
            at += step * chance.uniform(0.85, 1.3)
    houses = np.array(found)
    shapely.prepare(free)
    houses = houses[shapely.contains_properly(free, houses)]
    on_street = np.unique(shapely.STRtree(beds).query(houses, predicate="intersects")[0])
    keep = np.ones(len(houses), dtype=bool)
    keep[on_street] = False
    pairs = shapely.STRtree(houses).query(houses, predicate="intersects")
    for one, other in zip(*pairs, strict=True):  # of two that overlap the first stays
        if one < other and keep[one]:
            keep[other] = False
    for house in houses[keep]:
        town.add("buildings", house, least_zoom=14)
