"""Forms of our pages: what they sent, and proof that it was one of our pages that sent it."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler

from notify.core.errors import Forbidden, Invalid
from notify.core.form_fields import Form
from notify.core.settings import settings
from notify.languages import _, later
from notify.web.cookies import DRAFT_COOKIE

AnyConnection = ASGIConnection[Any, Any, Any, Any]

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

# mail programs press this button for the reader, with neither our page nor a cookie (RFC 8058)
OPEN_TO_OTHER_SITES = frozenset({"/u/{token}"})

# a field that people neither see nor reach; programs that fill in everything give themselves away
TRAP = "homepage"

MOST_BYTES = 100_000
MOST_FIELDS = 500


class AnotherSite(Forbidden):
    """A form on someone else's page was pointed at us."""

    title = later("This form was not sent from our own page")


class FormNotReadable(Invalid):
    """No browser sends such a form from our pages."""

    title = later("The form could not be read")


def from_our_pages(connection: AnyConnection, handler: BaseRouteHandler) -> None:
    """A guard for every page that changes something: lets through what our own pages sent. Raises: AnotherSite."""
    refuse_other_sites(connection)


def refuse_other_sites(connection: AnyConnection) -> None:
    """Refuse a request that changes something and that a page of another site sent. Raises: AnotherSite."""
    method = connection.scope.get("method")
    if method not in SAFE_METHODS and not is_ours(connection.headers, connection.url.netloc):
        raise AnotherSite(_("Open the page on this site and select its button again."))


def is_ours(headers: Mapping[str, str], host: str) -> bool:
    """Whether a request that changes something was sent by a page of ours, served under `host` or our base address.

    Browsers say where a form was: in `Origin`, else in `Sec-Fetch-Site`, else in `Referer`. A client that says
    nothing is a script or very old; without a session's cookie it cannot be a visitor's browser used against them.
    """
    origin = headers.get("origin", "")
    if origin and origin != "null":
        return _is_our_origin(origin, host)
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site in ("same-origin", "none")
    if origin:
        return False  # hidden on purpose, and nothing else vouches for it
    referer = headers.get("referer")
    if referer:
        return _is_our_origin(referer, host)
    return not _opens_something(headers.get("cookie", ""))


def _opens_something(cookies: str) -> bool:
    """Whether these cookies may be a session's, which a page of another site could use against its owner."""
    names = {pair.partition("=")[0].strip() for pair in cookies.split(";")}
    return bool(names - {"", settings().cookie_name(DRAFT_COOKIE)})


def is_from_our_link(headers: Mapping[str, str], host: str) -> bool:
    """Whether someone followed a link on a page of ours, served under `host`, and not one in a mail or elsewhere.

    For the few pages that begin something although they are only opened.
    """
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    return _is_our_origin(headers.get("referer", ""), host)


def _is_our_origin(address: str, host: str) -> bool:
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    base = urlsplit(settings().base_url)
    # behind a proxy we are spoken to by http under the name the visitor used by https, so only the host counts
    return (parts.scheme, parts.netloc) == (base.scheme, base.netloc) or (
        parts.scheme in ("http", "https") and parts.netloc == host
    )


def query_form(connection: AnyConnection) -> Form:
    """What an address holds of a form, as when someone comes back to one that they had filled in."""
    fields = {name: [value.strip()] for name, value in connection.query_params.items() if "\0" not in value}
    return Form(fields)


def read_form(body: bytes) -> Form:
    """The fields of a URL-encoded body. Raises: FormNotReadable for what no page of ours sends."""
    if len(body) > MOST_BYTES:
        raise FormNotReadable(_("The form is too long."))
    try:
        fields = parse_qs(body.decode(), keep_blank_values=True, errors="strict", max_num_fields=MOST_FIELDS)
    except ValueError:
        raise FormNotReadable(_("Go back, reload the page and fill it in again.")) from None
    if any("\0" in value for values in fields.values() for value in values):
        raise FormNotReadable(_("It contains characters that we cannot store."))
    return Form({name: [value.strip() for value in values] for name, values in fields.items()})
