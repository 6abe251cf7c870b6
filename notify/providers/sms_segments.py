"""How many parts a text message is sent and paid for as, and which characters make it more. Nothing is changed."""

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal

Encoding = Literal["GSM-7", "UCS-2"]

# 3GPP TS 23.038: the default alphabet, and what is reached from it by an escape and so takes two places
BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
EXTENSION = frozenset("\f^{}\\[~]|€")

# places in a text of one part, and in each part where several are joined by a header of six bytes
ONE_PART = {"GSM-7": 160, "UCS-2": 70}
EACH_PART = {"GSM-7": 153, "UCS-2": 67}
NAMED_AT_MOST = 5
AROUND = 15  # characters that say where in a text
# what word processors put in the place of what was typed
_PLAIN = {
    **dict.fromkeys("‘’‚‛′`´ʼ", "'"),
    **dict.fromkeys("“”„‟″«»", '"'),
    **dict.fromkeys("–—‒‐‑―−", "-"),
    **dict.fromkeys("•·●▪◦", "-"),
    **dict.fromkeys("\u00a0\u2009\u202f\t", " "),
    "…": "...",
}


@dataclass(frozen=True, slots=True)
class Segments:
    """What a text takes: `characters` are places, two for some characters; `room` is left in the last part.

    `forcing` are the different characters that GSM-7 lacks, in the order they come. `segments_without` is how many
    parts it would be if each of them were one that GSM-7 has.
    """

    encoding: Encoding
    characters: int
    segments: int
    forcing: tuple[str, ...]
    room: int
    segments_without: int


def count(text: str) -> Segments:
    """The parts of a text as a phone network counts them. Even an empty text is one part."""
    forcing = tuple(dict.fromkeys(character for character in text if not _gsm_places(character)))
    plain = [_gsm_places(character) or 1 for character in text]
    without, left_without = _parts(plain, "GSM-7")
    if not forcing:
        return Segments("GSM-7", sum(plain), without, (), left_without, without)
    wide = [1 if character <= "\uffff" else 2 for character in text]
    parts, left = _parts(wide, "UCS-2")
    return Segments("UCS-2", sum(wide), parts, forcing, left, without)


def advice(segments: Segments) -> str:
    """A sentence that names the characters that cost parts; empty where none do."""
    if segments.segments <= segments.segments_without:
        return ""
    names = [_name(character) for character in segments.forcing]
    if len(names) > NAMED_AT_MOST + 1:
        names = [*names[:NAMED_AT_MOST], f"{len(names) - NAMED_AT_MOST} other characters"]
    verb = "makes" if len(names) == 1 else "make"
    return (
        f"The {_joined(names)} {verb} this text cost {segments.segments} parts instead of {segments.segments_without}."
    )


def first_wide(text: str) -> str:
    """A sentence that finds the first character outside GSM-7 and says what to write instead; empty without any."""
    at = next((at for at, character in enumerate(text) if not _gsm_places(character)), None)
    if at is None:
        return ""
    before = " ".join(text[max(0, at - AROUND) : at].split("\n")[-1].split())
    where = f"after “{before}”" if before else "at the beginning of a line"
    return (
        f"The {_name(text[at])} {where} makes a part hold {ONE_PART['UCS-2']} characters instead of "
        f"{ONE_PART['GSM-7']} (UCS-2). {_instead(text[at])}"
    ).rstrip()


def _instead(character: str) -> str:
    """What to write for a character that GSM-7 lacks."""
    plain = _PLAIN.get(character) or "".join(
        part for part in unicodedata.normalize("NFKD", character) if _gsm_places(part)
    )
    if plain == " ":
        return "Type a space instead."
    if plain:
        return f"Write {plain} instead."
    return "" if character.isalpha() else "Leave it out to keep the text short."


@cache
def _gsm_places(character: str) -> int:
    """How many places a character takes in GSM-7; 0 if it is not in it."""
    return 1 if character in BASIC else 2 if character in EXTENSION else 0


def _parts(places: Iterable[int], encoding: Encoding) -> tuple[int, int]:
    """How many parts hold characters of these sizes, none of them cut in two, and what is left in the last."""
    sizes = list(places)
    left = ONE_PART[encoding] - sum(sizes)
    if left >= 0:
        return 1, left
    parts, left = 1, EACH_PART[encoding]
    for size in sizes:
        if size > left:
            parts, left = parts + 1, EACH_PART[encoding]
        left -= size
    return parts, left


def _name(character: str) -> str:
    """How a reader finds the character: itself, or its name where there is nothing to see."""
    is_seen = character.isprintable() and not character.isspace() and not unicodedata.combining(character)
    if is_seen:
        return f"“{character}”"
    name = unicodedata.name(character, "character").lower()
    return f"{name} (U+{ord(character):04X})"


def _joined(names: Sequence[str]) -> str:
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last
