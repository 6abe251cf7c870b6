"""Clicks and opens. A redirect leads to the address stored with the alert and nowhere else.

The one place where routes are asynchronous: no redirect waits for a thread or for the database unless its alert was not
asked for in the last ten minutes. docs/performance.md has the figures.
"""

import base64
from collections.abc import Sequence

from litestar import Response, get
from litestar.concurrency import sync_to_thread
from litestar.params import FromPath
from litestar.types import ControllerRouterHandler

from notify.core.tokens import Purpose
from notify.tracking import buffer, service
from notify.tracking.models import HitKind
from notify.tracking.service import Source
from notify.web.client_network import network_of
from notify.web.routes import PublicRequest

TRANSPARENT_PIXEL = base64.b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")


@get("/c/{token:str}", include_in_schema=False)
async def click(request: PublicRequest, token: FromPath[str]) -> Response[None]:
    """Count the click and go to the address stored with the alert. A prefetch is not a click, and neither is HEAD."""
    source = service.read_source(Purpose.CLICK, token)
    link = buffer.known_link(source.alert_id) or await sync_to_thread(buffer.find_link, source)
    _note(request, source, HitKind.CLICKED)
    return Response(None, status_code=302, headers={"Location": str(link)})


@get("/o/{token:str}", include_in_schema=False)
async def open_pixel(request: PublicRequest, token: FromPath[str]) -> Response[bytes]:
    """A transparent picture that counts an open by someone who agreed to it."""
    source = service.read_source(Purpose.OPEN, token.removesuffix(".gif"))
    _note(request, source, HitKind.OPENED)
    return Response(TRANSPARENT_PIXEL, media_type="image/gif")


def _note(request: PublicRequest, source: Source, kind: HitKind) -> None:
    purpose = request.headers.get("sec-purpose", "") or request.headers.get("purpose", "")
    if "prefetch" in purpose:
        return
    peer = request.client.host if request.client else ""
    network = network_of(peer, request.headers.getall("x-forwarded-for", []))
    buffer.add(source, kind, agent=request.headers.get("user-agent", ""), network=network)


HANDLERS: Sequence[ControllerRouterHandler] = (click, open_pixel)
