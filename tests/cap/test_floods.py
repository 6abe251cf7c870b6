"""Flood warnings of the Environment Agency become drafts, each once."""

import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlmodel import col, select, update

from notify.alerts.models import Alert, AlertState, FollowUp, Priority
from notify.cap.flood_drafts import ATTRIBUTION
from notify.cap.flood_feed import FloodFeedAway, read_warnings
from notify.cap.floods import FloodFeedNotReadable, FloodSeverity, read_feed
from notify.cap.models import FloodWarning
from notify.core import clock
from notify.core.db import transaction
from notify.staff import service as staff
from tests.cap.feed import Feed, serving
from tests.cap.messages import add_postcode, lon_lat_ring
from tests.world import NORTH, World, make_world
from workers.network_jobs import NetworkJob

Choose = Callable[..., None]
SKEGNESS = (567_050, 339_850)  # beside the point of 052FWTCSTHUNPEN


@pytest.fixture
def feed(choose: Choose) -> Iterator[Feed]:
    with serving() as feed:
        choose(FLOOD_FEED=f"{feed.address}/id/floods")
        yield feed


@pytest.fixture
def world(feed: Feed, database: None) -> World:
    return make_world()


def area() -> bytes:
    """The outline of a warning: the west of the world."""
    ring = lon_lat_ring((555_400, 344_400), (555_800, 344_400), (555_800, 344_800), (555_400, 344_800))
    shape = {"type": "Polygon", "coordinates": [ring]}
    feature = {"type": "Feature", "properties": {"FWS_TACODE": "052ZED"}, "geometry": shape}
    return json.dumps({"type": "FeatureCollection", "features": [feature]}).encode()


def serve(feed: Feed, **changes: object) -> None:
    """One warning in the shape of the API."""
    warning: dict[str, Any] = {
        "floodAreaID": "052ZED",
        "description": "River Zed at Northside",
        "severity": "Severe Flood Warning",
        "severityLevel": 1,
        "message": "The river is over its banks.\r\n\r\nMove upstairs.",
        "timeRaised": "2026-03-01T09:00:00",
        "timeMessageChanged": "2026-03-01T09:00:00",
        "timeSeverityChanged": "2026-03-01T09:00:00",
        "floodArea": {"county": "Zedshire", "polygon": "http://127.0.0.1/id/floodAreas/052ZED/polygon"},
    } | changes
    feed.documents["/id/floods"] = json.dumps({"items": [warning]}).encode()
    feed.documents["/id/floodAreas/052ZED/polygon"] = area()


def drafts() -> list[Alert]:
    with transaction() as session:
        return list(session.exec(select(Alert).order_by(col(Alert.id))))


def notes() -> list[FloodWarning]:
    with transaction() as session:
        return list(session.exec(select(FloodWarning).order_by(col(FloodWarning.read_at))))


def goes_out(alert_id: UUID) -> None:
    now = clock.now()
    went = {"state": AlertState.SENT, "approved_at": now, "expanded_at": now, "ledger_month": clock.first_of_month(now)}
    with transaction() as session:
        session.execute(update(Alert).where(col(Alert.id) == alert_id).values(**went))


def test_a_severe_warning_becomes_a_draft_of_an_emergency(feed: Feed, world: World) -> None:
    serve(feed)
    assert read_warnings() == 1
    (draft,) = drafts()
    assert (draft.state, draft.priority, draft.is_test) == (AlertState.DRAFT, Priority.EMERGENCY, False)
    assert draft.title == "Severe Flood Warning: River Zed at Northside"
    assert draft.body == f"The river is over its banks.\n\nMove upstairs.\n\n{ATTRIBUTION}"
    assert (draft.event, draft.severity, draft.urgency) == ("Severe Flood Warning", "Severe", "Immediate")
    assert draft.targets is not None
    assert draft.targets["included"]["postcodes"] == ["ZZ11AA", "ZZ11AB"]  # type: ignore[index]
    assert draft.reference == "flood 052ZED"


def test_the_same_feed_again_makes_nothing_new_and_asks_for_no_outline(feed: Feed, world: World) -> None:
    serve(feed)
    assert (read_warnings(), read_warnings()) == (1, 0)
    assert len(drafts()) == 1
    assert feed.asked == ["/id/floods", "/id/floodAreas/052ZED/polygon", "/id/floods"]


def test_a_changed_severity_takes_the_place_of_an_unsent_draft(feed: Feed, world: World) -> None:
    serve(feed)
    read_warnings()
    serve(feed, severity="Flood Warning", timeSeverityChanged="2026-03-01T12:00:00")
    assert read_warnings() == 1
    first, second = drafts()
    assert (first.state, second.state) == (AlertState.CANCELLED, AlertState.DRAFT)
    assert second.title.startswith("Flood Warning: ")
    assert second.priority == Priority.ROUTINE


def test_a_changed_severity_of_what_was_sent_is_an_update(feed: Feed, world: World) -> None:
    serve(feed)
    read_warnings()
    goes_out(drafts()[0].id)
    serve(feed, severity="Flood Warning", timeSeverityChanged="2026-03-01T12:00:00")
    assert read_warnings() == 1
    first, second = drafts()
    assert (second.follows_id, second.follow_up, second.state) == (first.id, FollowUp.UPDATE, AlertState.DRAFT)


def test_what_becomes_severe_is_a_new_emergency_and_no_update_of_something_routine(feed: Feed, world: World) -> None:
    serve(feed, severity="Flood Alert")
    read_warnings()
    goes_out(drafts()[0].id)
    serve(feed, timeSeverityChanged="2026-03-01T12:00:00")
    read_warnings()
    second = drafts()[1]
    assert (second.follows_id, second.priority, second.state) == (None, Priority.EMERGENCY, AlertState.DRAFT)


def test_the_end_is_an_all_clear_for_those_who_were_warned(feed: Feed, world: World) -> None:
    serve(feed)
    read_warnings()
    goes_out(drafts()[0].id)
    serve(feed, severity="Warning no Longer in Force", timeSeverityChanged="2026-03-02T12:00:00")
    assert (read_warnings(), read_warnings()) == (1, 0)
    first, second = drafts()
    assert (second.follows_id, second.follow_up, second.state) == (first.id, FollowUp.ALL_CLEAR, AlertState.DRAFT)
    assert first.state == AlertState.SENT


def test_the_end_of_what_nobody_was_warned_of_makes_nothing(feed: Feed, world: World) -> None:
    serve(feed, severity="Warning no longer in force")
    assert (read_warnings(), read_warnings()) == (0, 0)
    assert len(notes()) == 1


def test_a_change_waits_while_somebody_decides_about_the_draft(feed: Feed, world: World) -> None:
    serve(feed)
    read_warnings()
    with transaction() as session:
        session.execute(update(Alert).values(state=AlertState.SUBMITTED))
    serve(feed, severity="Flood Warning", timeSeverityChanged="2026-03-01T12:00:00")
    assert read_warnings() == 0
    with transaction() as session:
        session.execute(update(Alert).values(state=AlertState.REJECTED))
    assert (read_warnings(), read_warnings()) == (1, 0)
    assert [draft.state for draft in drafts()] == [AlertState.CANCELLED, AlertState.DRAFT]


def test_only_councils_whose_districts_it_meets_get_a_draft(feed: Feed, world: World) -> None:
    with transaction() as session:
        staff.create_council(session, slug="far", name="Far Council", district_codes=["Z07000009"])
    serve(feed)
    assert read_warnings() == 1
    assert drafts()[0].council_id == world.council_id


def test_a_council_without_a_topic_for_it_is_noted(feed: Feed, world: World) -> None:
    with transaction() as session:
        staff.create_council(session, slug="twin", name="Twin Council", district_codes=["Z07000001"])
    serve(feed)
    assert read_warnings() == 1
    assert sum("no topic" in note.note for note in notes()) == 1


def test_the_topic_may_be_chosen(feed: Feed, world: World, choose: Choose) -> None:
    choose(FLOOD_TOPIC="bins", FLOOD_FEED=f"{feed.address}/id/floods")
    serve(feed)
    assert read_warnings() == 1


def test_an_outline_on_another_host_is_never_asked_for(feed: Feed, world: World) -> None:
    serve(feed, floodArea={"polygon": "http://example.org/polygon"})
    assert read_warnings() == 0
    assert notes() == []


def test_what_is_no_feed_is_refused(feed: Feed, world: World) -> None:
    with pytest.raises(FloodFeedAway):
        read_warnings()
    for body in (b"", b"[]", b"{}", b'{"items": 1}', b"<html>", b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'):
        feed.documents["/id/floods"] = body
        with pytest.raises(FloodFeedNotReadable):
            read_warnings()
    feed.documents["/id/floods"] = b" " * 10_000_001
    with pytest.raises(FloodFeedAway, match="more than"):
        read_warnings()


def test_the_real_warnings_of_2024_make_a_draft_where_their_point_lies(
    feed: Feed, world: World, real_data: Path
) -> None:
    add_postcode("ZZ41AA", *SKEGNESS, NORTH)
    feed.documents["/id/floods"] = (real_data / "flood" / "defra_floods.json").read_bytes()
    assert (read_warnings(), read_warnings()) == (1, 0)
    (draft,) = drafts()
    assert draft.reference == "flood 052FWTCSTHUNPEN, area roughly known: 1 km round a point"
    assert len(notes()) == 22


def test_severity_is_read_by_its_name(real_data: Path) -> None:
    """One feed numbers severe warnings 3, the other numbers alerts 3."""
    found = read_feed((real_data / "flood" / "defra_floods.json").read_bytes())
    assert Counter(flood.severity for flood in found) == {
        FloodSeverity.SEVERE: 5,
        FloodSeverity.WARNING: 7,
        FloodSeverity.ALERT: 7,
        FloodSeverity.OVER: 3,
    }
    found = read_feed((real_data / "flood" / "fwis-2015-12-25.xml").read_bytes())
    assert Counter(flood.severity for flood in found) == {
        FloodSeverity.WARNING: 54,
        FloodSeverity.ALERT: 109,
        FloodSeverity.OVER: 7,
    }
    assert found[0].changed_at == datetime(2015, 12, 25, 13, 17, tzinfo=UTC)


def test_boxing_day_2015_is_read_in_both_languages(feed: Feed, world: World, choose: Choose, real_data: Path) -> None:
    choose(FLOOD_FEED=f"{feed.address}/id/floods", FLOOD_AREAS=f"{feed.address}/areas/{{code}}")
    feed.documents["/id/floods"] = (real_data / "flood" / "fwis-2015-12-25.xml").read_bytes()
    feed.documents["/areas/101FWFWN205"] = area()
    assert (read_warnings(), read_warnings()) == (1, 0)
    (draft,) = drafts()
    assert draft.title == "Flood Warning: Conwy Valley"
    assert draft.body.startswith("More Heavy rain is forecast overnight")
    welsh = draft.translations["cy"]
    assert welsh["title"] == "Rhybudd Llifogydd: Conwy Valley"
    assert welsh["body"].startswith("Rhagwelir rhagor o law dros nos")
    assert len(notes()) == 170


def test_an_errand_runs_in_the_background_and_never_twice_at_once() -> None:
    may_end = threading.Event()
    runs: list[int] = []

    def work() -> None:
        runs.append(1)
        may_end.wait(5)

    job_thread = NetworkJob("test", work)
    assert (job_thread.go(), job_thread.go()) == (True, False)
    may_end.set()
    assert job_thread._thread is not None
    job_thread._thread.join(5)
    failing = NetworkJob("failing", lambda: 1 / 0)
    assert failing.go()
    assert failing._thread is not None
    failing._thread.join(5)
    assert runs == [1]
