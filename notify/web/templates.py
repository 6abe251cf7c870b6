"""HTML pages from the templates folder."""

from collections.abc import Callable, Mapping, Sequence
from functools import cache

from jinja2 import ChainableUndefined, Environment, PackageLoader, PrefixLoader
from litestar import MediaType, Response
from markupsafe import escape

from notify import languages
from notify.core import rendering
from notify.core.clock import LONDON
from notify.web import dates, theme, visitor_language

# the components of the GOV.UK Design System that our pages use, by the folder that each is in
COMPONENTS = {
    "back-link": "govukBackLink",
    "button": "govukButton",
    "checkboxes": "govukCheckboxes",
    "date-input": "govukDateInput",
    "details": "govukDetails",
    "error-summary": "govukErrorSummary",
    "fieldset": "govukFieldset",
    "input": "govukInput",
    "inset-text": "govukInsetText",
    "notification-banner": "govukNotificationBanner",
    "pagination": "govukPagination",
    "panel": "govukPanel",
    "radios": "govukRadios",
    "select": "govukSelect",
    "skip-link": "govukSkipLink",
    "summary-list": "govukSummaryList",
    "tag": "govukTag",
    "textarea": "govukTextarea",
    "warning-text": "govukWarningText",
}


def _components() -> Mapping[str, Callable[..., str]]:
    """The components' macros. They ask for parameters that are not given, so their environment allows that."""
    package = "govuk_frontend_jinja"
    environment = Environment(
        loader=PrefixLoader({package: PackageLoader(package)}),
        autoescape=True,
        undefined=ChainableUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return {
        macro: getattr(environment.get_template(f"{package}/components/{folder}/macro.html").module, macro)
        for folder, macro in COMPONENTS.items()
    }


_emergencies: Callable[[], Sequence[object]] = tuple


def name_emergencies_with(source: Callable[[], Sequence[object]]) -> None:
    """Have public pages name the emergencies that `source` says go on, which costs it no query."""
    global _emergencies
    _emergencies = source


def _said(text: str, /, **values: object) -> str:
    """`languages._`, into which HTML may be put: a link within a sentence."""
    if any(hasattr(value, "__html__") for value in values.values()):
        return escape(languages.said_as(text)).format(**values)
    return languages._(text, **values)


def _environment() -> Environment:
    environment = _compiled()
    environment.globals["base_url"] = theme.base_url()
    return environment


@cache
def _compiled() -> Environment:
    """The pages' environment without anything that is a setting: compiling the components takes a quarter second."""
    environment = rendering.environment("pages")
    environment.globals |= {
        "_": _said,
        "ngettext": languages.ngettext,
        "spoken": languages.spoken,
        "page_languages": languages.page_languages,
        "language_name": languages.name_of,
        "language_completeness": languages.completeness,
        "link": visitor_language.link,
        "visit": visitor_language.visit,
        "in_language": visitor_language.in_language,
        "theme_name": theme.name,
        "theme_style": theme.style_address,
        "theme_logo": theme.logo_address,
        "theme_icon": theme.icon_address,
        "theme_colour": theme.colour,
        "theme_picture": lambda: theme.public_address("/share.png"),
        "theme_icon_png": lambda size: visitor_language.link("/icon.png", size=size, lang=None),
        "theme_council": theme.council,
        "theme_has_site": theme.has_site,
        "theme_contact": theme.contact_page,
        "theme_closed_at": theme.closed_at,
        "theme_day": lambda moment: dates.day(moment.astimezone(LONDON).date()),
        "emergencies_now": lambda: _emergencies(),
        **_components(),
    }
    return environment


def part(name: str, **values: object) -> str:
    """A piece of a page, `templates/pages/<name>`, filled and escaped in the same way."""
    return _environment().get_template(name).render(**values)


def page(
    name: str, *, status: int = 200, headers: Mapping[str, str] | None = None, **values: object
) -> Response[object]:
    """The page `templates/pages/<name>`, filled with `values` and escaped, in the visitor's language."""
    html = _environment().get_template(name).render(**values)
    about = {"Content-Language": languages.spoken(), "Vary": "Accept-Language", **(headers or {})}
    return Response(html, status_code=status, media_type=MediaType.HTML, headers=about)
