"""Reads the charts of a page, to see that each says what the table beside it says."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import lxml.html


@dataclass(frozen=True, slots=True)
class Figure:
    """One chart of a page: the numbers that its marks carry, and the lines of its table by their labels."""

    title: str
    drawn: Sequence[str]
    rows: Mapping[str, Sequence[str]]


def figures(page: str) -> Mapping[str, Figure]:
    """Every chart of a page by its title, each checked: what is drawn stands in its table."""
    tree = lxml.html.fromstring(page)
    found = [_figure(one) for one in _all(tree, '//figure[@class="figure"]')]
    for one in found:
        cells = {cell for row in one.rows.values() for cell in row}
        assert set(one.drawn) <= cells, (one.title, set(one.drawn) - cells)
        assert one.rows or not one.drawn, one.title
    told = {_words(cell) for cell in _all(tree, "//td")}
    sparks = [mark.get("data-value") for mark in _all(tree, '//svg[@class="spark"]//*[@data-value]')]
    assert set(sparks) <= told, set(sparks) - told
    pictures = _all(tree, '//svg[@role="img"]')
    assert all(one.get("aria-labelledby") or one.get("aria-label") for one in pictures), "a picture without a name"
    ids = [one.get("id") for one in _all(tree, "//*[@id]")]
    assert len(ids) == len(set(ids)), [one for one in ids if ids.count(one) > 1]
    return {one.title: one for one in found}


def words(page: str) -> str:
    """What a reader sees of a page, in one line."""
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


def _figure(one: Any) -> Figure:  # noqa: ANN401 - an element of lxml
    [title] = _all(one, ".//figcaption/h2 | .//figcaption/h3")
    rows = {
        _words(_all(row, "./th")[0]): [_words(cell) for cell in _all(row, "./td")] for row in _all(one, ".//tbody/tr")
    }
    drawn = [str(mark.get("data-value")) for mark in _all(one, ".//*[@data-value]")]
    return Figure(_words(title), drawn, rows)


def _all(element: Any, path: str) -> list[Any]:  # noqa: ANN401 - elements of lxml
    return list(element.xpath(path))


def _words(element: Any) -> str:  # noqa: ANN401 - an element of lxml
    return re.sub(r"\s+", " ", str(element.text_content())).strip()
