"""An administrator keeps topics on pages: words, order, groups and rules. Sign-up and messages follow."""

import pytest

from notify.subscribers.models import NewTopic
from tests.alerts.calls import Client
from tests.world import World, administrator, make_world

TOPIC = {
    "name": "Planning",
    "name_cy": "Cynllunio",
    "channels": ["email", "sms"],
    "purpose": "service",
    "approval": "one",
    "legal_basis": "public-task",
    "late_after_minutes": "90",
    "is_suggested": "yes",
}


@pytest.fixture
def zed(client: Client) -> World:
    client.follow_redirects = False
    return make_world(topics=[NewTopic(slug=f"topic-{n}", name=f"Topic {n}") for n in range(6)])


def test_a_topic_is_made_changed_and_read_in_two_languages(client: Client, zed: World) -> None:
    here = administrator(zed)
    made = client.post("/staff/new-topic", data=TOPIC, headers=here)
    assert made.headers["location"] == "/staff/topics?saved=planning"
    found = client.get("/api/v1/topics/planning", headers=zed.headers).json()
    assert (found["approval"], found["legal_basis"], found["late_after_minutes"]) == ("one", "public-task", 90)
    assert found["translations"]["cy"]["name"] == "Cynllunio"
    directory = client.get("/topics?lang=cy").text
    assert "Cynllunio" in directory
    page = client.get("/staff/topics/planning", headers=here).text
    assert "Cynllunio" in page
    changed = client.post("/staff/topics/planning", data=TOPIC | {"name": "Plans", "is_suggested": ""}, headers=here)
    assert changed.status_code == 303
    assert "Plans" in client.get("/topics").text


def test_what_is_wrong_is_said_beside_each_field(client: Client, zed: World) -> None:
    wrong = TOPIC | {"name": "", "channels": [], "late_after_minutes": "soon", "slug": "No Slug"}
    page = client.post("/staff/new-topic", data=wrong, headers=administrator(zed))
    assert page.status_code == 422
    for words in ("Enter a name", "Use small letters", "Choose at least one channel", "Enter a number of minutes"):
        assert words in page.text


def test_fewer_approvals_ask_for_the_second_factor_and_keep_what_was_typed(client: Client, zed: World) -> None:
    here = administrator(zed)
    client.post("/staff/new-topic", data=TOPIC, headers=here)
    reply = client.patch("/api/v1/topics/planning", json={"approval": "none"}, headers=zed.headers)
    assert reply.status_code == 403
    assert client.post("/staff/topics/planning", data=TOPIC | {"approval": "none"}, headers=here).status_code == 303


def test_topics_stand_in_their_order_and_under_their_groups_from_nine_on(client: Client, zed: World) -> None:
    here = administrator(zed)
    client.post("/staff/topic-groups", data={"name": "Streets", "name_cy": "Strydoedd"}, headers=here)
    [group] = client.get("/api/v1/topic-groups", headers=zed.headers).json()
    for slug in ("road-closures", "bins"):
        client.patch(f"/api/v1/topics/{slug}", json={"group": group["id"]}, headers=zed.headers)
    assert client.post("/staff/topics/road-closures/move", data={"to": "up"}, headers=here).status_code == 303
    order = client.put("/api/v1/topic-order", json={"topics": ["topic-5"]}, headers=zed.headers).json()["topics"]
    assert order[0] == "topic-5"
    assert order.index("road-closures") < order.index("bins")
    asked = client.post("/sign-up/postcode", data={"postcode": "ZZ1 1AA"}, follow_redirects=True).text
    assert asked.index("Topic 5") < asked.index("Topic 0") < asked.index(">Streets<") < asked.index("Road closures")
    assert asked.index("Road closures") < asked.index("Bin collections")
    client.delete("/api/v1/topics/topic-0", headers=zed.headers)
    assert ">Streets<" not in client.get("/sign-up/topics").text
    assert client.post(f"/staff/topic-groups/{group['id']}/remove", data={}, headers=here).status_code == 303
    assert client.get("/api/v1/topics/bins", headers=zed.headers).json()["group"] is None
