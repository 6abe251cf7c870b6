"""What may be written in one of a council's settings. Refusals are ValueErrors that say what to enter instead."""

import re
from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

from babel import localedata

from notify.channels import CHANNELS, PROVIDERS_SETTINGS, Content
from notify.core.setting_values import ADDRESS, COLOUR, LEAST_CONTRAST, choices, contrast_with_white, shares_are_whole
from notify.core.settings import settings
from notify.core.typed_text import email_key, with_scheme
from notify.languages import LANGUAGES

LONGEST_ADDRESS = 254
LONGEST_URL = 500
_PHONE = re.compile(r"\+?[0-9][0-9 ()-]{2,28}[0-9]")
_NAME_OF_SENDER = re.compile(r"(?=.*[A-Za-z])[A-Za-z0-9 ]{3,11}")
_NUMBER = re.compile(r"\+?[0-9]{5,15}")
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")

# the settings of order that a council may choose: a webhook is its receiver's own service
PROVIDER_SETTINGS: Sequence[str] = tuple(
    name
    for name in PROVIDERS_SETTINGS
    if not name.startswith(tuple(one.channel for one in CHANNELS.values() if one.content is Content.DATA))
)


def colour(value: str) -> str:
    """A colour that white words can be read on. Raises: ValueError, which tells the contrast."""
    if not COLOUR.fullmatch(value):
        raise ValueError("Enter a colour as # and six digits or letters from a to f, like #1d4b5c.")
    contrast = contrast_with_white(value)
    if contrast < LEAST_CONTRAST:
        raise ValueError(
            f"White words on {value} have a contrast of {contrast:.1f} to 1. Choose a darker colour, with at least "
            f"{LEAST_CONTRAST} to 1."
        )
    return value.lower()


def page_address(value: str) -> str:
    """An address of a page that begins with https. Raises: ValueError."""
    written = with_scheme(value)
    try:
        parts = urlsplit(written)
    except ValueError:
        parts = urlsplit("")
    if parts.scheme != "https" or not parts.hostname or "." not in parts.hostname or len(written) > LONGEST_URL:
        raise ValueError("Enter the address of a page that begins with https://, like https://www.example.org/contact.")
    if re.search(r"[\s<>\"]", written):
        raise ValueError("Enter the address of a page without spaces, quotation marks or angle brackets.")
    return written


def email_address(value: str) -> str:
    """An email address in small letters. Raises: ValueError."""
    written = email_key(value)
    if not ADDRESS.fullmatch(written) or len(written) > LONGEST_ADDRESS or not written.isascii():
        raise ValueError("Enter an email address like alerts@example.org.")
    return written


def phone(value: str) -> str:
    """A telephone number as people write it. Raises: ValueError."""
    written = " ".join(value.split())
    if not _PHONE.fullmatch(written):
        raise ValueError("Enter a telephone number like 01632 960001.")
    return written


def sms_sender(value: str) -> str:
    """Who texts come from. Raises: ValueError."""
    written = value.strip()
    if not any(form.fullmatch(written) for form in (_NAME_OF_SENDER, _NUMBER, _UUID)):
        raise ValueError(
            "Enter a name of 3 to 11 letters, digits or spaces with at least one letter, a number like +447700900123, "
            "or the id of a text message sender of GOV.UK Notify."
        )
    return written


def takes_replies(sender: str) -> bool:
    """Whether a resident can answer a text from this sender: a number takes answers, a name cannot."""
    return _NUMBER.fullmatch(sender) is not None


def languages(value: Sequence[str]) -> list[str]:
    """Codes of languages beside our own, each once. Raises: ValueError."""
    codes = list(dict.fromkeys(code.strip().lower() for code in value if code.strip()))
    for code in codes:
        if not re.fullmatch("[a-z]{2,3}", code) or not localedata.exists(code):
            raise ValueError(f"{code!r} is not the code of a language. Enter codes such as pl for Polish.")
    return [code for code in codes if code not in LANGUAGES]


def providers(value: Mapping[str, str]) -> dict[str, str]:
    """Orders of providers by setting, of those that the installation has set up. Raises: ValueError."""
    found = {}
    for name, order in value.items():
        if name not in PROVIDER_SETTINGS:
            raise ValueError(f"{name!r} is not a setting. Use {', '.join(PROVIDER_SETTINGS)}.")
        if not order.strip():
            continue
        chosen = choices(order)
        if not shares_are_whole(chosen):
            raise ValueError("Give each provider a share above 0, as in ses:80, smtp:20, or none of them.")
        if strange := [one.name for one in chosen if one.name not in offered(name)]:
            there = ", ".join(offered(name)) or "none"
            raise ValueError(f"{', '.join(strange)} is not set up here for this. Set up here: {there}.")
        found[name] = ",".join(one.name if one.share is None else f"{one.name}:{one.share:g}" for one in chosen)
    return found


def offered(setting: str) -> Sequence[str]:
    """The providers that the installation has set up for the channel of this setting."""
    channel = next(one for one in CHANNELS.values() if setting in (one.providers_setting, one.emergency_setting))
    both = (settings().providers_for(channel.channel, emergency=urgent) for urgent in (False, True))
    return list(dict.fromkeys(one.name for chosen in both for one in chosen))
