"""How fast real postcodes are read, put into wards and chosen by shape.

Reads the real data beside the checkout, or where NOTIFY_REAL_DATA says. The ratio compares the same run's rates of
our join and of a shapely tree of polygons asked point by point; higher is better for us.
"""

import json
import os
import time
from array import array
from pathlib import Path

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from notify.places.boundaries import read_areas
from notify.places.geometry import circle
from notify.places.postcode_files import read_postcodes
from notify.places.spatial_index import PostcodeIndex, edge_distances, keys_by_area

Metres = NDArray[np.int32]
Wards = list[tuple[str, BaseGeometry]]
SAMPLE = 100_000
CAMBRIDGE = (545_000, 258_500)


def run() -> list[dict[str, object]]:
    """One object per benchmark; rates are per second, in this process on one core."""
    folder = Path(os.environ.get("NOTIFY_REAL_DATA", Path(__file__).parents[2] / "shared" / "geodata"))
    if not folder.is_dir():
        raise SystemExit(f"There is no real data in {folder}; set NOTIFY_REAL_DATA to where it is.")
    parsed, keys, metres, codes = _parse(folder / "postcodes_2024" / "national_compact.csv.xz")
    started = time.perf_counter()
    index = PostcodeIndex(keys, metres[:, 0], metres[:, 1])
    indexed: dict[str, object] = {"benchmark": "places-index", "rows": len(index), "seconds": _since(started)}
    started = time.perf_counter()
    areas = read_areas(folder / "wards_2013" / "wards13_england_wales_6dp.geojsonl.gz")
    wards = [(area.code, area.geometry) for area in areas]
    read: dict[str, object] = {"benchmark": "places-read-wards", "rows": len(wards), "seconds": _since(started)}
    return [parsed, indexed, read, _join(index, metres, wards), _edges(metres, codes, wards), _choose(index)]


def _parse(path: Path) -> tuple[dict[str, object], list[str], Metres, list[str]]:
    started = time.perf_counter()
    rows = sum(1 for _ in read_postcodes(path))
    seconds = _since(started)
    keys, codes, metres = [], [], array("i")
    for row in read_postcodes(path):
        if row.easting is not None and row.northing is not None:
            keys.append(row.key)
            codes.append(row.ward_code or "")
            metres.extend((row.easting, row.northing))
    parsed: dict[str, object] = {
        "benchmark": "places-parse",
        "rows": rows,
        "seconds": seconds,
        "rate": round(rows / seconds),
    }
    return parsed, keys, np.frombuffer(metres, dtype=np.int32).reshape(-1, 2), codes


def _join(index: PostcodeIndex, metres: Metres, wards: Wards) -> dict[str, object]:
    started = time.perf_counter()
    pairs = sum(len(keys) for _, keys in keys_by_area(index, wards))
    seconds = _since(started)
    sample = metres[np.random.default_rng(1).choice(len(metres), SAMPLE, replace=False)]
    by_sample = PostcodeIndex([""] * SAMPLE, sample[:, 0], sample[:, 1])
    ours = sum(len(keys) for _, keys in keys_by_area(by_sample, wards))
    shapes = [shape for _, shape in wards]
    started = time.perf_counter()
    theirs = shapely.STRtree(shapes).query(shapely.points(sample), "intersects").shape[1]
    tree_rate = SAMPLE / _since(started)
    assert ours == theirs, "both ways must find the same pairs"
    rate = len(index) / seconds
    return {
        "benchmark": "places-points-to-wards",
        "points": len(index),
        "wards": len(wards),
        "pairs": pairs,
        "seconds": seconds,
        "rate": round(rate),
        "tree_rate": round(tree_rate),
        "ratio": round(rate / tree_rate, 2),
    }


def _edges(metres: Metres, codes: list[str], wards: Wards) -> dict[str, object]:
    started = time.perf_counter()
    edges = edge_distances(metres[:, 0], metres[:, 1], codes, wards)
    seconds = _since(started)
    measured = int(np.isfinite(edges.distance_m).sum())
    return {"benchmark": "places-edges", "points": len(metres), "own_ward_known": measured, "seconds": seconds}


def _choose(index: PostcodeIndex) -> dict[str, object]:
    shape = circle(*CAMBRIDGE, 5_000)
    best = float("inf")
    for _ in range(7):
        started = time.perf_counter()
        chosen = index.within(shape)
        best = min(best, time.perf_counter() - started)
    return {"benchmark": "places-choose-5-km", "postcodes": len(chosen), "milliseconds": round(best * 1e3, 3)}


def _since(started: float) -> float:
    return round(time.perf_counter() - started, 3)


if __name__ == "__main__":
    for result in run():
        print(json.dumps(result))
