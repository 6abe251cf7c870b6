"""Draws the invented council of Zedholm, an island in The Wash where there is only water: `geodata/demo/`.

Run once and its files committed; the same seed draws the same island.
"""

import csv
import json
import random
from math import cos, pi, sin
from pathlib import Path

import shapely
from shapely import MultiPoint, Point, Polygon

from notify.places.geometry import to_geojson

FOLDER = Path(__file__).resolve().parent.parent / "geodata" / "demo"
CENTRE = (556_000.0, 344_500.0)  # EPSG:27700, in The Wash
DISTRICT = "Z07000001"
WARDS = (
    "Abbots Quay", "Barley Hill", "Castle Mound", "Dunes", "Eelpie", "Ferry Street",
    "Gullwing", "Harbour", "Island Road", "Kingsmarsh", "Lighthouse", "Market",
)  # fmt: skip
POSTCODES_PER_WARD = 50
LETTERS = "ABDEFGHJLNPQRSTUWXYZ"  # those that a real inward code uses


def main() -> None:
    """Draw the island, cut it into wards, sprinkle postcodes, write the files."""
    chance = random.Random(1953)
    island = _island(chance)
    cells = _wards(chance, island)
    _write_wards(cells)
    _write_postcodes(chance, cells)


def _island(chance: random.Random) -> Polygon:
    """A coast of 90 points, 3 to 5 km from the middle."""
    coast = []
    for step in range(90):
        angle = 2 * pi * step / 90
        reach = 4_000 + 700 * sin(3 * angle) + 350 * cos(5 * angle + 1) + chance.uniform(-120, 120)
        coast.append((CENTRE[0] + 1.25 * reach * cos(angle), CENTRE[1] + 0.8 * reach * sin(angle)))
    return Polygon(coast)


def _wards(chance: random.Random, island: Polygon) -> list[Polygon]:
    """The island cut into as many cells as there are names, none of them tiny."""
    seeds: list[Point] = []
    west, south, east, north = island.bounds
    while len(seeds) < len(WARDS):
        point = Point(chance.uniform(west, east), chance.uniform(south, north))
        if island.contains(point) and all(point.distance(other) > 1_400 for other in seeds):
            seeds.append(point)
    cells = shapely.voronoi_polygons(MultiPoint(seeds), extend_to=island)
    cut = [cell.intersection(island) for cell in cells.geoms]
    parts = [part for part in cut if isinstance(part, Polygon)]
    return sorted(parts, key=lambda cell: (cell.centroid.x, cell.centroid.y))


def _write_wards(cells: list[Polygon]) -> None:
    features = [
        {
            "type": "Feature",
            "properties": {
                "WD26CD": _code(number),
                "WD26NM": name,
                "LAD26CD": DISTRICT,
                "LAD26NM": "Zedholm",
            },
            "geometry": to_geojson(cell),
        }
        for number, (name, cell) in enumerate(zip(WARDS, cells, strict=True), start=1)
    ]
    lines = ",\n".join(json.dumps(feature) for feature in features)
    (FOLDER / "wards.geojson").write_text(f'{{"type": "FeatureCollection", "features": [\n{lines}\n]}}\n')
    whole = {
        "type": "Feature",
        "properties": {"LAD26CD": DISTRICT, "LAD26NM": "Zedholm"},
        "geometry": to_geojson(shapely.union_all(cells)),
    }
    (FOLDER / "districts.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": [whole]}) + "\n")


def _write_postcodes(chance: random.Random, cells: list[Polygon]) -> None:
    """Code-Point Open's own layout: PC, PQ, EA, NO, CY, RH, LH, CC, DC, WC, without a header."""
    with (FOLDER / "postcodes.csv").open("w", newline="") as file:
        writer = csv.writer(file, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n")
        for number, cell in enumerate(cells, start=1):
            outward, digit = f"ZZ{1 + (number - 1) // 3}", 1 + (number - 1) % 3 * 2
            for place in range(POSTCODES_PER_WARD):
                point = _inside(chance, cell)
                letters = LETTERS[place // 20] + LETTERS[place % 20]
                row = [f"{outward} {digit}{letters}", 10, round(point.x), round(point.y), "E92000001", "", "", ""]
                writer.writerow([*row, DISTRICT, _code(number)])


def _inside(chance: random.Random, cell: Polygon) -> Point:
    west, south, east, north = cell.bounds
    while True:
        point = Point(round(chance.uniform(west, east)), round(chance.uniform(south, north)))
        if cell.contains(point):
            return point


def _code(number: int) -> str:
    return f"Z0500{number:04}"


if __name__ == "__main__":
    main()
