"""CAP messages for tests, and the doors they go through."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import httpx
from litestar import Litestar
from litestar.testing import TestClient
from lxml import etree
from sqlalchemy import text

from notify.core import clock
from notify.core.db import transaction
from notify.places.geometry import to_lon_lat
from notify.places.models import ReleaseKind
from tests.world import DISTRICT

SENT = datetime.fromisoformat("2026-03-01T10:00:00+00:00")
SQUARE = "52.960,0.310 52.960,0.350 52.990,0.360 52.990,0.310 52.960,0.310"  # holds every postcode of the world
EXPIRES = "2026-03-02T10:00:00-00:00"
INFO = """<info>
  <language>en-GB</language><category>Met</category><event>Flooding</event>
  <urgency>Immediate</urgency><severity>Severe</severity><certainty>Likely</certainty>
  <expires>2026-03-02T10:00:00-00:00</expires>
  <headline>Flood: move upstairs</headline><description>The river is over its banks.</description>
  <instruction>Move upstairs now.</instruction><web>https://example.org/floods</web>
  {area}
</info>"""


def hold_clock(moment: datetime) -> None:
    """It is this moment until the test ends."""
    clock.use(lambda: moment)


def message(
    *,
    identifier: str = "one",
    kind: str = "Alert",
    references: str = "",
    polygon: str = SQUARE,
    area: str | None = None,
    info: str | None = None,
    sent: str = "2026-03-01T10:00:00-00:00",
    **envelope: str,
) -> str:
    """A message that is right but for what is asked."""
    words = {"sender": "alerts@example.org", "status": "Actual", "scope": "Public"} | envelope
    area = f"<area><areaDesc>By the river</areaDesc><polygon>{polygon}</polygon></area>" if area is None else area
    return f"""<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2">
<identifier>{identifier}</identifier><sender>{words["sender"]}</sender><sent>{sent}</sent>
<status>{words["status"]}</status><msgType>{kind}</msgType><scope>{words["scope"]}</scope>
{f"<references>{references}</references>" if references else ""}
{INFO.format(area=area) if info is None else info}
</alert>"""


def reference(identifier: str = "one", sent: str = "2026-03-01T10:00:00-00:00") -> str:
    """What names the message above."""
    return f"alerts@example.org,{identifier},{sent}"


def post(
    client: TestClient[Litestar], headers: dict[str, str], xml: str | bytes, **params: str | bool
) -> httpx.Response:
    """Send it."""
    about = headers | {"Content-Type": "application/cap+xml"}
    return client.post("/api/v1/cap", content=xml, headers=about, params=params)


Validate = Callable[[bytes], None]


def validator(real_data: Path) -> Validate:
    """Fails the test where a document is not what the standard's own schema asks."""
    schema = etree.XMLSchema(etree.parse(str(real_data / "cap" / "CAP-v1.2.xsd")))

    def validate(document: bytes) -> None:
        tree = etree.fromstring(document)
        assert schema.validate(tree), str(schema.error_log)

    return validate


def add_postcode(key: str, easting: int, northing: int, ward: str) -> None:
    """One more postcode of the world's district."""
    with transaction() as session:
        session.execute(
            text("""
                INSERT INTO postcode (release_id, key, easting, northing, quality, ward_code, district_code)
                VALUES (1, :key, :e, :n, 10, :ward, :district)
            """),
            {"key": key, "e": easting, "n": northing, "ward": ward, "district": DISTRICT},
        )


def outline(code: str, west: float, south: float, east: float, north: float) -> None:
    """Give a ward the outline of a rectangle in metres, EPSG:27700."""
    import shapely

    with transaction() as session:
        session.execute(
            text("UPDATE area SET geom = :geom WHERE code = :code AND kind = :kind"),
            {"geom": shapely.to_wkb(shapely.box(west, south, east, north)), "code": code, "kind": ReleaseKind.WARD},
        )


def lon_lat_ring(*corners: tuple[float, float]) -> list[list[float]]:
    """A closed GeoJSON ring of corners in metres."""
    return [list(to_lon_lat(x, y)) for x, y in (*corners, corners[0])]
