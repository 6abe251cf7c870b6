"""A visit to a page: the language it is spoken in, and links that keep it."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from litestar.datastructures import Headers
from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Receive, Scope, Send

from notify.languages import best_of, page_languages, speaking
from notify.web import theme

# programs and staff read English
OWN_PAGES = "/my"  # a resident's own, each about one council where there are several
ENGLISH_ONLY = ("/api", "/staff", "/static", "/health", "/metrics")


@dataclass(frozen=True, slots=True)
class Visit:
    """A request for a page. `chosen` is the language that its address names; None where the browser's counts."""

    path: str
    query: str
    chosen: str | None = None
    is_reading: bool = True


_visit: ContextVar[Visit | None] = ContextVar("visit", default=None)


def visit() -> Visit:
    """The visit that is being answered."""
    return _visit.get() or Visit("/", "")


def link(address: str, **values: object) -> str:
    """An address of our own with `values` added to its query, and with the language if the visitor chose one.

    From one page of a resident's own to another it keeps the council that they are about, and so do pages that wear a
    council's look. A value of None is left out.
    """
    chosen = visit().chosen
    added = {name: str(value) for name, value in values.items() if value is not None}
    if chosen and "lang" not in values:
        added["lang"] = chosen
    if "council" not in values and address.startswith(OWN_PAGES) and (council := council_of_visit()):
        added["council"] = council
    parts = urlsplit(address)
    address, council = theme.council_address(address, {*values, *dict(parse_qsl(parts.query))})
    if council:
        added["council"] = council
    if not added:
        return address
    parts = urlsplit(address)
    query = [(name, value) for name, value in parse_qsl(parts.query, keep_blank_values=True) if name not in added]
    return urlunsplit(parts._replace(query=urlencode([*query, *added.items()])))


def council_of_visit() -> str:
    """The council that a resident's own page is about, as its address names it; empty where it names none."""
    now = visit()
    return dict(parse_qsl(now.query)).get("council", "")[:60] if now.path.startswith(OWN_PAGES) else ""


def in_language(code: str) -> str:
    """The address of the page that is being read, in another language."""
    now = visit()
    return link(f"{now.path}?{now.query}" if now.query else now.path, lang=code)


@contextmanager
def greeted(scope: Scope) -> Iterator[None]:
    """Within the block the visitor is known: spoken to as the address says, else as the browser asks."""
    path = scope["path"]
    if path.startswith(ENGLISH_ONLY):
        yield
        return
    query = scope["query_string"].decode("latin-1")
    asked = dict(parse_qsl(query)).get("lang")
    chosen = asked if asked in page_languages() else None
    language = chosen or best_of(Headers.from_scope(scope).get("accept-language", ""))
    method = scope["method"] if scope["type"] == ScopeType.HTTP else "GET"
    before = _visit.set(Visit(path, query, chosen, method in ("GET", "HEAD")))
    try:
        with speaking(language):
            yield
    finally:
        _visit.reset(before)


class Greet(ASGIMiddleware):
    """Greets every visitor before their page is made."""

    scopes = (ScopeType.HTTP,)

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Answer within the visit."""
        with greeted(scope):
            await next_app(scope, receive, send)
