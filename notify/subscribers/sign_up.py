"""The sign-up form: what a resident wrote in it, and what is still missing."""

from collections.abc import Sequence
from dataclasses import dataclass

from notify.languages import later
from notify.providers.base import Channel
from notify.subscribers import addresses
from notify.subscribers.coverage import Offer
from notify.subscribers.models import ConsentEvidence, NewContact, NewPlace, NewSubscriber, Topic
from notify.web.forms import Form

LANGUAGES = (("en", "English"), ("cy", "Cymraeg (Welsh)"))
LONGEST_NAME = 80

# other words are another version
CONSENT = ConsentEvidence(
    wording_version="resident-page-1",
    wording=(
        "By signing up you agree that the councils whose topics you chose may send you alerts about these topics, "
        "for the postcode and by the ways you gave. You can stop at any time with the link in each message. "
        "Your details are used for these alerts only, and are erased when you ask for it."
    ),
    language="en",
    source="website",
)


@dataclass(frozen=True, slots=True)
class Fault:
    """What a resident has to mend, and the id of the field to mend it in."""

    field: str
    message: str


class FormFaulty(Exception):
    """The form cannot be taken as it is."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("; ".join(fault.message for fault in faults))
        self.faults = faults


def read_sign_up(form: Form, offer: Offer) -> tuple[NewSubscriber, Sequence[Topic]]:
    """The resident whom the form describes, and the topics they chose. Raises: FormFaulty with every fault."""
    faults: list[Fault] = []
    ward = _ward(form, offer, faults)
    chosen = set(form.all("topic"))
    topics = [topic for topic in offer.topics if str(topic.id) in chosen]
    if not topics:
        faults.append(Fault("topics", "Choose at least one topic."))
    name = read_name(form, faults)
    contacts = _contacts(form, faults)
    faults += topic_faults(topics, [contact.channel for contact in contacts])
    language = read_language(form)
    if faults:
        raise FormFaulty(faults)
    person = NewSubscriber(
        name=name,
        language=language,
        contacts=contacts,
        places=[NewPlace(postcode=offer.postcode, ward=ward)],
        tracking_consent=form.has("tracking_consent"),
    )
    return person, topics


def _ward(form: Form, offer: Offer, faults: list[Fault]) -> str | None:
    """The ward a resident near a boundary says is theirs; None where they are not asked or not sure."""
    if len(offer.wards) < 2:
        return None
    answer = form.one("ward")
    if answer not in {"unsure", *(ward.code for ward in offer.wards)}:
        faults.append(Fault("ward", "Choose your ward, or say that you are not sure."))
    return None if answer == "unsure" else answer


def read_name(form: Form, faults: list[Fault]) -> str:
    """The name, which may be empty. A name too long is added to `faults`."""
    name = " ".join(form.one("name").split())
    if len(name) > LONGEST_NAME:
        faults.append(Fault("name", f"Enter a name of at most {LONGEST_NAME} characters."))
    return name


def read_language(form: Form, *, also: str = "en") -> str:
    """The language chosen: one of ours or `also`, which is the answer when nothing was chosen."""
    answer = form.one("language")
    return answer if answer in {code for code, _ in LANGUAGES} else also


def _contacts(form: Form, faults: list[Fault]) -> list[NewContact]:
    contacts = []
    for field, channel in (("email", Channel.EMAIL), ("mobile", Channel.SMS)):
        text = form.one(field)
        if not text:
            continue
        contacts.append(NewContact(channel=channel, address=text[:500]))
        try:
            addresses.normalise(channel, text)
        except addresses.AddressNotValid as error:
            faults.append(Fault(field, error.detail))
    if not contacts:
        faults.append(Fault("email", "Enter an email address, a mobile number, or both."))
    return contacts


WAYS = {
    Channel.EMAIL: later("email"),
    Channel.SMS: later("text message"),
    Channel.WEBHOOK: later("webhook"),
    Channel.VOICE: later("telephone call"),
}


def topic_faults(topics: Sequence[Topic], channels: Sequence[Channel]) -> list[Fault]:
    """The topics that are not sent in any of these ways."""
    return [
        Fault("topics", f"{topic.name} is only sent by {' and '.join(WAYS[Channel(way)] for way in topic.channels)}.")
        for topic in topics
        if channels and not set(topic.channels) & set(channels)
    ]
