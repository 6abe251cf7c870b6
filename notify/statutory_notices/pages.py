"""Public pages: the register of statutory notices, each notice, a feed and open data."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated
from urllib.parse import urlencode

from litestar import MediaType, Response
from litestar.params import FromPath, QueryParameter
from litestar.types import ControllerRouterHandler

from notify.core import clock
from notify.core.clock import LONDON
from notify.core.db import transaction
from notify.languages import _, spoken
from notify.places.queries import names_by_code
from notify.staff.council_settings import look
from notify.staff.council_settings.effective import spoken_names
from notify.staff.queries import councils
from notify.statutory_notices import queries
from notify.statutory_notices.feeds import LICENCE, Feed, NoticesView, NoticeView, as_atom, as_csv, path_of
from notify.statutory_notices.models import KINDS, Matter
from notify.statutory_notices.queries import UnknownNotice, Wanted
from notify.web import theme
from notify.web.dates import day, moment
from notify.web.headers import OPEN_TO_ALL
from notify.web.routes import page_get
from notify.web.templates import page

SHORTLY = {"Cache-Control": "public, max-age=60"}
FOR_ALL = SHORTLY | OPEN_TO_ALL
BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)  # of a feed without a notice
MOST_IN_A_FEED = 100
MOST_IN_A_FILE = 10_000
Slug = Annotated[str, QueryParameter(max_length=80)]
PageNumber = Annotated[int, QueryParameter(name="page", ge=1, le=1000)]
VersionNumber = Annotated[int | None, QueryParameter(name="version", ge=1, le=10_000)]


def _wanted(council: str, kind: str, ward: str, still_open: str) -> Wanted:
    """What was asked for; a kind that there is none of is no condition."""
    today = clock.now().astimezone(LONDON).date()
    known = Matter(kind) if kind in set(Matter) else None
    return Wanted(council or theme.council(), kind=known, ward=ward, open_on=today if still_open == "yes" else None)


def _query(wanted: Wanted) -> str:
    given = {
        "council": wanted.council,
        "kind": wanted.kind.value if wanted.kind else "",
        "ward": wanted.ward,
        "open": "yes" if wanted.open_on else "",
    }
    return urlencode({name: value for name, value in given.items() if value})


@page_get("/notices")
def list_notices(
    council: Slug = "",
    kind: Slug = "",
    ward: Slug = "",
    still_open: Annotated[str, QueryParameter(name="open", max_length=5)] = "",
    number: PageNumber = 1,
) -> Response[object]:
    """Every notice, the newest first; of one council, kind or ward, or those that people may still comment on."""
    wanted = _wanted(council, kind, ward, still_open)
    with transaction() as session:
        found = queries.listed(session, wanted, page=number)
        ward_name = names_by_code(session, [ward]).get(ward, ward) if ward else ""
        every = [] if theme.council() else councils(session)
        names = spoken_names(session, [*(one.council.id for one in found), *(one.id for one in every)])
    return page(
        "statutory_notices/register.html",
        headers=SHORTLY,
        found=found[: queries.PAGE],
        has_more=len(found) > queries.PAGE,
        number=number,
        wanted=wanted,
        ward_name=ward_name,
        query=_query(wanted),
        councils=every,
        names=names,
        kinds=KINDS,
        path_of=path_of,
        moment=moment,
        day=day,
        today=clock.now().astimezone(LONDON).date(),
        licence=LICENCE,
    )


@page_get("/notices/{council:str}/{reference:str}")
def show_notice(council: FromPath[str], reference: FromPath[str], version: VersionNumber = None) -> Response[object]:
    """One notice as it holds, or as it once was, with all its versions. Raises: UnknownNotice."""
    with transaction() as session:
        notice, own = queries.by_reference(session, council, reference)
        look.wear(session, own.id)
        versions = queries.versions(session, notice)
        said = next((one for one in versions if version in (None, one.version)), None)
        if said is None:
            raise UnknownNotice(_("Notice {reference} has no version {version}.", reference=reference, version=version))
        names = names_by_code(session, said.wards)
    return page(
        "statutory_notices/notice.html",
        headers=SHORTLY,
        notice=notice,
        council=own,
        said=said,
        latest=versions[0],
        versions=versions,
        wards=sorted(names.get(code, code) for code in said.wards),
        kind=KINDS[said.kind],
        address=theme.base_url() + path_of(notice, own),
        path=path_of(notice, own),
        moment=moment,
        day=day,
        today=clock.now().astimezone(LONDON).date(),
    )


@page_get("/notices.atom")
def read_atom(council: Slug = "", kind: Slug = "", ward: Slug = "") -> Response[bytes]:
    """The newest notices as a feed."""
    wanted = _wanted(council, kind, ward, "")
    here = theme.feed_address("notices.atom", _query(wanted))
    with transaction() as session:
        found = queries.listed(session, wanted, limit=MOST_IN_A_FEED)[:MOST_IN_A_FEED]
        names = spoken_names(session, [one.council.id for one in found])
    changed = max((one.latest.published_at for one in found), default=BEGINNING)
    about = Feed(_("Public notices"), here, f"{theme.base_url()}/notices", spoken(), theme.council() and theme.name())
    made = as_atom(found, about, changed=changed, names=names)
    return Response(made, media_type="application/atom+xml", headers=FOR_ALL | {"Vary": "Accept-Language"})


@page_get("/notices.csv")
def read_csv(council: Slug = "", kind: Slug = "", ward: Slug = "") -> Response[str]:
    """All notices as a table, under the Open Government Licence."""
    with transaction() as session:
        found = queries.listed(session, _wanted(council, kind, ward, ""), limit=MOST_IN_A_FILE)[:MOST_IN_A_FILE]
    headers = {**FOR_ALL, "Content-Disposition": 'attachment; filename="notices.csv"'}
    return Response(as_csv(found), media_type="text/csv; charset=utf-8", headers=headers)


@page_get("/notices.json")
def read_json(council: Slug = "", kind: Slug = "", ward: Slug = "", number: PageNumber = 1) -> Response[NoticesView]:
    """The same as JSON, a page at a time."""
    limit = MOST_IN_A_FEED
    with transaction() as session:
        found = queries.listed(session, _wanted(council, kind, ward, ""), page=number, limit=limit)
    shown = [NoticeView.of(one.notice, one.latest, one.council) for one in found[:limit]]
    made = NoticesView(notices=shown, has_more=len(found) > limit)
    return Response(made, media_type=MediaType.JSON, headers=FOR_ALL)


HANDLERS: Sequence[ControllerRouterHandler] = (list_notices, show_notice, read_atom, read_csv, read_json)
