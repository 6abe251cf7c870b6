"""The sign-up form: what a resident wrote in it, and what is still missing."""

import re
from collections.abc import Collection, Mapping, Sequence
from enum import StrEnum
from typing import TypeVar

from notify.channels import BY_FIELD, CHANNELS, Channel
from notify.core.form_fields import FieldError, Form
from notify.core.settings import settings
from notify.languages import LANGUAGES, _, later, name_of, offered_further, spoken
from notify.providers import addresses
from notify.subscribers.models import Cadence, ConsentEvidence, MailFormat, NewContact, NewPlace, NewSubscriber, Topic
from notify.subscribers.sign_up.coverage import Offer

LONGEST_NAME = 80
LONGEST_LABEL = 40

# other words are another version
WORDING_VERSION = "resident-page-3"
WORDING = later(
    "You agree that the councils whose topics you chose may send you alerts about these topics, for your places and by "
    "the ways you chose. You can stop at any time: every email has a link for it, every text message says how, and our "
    "website stops any of them. Your details are used for these alerts only, and are erased when you ask for it."
)
CAMPAIGN = re.compile("[a-z0-9]+(-[a-z0-9]+)*")
LONGEST_CAMPAIGN = 40
Option = TypeVar("Option", bound=StrEnum)


def consent(source: str = "website") -> ConsentEvidence:
    """The words agreed to on our pages, in the language they are shown in; `source` says where they were."""
    return ConsentEvidence(wording_version=WORDING_VERSION, wording=_(WORDING), language=spoken(), source=source)


def campaign_of(form: Form) -> str:
    """The poster or page that led here, as its link names it; empty when there is none or it is no such name."""
    name = form.one("source")
    return name if len(name) <= LONGEST_CAMPAIGN and CAMPAIGN.fullmatch(name) else ""


def source_of(form: Form) -> str:
    """Where a resident signs up, as the consent ledger keeps it."""
    campaign = campaign_of(form)
    return f"website: {campaign}" if campaign else "website"


class FormNotValid(Exception):
    """The form cannot be taken as it is."""

    def __init__(self, field_errors: Sequence[FieldError]) -> None:
        super().__init__("; ".join(field_error.message for field_error in field_errors))
        self.field_errors = field_errors


def read_sign_up(form: Form, offer: Offer) -> tuple[NewSubscriber, Sequence[Topic]]:
    """The resident whom the form describes, and the topics they chose. Raises: FormNotValid with every error."""
    field_errors: list[FieldError] = []
    ward = read_ward(form, offer, field_errors)
    topics = read_topics(form, offer, field_errors)
    name = read_name(form, field_errors)
    label = read_label(form, field_errors)
    contacts = read_contacts(form, field_errors)
    field_errors += topic_errors(topics, [contact.channel for contact in contacts])
    if field_errors:
        raise FormNotValid(field_errors)
    person = NewSubscriber(
        name=name,
        language=read_language(form, among=tongues(offer.languages)),
        contacts=contacts,
        places=[NewPlace(postcode=offer.postcode, ward=ward, **({"label": label} if label else {}))],
        tracking_consent=form.has("tracking_consent"),
        mail_format=read_one_of(form, "mail_format", MailFormat.STANDARD),
        cadence=read_one_of(form, "cadence", Cadence.AT_ONCE),
    )
    return person, topics


def read_ward(form: Form, offer: Offer, field_errors: list[FieldError]) -> str | None:
    """The ward a resident near a boundary says is theirs; None where they are not asked or not sure."""
    if len(offer.wards) < 2:
        return None
    answer = form.one("ward")
    if answer not in {"unsure", *(ward.code for ward in offer.wards)}:
        field_errors.append(FieldError("ward", _("Select your ward, or select “I am not sure”.")))
    return None if answer == "unsure" else answer


def read_topics(form: Form, offer: Offer, field_errors: list[FieldError]) -> Sequence[Topic]:
    """The topics of this offer that were ticked."""
    chosen = set(form.all("topic"))
    topics = [topic for topic in offer.topics if str(topic.id) in chosen]
    if not topics:
        field_errors.append(FieldError("topics", _("Choose at least one topic.")))
    return topics


def read_ways(form: Form, field_errors: list[FieldError]) -> Sequence[str]:
    """The fields of the ways that were ticked, such as `email`."""
    ways = [field for field in offered_fields() if field in form.all("way")]
    if not ways:
        field_errors.append(FieldError("way", _("Select how we should contact you.")))
    return ways


def read_name(form: Form, field_errors: list[FieldError]) -> str:
    """The name, which may be empty. A name too long is added to `field_errors`."""
    name = " ".join(form.one("name").split())
    if len(name) > LONGEST_NAME:
        field_errors.append(FieldError("name", _("Enter a name of at most {most} characters.", most=LONGEST_NAME)))
    return name


def read_label(form: Form, field_errors: list[FieldError]) -> str:
    """What the resident calls the place; empty where they did not say. A name too long is added to `field_errors`."""
    label = " ".join(form.one("label").split())
    if len(label) > LONGEST_LABEL:
        field_errors.append(FieldError("label", _("Enter a name of at most {most} characters.", most=LONGEST_LABEL)))
    return label


def read_language(form: Form, *, also: str = "en", among: Collection[str] = ()) -> str:
    """The language chosen: one of ours or `also`, which is the answer when nothing was chosen."""
    answer = form.one("language")
    return answer if answer in (among or tongues()) else also


def tongues(further: Sequence[str] | None = None) -> Mapping[str, str]:
    """The languages that residents may choose for their alerts, by code, each by its own name: ours and those beside
    them, which are those of the page's council unless they are given.
    """
    if further is None:
        further = offered_further()
    codes = settings().further if further is None else further
    return dict(LANGUAGES) | {code: name_of(code) for code in codes}


def read_one_of(form: Form, field: str, otherwise: Option) -> Option:
    """The option of `otherwise`'s kind that was chosen; `otherwise` where none was."""
    kind = type(otherwise)
    return kind(form.one(field)) if form.one(field) in set(kind) else otherwise


def offered_fields() -> Sequence[str]:
    """The ways that residents may choose: those that someone here carries messages by."""
    return [field for field, about in BY_FIELD.items() if settings().providers_for(about.channel)]


def fields_asked_for(form: Form) -> Sequence[str]:
    """The fields for addresses that the chosen ways need; where nobody was asked about ways, whatever is filled in."""
    chosen = [field for field in offered_fields() if field in form.all("way")]
    return chosen or [field for field in offered_fields() if BY_FIELD[field].is_usual or form.one(field)]


def read_contacts(form: Form, field_errors: list[FieldError]) -> list[NewContact]:
    """The addresses given for the chosen ways. Each way that was chosen needs its own."""
    asked = fields_asked_for(form)
    contacts = []
    for field in asked:
        text = form.one(field)
        if not text:
            if form.has("way"):
                field_errors.append(FieldError(field, _(BY_FIELD[field].missing)))
            continue
        contacts.append(NewContact(channel=BY_FIELD[field].channel, address=text[:500]))
        try:
            addresses.normalise(BY_FIELD[field].channel, text)
        except addresses.AddressNotValid as error:
            field_errors.append(FieldError(field, error.detail))
    if not contacts and not form.has("way"):
        field_errors.append(FieldError("email", _("Enter an email address, a mobile number, or both.")))
    return contacts


def topic_errors(topics: Sequence[Topic], channels: Sequence[Channel]) -> list[FieldError]:
    """The topics that are not sent in any of these ways."""
    return [
        FieldError(
            "topics", _("{topic} is only sent by {ways}.", topic=topic.words.name, ways=ways_in_words(topic.channels))
        )
        for topic in topics
        if channels and not set(topic.channels) & set(channels)
    ]


def ways_in_words(channels: Sequence[str]) -> str:
    """“email and text message”, in the language of the visit; only what residents can choose on our pages."""
    usual = [BY_FIELD[field].channel for field in offered_fields() if BY_FIELD[field].is_for_people]
    offered = [channel for channel in usual if channel in channels] or [Channel(way) for way in channels]
    return _(" and ").join(_(CHANNELS[way].in_sentence) for way in offered)
