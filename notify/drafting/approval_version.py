"""Everything that an approval binds, in words: two versions of an alert that differ read differently."""

import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session

from notify.alerts.models import Alert
from notify.channels import label
from notify.core.clock import LONDON
from notify.drafting.draft_reader import languages
from notify.places.models import Targets
from notify.places.queries import areas_by_code
from notify.staff.queries import council
from notify.subscribers.models import Topic
from notify.zones.audience import zone_names

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
    """`14:05 on 3 March 2027`, with seconds where there are any, and GMT or BST in the hour that comes twice."""
    local = at.astimezone(LONDON)
    form = "%H:%M:%S.%f" if local.microsecond else "%H:%M:%S" if local.second else "%H:%M"
    is_ambiguous = local.utcoffset() != local.replace(fold=1 - local.fold).utcoffset()
    return f"{local:{form}}{f' {local:%Z}' if is_ambiguous else ''} on {local:%-d %B %Y}"


def facts_of(session: Session, alert: Alert) -> Sequence[Fact]:
    """Everything that the alert's hash covers, in the order of the page."""
    return [fact for shown in (*SHOWN.values(), _unseen) for fact in shown(session, alert)]


def _council(session: Session, alert: Alert) -> Sequence[Fact]:
    return [Fact("Council", council(session, alert.council_id).name)]


def _topic(session: Session, alert: Alert) -> Sequence[Fact]:
    topic = session.get_one(Topic, alert.topic_id)
    return [Fact("Topic", f"{topic.name} ({topic.slug})")]


def _plain(field: str, name: str, otherwise: str) -> Callable[[Session, Alert], Sequence[Fact]]:
    def shown(_: Session, alert: Alert) -> Sequence[Fact]:
        value = str(getattr(alert, field) or "")
        # words that happen to be ours are not ours
        typed = f"“{value}”" if value.strip("“”") == otherwise else value
        return [Fact(name, typed or otherwise)]

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
    if alert.follows_id and alert.audience is None:
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
        found.append(Fact("Distance", f"Within {_metres(circle['radius_m'])} of {middle}"))
    if part.get("polygon"):
        if zones := zone_names(part["polygon"]):
            found.append(Fact("Saved zones", ", ".join(zones)))
        found.append(Fact("Corners of the area, longitude and latitude", _corners(part["polygon"]), is_long=True))
    if part.get("buffer_m") is not None:
        found.append(Fact("Margin around it", _metres(part["buffer_m"])))
    return found


def _metres(many: float) -> str:
    return f"{float(many)!r} metres".replace(".0 ", " ")


def _corners(shape: Mapping[str, Any]) -> str:
    """The numbers of a GeoJSON shape as they were given, with whatever else it holds."""
    known = next((name for name in ("coordinates", "geometry", "features", "geometries") if name in shape), "")
    others = {name: value for name, value in shape.items() if name not in ("type", known)}
    return f"{shape.get('type', '')}: {shape.get(known)}{f' {others}' if others else ''}"


def _unseen(_: Session, alert: Alert) -> Sequence[Fact]:
    """Characters of the words that nobody sees, each with its place: joiners and marks of direction."""
    words = {"title": alert.title, "message": alert.body, "text message": alert.sms, "link": alert.link}
    words |= {"event": alert.event, "what to do": alert.instruction}
    for code, parts in alert.translations.items():
        words |= {f"{languages().get(code, code)} {PARTS.get(part, part)}": text for part, text in parts.items()}
    found = [
        f"{name}: {unicodedata.name(character, 'unnamed').lower()} (character {at})"
        for name, text in words.items()
        for at, character in enumerate(text or "", start=1)
        if unicodedata.category(character) == "Cf"
    ]
    return [Fact("Characters that cannot be seen", ", ".join(found), is_long=True)] if found else []


def _group_words(_: Session, alert: Alert) -> Sequence[Fact]:
    """The words for those who are new in another area and for those who have left it; the others get the alert's."""
    who = {"new": "People new in the area", "left": "People no longer in the area"}
    found = []
    for group, words in (alert.group_words or {}).items():
        name = who.get(group, group)
        found += [Fact(f"{name}: {PARTS[part]}", str(words[part])) for part in PARTS if words.get(part) is not None]
        found += [
            Fact(f"{name}, {languages().get(code, code)}: {PARTS.get(part, part)}", str(value))
            for code, parts in sorted(words.get("translations", {}).items())
            for part, value in parts.items()
        ]
    return found


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
    at = f", approved at {_exactly(first.approved_at.replace(microsecond=0))}" if first.approved_at else ""
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
    "group_words": _group_words,
    "event": _if_set("event", "Event"),
    "category": _if_set("category", "Category"),
    "severity": _if_set("severity", "Severity"),
    "urgency": _if_set("urgency", "Urgency"),
    "certainty": _if_set("certainty", "Certainty"),
    "effective": _if_time("effective", "In force from"),
    "onset": _if_time("onset", "Begins"),
    "instruction": _if_set("instruction", "What to do"),
}
