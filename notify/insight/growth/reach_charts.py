"""Charts of reach by ward and of message fatigue."""

from collections.abc import Callable, Mapping, Sequence

from sqlmodel import Session

from notify.charts.areas import Area, areas
from notify.charts.bars import bars
from notify.charts.chart import Chart, Item, Series
from notify.charts.lines import lines
from notify.charts.words import decimal, percent
from notify.insight import labels
from notify.insight.alert.wards import land_of
from notify.insight.council.slices import Slice
from notify.insight.growth.fatigue import Load, Week
from notify.insight.growth.reach import FEW, Reach, in_words
from notify.insight.open_data.disclosure import FEWEST_SHOWN

NOTHING_YET = "Nothing went out in these days. What people get is counted once an hour, week by week from Monday."


def on_the_map(session: Session, found: Reach) -> Chart:
    """Followers for each 1,000 residents, ward by ward, the weakest first."""
    land, width, height = land_of(session, [ward.code for ward in found.wards])
    return areas(
        "Subscribers per 1,000 residents, by ward",
        [
            Area(
                ward.name,
                ward.per_1000,
                *land.get(ward.code, ("", 0.0, 0.0)),
                said=ward.said,
                href=f"/staff/figures/wards/{ward.code}",
                more=(in_words(ward.people), f"{ward.population:,}" if ward.population else "not known"),
            )
            for ward in found.wards
        ],
        width=width,
        height=height,
        heads=("Ward", "On the map", "For each 1,000 residents", "Followers", "Residents"),
        write=decimal,
        empty="The council’s wards are not loaded: `notify geodata load --help` says how.",
    )


def languages(found: Reach) -> Chart:
    """The languages that people chose."""
    items = [
        Item(
            labels.language(code),
            people if people >= FEWEST_SHOWN else None,
            said="" if people >= FEWEST_SHOWN else FEW,
            more=(percent(people / found.people) if people >= FEWEST_SHOWN else FEW,),
        )
        for code, people in found.languages.items()
    ]
    return bars(
        "Languages that people chose",
        items,
        heads=("Language", "People", "Of all"),
        empty="No one subscribes to it yet.",
    )


def loads(title: str, found: Sequence[Load], spans: str) -> Chart:
    """How often someone got so many alerts."""
    had = [one for one in found if one.alerts]
    every = sum(one.people for one in had)
    items = [Item(one.name, one.people, more=(percent(one.people / every),)) for one in had]
    return bars(
        title,
        items,
        heads=("In all", "People", "Of all who got any"),
        about=f"Somebody who got alerts in several {spans} counts once in each." if items else "",
        empty=NOTHING_YET,
    )


def share_over(found: Sequence[Load], more_than: int) -> float | None:
    """Of those who got any in a week, the share that got more than so many."""
    every = sum(one.people for one in found if one.alerts)
    return sum(one.people for one in found if one.alerts > more_than) / every if every else None


def over_the_line(found: Sequence[Week], more_than: int) -> Chart:
    """Week by week, the share that got more than so many."""
    return lines(
        f"Who got more than {more_than} in a week",
        [f"{week.first:%-d %b %y}" for week in found],
        [Series("Of all who got any", [week.over / week.people if week.people else None for week in found])]
        if found
        else [Series("Of all who got any", [])],
        head="Week from",
        write=percent,
        empty=NOTHING_YET,
    )


def leaving(found: Sequence[Load]) -> Chart:
    """After how many alerts in seven days people left, for each 1,000 who got so many in a week."""
    had = [one for one in found if one.alerts and one.people]
    items = [
        Item(one.name, 1000 * one.went / one.people, more=(f"{one.went:,}", f"{one.people:,}")) for one in had
    ] if any(one.went for one in found) else []  # fmt: skip
    return bars(
        "Who left after how many in seven days",
        items,
        heads=("In seven days", "Left, of each 1,000 such weeks", "Left", "Weeks of people"),
        write=decimal,
        about="Leaving by the link in an alert, or reporting it as spam. Weeks that are too much show here.",
        empty="Nobody left by the link in an alert in these days.",
    )


def writes_most(
    title: str,
    head: str,
    found: Sequence[Slice],
    following: Mapping[str, int],
    months: float,
    name: Callable[[Slice], str],
) -> Chart:
    """Messages a month for each person who follows now; those who write most come first."""
    rated = [(one.sent / following[one.key] / months, one) for one in found if following.get(one.key)]
    rated.sort(key=lambda pair: (-pair[0], name(pair[1])))
    items = [Item(name(one), rate, more=(f"{one.alerts:,}", f"{one.sent:,}")) for rate, one in rated]
    return bars(
        title,
        items,
        heads=(head, "Messages a month for each person", "Alerts", "Messages"),
        write=decimal,
        about="A message counts once for each channel. People are current subscribers.",
        empty=NOTHING_YET,
    )
