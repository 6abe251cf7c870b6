"""Every fact about a channel, in one place: its names, its form field, its addresses, its settings, what it costs.

What a channel does stays with its feature (an adapter sends, `deliveries/message_content.py` writes). What is *known*
of a channel is asked here, and `tests/house/test_channels.py` refuses a second table.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from notify.languages import later


class Channel(StrEnum):
    """The kinds of address a resident can be reached at."""

    EMAIL = "email"
    SMS = "sms"
    WEBHOOK = "webhook"
    VOICE = "voice"


class AddressKind(StrEnum):
    """What an address looks like, and so how it is checked and written."""

    MAILBOX = "mailbox"
    MOBILE = "mobile"
    TELEPHONE = "telephone"
    URL = "url"


class Content(StrEnum):
    """What a message on a channel is made of."""

    MAIL = "mail"
    TEXT = "text"
    SPEECH = "speech"
    DATA = "data"


class CostUnit(StrEnum):
    """What a provider's price is for: a whole message, or each part that a text is cut into."""

    MESSAGE = "message"
    PART = "part"


class Confirmation(StrEnum):
    """How the owner of an address confirms it: with a link to open, or a code to type in."""

    LINK = "link"
    CODE = "code"


@dataclass(frozen=True, slots=True)
class ChannelInfo:
    """One channel. Words are English; `_` says those that residents read in their language.

    `label` heads a column, `in_sentence` follows “by”, `messages` a number: “2,140 texts”. `field` is the
    channel's field in forms, `column` in imported files, where `synonyms` are taken for it. `is_usual`: asked for where
    a resident did not choose a channel. `emergency_setting` is empty where emergencies have no providers of their own.
    `templates` is the folder of its templates; empty where there are none. `input_*` are attributes of the HTML input.
    """

    channel: Channel
    label: str
    in_sentence: str
    messages: str
    field: str
    column: str
    address: AddressKind
    content: Content
    cost_unit: CostUnit
    confirmation: Confirmation
    providers_setting: str
    # what residents read where they sign up
    address_label: str
    address_question: str
    missing: str
    check_title: str
    check_advice: str
    # and where they stop
    stop_question: str
    stop_all: str
    stopped: str
    input_type: str
    input_autocomplete: str = ""
    input_longest: int | None = None
    hint: str = ""
    address_hint: str = ""
    emergency_setting: str = ""
    templates: str = ""
    synonyms: Sequence[str] = ()
    is_usual: bool = False
    may_escalate: bool = True

    def in_number(self, many: int) -> str:
        """What so many of its messages are called: “1 text”, “2 texts”."""
        return self.messages.removesuffix("s") if many == 1 else self.messages

    @property
    def is_spoken(self) -> bool:
        """Whether messages are read out to people."""
        return self.content is Content.SPEECH

    @property
    def is_for_people(self) -> bool:
        """Whether a person reads or hears messages, and no program."""
        return self.content is not Content.DATA

    @property
    def is_phone(self) -> bool:
        """Whether its addresses are telephone numbers, to which each message costs us something."""
        return self.address in (AddressKind.MOBILE, AddressKind.TELEPHONE)

    @property
    def is_own_service(self) -> bool:
        """Whether each address is a service of its own: that one fails says nothing of the others."""
        return self.address is AddressKind.URL


_EMAIL = ChannelInfo(
    channel=Channel.EMAIL,
    label=later("Email"),
    in_sentence=later("email"),
    messages="emails",
    field="email",
    column="email",
    synonyms=("e-mail", "email_address", "e-mail_address"),
    address=AddressKind.MAILBOX,
    content=Content.MAIL,
    templates="email",
    cost_unit=CostUnit.MESSAGE,
    confirmation=Confirmation.LINK,
    providers_setting="email_providers",
    emergency_setting="emergency_email_providers",
    is_usual=True,
    address_label=later("Email address"),
    address_question=later("What is your email address?"),
    missing=later("Enter your email address."),
    input_type="email",
    input_autocomplete="email",
    input_longest=254,
    check_title=later("Check your email"),
    check_advice=later(
        "Open the email and select the button in it. You will not get alerts until you do. The link works for 3 days."
    ),
    stop_question=later("Which emails do you want to stop?"),
    stop_all=later("All emails, from every council"),
    stopped=later("Done: no more emails"),
)
_SMS = ChannelInfo(
    channel=Channel.SMS,
    label=later("Text message"),
    in_sentence=later("text message"),
    messages="texts",
    field="mobile",
    column="phone",
    synonyms=("mobile", "mobile_number", "mobile_phone", "phone_number", "telephone"),
    address=AddressKind.MOBILE,
    content=Content.TEXT,
    templates="sms",
    cost_unit=CostUnit.PART,
    confirmation=Confirmation.CODE,
    providers_setting="sms_providers",
    emergency_setting="emergency_sms_providers",
    is_usual=True,
    hint=later("To a UK mobile number. It costs you nothing."),
    address_label=later("UK mobile number"),
    address_question=later("What is your mobile number?"),
    missing=later("Enter your mobile number."),
    input_type="tel",
    input_autocomplete="tel",
    check_title=later("Check your text messages"),
    check_advice=later("When you get the text message, {enter_the_code} that is in it."),
    stop_question=later("Which text messages do you want to stop?"),
    stop_all=later("All text messages, from every council"),
    stopped=later("Done: no more text messages"),
)
_VOICE = ChannelInfo(
    channel=Channel.VOICE,
    label=later("Phone call"),
    in_sentence=later("phone call"),
    messages="phone calls",
    field="telephone",
    column="landline",
    address=AddressKind.TELEPHONE,
    content=Content.SPEECH,
    templates="voice",
    cost_unit=CostUnit.MESSAGE,
    confirmation=Confirmation.CODE,
    providers_setting="voice_providers",
    emergency_setting="emergency_voice_providers",
    hint=later("We call you and read the alert out, on a landline or a mobile."),
    address_label=later("UK telephone number"),
    address_question=later("Which number should we call?"),
    address_hint=later("We’ll call it once now and read out a code."),
    missing=later("Enter your telephone number."),
    input_type="tel",
    input_autocomplete="tel",
    check_title=later("We are calling you"),
    check_advice=later("When we call, note the 6 digits that we read out, and {enter_the_code}."),
    stop_question=later("Which phone calls do you want to stop?"),
    stop_all=later("All phone calls, from every council"),
    stopped=later("Done: no more phone calls"),
)
_WEBHOOK = ChannelInfo(
    channel=Channel.WEBHOOK,
    label=later("Webhook"),
    in_sentence=later("webhook"),
    messages="webhook calls",
    field="webhook",
    column="webhook",
    address=AddressKind.URL,
    content=Content.DATA,
    cost_unit=CostUnit.MESSAGE,
    confirmation=Confirmation.LINK,
    providers_setting="webhook_providers",
    may_escalate=False,
    hint=later("For organisations: our computer calls yours."),
    address_label=later("Address of your webhook"),
    address_question=later("What is the address of your webhook?"),
    address_hint=later("It begins with https://. We call it once now with a link that your staff open to confirm it."),
    missing=later("Enter the address of your webhook."),
    input_type="url",
    input_longest=500,
    check_title=later("Check your messages"),
    check_advice=later("The call to your webhook holds an address. Open it and press the button there."),
    stop_question=later("Which webhook calls do you want to stop?"),
    stop_all=later("All webhook calls, from every council"),
    stopped=later("Done: no more webhook calls"),
)

# in the order in which pages offer them
CHANNELS: Mapping[Channel, ChannelInfo] = MappingProxyType(
    {one.channel: one for one in (_EMAIL, _SMS, _VOICE, _WEBHOOK)}
)
BY_FIELD: Mapping[str, ChannelInfo] = MappingProxyType({one.field: one for one in CHANNELS.values()})
BY_COLUMN: Mapping[str, ChannelInfo] = MappingProxyType({one.column: one for one in CHANNELS.values()})

PROVIDERS_SETTINGS: Sequence[str] = tuple(
    setting for one in CHANNELS.values() for setting in (one.providers_setting, one.emergency_setting) if setting
)
# what SQL is given for “a telephone number” and “a voice”
PHONES: Sequence[str] = tuple(one.channel.value for one in CHANNELS.values() if one.is_phone)
SPOKEN: Sequence[str] = tuple(one.channel.value for one in CHANNELS.values() if one.is_spoken)


def one_of(names: Iterable[str]) -> str:
    """The names as a sentence offers them: “email, sms, voice or webhook”."""
    *others, last = names
    return f"{', '.join(others)} or {last}" if others else last


def info(channel: str) -> ChannelInfo:
    """What is known of a channel, by its name in the API and the database. Raises: ValueError where there is none."""
    return CHANNELS[Channel(channel)]


def label(channel: str) -> str:
    """What staff read for a channel; another text, such as an unknown channel of old rows, as it is."""
    return info(channel).label if channel in set(Channel) else channel
