"""Postcodes as people type them, as we store them, and as they are printed.

The stored form is the key: upper case, no spaces (`CB12EX`). Formats follow Royal Mail's six outward shapes
(A9 A99 AA9 AA99 A9A AA9A) and the inward `9AA`. Areas are not listed, so the invented area ZZ passes.
Which postcodes exist is the loaded release's business, not this module's.
"""

import re
import unicodedata

from notify.core.errors import Invalid
from notify.core.typed_text import without_invisible
from notify.languages import _

OUTWARD = r"[A-Z]{1,2}[0-9][0-9A-Z]?"
KEY_PATTERN = re.compile(OUTWARD + r"[0-9][A-Z]{2}", re.ASCII)
_SECTOR_PATTERN = re.compile(rf"({OUTWARD})\s+([0-9])", re.ASCII)
# brackets and quotes of every kind, and what separates
_PUNCTUATION = re.compile(r"[\s.,;:\-\u2010-\u2015()\[\]{}<>\"'`´\u2018-\u201f\u2039\u203a«»_*]+")
_LONGEST_QUOTE = 20
_TO_DIGIT = {"O": "0", "I": "1"}
_TO_LETTER = {"0": "O", "1": "I"}
_SHAPES = ("A9", "A99", "AA9", "A9A", "AA99", "AA9A")
_FORCES = re.compile(r"BFPO(?:C/O)?[0-9]{1,4}")


class PostcodeNotValid(Invalid):
    """The text has not the shape of a postcode, or of a postcode sector."""

    title = "That is not a postcode"


class PostcodeNotServed(PostcodeNotValid):
    """The postcode is of a place that no council of the United Kingdom covers."""

    title = "No UK council covers this postcode"


def normalise(text: str) -> str:
    """The postcode's key, `CB12EX`, from any common way of typing it.

    Repairs case, spaces, stray punctuation, brackets, quotes, and characters that nobody sees or that are full-width.
    O for 0 and I for 1 (or the reverse) are repaired only where the format leaves one reading.
    Raises: PostcodeNotValid, and of its kind PostcodeNotServed for the Crown dependencies and the forces' own.
    """
    typed = _PUNCTUATION.sub("", unicodedata.normalize("NFKC", without_invisible(text)))
    key = _unslip(typed.upper()) if typed.isascii() else ""
    if elsewhere := _not_served(key):
        raise PostcodeNotServed(elsewhere)
    if not KEY_PATTERN.fullmatch(key):
        raise PostcodeNotValid(
            _(
                "“{text}” is not a full postcode. Write it like CB1 2EX: letters and a number, then a number and two "
                "letters.",
                text=_quoted(text),
            )
        )
    return key


def _not_served(key: str) -> str:
    """Why no council of the United Kingdom covers this postcode; empty where one may."""
    if _FORCES.fullmatch(key) or re.match(r"BF1[0-9][A-Z]{2}$", key):
        return _(
            "BFPO postcodes move with the forces and lie in no ward. Enter the postcode of your home in the United "
            "Kingdom."
        )
    if not KEY_PATTERN.fullmatch(key):
        return ""
    place = {"JE": _("Jersey"), "GY": _("Guernsey"), "IM": _("the Isle of Man")}.get(key[:2])
    if place is None:
        return ""
    return _(
        "{postcode} is in {place}, which no council of the United Kingdom covers. Enter a postcode in the United "
        "Kingdom.",
        postcode=canonical(key),
        place=place,
    )


def where_instead(key: str) -> str:
    """Why a postcode may be unknown though it exists: where it lies. Empty where nothing is special about it."""
    if not key.startswith("BT"):
        return ""
    return _(
        "{postcode} is in Northern Ireland, whose postcodes are not in the data loaded here.",
        postcode=canonical(key),
    )


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
    return bool(_SECTOR_PATTERN.fullmatch(_as_sector(text)))


def sector_key(text: str) -> str:
    """What every key of the sector holds before its last two letters: `CB12` for `CB1 2`.

    Compare it with the key less two characters, never as a prefix: `CB122EX` starts with `CB12` and lies in the
    sector CB12 2. In SQL: `left(key, length(key) - 2) = :sector_key`.
    Raises: PostcodeNotValid.
    """
    match = _SECTOR_PATTERN.fullmatch(_as_sector(text))
    if match is None:
        raise PostcodeNotValid(f"“{_quoted(text)}” is not a postcode sector. Write it like CB1 2, with the space.")
    return match[1] + match[2]


def _as_sector(text: str) -> str:
    """What was typed, with plain spaces where other kinds stood."""
    return without_invisible(unicodedata.normalize("NFKC", text)).strip().upper()


def in_sector(key: str, sector: str) -> bool:
    """Whether the key lies in the sector, `sector` being a `sector_key`."""
    return key[:-2] == sector


def _unslip(key: str) -> str:
    """The key with O and 0, I and 1 put right, if exactly one reading takes the fewest changes."""
    if KEY_PATTERN.fullmatch(key) or not 5 <= len(key) <= 7:
        return key
    inward = _coerced(key[-3:], "9AA")
    # no outward part ends in the letter O or I
    shapes = [shape for shape in _SHAPES if len(shape) == len(key) - 3 and not (shape[-1] == "A" and key[-4] in "OI01")]
    outwards = {_coerced(key[:-3], shape) for shape in shapes}
    readings = {outward + inward for outward in outwards if outward and inward}
    if not readings:
        return key
    changes = {reading: sum(a != b for a, b in zip(reading, key, strict=True)) for reading in readings}
    fewest = min(changes.values())
    nearest = [reading for reading, number in changes.items() if number == fewest]
    return nearest[0] if len(nearest) == 1 else key


def _coerced(typed: str, shape: str) -> str:
    """The characters as letters (A) and digits (9), a slip put right; empty where they are neither."""
    read = []
    for character, kind in zip(typed, shape, strict=True):
        if kind == "9":
            fit = _TO_DIGIT.get(character, character)
            read.append(fit if fit.isdigit() else "")
        else:
            fit = _TO_LETTER.get(character, character)
            read.append(fit if fit.isalpha() else "")
    return "".join(read) if all(read) else ""


def _quoted(text: str) -> str:
    shown = " ".join(text.split())
    return shown if len(shown) <= _LONGEST_QUOTE else shown[:_LONGEST_QUOTE] + "…"
