"""The words of pages and messages, in each language that a council writes to its residents in.

The words in the code are English. Those of another language are in `templates/locale/<code>/LC_MESSAGES/notify.po`,
the format that translators' programs edit; a word that is missing there is said in English.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from gettext import GNUTranslations, NullTranslations
from io import BytesIO
from types import MappingProxyType

from babel import Locale, UnknownLocaleError, negotiate_locale
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from notify.packaged import packaged

LANGUAGES: Mapping[str, str] = MappingProxyType({"en": "English", "cy": "Cymraeg"})
LOCALES = packaged("templates/locale")

_spoken: ContextVar[str] = ContextVar("spoken", default="en")
_further: ContextVar[Sequence[str] | None] = ContextVar("further", default=None)


@cache
def _words_of(language: str) -> NullTranslations:
    try:
        with (LOCALES / language / "LC_MESSAGES" / "notify.po").open("rb") as file:
            catalog = read_po(file, locale=language, abort_invalid=True)
    except FileNotFoundError:
        return NullTranslations()
    compiled = BytesIO()
    write_mo(compiled, catalog)
    compiled.seek(0)
    return GNUTranslations(compiled)


@contextmanager
def speaking(language: str) -> Iterator[None]:
    """Within the block `_` answers in this language; one without a catalog is answered in English."""
    before = _spoken.set(language)
    try:
        yield
    finally:
        _spoken.reset(before)


def spoken() -> str:
    """The code of the language that is being spoken, `en` unless `speaking` says otherwise."""
    return _spoken.get()


def offer_further(codes: Sequence[str] | None) -> None:
    """Say which languages the council of this page offers beside `LANGUAGES`; None: the page is of no council."""
    _further.set(codes)


def offered_further() -> Sequence[str] | None:
    """The codes of these languages; None where the page is of no council."""
    return _further.get()


def said_as(text: str) -> str:
    """`text` in the language that is spoken, its {places} still open."""
    return _words_of(spoken()).gettext(text) if text else text


def _(text: str, /, **values: object) -> str:
    """`text` in the language that is spoken, with each {name} filled from `values`."""
    said = said_as(text)
    return said.format(**values) if values else said


def ngettext(one: str, many: str, n: int, /, **values: object) -> str:
    """The form of the words that goes with the number `n`, which also fills {n}. Welsh has up to six."""
    return _words_of(spoken()).ngettext(one, many, n).format(n=n, **values)


def direction(language: str) -> str:
    """Which way this language is written, as HTML's `dir` names it: `ltr` or `rtl`."""
    try:
        return "rtl" if Locale.parse(language).text_direction == "rtl" else "ltr"
    except (UnknownLocaleError, ValueError):
        return "ltr"


def later(text: str) -> str:
    """The same text, marked for translators: `_` says it when the language is known."""
    return text


def both(text: str) -> str:
    """`text` in English and, where it differs, in every other language, divided by a slash."""
    said = [text]
    for language in LANGUAGES:
        with speaking(language):
            said.append(said_as(text))
    return " / ".join(dict.fromkeys(said))


def best_of(accepted: str) -> str:
    """The language of ours that suits the value of an `Accept-Language` header best; English if none does."""
    weighed: list[tuple[float, str]] = []
    for item in accepted.split(",")[:20]:
        tag, _mark, weight = item.strip().partition(";q=")
        try:
            weighed.append((-float(weight or 1), tag.strip()))
        except ValueError:
            continue
    wanted = [tag for weight, tag in sorted(weighed, key=lambda entry: entry[0]) if tag and weight < 0]
    return negotiate_locale(wanted, list(LANGUAGES), sep="-") or "en"
