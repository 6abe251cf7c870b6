"""How the base map looks: MapLibre styles for its three looks, over the layers that OS Open Zoomstack names.

Labels are drawn in the browser with its own sans-serif type (MapLibre does so where a style names no glyphs): nothing
is fetched for them, and they have the letters of every language that the reader's machine has.
"""

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from notify.places.basemap.store import About

Layer = dict[str, Any]
LOOKS = ("light", "dark", "contrast")
MAIN = ["Motorway", "Primary", "A Road"]
MIDDLE = ["B Road", "Minor"]
TOWNS = ["Capital", "City", "Town"]
VILLAGES = ["Village", "Hamlet", "Suburban Area", "Small Settlements"]
PLAIN, BOLD, SLANTED = ["Arial Regular"], ["Arial Bold"], ["Arial Italic"]


@dataclass(frozen=True, slots=True)
class Inks:
    """The colours of one look."""

    land: str
    sea: str
    shore: str
    wood: str
    green: str
    town: str
    building: str
    edge: str
    street: str
    main: str
    middle: str
    casing: str
    rail: str
    words: str
    water_words: str
    green_words: str
    halo: str


INKS: Mapping[str, Inks] = {
    "light": Inks(
        *("#f7f5f0", "#b9d9ec", "#e9e2c8", "#cfe3c4", "#d9ecce", "#ece7df", "#d8cfc2", "#b9ac9a"),
        *("#ffffff", "#f6c667", "#fbe7a8", "#a79b88", "#7d7f85", "#26282b", "#1b5277", "#2d5a2b", "#ffffff"),
    ),
    "dark": Inks(
        *("#1b2024", "#12344a", "#2b2b24", "#21301f", "#243423", "#23292d", "#343b41", "#4a535b"),
        *("#4b545c", "#a0752b", "#77683c", "#101417", "#8d949b", "#f1f3f4", "#9fd0ef", "#a9d8a4", "#10161a"),
    ),
    "contrast": Inks(
        *("#ffffff", "#cfe6f7", "#f5f0d8", "#e3f2dc", "#e3f2dc", "#f4f4f4", "#d0d0d0", "#303030"),
        *("#ffffff", "#ffd75e", "#fff1b8", "#000000", "#000000", "#000000", "#002b4d", "#0f3d0c", "#ffffff"),
    ),
}


def style_of(look: str, about: About | None, *, tiles_url: str = "", tiles_credit: str = "") -> Mapping[str, Any]:
    """The style for a look: pictures from `tiles_url` where one is set, else the base map, else the wards alone."""
    inks = INKS[look]
    ground: Layer = {"id": "ground", "type": "background", "paint": {"background-color": inks.land}}
    made: dict[str, Any] = {"version": 8, "name": f"Council map, {look}", "sources": {}, "layers": [ground]}
    if tiles_url:
        made["sources"]["pictures"] = {
            "type": "raster", "tiles": [tiles_url], "tileSize": 256, "maxzoom": 20,
            "attribution": html.escape(tiles_credit),
        }  # fmt: skip
        dimmed = {"raster-brightness-max": 0.6, "raster-saturation": -0.4} if look == "dark" else {}
        made["layers"].append({"id": "pictures", "type": "raster", "source": "pictures", "paint": dimmed})
    elif about is not None:
        made["sources"]["base"] = {
            "type": "vector",
            "tiles": [f"/basemap/{{z}}/{{x}}/{{y}}.pbf?v={about.version}"],
            "minzoom": about.least_zoom,
            "maxzoom": about.most_zoom,
            "bounds": list(about.bounds),
            "attribution": html.escape(about.attribution),
        }
        made["layers"] += [*_ground(inks), *_ways(inks), *_labels(inks)]
    return made


def _fill(source_layer: str, ink: str, **more: object) -> Layer:
    return {
        "id": source_layer, "type": "fill", "source": "base", "source-layer": source_layer,
        "paint": {"fill-color": ink, **more},
    }  # fmt: skip


def _line(name: str, source_layer: str, ink: str, width: object, **more: object) -> Layer:
    layout = {"line-cap": "round", "line-join": "round"}
    paint: dict[str, object] = {"line-color": ink, "line-width": width}
    if "dash" in more:
        paint["line-dasharray"], layout = more.pop("dash"), {"line-join": "round"}
    return {
        "id": name, "type": "line", "source": "base", "source-layer": source_layer, "layout": layout, "paint": paint,
        **more,
    }  # fmt: skip


def _wide(*stops: float) -> list[object]:
    """A width that grows with the zoom: pairs of zoom and pixels."""
    return ["interpolate", ["exponential", 1.5], ["zoom"], *stops]


def _is(*types: str) -> list[object]:
    return ["match", ["get", "type"], list(types), True, False]


def _ground(inks: Inks) -> Sequence[Layer]:
    return [
        _fill("sea", inks.sea),
        _fill("foreshore", inks.shore),
        _fill("urban_areas", inks.town),
        _fill("national_parks", inks.green, **{"fill-opacity": 0.4}),
        _fill("sites", inks.town),
        _fill("greenspaces", inks.green),
        _fill("woodland", inks.wood),
        _fill("surfacewater", inks.sea),
        _line("waterlines", "waterlines", inks.sea, _wide(8, 0.6, 12, 1.6, 16, 6)),
        _fill("buildings", inks.building, **{"fill-outline-color": inks.edge}) | {"minzoom": 13},
        _line("boundaries", "boundaries", inks.rail, 1, dash=[6, 3], maxzoom=12),
    ]


def _ways(inks: Inks) -> Sequence[Layer]:
    streets = ["!", ["match", ["get", "type"], [*MAIN, *MIDDLE], True, False]]
    return [
        _line("street-edges", "roads", inks.casing, _wide(11, 0.6, 14, 3.4, 16, 11, 19, 38), filter=streets),
        _line("streets", "roads", inks.street, _wide(11, 0.3, 14, 2.2, 16, 9, 19, 34), filter=streets),
        _line("middle-edges", "roads", inks.casing, _wide(9, 1, 14, 5.4, 16, 14, 19, 44), filter=_is(*MIDDLE)),
        _line("middle", "roads", inks.middle, _wide(9, 0.6, 14, 3.8, 16, 11.5, 19, 40), filter=_is(*MIDDLE)),
        _line("main-edges", "roads", inks.casing, _wide(6, 1, 12, 4, 14, 7.4, 16, 17, 19, 50), filter=_is(*MAIN)),
        _line("main", "roads", inks.main, _wide(6, 0.6, 12, 2.6, 14, 5.4, 16, 14, 19, 45), filter=_is(*MAIN)),
        _line("rail", "rail", inks.rail, _wide(9, 0.8, 14, 2, 17, 3.5), dash=[4, 2]),
    ]


def _labels(inks: Inks) -> Sequence[Layer]:
    return [
        _label("water-names", _is("Water"), inks.water_words, inks, 11, 12.5, SLANTED),
        _label("green-names", _is("Greenspace", "Woodland", "Landform"), inks.green_words, inks, 13, 12, PLAIN),
        _label("site-names", _is("Sites"), inks.words, inks, 14, 11.5, PLAIN),
        {
            "id": "street-names", "type": "symbol", "source": "base", "source-layer": "roads", "minzoom": 12.5,
            "filter": ["has", "name"],
            "layout": {
                "symbol-placement": "line", "text-field": ["get", "name"], "text-font": PLAIN,
                "text-size": ["interpolate", ["linear"], ["zoom"], 12.5, 11, 15, 13, 18, 16],
                "symbol-spacing": 300, "text-max-angle": 35, "text-padding": 3,
            },
            "paint": {"text-color": inks.words, "text-halo-color": inks.halo, "text-halo-width": 1.8},
        },
        _label("village-names", _is(*VILLAGES), inks.words, inks, 9, 13, PLAIN),
        _label("town-names", _is(*TOWNS), inks.words, inks, 5, 15, BOLD),
    ]  # fmt: skip


def _label(name: str, chosen: list[object], ink: str, inks: Inks, zoom: float, size: float, face: list[str]) -> Layer:
    return {
        "id": name, "type": "symbol", "source": "base", "source-layer": "names", "minzoom": zoom, "filter": chosen,
        "layout": {
            "text-field": ["get", "name1"], "text-font": face, "text-max-width": 8, "text-padding": 4,
            "text-size": ["interpolate", ["linear"], ["zoom"], zoom, size, zoom + 5, size + 3],
        },
        "paint": {"text-color": ink, "text-halo-color": inks.halo, "text-halo-width": 1.8},
    }  # fmt: skip
