"""Templates, and message skeletons that are compiled once and filled per person in microseconds."""

import html
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from email.header import Header
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formataddr
from functools import cache

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from notify.channels import BY_FIELD, info
from notify.core import clock
from notify.languages import direction
from notify.packaged import packaged

TEMPLATES = packaged("templates")

# eight-bit body: a marker must come out of MIME as it went in
_POLICY = SMTP.clone(cte_type="8bit", max_line_length=900)
# nobody who writes an alert can guess it, so no text of theirs is ever taken for a marker
_SECRET = secrets.token_hex(8)
LONGEST_PLAIN_HEADER = 800


@dataclass(frozen=True, slots=True)
class Piece:
    """Lines of one kind: of a paragraph (`p`), or the items of a list with marks (`ul`) or with numbers (`ol`).

    `start` is the number that a numbered list begins with.
    """

    kind: str
    lines: Sequence[str]
    start: int = 1


_MARK = re.compile(r"\s*(?:[-*•·–]|(?P<number>\d{1,2})[.)])\s+(?P<item>\S.*)")


def pieces(paragraph: str) -> Sequence[Piece]:
    """A paragraph as people write it, cut into plain lines and lists. One numbered line alone is no list."""
    found: list[tuple[str, int, list[str]]] = []
    for line in paragraph.splitlines():
        item = _MARK.fullmatch(line)
        kind = "p" if item is None else "ol" if item["number"] else "ul"
        words = item["item"] if item else line
        if found and found[-1][0] == kind:
            found[-1][2].append(words)
        else:
            found.append((kind, int(item["number"]) if item and item["number"] else 1, [words]))
    if len(found) == 1 and found[0][0] == "ol" and len(found[0][2]) == 1:
        return [Piece("p", paragraph.splitlines())]
    return [Piece(kind, lines, start) for kind, start, lines in found]


def environment(folder: str) -> Environment:
    """A Jinja environment for `templates/<folder>` that escapes HTML and refuses undefined names."""
    made = Environment(
        loader=FileSystemLoader(TEMPLATES / folder),
        autoescape=select_autoescape(("html",)),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {"pieces": pieces, "uk_time": clock.uk_time, "uk_second": clock.uk_second, "uk_day": clock.uk_day}
    made.globals |= {"direction": direction, "channel_info": info, "channel_by_field": BY_FIELD}
    return made


def marker(name: str) -> str:
    """What stands for the value `name` in a skeleton: plain letters, so that no encoding changes it."""
    return f"zq{_SECRET}{name}{_SECRET}qz"


def html_marker(name: str) -> str:
    """The same, where the value will be escaped for HTML."""
    return marker(name + "HTML")


@dataclass(frozen=True, slots=True)
class Skeleton:
    """Text cut at its markers: `parts` are the pieces between, `names` the values that go there.

    A name that ends in HTML takes the escaped value of the name without it.
    """

    parts: tuple[bytes, ...]
    names: tuple[str, ...]

    def fill(self, values: Mapping[str, str]) -> bytes:
        """The text with every value in its place, in UTF-8. Values lose line breaks, so no header can be added."""
        ready: dict[str, bytes] = {}
        pieces: list[bytes] = [self.parts[0]]
        for name, part in zip(self.names, self.parts[1:], strict=True):
            value = ready.get(name)
            if value is None:  # most values stand in several places
                raw = html.escape(values[name[:-4]]) if name.endswith("HTML") else values[name]
                value = ready[name] = " ".join(raw.splitlines()).encode()
            pieces.append(value)
            pieces.append(part)
        return b"".join(pieces)


def skeleton(text: bytes, names: Sequence[str]) -> Skeleton:
    """`text` cut at the markers of `names`, plain and HTML."""
    cuts: list[tuple[int, int, str]] = []
    for name in [*names, *(name + "HTML" for name in names)]:
        mark = marker(name).encode()
        at = text.find(mark)
        while at >= 0:
            cuts.append((at, at + len(mark), name))
            at = text.find(mark, at + len(mark))
    cuts.sort()
    parts: list[bytes] = []
    end = 0
    for start, stop, _ in cuts:
        parts.append(text[end:start])
        end = stop
    parts.append(text[end:])
    return Skeleton(tuple(parts), tuple(name for _, _, name in cuts))


def _is_plain(words: str) -> bool:
    # whoever reads "=?" may decode what follows
    return words.isascii() and words.isprintable() and "=?" not in words and len(words) <= LONGEST_PLAIN_HEADER


def header_words(words: str) -> str:
    """People's words as a header may hold them, in one line: encoded unless they are plain and look so."""
    line = " ".join(words.split())
    return line if _is_plain(line) else Header(line, "utf-8").encode()


def header_address(name: str, address: str) -> str:
    """A name and an address as From may hold them: never more than one address."""
    line = " ".join(name.split())
    return formataddr((line, address)) if _is_plain(line) else f"{header_words(line)} <{address}>"


def mime_skeleton(
    *, headers: Mapping[str, str], text: str, html_text: str | None, language: str, names: Sequence[str]
) -> Skeleton:
    """A whole e-mail with a plain and perhaps an HTML part, compiled once; `names` are filled per person.

    `headers` are as they are to stand: whatever people wrote comes from `header_words` or `header_address`.
    Raises: ValueError when a header holds a line break that begins another.
    """
    message = EmailMessage(policy=_POLICY)
    for name, value in headers.items():
        if any(not line.startswith(" ") for line in value.splitlines()[1:]):
            raise ValueError(f"{name} would be more than one header.")
        message.set_raw(name, value)  # `message[name] = value` would decode what looks encoded, line breaks and all
    message.set_content(text, cte="8bit")
    if html_text is not None:
        message.add_alternative(html_text, subtype="html", cte="8bit")
    message["Content-Language"] = language  # last, or it would move into the first part with that part's own headers
    return skeleton(message.as_bytes(policy=_POLICY), names)


def mime_with_file(
    *, headers: Mapping[str, str], words: str, file: tuple[str, str, bytes] | None, names: Sequence[str]
) -> Skeleton:
    """An e-mail of plain words with a file: its name, its media type and its content. Headers as in `mime_skeleton`."""
    message = EmailMessage(policy=_POLICY)
    for name, value in headers.items():
        message.set_raw(name, value)
    message.set_content(words, cte="8bit")
    if file is not None:
        file_name, media_type, content = file
        main, _, sub = media_type.partition(";")[0].partition("/")
        message.add_attachment(content, maintype=main, subtype=sub, filename=file_name)
    return skeleton(message.as_bytes(policy=_POLICY), names)


@cache
def message_environment(folder: str) -> Environment:
    """The environment of `templates/<folder>` for messages, kept for the life of the process."""
    return environment(folder)
