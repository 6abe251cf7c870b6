"""Two districts become a unitary council with new wards: on a small invented land, and on real Cambridgeshire."""

import csv
import gzip
import json
from collections.abc import Callable
from pathlib import Path

from tests.alerts.calls import Client
from tests.mailbox import Mailbox
from tests.reorganisation.scenario import Land, Postcode, run

Work = Callable[[], None]

FIRST, SECOND, UNITARY = "Z07000001", "Z07000002", "Z06000001"


def invented() -> Land:
    """Two wards a district. Of the first, one is split in two; a postcode of it is gone, and one of another ward."""
    wards = {"Z05000001": FIRST, "Z05000002": FIRST, "Z05000003": SECOND, "Z05000004": SECOND}
    before = [
        Postcode(f"ZZ{number} {sector}A{letter}", 500_000 + number * 1000, 300_000 + sector * 100, ward, district)
        for number, (ward, district) in enumerate(wards.items(), 1)
        for sector in range(1, 3)
        for letter in "ABD"
    ]
    new = {"Z05000001": "Z05000012", "Z05000002": "Z05000012", "Z05000003": "Z05000013", "Z05000004": "Z05000004"}
    after = [
        Postcode(
            one.postcode, one.easting, one.northing,
            "Z05000011" if one.ward == "Z05000001" and " 1A" in one.postcode else new[one.ward], UNITARY,
        )
        for one in before
        if one.postcode not in ("ZZ1 1AA", "ZZ3 1AA")
    ]  # fmt: skip
    return Land(before, after, (FIRST, SECOND), UNITARY, "Z05000001")


def test_an_invented_reorganisation(client: Client, inbox: Mailbox, work: Work, tmp_path: Path) -> None:
    run(client, inbox, work, tmp_path, invented(), every=1)


CAMBRIDGE, SOUTH = "E07000008", "E07000012"


def postcodes(path: Path, district: str | None = None) -> list[Postcode]:
    """The postcodes of both districts that have a ward, in the unitary where one is given."""
    with path.open() as file:
        rows = [row for row in csv.reader(file) if row[8] in (CAMBRIDGE, SOUTH) and row[9]]
    return [
        Postcode(f"{row[0][:-3].strip()} {row[0][-3:]}", int(row[2]), int(row[3]), row[9], district or row[8])
        for row in rows
    ]


def outlines(real_data: Path, folder: Path) -> tuple[Path, Path]:
    """The wards of both districts, as published in 2013 and in 2021."""
    old, new = folder / "wards_2013.geojsonl", folder / "wards_2021.geojson"
    with gzip.open(real_data / "wards_2013" / "wards13_england_wales_6dp.geojsonl.gz", "rt") as lines:
        old.write_text("".join(line for line in lines if CAMBRIDGE in line or SOUTH in line))
    with (real_data / "wards_2021" / "lookup_ward21_ltla21.csv").open() as file:
        own = {
            code for row in csv.reader(file) if {CAMBRIDGE, SOUTH} & set(row) for code in row if code.startswith("E05")
        }
    with gzip.open(real_data / "wards_2021" / "wards21_uk.geojson.gz", "rt") as file:
        every = json.load(file)
    every["features"] = [one for one in every["features"] if own & {str(v) for v in one["properties"].values()}]
    new.write_text(json.dumps(every))
    return old, new


def test_cambridge_and_south_cambridgeshire_become_one(
    client: Client, inbox: Mailbox, work: Work, tmp_path: Path, real_data: Path
) -> None:
    land = Land(
        postcodes(real_data / "postcodes_2014" / "cb.csv"),
        postcodes(real_data / "postcodes_2024" / "cb.csv", "E06000099"),
        (CAMBRIDGE, SOUTH),
        "E06000099",
        "E05002702",  # Abbey
        outlines(real_data, tmp_path),
    )
    run(client, inbox, work, tmp_path, land, every=40)
