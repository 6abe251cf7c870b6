"""How fast, and in how much memory, a national release is loaded and activated: `python -m benchmarks.geodata_load`.

The reference in the same run is reading the same file without storing it.
"""

import json
import os
import secrets
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from notify import migrations
from notify.core import db, settings
from notify.devserver import embedded

CAMBRIDGE_AND_DOVER = ("E07000008", "E07000108")
NATIONAL = Path("postcodes_2024") / "national_compact.csv.xz"
WARDS = Path("wards_2021") / "wards21_uk.geojson.gz"

# each in a process of its own, so that each has a peak of its own
_STEP = """
import json, resource, sys, time
from pathlib import Path
from notify.core.db import transaction
from notify.places import activation as service, postcode_files as sources, release_loading as loading
step, argument = sys.argv[1:]
started = time.monotonic()
credit = {"product": "p", "version": "v", "attribution": "a"}
if step == "read":
    figures = {"rows": sum(1 for _ in sources.read_postcodes(Path(argument)))}
elif step == "activate":
    with transaction() as session:
        report = service.activate(session, int(argument), confirmed=True)
    figures = {"added": report.added, "moved_ward": report.moved_ward, "edges": report.edges}
else:
    report = getattr(loading, step)(Path(argument), **credit)
    figures = {"rows": report.rows, "release": report.release_id}
seconds = time.monotonic() - started
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
print(json.dumps({**figures, "seconds": round(seconds, 2), "peak_mb": peak}))
"""


def run() -> list[dict[str, object]]:
    """One object per step: reading alone, loading all postcodes and all wards, and activating them."""
    folder = Path(os.environ.get("NOTIFY_REAL_DATA", Path(__file__).parents[2] / "shared" / "geodata"))
    if not (folder / NATIONAL).exists():
        return [{"benchmark": "geodata_load", "skipped": f"{NATIONAL} is not in NOTIFY_REAL_DATA"}]
    with tempfile.TemporaryDirectory() as directory:
        try:
            with embedded.servers(Path(directory)) as addresses:
                _use(addresses)
                return _steps(folder)
        finally:
            embedded.reset(Path(directory))


def _use(addresses: embedded.Addresses) -> None:
    os.environ["NOTIFY_DATABASE_URL"] = addresses.database_url
    os.environ["NOTIFY_REDIS_URL"] = addresses.redis_url
    os.environ["NOTIFY_SECRET_KEY"] = secrets.token_hex(32)
    settings.reread()
    migrations.run(db.engine())


def _steps(folder: Path) -> list[dict[str, object]]:
    with db.engine().begin() as connection:
        connection.exec_driver_sql(
            "INSERT INTO council (id, slug, name, district_codes, created_at) VALUES (uuidv7(), 'x', 'X', %s, now())",
            (list(CAMBRIDGE_AND_DOVER),),
        )
    db.engine().dispose()
    reading = _measure("read", folder / NATIONAL)
    loading = _measure("load_postcodes", folder / NATIONAL)
    loading["rows_per_s"] = round(_number(loading, "rows") / _number(loading, "seconds"))
    loading["ratio_to_reading"] = round(_number(loading, "seconds") / _number(reading, "seconds"), 2)
    wards = _measure("load_areas", folder / WARDS)
    first = _measure("activate", "1")
    edges = _measure("activate", "2")
    _measure("load_postcodes", folder / NATIONAL)
    again = _measure("activate", "3")
    steps = {
        "read": reading, "load": loading, "load_wards": wards, "activate_first": first, "activate_wards": edges,
        "activate_next": again,
    }  # fmt: skip
    return [{"benchmark": f"geodata_{name}", **figures} for name, figures in steps.items()]


def _measure(step: str, argument: object) -> dict[str, object]:
    started = time.monotonic()
    done = subprocess.run([sys.executable, "-c", _STEP, step, str(argument)], check=True, stdout=subprocess.PIPE)
    figures: dict[str, object] = json.loads(done.stdout)
    return figures | {"process_seconds": round(time.monotonic() - started, 2)}


def _number(figures: dict[str, object], name: str) -> float:
    value = figures[name]
    assert isinstance(value, int | float)
    return float(value)


if __name__ == "__main__":
    for line in run():
        print(json.dumps(line))
