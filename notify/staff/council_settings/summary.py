"""What holds for a council in words, a line a setting, for the list of settings."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from babel import Locale

from notify.core.setting_values import contrast_with_white
from notify.staff.council_settings.effective import CouncilSettings
from notify.staff.council_settings.models import OwnSettings
from notify.staff.council_settings.subjects import WEEKDAYS, Subject
from notify.staff.council_settings.values import PROVIDER_SETTINGS

NOT_SET = "Not set"


@dataclass(frozen=True, slots=True)
class Line:
    """One setting: its label, what holds, and whether the council has chosen that itself."""

    label: str
    words: str
    is_own: bool


def summary_of(about: Subject, own: OwnSettings, holds: CouncilSettings, monthly_pence: int | None) -> Sequence[Line]:
    """The lines of one subject."""
    return [
        Line(field.label, _words(field.name, own, holds, monthly_pence), _is_own(field.name, own, monthly_pence))
        for field in about.fields
    ]


def _is_own(name: str, own: OwnSettings, monthly_pence: int | None) -> bool:
    if name == "monthly_pounds":
        return monthly_pence is not None
    if name in PROVIDER_SETTINGS:
        return name in (own.providers or {})
    return getattr(own, name) is not None


def _words(name: str, own: OwnSettings, holds: CouncilSettings, monthly_pence: int | None) -> str:
    if name == "monthly_pounds":
        return "No limit" if monthly_pence is None else f"£{monthly_pence / 100:,.2f} a month"
    if name in PROVIDER_SETTINGS:
        return _order(name, holds)
    if name in ("logo", "icon"):
        return "Uploaded" if getattr(own, name) else NOT_SET
    say = IN_WORDS.get(name)
    return say(holds) if say else str(getattr(own, name) or NOT_SET)


def _colour(value: str) -> str:
    return f"{value}, contrast {contrast_with_white(value):.1f} to 1"


def _languages(holds: CouncilSettings) -> str:
    further = [str(Locale.parse(code).get_display_name("en")) for code in holds.languages]
    return ", ".join(["English", "Welsh", *further])


# what holds even where a council has chosen nothing
IN_WORDS: Mapping[str, Callable[[CouncilSettings], str]] = {
    "colour": lambda holds: _colour(holds.colour),
    "button_colour": lambda holds: _colour(holds.button_colour),
    "sender_name": lambda holds: holds.from_name("en"),
    "sender_address": lambda holds: holds.sender_address,
    "languages": _languages,
    "digest_time": lambda holds: f"{holds.digest_time:%H:%M}",
    "digest_day": lambda holds: WEEKDAYS[holds.digest_day - 1],
    "retention_days": lambda holds: f"{holds.retention_days} days",
    "pre_election": lambda holds: "; ".join(f"{a:%-d %B %Y} to {b:%-d %B %Y}" for a, b in holds.pre_election) or "None",
}


def _order(name: str, holds: CouncilSettings) -> str:
    channel = name.removeprefix("emergency_").removesuffix("_providers")
    chosen = holds.providers_for(channel, emergency=name.startswith("emergency_"))
    return ", ".join(one.name if one.share is None else f"{one.name}:{one.share:g}" for one in chosen) or "Nobody"
