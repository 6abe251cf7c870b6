"""The pictures of who came and went, and of how much people get."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from markupsafe import Markup
from sqlalchemy import text
from sqlmodel import Session

from notify.charts.bars import bars
from notify.charts.chart import Chart, Item, Row, Series
from notify.charts.lines import lines
from notify.charts.words import decimal, percent, whole
from notify.insight.growth import daily
from notify.insight.period import Period

NOBODY = "Nobody signed up or left in these days. Choose others above."
BEFORE_AND_AFTER = timedelta(days=28)
SOURCES: Mapping[str, str] = {
    "website": "On the website",
    "import": "From a list (import)",
    "assisted": "With an officer’s help",
    "poster": "A poster",
    "one-click": "One click in an e-mail",
    "page": "The page for leaving",
    "erased": "Erased",
    "topic-closed": "The topic ended",
    "topic-merged": "A topic became part of another",
    "topic-split": "A topic was split",
    "": "Not said",
}
BY_STEP = """
    SELECT to_char(day, :key) AS step, sum(came) AS came, sum(went) AS went FROM rollup_growth
    WHERE council_id = :council AND topic = '' AND day BETWEEN :since AND :until GROUP BY 1 ORDER BY 1
"""
BY_SOURCE = """
    SELECT source, sum(came) AS came, sum(went) AS went FROM rollup_growth
    WHERE council_id = :council AND topic = '' AND day BETWEEN :since AND :until
    GROUP BY 1 ORDER BY sum(came) DESC, sum(went) DESC, 1
"""
BY_TOPIC = """
    SELECT t.slug, t.name, CAST(coalesce(sum(g.came) FILTER (WHERE g.day >= :since), 0) AS integer) AS came,
           CAST(coalesce(sum(g.went) FILTER (WHERE g.day >= :since), 0) AS integer) AS went,
           CAST(coalesce(sum(g.came - g.went), 0) AS integer) AS followers
    FROM topic t LEFT JOIN rollup_growth g ON g.council_id = t.council_id AND g.topic = t.slug AND g.day <= :until
    WHERE t.council_id = :council GROUP BY t.slug, t.name ORDER BY followers DESC, t.name
"""


@dataclass(frozen=True, slots=True)
class Moves:
    """Who came and went in some days. `by_step` as the period's steps; sources and topics the largest first."""

    at_first: int
    by_step: Mapping[str, tuple[int, int]]
    by_source: Sequence[tuple[str, int, int]]
    by_topic: Sequence[tuple[str, str, int, int, int]]  # short name, name, came, went, followers at the end

    @property
    def came(self) -> int:
        """All who came."""
        return sum(came for came, _went in self.by_step.values())

    @property
    def went(self) -> int:
        """All who went."""
        return sum(went for _came, went in self.by_step.values())

    @property
    def at_last(self) -> int:
        """How many follow the council in the end."""
        return self.at_first + self.came - self.went


def called(source: str) -> str:
    """What a way to sign up or to leave is called; posters and the like by their own word."""
    if source.startswith(("officer:", "key:")):
        return "By an officer" if source.startswith("officer:") else "By another program of the council"
    return SOURCES.get(source, source)


def moves(session: Session, council_id: UUID, period: Period) -> Moves:
    """Who came and went in these days, from the sums by day."""
    values = {"council": council_id, "since": period.since, "until": period.until}
    key = "YYYY-MM-DD" if period.is_by_day else "YYYY-MM"
    steps = session.execute(text(BY_STEP), values | {"key": key})
    return Moves(
        daily.subscribers(session, council_id, at=period.since - timedelta(days=1)),
        {row.step: (int(row.came), int(row.went)) for row in steps},
        [(row.source, int(row.came), int(row.went)) for row in session.execute(text(BY_SOURCE), values)],
        [tuple(row) for row in session.execute(text(BY_TOPIC), values)],
    )


def over_time(period: Period, found: Moves) -> Chart:
    """How many follow the council at the end of each step."""
    follow, after = found.at_first, []
    for key, _label in period.steps():
        came, went = found.by_step.get(key, (0, 0))
        follow += came - went
        after.append(float(follow))
    is_known = any(after) or found.at_first
    return lines(
        "People who follow the council",
        [label for _key, label in period.steps()] if is_known else [],
        [Series("Follow at the end", after if is_known else [])],
        head=_unit(period),
        empty="Nobody has signed up yet. The first poster, link or list changes that.",
    )


def came_and_went(period: Period, found: Moves) -> Chart:
    """Who came and who left, step by step."""
    labels = [label for _key, label in period.steps()] if found.by_step else []
    of = [found.by_step.get(key, (0, 0)) for key, _label in period.steps()] if found.by_step else []
    return lines(
        "Who came and who left",
        labels,
        [Series("Came", [came for came, _went in of]), Series("Left", [went for _came, went in of])],
        head=_unit(period),
        empty=NOBODY,
    )


def _unit(period: Period) -> str:
    return "Day" if period.is_by_day else "Month"


def by_source(found: Moves) -> Sequence[Chart]:
    """How people signed up, and by which way they left."""
    came = [
        Item(called(source), many, more=(percent(many / found.came),)) for source, many, _ in found.by_source if many
    ]
    gone = sorted(found.by_source, key=lambda one: -one[2])
    went = [Item(called(source), many, more=(percent(many / found.went),)) for source, _, many in gone if many]
    return (
        bars("How they signed up", came, heads=("Way", "People", "Of all"), empty=NOBODY),
        bars("How they left", went, heads=("Way", "People", "Of all"), empty="Nobody left in these days."),
    )


def by_topic(found: Moves) -> Chart:
    """How many follow each topic, and who came and went in these days."""
    everybody = found.at_last
    items = [
        Item(
            name,
            subscribers,
            href=f"/staff/figures/topics/{slug}",
            more=(percent(subscribers / everybody) if everybody else "", whole(came), whole(went)),
        )
        for slug, name, came, went, subscribers in found.by_topic
    ]
    return bars(
        "What people choose",
        items if everybody else [],
        heads=("Topic", "Follow it", "Of all who follow the council", "Came", "Left"),
        empty="No one subscribes to a topic yet.",
    )


def campaigns(session: Session, council_id: UUID, period: Period) -> Chart:
    """Each poster, letter or list of these days: who came by it, and all sign-ups a week before, while, and after."""
    rows = session.execute(
        text(CAMPAIGNS),
        {"council": council_id, "since": period.since, "until": period.until, "around": BEFORE_AND_AFTER},
    ).all()
    heads = ("Campaign", "From", "To", "Came by it", "A week before", "A week while", "A week after", "Change")
    lines_of = tuple(
        Row(
            called(row.source),
            (_day(row.first), _day(row.last), whole(row.came), *map(_weekly, (row.before, row.during, row.after)),
             _change(row.before, row.during)),
        )
        for row in rows
    )  # fmt: skip
    return Chart(
        "Before and after a campaign",
        "A campaign is a word of its own in the address of a poster or page. “A week” counts all who signed up, "
        "whatever led them, in the four weeks before its first day, between its first and last, and four weeks on.",
        Markup(""),
        heads,
        lines_of,
        empty=""
        if lines_of
        else "No poster or letter with a word of its own led anybody here in these days. "
        "Make a poster with its own word at /poster?source=library.",
    )


def _day(day: date) -> str:
    return f"{day:%-d %b %Y}"


def _weekly(value: float | None) -> str:
    return "not known yet" if value is None else decimal(value)


def _change(before: float | None, during: float | None) -> str:
    if not before or during is None:
        return "not known"
    return f"{100 * (during - before) / before:+,.0f}%"


CAMPAIGNS = """
    WITH campaign AS (
        SELECT source, min(day) AS first, max(day) AS last, sum(came) AS came FROM rollup_growth
        WHERE council_id = :council AND topic = '' AND came > 0
          AND source NOT IN ('', 'website', 'import', 'assisted', 'change')
        GROUP BY 1 HAVING max(day) >= :since AND min(day) <= :until
    ), began AS (
        SELECT min(day) AS day FROM rollup_growth WHERE council_id = :council
    ), around AS (
        SELECT c.source, sum(g.came) FILTER (WHERE g.day < c.first) AS before,
               sum(g.came) FILTER (WHERE g.day BETWEEN c.first AND c.last) AS during,
               sum(g.came) FILTER (WHERE g.day > c.last) AS after
        FROM campaign c LEFT JOIN rollup_growth g ON g.council_id = :council AND g.topic = ''
             AND g.day >= c.first - :around AND g.day <= c.last + :around
        GROUP BY 1
    )
    SELECT c.source, c.first, c.last, c.came,
           CASE WHEN began.day <= c.first - :around THEN coalesce(a.before, 0) / 4.0 END AS before,
           coalesce(a.during, 0) * 7.0 / (c.last - c.first + 1) AS during,
           CASE WHEN c.last + :around < business_now()::date THEN coalesce(a.after, 0) / 4.0 END AS after
    FROM campaign c JOIN around a USING (source), began ORDER BY c.first DESC, c.source LIMIT 50
"""
