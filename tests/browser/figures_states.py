"""The states of the pages of figures: with a year behind the council, and with nothing."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from uuid import UUID

from playwright.sync_api import Page
from sqlalchemy import text

from notify.core import clock
from notify.core.db import transaction
from notify.insight import annotations
from tests.browser.staff_states import administrator
from tests.drafting.desk import draw_wards
from tests.world import NORTH, SOUTH, World

Way = Callable[[Page, World], None]
TITLES = ("Bins on Friday instead of Thursday", "Mill Road closed", "Ice: roads are not gritted", "A new bin for food")


def a_year(page: Page, world: World) -> UUID:
    """Twelve alerts in twelve months, counted, with clicks and a note each; the last one's id."""
    ids = [_alert(page, world, number) for number in range(12)]
    with transaction() as session:
        for number, alert in enumerate(ids):
            values = {"alert": alert, "at": clock.now() - timedelta(days=30 * (11 - number)), "n": 100 * (number + 1)}
            for statement in (ONE, CELLS, CURVE, HITS, PEOPLE):
                session.execute(text(statement), values)
        for alert_id, words in ((ids[-1], "Half the street had moved their cars by eight."), (None, "New lorries.")):
            annotations.annotate(session, by=world.planner, words=words, alert_id=alert_id)
    draw_wards()
    return ids[-1]


def _alert(page: Page, world: World, number: int) -> UUID:
    alert = {"topic": ("bins", "road-closures")[number % 3 == 0], "title": TITLES[number % 4], "body": "It is so."}
    headers = world.headers | {"Idempotency-Key": f"figures-{number}"}
    answer = page.request.post("/api/v1/alerts", data=alert | {"link": "https://example.org/more"}, headers=headers)
    assert answer.status == 201, answer.text()
    return UUID(answer.json()["id"])


COUNTS = """recipients, sent, delivered, permanent_failure, temporary_failure, technical_failure, unknown, suppressed,
    cancelled, expired, waiting, cost, unpriced"""
SHARES = "{n}, {n} * 96 / 100, {n} * 70 / 100, {n} * 2 / 100, 0, 0, 0, {n} * 3 / 100, 0, 0, {n} / 100, {n} * 400, 0"
ONE = f"""
    INSERT INTO rollup_alert (alert_id, council_id, topic_id, started_at, {COUNTS}, unsubscribed, complained,
                              time_to_50, time_to_95, time_to_99, time_to_100, counted_at, took, is_final)
    SELECT id, council_id, topic_id, :at, {SHARES.format(n="CAST(:n AS integer)")}, :n / 100, :n / 500,
           12, 55, 70, 90, business_now(), '1 second', true
    FROM alert WHERE id = :alert
"""
CELLS = f"""
    INSERT INTO rollup_cell (alert_id, channel, language, ward_code, provider, {COUNTS}, agreed)
    SELECT :alert, channel, language, ward, provider, {SHARES.format(n="(CAST(:n AS integer) * of / 100)")},
           CAST(:n AS integer) * of / 100 / 2
    FROM (VALUES ('email', 'en', '{NORTH}', 'smtp', 40), ('email', 'cy', '{SOUTH}', 'smtp', 30),
                 ('sms', 'en', '{SOUTH}', 'twilio-sms', 20), ('sms', 'en', '', '', 10))
        AS part (channel, language, ward, provider, of)
"""
CURVE = """
    INSERT INTO rollup_curve (alert_id, channel, second, sent, delivered)
    SELECT :alert, 'email', second, CAST(:n AS integer) * 96 / 1000, CAST(:n AS integer) * 70 / 1000
    FROM generate_series(9, 90, 9) AS second
"""
HITS = """
    INSERT INTO rollup_hit (alert_id, kind, verdict, channel, link, device, hour, times)
    SELECT :alert, 'clicked', verdict, 'email', 0, device,
           date_trunc('hour', CAST(:at AS timestamptz)) + make_interval(hours => hour), 1 + CAST(:n AS integer) / of
    FROM (VALUES ('human', 'phone', 20), ('human', 'computer', 40), ('machine', 'program', 10),
                 ('unknown', 'unknown', 90))
        AS click (verdict, device, of), generate_series(0, 6) AS hour
"""
PEOPLE = f"""
    INSERT INTO rollup_people (alert_id, kind, channel, language, ward_code, people)
    VALUES (:alert, 'clicked', 'email', 'en', '{NORTH}', 1 + CAST(:n AS integer) / 60),
           (:alert, 'opened', 'email', 'en', '{SOUTH}', 1 + CAST(:n AS integer) / 40)
"""


def figures(path: str) -> Way:
    """A page of figures with a year behind it; `{{}}` in the path is the newest alert's id."""

    def go(page: Page, world: World) -> None:
        alert = a_year(page, world)
        administrator(page, world)
        page.goto(path.format(alert))

    return go


def no_figures(path: str) -> Way:
    """A page of figures before anything was sent."""

    def go(page: Page, world: World) -> None:
        administrator(page, world)
        page.goto(path)

    return go


def no_figures_of_alert(page: Page, world: World) -> None:
    """An alert that was not sent."""
    alert = _alert(page, world, 0)
    administrator(page, world)
    page.goto(f"/staff/alerts/{alert}/figures")


def note_badly(page: Page, world: World) -> None:
    """A note of nothing."""
    figures("/staff/figures")(page, world)
    page.get_by_text("Write what changed").click()
    page.get_by_role("button", name="Keep it").click()


FIGURES: Mapping[str, Way] = {
    "figures": figures("/staff/figures"),
    "figures-faulty": note_badly,
    "figures-empty": no_figures("/staff/figures"),
    "figures-topics": figures("/staff/figures/topics"),
    "figures-topic": figures("/staff/figures/topics/bins"),
    "figures-wards": figures("/staff/figures/wards"),
    "figures-ward": figures(f"/staff/figures/wards/{NORTH}"),
    "figures-channels": figures("/staff/figures/channels"),
    "figures-providers": figures("/staff/figures/providers"),
    "figures-languages": figures("/staff/figures/languages"),
    "figures-breakdown-empty": no_figures("/staff/figures/wards"),
    "figures-alert": figures("/staff/alerts/{}/figures"),
    "figures-alert-empty": no_figures_of_alert,
}
