"""When a warning begins, what it updates, and messages with two blocks in one language."""

from typing import Any

import pytest
from litestar import Litestar
from litestar.testing import TestClient

from notify.cap import reader
from notify.cap.message import ResponseType
from tests.alerts.calls import created
from tests.cap.messages import INFO, SENT, SQUARE, hold_clock, message, post, reference
from tests.world import NORTH, SOUTH, World, make_world

Client = TestClient[Litestar]
AREA = f"<area><areaDesc>By the river</areaDesc><polygon>{SQUARE}</polygon></area>"


@pytest.fixture
def world(client: Client) -> World:
    hold_clock(SENT)
    return make_world()


def with_moments(moments: str, *, info: str = INFO) -> str:
    return message(info=info.format(area=AREA).replace("<expires>", moments + "<expires>"))


def draft(client: Client, world: World, xml: str) -> dict[str, Any]:
    answer = post(client, world.headers, xml)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = client.get(f"/api/v1/alerts/{answer.json()['alert']}", headers=world.headers).json()
    return found | {"notes": answer.json()["notes"]}


def test_the_draft_says_when_it_begins(client: Client, world: World) -> None:
    moments = "<effective>2026-03-01T09:55:00-00:00</effective><onset>2026-03-01T22:20:00-00:00</onset>"
    found = draft(client, world, with_moments(moments))
    assert found["cap"]["onset"] == "2026-03-01T22:20:00+00:00"
    assert found["cap"]["effective"] == "2026-03-01T09:55:00+00:00"
    assert "This begins at 22:20, Sunday 1 March 2026." in found["body"]
    assert found["body"].endswith("Move upstairs now.")
    assert found["send_at"] is None
    told = client.get(f"/api/v1/alerts/{found['id']}/cap", headers=world.headers).content
    (info,) = reader.read(told).infos
    assert (info.onset, info.effective) == tuple(
        info.onset.fromisoformat(found["cap"][name]) for name in ("onset", "effective") if info.onset
    )


def test_words_that_hold_from_later_on_are_not_sent_before(client: Client, world: World) -> None:
    found = draft(client, world, with_moments("<effective>2026-03-01T12:00:00-00:00</effective>"))
    assert found["send_at"] == "2026-03-01T12:00:00Z"
    assert "begins" not in found["body"]


def test_when_it_begins_is_part_of_what_is_approved(client: Client, world: World) -> None:
    hashes = {
        created(client, world.headers, title="Flood", cap={"event": "Flood"} | more)["content_hash"]
        for more in ({}, {"onset": "2026-03-01T22:20:00Z"}, {"effective": "2026-03-01T22:20:00Z"})
    }
    assert len(hashes) == 3


def test_an_update_of_what_never_came_is_a_draft_with_a_note(client: Client, world: World) -> None:
    found = draft(client, world, message(kind="Update", references=reference("else")))
    assert (found["state"], found["follows"]) == ("draft", None)
    assert found["notes"] == [
        "It updates alerts@example.org,else, which was never received here. It is a draft of its own, for everybody in "
        "its area."
    ]


def test_two_blocks_in_one_language_are_joined_and_noted(client: Client, world: World) -> None:
    north, south = (
        f"<area><areaDesc>{code}</areaDesc><geocode><valueName>WD25CD</valueName><value>{code}</value></geocode></area>"
        for code in (NORTH, SOUTH)
    )
    second = (
        INFO.format(area=south)
        .replace("Severe", "Moderate")
        .replace("Flood: move upstairs", "South: be ready")
        .replace("The river is over its banks.", "It may rise.")
        .replace("Move upstairs now.", "Listen to the radio.")
        .replace("2026-03-02T10", "2026-03-02T18")
    )
    found = draft(client, world, message(info=INFO.format(area=north) + second))
    assert sorted(found["audience"]["wards"]) == [NORTH, SOUTH]
    assert (found["title"], found["cap"]["severity"]) == ("Flood: move upstairs", "Severe")
    assert found["expires_at"] == "2026-03-02T18:00:00Z"
    for said in ("over its banks", "South: be ready", "It may rise", "Move upstairs now", "Listen to the radio"):
        assert said in found["body"]
    assert "2 blocks in English" in found["notes"][0]


@pytest.mark.parametrize(
    ("instruction", "asked"),
    [
        ("Move upstairs now. Do not drive.", [ResponseType.SHELTER, ResponseType.AVOID]),
        ("Evacuate your home.", [ResponseType.EVACUATE]),
        ("Get ready to leave. Listen to the radio.", [ResponseType.PREPARE, ResponseType.MONITOR]),
        ("Don’t swim in the river.", [ResponseType.AVOID]),
        ("Turn off the gas.", [ResponseType.EXECUTE]),
        (None, [ResponseType.MONITOR]),
    ],
)
def test_what_people_are_asked_to_do_is_told_from_the_instruction(
    client: Client, world: World, instruction: str | None, asked: list[ResponseType]
) -> None:
    cap = {"event": "Flood", "urgency": "Immediate"} | ({"instruction": instruction} if instruction else {})
    alert = created(client, world.headers, title="Flood", cap=cap)
    told = client.get(f"/api/v1/alerts/{alert['id']}/cap", headers=world.headers).content
    assert list(reader.read(told).infos[0].response_types) == asked
