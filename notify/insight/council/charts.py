"""The pictures on the council's pages of figures, made of slices."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup
from sqlmodel import Session

from notify.charts.areas import Area, areas
from notify.charts.bars import bars, stacked
from notify.charts.chart import Chart, Item, Mark, Row, Series, written
from notify.charts.lines import lines
from notify.charts.spark import spark
from notify.charts.words import Write, decimal, pence, percent, pounds, whole
from notify.insight.alert.wards import land_of
from notify.insight.council.slices import Slice
from notify.insight.models import Annotation
from notify.insight.period import Period
from notify.staff.budgets import PENNY, in_pounds

MOST_NOTED = 6
EMPTY = "Nothing went out in these days. Choose others above, or send an alert: its figures stand here a moment later."
OUTCOMES: Mapping[str, Callable[[Slice], int]] = {
    "Delivered": lambda one: one.delivered,
    "No report": lambda one: max(0, one.recipients - one.delivered - one.failed - held_back(one) - one.waiting),
    "Failed": lambda one: one.failed,
    "Held back": lambda one: held_back(one),
    "Waiting": lambda one: one.waiting,
}
Named = Callable[[Slice], str]
Link = Callable[[str], str]  # from a slice's key to its own page; "" where it has none
_NO_PRICE = "Nothing that was sent had a price. NOTIFY_PROVIDER_PRICES says what each provider asks for a message."
_UNKNOWN = {
    "cost": _NO_PRICE,
    "cost_each": _NO_PRICE,
}


def held_back(one: Slice) -> int:
    """Not sent: people who had left, addresses that do not work, alerts that were stopped or too late."""
    return one.suppressed + one.cancelled


def reached(one: Slice) -> int:
    """Sent, and nobody said that it did not arrive."""
    return one.recipients - one.failed - one.unknown - held_back(one) - one.waiting


def cost_pounds(one: Slice) -> float | None:
    """What was paid; None where no message had a price."""
    return in_pounds(one.cost) if one.sent > one.unpriced else None


def per(many: int | None, of: int, scale: int = 1) -> float | None:
    """A rate; None where there is nothing to divide or by."""
    return scale * many / of if many is not None and of else None


def reached_share(one: Slice) -> float | None:
    """Of all messages, those that did not come back."""
    return per(reached(one), one.recipients)


def clicks_rate(one: Slice) -> float | None:
    """Clicks that are estimated to be people's, for each 100 e-mails with a counted link."""
    return per(one.clicks_human, one.tracked or 0, 100)


def people_rate(one: Slice) -> float | None:
    """People who agreed to be counted and clicked, for each 100 e-mails with a counted link."""
    return per(one.people_clicked, one.tracked or 0, 100)


def left_rate(one: Slice) -> float | None:
    """People who left, for each 1,000 messages sent."""
    return per(one.unsubscribed, one.sent, 1000)


def cost_each(one: Slice) -> float | None:
    """Pence for each message that did not come back."""
    return one.cost / PENNY / reached(one) if one.sent > one.unpriced and reached(one) > 0 else None


RATES: Mapping[str, tuple[str, str, Callable[[Slice], float | None], Write]] = {
    "reached": ("Messages that did not come back", "Of all", reached_share, percent),
    "clicks": ("Clicks (people, estimated) for each 100 tracked emails", "Clicks", clicks_rate, decimal),
    "people": (
        "People who agreed to be counted and clicked, for each 100 tracked emails",
        "People",
        people_rate,
        decimal,
    ),
    "left": ("People who left, for each 1,000 messages", "Left", left_rate, decimal),
    "cost": ("Cost", "Pounds", cost_pounds, pounds),
    "cost_each": ("Cost of each message that did not come back", "Pence", cost_each, pence),
}


def outcomes(title: str, head: str, found: Sequence[Slice], name: Named, link: Link) -> Chart:
    """What became of messages, a bar for each slice."""
    return stacked(
        title,
        [name(one) for one in found],
        [Series(label, [of(one) for one in found]) for label, of in OUTCOMES.items()],
        head=head,
        hrefs=[link(one.key) for one in found],
        empty=EMPTY,
    )


def rate(which: str, head: str, found: Sequence[Slice], name: Named, link: Link) -> Chart:
    """One rate of RATES, a bar for each slice; without any where it is known of none."""
    title, unit, of, write = RATES[which]
    items = [Item(name(one), of(one), href=link(one.key)) for one in found]
    is_known = any(item.value is not None for item in items)
    return bars(title, items if is_known else [], heads=(head, unit), write=write, empty=_UNKNOWN.get(which, EMPTY))


def over_time(period: Period, found: Sequence[Slice], notes: Sequence[Annotation]) -> Chart:
    """Messages by day or month, with what officers noted."""
    by_key = {one.key: one for one in found}
    steps = period.steps()
    of = [by_key.get(key) for key, _label in steps]
    series = [
        Series("Sent", [one.sent if one else 0 for one in of]),
        Series("Failed", [one.failed if one else 0 for one in of]),
    ]
    return lines(
        "Messages by day" if period.is_by_day else "Messages by month",
        [label for _key, label in steps] if found else [],
        [Series(one.name, one.values if found else []) for one in series],
        head="Day" if period.is_by_day else "Month",
        marks=[
            Mark(f"Note {number}", period.place_of(note.day), f"{note.day:%-d %b %Y}")
            for number, note in enumerate(notes[:MOST_NOTED], start=1)
        ],
        empty=EMPTY,
    )


TILES: Mapping[str, tuple[str, Callable[[Slice], float | None], Write]] = {
    "alerts": ("Alerts", lambda one: one.alerts, whole),
    "sent": ("Messages sent", lambda one: one.sent, whole),
    "reached": ("Not bounced", reached_share, percent),
    "clicks": ("Clicks (people, estimated)", lambda one: one.clicks_human, whole),
    "opens": ("Opens (indicative)", lambda one: one.opens, whole),
    "left": ("People who left", lambda one: one.unsubscribed, whole),
    "complained": ("Spam complaints", lambda one: one.complained, whole),
    "cost": ("Cost", cost_pounds, pounds),
    "cost_each": ("Cost of each that did not come back", cost_each, pence),
}


@dataclass(frozen=True, slots=True)
class Tile:
    """A number, how it was in the time before, and how it went."""

    name: str
    value: str
    note: str
    line: Chart


def tiles(period: Period, now: Slice | None, before: Slice | None, found: Sequence[Slice]) -> Sequence[Tile]:
    """The council's figures of these days; those of ward pages without what no ward can tell."""
    made = []
    for field, (name, of, write) in TILES.items():
        value, was = (of(one) if one else None for one in (now, before))
        if value is None and not field.startswith("cost"):
            continue
        note = f"{written(was, write)} in the time before" if was is not None else ""
        made.append(Tile(name, written(value, write), note, _spark(period, field, found)))
    return made


def _spark(period: Period, field: str, found: Sequence[Slice]) -> Chart:
    name, _of, write = TILES[field]
    steps = _steps(period, found)
    values = [_at(field, one) for _label, one in steps]
    return spark(name, [label for label, _one in steps], values, heads=(_unit(period), name), write=write)


def step_by_step(period: Period, found: Sequence[Slice]) -> Chart:
    """What the small lines of the tiles show, as one table."""
    fields = [field for field in TILES if any(_at(field, one) is not None for one in found)]
    rows = [
        Row(label, tuple(written(_at(field, one), TILES[field][2]) for field in fields))
        for label, one in _steps(period, found)
    ]
    title = f"The same, {'day by day' if period.is_by_day else 'month by month'}"
    heads = (_unit(period), *(TILES[field][0] for field in fields))
    return Chart(title, "", Markup(""), heads, tuple(rows) if found else (), empty="" if found else EMPTY)


def _steps(period: Period, found: Sequence[Slice]) -> Sequence[tuple[str, Slice | None]]:
    by_key = {one.key: one for one in found}
    return [(label, by_key.get(key)) for key, label in period.steps()]


def _at(field: str, one: Slice | None) -> float | None:
    """A tile's number at one step; nothing went out where there is no slice."""
    if one is None:
        return None if field in ("reached", "cost", "cost_each") else 0.0
    return TILES[field][1](one)


def _unit(period: Period) -> str:
    return "Day" if period.is_by_day else "Month"


def ward_map(session: Session, found: Sequence[Slice], name: Named, link: Link) -> Chart:
    """The wards by how many messages went to them, on a map."""
    land, width, height = land_of(session, [one.key for one in found])
    heads = ("Ward", "On the map", "Messages", "Sent", "Delivered", "Failed", "Clicked, of those who agreed")
    return areas(
        "Messages by ward",
        [
            Area(
                name(one),
                one.recipients,
                *land.get(one.key, ("", 0.0, 0.0)),
                href=link(one.key),
                more=(whole(one.sent), whole(one.delivered), whole(one.failed), whole(one.people_clicked or 0)),
            )
            for one in found
        ],
        width=width,
        height=height,
        heads=heads,
        empty=EMPTY,
    )
