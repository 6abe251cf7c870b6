"""Reading our own pages in tests: fields, boxes and text, with the standard library's parser."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from html.parser import HTMLParser


@dataclass
class Page(HTMLParser):
    """What a page holds: `fields` by name as a browser would send them, `ids`, `links`, and its text."""

    html: str
    fields: dict[str, list[str]] = field(default_factory=dict)
    boxes: dict[str, bool] = field(default_factory=dict)
    ids: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    actions: list[str] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    title: str = ""

    def __post_init__(self) -> None:
        HTMLParser.__init__(self)
        self._in_title = False
        self.feed(self.html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        self._in_title = tag == "title"
        if "id" in values:
            self.ids.append(values["id"])
        if tag == "a":
            self.links.append(values["href"])
        if tag == "form":
            self.actions.append(values["action"])
        if tag == "input" and values.get("type") in ("checkbox", "radio"):
            self.boxes[values["id"]] = "checked" in values
            if "checked" in values:
                self.fields.setdefault(values["name"], []).append(values["value"])
        elif tag == "input":
            self.fields.setdefault(values["name"], []).append(values.get("value", ""))

    def handle_data(self, data: str) -> None:
        if self._in_title:
            self.title += data
        self.words.append(data)

    @property
    def text(self) -> str:
        """All text of the page in one line."""
        return " ".join(" ".join(self.words).split())


def broken_anchors(page: Page) -> Sequence[str]:
    """The links within the page that lead to nothing."""
    return [link for link in page.links if link.startswith("#") and link[1:] not in page.ids]
