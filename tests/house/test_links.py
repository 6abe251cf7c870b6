"""Every link of the documentation leads somewhere: to a file that is there, and to a heading of that page."""

import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md")),
    *sorted(path for path in (ROOT / "docs").rglob("*.md") if "_build" not in path.parts),
]

FENCED = re.compile(r"^ *(```+|~~~+).*?^ *\1`*~* *$", re.S | re.M)
IN_CODE = re.compile(r"`[^`\n]*`")
LINK = re.compile(r"\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#{1,6} +(.+?) *#*$", re.M)
ELSEWHERE = re.compile(r"[a-z][a-z+.-]*:")
# files of this repository that a page names without a link
NAMED = re.compile(r"`((?:docs|notify|templates|tests|workers|benchmarks)/[\w/.-]+\.\w+)`")


def anchors(text: str) -> set[str]:
    """The names of the headings, as the sites that show Markdown and `make docs` make them."""
    found: set[str] = set()
    for heading in HEADING.findall(FENCED.sub("", text)):
        words = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
        name = re.sub(r"[^\w\- ]", "", words.lower()).replace(" ", "-")
        twin = sum(one == name or re.fullmatch(rf"{re.escape(name)}-\d+", one) is not None for one in found)
        found.add(f"{name}-{twin}" if twin else name)
    return found


def links(text: str) -> Iterator[str]:
    """Where the links and pictures of a page lead, code left out."""
    yield from LINK.findall(IN_CODE.sub("", FENCED.sub("", text)))


def broken(page: Path, text: str) -> Iterator[str]:
    """The links of this page that lead nowhere."""
    for target in links(text):
        if ELSEWHERE.match(target):
            continue
        name, _, anchor = target.partition("#")
        there = (page.parent / name).resolve() if name else page
        if not there.exists():
            yield f"{target}: no such file"
        elif anchor and anchor not in anchors(text if there == page else there.read_text(encoding="utf-8")):
            yield f"{target}: no such heading"


def test_every_link_leads_to_a_file_and_a_heading_that_are_there() -> None:
    found = {str(page.relative_to(ROOT)): list(broken(page, page.read_text(encoding="utf-8"))) for page in PAGES}
    assert {page: wrong for page, wrong in found.items() if wrong} == {}
    assert sum(len(list(links(page.read_text(encoding="utf-8")))) for page in PAGES) > 100


def test_every_file_that_a_page_names_is_there() -> None:
    named = {(page.name, name) for page in PAGES for name in NAMED.findall(page.read_text(encoding="utf-8"))}
    history = "CHANGELOG.md"  # it says what was, also of files that have gone
    assert sorted((page, name) for page, name in named if page != history and not (ROOT / name).exists()) == []


def test_a_link_that_leads_nowhere_is_found() -> None:
    text = "# One two\n[a](#one-two) [b](#three) [c](none.md) `[d](none.md)` [e](https://example.org)\n"
    assert list(broken(ROOT / "README.md", text)) == ["#three: no such heading", "none.md: no such file"]
