"""Statistical disclosure control: numbers under five are withheld, with others that would reveal them.

A column of a table adds up to a total that may be known from elsewhere, so we take it as known. One withheld number
would then be the total less the rest, and several could be pinned down by their bounds. So more are withheld, the next
larger ones first, until each could be at least two numbers even for someone who knows these rules; and where that
cannot be had, the whole column is.
"""

from collections.abc import Sequence

FEWEST_SHOWN = 5
SMALL = "<5"  # 1, 2, 3 or 4
WITHHELD = "[c]"  # five or more, withheld to protect a small number; or, where all of a column is, any number

Told = int | str


def protect(values: Sequence[int]) -> list[Told]:
    """The numbers as they may be told, in the same order."""
    small = [place for place, value in enumerate(values) if 0 < value < FEWEST_SHOWN]
    if not small:
        return list(values)
    spare = sorted((value, place) for place, value in enumerate(values) if value >= FEWEST_SHOWN)
    hidden: list[int] = []
    total = sum(values[place] for place in small)
    while not _is_safe(len(small), len(hidden), total):
        if len(hidden) == len(spare):
            return [WITHHELD] * len(values)
        value, place = spare[len(hidden)]
        hidden.append(place)
        total += value
    marks = dict.fromkeys(small, SMALL) | dict.fromkeys(hidden, WITHHELD)
    return [marks.get(place, value) for place, value in enumerate(values)]


def _is_safe(small: int, hidden: int, total: int) -> bool:
    """Whether each of so many numbers from 1 to 4, and so many of 5 or more, could be at least two numbers.

    Their total is known. They could not if all were as small as they can be, or all as large.
    """
    if hidden:
        return total > small + FEWEST_SHOWN * hidden
    return small > 1 and small < total < (FEWEST_SHOWN - 1) * small


def protect_total(value: int) -> Told:
    """A number by itself as it may be told."""
    return SMALL if 0 < value < FEWEST_SHOWN else value


def protect_shares(parts: Sequence[int], wholes: Sequence[int]) -> list[float | str | None]:
    """What per cent of each whole its part is, to one decimal; None of nothing.

    Whoever knows a whole works out from its share how many were not part, so both must be large or none at all. One
    share that is withheld takes the next smallest with it: the total's share would tell it.
    """
    rows = [place for place, whole in enumerate(wholes) if whole]
    hidden = [place for place in rows if _tells(parts[place], wholes[place])]
    if len(hidden) == 1:
        others = sorted((wholes[place], place) for place in rows if place not in hidden)
        hidden += [place for _, place in others[:1]]
    return [
        None if not whole else WITHHELD if place in hidden else round(100 * part / whole, 1)
        for place, (part, whole) in enumerate(zip(parts, wholes, strict=True))
    ]


def _tells(part: int, whole: int) -> bool:
    return any(0 < number < FEWEST_SHOWN for number in (part, whole - part, whole))
