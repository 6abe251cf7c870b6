"""What an answer consists of: words, figures that say where they come from, and how far it goes."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

Value = int | float | str | None


class Status(StrEnum):
    """How far the platform can answer."""

    ANSWERED = "answered"
    PARTLY = "answered as far as the platform knows"
    NOT_HELD = "not held"


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured value. `key` is its stable name; `source` says where it was read, and where a person can look."""

    key: str
    name: str
    value: Value
    unit: str
    source: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What the platform says to a question."""

    status: Status
    words: str
    figures: Sequence[Figure] = ()


def answered(words: str, *figures: Figure) -> Answer:
    """An answer that is whole."""
    return Answer(Status.ANSWERED, words, figures)


def partly(words: str, *figures: Figure) -> Answer:
    """An answer to the part that concerns this platform; the words say what it cannot know."""
    return Answer(Status.PARTLY, words, figures)


def not_held(why: str, *figures: Figure) -> Answer:
    """Nothing that the platform could know; the words say why."""
    return Answer(Status.NOT_HELD, f"Not held. {why}", figures)
