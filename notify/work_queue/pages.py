"""The first page after sign-in: what waits for the user; and all alerts with search and filters."""

from collections.abc import Mapping, Sequence
from urllib.parse import urlencode
from uuid import UUID

from litestar import Response
from litestar.types import ControllerRouterHandler
from sqlmodel import Session, col, select

from notify.alerts import queries as alerts
from notify.alerts.models import AlertState
from notify.alerts.search import AlertSearch
from notify.core.db import transaction
from notify.guided_start.steps import steps
from notify.places.models import ReleaseKind
from notify.places.queries import areas_page
from notify.staff.guards import Requires, Right
from notify.staff.menu import MenuItem
from notify.staff.models import Officer
from notify.staff.page_frame import staff_page
from notify.staff.queries import council
from notify.staff.routes import StaffRequest, staff_get
from notify.staff.typed_days import TypedDays
from notify.subscribers.queries import topics
from notify.work_queue.queries import summaries, work_queue

HOME, LIST = "/staff", "/staff/alerts"
ON_A_PAGE = 25
MOST_WARDS = 1000
LONGEST = 200
ASKED = ("q", "state", "topic", "ward", "since", "until", "author")


@staff_get(HOME, Requires(Right.SEE_ALERTS))
def show_queue(request: StaffRequest) -> Response[object]:
    """What waits for this user."""
    may = request.user.may
    with transaction() as session:
        queue = work_queue(session, request.user)
        to_do = steps(session, request.user.council_id) if may(Right.WRITE_ALERTS) else []
    return staff_page(
        request.user,
        "work_queue/queue.html",
        at=HOME,
        queue=queue,
        to_do=to_do,
        may_put_away=may(Right.MANAGE_STAFF),
        may_write=may(Right.WRITE_ALERTS),
        may_approve=may(Right.APPROVE_ALERTS),
        may_broadcast=may(Right.BROADCAST),
    )


@staff_get(LIST, Requires(Right.SEE_ALERTS))
def list_alerts(request: StaffRequest) -> Response[object]:
    """Every alert, the newest first, or those that fit what is asked."""
    user = request.user
    said = {name: str(value)[:LONGEST].replace("\0", "").strip() for name, value in request.query_params.items()}
    days = TypedDays.read(said)
    search = _search(said, days)
    with transaction() as session:
        after = _id(said.get("after", ""))
        found = alerts.alerts(session, user, after=after, search=search, limit=ON_A_PAGE + 1)
        shown = summaries(session, found[:ON_A_PAGE]) if not days.field_errors else []
        known = {one.slug: one.name for one in topics(session, [user.council_id])}
        wards, authors = _wards(session, user.council_id), _authors(session, user.council_id)
    asked = {name: said[name] for name in ASKED if said.get(name)}
    older = {**asked, "after": str(shown[-1].id)} if len(found) > ON_A_PAGE and shown else None
    return staff_page(
        user,
        "work_queue/alerts.html",
        at=LIST,
        status=422 if days.field_errors else 200,
        alerts=shown,
        asked=asked,
        is_filtered=bool(asked.keys() - {"q"}),
        is_first=after is None,
        days=days,
        field_errors=days.field_errors,
        states=list(AlertState),
        topics=known,
        wards=wards,
        authors=authors,
        older=urlencode(older) if older else None,
        may_write=user.may(Right.WRITE_ALERTS),
    )


def _search(said: Mapping[str, str], days: TypedDays) -> AlertSearch:
    """What was asked for; a browser sends empty fields too."""
    state = said.get("state", "")
    return AlertSearch(
        words=said.get("q", ""),
        state=AlertState(state) if state in set(AlertState) else None,
        topic=said.get("topic", ""),
        ward=said.get("ward", ""),
        since=days.since,
        until=days.until,
        author=_id(said.get("author", "")),
    )


def _id(written: str) -> UUID | None:
    try:
        return UUID(written)
    except ValueError:
        return None


def _wards(session: Session, council_id: UUID) -> Mapping[str, str]:
    districts = council(session, council_id).district_codes
    found = areas_page(session, ReleaseKind.WARD, districts=districts, after="", limit=MOST_WARDS, with_outline=False)
    return dict(sorted(((area.code, area.name) for area in found), key=lambda pair: pair[1]))


def _authors(session: Session, council_id: UUID) -> Mapping[str, str]:
    users = select(Officer).where(Officer.council_id == council_id).order_by(col(Officer.name)).limit(MOST_WARDS)
    return {str(one.id): one.name for one in session.exec(users)}


MENU_ITEMS = (MenuItem("Home", HOME, Right.SEE_ALERTS, 10), MenuItem("Alerts", LIST, Right.SEE_ALERTS, 15))
HANDLERS: Sequence[ControllerRouterHandler] = (show_queue, list_alerts)
