"""From plain words to speech: SSML for telephone calls, and a recording to listen to beforehand."""

import re
import shutil
import subprocess
from collections.abc import Sequence
from xml.sax.saxutils import escape

PREVIEW_S = 20.0
PREVIEW_CHARACTERS = 4000
VOICES = {"en": "en-gb", "cy": "cy"}  # as espeak-ng calls them
WORDS_A_MINUTE = "150"

_UNSAYABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # what XML 1.0 has no way to write
_SENTENCE_END = re.compile(r"(?<=[.!?…])(?<!\bSt\.)(?<!\bMr\.)(?<!\bDr\.)(?<!\bMrs\.)\s+(?=[^\W_a-z])|\s*[\n\r]+\s*")
_PIECES = re.compile(r"[^\W_]+")
_ONE_BY_ONE = re.compile(
    r"(?P<telephone>(?<![\w.])(?:\+44[ ]?\(?0?\)?[ ]?|\(?0)[1-9](?:[ )-]{0,2}[0-9]){8,9}(?![\w-]))"
    r"|(?P<postcode>\b[A-Z]{1,2}[0-9][A-Z0-9]?[ ]?[0-9][A-Z]{2}\b)"
    r"|(?P<short>\b999\b|(?:(?<=\bcall )|(?<=\bring )|(?<=\bdial )|(?<=\bphone )|(?<=\bffoniwch )|(?<=\bdeialwch )"
    r"|(?<=\bor )|(?<=\bneu ))(?:101|105|111|112)\b)",
    re.ASCII | re.IGNORECASE,
)


def sentences(text: str) -> Sequence[str]:
    """The sentences of a text, each on one line; every line of the text ends one. What cannot be said is left out."""
    said = (" ".join(part.split()) for part in _SENTENCE_END.split(_UNSAYABLE.sub("", text)) if part)
    return [sentence for sentence in said if sentence]


def to_ssml(sentence: str) -> str:
    """One sentence as an SSML element. Telephone numbers and postcodes are read out one character after another."""
    written, end = [], 0
    for found in _ONE_BY_ONE.finditer(sentence):
        if found["postcode"] and not found["postcode"].isupper():
            continue
        way = "characters" if found["postcode"] else "digits"
        written += [escape(sentence[end : found.start()]), _one_by_one(found[0], way)]
        end = found.end()
    return f"<s>{''.join(written)}{escape(sentence[end:])}</s>"


def _one_by_one(words: str, way: str) -> str:
    """Each group by itself, so that there is a pause where people write one."""
    return _PIECES.sub(lambda group: f'<say-as interpret-as="{way}">{group[0]}</say-as>', words)


def fitting(text: str, limit: int) -> tuple[str, bool]:
    """SSML of as many whole sentences as fit into `limit` bytes of UTF-8, and whether that is all of them.

    A first sentence that is too long by itself is cut after a word.
    """
    left, written = limit, []
    said = sentences(text)
    for sentence in said:
        ssml = to_ssml(sentence)
        left -= len(ssml.encode())
        if left < 0:
            break
        written.append(ssml)
    if not written and said:
        return _cut(said[0], limit), False
    return "".join(written), len(written) == len(said)


def _cut(sentence: str, limit: int) -> str:
    """The beginning of a sentence, whole words where there are any, in at most `limit` bytes."""
    words = sentence[:limit].split(" ")
    while len(words) > 1:
        words.pop()
        ssml = to_ssml(" ".join(words))
        if len(ssml.encode()) <= limit:
            return ssml
    longest = sentence[: max(0, limit - len("<s></s>"))]
    while longest and len(to_ssml(longest).encode()) > limit:
        longest = longest[: -max(1, len(longest) // 10)]
    return to_ssml(longest) if longest else ""


def preview(text: str, language: str) -> bytes | None:
    """A WAV recording of the text as espeak-ng reads it; None where that is not installed or fails.

    It gives an idea of the length and of how names are read. The voice on the telephone is another.
    """
    program = shutil.which("espeak-ng")
    if program is None:
        return None
    said = "\n".join(sentences(text))[:PREVIEW_CHARACTERS]
    command = [program, "-v", VOICES.get(language, VOICES["en"]), "-s", WORDS_A_MINUTE, "--stdin", "--stdout"]
    try:
        done = subprocess.run(  # noqa: S603 - the words go by stdin, so they are no options
            command, input=said.encode(), capture_output=True, timeout=PREVIEW_S, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return _with_sizes(done.stdout) if done.stdout.startswith(b"RIFF") else None


def _with_sizes(wav: bytes) -> bytes:
    """The same recording with its length in its head, which a program that writes to a pipe does not know."""
    at = wav.find(b"data")
    if at < 0 or len(wav) < at + 8:
        return wav
    data = wav[at + 8 :]
    sizes = ((len(wav) - 8).to_bytes(4, "little"), len(data).to_bytes(4, "little"))
    return wav[:4] + sizes[0] + wav[8 : at + 4] + sizes[1] + data
