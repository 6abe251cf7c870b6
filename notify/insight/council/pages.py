"""Reports of a council: overall and by topic, ward, channel, provider and language. Read from rollups only."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from litestar import Response
from litestar.params import FromPath, RawBody
from litestar.response import Redirect
from litestar.types import ControllerRouterHandler
from sqlmodel import Session

from notify.channels import label
from notify.charts.chart import Chart
from notify.core.db import transaction
from notify.core.errors import NotFound
from notify.core.form_fields import FieldError
from notify.insight import annotations, labels
from notify.insight.annotations import AnnotationNotValid
from notify.insight.council import charts
from notify.insight.council.charts import Link, Named
from notify.insight.council.slices import By, Slice, slices, total_of
from notify.insight.period import Period, chosen, day_of
from notify.insight.report_frame import report_page
from notify.places.queries import areas_by_code, names_by_code
from notify.staff.guards import Principal, Requires, Right
from notify.staff.menu import Menu, MenuItem
from notify.staff.routes import StaffRequest, staff_get, staff_post
from notify.subscribers.models import Topic
from notify.subscribers.queries import topic as topic_of
from notify.web.forms import read_form

PATH = "/staff/figures"
MOST_ALERTS = 15


class NoFiguresOfThisWard(NotFound):
    """No ward has this code."""

    title = "There is no such ward"


@dataclass(frozen=True, slots=True)
class Breakdown:
    """A page that breaks the council's figures down: its name, what a line is called, and its charts' rates."""

    by: By
    title: str
    head: str
    rates: Sequence[str]
    about: str
    has_pages: bool = False


BREAKDOWNS: Mapping[str, Breakdown] = {
    "topics": Breakdown(
        By.TOPIC,
        "Topics",
        "Topic",
        ("reached", "clicks", "left", "cost"),
        "What the council writes about, and what becomes of it.",
        has_pages=True,
    ),
    "wards": Breakdown(
        By.WARD,
        "Wards",
        "Ward",
        ("reached", "people", "cost"),
        "Where messages went: to the wards of the places that people gave us. Clicks are those of people who agreed "
        "to be counted; of everybody else nobody knows who clicked.",
        has_pages=True,
    ),
    "channels": Breakdown(
        By.CHANNEL,
        "Ways",
        "Way",
        ("reached", "clicks", "cost", "cost_each"),
        "E-mail, text messages, telephone calls and webhooks. Providers of e-mail mostly report only what failed.",
    ),
    "providers": Breakdown(
        By.PROVIDER,
        "Providers",
        "Provider",
        ("reached", "cost", "cost_each"),
        "Who carried the messages. One that fails more than others, or costs more, shows here.",
    ),
    "languages": Breakdown(
        By.LANGUAGE,
        "Languages",
        "Language",
        ("reached", "people"),
        "The languages that messages were written in: the one that somebody chose, where the alert is translated.",
    ),
}


@staff_get(PATH, Requires(Right.SEE_FIGURES))
def show_overview(request: StaffRequest) -> Response[object]:
    """What the council sent in some days, its result, and how that was in the days before."""
    with transaction() as session:
        return _overview(session, request.user, _asked(request))


def _overview(
    session: Session, user: Principal, period: Period, words: str = "", field_error: FieldError | None = None
) -> Response[object]:
    council_id = user.council_id
    steps = _of(session, council_id, By.DAY if period.is_by_day else By.MONTH, period)
    total, before = total_of(steps), total_of(_of(session, council_id, By.COUNCIL, period.before()))
    notes = annotations.between(session, council_id, since=period.since, until=period.until)
    topics = _of(session, council_id, By.TOPIC, period)
    link = _link("topics", period)
    return report_page(
        user,
        "reports/council.html",
        section=PATH,
        period=period,
        status=422 if field_error else 200,
        tiles=charts.tiles(period, total, before, steps) if total else [],
        step_by_step=charts.step_by_step(period, steps),
        shown=[
            charts.over_time(period, steps, notes),
            charts.outcomes("Message status by topic", "Topic", topics, _name, link),
            charts.rate("clicks", "Topic", topics, _name, link),
        ],
        notes=notes,
        field_errors=[field_error] if field_error else [],
        words=words,
    )


@staff_get(f"{PATH}/topics", Requires(Right.SEE_FIGURES))
def show_topics(request: StaffRequest) -> Response[object]:
    """The council's figures by topic."""
    return _breakdown(request, "topics")


@staff_get(f"{PATH}/wards", Requires(Right.SEE_FIGURES))
def show_wards(request: StaffRequest) -> Response[object]:
    """The council's figures by ward."""
    return _breakdown(request, "wards")


@staff_get(f"{PATH}/channels", Requires(Right.SEE_FIGURES))
def show_channels(request: StaffRequest) -> Response[object]:
    """The council's figures by way: e-mail, text, call, webhook."""
    return _breakdown(request, "channels")


@staff_get(f"{PATH}/providers", Requires(Right.SEE_FIGURES))
def show_providers(request: StaffRequest) -> Response[object]:
    """The council's figures by who carried the messages."""
    return _breakdown(request, "providers")


@staff_get(f"{PATH}/languages", Requires(Right.SEE_FIGURES))
def show_languages(request: StaffRequest) -> Response[object]:
    """The council's figures by language."""
    return _breakdown(request, "languages")


def _breakdown(request: StaffRequest, which: str) -> Response[object]:
    user, period = request.user, _asked(request)
    asked = BREAKDOWNS[which]
    with transaction() as session:
        found = _of(session, user.council_id, asked.by, period)
        name = _named(session, asked.by, found)
        link = _link(which, period) if asked.has_pages else _no_page
        shown = _charts(session, asked, found, name, link)
    return report_page(
        user,
        "reports/by.html",
        section=f"{PATH}/{which}",
        period=period,
        title=asked.title,
        about=asked.about,
        shown=shown,
    )


@staff_get(f"{PATH}/topics/{{slug:str}}", Requires(Right.SEE_FIGURES))
def show_topic(request: StaffRequest, slug: FromPath[str]) -> Response[object]:
    """One topic: over time, by ward, way and language, its alerts, and what changed because of it."""
    with transaction() as session:
        topic = topic_of(session, request.user.council_id, slug)
        return _one(session, request.user, _asked(request), title=topic.name, topic=topic)


@staff_get(f"{PATH}/wards/{{code:str}}", Requires(Right.SEE_FIGURES))
def show_ward(request: StaffRequest, code: FromPath[str]) -> Response[object]:
    """One ward: over time, by topic, way and language, and the alerts that went there."""
    with transaction() as session:
        area = areas_by_code(session, [code]).get(code)
        if area is None:
            raise NoFiguresOfThisWard("The list of wards names those that anything was sent to.")
        return _one(session, request.user, _asked(request), title=area.name, ward=code)


def _one(
    session: Session,
    user: Principal,
    period: Period,
    *,
    title: str,
    topic: Topic | None = None,
    ward: str | None = None,
    words: str = "",
    field_error: FieldError | None = None,
) -> Response[object]:
    """The page of one topic or one ward."""

    def of(by: By, days: Period = period, *, with_hits: bool = False) -> Sequence[Slice]:
        topic_id = topic.id if topic else None
        return _of(session, user.council_id, by, days, topic_id=topic_id, ward=ward, with_hits=with_hits)

    steps = of(By.DAY if period.is_by_day else By.MONTH, with_hits=True)
    total, before = total_of(steps), total_of(of(By.COUNCIL, period.before(), with_hits=True))
    notes = (
        annotations.between(session, user.council_id, since=period.since, until=period.until, topic_id=topic.id)
        if topic
        else []
    )
    shown = [charts.over_time(period, steps, notes)]
    for which in ("wards", "channels", "languages") if topic else ("topics", "channels", "languages"):
        asked = BREAKDOWNS[which]
        found = of(asked.by, with_hits=asked.by == By.WARD)
        link = _link(which, period) if asked.has_pages else _no_page
        shown += _charts(session, asked, found, _named(session, asked.by, found), link)[:1]
    return report_page(
        user,
        "reports/one.html",
        section=f"{PATH}/{'topics' if topic else 'wards'}",
        period=period,
        status=422 if field_error else 200,
        title=title,
        slug=topic.slug if topic else "",
        here=f"{PATH}/topics/{topic.slug}" if topic else f"{PATH}/wards/{ward}",
        tiles=charts.tiles(period, total, before, steps) if total else [],
        step_by_step=charts.step_by_step(period, steps),
        shown=shown,
        alerts=_alerts(of(By.ALERT)),
        notes=notes,
        field_errors=[field_error] if field_error else [],
        words=words,
    )


def _alerts(found: Sequence[Slice]) -> Chart:
    """The largest alerts, each leading to its own figures."""
    return charts.outcomes(
        f"The {MOST_ALERTS} largest of {len(found):,} alerts" if len(found) > MOST_ALERTS else "Alerts",
        "Alert",
        found[:MOST_ALERTS],
        _name,
        lambda key: f"/staff/alerts/{key}/figures",
    )


def _charts(session: Session, asked: Breakdown, found: Sequence[Slice], name: Named, link: Link) -> list[Chart]:
    """The pictures of one breakdown; of wards a map comes first."""
    made = [charts.ward_map(session, found, name, link)] if asked.by == By.WARD else []
    made.append(charts.outcomes(f"Message status by {asked.head.lower()}", asked.head, found, name, link))
    return made + [charts.rate(which, asked.head, found, name, link) for which in asked.rates]


def _named(session: Session, by: By, found: Sequence[Slice]) -> Named:
    """What the lines of a breakdown are called."""
    if by == By.WARD:
        names = names_by_code(session, [one.key for one in found])
        return lambda one: names.get(one.key, one.key or "Ward not known")
    plain = {By.CHANNEL: label, By.LANGUAGE: labels.language, By.PROVIDER: labels.provider}.get(by)
    return (lambda one: plain(one.key)) if plain else _name


def _name(one: Slice) -> str:
    return one.name


def _no_page(_key: str) -> str:
    return ""


def _link(which: str, period: Period) -> Link:
    return lambda key: f"{PATH}/{which}/{key}?{period.query}" if key else ""


def _of(
    session: Session,
    council_id: UUID,
    by: By,
    period: Period,
    *,
    topic_id: UUID | None = None,
    ward: str | None = None,
    with_hits: bool = True,
) -> Sequence[Slice]:
    days = {"since": period.since, "until": period.until}
    return slices(session, council_id, by=by, topic_id=topic_id, ward=ward, with_hits=with_hits, **days)


def _asked(request: StaffRequest) -> Period:
    return chosen({name: str(value) for name, value in request.query_params.items()})


@staff_post(f"{PATH}/notes", Requires(Right.WRITE_ALERTS))
def add_note(request: StaffRequest, body: RawBody) -> Response[object]:
    """Keep what changed, of a topic or of the whole council."""
    form, user = read_form(body), request.user
    slug, words = form.one("topic"), form.one("words")
    with transaction() as session:
        topic = topic_of(session, user.council_id, slug) if slug else None
        try:
            annotations.annotate(
                session, by=user, words=words, day=day_of(form.one("day")), topic_id=topic.id if topic else None
            )
        except AnnotationNotValid as refused:
            field_error = FieldError("words", refused.detail)
            if topic:
                return _one(
                    session, user, chosen({}), title=topic.name, topic=topic, words=words, field_error=field_error
                )
            return _overview(session, user, chosen({}), words, field_error)
    return Redirect(f"{PATH}/topics/{slug}#notes" if slug else f"{PATH}#notes", status_code=303)


@staff_post(f"{PATH}/notes/{{annotation_id:uuid}}/remove", Requires(Right.WRITE_ALERTS))
def remove_note(request: StaffRequest, annotation_id: FromPath[UUID]) -> Redirect:
    """Show a note no more. The audit trail says who took it away."""
    user = request.user
    with transaction() as session:
        note = annotations.take_away(session, by=user, annotation_id=annotation_id)
        topic = session.get(Topic, note.topic_id) if note.topic_id else None
    if note.alert_id:
        return Redirect(f"/staff/alerts/{note.alert_id}/figures#notes", status_code=303)
    return Redirect(f"{PATH}/topics/{topic.slug}#notes" if topic else f"{PATH}#notes", status_code=303)


MENU_ITEMS = (
    MenuItem("Reports", "/staff/figures", Right.SEE_FIGURES, 70),
    MenuItem("Overview", "/staff/figures", Right.SEE_FIGURES, 10, Menu.REPORTS),
    MenuItem("Topics", "/staff/figures/topics", Right.SEE_FIGURES, 20, Menu.REPORTS),
    MenuItem("Wards", "/staff/figures/wards", Right.SEE_FIGURES, 30, Menu.REPORTS),
    MenuItem("Channels", "/staff/figures/channels", Right.SEE_FIGURES, 40, Menu.REPORTS),
    MenuItem("Providers", "/staff/figures/providers", Right.SEE_FIGURES, 50, Menu.REPORTS),
    MenuItem("Languages", "/staff/figures/languages", Right.SEE_FIGURES, 60, Menu.REPORTS),
)
HANDLERS: Sequence[ControllerRouterHandler] = (
    show_overview,
    show_topics,
    show_wards,
    show_channels,
    show_providers,
    show_languages,
    show_topic,
    show_ward,
    add_note,
    remove_note,
)
