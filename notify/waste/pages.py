"""Public pages of collection days: postcode, home, the next days, a year to print, and a calendar to subscribe to."""

import json
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Annotated, Any

from litestar import Response
from litestar.params import FromPath, QueryParameter, RawBody
from litestar.response import Redirect
from litestar.types import ControllerRouterHandler
from sqlmodel import Session

from notify.core.csv_cells import csv_of
from notify.core.db import transaction
from notify.core.errors import NotifyError
from notify.core.form_fields import FieldError
from notify.languages import _
from notify.places.postcodes import PostcodeNotValid, normalise
from notify.staff.council_settings import look
from notify.staff.queries import council_by_slug
from notify.waste import calendar_feed, home_days, queries, service, use, words
from notify.waste.entries import spoken_postcode
from notify.waste.home_days import AHEAD, HomeDays
from notify.waste.models import UseKind
from notify.waste.month_picture import last_of_month, month_after, months_from, weekday_names
from notify.web.forms import read_form
from notify.web.headers import FRAMED, OPEN_TO_ALL
from notify.web.routes import page_get, page_post
from notify.web.templates import page
from notify.web.visitor_language import link

NOT_KEPT = {"Cache-Control": "no-store", "X-Robots-Tag": "noindex"}
LONGEST_AHEAD = 12  # months
HOME = "/bins/{council:str}/{reference:str}"
ROUND_HEADS = ("council", "round", "stream", "rule", "next", "source", "licence", "fetched_at")
Saved = Annotated[str, QueryParameter(max_length=20)]
Postcode = Annotated[str, QueryParameter(max_length=40)]


@page_get("/bins")
def ask_postcode(postcode: Postcode = "") -> Response[object]:
    """Ask for a postcode; with one, its home, or which of its homes it is."""
    if not postcode.strip():
        return _question(postcode, [])
    try:
        key = normalise(postcode)
    except PostcodeNotValid as error:
        return _question(postcode, [FieldError("postcode", error.detail)])
    with transaction() as session:
        found = queries.homes_at(session, key)
    if not found:
        message = _("We do not know the collection days of {postcode}. Check it, or ask your council.")
        return _question(postcode, [FieldError("postcode", message.format(postcode=spoken_postcode(key)))])
    for council_id in {one.council.id for one in found}:
        use.count(council_id, UseKind.LOOK_UP)
    if len(found) == 1:
        return Redirect(link(found[0].path), status_code=303)
    return page(
        "waste/choose.html",
        headers=NOT_KEPT,
        postcode=spoken_postcode(key),
        homes=[(one, one.path) for one in found],
    )


def _question(postcode: str, field_errors: Sequence[FieldError]) -> Response[object]:
    return page(
        "waste/postcode.html", status=422 if field_errors else 200, postcode=postcode, field_errors=field_errors
    )


@page_get("/bins/widget", sync_to_thread=False)
def widget() -> Response[object]:
    """The question for a postcode, for the council's own site to frame. Its answer opens here."""
    return page("waste/widget.html", headers=FRAMED)


@page_get("/bins/rounds.csv")
def read_rounds(council: Annotated[str, QueryParameter(max_length=80)]) -> Response[str]:
    """The rounds of a council as open data: one line for each round and stream, and nothing about homes."""
    with transaction() as session:
        shown = service.open_rounds(session, council_by_slug(session, council))
    source = shown.source
    about = (source.name, source.licence, source.fetched_at) if source else ("", "", "")
    rows = [
        (shown.council, one.round, one.stream, json.dumps(one.rule), " ".join(f"{day}" for day in one.next), *about)
        for one in shown.rounds
    ]
    headers = {"Content-Disposition": 'attachment; filename="rounds.csv"', **OPEN_TO_ALL}
    return Response(csv_of(ROUND_HEADS, rows), media_type="text/csv", headers=headers)


@page_get(HOME)
def show_home(council: FromPath[str], reference: FromPath[str], saved: Saved = "") -> Response[object]:
    """The next days of a home, as a list and as a picture of two months."""
    with transaction() as session:
        shown = _shown(session, council, reference, months=2)
    return _home_page(shown, is_reported=saved == "report")


@page_get(f"{HOME}/year")
def print_year(council: FromPath[str], reference: FromPath[str]) -> Response[object]:
    """Twelve months for one sheet of paper."""
    with transaction() as session:
        shown = _shown(session, council, reference, months=LONGEST_AHEAD)
    return page("waste/year.html", headers=NOT_KEPT, **_values(shown, LONGEST_AHEAD))


@page_post(f"{HOME}/wrong", status_code=303)
def report_wrong(council: FromPath[str], reference: FromPath[str], body: RawBody) -> Response[object]:
    """Tell the council that these days are wrong, with the days that were shown."""
    form = read_form(body)
    with transaction() as session:
        shown = _shown(session, council, reference, months=2)
        if form.has("homepage"):
            return Redirect(link(shown.found.path), status_code=303)  # a program filled in every field
        service.report_wrong(session, shown, form.one("words"))
    return Redirect(link(shown.found.path, saved="report"), status_code=303)


@page_get("/bin-calendar/{token:str}")
def read_calendar(token: FromPath[str]) -> Response[bytes]:
    """The feed of a home. The token in its address is the proof."""
    with transaction() as session:
        shown = calendar_feed.days_by_token(session, token.removesuffix(".ics"))
        made = calendar_feed.feed(shown)
    use.count(shown.found.council.id, UseKind.CALENDAR)
    headers = {"Cache-Control": "private, max-age=900", "X-Robots-Tag": "noindex", **OPEN_TO_ALL}
    return Response(made, media_type="text/calendar", headers=headers)


def _shown(session: Session, slug: str, reference: str, *, months: int) -> HomeDays:
    try:
        found = queries.home(session, council_by_slug(session, slug).id, reference)
    except NotifyError:
        raise queries.UnknownHome(_("Enter your postcode again to find your home.")) from None
    today = home_days.today()
    look.wear(session, found.council.id)
    last = max(today + AHEAD, last_of_month(month_after(today, months - 1)))
    return home_days.days_of_home(session, found, today.replace(day=1), last)


def _home_page(shown: HomeDays, *, is_reported: bool) -> Response[object]:
    today = home_days.today()
    upcoming = [(day, of_day) for day, of_day in shown.by_day.items() if today <= day <= today + AHEAD]
    called_off = [one for one in shown.called_off if one.usual >= today - timedelta(days=2)]
    found = shown.found
    return page(
        "waste/home.html",
        headers=NOT_KEPT,
        upcoming=upcoming,
        called_off=called_off,
        is_reported=is_reported,
        calendar_address=calendar_feed.address_of(found.council.id, found.home.reference),
        **_values(shown, 2),
    )


def _values(shown: HomeDays, months: int) -> dict[str, Any]:
    """What every page of a home says."""
    today: date = home_days.today()
    found = shown.found
    return {
        "shown": shown,
        "found": found,
        "path": found.path,
        "postcode": spoken_postcode(found.home.postcode),
        "today": today,
        "months": months_from(today, months),
        "weekdays": weekday_names(),
        "words": words,
        "named": [
            stream for code, stream in shown.streams.items() if code in {one.stream for one in shown.collections}
        ],
    }


HANDLERS: Sequence[ControllerRouterHandler] = (
    ask_postcode,
    widget,
    read_rounds,
    show_home,
    print_year,
    report_wrong,
    read_calendar,
)
