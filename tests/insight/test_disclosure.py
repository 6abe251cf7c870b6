"""A small number that is not told cannot be worked out from what is, by somebody who knows our rules."""

from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from notify.insight.open_data.disclosure import SMALL, WITHHELD, Told, protect, protect_shares

COLUMNS = st.lists(st.one_of(st.integers(0, 9), st.integers(0, 200)), min_size=1, max_size=9)


def bounds(mark: Told) -> tuple[int, float]:
    """What somebody who knows the rules knows of a number that is withheld."""
    return (1, 4) if mark == SMALL else (5, float("inf"))


def possible(told: list[Told], total: int) -> list[tuple[float, float]]:
    """The least and the greatest that each withheld number could be, given the total of the column."""
    rest = total - sum(value for value in told if isinstance(value, int))
    marks = [bounds(value) for value in told if isinstance(value, str)]
    least, greatest = sum(low for low, _ in marks), sum(high for _, high in marks)
    return [(max(low, rest - (greatest - high) if high < 5 or len(marks) == 1 else low),
             min(high, rest - (least - low))) for low, high in marks]  # fmt: skip


@given(COLUMNS)
def test_no_withheld_number_can_be_worked_out_from_the_total(values: list[int]) -> None:
    told = protect(values)
    hidden = [value for value, shown in zip(values, told, strict=True) if shown != value]
    if set(told) == {WITHHELD}:
        # nothing but the total is known of the column: all of it could be anybody's, unless there is one row
        assert len(values) > 1 or values[0] < 5
        return
    for low, high in possible(told, sum(values)):
        assert high > low
    assert all(value >= 5 or value == 0 for value, shown in zip(values, told, strict=True) if shown == value)
    assert not hidden or len(hidden) > 1


@given(st.lists(st.integers(0, 7), min_size=1, max_size=5))
def test_the_same_by_trying_every_number(values: list[int]) -> None:
    told = protect(values)
    marks = [place for place, shown in enumerate(told) if isinstance(shown, str)]
    if not marks or set(told) == {WITHHELD}:
        return
    rest = sum(values[place] for place in marks)
    ranges = [range(1, 5) if told[place] == SMALL else range(5, rest + 1) for place in marks]
    fitting = [guess for guess in product(*ranges) if sum(guess) == rest]
    assert tuple(values[place] for place in marks) in fitting
    for column in zip(*fitting, strict=True):
        assert len(set(column)) > 1


@given(COLUMNS)
def test_what_is_told_is_true_and_small_numbers_never_are(values: list[int]) -> None:
    for value, shown in zip(values, protect(values), strict=True):
        assert shown in (value, SMALL, WITHHELD)
        if 0 < value < 5:
            assert shown in (SMALL, WITHHELD)


def test_plain_cases() -> None:
    assert protect([]) == []
    assert protect([0, 0]) == [0, 0]
    assert protect([12, 7, 0]) == [12, 7, 0]
    assert protect([3, 20, 30]) == [SMALL, WITHHELD, 30]  # the smallest of the others goes with it
    assert protect([3, 2, 30]) == [SMALL, SMALL, 30]
    assert protect([1, 1, 30]) == [SMALL, SMALL, WITHHELD]  # two that sum to two are one each
    assert protect([4, 4, 30]) == [SMALL, SMALL, WITHHELD]
    assert protect([1, 5]) == [WITHHELD, WITHHELD]  # 1 and 5 are the only pair of their kinds that sum to six
    assert protect([3]) == [WITHHELD]


def test_a_share_is_withheld_where_it_tells_of_a_few_and_takes_another_with_it() -> None:
    assert protect_shares([], []) == []
    assert protect_shares([90, 40], [100, 50]) == [90.0, 80.0]
    assert protect_shares([98, 40, 400], [100, 50, 500]) == [WITHHELD, WITHHELD, 80.0]
    assert protect_shares([2, 40, 0], [20, 50, 0]) == [WITHHELD, WITHHELD, None]
    assert protect_shares([100, 40], [100, 50]) == [100.0, 80.0]
