"""Postcodes as people type them, as we store them, and as they are printed.

The stored form is the key: upper case, no spaces (`CB12EX`). Formats follow Royal Mail's six outward shapes
(A9 A99 AA9 AA99 A9A AA9A) and the inward `9AA`. Areas are not listed, so the invented area ZZ passes.
Which postcodes exist is the loaded release's business, not this module's.
"""

import re
import unicodedata

from notify.errors import Invalid
from notify.languages import _

OUTWARD = r"[A-Z]{1,2}[0-9][0-9A-Z]?"
KEY_PATTERN = re.compile(OUTWARD + r"[0-9][A-Z]{2}", re.ASCII)
_SECTOR_PATTERN = re.compile(rf"({OUTWARD})\s+([0-9])", re.ASCII)
_PUNCTUATION = re.compile(r"[\s.,\-\u200b\ufeff]+")
_LONGEST_QUOTE = 20
_TO_DIGIT = {"O": "0", "I": "1"}
_TO_LETTER = {"0": "O", "1": "I"}


class PostcodeNotValid(Invalid):
    """The text has not the shape of a postcode, or of a postcode sector."""

    title = "That is not a postcode"


def normalise(text: str) -> str:
    """The postcode's key, `CB12EX`, from any common way of typing it.

    Repairs case, spaces, stray dots, commas and hyphens, and full-width characters. O for 0 and I for 1 (or the
    reverse) are repaired only where the format leaves one reading: the first character is always a letter and
    the last part always starts with a digit.
    Raises: PostcodeNotValid.
    """
    typed = _PUNCTUATION.sub("", unicodedata.normalize("NFKC", text))
    key = _unslip(typed.upper()) if typed.isascii() else ""
    if not KEY_PATTERN.fullmatch(key):
        raise PostcodeNotValid(
            _(
                "“{text}” is not a full postcode. Write it like CB1 2EX: letters and a number, then a number and two "
                "letters.",
                text=_quoted(text),
            )
        )
    return key


def canonical(key: str) -> str:
    """The printed form of a key: `CB1 2EX`."""
    return f"{key[:-3]} {key[-3:]}"


def sector_of(key: str) -> str:
    """The sector a postcode lies in: `CB1 2` for `CB12EX`, `CB12 2` for `CB122EX`."""
    return f"{key[:-3]} {key[-3]}"


def is_sector(text: str) -> bool:
    """Whether the text is a sector, `CB1 2`.

    The space must be there: `CB12` is the outward code CB12, not the sector CB1 2.
    """
    return bool(_SECTOR_PATTERN.fullmatch(text.strip().upper()))


def sector_key(text: str) -> str:
    """What every key of the sector holds before its last two letters: `CB12` for `CB1 2`.

    Compare it with the key less two characters, never as a prefix: `CB122EX` starts with `CB12` and lies in the
    sector CB12 2. In SQL: `left(key, length(key) - 2) = :sector_key`.
    Raises: PostcodeNotValid.
    """
    match = _SECTOR_PATTERN.fullmatch(text.strip().upper())
    if match is None:
        raise PostcodeNotValid(f"“{_quoted(text)}” is not a postcode sector. Write it like CB1 2, with the space.")
    return match[1] + match[2]


def in_sector(key: str, sector: str) -> bool:
    """Whether the key lies in the sector, `sector` being a `sector_key`."""
    return key[:-2] == sector


def _unslip(key: str) -> str:
    if len(key) < 5:
        return key
    first = _TO_LETTER.get(key[0], key[0])
    inward = _TO_DIGIT.get(key[-3], key[-3])
    return first + key[1:-3] + inward + key[-2:]


def _quoted(text: str) -> str:
    shown = " ".join(text.split())
    return shown if len(shown) <= _LONGEST_QUOTE else shown[:_LONGEST_QUOTE] + "…"
