"""The page for approval shows everything that the approval is about."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from litestar import Litestar
from litestar.testing import TestClient
from sqlmodel import select

from notify.alerts.hazard import Category, Certainty, Hazard, Severity, Urgency
from notify.alerts.models import Alert, FollowUp, Priority
from notify.alerts.service import BOUND_FIELDS, content_hash
from notify.core.db import transaction
from notify.drafting.approval_version import SHOWN, facts_of
from notify.staff.models import Role
from notify.subscribers.models import Topic
from tests.alerts.calls import ONE, TWO, created, world_with_approvals
from tests.drafting.desk import draw_wards, sit_down
from tests.subscribers.html import Page
from tests.world import NORTH, SOUTH, World, add_resident, add_residents, make_key

Client = TestClient[Litestar]

SQUARE = [[[0.31, 52.96], [0.35, 52.96], [0.35, 52.99], [0.31, 52.99], [0.31, 52.96]]]
SLIVER = [[[0.31, 52.96], [0.35, 52.96], [0.35, 52.99], [0.31, 52.9901], [0.31, 52.96]]]
WELSH = {"cy": {"title": "Ffordd ar gau", "body": "Ar gau."}}
URGENT: dict[str, Any] = {"topic": "emergencies", "priority": "emergency"}

# two bodies that differ in one field alone
PAIRS: Mapping[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "topic_id": ({"topic": ONE}, {"topic": TWO}),
    "priority": ({"topic": "emergencies"}, {"topic": "emergencies", "priority": "emergency"}),
    "title": ({}, {"title": "Mill Road closes"}),
    "body": ({}, {"body": "On Sunday"}),
    "link": ({"link": "https://example.org/a"}, {"link": "https://example.org/b"}),
    "sms": ({"sms": "Closed"}, {"sms": "Closed."}),
    "translations": ({"translations": WELSH}, {"translations": {"cy": WELSH["cy"] | {"sms": "Ar gau"}}}),
    "audience": (
        {"audience": {"wards": [NORTH]}},
        {"audience": {"wards": [NORTH], "except": {"postcodes": ["ZZ1 1AA"]}}},
    ),
    "targets": ({"audience": {"wards": [NORTH]}}, {"audience": {"wards": [SOUTH]}}),
    "polygon": (
        {"audience": {"polygon": {"type": "Polygon", "coordinates": SQUARE}}},
        {"audience": {"polygon": {"type": "Polygon", "coordinates": SLIVER}}},
    ),
    "circle": (
        {"audience": {"circle": {"postcode": "ZZ1 1AA", "radius_m": 500}}},
        {"audience": {"circle": {"postcode": "ZZ1 1AA", "radius_m": 500.5}}},
    ),
    "buffer": (
        {"audience": {"wards": [NORTH], "buffer_m": 10}},
        {"audience": {"wards": [NORTH], "buffer_m": 11}},
    ),
    "channels": ({"channels": ["email"]}, {"channels": ["email", "sms"]}),
    "send_at": ({"send_at": "2099-03-03T14:05:00Z"}, {"send_at": "2099-03-03T14:05:01Z"}),
    "expires_at": ({"expires_at": "2099-03-03T14:05:00Z"}, {"expires_at": "2099-03-03T15:05:00Z"}),
    "asks_reply": (URGENT, URGENT | {"asks_reply": True}),
    "escalation": (
        URGENT | {"channels": ["email"], "escalate": {"after_minutes": 5, "channels": ["sms"]}},
        URGENT | {"channels": ["email"], "escalate": {"after_minutes": 6, "channels": ["sms"]}},
    ),
    "is_training": (URGENT, URGENT | {"training": True}),
    "event": ({"cap": {"event": "Flood"}}, {"cap": {"event": "Flooding"}}),
    "category": ({"cap": {"category": "Met"}}, {"cap": {"category": "Geo"}}),
    "severity": ({"cap": {"severity": "Severe"}}, {"cap": {"severity": "Extreme"}}),
    "urgency": ({"cap": {"urgency": "Immediate"}}, {"cap": {"urgency": "Expected"}}),
    "certainty": ({"cap": {"certainty": "Likely"}}, {"cap": {"certainty": "Possible"}}),
    "effective": ({"cap": {"effective": "2027-01-01T09:00Z"}}, {"cap": {"effective": "2027-01-01T10:00Z"}}),
    "onset": ({"cap": {"onset": "2027-01-01T09:00Z"}}, {"cap": {"onset": "2027-01-01T10:00Z"}}),
    "instruction": ({"cap": {"instruction": "Go."}}, {"cap": {"instruction": "Stay."}}),
}
# what a body cannot say: the council is the key's, and a follow-up is asked for at another door
ELSEWHERE = {"council_id", "follows_id", "follow_up", "group_words"}


@pytest.fixture
def world(client: Client) -> World:
    world = world_with_approvals()
    draw_wards()
    return world


def read(client: Client, alert: str) -> str:
    """What the page for approval says, less what names the version itself."""
    answer = client.get(f"/staff/alerts/{alert}/decide")
    assert answer.status_code == 200, answer.text
    words = " ".join(Page(answer.text).words).replace(alert, "")
    return re.sub(r"Written by [^.]+\. Version \w{4} \w{4}|version \w{4} \w{4}", "", words)


def test_each_field_that_an_approval_binds_is_on_the_page_and_in_this_test() -> None:
    assert set(SHOWN) == set(BOUND_FIELDS)
    assert set(BOUND_FIELDS) - ELSEWHERE <= set(PAIRS)
    assert set(Hazard.model_fields) <= set(PAIRS)
    assert set(BOUND_FIELDS) - {"council_id", "topic_id", "priority", "follows_id"} == set(ALIKE)


@pytest.mark.parametrize("field", PAIRS)
def test_a_difference_that_needs_another_approval_can_be_read(client: Client, world: World, field: str) -> None:
    add_resident(world, "r@example.org", topics=[ONE, TWO, "emergencies"])
    key = make_key(world, Role.PLANNER)
    usual = {"topic": ONE, "title": "Mill Road closed", "body": "On Sunday."}
    one, other = (created(client, key, **usual | fields)["id"] for fields in PAIRS[field])
    sit_down(client, world)
    assert read(client, one) != read(client, other)


MADE = "Made from the other words, as in the preview"  # what the page says where there is no text
# values of one field that are easily taken for each other
ALIKE: Mapping[str, Sequence[Any]] = {
    "title": ["Mill Road", "Mill  Road", "Mill\u200dRoad", "MillRoad", "Mill\u200cRoad", "None", "“None”"],
    "body": ["Go.", "Go. ", "Go.\n", "Go.\n\nNow.", "Go.\nNow.", "Go. Now.", "None"],
    "sms": [None, "None", MADE, f"“{MADE}”"],
    "link": [None, "https://example.org/None", "https://example.org/none", "https://example.org/no\u200dne"],
    "translations": [
        {}, {"cy": {"title": "A", "body": "B"}}, {"cy": {"title": "B", "body": "A"}},
        {"cy": {"title": "A", "body": "B", "sms": "C"}}, {"pl": {"title": "A", "body": "B"}},
        {"cy": {"title": "A\u200e", "body": "B"}}, {"cy": {"title": "A", "body": "B\u200e"}},
    ],
    "audience": [
        None, {}, {"wards": [NORTH]}, {"districts": [NORTH]}, {"except": {"wards": [NORTH]}},
        *({"circle": {"postcode": "ZZ1 1AA", "radius_m": metres}} for metres in (12345.67, 12345.68, 12345.7, 500.0)),
        *({"wards": [NORTH], "buffer_m": metres} for metres in (0, 123.4567, 123.4568)),
        *({"circle": {"lat": lat, "lon": 0.32, "radius_m": 5}} for lat in (52.97, 52.970000001)),
        *({"polygon": {"type": "Polygon", "coordinates": corners}} for corners in (SQUARE, SLIVER)),
        {"polygon": {"type": "Feature", "properties": {"name": "A"}, "geometry": {"type": "Polygon"}}},
        {"polygon": {"type": "Feature", "properties": {"name": "B"}, "geometry": {"type": "Polygon"}}},
    ],
    "targets": [
        None,
        *(
            {"included": {kind: [NORTH]}, "excluded": {}, "everywhere": everywhere, "near_boundary": near}
            for kind in ("wards", "districts", "postcodes", "sectors") for everywhere in (True, False)
            for near in (True, False)
        ),
        {"included": {}, "excluded": {"wards": [NORTH]}, "everywhere": False, "near_boundary": False},
    ],
    "channels": [["email"], ["email", "sms"], ["sms", "email"], ["voice"]],
    **{
        name: [
            *([] if name == "effective" else [None]),
            *(datetime(2026, 10, 25, hour, 30, tzinfo=UTC) for hour in (0, 1)),  # 01:30 twice
            datetime(2026, 10, 25, 1, 30, 0, 500, tzinfo=UTC), datetime(2026, 10, 25, 1, 30, 1, tzinfo=UTC),
            datetime(2027, 10, 25, 1, 30, tzinfo=UTC),
        ]
        for name in ("send_at", "expires_at", "effective", "onset")
    },
    "follow_up": [None, *FollowUp],
    "asks_reply": [False, True],
    "is_training": [False, True],
    "escalation": [
        None,
        *({"after_minutes": many, "channels": ways} for many in (1, 11) for ways in (["sms"], ["sms", "voice"])),
    ],
    "event": [None, "None", "Flood", "Flood\u200d"],
    "category": [None, *Category],
    "severity": [None, *Severity],
    "urgency": [None, *Urgency],
    "certainty": [None, *Certainty],
    "instruction": [None, "None", "Stay\u200e", "Stay"],
    "group_words": [
        None,
        *({"new": {"title": title, "body": "Go."}, "left": {"title": "Gone", "body": body}}
          for title in ("Flood", "Floods") for body in ("Out.", "Out")),
        {"new": {"title": "Flood", "body": "Go.", "sms": "Go"}, "left": {"title": "Gone", "body": "Out."}},
        {"new": {"title": "Flood", "body": "Go.", "translations": {"cy": {"title": "Llif", "body": "Ewch"}}},
         "left": {"title": "Gone", "body": "Out."}},
    ],
}  # fmt: skip


@pytest.mark.parametrize("field", ALIKE)
def test_no_two_values_of_a_field_that_hash_differently_read_the_same(world: World, field: str) -> None:
    with transaction() as session:
        topic = session.exec(select(Topic.id).where(Topic.slug == ONE)).one()
        usual: dict[str, Any] = {"council_id": world.council_id, "topic_id": topic, "priority": Priority.EMERGENCY}
        usual |= {"title": "Gas leak", "body": "Go.", "channels": ["email"], "translations": {}, "created_by": "test"}
        read_as: dict[str, bytes] = {}
        for value in ALIKE[field]:
            alert = Alert(**usual | {field: value})
            said = str([(fact.name, fact.value) for fact in facts_of(session, alert)])
            assert read_as.setdefault(said, content_hash(alert)) == content_hash(alert), (field, value)
        assert len(set(read_as.values())) == len(ALIKE[field])


def test_what_is_typed_in_several_spaces_is_shown_so(client: Client, world: World) -> None:
    alert = created(client, make_key(world, Role.PLANNER), topic=ONE, body="Go  now\u200d.")["id"]
    sit_down(client, world)
    page = client.get(f"/staff/alerts/{alert}/decide").text
    assert "message: zero width joiner (character 8)" in page
    assert ".as-written { white-space: pre-wrap;" in client.get("/static/page.css").text


def test_versions_that_are_the_same_read_the_same(client: Client, world: World) -> None:
    key = make_key(world, Role.PLANNER)
    one, other = (created(client, key, topic=ONE)["id"] for _ in range(2))
    sit_down(client, world)
    assert read(client, one) == read(client, other)


def test_every_ward_channel_and_language_is_shown_as_it_arrives(client: Client, world: World) -> None:
    add_residents(world, [f"r{number}@example.org" for number in range(12)], topics=[ONE])
    fields = {"translations": WELSH, "link": "https://example.org/road", "reference": "ROAD-7"}
    alert = created(client, make_key(world, Role.PLANNER), topic=ONE, audience={"wards": [NORTH, SOUTH]}, **fields)[
        "id"
    ]
    sit_down(client, world)
    page = client.get(f"/staff/alerts/{alert}/decide").text
    for shown in ("Northside (", "Southside (", "https://example.org/road", "ROAD-7", "Email in Cymraeg"):
        assert shown in page
    assert f'src="/staff/alerts/{alert}/preview/cy"' in page
    preview = client.get(f"/staff/alerts/{alert}/preview/cy")
    assert "Ffordd ar gau" in preview.text
    assert "frame-ancestors 'self'" in preview.headers["content-security-policy"]
    assert client.get(f"/staff/alerts/{uuid4()}/preview/cy").status_code == 404


def test_what_an_escalation_sends_later_is_not_promised_now(client: Client, world: World) -> None:
    add_residents(
        world,
        [f"r{number}@example.org" for number in range(12)],
        phones=[f"+44770090{number:04}" for number in range(12)],
        topics=["emergencies"],
    )
    asked = {"topic": "emergencies", "priority": "emergency", "channels": ["email", "sms"]}
    later = {"escalate": {"after_minutes": 5, "channels": ["sms"]}}
    count = client.post("/api/v1/audiences", json=asked | later, headers=world.headers).json()
    assert (count["by_channel"], count["later_by_channel"]) == ({"email": 10}, {"sms": 10})
    alert = created(client, make_key(world, Role.PLANNER), **asked | later)["id"]
    sit_down(client, world)
    page = client.get(f"/staff/alerts/{alert}/decide").text
    assert "Now: 10 emails, in 1 ward. In 5 minutes up to 10 more texts to people who were not reached." in page


def test_the_author_reads_what_an_escalation_texts_later(client: Client, world: World) -> None:
    add_residents(
        world,
        [f"r{number}@example.org" for number in range(12)],
        phones=[f"+44770090{number:04}" for number in range(12)],
        topics=["emergencies"],
    )
    kim = sit_down(client, world).emergency()
    kim.where(reach="everyone")
    assert kim.words(escalate_after="5", escalate_to=["sms"], sms="Go upstairs now.").status_code == 303
    assert "Go upstairs now." in kim.check().text
