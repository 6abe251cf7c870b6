"""The look of a council's pages, made of its settings, and which council a visit belongs to."""

import re
from collections.abc import Collection
from typing import cast
from urllib.parse import parse_qsl, urlsplit
from uuid import UUID

from litestar.concurrency import sync_to_thread
from litestar.enums import ScopeType
from litestar.types import Scope
from sqlmodel import Session, col, or_, select

from notify.core.db import transaction
from notify.core.settings import settings
from notify.staff.council_settings.address import RESERVED
from notify.staff.council_settings.effective import CouncilSettings, council_settings, effective, installation_settings
from notify.staff.council_settings.models import OwnSettings
from notify.staff.models import Council
from notify.staff.queries import UnknownCouncil, council_by_slug
from notify.web import theme
from notify.web.theme import Theme

# these belong to no council, or to the council of who is signed in
NAME = re.compile(r"[a-z0-9-]{1,80}")  # of a council's path or short name
HOST = re.compile(r"[a-z0-9.-]{1,253}")
UNTHEMED = ("/api", "/static", "/health", "/metrics", "/theme")


def theme_of(own: CouncilSettings, *, prefix: str = "", is_site: bool = False) -> Theme:
    """The look that these settings make."""
    return Theme(
        council=own.slug,
        name=own.name,
        name_cy=own.name_cy,
        style=f"/theme/{own.slug}/style.css?v={own.colour[1:]}-{own.button_colour[1:]}",
        logo=f"/theme/{own.slug}/logo?v={own.logo}" if own.logo else "",
        icon=f"/theme/{own.slug}/icon?v={own.icon}" if own.icon else "",
        base_url=own.base_url,
        prefix=prefix,
        is_site=is_site,
        contact_page=own.contact.page,
        closed_at=own.closed_at,
        colour=own.colour,
        languages=own.languages,
    )


def wear(session: Session, council_id: UUID) -> CouncilSettings:
    """Give the page that is being made the look of this council; what holds for it."""
    own, now = council_settings(session, council_id), theme.worn()
    is_same = now is not None and now.council == own.slug
    theme.wear(
        theme_of(own, prefix=now.prefix if now and is_same else "", is_site=is_same and bool(now and now.is_site))
    )
    return own


def wear_of_all(session: Session, council_ids: Collection[UUID]) -> None:
    """The same where a page belongs to these councils: one has its look, several have the installation's."""
    if len(set(council_ids)) == 1:
        wear(session, next(iter(council_ids)))
    elif council_ids:
        theme.wear(None)


def own_of_visit(session: Session) -> CouncilSettings:
    """What holds for the council that this visit is for, else for the installation."""
    slug = theme.council()
    return council_settings(session, council_by_slug(session, slug).id) if slug else installation_settings()


async def visited(scope: Scope) -> tuple[Scope, Theme | None]:
    """The request as it is routed, and the look of the council that it is for: by its host, by the first part of its
    path, or by the council that its query names.
    """
    if scope["type"] != ScopeType.HTTP or scope["path"].startswith(UNTHEMED):
        return scope, None
    host = next((value.decode("latin-1") for name, value in scope["headers"] if name == b"host"), "")
    is_foreign = bool(HOST.fullmatch(_bare(host))) and _bare(host) != _bare(urlsplit(settings().base_url).netloc)
    first = scope["path"].split("/", 2)[1]
    path = first if first not in RESERVED and NAME.fullmatch(first) else ""
    asked = dict(parse_qsl(scope["query_string"].decode("latin-1"))).get("council", "")
    asked = asked if NAME.fullmatch(asked) else ""
    if not (is_foreign or path or asked):
        return scope, None
    found = await sync_to_thread(_find, _bare(host) if is_foreign else "", path, asked)
    if found is None or not found.prefix:
        return scope, found
    rest = scope["path"].removeprefix(found.prefix) or "/"
    return cast(Scope, scope | {"path": rest, "raw_path": rest.encode()}), found


def _bare(host: str) -> str:
    return host.partition(":")[0].lower() if host.count(":") == 1 else host.lower()


def _find(host: str, path: str, asked: str) -> Theme | None:
    """The council with this domain or path, else the one asked for by its short name."""
    with transaction() as session:
        where = [OwnSettings.domain == host] if host else []
        where += [OwnSettings.path == path] if path else []
        if where:
            statement = select(Council, OwnSettings).join(OwnSettings, col(OwnSettings.council_id) == col(Council.id))
            row = session.exec(statement.where(or_(*where))).first()
            if row:
                prefix = f"/{path}" if row[1].path == path and path and row[1].domain != host else ""
                return theme_of(effective(*row), prefix=prefix, is_site=True)
        if not asked:
            return None
        try:
            return theme_of(council_settings(session, council_by_slug(session, asked).id))
        except UnknownCouncil:
            return None
