"""Invented places for these tests: squares in The Wash as wards, postcodes of the ZZ area, and residents."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from uuid import UUID

from sqlmodel import select

from notify.core.db import transaction
from notify.places import activation
from notify.places.activation import ActivationReport
from notify.places.release_loading import LoadReport, load_areas, load_postcodes
from notify.staff import service as staff
from notify.staff.models import Council
from notify.subscribers.models import Place, Subscriber, WardSource

DISTRICT, FAR_DISTRICT = "Z07000001", "Z07000002"
WEST, EAST, NEW_EAST = "Z05000001", "Z05000002", "Z05000003"

# (west, south, east, north) in EPSG:27700; the wards meet at easting 556000
SQUARES = {WEST: (555_000, 344_000, 556_000, 345_000), EAST: (556_000, 344_000, 557_000, 345_000)}

# postcode, easting, northing, ward; the third lies 10 m from the edge, the fourth 40 m
POSTCODES = (
    ("ZZ1 1AA", 555_500, 344_500, WEST),
    ("ZZ1 1AB", 555_600, 344_600, WEST),
    ("ZZ1 1AD", 555_990, 344_500, WEST),
    ("ZZ2 1AA", 556_040, 344_500, EAST),
    ("ZZ2 1AB", 556_500, 344_400, EAST),
)
Row = tuple[str, int, int, str]


def postcode_file(path: Path, rows: Sequence[Row] = POSTCODES, district: str = DISTRICT) -> Path:
    """A file in Code-Point Open's layout."""
    lines = (f'"{p}",{90 if e == 0 else 10},{e},{n},"E92000001","","","","{district}","{w}"' for p, e, n, w in rows)
    path.write_text("\n".join(lines) + "\n")
    return path


def ward_file(
    path: Path, squares: Mapping[str, tuple[int, int, int, int]] = SQUARES, district: str | None = DISTRICT
) -> Path:
    """Square wards as GeoJSON, in metres as the publisher once did."""
    features = [
        {
            "type": "Feature",
            "properties": {"WD25CD": code, "WD25NM": f"Ward {code[-1]}", "WD25NMW": f"Ward Gymraeg {code[-1]}"}
            | ({"LAD25CD": district} if district else {}),
            "geometry": {"type": "Polygon", "coordinates": [[[w, s], [e, s], [e, n], [w, n], [w, s]]]},
        }
        for code, (w, s, e, n) in squares.items()
    ]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    return path


def district_file(path: Path) -> Path:
    """One district round both wards."""
    ring = [[555_000, 344_000], [557_000, 344_000], [557_000, 345_000], [555_000, 345_000], [555_000, 344_000]]
    feature = {
        "type": "Feature",
        "properties": {"LAD25CD": DISTRICT, "LAD25NM": "Zedholm"},
        "geometry": {"type": "Polygon", "coordinates": [ring]},
    }
    path.write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}))
    return path


def load(path: Path) -> LoadReport:
    """Load a file as an invented product: CSV as postcodes, anything else as areas."""
    read = load_postcodes if path.suffix == ".csv" else load_areas
    return read(path, product="Invented", version="1", attribution="Nobody’s.")


def put_in_force(path: Path, *, confirmed: bool = True) -> ActivationReport:
    """Load a file and activate it."""
    release_id = load(path).release_id
    with transaction() as session:
        return activation.activate(session, release_id, confirmed=confirmed)


def found_council(*districts: str, slug: str = "zed") -> UUID:
    """A council that covers these districts."""
    with transaction() as session:
        council: Council = staff.create_council(session, slug=slug, name="Zed Council", district_codes=districts)
        return council.id


def settle(
    postcode: str, ward: str | None, *, source: WardSource = WardSource.PUBLISHED, release_id: int | None = None
) -> UUID:
    """A resident with one place."""
    with transaction() as session:
        whose = session.exec(select(Council.id)).first()
        council_id = whose or staff.create_council(session, slug="zed", name="Zed", district_codes=[DISTRICT]).id
        resident = Subscriber(council_id=council_id)
        session.add(resident)
        session.flush()
        place = Place(
            subscriber_id=resident.id,
            postcode=postcode.replace(" ", ""),
            ward_code=ward,
            district_code=DISTRICT,
            ward_source=source,
            release_id=release_id,
        )
        session.add(place)
        return place.id


def place(place_id: UUID) -> Place:
    """The resident's place as it is stored now."""
    with transaction() as session:
        return session.exec(select(Place).where(Place.id == place_id)).one()
