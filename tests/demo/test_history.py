"""The invented council's past: its figures are what its ledger says, it is there once, and nobody else can have it."""

from collections.abc import Iterator
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import text

from notify.core import clock
from notify.core.db import transaction
from notify.demo import council as demo_council
from notify.demo import history as demo_history
from notify.devserver import embedded
from notify.insight.council.slices import By, Slice, slices
from tests.conftest import empty_database


@pytest.fixture(scope="module")
def zedholm(servers: embedded.Addresses) -> Iterator[UUID]:
    """The council with its history; made once for this file, whose tests only read."""
    demo_council.set_up(lambda _words: None)
    assert demo_history.fill(lambda _words: None)
    yield UUID(str(_one("SELECT id FROM council")))
    empty_database()


def _one(sql: str) -> object:
    with transaction() as session:
        return session.execute(text(sql)).scalar_one()


def _year(council_id: UUID, by: By) -> dict[str, Slice]:
    today = clock.now().date()
    with transaction() as session:
        found = slices(session, council_id, by=by, since=today - timedelta(days=366), until=today)
    return {one.key: one for one in found}


def test_a_year_of_alerts_of_every_kind_is_there(zedholm: UUID) -> None:
    assert 120 <= int(str(_one("SELECT count(*) FROM alert"))) <= 180
    assert 40_000 <= int(str(_one("SELECT count(*) FROM delivery"))) <= 80_000
    for condition in (
        "is_training",
        "state = 'cancelled'",
        "follow_up = 'update'",
        "follow_up = 'all-clear'",
        "severity = 'Severe'",
        "translations <> '{}'",
        "audience IS NOT NULL",
        "asks_reply",
    ):
        assert _one(f"SELECT count(*) > 0 FROM alert WHERE {condition}"), condition
    assert len(_year(zedholm, By.MONTH)) >= 12


def test_its_figures_are_what_its_ledger_says(zedholm: UUID) -> None:
    joined = "FROM delivery d JOIN alert a ON a.id = d.alert_id WHERE NOT a.is_test"
    whole = _year(zedholm, By.COUNCIL)["zedholm"]
    assert whole.sent == _one(f"SELECT count(d.sent_at) {joined}")
    assert whole.delivered == _one(f"SELECT count(*) {joined} AND d.state = 'delivered'")
    assert whole.cost == _one(f"SELECT sum(d.cost) {joined}")
    assert whole.unsubscribed == _one("SELECT count(*) FROM event WHERE kind = 'unsubscribed'")
    assert whole.clicks_human == _one("SELECT count(*) FROM hit WHERE kind = 'clicked' AND verdict = 'human'")
    assert whole.clicks_machine == _one("SELECT count(*) FROM hit WHERE kind = 'clicked' AND verdict = 'machine'")
    assert whole.people_clicked == _one("SELECT count(*) FROM reader WHERE kind = 'clicked'")
    for ward, one in _year(zedholm, By.WARD).items():
        assert one.recipients == _one(f"SELECT count(*) {joined} AND d.ward_code = '{ward}'")


def test_nobody_is_counted_in_emergencies_and_nobody_by_name_who_did_not_agree(zedholm: UUID) -> None:
    assert not _one("SELECT count(*) FROM hit JOIN alert a ON a.id = alert_id WHERE a.priority = 'emergency'")
    assert not _one("""
        SELECT count(*) FROM reader r JOIN delivery d USING (month, alert_id, number)
        JOIN subscriber s ON s.id = d.subscriber_id WHERE NOT s.tracking_consent
    """)


def test_nothing_is_counted_where_the_topic_does_not_allow_it(zedholm: UUID) -> None:
    untracked = (
        "FROM hit JOIN alert a ON a.id = alert_id JOIN topic t ON t.id = a.topic_id WHERE NOT t.tracking_allowed"
    )
    assert not _one(f"SELECT count(*) {untracked}")
    by_topic = _year(zedholm, By.TOPIC)
    assert {key for key, one in by_topic.items() if one.clicks_human} == {"road-closures", "consultations"}
    assert {key for key, one in by_topic.items() if one.tracked} == {"road-closures", "consultations"}


def test_rates_of_clicks_are_of_what_could_be_counted(zedholm: UUID) -> None:
    tracked = _one("""
        SELECT count(d.sent_at) FROM delivery d JOIN alert a ON a.id = d.alert_id
        JOIN topic t ON t.id = a.topic_id
        JOIN subscriber s ON s.id = d.subscriber_id AND s.tracking_consent
        WHERE NOT a.is_test AND d.channel = 'email' AND t.tracking_allowed AND a.priority = 'routine'
          AND a.link IS NOT NULL
    """)
    whole = _year(zedholm, By.COUNCIL)["zedholm"]
    assert whole.tracked == tracked
    assert (whole.tracked or 0) < whole.sent
    for by in (By.TOPIC, By.WARD, By.CHANNEL, By.LANGUAGE, By.PROVIDER, By.MONTH, By.ALERT):
        assert sum(one.tracked or 0 for one in _year(zedholm, by).values()) == tracked, by


def test_people_calls_targets_and_service_levels_are_there_too(zedholm: UUID) -> None:
    assert _one("SELECT sum(came - went) FROM rollup_growth WHERE topic = ''") == demo_council.RESIDENTS
    assert _one("SELECT count(*) FROM subscriber") == demo_council.RESIDENTS
    assert _one("SELECT sum(people) FROM rollup_reach WHERE topic = ''") == demo_council.RESIDENTS
    assert _one("SELECT count(DISTINCT source) FROM rollup_growth WHERE came > 0") == 6
    for table in ("call_volume", "staff_time", "service_result", "service_breach", "target_value", "rollup_fatigue"):
        assert _one(f"SELECT count(*) > 0 FROM {table}"), table


def test_a_second_time_nothing_changes(zedholm: UUID) -> None:
    counted = """
        SELECT (SELECT count(*) FROM alert) || ' ' || (SELECT count(*) FROM delivery) || ' '
            || (SELECT count(*) FROM event) || ' ' || (SELECT count(*) FROM hit) || ' '
            || (SELECT count(*) FROM consent) || ' ' || (SELECT sum(sent) FROM rollup_alert)
    """
    before = _one(counted)
    assert not demo_history.fill(lambda _words: None)
    assert _one(counted) == before


def test_its_service_is_judged_its_calls_are_known_and_its_figures_are_public(zedholm: UUID) -> None:
    sent = "FROM rollup_alert r JOIN alert a ON a.id = r.alert_id WHERE NOT a.is_test AND a.parts IS NULL"
    assert _one("SELECT count(*) FROM service_result") == _one(f"SELECT count(*) {sent} AND r.recipients > 0")
    assert int(str(_one("SELECT count(*) FROM call_volume"))) > 9_000
    assert _one("SELECT is_on AND tables IS NOT NULL FROM publication")
    assert _one("SELECT count(*) FROM call_category WHERE topic_id IS NOT NULL") == 2
