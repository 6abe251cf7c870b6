"""Pages, e-mails, texts and documents keep to the words of the field: what reads as if translated is refused."""

import pkgutil
import re
from pathlib import Path

import pytest

import notify
from notify.core.rendering import TEMPLATES

# the word, and what to write instead
REFUSED = {
    "whom": "who",
    "whoever": "anyone who, people who, or the person's role",
    "shall": "should, will or do",
    "handed over": "sent",
    "hand-over": "sending",
    "followers?": "subscribers",
    "fate": "status",
    "unwanted": "spam complaint",
    "rings?": "call",
    "ringing": "calling",
    "somebody": "someone",
    "anew": "again",
}
# in the name of a module, beside those above
PRIVATE = {
    *(
        "alike",
        "asked",
        "asking",
        "called",
        "chore",
        "doors",
        "errand",
        "fate",
        "frame",
        "handing",
        "judging",
        "keeper",
    ),
    *("lifeline", "mending", "noticing", "reckoning", "taking", "telling", "told", "trail", "ways"),
}
# nouns of the field that end like a gerund
NOUNS = {
    "drafting",
    "publishing",
    "rendering",
    "signing",
    "tracking",
    "password_hashing",
    "equal_timing",
    "rating",
    "map_drawing",
}
NOUNS |= {"release_loading", "wording"}
MODULES = sorted(
    found.name for found in pkgutil.walk_packages(notify.__path__, "notify.") if ".versions." not in found.name
)
SHOWN = sorted(path for path in TEMPLATES.rglob("*") if path.suffix in {".html", ".txt"})
# comments, names of variables, addresses and classes are not shown
NOT_SHOWN = re.compile(
    r"\{#.*?#\}|<style.*?</style>|<script.*?</script>|\b(?:href|class|id|name|for|src|action)=\"[^\"]*\"", re.S
)
CODE = re.compile(r"\{[{%].*?[}%]\}", re.S)
QUOTED = re.compile(r"\"([^\"]*)\"|'([^']*)'")


def shown(source: str) -> str:
    """What a reader may see of a template: its text, and the strings in its expressions."""
    source = NOT_SHOWN.sub(" ", source)
    strings = [" ".join(filter(None, found)) for code in CODE.findall(source) for found in QUOTED.findall(code)]
    return " ".join([CODE.sub(" ", source), *(text for text in strings if " " in text or text[:1].isupper())])


# in documents too, where rings are shapes on a map
IN_DOCUMENTS = {word: better for word, better in REFUSED.items() if not word.startswith("ring")} | {
    "e-mails?": "email",
    "hand(ing|s)? over": "send",
    "mend(s|ed|ing)?": "fix",
}
# the decisions are history, and these pages are written from the code
WRITTEN_FROM_CODE = {"data-dictionary.md", "settings.md"}
DOCS = TEMPLATES.parent / "docs"
DOCUMENTS = [
    *(TEMPLATES.parent / name for name in ("README.md", "CONTRIBUTING.md")),
    *sorted(
        path
        for path in DOCS.rglob("*.md")
        if path.name not in WRITTEN_FROM_CODE and not {"decisions", "_build"} & set(path.relative_to(DOCS).parts)
    ),
]


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_a_document_says_nothing_in_the_words_that_we_left(path: Path) -> None:
    written = path.read_text(encoding="utf-8").partition("<!-- written by")[0]
    text = re.sub(r"```.*?```|`[^`]*`", " ", written, flags=re.S)
    found = {
        f"{word}: write {better}" for word, better in IN_DOCUMENTS.items() if re.search(rf"\b{word}\b", text, re.I)
    }
    assert found == set()


@pytest.mark.parametrize("path", SHOWN, ids=lambda path: str(path.relative_to(TEMPLATES)))
def test_a_template_says_nothing_in_the_words_that_we_left(path: Path) -> None:
    text = shown(path.read_text(encoding="utf-8"))
    found = {f"{word}: write {better}" for word, better in REFUSED.items() if re.search(rf"\b{word}\b", text, re.I)}
    assert found == set()


def test_the_reader_sees_text_and_strings_and_no_names() -> None:
    source = '<p class="whom">{# whoever #}{{ whom }} {{ _("Whom shall it reach?") }} anew</p>'
    assert shown(source).split() == ["<p", ">", "anew</p>", "Whom", "shall", "it", "reach?"]


def test_modules_are_nouns_that_the_field_knows() -> None:
    names = {name.rpartition(".")[2] for name in MODULES}
    assert len(names) > 200
    assert {name for name in names if set(name.split("_")) & PRIVATE} == {"page_frame", "report_frame"}
    assert {name for name in names if name.endswith("ing")} <= NOUNS
