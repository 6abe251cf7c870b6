"""How long a dry run takes among 200,000 subscribers, beside a bare count of the same table in the same run."""

import json
import time
from collections.abc import Callable
from functools import partial
from statistics import median

from sqlalchemy import text

from benchmarks.installation import add_places, add_residents, installation, make_council
from notify.alerts.models import DryRun
from notify.alerts.queries import count_audience
from notify.core import db
from notify.staff.rights import SystemActor
from notify.subscribers.models import NewTopic

RESIDENTS, POSTCODES = 200_000, 3_900
AUDIENCES = {
    "one ward": {"wards": ["Z05000003"]},
    "fourteen wards": {"wards": [f"Z05{n:06}" for n in range(14)]},
    "circle of 1 km": {"circle": {"lon": 0.28, "lat": 52.95, "radius_m": 1000}},
    "everyone less a ward": {"except": {"wards": ["Z05000003"]}},
    "everyone": None,
}


def run() -> list[dict[str, object]]:
    """One row an audience: people, and the median milliseconds of nine counts; the reference is a bare count."""
    rows: list[dict[str, object]] = []
    with installation():
        council_id, _ = make_council(NewTopic(slug="bins", name="Bins"))
        by = SystemActor("benchmark", council_id)
        with db.transaction() as session:
            add_places(session, POSTCODES)
        with db.transaction() as session:
            add_residents(session, RESIDENTS, postcodes=POSTCODES)
        with db.transaction() as session:
            reference = _milliseconds(lambda: session.execute(text("SELECT count(*) FROM contact")).scalar())
            for name, audience in AUDIENCES.items():
                asked = DryRun.model_validate({"topic": "bins", "audience": audience})
                people = count_audience(session, by, asked).people
                took = _milliseconds(partial(count_audience, session, by, asked))
                rows.append({"benchmark": "dry_run", "audience": name, "people": people, "milliseconds": took,
                             "bare_count_milliseconds": reference})  # fmt: skip
    return rows


def _milliseconds(work: Callable[[], object]) -> float:
    times = []
    for _ in range(9):
        start = time.perf_counter()
        work()
        times.append((time.perf_counter() - start) * 1000)
    return round(median(times), 1)


if __name__ == "__main__":
    for row in run():
        print(json.dumps(row))
