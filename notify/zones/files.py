"""Zones from a map file: each of its areas becomes one, under the name that the file gives it.

The Environment Agency publishes its flood warning areas with a code in FWS_TACODE and a name in TA_NAME.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from shapely import union_all
from shapely.geometry.base import BaseGeometry

from notify.core.errors import Invalid
from notify.places.geometry import ShapeTooComplex
from notify.places.shape_files import features_in, with_fewer_corners

# what files call the name of an area, the likeliest first; letters of either size
NAMES = ("ta_name", "name", "zone", "zone_name", "title", "label", "site", "site_name", "reservoir", "school", "id")
CODES = ("fws_tacode", "ta_code", "tacode", "code", "reference", "ref")
FLOOD_CODES = ("fws_tacode", "ta_code", "tacode")
LONGEST_NAME, LONGEST_CODE = 120, 60


class ZoneHasNoName(Invalid):
    """An area of the file has no name, and none was given."""

    title = "An area of the file has no name"


@dataclass(frozen=True, slots=True)
class FoundZone:
    """One area of a file: EPSG:27700, with at most 2,000 corners. `is_flood` where the file says that it is one."""

    name: str
    reference: str | None
    is_flood: bool
    shape: BaseGeometry


def zones_in_file(file: bytes, *, name: str = "", name_property: str = "") -> Sequence[FoundZone]:
    """The areas of the file, named by `name_property` or what is usual; with `name` all of them are one zone.

    Areas of one code, or of one name without codes, are parts of one zone.

    Raises: ZoneHasNoName, and what `shape_files.features_in` raises, also while they are read.
    """
    parts: dict[tuple[str, str], list[FoundZone]] = {}
    for one in _read(file, name, name_property):
        parts.setdefault((one.reference or "", "" if one.reference else one.name), []).append(one)
    return [_joined(found) for found in parts.values()]


def _joined(parts: Sequence[FoundZone]) -> FoundZone:
    whole = parts[0].shape if len(parts) == 1 else union_all([part.shape for part in parts])
    try:
        return replace(parts[0], shape=with_fewer_corners(whole))
    except ShapeTooComplex as error:  # of many areas, which one
        raise ShapeTooComplex(f"{parts[0].name}: {error.detail}") from None


def _read(file: bytes, name: str, name_property: str) -> Iterator[FoundZone]:
    for number, feature in enumerate(features_in(file), start=1):
        known = {str(key).lower(): _words(value) for key, value in feature.properties.items()}
        wanted = (name_property.lower(),) if name_property else NAMES
        called = name or _first(known, wanted)
        if not called:
            listed = ", ".join(sorted(str(key) for key in feature.properties)[:20]) or "none"
            raise ZoneHasNoName(
                f"Area {number} has no name. Give the property of the file that names the areas; it has: {listed}."
            )
        yield FoundZone(
            name=called[:LONGEST_NAME],
            reference=None if name else _first(known, CODES)[:LONGEST_CODE] or None,
            is_flood=any(known.get(code) for code in FLOOD_CODES),
            shape=feature.shape,
        )


def _words(value: object) -> str:
    return " ".join(str(value).split()) if value is not None else ""


def _first(known: Mapping[str, str], names: Sequence[str]) -> str:
    return next((known[one] for one in names if known.get(one)), "")
