"""A map whose areas are shaded by a number: in four depths of pattern, each area with its number in the table."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from notify.charts import svg
from notify.charts.chart import Chart, Row, extremes, key_of, known, nothing, written
from notify.charts.scale import Scale, scale_of
from notify.charts.words import Write, not_known, whole

DEPTHS = 4
_ETCHED = ("", "M-2 2L2-2M0 8L8 0M6 10L10 6", "M-2 2L2-2M0 8L8 0M6 10L10 6M-2 6L2 10M0 0L8 8M6-2L10 2", "")


@dataclass(frozen=True, slots=True)
class Area:
    """A piece of land with a number. `path`, `x` and `y` are as `publishing.drawing` makes them; "" is not drawn."""

    label: str
    value: float | None
    path: str = ""
    x: float = 0.0
    y: float = 0.0
    said: str = ""
    href: str = ""
    more: tuple[str, ...] = ()


def areas(
    title: str,
    land: Sequence[Area],
    *,
    width: float,
    height: float,
    heads: Sequence[str],
    write: Write = whole,
    about: str = "",
    empty: str = "",
) -> Chart:
    """The areas on a map, numbered as in the table, where each stands behind its number on the map.

    `heads` name the area, its number on the map, the value, and what is `more`. Without an outline there is no
    picture, only the table.
    """
    if not land:
        return nothing(title, heads, empty)
    said = [written(one.value, write, one.said) for one in land]
    shown = [None if one.said else known(one.value) for one in land]
    about = about or extremes([one.label for one in land], shown, said)
    numbers = {place: str(place + 1) for place, one in enumerate(land) if one.path}
    rows = tuple(
        Row(one.label, (numbers.get(place, ""), said[place], *one.more), one.href) for place, one in enumerate(land)
    )
    if not numbers:
        return Chart(title, about, Markup(""), tuple(heads), rows)
    scale, key = shades_of(shown), key_of(title, said, width)
    drawn = [_patterns(key)]
    drawn += [
        _shape(key, one, depth_of(shown[place], scale), said[place]) for place, one in enumerate(land) if one.path
    ]
    drawn += [_number(land[place], number) for place, number in numbers.items()]
    picture = svg.picture_of(key, title, about, width, height, drawn)
    return Chart(title, about, picture + _legend(key, scale, write, shown), tuple(heads), rows)


def _number(one: Area, number: str) -> Markup:
    return svg.element("text", number, x=one.x, y=one.y, class_="number")


def shades_of(values: Iterable[float | None]) -> Scale:
    """From the least to the most, on round numbers; the key says what each depth stands for."""
    numbers = [number for value in values if (number := known(value)) is not None]
    low = min(numbers, default=0.0)
    above = scale_of([number - low for number in numbers], DEPTHS)
    step = above.ticks[1] - above.ticks[0]
    first = math.floor(low / step) * step
    return Scale(first, max(first + DEPTHS * step, *numbers), ()) if numbers else above


def depth_of(value: float | None, scale: Scale) -> int:
    """Which of the depths, from 1; 0 where the number is not known."""
    return 0 if value is None else 1 + min(DEPTHS - 1, int(scale.share(value) * DEPTHS))


def _shape(key: str, one: Area, depth: int, said: str) -> Markup:
    name = svg.element("title", f"{one.label}: {said}")
    if not depth:
        return svg.element("path", name, d=one.path, class_="unknown", data_value=said)
    return svg.element("path", name, d=one.path, fill=f"url(#{key}-depth-{depth})", class_="part", data_value=said)


def _patterns(key: str) -> Markup:
    made = []
    for depth in range(1, DEPTHS + 1):
        ground = svg.element("rect", width=8, height=8, class_=f"depth{depth}")
        lines = svg.element("path", d=_ETCHED[depth - 1], class_="hatch") if _ETCHED[depth - 1] else ""
        made.append(svg.element("pattern", ground, lines, id=f"{key}-depth-{depth}", width=8, height=8,
                                patternUnits="userSpaceOnUse"))  # fmt: skip
    return svg.element("defs", *made)


def _legend(key: str, scale: Scale, write: Write, values: Sequence[float | None]) -> Markup:
    """What each depth stands for, below the map. It is hidden from those to whom the table is read."""
    step = (scale.high - scale.low) / DEPTHS
    deepest = max(depth_of(value, scale) for value in values)
    entries = [
        (f"{write(scale.low + step * (depth - 1))}–{write(scale.low + step * depth)}", f"url(#{key}-depth-{depth})")
        for depth in range(1, deepest + 1)
    ]
    entries += [(not_known(), "")] if None in values else []
    drawn = [
        svg.element("rect", x="0", y=svg.em(1.5 * place + 0.2), width="1.9em", height="1.1em", fill=fill,
                    class_="part" if fill else "unknown")
        + svg.element("text", said, x="2.9em", y=svg.em(1.5 * place + 1.1))
        for place, (said, fill) in enumerate(entries)
    ]  # fmt: skip
    return svg.element(
        "svg", *drawn, class_="graph legend", width="100%", height=svg.em(1.5 * len(entries)), aria_hidden="true"
    )
