"""The invented alerts of a year in Zedholm: their words, audiences and results."""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from notify.alerts.hazard import Category, Certainty, Hazard, Severity, Urgency
from notify.alerts.models import FollowUp

WARDS = tuple(f"Z050000{number:02}" for number in range(1, 13))
STREETS = (
    ("Quay Road", "Abbot Lane"),
    ("Barley Rise", "Mill Hill"),
    ("Castle Street", "Keep Lane"),
    ("Dune Road", "Sandy Lane"),
    ("Eelpie Lane", "Sluice Road"),
    ("Ferry Street", "Slip Road"),
    ("Gull Road", "Wing Way"),
    ("Harbour Street", "Sea Wall Road"),
    ("Island Road", "Causeway"),
    ("Kings Drove", "Marsh Lane"),
    ("Lighthouse Road", "Beacon Lane"),
    ("Market Place", "Corn Street"),
)
WORKS = ("a burst water main", "new kerbs", "resurfacing", "gas works", "the sea wall", "a new crossing", "cable works")
# what is known of how many streets are dug up: more before April, when the year's money ends
BUSY_WEEKS = {week: 3 for week in range(18, 24)}
BIN_NEWS = (
    ("Bins are collected a day later after the bank holiday", ()),
    ("Garden waste starts again on Monday", ()),
    ("Your new recycling calendar", ()),
    ("Christmas bin days", ()),
    ("Bins not collected today because of ice", (1, 4, 7)),
    ("Bins not collected today: a lorry broke down", (8,)),
    ("Missed bins are collected tomorrow", (8, 9)),
    ("No collection this week in narrow streets", (1, 6)),
    ("Bulky waste day on Saturday", (7, 10)),
)
QUESTIONS = (
    ("Tell us what you think of the new harbour plan", ()),
    ("The budget for next year: have your say", ()),
    ("A new crossing in Market Place?", (12, 6)),
    ("Parking in Castle Street", (3,)),
    ("Where should the new play area be?", (7, 10)),
    ("Local plan: the last two weeks", (2, 5, 9)),
    ("Bus times to the island", (9, 11)),
)
FLOOD = Hazard(
    event="Flooding",
    category=Category.MET,
    severity=Severity.SEVERE,
    urgency=Urgency.IMMEDIATE,
    certainty=Certainty.LIKELY,
    instruction="Move people, pets and valuables upstairs. Do not walk or drive through water.",
)
WATER = Hazard(
    event="Loss of water",
    category=Category.INFRA,
    severity=Severity.MODERATE,
    urgency=Urgency.IMMEDIATE,
    certainty=Certainty.OBSERVED,
    instruction="Fetch bottled water from the town hall. Check on your neighbours.",
)
POWER = WATER.model_copy(update={"event": "Loss of power", "instruction": "Call 105. Check on your neighbours."})
HEAT = Hazard(
    event="Extreme heat",
    category=Category.HEALTH,
    severity=Severity.MODERATE,
    urgency=Urgency.EXPECTED,
    certainty=Certainty.LIKELY,
    instruction="Drink water and stay in the shade. Check on your neighbours.",
)
WIND = FLOOD.model_copy(
    update={"event": "Storm", "urgency": Urgency.EXPECTED, "instruction": "Stay indoors and away from the sea."}
)
GAS = FLOOD.model_copy(
    update={"event": "Gas leak", "category": Category.SAFETY, "instruction": "Leave on foot. Do not use switches."}
)


class StoryOutcome(StrEnum):
    """What became of an alert."""

    SENT = "sent"
    SLOW = "slow"  # a provider was away for half an hour
    CANCELLED = "cancelled"  # when half of it was out
    EXERCISE = "exercise"


@dataclass(frozen=True, slots=True)
class Story:
    """One alert. Sent `days_ago` at `minute` of the day; no wards: the whole council. `follows` is a story's number."""

    number: int
    topic: str
    title: str
    body: str
    days_ago: float
    minute: int = 600
    wards: tuple[str, ...] = ()
    sms: str | None = None
    link: str | None = None
    translations: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    hazard: Hazard | None = None
    follows: int | None = None
    follow_up: FollowUp | None = None
    fate: StoryOutcome = StoryOutcome.SENT
    asks_reply: bool = False

    @property
    def is_urgent(self) -> bool:
        """Whether it went as an emergency."""
        return self.topic == "emergencies"


def stories() -> Sequence[Story]:
    """The year, the same every time, the oldest first; an alert stands before those that follow it."""
    chance = random.Random(1953)  # noqa: S311 - invention, not secrecy
    every = sorted([*_closures(chance), *_bins(chance), *_questions(chance), *_emergencies()], key=_age)
    numbers = {story.number: place for place, story in enumerate(every, start=1)}
    return [
        replace(story, number=numbers[story.number], follows=numbers[story.follows] if story.follows else None)
        for story in every
    ]


def _age(story: Story) -> tuple[float, int]:
    return -story.days_ago, story.minute


def _codes(numbers: Sequence[int]) -> tuple[str, ...]:
    return tuple(WARDS[number - 1] for number in numbers)


def _closures(chance: random.Random) -> Iterator[Story]:
    number = 1000
    for week in range(52):
        for _ in range(BUSY_WEEKS.get(week, chance.choice((1, 2, 2)))):
            number += 1
            ward = chance.randrange(12)
            street, works = chance.choice(STREETS[ward]), chance.choice(WORKS)
            wards = {ward + 1, chance.randrange(12) + 1} if chance.random() < 0.3 else {ward + 1}
            title = f"{street} closed for {works}"
            yield Story(
                number,
                "road-closures",
                title,
                f"{street} is closed from 8am to 6pm for {works}. Follow the signs, or walk through.",
                days_ago=2 + 7 * (51 - week) + chance.randrange(6),
                minute=chance.randrange(7 * 60, 18 * 60),
                wards=_codes(sorted(wards)),
                sms=f"{title}, 8am to 6pm. Follow the signs.",
                link=f"https://example.org/roads/{number}",
                translations=_welsh(title, f"Mae {street} ar gau rhwng 8am a 6pm.") if chance.random() < 0.3 else {},
                fate={1031: StoryOutcome.CANCELLED, 1060: StoryOutcome.SLOW}.get(number, StoryOutcome.SENT),
            )


def _bins(chance: random.Random) -> Iterator[Story]:
    for turn in range(22):
        title, wards = BIN_NEWS[turn * 5 % len(BIN_NEWS)]
        yield Story(
            2000 + turn,
            "bins",
            title,
            f"{title}. Put your bins out by 6am on the day. Nothing else changes.",
            days_ago=4 + turn * 16 + chance.randrange(8),
            minute=chance.randrange(9 * 60, 17 * 60),
            wards=_codes(wards or ([turn % 12 + 1, (turn + 5) % 12 + 1] if turn % 3 else [])),
            link="https://example.org/bins",
            translations=_welsh("Newid i'ch diwrnod bin", "Rhowch eich biniau allan erbyn 6am.") if turn % 2 else {},
        )


def _questions(chance: random.Random) -> Iterator[Story]:
    for turn in range(12):
        title, wards = QUESTIONS[turn % len(QUESTIONS)]
        yield Story(
            3000 + turn,
            "consultations",
            title,
            f"{title}. Read the plans and answer by the end of the month. It takes five minutes.",
            days_ago=9 + turn * 29 + chance.randrange(6),
            minute=chance.randrange(10 * 60, 15 * 60),
            wards=_codes(wards),
            link=f"https://example.org/have-your-say/{turn}",
            translations=_welsh("Dweud eich dweud", "Darllenwch y cynlluniau ac atebwch.") if turn % 3 == 0 else {},
        )


def _emergencies() -> Iterator[Story]:
    low = _codes((1, 4, 8))
    yield from _incident(4000, 176, "Flooding at the harbour: act now", FLOOD, low, update=True, asks_reply=True)
    yield from _incident(4010, 298, "No water in Dunes and Gullwing", WATER, _codes((4, 7)))
    yield from _incident(4020, 233, "Power cut in Castle Mound", POWER, _codes((3,)))
    yield from _incident(4030, 118, "Very hot days from Thursday", HEAT, _codes((2, 3, 8, 10, 12)))
    yield from _incident(4040, 61, "Gas leak in Ferry Street: leave now", GAS, _codes((6,)), fate=StoryOutcome.SLOW)
    yield from _incident(4050, 19, "Storm from Friday evening", WIND, (), update=True)
    yield from _incident(4060, 8, "No water in Market", WATER, _codes((12,)))
    yield Story(
        4090,
        "emergencies",
        "Exercise: flood on Harbour Street",
        "This is an exercise. Nobody need do anything.",
        days_ago=82,
        wards=_codes((8,)),
        hazard=FLOOD,
        fate=StoryOutcome.EXERCISE,
    )


def _incident(
    number: int,
    days_ago: float,
    title: str,
    hazard: Hazard,
    wards: tuple[str, ...],
    *,
    update: bool = False,
    asks_reply: bool = False,
    fate: StoryOutcome = StoryOutcome.SENT,
) -> Iterator[Story]:
    """A warning, perhaps an update three hours later, and the all-clear the next day."""
    first = Story(
        number,
        "emergencies",
        title,
        f"{title}. {hazard.instruction}",
        days_ago=days_ago,
        minute=17 * 60 + number % 7 * 20,
        wards=wards,
        sms=f"{title}. {hazard.instruction}",
        hazard=hazard,
        translations=_welsh("Rhybudd: gweithredwch nawr", "Dilynwch gyngor y gwasanaethau brys."),
        fate=fate,
        asks_reply=asks_reply,
    )
    yield first
    after = replace(first, translations={}, fate=StoryOutcome.SENT, asks_reply=False, follows=number)
    if update:
        words = f"Update: {title[0].lower()}{title[1:]}"
        yield replace(
            after, number=number + 1, title=words, body=f"{words}. It will last until tomorrow morning.", sms=words,
            minute=first.minute + 180, follow_up=FollowUp.UPDATE,
        )  # fmt: skip
    yield replace(
        after, number=number + 2, title="All clear", body="The danger is over. Thank you for your help.",
        sms="All clear: the danger is over.", days_ago=days_ago - 1, minute=540, follow_up=FollowUp.ALL_CLEAR,
    )  # fmt: skip


def _welsh(title: str, body: str) -> Mapping[str, Mapping[str, str]]:
    return {"cy": {"title": title, "body": body}}
