"""Reports of growth, reach and message fatigue. Read from rollups only."""

from collections.abc import Sequence
from uuid import UUID

from litestar import Response
from litestar.types import ControllerRouterHandler
from sqlmodel import Session

from notify.charts.chart import Chart
from notify.core.db import transaction
from notify.insight import labels
from notify.insight.council.slices import By, slices
from notify.insight.growth import charts as growth_charts
from notify.insight.growth import fatigue, reach_charts
from notify.insight.growth.reach import reach, subscribers_by_topic
from notify.insight.period import Period, chosen
from notify.insight.report_frame import report_page
from notify.places.queries import names_by_code
from notify.staff.guards import Requires, Right
from notify.staff.menu import Menu, MenuItem
from notify.staff.routes import StaffRequest, staff_get
from notify.subscribers.queries import topics

GROWTH, REACH, FATIGUE = "/staff/figures/growth", "/staff/figures/reach", "/staff/figures/fatigue"
DAYS_OF_A_MONTH = 30.4
TIRED = 2  # whoever gets three in a week is called tired where an alert is written, too


def _asked(request: StaffRequest) -> Period:
    return chosen({name: str(value) for name, value in request.query_params.items()})


@staff_get(GROWTH, Requires(Right.SEE_FIGURES))
def show_growth(request: StaffRequest) -> Response[object]:
    """Who came and went in some days: over time, by the way they signed up, by topic, and around campaigns."""
    user, period = request.user, _asked(request)
    with transaction() as session:
        found = growth_charts.moves(session, user.council_id, period)
        around = growth_charts.campaigns(session, user.council_id, period)
    return report_page(
        user,
        "reports/growth.html",
        section=GROWTH,
        period=period,
        found=found,
        shown=[
            growth_charts.over_time(period, found),
            growth_charts.came_and_went(period, found),
            *growth_charts.by_source(found),
            growth_charts.by_topic(found),
            around,
        ],
    )


@staff_get(REACH, Requires(Right.SEE_FIGURES))
def show_reach(request: StaffRequest) -> Response[object]:
    """How many follow in each ward, of those who live there, on the map and in a table; gaps by name."""
    user, asked = request.user, str(request.query_params.get("topic", ""))
    with transaction() as session:
        every = topics(session, [user.council_id])
        topic = next((one for one in every if one.slug == asked), None)
        found = reach(session, user.council_id, topic.slug if topic else "")
        shown = [reach_charts.on_the_map(session, found), reach_charts.languages(found)]
    return report_page(user, "reports/reach.html", section=REACH, found=found, topic=topic, topics=every, shown=shown)


@staff_get(FATIGUE, Requires(Right.SEE_FIGURES))
def show_fatigue(request: StaffRequest) -> Response[object]:
    """How much people get, who gets more than so much, and after how much they leave."""
    user, period = request.user, _asked(request)
    asked = str(request.query_params.get("more_than", ""))
    more_than = int(asked) if asked in {str(number) for number in range(1, fatigue.MOST)} else TIRED
    since, until = fatigue.monday_of(period.since), period.until
    with transaction() as session:
        week, four = (
            fatigue.loads(session, user.council_id, days=days, since=since, until=until)
            for days in (fatigue.WEEK, fatigue.FOUR_WEEKS)
        )
        weeks = fatigue.weeks(session, user.council_id, more_than=more_than, since=since, until=until)
        most = _writing_most(session, user.council_id, period)
    return report_page(
        user,
        "reports/fatigue.html",
        section=FATIGUE,
        period=period,
        shown=[
            reach_charts.loads("Alerts that one person got in a week", week, "weeks"),
            reach_charts.loads("Alerts that one person got in four weeks", four, "spans of four weeks"),
            reach_charts.over_the_line(weeks, more_than),
            reach_charts.leaving(week),
            *most,
        ],
        more_than=more_than,
        lines=range(1, fatigue.MOST),
        over=reach_charts.share_over(week, more_than),
    )


def _writing_most(session: Session, council_id: UUID, period: Period) -> Sequence[Chart]:
    """Topics and wards by messages a month for each person."""
    by_topic, by_ward = (
        slices(session, council_id, by=by, since=period.since, until=period.until) for by in (By.TOPIC, By.WARD)
    )
    names = names_by_code(session, [one.key for one in by_ward])
    living = {ward.code: ward.people for ward in reach(session, council_id).wards}
    months = max(1.0, (period.until - period.since).days / DAYS_OF_A_MONTH)
    return (
        reach_charts.writes_most(
            "Topics that write most",
            "Topic",
            by_topic,
            subscribers_by_topic(session, council_id),
            months,
            lambda one: one.name,
        ),
        reach_charts.writes_most(
            "Wards that get most", "Ward", by_ward, living, months, lambda one: names.get(one.key, labels.UNKNOWN_WARD)
        ),
    )


MENU_ITEMS = (
    MenuItem("Growth", "/staff/figures/growth", Right.SEE_FIGURES, 70, Menu.REPORTS),
    MenuItem("Reach", "/staff/figures/reach", Right.SEE_FIGURES, 80, Menu.REPORTS),
    MenuItem("Message fatigue", "/staff/figures/fatigue", Right.SEE_FIGURES, 90, Menu.REPORTS),
)
HANDLERS: Sequence[ControllerRouterHandler] = (show_growth, show_reach, show_fatigue)
