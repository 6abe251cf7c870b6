"""Every word that residents read is there in Welsh, with the same values in it."""

import re
import string
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po
from jinja2 import Environment

from notify.core.rendering import TEMPLATES
from notify.languages import LOCALES

ROOT = TEMPLATES.parent
KEYWORDS = {"_": None, "later": None, "both": None, "ngettext": (1, 2)}
METHODS = [("**.py", "python"), ("**.html", "jinja2.ext:babel_extract"), ("**.txt", "jinja2.ext:babel_extract")]
PAGES = TEMPLATES / "pages"

# pages that residents see; staff and programmers are spoken to in English
RESIDENTS = ("layout", "my", "near_me", "public", "replies", "sign_up", "statutory_notices", "unsubscribe")

# words that are the same in every language, and what a macro answers to another
AS_THEY_ARE = re.compile(r"Atom|JSON Feed|&\w+;|\byes\b|[A-Z]{2,}\d*|JSON|CSV")


def words_in_use() -> Iterator[tuple[str, str | tuple[str, ...]]]:
    """Where each text is, and the text; a pair where it has a plural."""
    for folder in ("notify", "workers", "templates"):
        for file, line, text, _comments, _context in extract_from_dir(
            ROOT / folder, METHODS, {}, keywords=KEYWORDS, comment_tags=()
        ):
            yield f"{folder}/{file}:{line}", text if isinstance(text, str) else tuple(text)


def catalog(language: str) -> Catalog:
    with (LOCALES / language / "LC_MESSAGES" / "notify.po").open("rb") as file:
        return read_po(file, locale=language, abort_invalid=True)


def messages() -> dict[str | tuple[str, ...], Message]:
    return {
        tuple(entry.id) if isinstance(entry.id, list | tuple) else entry.id: entry
        for entry in catalog("cy")
        if entry.id
    }


def test_every_word_is_there_in_welsh() -> None:
    known = messages()
    used = list(words_in_use())
    assert len(used) > 50
    assert [(where, text) for where, text in used if text not in known or not all(said(known[text]))] == []


def test_no_translation_is_left_over() -> None:
    used = {text for _where, text in words_in_use()}
    assert [text for text in messages() if text not in used] == []


def said(message: Message) -> list[str]:
    return [message.string] if isinstance(message.string, str) else list(message.string or ())


def places(text: str) -> set[str]:
    return {name for _before, name, _form, _kind in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("message", messages().values(), ids=lambda message: str(message.id)[:40])
def test_a_translation_holds_the_same_values(message: Message) -> None:
    own = [message.id] if isinstance(message.id, str) else list(message.id)
    wanted = set().union(*(places(text) for text in own))
    for text in said(message):
        assert places(text) <= wanted
        assert wanted - places(text) <= {"n"}  # "one" and "two" may be words


def resident_templates() -> list[Path]:
    return sorted(
        path for folder in RESIDENTS for path in (PAGES / folder).glob("*.html") if not path.name.startswith("staff")
    )


@pytest.mark.parametrize("path", resident_templates(), ids=lambda path: path.name)
def test_a_page_holds_no_words_of_its_own(path: Path) -> None:
    tokens = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True).lex(path.read_text())
    markup = "".join(value if kind == "data" else "\x00" for _line, kind, value in tokens)
    markup = re.sub(
        r"<(\w+)[^>]*\baria-label=\"[A-Za-z][^>]*>", lambda found: found[0] + " LABEL-IN-ENGLISH words", markup
    )
    text = re.sub(r"<[^>]*>", " ", markup)
    assert re.findall(r"[^\W\d_]{2,}", AS_THEY_ARE.sub(" ", text)) == []
