"""Charts: the picture and the table say the same, whatever the numbers are, and nothing is told by colour alone."""

import math
import re
from collections.abc import Callable, Sequence
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notify.charts.areas import Area, areas
from notify.charts.bars import bars, funnel, stacked
from notify.charts.chart import MOST, Chart, Item, Mark, Series
from notify.charts.lines import curve, lines
from notify.charts.scale import LEAST, scale_of
from notify.charts.spark import spark
from notify.charts.words import decimal, percent, pounds, seconds, whole
from notify.languages import speaking

NUMBERS = st.one_of(st.none(), st.floats(allow_nan=True, allow_infinity=True), st.integers(-(10**12), 10**12))
COUNTS = st.one_of(st.none(), st.floats(0, 1e12), st.integers(0, 10**9))
WORDS = st.text(alphabet=st.characters(exclude_categories=("Cs", "Cc")), max_size=60)
WRITES = st.sampled_from((whole, decimal, percent, pounds))
LABELS = ("Jan", "Feb", "Mar", "Apr")
SQUARE = "M0,0 10,0 10,10Z"


def parsed(chart: Chart) -> ElementTree.Element:
    return ElementTree.fromstring(f"<div>{chart.svg}</div>")


def told(chart: Chart) -> set[str]:
    """Every cell of the table."""
    return {cell for row in chart.rows for cell in row.cells} | {said for _label, said in chart.notes}


def check(chart: Chart) -> None:
    """What holds for every chart."""
    assert chart.title
    if chart.empty:
        assert (str(chart.svg), chart.rows) == ("", ())
        return
    root = parsed(chart)
    drawn = [element.get("data-value") for element in root.iter() if element.get("data-value")]
    assert set(drawn) <= told(chart)
    assert all(len(row.cells) == len(chart.heads) - 1 for row in chart.rows)
    numbers = [value for element in root.iter() for name, value in element.attrib.items() if name != "data-value"]
    assert not re.search(r"\b(nan|inf)\b", " ".join(numbers), re.IGNORECASE)
    assert "style=" not in str(chart.svg)
    for picture in [element for element in root.iter("svg") if element.get("role") == "img"]:
        named = (picture.get("aria-labelledby") or "").split()
        ids = [element.get("id") for element in root.iter() if element.get("id")]
        assert set(named) <= set(ids)
        assert len(ids) == len(set(ids))


@given(st.lists(st.tuples(WORDS, NUMBERS), max_size=12), WRITES, st.one_of(st.none(), st.floats(-1e6, 1e6)))
def test_bars_say_what_their_table_says(
    found: Sequence[tuple[str, float | None]], write: Callable[[float], str], target: float | None
) -> None:
    items = [Item(label, value) for label, value in found]
    mark = Mark("Target", target) if target is not None else None
    chart = bars("Sent", items, heads=("Topic", "Messages"), write=write, target=mark)
    check(chart)
    assert len(chart.rows) == len(items)


@given(st.lists(st.tuples(WORDS, COUNTS), max_size=6))
def test_a_funnel_says_what_its_table_says(found: Sequence[tuple[str, float | None]]) -> None:
    heads = ("Step", "Messages", "Of the first", "Of the step before")
    check(funnel("From audience to click", [Item(label, value) for label, value in found], heads=heads))


@given(st.lists(st.lists(COUNTS, min_size=4, max_size=4), max_size=6), WRITES, st.booleans())
def test_stacked_bars_say_what_their_table_says(
    found: Sequence[Sequence[float | None]], write: Callable[[float], str], total: bool
) -> None:
    series = [Series(f"Way {place}", values) for place, values in enumerate(found)]
    check(stacked("By channel", LABELS, series, head="Month", write=write, total=total))


@given(st.lists(st.lists(NUMBERS, min_size=4, max_size=4), max_size=6), WRITES, st.floats(0, 3))
def test_lines_say_what_their_table_says(
    found: Sequence[Sequence[float | None]], write: Callable[[float], str], at: float
) -> None:
    series = [Series(f"Way {place}", values) for place, values in enumerate(found)]
    marks = [Mark("Flood", at, "on 3 March")]
    check(lines("By month", LABELS, series, head="Month", write=write, marks=marks, target=Mark("Target", 5)))
    check(lines("By month", LABELS, series, head="Month", write=write))


@given(st.lists(st.floats(0, 1e7), max_size=60), st.floats(0, 1e7))
def test_a_curve_says_what_its_table_says(moments: Sequence[float], at: float) -> None:
    moments = sorted(moments)
    shares = [place / len(moments) for place in range(len(moments))]
    check(curve("Sent", moments, [Series("Sent", shares)], head="After", write=percent, marks=[Mark("Half", at)]))


@given(st.lists(NUMBERS, max_size=12))
def test_a_spark_says_what_its_table_says(values: Sequence[float | None]) -> None:
    check(spark("Sent", [str(place) for place in range(len(values))], values, heads=("Month", "Sent")))


@given(st.lists(st.tuples(WORDS, NUMBERS, st.sampled_from(["", SQUARE])), max_size=12))
def test_a_map_says_what_its_table_says(found: Sequence[tuple[str, float | None, str]]) -> None:
    land = [Area(label, value, path, 3.0, 4.0) for label, value, path in found]
    heads = ("Ward", "On the map", "Per 1,000")
    chart = areas("Reach", land, width=400, height=300, heads=heads)
    check(chart)
    assert len(chart.rows) == len(land)


@given(st.lists(NUMBERS, max_size=20))
def test_a_scale_holds_nought_and_every_number(values: Sequence[float | None]) -> None:
    scale = scale_of(values)
    real = [value for value in values if value is not None and math.isfinite(value)]
    assert scale.low <= min([0, *(one for one in real if one >= -MOST)]) + LEAST
    assert scale.high >= max([0, *(one for one in real if one <= MOST)]) * (1 - 1e-12) - LEAST
    assert 2 <= len(scale.ticks) <= 12
    assert all(0 <= scale.share(value) <= 1 for value in real)


@pytest.mark.parametrize(
    "chart",
    [
        bars("Sent", [], heads=("Topic", "Sent"), empty="Nothing was sent in these days."),
        lines("Sent", ["Jan"], [Series("Sent", [None])], head="Month", empty="Nothing was sent in these days."),
        stacked("Sent", [], [], head="Month", empty="Nothing was sent in these days."),
        funnel("Sent", [Item("Audience", 0)], heads=("a", "b", "c", "d"), empty="Nothing was sent in these days."),
        areas("Sent", [], width=1, height=1, heads=("a", "b", "c"), empty="Nothing was sent in these days."),
    ],
)
def test_without_data_a_chart_says_what_would_fill_it(chart: Chart) -> None:
    assert chart.empty == "Nothing was sent in these days."
    check(chart)


def test_what_must_not_be_told_is_told_neither_in_the_picture_nor_in_the_table() -> None:
    chart = bars("Clicks", [Item("Northside", 3, "fewer than 5"), Item("Southside", 97)], heads=("Ward", "Clicks"))
    assert [row.cells for row in chart.rows] == [("fewer than 5",), ("97",)]
    assert ">3<" not in str(chart.svg)
    [one] = [element for element in parsed(chart).iter("rect")]  # the small one has no length either
    assert one.get("data-value") == "97"


def test_words_of_people_are_escaped() -> None:
    chart = bars("<b>", [Item('"><script>', 1)], heads=("Topic", "Sent"))
    assert "<script" not in str(chart.svg)
    assert "<b>" not in str(chart.svg)


def test_series_differ_in_more_than_colour() -> None:
    series = [Series(name, [1, 2, 3, 4]) for name in ("Email", "Text", "Webhook")]
    drawn = str(lines("By month", LABELS, series, head="Month").svg)
    assert len(set(re.findall(r'class="line s\d" vector-effect="[^"]*"(?: stroke-dasharray="([^"]*)")?', drawn))) == 3
    shapes = re.findall(r'<path d="([^"]*)" class="point s(\d)"', drawn)
    assert len({place for _d, place in shapes}) == len(set(shapes)) == 3
    filled = parsed(stacked("By month", LABELS, series, head="Month"))
    patterns = [ElementTree.tostring(one) for one in filled.iter("pattern")]
    assert len(patterns) == 3
    assert len(set(re.findall(rb'<path d="([^"]*)" class="etched"', b"".join(patterns)))) == 2  # and one that is plain


def test_the_alternative_text_names_the_extremes_in_the_readers_language() -> None:
    items = [Item("Northside", 12), Item("Southside", 30)]
    assert bars("Sent", items, heads=("Ward", "Sent")).about == "Highest: Southside, 30. Lowest: Northside, 12."
    with speaking("cy"):
        assert bars("Sent", items, heads=("Ward", "Sent")).about == "Uchaf: Southside, 30. Isaf: Northside, 12."


def test_a_stack_of_less_than_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="less than nothing"):
        stacked("Net", ["Jan"], [Series("Net", [-1])], head="Month")


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (0, "0 s"), (6.25, "6.2 s"), (59.94, "59.9 s"), (59.96, "1 min"), (200, "3 min 20 s"), (3599.9, "1 h"),
        (7500, "2 h 5 min"), (86_399, "1 d"), (273_600, "3 d 4 h"),
    ],
)  # fmt: skip
def test_lengths_of_time_are_written_in_two_units(value: float, said: str) -> None:
    assert seconds(value) == said
