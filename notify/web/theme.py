"""How pages look: the name, colours and images of the council that a page belongs to, else of the installation."""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from litestar import MediaType, Response
from litestar.types import ControllerRouterHandler

from notify.core.settings import settings
from notify.languages import _, offer_further, spoken
from notify.web.routes import page_get

A_DAY = {"Cache-Control": "public, max-age=86400"}
# an image can hold a script, which must not run when it is opened by itself; emails show it on other sites' pages
IMAGE_HEADERS = {
    **A_DAY,
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Cross-Origin-Resource-Policy": "cross-origin",
}
LOGO_TYPES = {".svg": "image/svg+xml", ".png": "image/png"}
LARGEST_LOGO = 20_000
OF_NO_COUNCIL = ("/staff", "/api", "/static", "/theme", "/problems")
# pages that look like the council's whose page leads to them, with the questions of sign-up below theirs
KEEP_COUNCIL = frozenset(
    (
        *("/", "/near", "/alerts", "/incidents", "/notices", "/topics", "/privacy", "/accessibility", "/sign-up"),
        *("/manage", "/manifest.webmanifest", "/icon.png"),
    )
)


@dataclass(frozen=True, slots=True)
class Theme:
    """A council's own look. Addresses are from the root of this service; an empty one means that there is none.

    `council` is its short name. `base_url` is where its pages are, and `prefix` what their paths begin with. `is_site`:
    every page of this visit belongs to the council, and not just this one. `languages` are offered beside our own.
    """

    council: str
    name: str
    name_cy: str
    style: str
    logo: str
    icon: str
    base_url: str
    prefix: str = ""
    is_site: bool = False
    contact_page: str = ""
    languages: Sequence[str] = ()
    closed_at: datetime | None = None
    colour: str = ""

    @property
    def has_site(self) -> bool:
        """Whether its pages have a domain or path of their own."""
        return self.base_url != settings().base_url


_worn: ContextVar[Theme | None] = ContextVar("theme", default=None)


def worn() -> Theme | None:
    """The look of the page that is being made; None for the installation's."""
    return _worn.get()


def wear(theme: Theme | None) -> None:
    """Give the page that is being made this look, until the request has been answered."""
    _worn.set(theme)
    offer_further(theme.languages if theme else None)


@contextmanager
def wearing(theme: Theme | None) -> Iterator[None]:
    """The same within the block."""
    before = _worn.get()
    wear(theme)
    try:
        yield
    finally:
        wear(before)


def name() -> str:
    """What stands at the top of every page and in every title."""
    if theme := worn():
        return theme.name_cy if theme.name_cy and spoken() == "cy" else theme.name
    return settings().theme_name or _("Council alerts")


def style_address() -> str:
    """Where the style sheet with the colours is."""
    theme = worn()
    return theme.style if theme else "/theme.css"


def logo_address() -> str:
    """Where the logo is that stands beside the name; empty where there is none."""
    if theme := worn():
        return theme.logo
    return "/theme/logo" if settings().theme_logo is not None else ""


def icon_address() -> str:
    """Where the icon of the browser's tab is."""
    theme = worn()
    return (theme.icon if theme else "") or "/static/icon.svg"


def colour() -> str:
    """The colour of the band at the top, `#rrggbb`."""
    theme = worn()
    return (theme.colour if theme else "") or settings().theme_colour


def base_url() -> str:
    """Where readers of this page find others of the same council, without a slash at the end."""
    theme = worn()
    return theme.base_url if theme else settings().base_url


def council() -> str:
    """The short name of the council that this page belongs to; empty for the installation's own."""
    theme = worn()
    return theme.council if theme else ""


def has_site() -> bool:
    """Whether the council of this page has a domain or path of its own."""
    theme = worn()
    return theme is not None and theme.has_site


def is_site() -> bool:
    """Whether every page of this visit belongs to one council, by its domain or path."""
    theme = worn()
    return theme is not None and theme.is_site


def closed_at() -> datetime | None:
    """Since when the council of this page sends nothing here any more; None while it does."""
    theme = worn()
    return theme.closed_at if theme else None


def contact_page() -> str:
    """Where readers of this page turn to; empty where that is not known."""
    theme = worn()
    return theme.contact_page if theme else ""


def public_address(path: str) -> str:
    """The whole address of a page of ours, as posters and feeds have it: on the council's own site if it has one."""
    theme = worn()
    query = f"?council={theme.council}" if theme and not theme.has_site else ""
    return f"{base_url()}{path}{query}"


def feed_address(name: str, query: str) -> str:
    """The whole address of a feed and its id: a feed in another language than English is another feed."""
    query = "&".join(part for part in (query, f"lang={spoken()}" if spoken() != "en" else "") if part)
    return f"{base_url()}/{name}" + (f"?{query}" if query else "")


def council_address(path: str, given: Collection[str]) -> tuple[str, str]:
    """Where a page of ours is for this visit, and the council that its query is to name, if any.

    On a council's own site its addresses keep what they begin with, and pages elsewhere lead there. Where it has none
    the query keeps the council, unless it is among the parameters `given`.
    """
    theme = worn()
    if theme is None or not path.startswith("/") or path.startswith(OF_NO_COUNCIL):
        return path, ""
    if theme.is_site:
        return (theme.prefix + path).rstrip("/") or "/", ""
    page = path.partition("?")[0]
    if page not in KEEP_COUNCIL and not page.startswith("/sign-up/"):
        return path, ""
    if theme.has_site:
        return theme.base_url + path, ""
    return path, "" if "council" in given else theme.council


def logo() -> tuple[bytes, str] | None:
    """The installation's logo and its media type, if it has one.

    Raises: ValueError when the file is missing, too large or of another kind.
    """
    path = settings().theme_logo
    if path is None:
        return None
    kind = LOGO_TYPES.get(Path(path).suffix.lower())
    if kind is None:
        raise ValueError(f"NOTIFY_THEME_LOGO: {path} is neither SVG nor PNG.")
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise ValueError(f"NOTIFY_THEME_LOGO: {path} cannot be read: {error.strerror}.") from None
    if len(content) > LARGEST_LOGO:
        raise ValueError(f"NOTIFY_THEME_LOGO: {path} is over {LARGEST_LOGO // 1000} kB; every page would carry it.")
    return content, kind


@page_get("/theme.css", sync_to_thread=False)
def theme_css() -> Response[bytes]:
    """The installation's colour, as a style sheet of its own: pages hold no style."""
    css = f":root {{ --band: {settings().theme_colour}; }}\n"
    return Response(css.encode(), media_type=MediaType.CSS, headers=A_DAY)


@page_get("/theme/logo", sync_to_thread=False)
def theme_logo() -> Response[bytes]:
    """The installation's logo; 404 where there is none."""
    found = logo()
    if found is None:
        return Response(b"", status_code=404, media_type=MediaType.TEXT)
    return Response(found[0], media_type=found[1], headers=IMAGE_HEADERS)


HANDLERS: Sequence[ControllerRouterHandler] = (theme_css, theme_logo)
