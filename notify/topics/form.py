"""The form about a topic: what it holds, and what is wrong with what was typed."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from uuid import UUID

from pydantic import ValidationError

from notify.core.form_fields import FieldError, Form
from notify.subscribers.models import NewTopic, Topic
from notify.topics.models import TopicChange

LONGEST_SLUG = 60
# what to do about each field, in the order of the page
CURES: Mapping[str, str] = {
    "name": "Enter a name, in at most 100 characters",
    "slug": "Use small letters, digits and hyphens, such as road-closures",
    "description": "Shorten the description to 500 characters",
    "frequency": "Shorten how often it writes to 100 characters",
    "translations": "Shorten the Welsh words: 100 characters for a name, 500 for a description",
    "purpose": "Choose what the topic is for",
    "legal_basis": "Choose a legal basis",
    "channels": "Choose at least one channel",
    "approval": "Choose how many people must approve",
    "late_after_minutes": "Enter a number of minutes from 1 to 10080, which is a week",
    "tracking_allowed": "Emergency topics are never tracked: leave this empty",
    "group": "Choose a group from the list",
}
WELSH = ("name", "description", "frequency")


def slug_of(name: str) -> str:
    """A short name made of this name: `Road closures` becomes `road-closures`."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:LONGEST_SLUG].strip("-")


def held_by(topic: Topic) -> Form:
    """The form as this topic fills it."""
    said = topic.translations.get("cy", {})
    ticked = {"tracking_allowed": topic.tracking_allowed, "is_suggested": topic.is_suggested}
    return Form(
        {
            **{name: [str(getattr(topic, name))] for name in (*WELSH, "late_after_minutes")},
            **{f"{name}_cy": [said.get(name, "")] for name in WELSH},
            **{name: [getattr(topic, name).value] for name in ("purpose", "legal_basis", "approval")},
            **{name: ["yes"] for name, is_on in ticked.items() if is_on},
            "channels": topic.channels,
            "group": [str(topic.group_id or "")],
        }
    )


def new_topic(form: Form) -> NewTopic:
    """The topic that the form asks for. Raises: ValidationError."""
    slug = form.one("slug") or slug_of(form.one("name"))
    said = {"slug": slug, "purpose": form.one("purpose")} | _said(form)
    return NewTopic.model_validate({name: value for name, value in said.items() if name != "group"})


def change_of(form: Form) -> TopicChange:
    """The change that the form asks for: all of its fields. Raises: ValidationError."""
    group = form.one("group")
    return TopicChange.model_validate(_said(form) | {"group": UUID(group) if group else ""})


def _said(form: Form) -> dict[str, object]:
    welsh = {name: form.one(f"{name}_cy") for name in WELSH}
    minutes = form.one("late_after_minutes")
    return {
        **{name: form.one(name) for name in (*WELSH, "legal_basis", "approval")},
        "translations": {"cy": welsh} if any(welsh.values()) else {},
        "channels": list(form.all("channels")),
        "tracking_allowed": form.has("tracking_allowed"),
        "is_suggested": form.has("is_suggested"),
        "late_after_minutes": int(minutes) if minutes.isdecimal() and len(minutes) < 9 else minutes,
    }


def field_errors_of(error: ValidationError) -> Sequence[FieldError]:
    """What is wrong, a sentence for each field, in the order of the page."""
    wrong = {str(one["loc"][0]) if one["loc"] else "tracking_allowed" for one in error.errors()}
    return [FieldError(_shown(field), words) for field, words in CURES.items() if field in wrong]


def _shown(field: str) -> str:
    return "name_cy" if field == "translations" else field
