"""What an alert warns of, in the words of CAP 1.2 (OASIS, section 3.2.2)."""

from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, StringConstraints
from sqlmodel import Field

from notify.alerts.pasted_text import cleaned
from notify.core.db import Input

LONGEST_WORD = 400


class Category(StrEnum):
    """The kind of event."""

    GEO = "Geo"
    MET = "Met"
    SAFETY = "Safety"
    SECURITY = "Security"
    RESCUE = "Rescue"
    FIRE = "Fire"
    HEALTH = "Health"
    ENV = "Env"
    TRANSPORT = "Transport"
    INFRA = "Infra"
    CBRNE = "CBRNE"
    OTHER = "Other"


class Severity(StrEnum):
    """How great the threat to life and property is."""

    EXTREME = "Extreme"
    SEVERE = "Severe"
    MODERATE = "Moderate"
    MINOR = "Minor"
    UNKNOWN = "Unknown"


class Urgency(StrEnum):
    """How soon people should act."""

    IMMEDIATE = "Immediate"
    EXPECTED = "Expected"
    FUTURE = "Future"
    PAST = "Past"
    UNKNOWN = "Unknown"


class Certainty(StrEnum):
    """How sure it is."""

    OBSERVED = "Observed"
    LIKELY = "Likely"
    POSSIBLE = "Possible"
    UNLIKELY = "Unlikely"
    UNKNOWN = "Unknown"


def can_be_wrapped(words: str) -> str:
    """The words as mail and text can carry them. Raises: ValueError, a sentence that says what to do."""
    words = cleaned(words)
    if not words:
        raise ValueError("There is nothing to read in the text.")
    # mail lines have a limit that no single word may pass
    if any(len(word) > LONGEST_WORD for word in words.split()):
        raise ValueError(f"A word is longer than {LONGEST_WORD} characters: put spaces or line breaks in.")
    return words


Words = Annotated[str, AfterValidator(can_be_wrapped)]


class Hazard(Input):
    """What other systems are told in CAP. What is left out follows from the alert's priority."""

    event: Annotated[Words, StringConstraints(strip_whitespace=True)] | None = Field(
        default=None, min_length=1, max_length=120, description="Such as `Flooding`. Unset: the topic's name."
    )
    category: Category | None = None
    severity: Severity | None = None
    urgency: Urgency | None = None
    certainty: Certainty | None = None
    effective: AwareDatetime | None = Field(default=None, description="From when on the words hold.")
    onset: AwareDatetime | None = Field(default=None, description="When what is warned of is expected to begin.")
    instruction: Words | None = Field(
        default=None, min_length=1, max_length=5000, description="What people should do. Say it in `body` too."
    )
