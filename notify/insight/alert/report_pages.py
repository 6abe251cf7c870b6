"""The page of one alert's figures, and what officers write beside them."""

from collections.abc import Sequence
from uuid import UUID

from litestar import Response
from litestar.params import FromPath, RawBody
from litestar.response import Redirect
from litestar.types import ControllerRouterHandler
from sqlmodel import Session

from notify.alerts import queries as alerts
from notify.channels import label
from notify.charts.words import decimal, not_known, pence, percent, pounds, seconds
from notify.core.db import transaction
from notify.core.form_fields import FieldError
from notify.insight import annotations
from notify.insight.alert.charts import alert_charts, links_of
from notify.insight.alert.report import OneAlert, Rates, one_alert
from notify.insight.annotations import AnnotationNotValid
from notify.insight.period import day_of
from notify.staff.budgets import in_pounds
from notify.staff.guards import Principal, Requires, Right
from notify.staff.page_frame import staff_page
from notify.staff.routes import StaffRequest, staff_get, staff_post
from notify.subscribers.models import Topic
from notify.web.forms import read_form

PATH = "/staff/alerts/{alert_id:uuid}/figures"
# what stands beside the median of the topic: its name, how it is written, whether more is better
COMPARED = (
    ("reached", "Messages that did not come back", percent, True),
    ("time_to_95", "Time until 95% were sent", seconds, False),
    ("clicks", "Clicks (people, estimated) for each 100 tracked emails", decimal, True),
    ("unsubscribed", "People who left, for each 1,000 messages", decimal, False),
    ("cost", "Cost of each message that did not come back", pence, False),
)


@staff_get(PATH, Requires(Right.SEE_ALERTS))
def show_figures(request: StaffRequest, alert_id: FromPath[UUID]) -> Response[object]:
    """What became of one alert: whom it reached, how fast, what people did, and what it cost."""
    with transaction() as session:
        return _page(session, request.user, alert_id)


@staff_post(f"{PATH}/notes", Requires(Right.WRITE_ALERTS))
def add_note(request: StaffRequest, alert_id: FromPath[UUID], body: RawBody) -> Response[object]:
    """Keep what changed because of this alert."""
    form, user = read_form(body), request.user
    with transaction() as session:
        try:
            annotations.annotate(
                session, by=user, words=form.one("words"), day=day_of(form.one("day")), alert_id=alert_id
            )
        except AnnotationNotValid as refused:
            return _page(session, user, alert_id, form.one("words"), FieldError("words", refused.detail))
    return Redirect(f"/staff/alerts/{alert_id}/figures#notes", status_code=303)


def _page(
    session: Session, user: Principal, alert_id: UUID, words: str = "", field_error: FieldError | None = None
) -> Response[object]:
    alert = alerts.alert(session, user, alert_id)
    found = one_alert(session, alert)
    links = links_of(alert.link, alert.parts)
    return staff_page(
        user,
        "reports/alert.html",
        at="",
        status=422 if field_error else 200,
        alert=alert,
        topic=session.get_one(Topic, alert.topic_id),
        found=found,
        facts=_facts(found) if found else [],
        compared=_compared(found.ours, found.median) if found else [],
        charts=alert_charts(session, found, links, has_link=bool(links)) if found else {},
        notes=annotations.of_alert(session, alert.id),
        may_write=user.may(Right.WRITE_ALERTS),
        may_see_more=user.may(Right.SEE_FIGURES),
        field_errors=[field_error] if field_error else [],
        words=words,
        way=label,
    )


def _facts(found: OneAlert) -> Sequence[tuple[str, str, str]]:
    """The tiles: a name, a number, and what to know about it."""
    total = found.total
    share = f"{percent(found.reached / total.recipients)} of {total.recipients:,}" if total.recipients else ""
    each = pence(found.ours.cost) + " each" if found.ours.cost is not None else "no price is set"
    unpriced = f"; {total.unpriced:,} without a price are not in it" if 0 < total.unpriced < total.sent else ""
    priced = total.sent > total.unpriced
    return (
        ("Messages that did not come back", f"{found.reached:,}", share),
        ("95% sent within", seconds(total.time_to_95) if total.time_to_95 is not None else "not yet", ""),
        ("Clicks (people, estimated)", f"{found.clicks.human:,}", f"{found.clicks.machine:,} more by machines"),
        ("Opens (indicative)", f"{found.people_opened:,}", "people, of those who agreed to be counted"),
        ("Unsubscribed", f"{total.unsubscribed:,}", f"{total.complained:,} reported it as spam"),
        ("Cost", pounds(in_pounds(total.cost)) if priced else not_known(), each + unpriced),
    )


def _compared(ours: Rates, median: Rates) -> Sequence[tuple[str, str, str, str]]:
    """Each figure of this alert, of its topic in the middle, and which way they differ."""
    rows = []
    for field, name, write, is_more_better in COMPARED:
        mine, middle = getattr(ours, field), getattr(median, field)
        said, typical = (write(value) if value is not None else not_known() for value in (mine, middle))
        rows.append((name, said, typical, _verdict(mine, middle, is_more_better)))
    return rows


def _verdict(mine: float | None, middle: float | None, is_more_better: bool) -> str:
    if mine is None or middle is None:
        return "Nothing to compare"
    if abs(mine - middle) <= 0.005 * max(abs(mine), abs(middle)):
        return "The same"
    return "Better" if (mine > middle) == is_more_better else "Worse"


HANDLERS: Sequence[ControllerRouterHandler] = (show_figures, add_note)
