"""Sparklines: the trend of a number in a small line beside it."""

from collections.abc import Sequence

from notify.charts import svg
from notify.charts.chart import Chart, Row, extremes, key_of, known, nothing, written
from notify.charts.scale import scale_of
from notify.charts.words import Write, whole

WIDE, HIGH = 96.0, 24.0


def spark(
    title: str, labels: Sequence[str], values: Sequence[float | None], *, heads: Sequence[str], write: Write = whole
) -> Chart:
    """The line of these numbers, without axes, its last point marked. Show its table too, or a chart of the same."""
    numbers = [known(value) for value in values]
    if not any(number is not None for number in numbers):
        return nothing(title, heads, "")
    said = [written(value, write) for value in values]
    about = extremes(labels, values, said)
    scale, last = scale_of(numbers), max(1, len(numbers) - 1)
    points = [
        (3 + (WIDE - 6) * place / last, 3 + (HIGH - 6) * (1 - scale.share(number)), said[place])
        for place, number in enumerate(numbers)
        if number is not None
    ]
    path = "".join(f"{'L' if place else 'M'}{svg.number(x)} {svg.number(y)}" for place, (x, y, _) in enumerate(points))
    x, y, latest = points[-1]
    drawn = [
        svg.element("path", d=path, class_="line s1"),
        svg.element("circle", cx=x, cy=y, r=3, class_="dot s1", data_value=latest),
    ]
    picture = svg.picture_of(key_of("spark", title, labels, said), title, about, WIDE, HIGH, drawn, "spark")
    rows = tuple(Row(label, (words,)) for label, words in zip(labels, said, strict=True))
    return Chart(title, about, picture, tuple(heads), rows)
