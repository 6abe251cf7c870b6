"""Sign-up, one question a page: which question comes next, and what is wrong with an answer.

Nothing is stored before the end: the browser keeps the answers so far, and the end checks them all.
"""

from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum

from notify.channels import BY_FIELD
from notify.core.form_fields import FieldError, Form
from notify.subscribers.sign_up.coverage import Offer
from notify.subscribers.sign_up.form import (
    fields_asked_for,
    read_contacts,
    read_label,
    read_name,
    read_topics,
    read_ward,
    read_ways,
    topic_errors,
)


class Step(StrEnum):
    """The questions, in their order."""

    POSTCODE = "postcode"
    WARD = "ward"
    TOPICS = "topics"
    CHANNELS = "channels"
    CONTACTS = "contacts"
    EMAILS = "emails"
    LANGUAGE = "language"
    COUNTING = "counting"
    CHECK = "check"


# the fields that each question fills
ASKED: Mapping[Step, Sequence[str]] = {
    Step.POSTCODE: ("postcode", "label"),
    Step.WARD: ("ward",),
    Step.TOPICS: ("topic",),
    Step.CHANNELS: ("way",),
    Step.CONTACTS: (*BY_FIELD, "name"),
    Step.EMAILS: ("cadence", "mail_format"),
    Step.LANGUAGE: ("language",),
    Step.COUNTING: ("tracking_consent",),
    Step.CHECK: (),
}


def steps_for(offer: Offer, form: Form) -> Sequence[Step]:
    """The questions for this postcode and person: the ward only near a boundary, e-mails only where there are any."""
    needless = set() if len(offer.wards) > 1 else {Step.WARD}
    if "email" not in fields_asked_for(form):
        needless.add(Step.EMAILS)
    return [step for step in Step if step not in needless]


def field_errors_of(step: Step, form: Form, offer: Offer) -> Sequence[FieldError]:
    """What is wrong with the answers to one question."""
    field_errors: list[FieldError] = []
    check = _CHECKS.get(step)
    if check:
        check(form, offer, field_errors)
    return field_errors


def _check_channels(form: Form, offer: Offer, field_errors: list[FieldError]) -> None:
    ways = read_ways(form, field_errors)
    if ways:
        topics = read_topics(form, offer, [])
        channels = [BY_FIELD[field].channel for field in ways]
        field_errors += [FieldError("way", field_error.message) for field_error in topic_errors(topics, channels)]


def _check_contacts(form: Form, _: Offer, field_errors: list[FieldError]) -> None:
    read_contacts(form, field_errors)
    read_name(form, field_errors)


_CHECKS: Mapping[Step, Callable[[Form, Offer, list[FieldError]], object]] = {
    Step.POSTCODE: lambda form, _offer, field_errors: read_label(form, field_errors),
    Step.WARD: read_ward,
    Step.TOPICS: read_topics,
    Step.CHANNELS: _check_channels,
    Step.CONTACTS: _check_contacts,
}


def first_not_valid(form: Form, offer: Offer, *, before: Step | None = None) -> Step | None:
    """The first question whose answers cannot be taken, of those before another; None where all is well."""
    for step in steps_for(offer, form):
        if step is before:
            return None
        if field_errors_of(step, form, offer):
            return step
    return None


def step_after(step: Step, form: Form, offer: Offer, *, is_checking: bool) -> Step:
    """The next question; back to the end for someone who only changed one answer and left the others good."""
    if is_checking:
        return first_not_valid(form, offer) or Step.CHECK
    steps = steps_for(offer, form)
    return steps[min(steps.index(step) + 1, len(steps) - 1)] if step in steps else steps[0]


def step_before(step: Step, form: Form, offer: Offer, *, is_checking: bool) -> Step:
    """The question before; the end for someone who is changing one answer."""
    if is_checking and step is not Step.CHECK:
        return Step.CHECK
    steps = steps_for(offer, form)
    return steps[max(0, steps.index(step) - 1)] if step in steps else Step.POSTCODE


def shown_fields(form: Form) -> Sequence[str]:
    """The fields for addresses that the page of contacts shows."""
    return fields_asked_for(form)
