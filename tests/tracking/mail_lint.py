"""What is wrong with an e-mail that axe does not know: layout, links, and a plain part that says less."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from html.parser import HTMLParser

VAGUE = {"here", "click here", "link", "this link", "more", "read more", "yma", "cliciwch yma", "mwy", "rhagor"}
BLOCKS = {"p", "div", "td", "h1", "h2", "h3", "li", "br", "title", "table", "tr"}
SILENT = {"style", "script", "title"}
VOID = {"img", "br", "meta", "link", "hr"}


@dataclass
class _Mail(HTMLParser):
    tags: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    links: list[tuple[str, str]] = field(default_factory=list)
    words: list[str] = field(default_factory=lambda: [""])

    def __post_init__(self) -> None:
        HTMLParser.__init__(self)
        self._open: list[tuple[str, bool]] = []
        self._link: tuple[str, str] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        self.tags.append((tag, values))
        if tag in BLOCKS:
            self.words.append("")
        if tag == "a" and not any(is_silent for _tag, is_silent in self._open):
            self._link = (values.get("href", ""), "")
        if tag not in VOID:
            self._open.append((tag, tag in SILENT or "display:none" in values.get("style", "")))

    def handle_endtag(self, tag: str) -> None:
        if tag in BLOCKS:
            self.words.append("")
        if tag == "a" and self._link:
            self.links.append(self._link)
            self._link = None
        while self._open and self._open.pop()[0] != tag:
            pass

    def handle_data(self, data: str) -> None:
        if any(is_silent for _tag, is_silent in self._open):
            return
        if self._link:  # its address stands in the plain part
            self._link = (self._link[0], self._link[1] + data)
            self.words.append("")
        else:
            self.words[-1] += data


def faults(html: str, text: str) -> Sequence[str]:
    """Everything wrong with a mail of these two parts, in plain words."""
    mail = _Mail()
    mail.feed(html)
    return [*_layout(mail), *_links(mail, text), *_left_out(mail, text)]


def _layout(mail: _Mail) -> list[str]:
    names = [tag for tag, _values in mail.tags]
    found = []
    if not any(values.get("lang") for tag, values in mail.tags if tag == "html"):
        found.append("no lang")
    if not any(values.get("dir") for tag, values in mail.tags if tag == "html"):
        found.append("no dir")
    if not any(values.get("name") == "color-scheme" for tag, values in mail.tags if tag == "meta"):
        found.append("no color-scheme: nothing for dark mode")
    if names.count("h1") != 1:
        found.append(f"{names.count('h1')} headings h1")
    for tag, values in mail.tags:
        if tag == "table" and values.get("role") != "presentation":
            found.append("a table for layout without role=presentation")
        if tag == "img" and "alt" not in values:
            found.append(f"an image without alt: {values.get('src')}")
    return found


def _links(mail: _Mail, text: str) -> list[str]:
    found = []
    for address, words in mail.links:
        said = _plain(words)
        if not said or said.lower().rstrip(".:") in VAGUE:
            found.append(f"a link that says {said!r}")
        if address not in text:
            found.append(f"the plain part lacks the address {address}")
    return found


def _left_out(mail: _Mail, text: str) -> list[str]:
    """The sentences that only readers of HTML see."""
    known = _plain(text)
    sentences = [one for block in mail.words for one in re.split(r"(?<=[.!?])\s+", _plain(block))]
    return [f"the plain part lacks: {one}" for one in sentences if re.search(r"\w", one) and one not in known]


def _plain(text: str) -> str:
    return " ".join(text.replace("\xa0", " ").split())
