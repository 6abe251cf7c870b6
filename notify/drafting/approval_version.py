"""Everything that an approval binds, in words: two versions of an alert that differ read differently."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session

from notify.alerts.models import Alert
from notify.channels import label
from notify.core.clock import LONDON, uk_second, uk_time
from notify.drafting.draft_reader import languages
from notify.places.models import Targets
from notify.places.queries import areas_by_code
from notify.staff.queries import council
from notify.subscribers.models import Topic

PARTS = {"title": "title", "body": "message", "sms": "text message"}
NONE = "None"


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that is approved. `is_long` ones are kept folded on the page."""

    name: str
    value: str
    is_long: bool = False


def version_of(alert: Alert) -> str:
    """A short name of exactly this version, to compare by eye: `3f2a 91c0`."""
    name = alert.content_hash.hex()[:8]
    return f"{name[:4]} {name[4:]}"


def _exactly(at: datetime) -> str:
    """The time with its seconds where there are any: an approval binds them too."""
    return uk_second(at) if at.astimezone(LONDON).second else uk_time(at)


def facts_of(session: Session, alert: Alert) -> Sequence[Fact]:
    """Everything that the alert's hash covers, in the order of the page."""
    return [fact for shown in SHOWN.values() for fact in shown(session, alert)]


def _council(session: Session, alert: Alert) -> Sequence[Fact]:
    return [Fact("Council", council(session, alert.council_id).name)]


def _topic(session: Session, alert: Alert) -> Sequence[Fact]:
    topic = session.get_one(Topic, alert.topic_id)
    return [Fact("Topic", f"{topic.name} ({topic.slug})")]


def _plain(field: str, name: str, otherwise: str) -> Callable[[Session, Alert], Sequence[Fact]]:
    def shown(_: Session, alert: Alert) -> Sequence[Fact]:
        return [Fact(name, str(getattr(alert, field) or otherwise))]

    return shown


def _if_set(field: str, name: str) -> Callable[[Session, Alert], Sequence[Fact]]:
    def shown(_: Session, alert: Alert) -> Sequence[Fact]:
        value = getattr(alert, field)
        return [Fact(name, str(value))] if value else []

    return shown


def _if_time(field: str, name: str) -> Callable[[Session, Alert], Sequence[Fact]]:
    def shown(_: Session, alert: Alert) -> Sequence[Fact]:
        at = getattr(alert, field)
        return [Fact(name, _exactly(at))] if at else []

    return shown


def _yes_or_no(field: str, name: str) -> Callable[[Session, Alert], Sequence[Fact]]:
    def shown(_: Session, alert: Alert) -> Sequence[Fact]:
        return [Fact(name, "Yes" if getattr(alert, field) else "No")]

    return shown


def _time(field: str, name: str, otherwise: str) -> Callable[[Session, Alert], Sequence[Fact]]:
    def shown(_: Session, alert: Alert) -> Sequence[Fact]:
        at = getattr(alert, field)
        return [Fact(name, _exactly(at) if at else otherwise)]

    return shown


def _translations(_: Session, alert: Alert) -> Sequence[Fact]:
    names = languages()
    return [
        Fact(f"{names.get(code, code)} {PARTS.get(part, part)}", str(value))
        for code, words in sorted(alert.translations.items())
        for part, value in words.items()
    ] or [Fact("Other languages", NONE)]


def _audience(session: Session, alert: Alert) -> Sequence[Fact]:
    if alert.follows_id:
        return [Fact("Who gets this", "Everyone who got the alert that this one follows")]
    if alert.audience is None:
        return [Fact("Who gets this", "Everyone who follows the topic")]
    found = [*_places(session, alert.audience)]
    left_out = alert.audience.get("except")
    if isinstance(left_out, Mapping):
        found += [Fact(f"Leaves out: {one.name.lower()}", one.value, one.is_long) for one in _places(session, left_out)]
    return found


def _places(session: Session, part: Mapping[str, Any]) -> Sequence[Fact]:
    codes = [*part.get("wards", []), *part.get("districts", [])]
    known = areas_by_code(session, codes)
    named = {
        kind: ", ".join(f"{known[code].name} ({code})" if code in known else code for code in part.get(kind, []))
        for kind in ("wards", "districts")
    }
    found = [Fact(kind.capitalize(), names) for kind, names in named.items() if names]
    if part.get("postcodes"):
        found.append(Fact("Postcodes", ", ".join(part["postcodes"])))
    if circle := part.get("circle"):
        middle = circle.get("postcode") or f"latitude {circle.get('lat')}, longitude {circle.get('lon')}"
        found.append(Fact("Distance", f"Within {circle['radius_m']:g} metres of {middle}"))
    if part.get("polygon"):
        found.append(Fact("Corners of the area, longitude and latitude", _corners(part["polygon"]), is_long=True))
    if part.get("buffer_m") is not None:
        found.append(Fact("Margin around it", f"{part['buffer_m']:g} metres"))
    return found


def _corners(shape: Mapping[str, Any]) -> str:
    """The numbers of a GeoJSON shape as they were given."""
    return f"{shape.get('type', '')}: {shape.get('coordinates', shape.get('geometry', shape.get('features')))}"


def _targets(_: Session, alert: Alert) -> Sequence[Fact]:
    """The codes that the audience came to when the alert was written."""
    if alert.targets is None:
        return []
    targets = Targets.from_json(alert.targets)
    found = [
        Fact(f"{name}: {len(codes):,} {kind if len(codes) != 1 else kind[:-1]}", ", ".join(codes), is_long=True)
        for name, places in (("Places in it", targets.included), ("Places left out", targets.excluded))
        for kind, codes in asdict(places).items()
        if codes
    ]
    if targets.everywhere:
        found.append(Fact("Places in it", "Everywhere"))
    if targets.near_boundary:
        found.append(Fact("Near a boundary", "People within 50 metres of these wards are included"))
    return found


def _channels(_: Session, alert: Alert) -> Sequence[Fact]:
    return [Fact("Channels", ", ".join(label(one) for one in alert.channels))]


def _escalation(_: Session, alert: Alert) -> Sequence[Fact]:
    if not alert.escalation:
        return [Fact("If people are not reached", "Nothing more is sent")]
    later = ", ".join(label(str(one)) for one in _listed(alert.escalation["channels"]))
    return [Fact("If people are not reached", f"After {alert.escalation['after_minutes']} minutes: {later}")]


def _listed(value: object) -> Sequence[object]:
    return value if isinstance(value, list) else []


def _follows(session: Session, alert: Alert) -> Sequence[Fact]:
    if alert.follows_id is None:
        return []
    first = session.get_one(Alert, alert.follows_id)
    at = f", approved at {_exactly(first.approved_at)}" if first.approved_at else ""
    return [Fact("Follows", f"“{first.title}”{at} ({first.id})")]


def _follow_up(_: Session, alert: Alert) -> Sequence[Fact]:
    kinds = {"update": "An update", "all-clear": "An all-clear"}
    return [Fact("Kind", kinds.get(str(alert.follow_up), str(alert.follow_up)))] if alert.follow_up else []


# one entry for each field of `notify.alerts.service.BOUND_FIELDS`; a test compares them
SHOWN: Mapping[str, Callable[[Session, Alert], Sequence[Fact]]] = {
    "council_id": _council,
    "topic_id": _topic,
    "priority": lambda _, alert: [Fact("Priority", alert.priority.capitalize())],
    "is_training": _yes_or_no("is_training", "Training exercise"),
    "follow_up": _follow_up,
    "follows_id": _follows,
    "title": _plain("title", "Title", NONE),
    "body": _plain("body", "Message", NONE),
    "sms": _plain("sms", "Text message", "Made from the other words, as in the preview"),
    "link": _plain("link", "Link", NONE),
    "translations": _translations,
    "audience": _audience,
    "targets": _targets,
    "channels": _channels,
    "send_at": _time("send_at", "Send at", "As soon as it is approved"),
    "expires_at": _time("expires_at", "In force until", "No end"),
    "asks_reply": _yes_or_no("asks_reply", "Asks people to reply if they are safe"),
    "escalation": _escalation,
    "event": _if_set("event", "Event"),
    "category": _if_set("category", "Category"),
    "severity": _if_set("severity", "Severity"),
    "urgency": _if_set("urgency", "Urgency"),
    "certainty": _if_set("certainty", "Certainty"),
    "effective": _if_time("effective", "In force from"),
    "onset": _if_time("onset", "Begins"),
    "instruction": _if_set("instruction", "What to do"),
}
