"""What languages, devices and providers are called on the pages of figures."""

from collections.abc import Mapping

from babel import Locale, UnknownLocaleError

UNKNOWN_WARD = "Ward not known"
DEVICES: Mapping[str, str] = {
    "phone": "Telephone",
    "tablet": "Tablet",
    "computer": "Computer",
    "mail-proxy": "Mail service’s own computer",
    "program": "Program",
    "unknown": "Not known",
}


def language(code: str) -> str:
    """A language, by its English name where it has one."""
    try:
        return Locale.parse(code).get_display_name("en") or code
    except (UnknownLocaleError, ValueError):
        return code


def device(kind: str) -> str:
    """What someone read with."""
    return DEVICES.get(kind, kind)


def provider(name: str) -> str:
    """A provider by its name; those never sent have none."""
    return name or "None: never sent"
