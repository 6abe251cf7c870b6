"""What a device keeps of a council's pages: the web manifest, icons of every size, and the picture of a shared link."""

from collections.abc import Sequence
from typing import Annotated

from litestar import Response
from litestar.params import QueryParameter
from litestar.types import ControllerRouterHandler

from notify.core.db import transaction
from notify.languages import _, direction, spoken
from notify.staff.council_settings import look
from notify.staff.council_settings.images import PNG
from notify.staff.council_settings.models import ImageKind
from notify.staff.council_settings.service import ImageNotFound, image_of
from notify.web import pictures, theme
from notify.web.conditional import known_by
from notify.web.routes import PublicRequest, page_get
from notify.web.visitor_language import link

AN_HOUR = {"Cache-Control": "public, max-age=3600", "Cross-Origin-Resource-Policy": "cross-origin"}
SIZES = (32, 180, 192, 512)
Size = Annotated[int, QueryParameter(ge=16, le=512)]


@page_get("/manifest.webmanifest")
def read_manifest() -> Response[dict[str, object]]:
    """The web manifest (W3C) of the council whose pages these are, with its name, colour and icons."""
    with transaction() as session:
        own = look.own_of_visit(session)
    icons = [
        {"src": link("/icon.png", size=size, lang=None), "sizes": f"{size}x{size}", "type": PNG, "purpose": purpose}
        for size, purpose in ((192, "any"), (512, "any"), (512, "maskable"))
    ]
    said: dict[str, object] = {
        "id": link("/", lang=None),
        "name": theme.name(),
        "short_name": own.short_name or theme.name(),
        "description": _("Alerts from your council"),
        "lang": spoken(),
        "dir": direction(spoken()),
        "start_url": link("/"),
        "scope": link("/", lang=None, council=None).partition("?")[0],
        "display": "minimal-ui",
        "background_color": "#ffffff",
        "theme_color": theme.colour(),
        "icons": icons,
    }
    headers = {"Cache-Control": "public, max-age=3600", "Vary": "Accept-Language"}
    return Response(said, media_type="application/manifest+json", headers=headers)


@page_get("/icon.png")
def read_icon(request: PublicRequest, size: Size = 192) -> Response[bytes]:
    """The council's own icon where it is a picture, else our bell in its colour, in the nearest size that we make."""
    size = min(SIZES, key=lambda one: abs(one - size))
    return known_by(request, _icon(size), PNG, headers=AN_HOUR)


@page_get("/favicon.ico")
def read_favicon(request: PublicRequest) -> Response[bytes]:
    """The same for programs that ask at this address whatever the page says."""
    return known_by(request, _icon(32), PNG, headers=AN_HOUR)


def _icon(size: int) -> bytes:
    own = None
    if council := theme.council():
        with transaction() as session:
            try:
                own = image_of(session, council, ImageKind.ICON).content
            except ImageNotFound:
                own = None
    return (pictures.fitted(own, size) if own else None) or pictures.app_icon(theme.colour(), size)


@page_get("/share.png", sync_to_thread=True)
def read_picture(request: PublicRequest) -> Response[bytes]:
    """What previews of links to pages without a picture of their own show."""
    return known_by(request, pictures.share_picture(theme.colour()), PNG, headers=AN_HOUR)


HANDLERS: Sequence[ControllerRouterHandler] = (read_manifest, read_icon, read_favicon, read_picture)
