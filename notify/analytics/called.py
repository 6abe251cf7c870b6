"""What ways, languages, devices and providers are called on the pages of figures."""

from collections.abc import Mapping

from babel import Locale, UnknownLocaleError

UNKNOWN_WARD = "Ward not known"
WAYS: Mapping[str, str] = {
    "email": "Email",
    "sms": "Text message",
    "voice": "Telephone call",
    "webhook": "Webhook",
}
DEVICES: Mapping[str, str] = {
    "phone": "Telephone",
    "tablet": "Tablet",
    "computer": "Computer",
    "mail-proxy": "Mail service’s own computer",
    "program": "Program",
    "unknown": "Not known",
}


def way(channel: str) -> str:
    """A channel, as people call it."""
    return WAYS.get(channel, channel)


def language(code: str) -> str:
    """A language, by its English name where it has one."""
    try:
        return Locale.parse(code).get_display_name("en") or code
    except (UnknownLocaleError, ValueError):
        return code


def device(kind: str) -> str:
    """What somebody read with."""
    return DEVICES.get(kind, kind)


def provider(name: str) -> str:
    """A provider by its name; those never handed over have none."""
    return name or "None: never sent"
