"""More invented postcodes: the ones that sign-up has to explain."""

from datetime import date

from sqlalchemy import text

from notify.core.db import transaction
from notify.staff import service as staff
from notify.subscribers import service as subscribers
from notify.subscribers.models import NewTopic
from tests.world import DISTRICT, NORTH

ENDED, NOWHERE, UNCOVERED, UNKNOWN, NEAR = "ZZ9 1AA", "ZZ9 1AB", "ZZ9 1AD", "ZZ9 9ZZ", "ZZ1 1AD"
FAR_DISTRICT = "Z07000009"


def add_difficult_postcodes() -> None:
    """An ended postcode, one without a place, and one outside every council."""
    rows: list[dict[str, object]] = [
        {"key": "ZZ91AA", "ward": NORTH, "district": DISTRICT, "ended": date(2019, 3, 1)},
        {"key": "ZZ91AB", "ward": None, "district": None, "ended": None},
        {"key": "ZZ91AD", "ward": "Z05000009", "district": FAR_DISTRICT, "ended": None},
    ]
    with transaction() as session:
        session.execute(
            text("""
                INSERT INTO postcode (release_id, key, ward_code, district_code, ended_on)
                VALUES (1, :key, :ward, :district, :ended)
            """),
            rows,
        )


def add_county() -> None:
    """A county over the same district, with a topic of its own."""
    with transaction() as session:
        county = staff.create_council(session, slug="zedshire", name="Zedshire County", district_codes=[DISTRICT])
        topic = NewTopic(slug="potholes", name="Potholes", description="Repairs near you.")
        subscribers.create_topic(session, council_id=county.id, actor="test", new=topic)
