"""Security headers on every answer, errors included."""

from collections.abc import Mapping
from urllib.parse import urlsplit

from litestar.datastructures import MutableScopeHeaders
from litestar.types import Message, Scope

from notify.core.settings import settings

# no inline script or style, nothing from elsewhere, nobody may frame us
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; script-src 'self'; connect-src 'self'; "
    "manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)

# for the one page that other sites may show in a frame: it has no form and knows nobody
FRAMED = {"Content-Security-Policy": CONTENT_SECURITY_POLICY.replace("frame-ancestors 'none'", "frame-ancestors *")}
# a preview of an e-mail within our own page: it has the e-mail's own style, and neither script nor form
FRAMED_BY_US = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src 'self'; form-action 'none'; "
    "base-uri 'none'; frame-ancestors 'self'"
}
FRAMING_US = {"Content-Security-Policy": CONTENT_SECURITY_POLICY + "; frame-src 'self'"}


# for pages that may ask the device where it is
LOCATING = {"Permissions-Policy": "geolocation=(self), camera=(), microphone=()"}


def map_headers(*, locates: bool = False) -> Mapping[str, str]:
    """What a page with a map is sent with: its worker, the host of its pictures where one is set, the reader's place.

    Nothing else changes: no script or worker that is not a file of ours, and no eval.
    """
    policy = CONTENT_SECURITY_POLICY + "; worker-src 'self'"
    if settings().map_tiles_url:
        address = urlsplit(settings().map_tiles_url)
        policy = policy.replace("connect-src 'self'", f"connect-src 'self' {address.scheme}://{address.netloc}")
    return {"Content-Security-Policy": policy, **(LOCATING if locates else {})}


# for what any site may read by script
OPEN_TO_ALL = {"Access-Control-Allow-Origin": "*", "Cross-Origin-Resource-Policy": "cross-origin"}

SECURITY_HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    # links carry tokens, which no other site may see; our own must, or browsers hide where a form was sent from
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "geolocation=(), camera=(), microphone=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
}

FOR_OTHER_SITES = ("/static/widget.js",)
CACHEABLE = ("/static/", "/theme", "/basemap/", "/map/", "/api/openapi", "/api/docs")


async def add_security_headers(message: Message, scope: Scope) -> None:
    """Set the headers just before an answer leaves. A hook for Litestar's `before_send`."""
    if message["type"] != "http.response.start":
        return
    headers = MutableScopeHeaders.from_message(message=message)
    if scope["path"] in FOR_OTHER_SITES:
        headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    for name, value in SECURITY_HEADERS.items():
        headers.setdefault(name, value)
    if not scope["path"].startswith(CACHEABLE):
        headers.setdefault("Cache-Control", "no-store")
