"""Bars that lie: each with its name above it and its number at its end, so that they are read on any screen."""

from collections.abc import Sequence

from markupsafe import Markup

from notify.charts import svg
from notify.charts.chart import MOST_SERIES, Chart, Item, Mark, Row, Series, extremes, key_of, known, nothing, written
from notify.charts.scale import Scale, scale_of
from notify.charts.words import Write, percent, whole
from notify.languages import _

ROW = 3.4  # lines for each bar with its name
NARROWEST = 19.0  # letters' heights across the narrowest screen, where the words must still fit
LETTER = 0.56


def _room(said: Sequence[str]) -> float:
    """Per cent of the width that bars may take, so that the longest number still stands behind the longest bar."""
    longest = max((len(words) for words in said), default=0) * LETTER + 0.6
    return max(25.0, 100.0 - 100.0 * longest / NARROWEST)


def bars(
    title: str,
    items: Sequence[Item],
    *,
    heads: Sequence[str],
    write: Write = whole,
    target: Mark | None = None,
    about: str = "",
    empty: str = "",
) -> Chart:
    """One bar for each item. `heads` name the columns of the table: the label, the number, and what is `more`."""
    if not items:
        return nothing(title, heads, empty)
    said = [written(item.value, write, item.said) for item in items]
    values = [None if item.said else known(item.value) for item in items]
    about = about or extremes([item.label for item in items], values, said)
    scale = scale_of([*values, target.at if target else None])
    key, room = key_of(title, items, said), _room(said)
    top = 1.6 if target else 0.0
    drawn = [
        _bar(item.label, value, words, scale, room, top + place * ROW)
        for place, (item, value, words) in enumerate(zip(items, values, said, strict=True))
    ]
    height = top + ROW * len(items)
    notes = []
    if target:
        notes.append((target.label, target.said or write(target.at)))
        drawn.append(_line(target, notes[0][1], scale.share(target.at) * room, height))
    rows = tuple(Row(item.label, (words, *item.more), item.href) for item, words in zip(items, said, strict=True))
    return Chart(title, about, svg.picture(key, title, about, height, drawn), tuple(heads), rows, tuple(notes))


def _bar(
    label: str, value: float | None, said: str, scale: Scale, room: float, y: float, *, share: str = "", kind: str = ""
) -> Markup:
    """A bar from nought, with its name above and its number behind, and perhaps what share that is."""
    zero, end = scale.share(0.0) * room, scale.share(value or 0.0) * room
    left, right = min(zero, end), max(zero, end)
    shape = svg.element("rect", svg.element("title", f"{label}: {said}"), x=svg.of_width(left), y=svg.em(y + 1.45),
                        width=svg.of_width(max(right - left, 0.4)), height="1.1em",
                        class_=f"{'s4' if value and value < 0 else 's1'} {kind}".strip(), data_value=said)  # fmt: skip
    name = svg.words(svg.shortened(label), 0, y + 1.1, class_="name")
    return (
        name + (shape if value is not None else "") + svg.words(said + share, right, y + 2.3, shift=0.4, class_="value")
    )


def _line(target: Mark, said: str, x: float, height: float) -> Markup:
    """A target across all bars."""
    anchor, shift = ("start", 0.3) if x < 50 else ("end", -0.3)
    line = svg.element("line", x1=svg.of_width(x), x2=svg.of_width(x), y1="0", y2=svg.em(height), class_="mark",
                       data_value=said)  # fmt: skip
    return line + svg.words(svg.shortened(target.drawn(said), 22), x, 1.0, anchor=anchor, shift=shift, class_="noted")


def funnel(
    title: str,
    steps: Sequence[Item],
    *,
    heads: Sequence[str],
    write: Write = whole,
    about: str = "",
    empty: str = "",
) -> Chart:
    """How many are left at each step. `heads` name four columns: the step, how many, of the first, of the step before.

    A step that is `said` rather than counted (an estimate) has an edge instead of a ground.
    """
    if not steps or not known(steps[0].value):
        return nothing(title, heads, empty)
    first = known(steps[0].value) or 1.0
    drawn, rows, before = [], [], first
    told = [item.said or written(item.value, write) for item in steps]
    scale = scale_of([item.value for item in steps])
    shares = [percent((known(item.value) or 0.0) / first) for item in steps]
    beside = [f"{words} ({share})" for words, share in zip(told, shares, strict=True)]
    room = _room(beside)
    for place, (item, words) in enumerate(zip(steps, told, strict=True)):
        value = known(item.value) or 0.0
        kind, share = "estimate" if item.said else "", f" ({shares[place]})"
        drawn.append(_bar(item.label, value, words, scale, room, place * ROW, share=share, kind=kind))
        rows.append(Row(item.label, (words, shares[place], percent(value / before) if before else "", *item.more)))
        before = value
    desc = about or ". ".join(f"{item.label}: {words}" for item, words in zip(steps, beside, strict=True)) + "."
    picture = svg.picture(key_of(title, steps), title, desc, ROW * len(steps), drawn)
    return Chart(title, about, picture, tuple(heads), tuple(rows))


def stacked(
    title: str,
    labels: Sequence[str],
    series: Sequence[Series],
    *,
    head: str,
    write: Write = whole,
    total: bool = True,
    hrefs: Sequence[str] = (),
    about: str = "",
    empty: str = "",
) -> Chart:
    """One bar for each label, made of one part for each series, at most six. Raises: ValueError for less than nothing.

    `head` names the labels. With `total` their sum stands behind the bar and in the last column.
    """
    heads = (head, *(one.name for one in series), *([_("Total")] if total else []))
    if not labels or not series:
        return nothing(title, heads, empty)
    if len(series) > MOST_SERIES or any((known(value) or 0) < 0 for one in series for value in one.values):
        raise ValueError("A stack has at most six series, and none of its parts is less than nothing.")
    sums = [sum(known(one.values[place]) or 0.0 for one in series) for place in range(len(labels))]
    ends = [write(one) for one in sums] if total else []
    key = key_of(title, labels, series)
    picture, height = _stacks(key, labels, series, sums, ends, write)
    rows = []
    for place, label in enumerate(labels):
        cells = [written(one.values[place], write) for one in series]
        rows.append(Row(label, (*cells, *ends[place : place + 1]), hrefs[place] if hrefs else ""))
    about = about or extremes(labels, sums, [write(one) for one in sums])
    return Chart(title, about, svg.picture(key, title, about, height, picture), heads, tuple(rows))


def _stacks(
    key: str,
    labels: Sequence[str],
    series: Sequence[Series],
    sums: Sequence[float],
    ends: Sequence[str],
    write: Write,
) -> tuple[Sequence[str], float]:
    """All bars below the names of their parts, and how high that is."""
    scale, room, top = scale_of(sums), _room(ends), 1.5 * len(series) + 0.5
    drawn = [svg.fills(key, len(series)), svg.keys([one.name for one in series], key, are_lines=False)]
    for place, label in enumerate(labels):
        parts = [(one.name, known(one.values[place])) for one in series]
        drawn.append(_stack(key, label, parts, scale, room, top + place * ROW, write))
        if ends:
            drawn.append(_sum(ends[place], scale.share(sums[place]) * room, top + place * ROW))
    return drawn, top + ROW * len(labels)


def _sum(said: str, x: float, y: float) -> Markup:
    return svg.element("text", said, x=svg.of_width(x), y=svg.em(y + 2.3), dx="0.4em", class_="value", data_value=said)


def _stack(
    key: str, label: str, parts: Sequence[tuple[str, float | None]], scale: Scale, room: float, y: float, write: Write
) -> Markup:
    """The parts of one bar, one behind the other, under its name."""
    drawn, left = svg.words(svg.shortened(label), 0, y + 1.1, class_="name"), 0.0
    for place, (name, value) in enumerate(parts):
        if not value:
            continue
        said, right = write(value), left + scale.share(value) * room
        drawn += svg.element("rect", svg.element("title", f"{label}, {name}: {said}"), x=svg.of_width(left),
                             y=svg.em(y + 1.45), width=svg.of_width(right - left), height="1.1em",
                             fill=svg.filled(key, place), class_="part", data_value=said)  # fmt: skip
        left = right
    return drawn
