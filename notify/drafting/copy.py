"""An alert that was sent, sent back or withdrawn as the beginning of another: the fields that would have made it."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from notify.alerts.models import Alert, Escalation
from notify.drafting.draft_reader import HAZARD_FIELDS, TRANSLATED
from notify.drafting.models import Fields


def fields_of(alert: Alert) -> Fields:
    """The desk's fields for what this alert says and whom it meant. Times are left out: they are over."""
    return words_of(alert) | _how(alert) | _hazard(alert) | _where(alert.audience or {})


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
    named = {key for key in ("wards", "postcodes", "polygon", "circle") if audience.get(key)}
    found: Fields = {"reach": ["places" if named else "everyone"]}
    listed = {
        "ward": audience.get("wards"),
        "without_ward": without.get("wards"),
        "postcodes": _in_lines(audience.get("postcodes")),
        "without_postcodes": _in_lines(without.get("postcodes")),
        "shape": _as_text(audience.get("polygon")),
        "without_shape": _as_text(without.get("polygon")),
    }
    found |= {field: list(values) for field, values in listed.items() if values}
    if audience.get("circle"):
        found |= _circle(audience["circle"])
    if audience.get("buffer_m") is not None:
        found["buffer"] = [f"{audience['buffer_m']:g}"]
    return found


def _in_lines(postcodes: Sequence[str] | None) -> Sequence[str]:
    return ["\n".join(postcodes)] if postcodes else []


def _as_text(shape: Mapping[str, Any] | None) -> Sequence[str]:
    return [json.dumps(shape)] if shape else []


def _circle(circle: Mapping[str, Any]) -> Fields:
    middle = circle.get("postcode") or f"{circle['lat']}, {circle['lon']}"
    return {"centre": [middle], "radius": [f"{circle['radius_m']:g}"]}
