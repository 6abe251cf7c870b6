"""Updates of an emergency with another area: who stays in it, who is new, and who has left it each get words of their
own, in one alert that is approved as a whole.
"""

from collections.abc import Mapping
from typing import Any

from sqlmodel import Session, col, select

from notify.alerts import visibility
from notify.alerts.models import Alert, FollowUp, FollowUpContent, GroupWords, Priority
from notify.alerts.service import targets_of
from notify.core.errors import Invalid
from notify.staff.rights import Actor
from notify.subscribers.models import Topic
from notify.zones import audience as zoned

NEW, LEFT = "new", "left"
_LEFT = {
    "en": (
        "You are no longer in the area of this alert",
        "The area of “{title}” has changed, and your place is no longer in it. "
        "We will write to you again if it is taken in once more.",
    ),
    "cy": (
        "Nid ydych chi yn ardal y rhybudd hwn bellach",
        "Mae ardal “{title}” wedi newid, ac nid yw eich lle chi ynddi bellach. "
        "Byddwn yn ysgrifennu atoch eto os caiff ei chynnwys unwaith yn rhagor.",
    ),
}


class AreaCannotChange(Invalid):
    """Only an update of an emergency may have another area."""

    title = "The area cannot be changed here"


def root_of(session: Session, alert: Alert) -> Alert:
    """The alert that an update with another area follows; any other alert itself. What follows such an update follows
    that one too, so that everything about the emergency is one line.
    """
    return session.get_one(Alert, alert.follows_id) if alert.group_words and alert.follows_id else alert


def set_area(session: Session, *, by: Actor, first: Alert, alert: Alert, content: FollowUpContent) -> None:
    """Give an update its own area, and the words for those who are new in it and for those who have left it.

    Who is new is asked for a reply, and written to on other channels later, where the first alert does that.
    Raises: AreaCannotChange, OutsideYourRemit, and what `targets_of` raises.
    """
    if content.audience is None:
        if content.new or content.left:
            raise AreaCannotChange("`new` and `left` are words for another area: give an `audience` with them.")
        return
    if alert.follow_up != FollowUp.UPDATE or first.priority != Priority.EMERGENCY or first.follows_id:
        raise AreaCannotChange("Only an update of an emergency's first alert has an `audience` of its own.")
    audience = zoned.shaped(session, alert.council_id, content.audience) or content.audience
    visibility.require_within(by.remit, session.get_one(Topic, first.topic_id).slug, audience)
    alert.audience = audience.as_stored()
    alert.targets = targets_of(session, alert.council_id, audience, alert.priority).as_json()
    alert.asks_reply, alert.escalation = first.asks_reply, first.escalation
    set_words(first, alert, content)


def set_words(first: Alert, alert: Alert, content: FollowUpContent) -> None:
    """The words of an update with another area, as given or the usual ones."""
    new = content.new or GroupWords.model_validate(whole_story(first, content))
    left = content.left or GroupWords.model_validate(farewell(first))
    alert.group_words = {
        name: words.model_dump(mode="json", exclude_none=True) for name, words in ((NEW, new), (LEFT, left))
    }


def whole_story(first: Alert, content: FollowUpContent) -> dict[str, Any]:
    """The usual words for those who are new: the first alert's, and then what the update says."""
    both = {
        code: {
            "title": words["title"],
            "body": f"{words['body']}\n\n{content.translations[code].body}",
            **({"sms": words["sms"]} if words.get("sms") else {}),
        }
        for code, words in first.translations.items()
        if code in content.translations
    }
    return {
        "title": first.title,
        "body": f"{first.body}\n\n{content.body}",
        "sms": first.sms,
        "translations": both,
    }


def farewell(first: Alert) -> dict[str, Any]:
    """The usual words for those who have left the area, in English and Welsh."""
    titles = {"en": first.title} | {code: words["title"] for code, words in first.translations.items()}
    said = {
        code: {"title": title, "body": body.format(title=titles.get(code, first.title))}
        for code, (title, body) in _LEFT.items()
    }
    return {**said["en"], "sms": None, "translations": {"cy": said["cy"]}}


def as_read_by(alert: Alert, group: str | None) -> Alert:
    """The alert as one group of its readers gets it: a copy with their words. Who is new reads an alert and no update,
    and they alone are asked for a reply.
    """
    copy = Alert(**alert.model_dump())
    words: Mapping[str, Any] | None = (alert.group_words or {}).get(group or "")
    copy.group_words, copy.asks_reply = None, alert.asks_reply and group == NEW
    if words:
        copy.title, copy.body, copy.sms = words["title"], words["body"], words.get("sms")
        copy.translations = words.get("translations", {})
    if group == NEW:
        copy.follow_up = None
    return copy


def has_other_areas(session: Session, root: Alert, than: Alert) -> bool:
    """Whether an update with another area, other than this alert, has begun to be sent."""
    found = select(Alert.id).where(
        Alert.follows_id == root.id,
        col(Alert.group_words).is_not(None),
        col(Alert.expanded_at).is_not(None),
        Alert.id != than.id,
    )
    return session.exec(found.limit(1)).first() is not None
