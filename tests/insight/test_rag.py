"""Red, amber, green, blue: every published row against the rule, with those where the two do not agree."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as some

from notify.insight.indicators.rating import Direction, Rag, direction, distance, rag
from notify.insight.models import TargetKind

# name, target, now, before, lower is better, published, by the rule
PUBLISHED = [
    ("superfast broadband", "99", "97.83", "97.78", False, "Amber", Rag.AMBER),
    ("information requests on time", "90", "71.0", "76.0", False, "Red", Rag.RED),
    ("subject access on time", "80", "63.0", "41.6", False, "Red", Rag.RED),
    ("statutory returns", "100", "100", "100", False, "Green", Rag.GREEN),
    ("inspection data", "100", "100", "100", False, "Green", Rag.GREEN),
    ("staff engagement", "60", "63.0", "63.0", False, "Amber", Rag.GREEN),  # exactly 5% over
    ("stars of the website", "4", "3", "3", False, "Amber", Rag.RED),  # a quarter off
    ("resolved without escalation", "80", "85.9", "85.9", False, "", Rag.BLUE),  # published without a colour
    ("calls answered", "85", "87.0", "87.5", False, "Green", Rag.GREEN),
    ("avoidable contact", "15", "10.4", "8.2", True, "Blue", Rag.BLUE),
    ("incidents in time", "90", "83.4", "84.4", False, "Amber", Rag.AMBER),
    ("requests in time", "90", "90.9", "91.7", False, "Green", Rag.GREEN),
    ("availability", "90", "99.7", "99.9", False, "Blue", Rag.BLUE),
]
DISAGREE = {"staff engagement", "stars of the website", "resolved without escalation"}
DIRECTIONS = {
    "superfast broadband": Direction.IMPROVING,
    "information requests on time": Direction.DECLINING,
    "statutory returns": Direction.UNCHANGED,
    "avoidable contact": Direction.DECLINING,
    "calls answered": Direction.DECLINING,
}


@pytest.mark.parametrize(("name", "target", "now", "before", "lower", "published", "by_rule"), PUBLISHED)
def test_the_published_rows_by_the_rule(
    name: str, target: str, now: str, before: str, lower: bool, published: str, by_rule: Rag
) -> None:
    assert rag(Decimal(now), Decimal(target), lower_is_better=lower) == by_rule
    assert (published != by_rule) == (name in DISAGREE)
    if name in DIRECTIONS:
        assert direction(Decimal(now), Decimal(before), lower_is_better=lower) == DIRECTIONS[name]


def test_a_distance_is_relative_to_the_target_and_not_in_points() -> None:
    found = distance(Decimal("10.4"), Decimal(15), lower_is_better=True)
    assert found is not None
    assert round(found, 3) == Decimal("0.307")


@pytest.mark.parametrize(
    ("kind", "expected"), [(TargetKind.BASELINE, Rag.BASELINE), (TargetKind.CONTEXTUAL, Rag.CONTEXTUAL)]
)
def test_what_has_no_target_has_no_colour(kind: TargetKind, expected: Rag) -> None:
    assert rag(Decimal("72.4"), None, lower_is_better=False, kind=kind) == expected


def test_without_a_figure_nothing_is_said() -> None:
    assert rag(None, Decimal(90), lower_is_better=False) == Rag.UNKNOWN
    assert direction(None, Decimal(1), lower_is_better=False) == Direction.UNKNOWN


@pytest.mark.parametrize(
    ("value", "lower", "expected"),
    [
        ("90", False, Rag.AMBER),
        ("89.99", False, Rag.RED),
        ("99.99", False, Rag.AMBER),
        ("100", False, Rag.GREEN),
        ("105", False, Rag.GREEN),
        ("105.01", False, Rag.BLUE),
        ("110", True, Rag.AMBER),
        ("110.01", True, Rag.RED),
        ("95", True, Rag.GREEN),
        ("94.99", True, Rag.BLUE),
    ],
)
def test_the_edges_belong_where_the_words_say(value: str, lower: bool, expected: Rag) -> None:
    assert rag(Decimal(value), Decimal(100), lower_is_better=lower) == expected


def test_what_must_be_zero_is_green_at_zero_and_red_above() -> None:
    assert rag(Decimal(0), Decimal(0), lower_is_better=True) == Rag.GREEN
    assert rag(Decimal("0.1"), Decimal(0), lower_is_better=True) == Rag.RED


@given(
    some.decimals(0, 1000, places=2), some.decimals(1, 1000, places=2), some.decimals(0, 100, places=2), some.booleans()
)
def test_a_better_figure_never_has_a_worse_colour(value: Decimal, target: Decimal, more: Decimal, lower: bool) -> None:
    order = [Rag.RED, Rag.AMBER, Rag.GREEN, Rag.BLUE]
    better = value - more if lower else value + more
    was, is_now = (rag(one, target, lower_is_better=lower) for one in (value, better))
    assert order.index(is_now) >= order.index(was)
