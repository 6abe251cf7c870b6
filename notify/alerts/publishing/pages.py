"""Public pages: current alerts, one alert, feeds, topics, posters, and the widget for other sites."""

import io
from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated
from urllib.parse import urlencode
from uuid import UUID

import segno
from litestar import MediaType, Response
from litestar.params import FromPath, FromQuery, QueryParameter
from litestar.response import Redirect
from litestar.types import ControllerRouterHandler
from sqlmodel import Session

from notify.alerts.models import AlertState
from notify.alerts.publishing import feeds, queries
from notify.alerts.publishing.accessibility_statement import tested_states
from notify.alerts.publishing.area import area_of
from notify.alerts.publishing.queries import Wanted, words_of
from notify.alerts.queries import alert_of_area
from notify.core.db import transaction
from notify.languages import _, later, spoken
from notify.places.queries import names_by_code
from notify.staff.council_settings import look
from notify.staff.council_settings.effective import settings_of, spoken_names
from notify.subscribers.sign_up.form import CAMPAIGN, LONGEST_CAMPAIGN, ways_in_words
from notify.subscribers.topic_models import LegalBasis
from notify.web import theme
from notify.web.conditional import known_by
from notify.web.dates import day, moment
from notify.web.headers import FRAMED, OPEN_TO_ALL, map_headers
from notify.web.routes import PublicRequest, page_get
from notify.web.templates import page
from notify.web.visitor_language import link

SHORTLY = {"Cache-Control": "public, max-age=60"}
FOR_ALL = SHORTLY | OPEN_TO_ALL
IN_LANGUAGES = {"Vary": "Accept-Language"}
BASIS_WORDS = {
    LegalBasis.CONSENT: later("Your consent (UK GDPR Article 6(1)(a)). You can withdraw it at any time."),
    LegalBasis.PUBLIC_TASK: later("A task in the public interest that the law gives the council (Article 6(1)(e))."),
    LegalBasis.LEGAL_OBLIGATION: later("A duty that the law puts on the council (Article 6(1)(c))."),
    LegalBasis.VITAL_INTERESTS: later("To protect someone’s life (Article 6(1)(d))."),
}
IN_WIDGET = 5
Slug = Annotated[str, QueryParameter(max_length=80)]
PageNumber = Annotated[int, QueryParameter(name="page", ge=1, le=1000)]


def _title(session: Session, wanted: Wanted) -> str:
    if not wanted.ward:
        return _("Current alerts")
    name = names_by_code(session, [wanted.ward]).get(wanted.ward, wanted.ward)
    return _("Current alerts for {ward}", ward=name)


@page_get("/alerts")
def list_current(council: Slug = "", topic: Slug = "", ward: Slug = "", number: PageNumber = 1) -> Response[object]:
    """What holds now, emergencies first."""
    wanted = Wanted(council or theme.council(), topic, ward)
    with transaction() as session:
        found = queries.current(session, wanted, page=number)
        directory = queries.directory(session, only=theme.council())
        names = spoken_names(session, [one.id for one, _topics in directory])
        return page(
            "public/alerts.html",
            headers=SHORTLY,
            title=_title(session, wanted),
            found=found[: queries.PAGE],
            wanted=wanted,
            directory=directory,
            names=names,
            number=number,
            has_more=len(found) > queries.PAGE,
            words_of=words_of,
            moment=moment,
            feed_query=_query(wanted),
        )


def _query(wanted: Wanted) -> str:
    given = {"council": wanted.council, "topic": wanted.topic, "ward": wanted.ward}
    return urlencode({name: value for name, value in given.items() if value})


@page_get("/alerts/{alert_id:uuid}")
def show(alert_id: FromPath[UUID]) -> Response[object]:
    """One alert, its area and what followed. Raises: AlertNotPublished."""
    with transaction() as session:
        one = queries.published(session, alert_id)
        alert = one.alert
        look.wear(session, alert.council_id)
        area = area_of(session, alert_of_area(session, alert) if alert.follows_id else alert, language=spoken())
        title, body, language = words_of(one)
        return page(
            "public/alert.html",
            headers={**SHORTLY, **(map_headers() if area.extent else {})},
            map=area.extent,
            one=one,
            title=title,
            body=body,
            language=language,
            picture=area.picture,
            places=area.places,
            is_everywhere=area.is_everywhere,
            news=queries.news_about(session, alert),
            first=queries.first_of(session, alert),
            has_ended=queries.has_ended(session, alert),
            is_withdrawn=alert.state == AlertState.CANCELLED,
            words_of=words_of,
            moment=moment,
        )


@page_get("/alerts/{alert_id:uuid}/area.geojson")
def read_area(request: PublicRequest, alert_id: FromPath[UUID]) -> Response[bytes]:
    """The outline of an alert's area for the map on its page. Raises: AlertNotPublished."""
    with transaction() as session:
        area = area_of(session, queries.published(session, alert_id).alert, language=spoken())
    return known_by(request, area.geojson, "application/geo+json", headers=SHORTLY)


@page_get("/alerts.atom")
def read_atom(request: PublicRequest, council: Slug = "", topic: Slug = "", ward: Slug = "") -> Response[bytes]:
    """The current alerts as an Atom feed."""
    return _feed(request, Wanted(council, topic, ward), is_atom=True)


@page_get("/alerts.json")
def read_json_feed(request: PublicRequest, council: Slug = "", topic: Slug = "", ward: Slug = "") -> Response[bytes]:
    """The same as JSON Feed."""
    return _feed(request, Wanted(council, topic, ward), is_atom=False)


def _feed(request: PublicRequest, wanted: Wanted, *, is_atom: bool) -> Response[bytes]:
    name = "alerts.atom" if is_atom else "alerts.json"
    wanted = replace(wanted, council=wanted.council or theme.council())
    query = _query(wanted)
    here = theme.feed_address(name, query)
    with transaction() as session:
        found = queries.current(session, wanted)
        title = _title(session, wanted)
        about = feeds.Feed(title, here, theme.base_url(), spoken(), theme.name() if theme.council() else "")
        changed = queries.newest_at(session, wanted)
        body = feeds.atom(found, about, changed=changed) if is_atom else feeds.json_feed(found, about)
    media_type = "application/atom+xml" if is_atom else "application/feed+json"
    return known_by(request, body, media_type, headers=FOR_ALL | IN_LANGUAGES)


@page_get("/topics")
def list_topics() -> Response[object]:
    """What residents can choose, and why each is sent."""
    with transaction() as session:
        directory = queries.directory(session, only=theme.council())
        names = spoken_names(session, [one.id for one, _topics in directory])
    return page("public/topics.html", headers=SHORTLY, directory=directory, names=names, ways_in_words=ways_in_words)


@page_get("/s/{source:str}", sync_to_thread=False)
def from_poster(source: FromPath[str]) -> Redirect:
    """The short address that posters carry; its last part says which one."""
    known = len(source) <= LONGEST_CAMPAIGN and CAMPAIGN.fullmatch(source)
    return Redirect(link("/sign-up", source=source if known else None), status_code=303)


def _campaign(source: str) -> str:
    return source if len(source) <= LONGEST_CAMPAIGN and CAMPAIGN.fullmatch(source) else "poster"


@page_get("/qr.svg", sync_to_thread=False)
def qr_code(source: FromQuery[str] = "poster") -> Response[bytes]:
    """A QR code that leads to sign-up. It never leads anywhere else."""
    code = segno.make(theme.public_address(f"/s/{_campaign(source)}"), error="m", micro=False)
    drawn = io.BytesIO()
    code.save(drawn, kind="svg", scale=8, border=4, xmldecl=False, svgclass=None, lineclass=None)
    return Response(drawn.getvalue(), media_type="image/svg+xml", headers=SHORTLY)


@page_get("/poster", sync_to_thread=False)
def poster(source: FromQuery[str] = "poster") -> Response[object]:
    """A page to print and hang up."""
    campaign = _campaign(source)
    return page("public/poster.html", source=campaign, address=theme.public_address(f"/s/{campaign}"))


@page_get("/widget")
def widget(council: Slug = "", topic: Slug = "", ward: Slug = "") -> Response[object]:
    """A few lines for the council's own site to frame."""
    wanted = Wanted(council or theme.council(), topic, ward)
    with transaction() as session:
        found = queries.current(session, wanted, most=IN_WIDGET)
        title = _title(session, wanted)
    shown = found[:IN_WIDGET]
    return page(
        "public/widget.html", headers=SHORTLY | FRAMED, found=shown, title=title, words_of=words_of, moment=moment
    )


@page_get("/privacy")
def privacy() -> Response[object]:
    """What is held, why, for how long, and what residents can ask for."""
    with transaction() as session:
        own = look.own_of_visit(session)
        directory = queries.directory(session, only=own.slug)
        responsible = settings_of(session, [one.id for one, _topics in directory])
    bases: dict[LegalBasis, list[str]] = {LegalBasis.CONSENT: []}
    for _council, topics in directory:
        for topic in topics:
            bases.setdefault(topic.legal_basis, []).append(topic.words.name)
    return page(
        "public/privacy.html",
        days=own.retention_days,
        own=own,
        responsible=sorted(responsible.values(), key=lambda one: one.spoken_name) or [own],
        bases={basis: sorted(set(names)) for basis, names in bases.items()},
        basis_words=BASIS_WORDS,
    )


@page_get("/accessibility")
def accessibility() -> Response[object]:
    """How far everyone can use these pages, and how we know."""
    return page("public/accessibility.html", tested=tested_states(), day=day)


@page_get("/sitemap.xml")
def sitemap() -> Response[str]:
    """The pages that search engines may show."""
    with transaction() as session:
        found = queries.current(session, Wanted(theme.council()))
    paths = ["/", "/alerts", "/notices", "/topics", "/sign-up", "/privacy", "/accessibility"]
    addresses = [theme.public_address(path) for path in paths]
    addresses += [feeds.address_of(one, theme.base_url()) for one in found]
    urls = "".join(f"<url><loc>{address}</loc></url>" for address in addresses)
    xml = f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{urls}</urlset>'
    return Response(f'<?xml version="1.0" encoding="utf-8"?>{xml}', media_type="application/xml", headers=SHORTLY)


@page_get("/robots.txt", sync_to_thread=False)
def robots() -> Response[str]:
    """Search engines may read what is public, and nothing that holds a token."""
    private = ("/my", "/manage/", "/confirm/", "/u/", "/x/", "/r/", "/c/", "/o/", "/staff")
    closed = "".join(f"Disallow: {path}\n" for path in private)
    return Response(
        f"User-agent: *\n{closed}Sitemap: {theme.base_url()}/sitemap.xml\n",
        media_type=MediaType.TEXT,
        headers=SHORTLY,
    )


HANDLERS: Sequence[ControllerRouterHandler] = (
    list_current,
    show,
    read_area,
    read_atom,
    read_json_feed,
    list_topics,
    from_poster,
    qr_code,
    poster,
    widget,
    privacy,
    accessibility,
    sitemap,
    robots,
)
