"""Text as word processors, phones and web pages leave it in the clipboard, made fit to be sent."""

import re
import unicodedata

# what looks like a space becomes one: no-break, thin, narrow, ideographic …; what looks like a line's end becomes one
_LINE_ENDS = re.compile("\r\n|[\r\v\f\u0085\u2028\u2029]")
_SPACES = re.compile("[\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]")
# what nobody sees and no word needs: soft hyphen, zero-width space, word joiner, byte order mark, private use
_PADDING = re.compile("[\u00ad\u200b\u2060-\u2064\ufeff\ue000-\uf8ff\U000f0000-\U0010fffd]")
_ISOLATES = "\u2066\u2067\u2068"
_END_OF_ISOLATE = "\u2069"
# these turn what stands around them over, and cannot be closed in the same field by everyone who shows it
_OVERRIDES = re.compile("[\u202a-\u202e]")


def cleaned(words: str) -> str:
    """The words as they can be sent: spaces are spaces, padding is gone, joiners and direction marks stay.

    Raises: ValueError, a sentence that names the place, for control characters, overrides and halves of characters.
    """
    words = _PADDING.sub("", _SPACES.sub(" ", _LINE_ENDS.sub("\n", words)))
    for at, character in enumerate(words):
        if _is_refused(character):
            before = words[max(0, at - 15) : at].split("\n")[-1].strip()
            where = f"after “{before}”" if before else "at the beginning of a line"
            raise ValueError(f"There is a character that cannot be sent {where}: delete it and type the words again.")
    return words + _END_OF_ISOLATE * _open_isolates(words)


def _is_refused(character: str) -> bool:
    return (unicodedata.category(character) in ("Cc", "Cs") and character not in "\n\t") or bool(
        _OVERRIDES.match(character)
    )


def _open_isolates(words: str) -> int:
    is_open = 0
    for character in words:
        if character in _ISOLATES:
            is_open += 1
        elif character == _END_OF_ISOLATE and is_open:
            is_open -= 1
    return is_open
