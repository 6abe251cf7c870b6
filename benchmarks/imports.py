"""How fast a council's list of residents is imported: a CSV file as the API takes it, with consent and places.

python -m benchmarks.imports [--rows 50000]
"""

import argparse
import json
import time
from datetime import UTC, datetime

from benchmarks.installation import add_places, installation, make_council
from notify.core import db
from notify.providers.base import Channel
from notify.subscribers.imports.csv_file import read_rows
from notify.subscribers.imports.service import import_subscribers
from notify.subscribers.models import ConsentEvidence, NewTopic

POSTCODES = 3_900


def file_of(rows: int) -> bytes:
    """A CSV file of invented residents, each with one address and one postcode."""
    lines = ["name,email,postcode,topics"]
    lines += [f"Person {n},p{n}@example.org,ZZ1 1AA,bins" for n in range(rows)]
    return "\n".join(lines).encode()


def main() -> None:
    """Import once into an empty council and once more, when everyone is known; the last line is JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=50_000)
    rows = parser.parse_args().rows
    file = file_of(rows)
    seconds = []
    with installation():
        council, _key = make_council(NewTopic(slug="bins", name="Bins", channels=[Channel.EMAIL]))
        with db.transaction() as session:
            add_places(session, POSTCODES)
        for _ in range(2):
            evidence = ConsentEvidence(
                wording_version="bench-1", wording="Yes, write to me.", source="list", given_at=datetime.now(UTC)
            )
            started = time.monotonic()
            with db.transaction() as session:
                import_subscribers(
                    session,
                    council_id=council,
                    actor="bench",
                    rows=read_rows(file),
                    evidence=evidence,
                    confirmed=True,
                )
            seconds.append(time.monotonic() - started)
    figures = {"rows": rows, "new_rows_per_s": round(rows / seconds[0]), "known_rows_per_s": round(rows / seconds[1])}
    print(json.dumps({"benchmark": "imports", **figures}))


if __name__ == "__main__":
    main()
