"""What a resident can change, one question at a time, and whether it was changed since they opened the question."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from enum import StrEnum

from sqlmodel import Session, select

from notify.core.form_fields import FieldError, Form
from notify.languages import _
from notify.subscribers.models import Subscriber
from notify.subscribers.my.choices import Choices
from notify.subscribers.queries import SubscriberRecord
from notify.subscribers.sign_up.form import FormNotValid


class Question(StrEnum):
    """The questions, as their addresses name them."""

    TOPICS = "topics"
    CONTACTS = "contacts"
    PLACE = "place"
    REMOVE = "remove"
    NAME = "name"
    LANGUAGE = "language"
    COUNTING = "counting"


# the fields of the whole form that each question fills
FILLS: Mapping[Question, Sequence[str]] = {
    Question.TOPICS: ("topic",),
    Question.CONTACTS: ("channel",),
    Question.PLACE: ("new_postcode", "new_label"),
    Question.REMOVE: ("remove_place",),
    Question.NAME: ("name",),
    Question.LANGUAGE: ("language",),
    Question.COUNTING: ("tracking_consent",),
}


def stored(mine: Choices) -> Form:
    """What is stored, as a form that holds every answer and changes nothing."""
    person = mine.record.subscriber
    return Form(
        {
            "topic": sorted(mine.following),
            "channel": [str(contact.channel.value) for contact, used in mine.contacts if used],
            "name": [person.name],
            "language": [person.language],
            "tracking_consent": ["yes"] if person.tracking_consent else [],
        }
    )


def answered(mine: Choices, question: Question, form: Form) -> Form:
    """What is stored with one question answered by `form`."""
    given = {name: form.all(name) for name in FILLS[question]}
    now = stored(mine)
    if question is Question.TOPICS and form.has("topic") and not now.has("channel"):
        # who had stopped everything chooses topics again: every way that they have confirmed
        given["channel"] = [str(contact.channel.value) for contact, _used in mine.contacts]
    return Form({**now.fields, **given})


def check(question: Question, form: Form) -> None:
    """Raises: FormNotValid where the question was not answered at all."""
    if question is Question.PLACE and not form.has("new_postcode"):
        raise FormNotValid([FieldError("new_postcode", _("Enter a full postcode, like CB1 2EX."))])


def version(mine: Choices, question: Question) -> str:
    """What tells the stored answer to one question from any other: the page sends it back with the new one."""
    said: list[object] = [sorted(stored(mine).all(name)) for name in FILLS[question]]
    if question in (Question.PLACE, Question.REMOVE):
        said = [sorted([place.postcode, place.label] for place in mine.record.places)]
    if question is Question.TOPICS:
        said += [sorted(f"{one.topic_id} {one.channels}" for one, _topic in mine.record.subscriptions)]
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()[:16]


def hold(session: Session, record: SubscriberRecord) -> None:
    """Let other changes of this resident wait until this one is stored."""
    session.exec(select(Subscriber.id).where(Subscriber.id == record.subscriber.id).with_for_update()).one()
    session.expire_all()  # what was read before the lock may be older than what another request has stored since
