"""Reports say what the ledger says: after an alert, and of the personal data that is held."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner
from litestar import Litestar
from litestar.testing import TestClient

from notify.cli import main
from notify.evidence.other_answers import is_about_bins
from notify.exports.dictionary import dictionary
from notify.exports.dictionary_terms import About
from notify.insight import rollups
from notify.providers.base import Channel
from notify.staff.models import Role
from tests.alerts.calls import act, created
from tests.house import runs
from tests.house.runs import ATTACKS
from tests.mailbox import Mailbox
from tests.world import World, add_outlines, add_resident, at_the_desk, make_key, make_world

Client = TestClient[Litestar]
Work = Callable[[], None]
ROOT = Path(__file__).parents[2]


@pytest.fixture
def world(client: Client) -> World:
    return make_world()


def test_after_an_alert_everybody_reads_what_happened(client: Client, world: World, work: Work, inbox: Mailbox) -> None:
    add_outlines()
    add_resident(world, "a@example.org", topics=["bins"])
    add_resident(world, "b@example.org", topics=["bins"], postcodes=["ZZ2 1AA"])
    alert = created(client, world.headers, topic="bins", title="Bins <late>", body="On #pagebreak() Friday.", send=True)
    work()
    rollups.keep_up()
    act(client, world.headers, alert["id"], "update", {"title": "Bins are out", "body": "All done."})
    work()
    viewer = at_the_desk(make_key(world, Role.VIEWER))
    page = client.get(f"/staff/alerts/{alert['id']}/report", headers=viewer).text
    assert "Bins &lt;late&gt;" in page
    for words in ("95% were sent", "Northside", "Southside", "Update sent: Bins are out"):
        assert words in page, words
    assert 'class="number"' in page.partition("<h2>By ward</h2>")[2]  # drawn, with the numbers of the table
    found = client.get(f"/staff/alerts/{alert['id']}/report?format=json", headers=viewer).json()
    became = next(one for one in found["sections"] if one["heading"] == "Message status")
    assert dict(became["rows"])["Sent"] == "2"
    assert "example.org" not in str(found)
    made = client.get(f"/staff/alerts/{alert['id']}/report?format=pdf", headers=viewer)
    assert made.content.startswith(b"%PDF-1.7")


def test_every_table_about_people_is_in_the_inventory(client: Client, world: World) -> None:
    viewer = at_the_desk(make_key(world, Role.MONITORING))
    found = client.get("/staff/evidence/personal-data?format=json", headers=viewer).json()
    held = next(one for one in found["sections"] if one["heading"] == "What is held where")
    assert {row[0] for row in held["rows"]} == {table.name for table in dictionary() if table.about != About.NOBODY}
    why = next(one for one in found["sections"] if one["heading"].startswith("Why"))
    assert {row[0] for row in why["rows"]} == {"Bin collections", "Emergencies", "Road closures"}
    assert "Which personal data" in client.get("/staff/evidence", headers=viewer).text
    assert client.get("/staff/evidence/personal-data?format=pdf", headers=viewer).content.startswith(b"%PDF")


def test_the_inventory_names_the_providers_of_every_channel_also_in_emergencies(
    client: Client, world: World, choose: Callable[..., None]
) -> None:
    choose(VOICE_PROVIDERS="twilio-voice", EMERGENCY_SMS_PROVIDERS="twilio-sms,govuk-sms")
    viewer = at_the_desk(make_key(world, Role.MONITORING))
    found = client.get("/staff/evidence/personal-data?format=json", headers=viewer).json()
    handlers = next(one for one in found["sections"] if one["heading"] == "Who handles it for the council")
    assert len(handlers["rows"]) == len(Channel)
    by_way = {row[0]: row[1:] for row in handlers["rows"]}
    assert by_way["Text message"] == ["file", "twilio-sms, govuk-sms"]
    assert by_way["Phone call"] == ["twilio-voice", "twilio-voice"]
    assert by_way["Webhook"] == ["webhook", "webhook"]


@pytest.mark.parametrize("slug", ["bins", "bin-collections", "garden-waste", "recycling", "biniau"])
def test_these_topics_are_about_bins(slug: str) -> None:
    assert is_about_bins(slug)


@pytest.mark.parametrize("slug", ["cabinet-meetings", "robins", "road-closures", "combined-authority", "wasted-heat"])
def test_these_topics_are_not_about_bins(slug: str) -> None:
    assert not is_about_bins(slug)


def test_the_latest_runs_say_what_was_tried_when_and_how_to_repeat_it(client: Client, world: World) -> None:
    viewer = at_the_desk(make_key(world, Role.VIEWER))
    page = client.get("/staff/evidence/runs", headers=viewer).text
    for words in ("axe-core", "python -m tests.house.runs attacks", "make bench", "make faults", "no penetration test"):
        assert words in page, words
    found = client.get("/staff/evidence/runs?format=json", headers=viewer).json()
    sections = {one["heading"]: one for one in found["sections"]}
    assert list(sections) == ["Accessibility", "Attacks", "Load", "Faults"]
    assert all(one["rows"] and all(len(row) == len(one["heads"]) for row in one["rows"]) for one in sections.values())
    assert {tried == withstood for _, tried, withstood in sections["Attacks"]["rows"]} == {True}
    assert client.get("/staff/evidence/runs?format=pdf", headers=viewer).content.startswith(b"%PDF")
    said = CliRunner().invoke(main, ["evidence", "runs"])
    assert (said.exit_code, "Wrong counts" in said.output) == (0, True), said.output


def test_every_attack_that_is_told_of_is_there_to_be_run() -> None:
    for what, files in ATTACKS.items():
        assert all((ROOT / file).is_file() for file in files), what


def test_figures_are_read_from_what_the_runs_print(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "FILE", tmp_path / "runs.json")
    row = {"kills": 2, "deliveries": 1000, "lost": 0, "duplicated": 1, "misrecorded": 0, "recovery_s_max": 3.25}
    runs.keep("faults", runs.faults({"worker killed": row, "nothing": row | {"kills": 0, "recovery_s_max": 0.0}}))
    kept = json.loads((tmp_path / "runs.json").read_text())["faults"]["rows"]
    assert [tuple(one[:2]) for one in kept] == [
        ("Processes killed", "2"),
        ("Messages that were due", "2,000"),
        ("Lost", "0"),
        ("Came twice", "2"),
        ("Wrong in the ledger", "0"),
        ("Longest silence after a blow", "3.2 s"),
    ]
