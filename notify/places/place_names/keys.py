"""A name as it is searched, and its parts, so that a slip of a letter still finds it."""

import re
import unicodedata
from collections.abc import Set

LONGEST = 80
_APOSTROPHES = re.compile("['’‘`]")
_OTHER = re.compile(r"[^a-z0-9]+")


def key_of(name: str) -> str:
    """Lower case, without accents and punctuation, one space between words: `St Mary's Rd.` is `st marys rd`."""
    plain = "".join(one for one in unicodedata.normalize("NFKD", name) if not unicodedata.combining(one))
    return _OTHER.sub(" ", _APOSTROPHES.sub("", plain.casefold())).strip()[:LONGEST]


def parts_of(key: str, *, is_begun: bool = False) -> Set[str]:
    """The groups of three letters in a key, word by word; without the end of the last word where it `is_begun` only."""
    words = key.split()
    found = {word[at : at + 3] for word in (f"  {one} " for one in words) for at in range(len(word) - 2)}
    if is_begun and words and len(words[-1]) > 1:
        found.discard(f"{words[-1][-2:]} ")
    return found
