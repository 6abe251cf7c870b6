"""The words of pages and messages, in each language that a council writes to its residents in.

The words in the code are English. Those of another language are in `templates/locale/<code>/LC_MESSAGES/notify.po`,
the format that translators' programs edit; a word that is missing there is said in English.

An installation adds languages by catalogues of its own: `<NOTIFY_LOCALE_DIR>/pl/LC_MESSAGES/notify.po`. Pages offer one
where the council offers the language to its residents.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from gettext import GNUTranslations, NullTranslations
from io import BytesIO
from pathlib import Path
from string import Formatter
from types import MappingProxyType

from babel import Locale, UnknownLocaleError, localedata, negotiate_locale
from babel.messages.catalog import Catalog, Message
from babel.messages.mofile import write_mo
from babel.messages.pofile import PoFileError, read_po

from notify.packaged import packaged

LANGUAGES: Mapping[str, str] = MappingProxyType({"en": "English", "cy": "Cymraeg"})
LOCALES = packaged("templates/locale")

_spoken: ContextVar[str] = ContextVar("spoken", default="en")
_further: ContextVar[Sequence[str] | None] = ContextVar("further", default=None)
_added: Path | None = None  # the folder with the installation's own catalogues


def look_in(folder: Path | None) -> None:
    """Take further catalogues from this folder, which the settings name."""
    global _added
    _added = folder
    _words_of.cache_clear()
    catalogues.cache_clear()


@cache
def catalogues() -> Mapping[str, str]:
    """The languages that the installation added catalogues for, by code, each by its own name."""
    found = sorted(path.parents[1].name for path in _added.glob("*/LC_MESSAGES/notify.po")) if _added else []
    return {code: name_of(code) for code in found if code not in LANGUAGES}


def name_of(code: str) -> str:
    """A language by its own name, such as Polski."""
    if code in LANGUAGES:
        return LANGUAGES[code]
    name = str(Locale.parse(code).get_display_name())
    return name[:1].upper() + name[1:]


def page_languages() -> Mapping[str, str]:
    """The languages that the page can be read in, by code: ours, and those added ones that its council offers."""
    further = _further.get()
    return {**LANGUAGES, **{code: name for code, name in catalogues().items() if further is None or code in further}}


def _file_of(language: str) -> Path:
    return (_added if _added and language not in LANGUAGES else LOCALES) / language / "LC_MESSAGES" / "notify.po"


def _read(file: Path, language: str) -> Catalog:
    with file.open("rb") as opened:
        return read_po(opened, locale=language, abort_invalid=True)


@cache
def _words_of(language: str) -> NullTranslations:
    try:
        catalog = _read(_file_of(language), language)
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
    """Say which languages the council of this page offers beside `LANGUAGES`; None: the page is of no council.

    A page in a language that it does not offer goes on in English.
    """
    _further.set(codes)
    if spoken() not in page_languages():
        _spoken.set("en")


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
    return negotiate_locale(wanted, list(page_languages()), sep="-") or "en"


@dataclass(frozen=True, slots=True)
class Completeness:
    """How much of what residents read is said in a language. `missing` are the English words that are not."""

    code: str
    name: str
    words: int
    missing: Sequence[str]

    @property
    def percent(self) -> int:
        """Whole percent, rounded down, so that 100 means all."""
        return 100 * (self.words - len(self.missing)) // self.words


def completeness() -> Sequence[Completeness]:
    """Of Welsh and every added language how complete it is; the Welsh catalogue says which words there are."""
    every = _texts(_read(_file_of("cy"), "cy"))
    found = []
    for code in ("cy", *catalogues()):
        said = _texts(_read(_file_of(code), code))
        missing = [text for text in every if not said.get(text)]
        found.append(Completeness(code, name_of(code), len(every), missing))
    return found


def _texts(catalog: Catalog) -> Mapping[str, bool]:
    """The English words of a catalogue, and whether all forms of each are said and nobody has doubts."""
    return {_english(one): all(_forms(one)) and not one.fuzzy for one in catalog if one.id}


def _english(message: Message) -> str:
    return str(message.id[0] if isinstance(message.id, list | tuple) else message.id)


def _forms(message: Message) -> Sequence[str]:
    return [message.string] if isinstance(message.string, str) else list(message.string or [""])


def faults_of(folder: Path) -> Sequence[str]:
    """Why the catalogues in this folder cannot be used, a sentence for each. Empty where they can."""
    if not folder.is_dir():
        return [f"{folder} is no folder"]
    found = []
    for file in sorted(folder.glob("*/LC_MESSAGES/notify.po")):
        code = file.parents[1].name
        if not re.fullmatch("[a-z]{2,3}", code) or not localedata.exists(code):
            found.append(f"{code!r} is not the code of a language: name the folder like pl or ur")
            continue
        try:
            catalog = _read(file, code)
        except (PoFileError, UnicodeDecodeError, ValueError) as error:
            found.append(f"{file} cannot be read: {error}")
            continue
        found += [f"{file}: {fault}" for one in catalog if one.id and (fault := _fault_of(one))]
    return found


def _fault_of(message: Message) -> str:
    """What of a translation would break a page: a value that the English words do not have."""
    english = message.id if isinstance(message.id, list | tuple) else [message.id]
    known = set().union(*(_values_in(str(text)) for text in english)) | {"n"}
    for text in _forms(message):
        about = f"“{_english(message)[:60]}”"
        try:
            if unknown := _values_in(text) - known:
                return f"{about} has no {{{sorted(unknown)[0]}}}"
        except ValueError:
            return f"the braces in the words for {about} do not match, or hold more than a name"
        if text and (missing := known - _values_in(text) - {"n"}):
            return f"the words for {about} lack {{{sorted(missing)[0]}}}"
    return ""


def _values_in(text: str) -> set[str]:
    """The names in braces. Raises: ValueError for braces that do not match or say how to write a value."""
    parts = [(name, more) for _before, name, *more in Formatter().parse(text) if name is not None]
    if any(any(more) or not name.isidentifier() for name, more in parts):
        raise ValueError(text)
    return {name for name, _more in parts}
