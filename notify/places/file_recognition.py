"""Guesses what a downloaded file holds: postcodes or areas, product, version and attribution."""

import re
import zipfile
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

from notify.core.errors import Invalid
from notify.places import boundaries
from notify.places.archives import ARCHIVES, SourceNotFound, members, unpacked_name

_MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
           "November", "December")  # fmt: skip
_MONTH = re.compile(rf"(?<![A-Za-z])({'|'.join(month[:3] for month in _MONTHS)})[a-z]*[ _-]?(20\d\d)", re.IGNORECASE)
_MOST_METADATA = 100_000
_FULL_VERSION = re.compile(r"DATASET VERSION NUMBER:\s*(\S+)")
_YEAR = re.compile(r"(?<!\d)(20\d\d)(?:[-_.](\d{1,2}))?(?!\d)")
_SHORT_YEAR = re.compile(r"(?:wards?|wd|lads?|districts?)[ _-]?([12]\d)(?!\d)", re.IGNORECASE)

_NAMES = re.compile(r"op_?name|open[ _-]?names|(?:^|[^a-z])names(?![a-z])", re.IGNORECASE)
_PRODUCTS = (
    (_NAMES, "OS Open Names"),
    (re.compile(r"code-?po(?!s)", re.IGNORECASE), "Code-Point Open"),
    (re.compile(r"onspd", re.IGNORECASE), "ONS Postcode Directory"),
    (re.compile(r"nspl", re.IGNORECASE), "National Statistics Postcode Lookup"),
    (re.compile(r"(?:^|[^a-z])wards?(?![a-z])|(?:^|[^a-z])wd\d\d", re.IGNORECASE), "Ward boundaries"),
    (re.compile(r"local_authority_districts|(?:^|[^a-z])lads?(?![a-z])|districts", re.IGNORECASE),
     "Local authority district boundaries"),
)  # fmt: skip
_ONS = "Source: Office for National Statistics licensed under the Open Government Licence v.3.0"
_CREDITS = {
    "Code-Point Open": ("OS", "Royal Mail", "National Statistics"),
    "ONS Postcode Directory": (_ONS, "OS", "Royal Mail", "National Statistics"),
    "National Statistics Postcode Lookup": (_ONS, "OS", "Royal Mail", "National Statistics"),
    "OS Open Names": ("OS",),
    "Ward boundaries": (_ONS, "OS"),
    "Local authority district boundaries": (_ONS, "OS"),
}


class KindUnclear(Invalid):
    """The path holds both postcodes and areas, or the name says neither."""

    title = "It is not clear what the file holds"


class SourceKind(StrEnum):
    """Which reader a source needs."""

    POSTCODES = "postcodes"
    AREAS = "areas"
    NAMES = "names"


@dataclass(frozen=True, slots=True)
class Recognised:
    """A guess at what a file is; `attribution` is empty where the product is not one we know."""

    kind: SourceKind
    product: str
    version: str
    attribution: str


def recognise(path: Path, kind: SourceKind | None = None) -> Recognised:
    """A guess from the names of the file and its folder, and from Code-Point's own metadata.

    Raises: SourceNotFound, SourceUnreadable, KindUnclear.
    """
    kind = kind or kind_of(path)
    metadata = _metadata(path) if kind == SourceKind.POSTCODES else ""
    named = (name for pattern, name in _PRODUCTS if pattern.search(path.name) or pattern.search(metadata))
    known, version = next(named, None), _version(path, metadata)
    return Recognised(kind, known or _stem(path), version, _attribution(known, version))


def kind_of(path: Path) -> SourceKind:
    """Whether a file, folder or zip holds postcodes or place names (CSV), or areas.

    Areas are in GeoJSON, TopoJSON, KML, Shapefile or GeoPackage; place names are known by the file's name.

    Raises: SourceNotFound, SourceUnreadable, KindUnclear.
    """
    if not path.exists():
        raise SourceNotFound(f"{path} does not exist.")
    if path.is_file() and path.suffix.lower() not in ARCHIVES:
        name = unpacked_name(path.name.lower())
        found = [kind for kind, suffixes in _SUFFIXES.items() if name.endswith(suffixes)]
    else:
        found = [kind for kind, suffixes in _SUFFIXES.items() if _holds(path, suffixes)]
    if found == [SourceKind.POSTCODES] and _NAMES.search(path.name):
        return SourceKind.NAMES
    if len(found) != 1:
        held = "both CSV and map files" if found else "no CSV, GeoJSON, TopoJSON, KML, Shapefile or GeoPackage"
        raise KindUnclear(f"{path.name} holds {held}. Say what to load with --kind postcodes or --kind areas.")
    return found[0]


_SUFFIXES = {SourceKind.POSTCODES: (".csv",), SourceKind.AREAS: boundaries.SUFFIXES}


def _holds(path: Path, suffixes: tuple[str, ...]) -> bool:
    try:
        return bool(members(path, suffixes))
    except SourceNotFound:
        return False


def _stem(path: Path) -> str:
    return path.name.split(".")[0] or path.name


def _version(path: Path, metadata: str) -> str:
    """As exact as the source says: `2024.1.0`, `May 2024`, `2021`; else the day the file was written."""
    stated = _FULL_VERSION.search(metadata)
    if stated:
        return stated[1]
    for name in (path.name, path.resolve().parent.name):
        month, year, short = _MONTH.search(name), _YEAR.search(name), _SHORT_YEAR.search(name)
        if month:
            return f"{next(full for full in _MONTHS if full.startswith(month[1].title()))} {month[2]}"
        if year:
            return f"{year[1]}-{int(year[2]):02}" if year[2] else year[1]
        if short:
            return f"20{short[1]}"
    return datetime.fromtimestamp(path.stat().st_mtime, UTC).date().isoformat()


def _metadata(path: Path) -> str:
    """Code-Point's `doc/metadata.txt`: in the zip, in the folder, or beside the file."""
    if path.suffix.lower() == ".zip":
        try:
            with zipfile.ZipFile(path) as archive:
                name = next((name for name in archive.namelist() if name.lower().endswith("doc/metadata.txt")), None)
                if name is None:
                    return ""
                with archive.open(name) as stored:
                    return stored.read(_MOST_METADATA).decode(errors="replace")
        except (OSError, zipfile.BadZipFile):
            return ""  # the reader will say what is wrong with it
    folder = path if path.is_dir() else path.parent
    beside = folder / "doc" / "metadata.txt"
    return beside.read_text(errors="replace") if beside.is_file() else ""


def _attribution(product: str | None, version: str) -> str:
    if product is None:
        return ""
    year = _YEAR.search(version)
    right = f"copyright and database right {year[1]}" if year else "copyright and database right"
    owners = {"OS": f"OS data © Crown {right}", "Royal Mail": f"Royal Mail data © Royal Mail {right}",
              "National Statistics": f"National Statistics data © Crown {right}"}  # fmt: skip
    return "\n".join(f"Contains {owners[name]}" if name in owners else name for name in _CREDITS[product])
