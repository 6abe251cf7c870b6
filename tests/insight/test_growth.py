"""Who came and went: by day, by how they signed up, by topic, as the consent ledger and the tables say."""

from datetime import date, timedelta

import pytest
from litestar import Litestar
from litestar.testing import TestClient
from sqlalchemy import text

from notify.core import clock
from notify.core.db import transaction
from notify.insight.growth import daily
from notify.insight.period import today
from notify.subscribers import cleanup, erasure
from notify.subscribers import service as subscribers
from notify.subscribers.models import ConsentEvidence, NewContact, NewPlace, NewSubscriber
from notify.subscribers.queries import topic as topic_of
from notify.subscribers.sign_up import service as sign_up_service
from tests.world import NORTH, SOUTH, World, add_resident, make_world

Client = TestClient[Litestar]


@pytest.fixture
def world(client: Client) -> World:
    return make_world()


def counted() -> dict[tuple[str, date, str], tuple[int, int]]:
    """Came and went by topic, day and source, as just counted."""
    with transaction() as session:
        daily.count(session)
        rows = session.execute(text("SELECT topic, day, source, came, went FROM rollup_growth")).all()
    return {(row.topic, row.day, row.source): (row.came, row.went) for row in rows}


def following(world: World, topic: str = "") -> int:
    with transaction() as session:
        daily.count(session)
        return daily.subscribers(session, world.council_id, topic=topic)


def test_who_signs_up_counts_on_the_day_they_did_by_where_they_did(world: World) -> None:
    add_resident(world, "a@example.org", phone="07700 900001", topics=["bins", "road-closures"])
    add_resident(world, "b@example.org", topics=["bins"])
    now = today()
    assert counted() == {
        ("", now, "test"): (2, 0),
        ("bins", now, "test"): (2, 0),
        ("road-closures", now, "test"): (1, 0),
    }


def test_leaving_one_way_is_not_leaving_and_leaving_every_way_is(world: World) -> None:
    who = add_resident(world, "a@example.org", phone="07700 900001", topics=["bins", "road-closures"])
    with transaction() as session:
        contacts = session.execute(text("SELECT id FROM contact ORDER BY channel")).scalars().all()
        topic = topic_of(session, world.council_id, "bins")
        subscribers.unsubscribe(session, contact_id=contacts[0], topic_id=topic.id, source="one-click")
    assert (following(world), following(world, "bins")) == (1, 1)
    with transaction() as session:
        subscribers.unsubscribe(session, contact_id=contacts[1], topic_id=topic.id, source="one-click")
    assert (following(world), following(world, "bins"), following(world, "road-closures")) == (1, 0, 1)
    with transaction() as session:
        erasure.erase(session, subscriber_id=who, actor="test")
    assert (following(world), following(world, "road-closures")) == (0, 0)


def test_whoever_was_here_on_an_earlier_day_goes_on_the_day_they_leave(world: World) -> None:
    who = add_resident(world, "a@example.org", topics=["bins"])
    later = clock.now() + timedelta(days=3)
    clock.use(lambda: later)
    with transaction() as session:
        erasure.erase(session, subscriber_id=who, actor="test")
    assert counted() == {
        ("", today() - timedelta(days=3), "test"): (1, 0),
        ("bins", today() - timedelta(days=3), "test"): (1, 0),
        ("", today(), "erased"): (0, 1),
        ("bins", today(), "erased"): (0, 1),
    }


def test_whoever_never_confirms_is_in_no_figure(world: World) -> None:
    evidence = ConsentEvidence(wording_version="v1", wording="Yes.", source="poster-library")
    with transaction() as session:
        sign_up_service.sign_up(
            session,
            person=NewSubscriber(
                contacts=[NewContact(channel="email", address="a@example.org")],  # type: ignore[arg-type]
                places=[NewPlace(postcode="ZZ1 1AA")],
            ),
            topics=[topic_of(session, world.council_id, "bins")],
            consent=evidence,
        )
    assert counted() == {}
    with transaction() as session:
        session.execute(text("UPDATE subscriber SET created_at = business_now() - interval '40 days'"))
        session.execute(text("UPDATE subscriber SET changed_at = created_at"))
        session.execute(text("UPDATE service_message SET expires_at = business_now() - interval '1 hour'"))
        assert cleanup.sweep(session)["subscriber"] == 1
    assert counted() == {}
    with transaction() as session:
        assert session.execute(text("SELECT action FROM consent ORDER BY id DESC LIMIT 1")).scalar() == "withdrawn"


def test_whoever_confirms_counts_by_the_poster_that_led_them_here(world: World) -> None:
    evidence = ConsentEvidence(wording_version="v1", wording="Yes.", source="poster-library")
    with transaction() as session:
        sign_up_service.sign_up(
            session,
            person=NewSubscriber(
                contacts=[NewContact(channel="email", address="a@example.org")],  # type: ignore[arg-type]
                places=[NewPlace(postcode="ZZ1 1AA")],
            ),
            topics=[topic_of(session, world.council_id, "bins")],
            consent=evidence,
        )
        session.execute(text("UPDATE contact SET confirmed_at = business_now()"))
    assert counted()["", today(), "poster-library"] == (1, 0)


def test_reach_counts_people_by_ward_and_language_once_each(world: World) -> None:
    add_resident(world, "a@example.org", topics=["bins", "road-closures"], postcodes=["ZZ1 1AA", "ZZ2 1AA"])
    add_resident(world, "b@example.org", topics=["bins"], postcodes=["ZZ2 1AA"], language="cy")
    with transaction() as session:
        daily.count(session)
        rows = session.execute(
            text("SELECT ward_code, language, people FROM rollup_reach WHERE topic = '' ORDER BY ward_code")
        ).all()
    assert [tuple(row) for row in rows] == [(NORTH, "en", 1), (SOUTH, "cy", 1)]


def test_counting_waits_for_news_and_again_changes_nothing(world: World) -> None:
    add_resident(world, "a@example.org", topics=["bins"])
    before = counted()
    assert not daily.keep_up()
    assert counted() == before
