"""The audit trail is read in words and found by an alert's title."""

from notify.staff.models import Role
from tests.alerts.calls import ONE, Client, act, created, world_with_approvals
from tests.world import administrator, signed_in


def test_an_approval_is_read_as_a_sentence_and_found_by_title(client: Client) -> None:
    world = world_with_approvals()
    alert = created(client, world.headers, topic=ONE, send=True)
    other = created(client, world.headers, topic=ONE, title="Bridge shut")
    assert act(client, signed_in(world.council_id, Role.APPROVER), alert["id"], "approve").status_code == 200
    admin = administrator(world)
    page = client.get("/staff/audit", params={"q": "Mill Road approved"}, headers=admin).text
    assert "Kim approved ‘Mill Road closed’" in page
    assert "wrote" not in page
    page = client.get("/staff/audit", params={"q": "bridge"}, headers=admin).text
    assert "The key ‘test’ wrote ‘Bridge shut’" in page
    assert other["id"] in page
    table = client.get("/staff/audit.csv", params={"q": "bridge"}, headers=admin).text
    assert "alert.create" in table
    assert "wrote ‘Bridge shut’" in table
    read = client.get("/api/v1/audit?q=bridge&limit=1", headers=world.headers).json()
    assert read["entries"][0]["sentence"] == "The key ‘test’ wrote ‘Bridge shut’"
    assert read["next"] == read["entries"][0]["id"]
