"""The states of growth, reach, fatigue and targets: with a year of people, and with nobody."""

from collections.abc import Mapping
from datetime import timedelta

from playwright.sync_api import Page
from sqlalchemy import text

from notify.core.db import transaction
from notify.insight.growth.fatigue import monday_of
from notify.insight.indicators.targets import Wish, enter_values, set_target
from notify.insight.period import today
from tests.browser.figures_states import Way, no_figures
from tests.browser.staff_states import administrator
from tests.drafting.desk import draw_wards
from tests.world import NORTH, SOUTH, World

CAME = """
    INSERT INTO rollup_growth (council_id, topic, day, source, came, went)
    SELECT :council, topic, CAST(:today AS date) - 25 * n, source, came * (14 - n), went * n
    FROM generate_series(1, 13) AS n,
         (VALUES ('', 'website', 9, 0), ('', 'poster-library', 4, 0), ('', 'assisted', 1, 0), ('', 'one-click', 0, 2),
                 ('', 'erased', 0, 1), ('bins', 'website', 8, 0), ('road-closures', 'website', 5, 1))
             AS way (topic, source, came, went)
    WHERE source <> 'poster-library' OR n BETWEEN 4 AND 6
"""
LIVE = f"""
    INSERT INTO rollup_reach (council_id, topic, ward_code, language, people)
    VALUES (:council, '', '{NORTH}', 'en', 240), (:council, '', '{NORTH}', 'cy', 31),
           (:council, '', '{SOUTH}', 'en', 90),
           (:council, '', '', 'en', 7), (:council, '', '{SOUTH}', 'pl', 3), (:council, 'bins', '{NORTH}', 'en', 200)
"""
TIRED = """
    INSERT INTO rollup_fatigue (council_id, days, first, alerts, people, went)
    SELECT :council, days, CAST(:monday AS date) - 7 * n, alerts, 300 / alerts + 7 * n, alerts * (n % 3)
    FROM generate_series(1, 20) AS n, generate_series(1, 10) AS alerts, (VALUES (7), (28)) AS span (days)
"""


def people(world: World) -> None:
    """Who came, where they live, and what they get, as the platform keeps it."""
    with transaction() as session:
        values = {"council": world.council_id, "today": today(), "monday": monday_of(today())}
        for statement in (CAME, LIVE, TIRED):
            session.execute(text(statement), values)
    draw_wards()


def targets(world: World) -> None:
    """An indicator of every colour and kind, of the council's own."""
    month = f"{today() - timedelta(days=40):%Y-%m}"
    with transaction() as session:
        for name, kind, target, value in (
            ("Calls answered", "target", "85", "87"),
            ("Avoidable contact", "target", "15", "10.4"),
            ("Requests on time", "target", "90", "71"),
            ("Incidents on time", "target", "90", "83.4"),
            ("Sessions on the website", "contextual", "", "432,584"),
            ("Answers to the survey", "baseline", "", "59"),
        ):
            lower = name.startswith("Avoidable")
            wish = Wish(kind=kind, target=target, name=name, unit="%", lower_is_better=lower)
            kept = set_target(session, council_id=world.council_id, actor="test", indicator=None, wish=wish)
            enter_values(session, target=kept, actor="test", rows=f"2025-01, 70\n{month}, {value}")
        wish = Wish(kind="target", target="200", actions="Posters in the library and with every council tax bill.")
        set_target(session, council_id=world.council_id, actor="test", indicator="subscribers", wish=wish)


def shown(path: str) -> Way:
    """A page with a year of people and targets behind it."""

    def go(page: Page, world: World) -> None:
        people(world)
        targets(world)
        administrator(page, world)
        page.goto(path)

    return go


def target_badly(page: Page, world: World) -> None:
    """A target that is no number."""
    shown("/staff/figures/targets/subscribers")(page, world)
    page.get_by_label("The target").fill("lots")
    page.get_by_role("button", name="Keep it").click()


def values_badly(page: Page, world: World) -> None:
    """A value of no month."""
    shown("/staff/figures/targets/own-calls-answered")(page, world)
    page.get_by_label("Add values").fill("October, 7")
    page.get_by_role("button", name="Add them").click()


def target_kept(page: Page, world: World) -> None:
    """The list, which says that it was kept."""
    shown("/staff/figures/targets/subscribers")(page, world)
    page.get_by_role("button", name="Keep it").click()


GROWTH: Mapping[str, Way] = {
    "figures-growth": shown("/staff/figures/growth"),
    "figures-growth-empty": no_figures("/staff/figures/growth"),
    "figures-reach": shown("/staff/figures/reach"),
    "figures-reach-empty": no_figures("/staff/figures/reach"),
    "figures-fatigue": shown("/staff/figures/fatigue"),
    "figures-fatigue-empty": no_figures("/staff/figures/fatigue"),
    "figures-targets": target_kept,
    "figures-targets-empty": no_figures("/staff/figures/targets"),
    "figures-target": shown("/staff/figures/targets/subscribers"),
    "figures-target-faulty": target_badly,
    "figures-target-new": no_figures("/staff/figures/targets/new"),
    "figures-target-own": shown("/staff/figures/targets/own-calls-answered"),
    "figures-target-values-faulty": values_badly,
}
