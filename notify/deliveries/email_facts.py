"""What an e-mail shows beside the words of its alert: its kind, until when it is in force, and for which ward."""

from collections.abc import Mapping
from dataclasses import dataclass

from babel.dates import format_date

from notify.alerts.models import Alert, FollowUp, Priority
from notify.core import clock

SEVERE, OVER = "#a3121a", "#0b5f37"  # white words on them have a contrast of 7.9 and 7.7


@dataclass(frozen=True, slots=True)
class Banner:
    """The band above an e-mail that must not be taken for any other: its words and its colour."""

    words: str
    colour: str


BANNERS: Mapping[str, Mapping[FollowUp | None, Banner]] = {
    "en": {
        None: Banner("Emergency alert", SEVERE),
        FollowUp.UPDATE: Banner("Emergency update", SEVERE),
        FollowUp.ALL_CLEAR: Banner("All-clear", OVER),
    },
    "cy": {
        None: Banner("Rhybudd argyfwng", SEVERE),
        FollowUp.UPDATE: Banner("Diweddariad am argyfwng", SEVERE),
        FollowUp.ALL_CLEAR: Banner("Mae’r perygl drosodd", OVER),
    },
}


def banner(alert: Alert, language: str) -> Banner | None:
    """The band of an emergency, of its updates and of its all-clear; None for what is routine."""
    if alert.priority != Priority.EMERGENCY:
        return None
    return BANNERS.get(language, BANNERS["en"])[alert.follow_up]


def what_to_do(alert: Alert, body: str, language: str) -> str:
    """The instruction of an emergency, which comes before everything else; empty where the message itself says it.

    Instructions are in English alone.
    """
    instruction = " ".join((alert.instruction or "").split())
    is_wanted = alert.priority == Priority.EMERGENCY and alert.follow_up != FollowUp.ALL_CLEAR and language == "en"
    return instruction if is_wanted and instruction not in " ".join(body.split()) else ""


def in_force_until(alert: Alert, language: str) -> str:
    """A line that says when the words stop to hold; empty where the alert names no end, or is one."""
    if alert.expires_at is None or alert.follow_up == FollowUp.ALL_CLEAR:
        return ""
    if language == "cy":
        at = alert.expires_at.astimezone(clock.LONDON)
        return f"Mewn grym tan {at:%H:%M} ar {format_date(at, 'd MMMM y', locale='cy')}"
    return f"In force until {clock.uk_time(alert.expires_at)}"


def ward_line(ward_name: str) -> str:
    """The reader's ward with what it is, which is one word in English and in Welsh; empty where it is not known."""
    return f"Ward: {ward_name}" if ward_name else ""


def feedback_id(*, about: str, kind: str, council: str) -> str:
    """What mail programs count complaints by, three names and ours: never a person's."""
    return f"{about}:{kind}:{council or 'installation'}:notify"
