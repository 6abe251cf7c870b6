"""Reads the charts of a page, to see that each says what the table beside it says."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import lxml.html

HTML = lxml.html.HtmlElement


@dataclass(frozen=True, slots=True)
class Figure:
    """One chart of a page: the numbers that its marks carry, and the lines of its table by their labels."""

    title: str
    drawn: Sequence[str]
    rows: Mapping[str, Sequence[str]]


def figures(page: str) -> Mapping[str, Figure]:
    """Every chart of a page by its title, each checked: what is drawn stands in its table."""
    tree = lxml.html.fromstring(page)
    found = [_figure(one) for one in tree.xpath('//figure[@class="figure"]')]
    for one in found:
        cells = {cell for row in one.rows.values() for cell in row}
        assert set(one.drawn) <= cells, (one.title, set(one.drawn) - cells)
        assert one.rows or not one.drawn, one.title
    told = {_words(cell) for cell in tree.xpath("//td")}
    sparks = [
        mark.get("data-value") for mark in tree.xpath('//*[local-name()="svg" and @class="spark"]//*[@data-value]')
    ]
    assert set(sparks) <= told, set(sparks) - told
    for picture in tree.xpath('//*[local-name()="svg" and @role="img"]'):
        assert picture.get("aria-labelledby") or picture.get("aria-label"), "a picture without a name"
    ids = [one.get("id") for one in tree.xpath("//*[@id]")]
    assert len(ids) == len(set(ids)), [one for one in ids if ids.count(one) > 1]
    return {one.title: one for one in found}


def _figure(one: HTML) -> Figure:
    [title] = one.xpath(".//figcaption/h2 | .//figcaption/h3")
    rows = {
        _words(row.xpath("./th")[0]): [_words(cell) for cell in row.xpath("./td")] for row in one.xpath(".//tbody/tr")
    }
    drawn = [str(mark.get("data-value")) for mark in one.xpath(".//*[@data-value]")]
    return Figure(_words(title), drawn, rows)


def _words(element: HTML) -> str:
    return re.sub(r"\s+", " ", str(element.text_content())).strip()
