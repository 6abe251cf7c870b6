"""The subjects that a council's settings are shown by, the fields of each, and what a form's fields mean."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pydantic import ValidationError

from notify.core.errors import NotFound
from notify.core.form_fields import FieldError, Form
from notify.core.typed_text import read_day, read_time
from notify.staff.council_settings import values
from notify.staff.council_settings.models import OwnSettings, SettingsChange

NONE = "none"
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


class UnknownSubject(NotFound):
    """There is no page of settings at this address."""

    title = "There is no such page of settings"


@dataclass(frozen=True, slots=True)
class Field:
    """One setting on a page: `kind` is text, lines, image or day; `cure` says what to do where no rule says it."""

    name: str
    label: str
    hint: str = ""
    cure: str = "Enter less."
    kind: str = "text"
    width: str = ""


@dataclass(frozen=True, slots=True)
class Subject:
    """One page of settings. `has_preview`: what residents see of it can be looked at before it is saved."""

    slug: str
    title: str
    lead: str
    fields: Sequence[Field]
    has_preview: bool = False


_ORDER = "Providers in order of preference, such as ses, smtp. With shares, as in ses:80, smtp:20, each gets its part."
_USUAL = "Leave it empty for what the installation has."
PROVIDER_LABELS: Mapping[str, str] = {
    "email_providers": "Email",
    "sms_providers": "Text messages",
    "voice_providers": "Phone calls",
    "emergency_email_providers": "Email in emergencies",
    "emergency_sms_providers": "Text messages in emergencies",
    "emergency_voice_providers": "Phone calls in emergencies",
}

LOOK = Subject(
    "look",
    "Name and look",
    "Residents and staff see this at the top of every page of your council, and in emails and texts.",
    (
        Field("name_cy", "Name in Welsh", "Shown on pages and in messages in Welsh.", "Enter at most 100 characters."),
        Field(
            "short_name",
            "Short name",
            "Texts begin with it. A shorter name leaves more room for the message.",
            "Enter 2 to 20 characters.",
            width="medium",
        ),
        Field("colour", "Colour of the band at the top", "White words stand on it. Like #1d4b5c.", width="short"),
        Field("button_colour", "Colour of buttons", "White words stand on them. Like #0b6b3f.", width="short"),
        Field("logo", "Logo", "An SVG or PNG file of at most 20 kB. Emails show PNG only.", kind="image"),
        Field("icon", "Icon", "For browser tabs. A square SVG or PNG file of at most 20 kB.", kind="image"),
    ),
    has_preview=True,
)
_CONTACT = Subject(
    "contact",
    "Contact details",
    "Emails and pages tell residents where they can turn to.",
    (
        Field("contact_page", "Contact page", "Like https://www.example.org/contact."),
        Field("contact_phone", "Telephone number", "Like 01632 960001.", width="medium"),
        Field("contact_email", "Email address", "Like contact@example.org."),
        Field("data_protection_page", "Privacy notice", "Like https://www.example.org/privacy."),
        Field("data_protection_email", "Data protection officer", "An email address like dpo@example.org."),
    ),
    has_preview=True,
)
_SENDER = Subject(
    "sender",
    "Sender",
    "Ask your system administrator before you change an address: emails are refused unless its domain says that this "
    "service may send for it (SPF and DKIM).",
    (
        Field("sender_name", "Name of the email sender", "Empty: your council's name.", "Enter at most 60 characters."),
        Field("sender_address", "Email address of the sender", "Like alerts@example.org."),
        Field(
            "reply_to", "Address for replies to emails", "Empty: replies go to your contact address, or to the sender."
        ),
        Field(
            "sms_sender",
            "Sender of text messages",
            "A name of 3 to 11 letters or digits, which nobody can answer, or a number. Empty: the provider's own.",
            width="medium",
        ),
    ),
    has_preview=True,
)
SUBJECTS: Sequence[Subject] = (
    LOOK,
    _CONTACT,
    _SENDER,
    Subject(
        "languages",
        "Languages",
        "Residents can always choose English and Welsh.",
        (
            Field(
                "languages",
                "Further languages",
                f"Codes such as pl, ur. {_USUAL} Enter “none” for English and Welsh only.",
            ),
        ),
    ),
    Subject(
        "times",
        "Times",
        "When residents who want alerts gathered get them.",
        (
            Field(
                "digest_time",
                "Time of digests",
                f"UK time, like 5pm or 17:00. {_USUAL}",
                "Enter a time like 5pm or 17:00.",
                width="short",
            ),
            Field("digest_day", "Day of weekly digests", cure="Choose a day.", kind="day"),
        ),
    ),
    Subject(
        "retention",
        "Retention",
        "After this time we delete who got which alert. Totals stay.",
        (
            Field(
                "retention_days",
                "Days after an alert's last activity",
                f"From 7 to 90. {_USUAL}",
                "Enter a number of days from 7 to 90.",
                width="short",
            ),
        ),
    ),
    Subject(
        "elections",
        "Pre-election periods",
        "Who writes an alert on these days is reminded to keep it neutral.",
        (
            Field(
                "pre_election",
                "Periods",
                "One on each line, like 22 March 2027 to 6 May 2027. Leave it empty for what the installation has. "
                "Enter “none” for no period.",
                "Enter each period on a line of its own, like 22 March 2027 to 6 May 2027.",
                kind="lines",
            ),
        ),
    ),
    Subject(
        "providers",
        "Providers",
        _ORDER,
        tuple(Field(name, PROVIDER_LABELS[name], _USUAL) for name in values.PROVIDER_SETTINGS),
    ),
    Subject(
        "budget",
        "Budget",
        "At 80% staff are told. Once it is spent, routine alerts wait on hold. Emergencies never wait.",
        (
            Field(
                "monthly_pounds",
                "Pounds a month",
                "Leave it empty for no limit.",
                "Enter an amount in pounds, like 250 or 250.50.",
                width="short",
            ),
        ),
    ),
)
BUDGET = "budget"
MOST_POUNDS = 10_000_000


def subject(slug: str) -> Subject:
    """The subject with this address. Raises: UnknownSubject."""
    for one in SUBJECTS:
        if one.slug == slug:
            return one
    raise UnknownSubject("Go to Settings and choose from there.")


def shown(own: OwnSettings, monthly_pence: int | None) -> Mapping[str, str]:
    """What each field of the forms holds for what a council has chosen."""
    kept = own.model_dump(exclude={"council_id", "changed_at", "pre_election", "languages", "digest_time", "providers"})
    fields = {name: "" if value is None else str(value) for name, value in kept.items()}
    periods = [" to ".join(_day(day) for day in days) for days in own.pre_election or ()]
    return fields | {
        "languages": NONE if own.languages == [] else ", ".join(own.languages or ()),
        "digest_time": f"{own.digest_time:%H:%M}" if own.digest_time else "",
        "pre_election": NONE if own.pre_election == [] else "\n".join(periods),
        "monthly_pounds": "" if monthly_pence is None else f"{monthly_pence / 100:.2f}".removesuffix(".00"),
        **{name: (own.providers or {}).get(name, "").replace(",", ", ") for name in values.PROVIDER_SETTINGS},
    }


def _day(iso: str) -> str:
    return f"{read_day(iso):%-d %B %Y}"


def read_change(about: Subject, form: Form) -> tuple[SettingsChange | None, Sequence[FieldError]]:
    """What a form of this subject changes, or what is wrong with it."""
    given: dict[str, object] = {}
    field_errors: list[FieldError] = []
    providers: dict[str, str] = {}
    for field in about.fields:
        text = form.one(field.name)
        try:
            if field.name in values.PROVIDER_SETTINGS:
                providers |= values.providers({field.name: text})
            elif field.kind != "image":
                given[field.name] = _meaning(field.name, text)
        except ValueError as error:
            field_errors.append(FieldError(field.name, str(error)))
    if about.slug == "providers":
        given["providers"] = providers or None
    try:
        change = SettingsChange.model_validate(given)
    except ValidationError as error:
        field_errors += _errors_of(about, error)
        return None, field_errors
    return (None if field_errors else change), field_errors


def _meaning(name: str, text: str) -> object:
    """What was typed in a field. Raises: ValueError."""
    if name == "languages":
        return [] if text.lower() == NONE else re.split(r"[\s,]+", text) if text else None
    if name == "pre_election":
        return [] if text.lower() == NONE else [_period(line) for line in text.splitlines() if line.strip()] or None
    if name == "digest_time":
        return f"{read_time(text):%H:%M}" if text else None
    return text or None


def _period(line: str) -> Mapping[str, object]:
    first, middle, last = re.sub(r"\s+[–-]\s+|/", " to ", line.strip()).partition(" to ")
    if not middle:
        raise ValueError("Enter each period on a line of its own, like 22 March 2027 to 6 May 2027.")
    return {"first_day": read_day(first), "last_day": read_day(last)}


def _errors_of(about: Subject, error: ValidationError) -> Sequence[FieldError]:
    """A sentence for each field: the rule's own, else what the field says to do."""
    cures = {field.name: field.cure for field in about.fields}
    found: dict[str, str] = {}
    for one in error.errors(include_url=False):
        name, words = str(one["loc"][0]), one["msg"]
        found.setdefault(name, words.removeprefix("Value error, ") if words.startswith("Value error") else cures[name])
    return [FieldError(name, words) for name, words in found.items()]


def read_pounds(text: str) -> int | None:
    """An amount in pence; None where nothing was typed. Raises: ValueError."""
    written = text.replace("£", "").replace(",", "").strip()
    if not written:
        return None
    if not re.fullmatch(r"\d{1,8}(\.\d{1,2})?", written) or float(written) > MOST_POUNDS:
        raise ValueError("Enter an amount in pounds, like 250 or 250.50.")
    return round(float(written) * 100)
