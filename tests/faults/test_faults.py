"""The fault programme in small: 2,000 deliveries while everything that can be killed is killed once."""

import json
import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.long

RECIPIENTS = 2_000
FAULT = "all but outages"
Row = dict[str, int]


@pytest.fixture(scope="module")
def row() -> Row:
    """What the programme said at last, in an installation of its own."""
    command = [sys.executable, "-m", "tests.faults", "--fault", FAULT, "--recipients", str(RECIPIENTS), "--kills", "0"]
    command += ["--rate", "700", "--hurry"]
    env = {name: value for name, value in os.environ.items() if not name.startswith("NOTIFY_")}
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=300, check=False)
    print(done.stdout, done.stderr)  # for whoever has to find out what went wrong
    row: Row = json.loads(done.stdout.splitlines()[-1])[FAULT]
    return row


def test_every_blow_fell(row: Row) -> None:
    assert (row["blows"], row["kills"]) == (14, 7)


def test_nobody_is_left_out(row: Row) -> None:
    assert row["deliveries"] >= RECIPIENTS
    assert row["lost"] == 0
    assert row["unfinished"] == 0


def test_nothing_comes_twice_but_what_was_in_flight_or_never_answered(row: Row) -> None:
    assert row["unexplained"] == 0
    assert row["duplicated"] <= row["in_flight_bound"] + row["excused"]


def test_nobody_gets_what_is_not_for_them_nor_when_it_is_over(row: Row) -> None:
    assert (row["unexpected"], row["late"]) == (0, 0)


def test_the_same_request_makes_one_alert(row: Row) -> None:
    assert row["extra_alerts"] == 0


def test_the_ledger_says_what_happened(row: Row) -> None:
    assert row["misrecorded"] == 0
