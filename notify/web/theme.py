"""The council's own look: a name, a colour and a logo, by settings."""

from collections.abc import Sequence
from pathlib import Path

from litestar import MediaType, Response
from litestar.types import ControllerRouterHandler

from notify.core.settings import settings
from notify.languages import _
from notify.web.routes import page_get

A_DAY = {"Cache-Control": "public, max-age=86400"}
LOGO_TYPES = {".svg": "image/svg+xml", ".png": "image/png"}
LARGEST_LOGO = 20_000


def name() -> str:
    """What stands at the top of every page and in every title."""
    return settings().theme_name or _("Council alerts")


def has_logo() -> bool:
    """Whether a logo stands beside the name."""
    return settings().theme_logo is not None


def logo() -> tuple[bytes, str] | None:
    """The logo and its media type, if the installation has one.

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
    """The council's colour, as a style sheet of its own: pages hold no style."""
    css = f":root {{ --band: {settings().theme_colour}; }}\n"
    return Response(css.encode(), media_type=MediaType.CSS, headers=A_DAY)


@page_get("/theme/logo", sync_to_thread=False)
def theme_logo() -> Response[bytes]:
    """The council's logo; 404 where there is none."""
    found = logo()
    if found is None:
        return Response(b"", status_code=404, media_type=MediaType.TEXT)
    # an image can hold a script, which must not run when it is opened by itself
    return Response(
        found[0], media_type=found[1], headers={**A_DAY, "Content-Security-Policy": "default-src 'none'; sandbox"}
    )


HANDLERS: Sequence[ControllerRouterHandler] = (theme_css, theme_logo)
