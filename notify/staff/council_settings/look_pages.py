"""What pages and emails load of a council's look: its style sheet, its logo and its icon."""

from collections.abc import Sequence
from dataclasses import replace

from litestar import MediaType, Response
from litestar.params import FromPath, FromQuery
from litestar.types import ControllerRouterHandler

from notify.core.db import transaction
from notify.core.setting_values import COLOUR
from notify.staff.council_settings.effective import CouncilSettings, council_settings, installation_settings
from notify.staff.council_settings.models import ImageKind
from notify.staff.council_settings.service import image_of
from notify.staff.queries import council_by_slug
from notify.web.routes import page_get
from notify.web.theme import A_DAY, IMAGE_HEADERS


def style_of(own: CouncilSettings) -> str:
    """The style sheet with a council's colours. In the dark, buttons keep the colour that stands out there."""
    return (
        f":root {{ --band: {own.colour}; }}\n"
        f"@media (prefers-color-scheme: light) {{ :root {{ --go: {own.button_colour}; --go-edge: #101820; }} }}\n"
    )


@page_get("/theme/{slug:str}/style.css")
def read_style(slug: FromPath[str]) -> Response[bytes]:
    """A council's colours. Raises: UnknownCouncil."""
    with transaction() as session:
        own = council_settings(session, council_by_slug(session, slug).id)
    return Response(style_of(own).encode(), media_type=MediaType.CSS, headers=A_DAY)


@page_get("/theme/preview.css", sync_to_thread=False)
def read_preview_style(band: FromQuery[str] = "", buttons: FromQuery[str] = "") -> Response[bytes]:
    """The style sheet of a look that is not saved yet; of colours that are none the usual ones."""
    usual = installation_settings()
    colour = f"#{band}" if COLOUR.fullmatch(f"#{band}") else usual.colour
    button = f"#{buttons}" if COLOUR.fullmatch(f"#{buttons}") else usual.button_colour
    own = replace(usual, colour=colour, button_colour=button)
    return Response(style_of(own).encode(), media_type=MediaType.CSS, headers=A_DAY)


@page_get("/theme/{slug:str}/logo")
def read_logo(slug: FromPath[str]) -> Response[bytes]:
    """A council's logo. Raises: UnknownCouncil, ImageNotFound."""
    return _image(slug, ImageKind.LOGO)


@page_get("/theme/{slug:str}/icon")
def read_icon(slug: FromPath[str]) -> Response[bytes]:
    """The icon of a council's pages. Raises: UnknownCouncil, ImageNotFound."""
    return _image(slug, ImageKind.ICON)


def _image(slug: str, kind: ImageKind) -> Response[bytes]:
    with transaction() as session:
        found = image_of(session, council_by_slug(session, slug).slug, kind)
    return Response(found.content, media_type=found.media_type, headers=IMAGE_HEADERS)


HANDLERS: Sequence[ControllerRouterHandler] = (read_style, read_preview_style, read_logo, read_icon)
