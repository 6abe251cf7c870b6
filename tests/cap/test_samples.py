"""The real messages of other systems behave as their names say."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from litestar import Litestar
from litestar.testing import TestClient

from tests.cap.messages import add_postcode, hold_clock, post
from tests.world import NORTH, World, make_world

STORM_DENNIS = "2020-02-16T23:05:00+00:00"
WAINFLEET = (549_700, 358_800)
Send = Callable[..., tuple[int, dict[str, Any]]]


@pytest.fixture
def world(client: TestClient[Litestar]) -> World:
    world = make_world()
    add_postcode("ZZ31AA", *WAINFLEET, NORTH)
    return world


@pytest.fixture
def send(client: TestClient[Litestar], world: World, real_data: Path) -> Send:
    """Sends a file at a moment; the status and the reply."""

    def send(name: str, at: str | None = STORM_DENNIS, **params: bool) -> tuple[int, dict[str, Any]]:
        if at:
            hold_clock(datetime.fromisoformat(at))
        reply = post(client, world.headers, (real_data / "cap" / name).read_bytes(), **params)
        return reply.status_code, reply.json()

    return send


def test_wainfleet_makes_a_draft(send: Send, client: TestClient[Litestar], world: World) -> None:
    status, receipt = send("govuk_wainfleet.xml")
    assert (status, receipt["kind"]) == (201, "alert"), receipt
    alert = client.get(f"/api/v1/alerts/{receipt['alert']}", headers=world.headers).json()
    assert (alert["state"], alert["priority"], alert["topic"]) == ("draft", "emergency", "emergencies")
    assert alert["title"] == "053/055 Issue Severe Flood Warning EA"
    assert alert["body"].startswith("A severe flood warning has been issued.")
    assert "To check the latest information" in alert["body"]
    assert alert["link"] == "https://flood-warning-information.service.gov.uk"
    assert alert["expires_at"] == "2020-02-26T23:01:14Z"
    assert len(alert["audience"]["polygon"]["coordinates"][0][0]) == 29
    assert alert["cap"] | {"instruction": ""} == {
        "event": "053/055 Issue Severe Flood Warning EA",
        "category": "Met",
        "severity": "Severe",
        "urgency": "Immediate",
        "certainty": "Likely",
        "instruction": "",
    }


def test_wainfleet_is_refused_today_because_it_has_expired(send: Send) -> None:
    status, problem = send("govuk_wainfleet.xml", at=None)
    assert (status, problem["type"]) == (409, "/problems/cap-expired")
    assert problem["detail"] == "It expired at 2020-02-26 23:01 UTC."


def test_the_cancellation_withdraws_the_draft_of_the_message_it_names(send: Send) -> None:
    _, first = send("govuk_wainfleet.xml")
    status, receipt = send("govuk_wainfleet_cancel_with_references.xml")
    assert (status, receipt["kind"], receipt["alert"]) == (201, "withdrawn", first["alert"])


def test_the_cancellation_alone_is_refused(send: Send) -> None:
    status, problem = send("govuk_wainfleet_cancel_with_references.xml")
    assert (status, problem["type"]) == (409, "/problems/cap-references-do-not-match")
    assert "50385fcb0ab7aa447bbd46d848ce8466E, which was never received" in str(problem["detail"])


def test_the_cancellation_of_a_message_that_was_sent_at_another_moment_is_refused(
    send: Send, client: TestClient[Litestar], world: World, real_data: Path
) -> None:
    hold_clock(datetime.fromisoformat(STORM_DENNIS))
    other = (
        (real_data / "cap" / "govuk_wainfleet.xml")
        .read_text()
        .replace("23:01:13-00:00</sent>", "23:00:00-00:00</sent>")
    )
    assert post(client, world.headers, other).status_code == 201
    status, problem = send("govuk_wainfleet_cancel_with_references.xml")
    assert (status, problem["type"]) == (409, "/problems/cap-references-do-not-match")
    assert "with another moment than 2020-02-16 23:00:00 UTC" in str(problem["detail"])


def test_the_tsunami_update_is_refused_because_it_is_about_alaska(send: Send) -> None:
    status, problem = send("govuk_update.xml", at="2013-01-05T10:57:00+00:00")
    assert (status, problem["type"]) == (422, "/problems/outside-the-uk")


def test_windermere_with_6773_positions_makes_a_draft(send: Send) -> None:
    add_postcode("ZZ32AA", 339_300, 495_000, NORTH)
    status, receipt = send("govuk_windemere.xml")
    assert (status, receipt["kind"]) == (201, "alert"), receipt


def test_a_polygon_that_was_cut_off_is_refused(send: Send) -> None:
    status, problem = send("defra_nws-alert.xml", at="2025-11-06T09:00:00+00:00")
    assert (status, problem["type"]) == (422, "/problems/cap-position-not-readable")
    assert "“54.54498,-2.95268...” in the area “Rivers Lowther and Eamont”" in str(problem["detail"])


def test_areas_with_intersections_are_refused_mended_or_not(send: Send) -> None:
    at = "2025-02-16T23:30:00+00:00"
    status, problem = send("govuk_invalid_area_with_intersections.xml", at=at)
    assert (status, problem["type"]) == (422, "/problems/axes-swapped")
    assert "looks like longitude first" in str(problem["detail"])
    status, problem = send("govuk_invalid_area_with_intersections.xml", at=at, repair=True)
    assert (status, problem["type"]) == (422, "/problems/shape-crosses-itself")
    assert "area-1" in str(problem["detail"])


def test_the_valid_areas_make_a_draft_once_their_first_is_closed_and_turned_round(send: Send) -> None:
    """Its name says valid, yet its first ring is open and longitude first: it takes a word to repair that."""
    at = "2025-02-16T23:30:00+00:00"
    status, problem = send("govuk_valid_area_polygon.xml", at=at)
    assert (status, problem["type"]) == (422, "/problems/axes-swapped")
    assert "send 53.2455,-0.53822" in str(problem["detail"])
    add_postcode("ZZ33AA", 497_500, 370_000, NORTH)
    status, receipt = send("govuk_valid_area_polygon.xml", at=at, repair=True)
    assert (status, receipt["kind"]) == (201, "alert"), receipt
    assert receipt["repaired"] == [
        "Polygon 1 of the area “area-1” was written longitude first and has been turned round.",
        "Polygon 1 of the area “area-1” was open and has been closed.",
    ]
