"""A page that shows what a council's pages, emails and texts would look like, for a frame within our own page."""

import base64
from collections.abc import Mapping, Sequence

from litestar import Response

from notify.core import rendering
from notify.core.form_fields import FieldError
from notify.core.setting_values import contrast_with_white
from notify.staff.council_settings.effective import CouncilSettings
from notify.staff.council_settings.images import PNG, Image
from notify.staff.council_settings.models import ImageKind
from notify.web.templates import page

# it shows styles and images that no page has yet
PREVIEW_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "frame-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'self'"
}
TITLE, BODY = "Mill Road closed on Monday", "Mill Road is closed from 9am to 3pm for repairs. Use Cherry Hinton Road."


def preview_page(
    holds: CouncilSettings, images: Mapping[ImageKind, Image], field_errors: Sequence[FieldError]
) -> Response[object]:
    """What residents would see, and what is still wrong with the form."""
    logo = images.get(ImageKind.LOGO)
    return page(
        "settings/preview.html",
        status=422 if field_errors else 200,
        headers=PREVIEW_HEADERS,
        holds=holds,
        logo=_as_address(logo),
        icon=_as_address(images.get(ImageKind.ICON)),
        email=_email(holds, _as_address(logo) if logo and logo.media_type == PNG else ""),
        text=_text(holds),
        contrasts=[
            ("Band", contrast_with_white(holds.colour)),
            ("Buttons", contrast_with_white(holds.button_colour)),
        ],
        field_errors=field_errors,
    )


def _as_address(image: Image | None) -> str:
    return f"data:{image.media_type};base64,{base64.b64encode(image.content).decode()}" if image else ""


def _email(holds: CouncilSettings, logo: str) -> str:
    """The HTML of an email with sample words, by the template that every email has."""
    template = rendering.message_environment("email").get_template("alert.html")
    nothing = dict.fromkeys(
        (
            *("link_url", "link_text", "pixel_url", "hidden_url", "reply_url", "page_url"),
            *("banner", "what_to_do", "in_force_until"),
        )
    )
    return template.render(
        **nothing,
        council_name=holds.name_in("en"),
        own=holds,
        logo_url=logo,
        topic_name="Road closures",
        title=TITLE,
        paragraphs=[BODY],
        parts=[],
        zoom=1,
        greeting="",
        ward="",
        is_from_council=True,
        unsubscribe_url="#",
        manage_url="#",
        language="en",
        is_training=False,
    )


def _text(holds: CouncilSettings) -> str:
    template = rendering.message_environment("sms").get_template("alert.txt")
    return template.render(
        sms=f"{TITLE}.",
        council_name=holds.name_in_text("en"),
        language="en",
        is_training=False,
        reply_url=None,
        page_url=None,
        stop_url=None if holds.text_takes_replies else f"{holds.base_url}/x/…",
        says_stop=False,
        is_sentence=True,
    ).strip()
