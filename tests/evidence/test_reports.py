"""Reports say what the ledger says: after an alert, and of the personal data that is held."""

from collections.abc import Callable

import pytest
from litestar import Litestar
from litestar.testing import TestClient

from notify.analytics import rollups
from notify.exports.dictionary import About, dictionary
from notify.staff.models import Role
from tests.alerts.calls import act, created
from tests.mailbox import Mailbox
from tests.world import World, add_resident, at_the_desk, make_key, make_world

Client = TestClient[Litestar]
Work = Callable[[], None]


@pytest.fixture
def world(client: Client) -> World:
    return make_world()


def test_after_an_alert_everybody_reads_what_happened(client: Client, world: World, work: Work, inbox: Mailbox) -> None:
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
    for words in ("95% were handed over", "Northside", "Southside", "Update sent: Bins are out"):
        assert words in page, words
    found = client.get(f"/staff/alerts/{alert['id']}/report?format=json", headers=viewer).json()
    became = next(one for one in found["sections"] if one["heading"] == "What became of its messages")
    assert dict(became["rows"])["Handed over"] == "2"
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
