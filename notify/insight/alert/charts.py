"""The pictures on the page of an alert's figures."""

from collections.abc import Callable, Mapping, Sequence

from sqlmodel import Session

from notify.channels import label
from notify.charts.areas import Area, areas
from notify.charts.bars import bars, funnel, stacked
from notify.charts.chart import Chart, Item, Mark, Series
from notify.charts.lines import curve, lines
from notify.charts.words import percent, seconds, whole
from notify.insight import labels
from notify.insight.alert.report import HOURS_SHOWN, Hits, OneAlert, Part, Step
from notify.insight.alert.wards import land_of
from notify.insight.models import RollupAlert

MOST_POINTS = 16
OUTCOMES: Mapping[str, Callable[[Part], int]] = {
    "Delivered": lambda part: part.delivered,
    "No report": lambda part: part.unreported,
    "Failed": lambda part: part.failed,
    "Held back": lambda part: part.held_back,
    "Waiting": lambda part: part.waiting,
}
NO_LINK = "This alert has no link, so there is nothing to click. Give the next one a link to see here who wanted more."
NOT_TRACKED = "Nobody clicked yet, or this topic is not counted: an administrator allows it for each topic."


def alert_charts(session: Session, found: OneAlert, links: Mapping[int, str], *, has_link: bool) -> Mapping[str, Chart]:
    """Every picture of an alert's figures, by its name in the template."""
    unclicked = NOT_TRACKED if has_link else NO_LINK
    return {
        "funnel": _funnel(found, has_link=has_link),
        "curve": _curve(found),
        "wards": _wards(session, found.by_ward),
        "channels": _outcomes("By channel", found.by_channel, label, "Way"),
        "languages": _outcomes("By language", found.by_language, labels.language, "Language"),
        "providers": _outcomes("By provider", found.by_provider, labels.provider, "Provider"),
        "who": _who(found.clicks, unclicked),
        "links": _hits("Links", found.by_link, lambda link: links.get(link, f"Link {link}"), "Link", unclicked),
        "devices": _hits("What it was read with", found.by_device, labels.device, "Device", unclicked),
        "hours": _hours(found.by_hour, unclicked),
    }


def _funnel(found: OneAlert, *, has_link: bool) -> Chart:
    total = found.total
    steps = [
        Item("Messages to the audience", total.recipients),
        Item("Sent", total.sent),
        Item("Not bounced", found.reached),
    ]
    if total.delivered:
        steps.append(Item("Reported as delivered", total.delivered))
    if has_link:
        steps.append(Item("Clicks (people, estimated)", found.clicks.human, f"about {whole(found.clicks.human)}"))
    return funnel(
        "From the audience to a click",
        steps,
        heads=("Step", "Messages", "Of all", "Of the step before"),
        empty="The audience was empty: no one subscribes to this topic in these places.",
    )


def _curve(found: OneAlert) -> Chart:
    total = found.total
    steps = _thinned(found.curve)
    count = total.recipients or 1
    series = [Series("Sent", [step.sent / count for step in steps])]
    if total.delivered:
        series.append(Series("Reported as delivered", [step.delivered / count for step in steps]))
    times = (("50%", total.time_to_50), ("95%", total.time_to_95), ("99%", total.time_to_99))
    return curve(
        "How fast it went out",
        [float(step.second) for step in steps],
        series,
        head="After",
        write=percent,
        marks=[Mark(f"{label} of those sent", at, brief=f"{label}:") for label, at in times if at is not None],
        about=_speed(total),
        empty="Nothing was sent yet.",
    )


def _speed(total: RollupAlert) -> str:
    """How long it took, in a sentence."""
    if total.time_to_50 is None or total.time_to_95 is None or total.time_to_99 is None:
        return ""
    return (
        f"Half of those sent were sent within {seconds(total.time_to_50)}, 95% within "
        f"{seconds(total.time_to_95)} and 99% within {seconds(total.time_to_99)}."
    )


def _thinned(steps: Sequence[Step]) -> Sequence[Step]:
    """As many steps as can be seen: from nought to the moment after which hardly anything is reported any more."""
    if not steps:
        return []
    last = steps[-1]
    end = next(
        (place for place, step in enumerate(steps)
         if step.sent == last.sent and step.delivered >= 0.99 * last.delivered), len(steps) - 1,
    )  # fmt: skip
    shown = [Step(0, 0, 0), *steps[: end + 1]]
    every = -(-len(shown) // MOST_POINTS)
    return [step for place, step in enumerate(shown) if place % every == 0 or place == len(shown) - 1]


def _wards(session: Session, parts: Sequence[Part]) -> Chart:
    heads = ("Ward", "On the map", "Messages", "Sent", "Delivered", "Failed", "Clicked, of those who agreed")
    land, width, height = land_of(session, [part.key for part in parts])
    return areas(
        "By ward",
        [
            Area(
                part.name,
                part.recipients,
                *land.get(part.key, ("", 0.0, 0.0)),
                more=(whole(part.sent), whole(part.delivered), whole(part.failed), whole(part.clicked)),
            )
            for part in parts
        ],
        width=width,
        height=height,
        heads=heads,
        empty="No one has been sent anything yet.",
    )


def _outcomes(title: str, parts: Sequence[Part], name: Callable[[str], str], head: str) -> Chart:
    return stacked(
        title,
        [name(part.key) for part in parts],
        [Series(label, [of(part) for part in parts]) for label, of in OUTCOMES.items()],
        head=head,
        empty="No one has been sent anything yet.",
    )


def _who(clicks: Hits, empty: str) -> Chart:
    found = [
        Item("People, estimated", clicks.human),
        Item("Machines: scanners, previews, proxies", clicks.machine),
        Item("Cannot be told", clicks.unknown),
    ]
    return bars("Who clicked", found if clicks.total else [], heads=("Who", "Clicks"), empty=empty)


def _hits(
    title: str, found: Mapping[int, Hits] | Mapping[str, Hits], name: Callable[..., str], head: str, empty: str
) -> Chart:
    by_most = sorted(found.items(), key=lambda pair: -pair[1].total)
    return stacked(
        title,
        [name(key) for key, _hits in by_most],
        [
            Series("People, estimated", [hits.human for _key, hits in by_most]),
            Series("Machines", [hits.machine for _key, hits in by_most]),
            Series("Cannot be told", [hits.unknown for _key, hits in by_most]),
        ],
        head=head,
        empty=empty,
    )


def _hours(found: Mapping[int, Hits], empty: str) -> Chart:
    last = max(found, default=-1)
    hours = range(min(last + 2, HOURS_SHOWN)) if found else range(0)
    none = Hits()
    return lines(
        "When it was clicked",
        [f"{hour} h" for hour in hours],
        [
            Series("People, estimated", [found.get(hour, none).human for hour in hours]),
            Series("Machines", [found.get(hour, none).machine for hour in hours]),
        ],
        head="Hours after it could go",
        empty=empty,
    )


def links_of(link: str | None, parts: Sequence[Mapping[str, object]] | None) -> Mapping[int, str]:
    """The links that an alert holds, by the numbers that clicks are kept with."""
    found = {0: link} if link else {}
    for number, part in enumerate(parts or (), start=1):
        if part.get("link"):
            found[number] = str(part["link"])
    return found
