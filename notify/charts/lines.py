"""Line charts over time: one line a series, distinguished by dash and marker, with annotations."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from notify.charts import svg
from notify.charts.chart import MOST_SERIES, Chart, Mark, Row, Series, extremes, key_of, known, nothing, written
from notify.charts.scale import Scale, scale_of, seconds_scale
from notify.charts.words import Write, seconds, whole

HIGH = 14.0  # lines of the part that holds the data
EDGE = 2.5  # per cent that are left free on either side, for markers
MOST_FEET = 5  # labels below the picture, where there is room
LONGEST_MARK = 22  # letters that stand beside a mark in the middle of the narrowest screen
_TENTHS = re.compile(r"\.0(?=\D|$)")  # a scale needs none
MOST_MARKED = 40  # points of a series that each have a marker; of more only some


@dataclass(frozen=True, slots=True)
class _Plot:
    """The part of the picture that holds the data."""

    top: float
    across: Scale
    upward: Scale

    def x(self, value: float) -> float:
        return EDGE + (100 - 2 * EDGE) * self.across.share(value)

    def y(self, value: float) -> float:
        return self.top + HIGH * (1 - self.upward.share(value))


@dataclass(frozen=True, slots=True)
class _Data:
    """What is drawn: where each point stands across, what it is called, and the series."""

    places: Sequence[float]
    labels: Sequence[str]
    series: Sequence[Series]
    write: Write


def lines(
    title: str,
    labels: Sequence[str],
    series: Sequence[Series],
    *,
    head: str,
    write: Write = whole,
    target: Mark | None = None,
    marks: Sequence[Mark] = (),
    about: str = "",
    empty: str = "",
) -> Chart:
    """A line for each series over labels that follow each other (months, hours). `head` names the labels.

    `target` is a level; each of `marks` is a moment, `at` the place of a label counted from 0, and may lie between two.
    Raises: ValueError for more than six series.
    """
    data = _Data([float(place) for place in range(len(labels))], labels, series, write)
    across = Scale(0.0, max(1.0, len(labels) - 1.0), ())
    return _drawn(title, data, across, head, target, marks, about, empty)


def curve(
    title: str,
    moments: Sequence[float],
    series: Sequence[Series],
    *,
    head: str,
    write: Write = whole,
    marks: Sequence[Mark] = (),
    about: str = "",
    empty: str = "",
) -> Chart:
    """A line for each series over time passed: `moments` and `marks` are seconds since the beginning.

    Raises: ValueError for more than six series.
    """
    data = _Data(moments, [seconds(one) for one in moments], series, write)
    across = seconds_scale([*moments, *(mark.at for mark in marks)])
    return _drawn(title, data, across, head, None, marks, about, empty)


def _drawn(
    title: str,
    data: _Data,
    across: Scale,
    head: str,
    target: Mark | None,
    marks: Sequence[Mark],
    about: str,
    empty: str,
) -> Chart:
    heads = (head, *(one.name for one in data.series))
    if len(data.series) > MOST_SERIES:
        raise ValueError("More than six lines cannot be told apart: draw several charts.")
    values = [value for one in data.series for value in one.values]
    if not any(known(value) is not None for value in values):
        return nothing(title, heads, empty)
    said = [tuple(written(one.values[place], data.write) for one in data.series) for place in range(len(data.labels))]
    notes = [(mark.label, mark.said or seconds(mark.at)) for mark in marks]
    names = [one.name for one in data.series] if len(data.series) > 1 else []
    plot = _Plot(1.5 * len(names) + 1.5 * len(marks) + 1.2, across, scale_of([*values, target.at if target else None]))
    key = key_of(title, data.labels, said, notes)
    drawn = [svg.keys(names, key, are_lines=True), _ground(plot, data.write)]
    drawn += [_moment(plot, 1.5 * (len(names) + place), mark, notes[place][1]) for place, mark in enumerate(marks)]
    if target:
        notes.append((target.label, target.said or data.write(target.at)))
        drawn.append(_level(plot, target, notes[-1][1]))
    drawn += [_series(plot, data, place) for place in range(len(data.series))]
    drawn.append(_feet(plot, data))
    about = about or _summary(data, said)
    height = plot.top + HIGH + 1.9
    rows = tuple(Row(label, cells) for label, cells in zip(data.labels, said, strict=True))
    return Chart(title, about, svg.picture(key, title, about, height, drawn), heads, rows, tuple(notes))


def _summary(data: _Data, said: Sequence[tuple[str, ...]]) -> str:
    """The highest and the lowest of each line."""
    parts = [extremes(data.labels, one.values, [cells[place] for cells in said])
             for place, one in enumerate(data.series)]  # fmt: skip
    if len(parts) == 1:
        return parts[0]
    return " ".join(f"{one.name}: {part}" for one, part in zip(data.series, parts, strict=True) if part)


def _ground(plot: _Plot, write: Write) -> Markup:
    """Level lines with their numbers."""
    drawn = Markup("")
    for tick in plot.upward.ticks:
        y = plot.y(tick)
        drawn += svg.element("line", x1="0", x2="100%", y1=svg.em(y), y2=svg.em(y),
                             class_="base" if tick == 0 else "level")  # fmt: skip
        drawn += svg.words(_TENTHS.sub("", write(tick)), 0, y - 0.2, class_="tick")
    return drawn


def _feet(plot: _Plot, data: _Data) -> Markup:
    """What stands below: the first, the middle and the last on a narrow screen, more where there is room."""
    y = plot.top + HIGH + 1.4
    if plot.across.ticks:
        feet = [(tick, seconds(tick)) for tick in plot.across.ticks]
    else:
        last = len(data.labels) - 1
        every = max(1.0, last / (MOST_FEET - 1))
        shown = dict.fromkeys(round(place * every) for place in range(MOST_FEET) if round(place * every) <= last)
        feet = [(data.places[place], data.labels[place]) for place in shown]
    last = len(feet) - 1
    narrow = {0, last // 2, last} if last > 1 and last % 2 == 0 else {0, last}
    drawn = Markup("")
    for place, (at, label) in enumerate(feet):
        x = plot.x(at)
        anchor = "start" if x < 8 else "end" if x > 92 else "middle"
        edge = {"start": 0.0, "end": 100.0, "middle": x}[anchor]
        drawn += svg.words(label, edge, y, anchor=anchor, class_="foot" if place in narrow else "foot wide")
    return drawn


def _moment(plot: _Plot, y: float, mark: Mark, said: str) -> Markup:
    """A line down from the name of what happened then."""
    x = plot.x(mark.at)
    anchor, shift = ("start", 0.3) if x < 50 else ("end", -0.3)
    line = svg.element("line", x1=svg.of_width(x), x2=svg.of_width(x), y1=svg.em(y + 0.3),
                       y2=svg.em(plot.top + HIGH), class_="mark", data_value=said)  # fmt: skip
    return line + svg.words(
        svg.shortened(mark.drawn(said), LONGEST_MARK), x, y + 1.1, anchor=anchor, shift=shift, class_="noted"
    )


def _level(plot: _Plot, target: Mark, said: str) -> Markup:
    """A line across at the target."""
    y = svg.em(plot.y(target.at))
    line = svg.element("line", x1="0", x2="100%", y1=y, y2=y, class_="mark", data_value=said)
    return line + svg.words(
        svg.shortened(target.drawn(said)), 100, plot.y(target.at) - 0.3, anchor="end", class_="noted"
    )


def _series(plot: _Plot, data: _Data, place: int) -> Markup:
    """One line, broken where nothing is known, and its markers."""
    one = data.series[place]
    numbers = [known(value) for value in one.values]
    path, is_open, dots = "", False, Markup("")
    every = -(-len(numbers) // MOST_MARKED)
    for step, (at, value) in enumerate(zip(data.places, numbers, strict=True)):
        if value is None:
            is_open = False
            continue
        x, y = 1000 * plot.across.share(at), 1000 * (1 - plot.upward.share(value))
        path += f"{'L' if is_open else 'M'}{svg.number(x)} {svg.number(y)}"
        is_open = True
        if step % every == 0 or step == len(numbers) - 1:
            said = data.write(value)
            name = f"{one.name}, {data.labels[step]}: {said}"
            dots += svg.marker(place, plot.x(at), plot.y(value), name, value=said)
    drawn = svg.element("path", d=path, class_=f"line s{place + 1}", vector_effect="non-scaling-stroke",
                        stroke_dasharray=svg.DASHES[place])  # fmt: skip
    frame = svg.element("svg", drawn, x=svg.of_width(EDGE), y=svg.em(plot.top), width=svg.of_width(100 - 2 * EDGE),
                        height=svg.em(HIGH), viewBox="0 0 1000 1000", preserveAspectRatio="none",
                        overflow="visible")  # fmt: skip
    return frame + dots
