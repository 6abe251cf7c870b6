"""TopoJSON as GeoJSON features: shared arcs joined back into rings.

Source: the TopoJSON 1.0 specification. Coordinates come out in whatever system the file is in.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate
from typing import TypedDict, cast

Position = tuple[float, float]
Rings = Sequence[Sequence[int]]


class _Transform(TypedDict):
    scale: tuple[float, float]
    translate: tuple[float, float]


class _Topology(TypedDict, total=False):
    objects: Mapping[str, object]
    arcs: Sequence[Sequence[Sequence[float]]]
    transform: _Transform


def features(topology: Mapping[str, object]) -> Iterator[dict[str, object]]:
    """GeoJSON features of every geometry in every object of a topology.

    A geometry that is not an area, or whose arcs are missing, comes with `geometry` None.
    Raises: KeyError, TypeError or ValueError where the arcs themselves cannot be read.
    """
    whole = cast(_Topology, topology)
    transform = whole.get("transform")
    arcs = [_unquantised(arc, transform) if transform else _positions(arc) for arc in whole["arcs"]]
    for shape in _shapes(whole["objects"].values()):
        yield {"type": "Feature", "properties": shape.get("properties"), "geometry": _geometry(shape, arcs)}


def _shapes(objects: object) -> Iterator[dict[str, object]]:
    for shape in cast("Sequence[dict[str, object]]", objects):
        if shape.get("type") == "GeometryCollection":
            yield from _shapes(shape.get("geometries") or [])
        else:
            yield shape


def _positions(arc: Sequence[Sequence[float]]) -> list[Position]:
    return [(point[0], point[1]) for point in arc]


def _unquantised(arc: Sequence[Sequence[float]], transform: _Transform) -> list[Position]:
    """Each position is written as whole steps from the one before; the running sum is scaled and moved."""
    (across, up), (west, south) = transform["scale"], transform["translate"]
    xs = accumulate(step[0] for step in arc)
    ys = accumulate(step[1] for step in arc)
    return [(x * across + west, y * up + south) for x, y in zip(xs, ys, strict=True)]


def _geometry(shape: Mapping[str, object], arcs: Sequence[list[Position]]) -> dict[str, object] | None:
    kind, indexes = shape.get("type"), shape.get("arcs")
    try:
        if kind == "Polygon":
            return {"type": kind, "coordinates": _rings(cast(Rings, indexes), arcs)}
        if kind == "MultiPolygon":
            polygons = cast("Sequence[Rings]", indexes)
            return {"type": kind, "coordinates": [_rings(rings, arcs) for rings in polygons]}
    except (IndexError, TypeError):
        return None
    return None


def _rings(rings: Rings, arcs: Sequence[list[Position]]) -> list[list[Position]]:
    return [_joined(ring, arcs) for ring in rings]


def _joined(ring: Sequence[int], arcs: Sequence[list[Position]]) -> list[Position]:
    """One ring. Index ~i is arc i backwards; an arc starts where the one before it ended."""
    joined: list[Position] = []
    for index in ring:
        arc = arcs[index] if index >= 0 else arcs[~index][::-1]
        joined.extend(arc[1:] if joined else arc)
    return joined
