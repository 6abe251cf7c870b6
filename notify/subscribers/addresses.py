"""Addresses as people write them, made into the one form that is stored and sent to."""

from urllib.parse import urlsplit

import phonenumbers
from email_validator import EmailNotValidError, validate_email

from notify import tokens
from notify.errors import Invalid
from notify.providers.base import Channel

# Ofcom keeps these mobile numbers free for drama; they reach nobody, which is what demonstrations and tests want
_DRAMA_MOBILE = "+447700900"


class AddressNotValid(Invalid):
    """Nothing can be sent to this address."""

    title = "The address is not valid"


def normalise(channel: Channel, text: str) -> str:
    """The address in the form that is stored: e-mail in lower case, phone as +44…, webhook as an https URL.

    Raises: AddressNotValid with a sentence a resident can act on.
    """
    return _NORMALISERS[channel](text.strip())


def fingerprint(channel: Channel, address: str) -> bytes:
    """A keyed hash that finds or suppresses a normalised address without keeping it."""
    return tokens.keyed_hash("address", f"{channel}:{address}")


def _email(text: str) -> str:
    try:
        found = validate_email(text, check_deliverability=False, test_environment=True)
    except EmailNotValidError as error:
        raise AddressNotValid(f"Enter an e-mail address like name@example.org. {error}") from None
    if found.ascii_email is None:
        raise AddressNotValid("The part before the @ may only hold plain letters, digits and marks.")
    return found.ascii_email.lower()


def _mobile(text: str) -> str:
    try:
        number = phonenumbers.parse(text, "GB")
    except phonenumbers.NumberParseException:
        raise AddressNotValid("Enter a UK mobile number like 07700 900123.") from None
    written = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    if written.startswith(_DRAMA_MOBILE) and len(written) == 13:
        return written
    mobile = phonenumbers.PhoneNumberType.MOBILE
    if number.country_code != 44 or phonenumbers.number_type(number) != mobile:
        raise AddressNotValid("Enter a UK mobile number like 07700 900123. Texts cannot reach other numbers.")
    return written


def _webhook(text: str) -> str:
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise AddressNotValid("Enter a webhook address like https://example.org/alerts.") from None
    if parts.scheme not in ("https", "http") or not parts.hostname or parts.username or parts.fragment:
        raise AddressNotValid("Enter a webhook address like https://example.org/alerts, without name or password.")
    authority = parts.hostname.lower() + (f":{port}" if port else "")
    return parts._replace(netloc=authority).geturl()


_NORMALISERS = {Channel.EMAIL: _email, Channel.SMS: _mobile, Channel.WEBHOOK: _webhook}
