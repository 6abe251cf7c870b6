"""Thirty-three real wards on one page that is no burden: to see, to tick, and to press."""

import csv
import gzip
import json
from pathlib import Path

import shapely
from litestar import Litestar
from litestar.testing import TestClient
from sqlalchemy import text

from notify.core.db import transaction
from notify.places.geometry import parse_shape
from tests.drafting.desk import sit_down
from tests.world import make_world

LEEDS = "E08000035"
HEAVIEST = 150_000


def load_leeds(real_data: Path) -> None:
    """The wards of Leeds in place of the invented ones."""
    folder = real_data / "wards_2021"
    with (folder / "lookup_ward21_ltla21.csv").open(encoding="utf-8-sig") as file:
        codes = {row["WD21CD"] for row in csv.DictReader(file) if row["LAD21CD"] == LEEDS}
    with gzip.open(folder / "wards21_uk.geojson.gz", "rt") as file:
        features = json.load(file)["features"]
    wards = [one for one in features if one["properties"]["WD21CD"] in codes]
    with transaction() as session:
        session.execute(text("DELETE FROM area"))
        session.execute(text("UPDATE council SET district_codes = ARRAY[:leeds]"), {"leeds": LEEDS})
        session.execute(
            text("""
                INSERT INTO area (release_id, code, kind, name, district_code, population, geom)
                VALUES (2, :code, 'ward', :name, :leeds, 20000, :geom)
            """),
            [
                {
                    "code": one["properties"]["WD21CD"],
                    "name": one["properties"]["WD21NM"],
                    "leeds": LEEDS,
                    "geom": shapely.to_wkb(parse_shape(one["geometry"])),
                }
                for one in wards
            ],
        )


def test_the_wards_of_leeds_fit_on_one_light_page(client: TestClient[Litestar], real_data: Path) -> None:
    world = make_world()
    load_leeds(real_data)
    kim = sit_down(client, world).begin()
    page = client.get(f"{kim.draft}/where")
    assert page.text.count("data-ward=") == 33
    assert page.text.count('name="ward"') == 33
    assert "Headingley &amp; Hyde Park" in page.text
    assert 10_000 < len(page.content) < HEAVIEST
