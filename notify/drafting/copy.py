"""An alert as the beginning of another, or of its own next version: the fields that would have made it."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from notify.alerts.models import Alert, Escalation
from notify.core import clock
from notify.core.clock import LONDON
from notify.drafting.draft_reader import HAZARD_FIELDS, TRANSLATED
from notify.drafting.models import Fields
from notify.zones.audience import zones_in


def fields_of(alert: Alert) -> Fields:
    """The desk's fields for what this alert says and whom it meant. Times are left out: they are over."""
    return words_of(alert) | _how(alert) | _hazard(alert) | _where(alert.audience or {})


def fields_with_times(alert: Alert) -> Fields:
    """The same with the times that still lie ahead, for the next version of what was not sent."""
    times = {"send_at": alert.send_at, "expires_at": alert.expires_at, "onset": alert.onset}
    ahead = {name: [_typed(at)] for name, at in times.items() if at and at > clock.now()}
    return fields_of(alert) | ahead


def _typed(at: datetime) -> str:
    return f"{at.astimezone(LONDON):%Y-%m-%dT%H:%M}"


def _how(alert: Alert) -> Fields:
    """The channels, first and later ones, and what else only emergencies do."""
    found: Fields = {"channel": list(alert.channels)}
    if alert.escalation:
        escalation = Escalation.model_validate(alert.escalation)
        later = [one.value for one in escalation.channels]
        found["channel"] += later
        found |= {"escalate_after": [str(escalation.after_minutes)], "escalate_to": later}
    said = {"asks_reply": alert.asks_reply, "training": alert.is_training}
    return found | {name: ["yes"] for name, is_so in said.items() if is_so}


def _hazard(alert: Alert) -> Fields:
    """What it warns of and how bad that is; CAP messages name events that no list of ours has."""
    said = {name: getattr(alert, name) for name in HAZARD_FIELDS}
    return {name: [str(value)] for name, value in said.items() if value}


def words_of(alert: Alert) -> Fields:
    """The same for its words alone."""
    found: Fields = {"title": [alert.title], "body": [alert.body]}
    for name, value in (("sms", alert.sms), ("link", alert.link), ("reference", alert.reference)):
        if value:
            found[name] = [value]
    for code, words in alert.translations.items():
        found |= {f"{name}-{code}": [words[name]] for name in TRANSLATED if name in words}
    return found


def _where(audience: Mapping[str, Any]) -> Fields:
    without = audience.get("except") or {}
    zones, polygon = zones_in(audience.get("polygon"))
    without_zones, without_polygon = zones_in(without.get("polygon"))
    named = {key for key in ("wards", "postcodes", "polygon", "circle", "zones") if audience.get(key)}
    found: Fields = {"reach": ["places" if named else "everyone"]}
    listed = {
        "ward": audience.get("wards"),
        "without_ward": without.get("wards"),
        "zone": [*audience.get("zones", ()), *zones],
        "without_zone": [*without.get("zones", ()), *without_zones],
        "postcodes": _in_lines(audience.get("postcodes")),
        "without_postcodes": _in_lines(without.get("postcodes")),
        "shape": _as_text(polygon),
        "without_shape": _as_text(without_polygon),
    }
    found |= {field: list(values) for field, values in listed.items() if values}
    if audience.get("circle"):
        found |= _circle(audience["circle"])
    if audience.get("buffer_m") is not None:
        found["buffer"] = [f"{audience['buffer_m']:g}"]
    return found


def _in_lines(postcodes: Sequence[str] | None) -> Sequence[str]:
    return ["\n".join(postcodes)] if postcodes else []


def _as_text(shape: object | None) -> Sequence[str]:
    return [json.dumps(shape)] if shape else []


def _circle(circle: Mapping[str, Any]) -> Fields:
    middle = circle.get("postcode") or f"{circle['lat']}, {circle['lon']}"
    return {"centre": [middle], "radius": [f"{circle['radius_m']:g}"]}
