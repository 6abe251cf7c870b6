"""The archive, the call list, the report after an alert and evidence are read by programs as on pages."""

from collections.abc import Callable

from tests.alerts.calls import Client, created
from tests.world import add_resident, make_world

Work = Callable[[], None]


def test_what_was_sent_is_found_read_and_reported(client: Client, work: Work) -> None:
    world = make_world()
    add_resident(world, "ann@example.org", name="Ann")
    alert = created(client, world.headers, send=True)
    bridge = created(client, world.headers, title="Bridge shut at Mill Lane", send=True)
    work()
    found = client.get("/api/v1/archive?q=swimming", headers=world.headers).json()
    assert found == {"alerts": [], "next": None}
    [one] = client.get("/api/v1/archive?q=bridges", headers=world.headers).json()["alerts"]
    assert (one["title"], one["messages"]) == ("Bridge shut at Mill Lane", {"email": 1})
    page = client.get("/api/v1/archive?limit=1", headers=world.headers).json()
    rest = client.get(f"/api/v1/archive?limit=1&after={page['next']}", headers=world.headers).json()
    both = sorted(one["id"] for one in page["alerts"] + rest["alerts"])
    assert both == sorted([alert["id"], bridge["id"]])
    missed = client.get(f"/api/v1/alerts/{alert['id']}/call-list", headers=world.headers).json()
    assert missed["missing"] == "not-delivered"
    report = client.get(f"/api/v1/alerts/{alert['id']}/report", headers=world.headers).json()
    assert {"title", "intro", "sections"} == report.keys()


def test_the_council_answers_questions_itself(client: Client) -> None:
    world = make_world()
    answers = client.get("/api/v1/evidence", headers=world.headers).json()
    number = answers[0]["number"]
    path = "/api/v1/evidence/statements"
    said = {"number": number, "words": "We do."}
    assert client.put(path, json=said, headers=world.headers).status_code == 204
    [one] = [one for one in client.get("/api/v1/evidence", headers=world.headers).json() if one["number"] == number]
    assert one["statement"] == "We do."
    assert client.put(path, json=said | {"number": "99.9"}, headers=world.headers).status_code == 422
