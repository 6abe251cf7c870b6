"""Addresses as people write them, made into the one form that is stored and sent to."""

import re

import phonenumbers
from email_validator import EmailNotValidError, validate_email

from notify.channels import CHANNELS, AddressKind, Channel
from notify.core import tokens
from notify.core.errors import Invalid
from notify.core.settings import settings
from notify.core.typed_text import with_scheme, without_invisible
from notify.languages import _
from notify.providers.base import ProviderRejected
from notify.providers.webhook import ssrf

# Ofcom keeps these numbers free for drama; they reach nobody, which is what demonstrations and tests want
_DRAMA_MOBILE = re.compile(r"\+447700900\d{3}")
_DRAMA_LANDLINE = re.compile(
    r"\+44(?:(?:113|114|115|116|117|118|121|131|141|151|161)4960\d{3}|2079460\d{3}|1914980\d{3}|2890180\d{3}"
    r"|2920180\d{3}|1632960\d{3})"
)
# where they look alike, as in America, a number may be either
_TEXTED = (phonenumbers.PhoneNumberType.MOBILE, phonenumbers.PhoneNumberType.FIXED_LINE_OR_MOBILE)
_CALLED = (
    phonenumbers.PhoneNumberType.FIXED_LINE,
    phonenumbers.PhoneNumberType.MOBILE,
    phonenumbers.PhoneNumberType.FIXED_LINE_OR_MOBILE,
    phonenumbers.PhoneNumberType.VOIP,
)


class AddressNotValid(Invalid):
    """Nothing can be sent to this address."""

    title = "The address is not valid"


def normalise(channel: Channel, text: str) -> str:
    """The address in the form that is stored: e-mail in lower case, phone as +44…, webhook as an https URL.

    Raises: AddressNotValid with a sentence a resident can act on.
    """
    return _NORMALISERS[CHANNELS[channel].address](without_invisible(text).strip())


def fingerprint(channel: Channel, address: str) -> bytes:
    """A keyed hash that finds or suppresses a normalised address without keeping it."""
    return tokens.keyed_hash("address", f"{channel}:{address}")


def _email(text: str) -> str:
    try:
        found = validate_email(text, check_deliverability=False, test_environment=True)
    except EmailNotValidError:
        raise AddressNotValid(_("Enter an email address like name@example.org.")) from None
    if found.ascii_email is None:
        raise AddressNotValid(_("The part before the @ may only hold plain letters, digits and marks."))
    return found.ascii_email.lower()


def _mobile(text: str) -> str:
    number = _uk_number(text, _("Enter a UK mobile number like 07700 900123."))
    written = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    if _DRAMA_MOBILE.fullmatch(written):
        return _unless_live(written)
    if phonenumbers.number_type(number) not in _TEXTED:
        raise AddressNotValid(_("Enter a UK mobile number like 07700 900123. Texts cannot reach other numbers."))
    return written


def _telephone(text: str) -> str:
    number = _uk_number(text, _("Enter a UK telephone number like 0113 496 0123 or 07700 900123."))
    written = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    if _DRAMA_MOBILE.fullmatch(written) or _DRAMA_LANDLINE.fullmatch(written):
        return _unless_live(written)
    if phonenumbers.number_type(number) not in _CALLED:
        raise AddressNotValid(_("Enter a UK landline or mobile number. We do not call premium or special numbers."))
    return written


def _uk_number(text: str, advice: str) -> phonenumbers.PhoneNumber:
    """What people mean: `+07…`, `0+44…` and `0044…`, with spaces, brackets and dashes, or without the first zero."""
    digits = re.sub(r"^0?\+0+(?!44)", "0", re.sub(r"^0\+44", "+44", re.sub(r"[\s\-.]", "", text)))
    try:
        number = phonenumbers.parse(digits, "GB")
    except phonenumbers.NumberParseException:
        raise AddressNotValid(advice) from None
    if number.country_code not in settings().phone_codes or number.extension:
        raise AddressNotValid(advice)
    return number


def _unless_live(written: str) -> str:
    """A number kept free for drama, which a live installation does not take: someone meant another."""
    if settings().is_secure:
        raise AddressNotValid(_("This number is reserved for TV and film. Enter your own number."))
    return written


def _webhook(text: str) -> str:
    if "#" in text:
        raise AddressNotValid(_("Remove the # and everything after it."))
    text = with_scheme(text)
    try:
        wanted = ssrf.read(text)
    except ProviderRejected as error:
        raise AddressNotValid(
            _("Enter a webhook address like https://example.org/alerts. {reason}", reason=error)
        ) from None
    stored = wanted.url_at(wanted.host)
    # an address without a path is kept without one, as it always was: its fingerprint finds it
    return stored.removesuffix("/") if "/" not in text.partition("://")[2] and "?" not in text else stored


_NORMALISERS = {
    AddressKind.MAILBOX: _email,
    AddressKind.MOBILE: _mobile,
    AddressKind.TELEPHONE: _telephone,
    AddressKind.URL: _webhook,
}
