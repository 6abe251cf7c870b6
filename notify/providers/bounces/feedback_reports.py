"""Spam complaints: the reports of mailbox providers and mail programs."""

import re
from collections.abc import Callable, Iterator
from email import message_from_string
from email.message import Message as Mail
from email.utils import parseaddr

from notify.providers.bounces.text import decoded, parts

# of RFC 5965 and its registry; `not-spam`, `virus`, `auth-failure`, `dmarc` and others are no complaints
COMPLAINTS = {"abuse", "fraud", "opt-out", "opt-out-list"}
_ABOUT = re.compile(r"complaint about message from\b|e-?mail feedback report|abuse report for", re.IGNORECASE)
_REPORTERS = {
    "staff@hotmail.com",
    "complaints@email-abuse.amazonses.com",
    "scomp@aol.net",
    "feedback@arf.mail.yahoo.com",
}
_QUOTED = ("original-mail-from", "return-path", "x-envelope-from", "envelope-from", "errors-to")


def complaint(mail: Mail) -> str | None:
    """The kind of complaint, empty for a report that is none; None where the mail is no such report."""
    if report := part_of(mail, "message/feedback-report"):
        kind = field(fields(report)[0], "feedback-type").lower()
        return kind if kind in COMPLAINTS else ""
    if field(mail, "x-apple-unsubscribe").lower() == "true":  # Apple Mail's button, sent as the person's own mail
        return "opt-out"
    sender = parseaddr(field(mail, "from"))[1].lower()
    if (sender in _REPORTERS or "x-hmxmroriginalrecipient" in mail) and (
        _ABOUT.search(field(mail, "subject")) or any("x-hmxmroriginalrecipient" in copy for copy in _copies(mail))
    ):
        return "abuse"  # Hotmail's own form: our message, without any fields about it
    return None


def complained_of(mail: Mail, reference_in: Callable[[str], str | None]) -> str | None:
    """The delivery that a report is about: complaints come to one address for all, and quote the signed sender."""
    report = part_of(mail, "message/feedback-report")
    quoting = [*(fields(report) if report else ()), *_copies(mail)]
    named = (reference_in(field(block, name)) for block in quoting for name in _QUOTED)
    return next((reference for reference in named if reference), None)


def _copies(mail: Mail) -> Iterator[Mail]:
    """The heads of our messages that a report gives back."""
    for part in parts(mail):
        payload = part.get_payload()
        if part.get_content_type() == "message/rfc822" and isinstance(payload, list):
            yield from (inner for inner in payload if isinstance(inner, Mail))
        elif part.get_content_type() in ("text/rfc822-headers", "message/rfc822-headers"):
            yield message_from_string(decoded(part))


def part_of(mail: Mail, *kinds: str) -> Mail | None:
    """The first part of one of these kinds."""
    return next((part for part in parts(mail) if part.get_content_type() in kinds), None)


def fields(report: Mail) -> list[Mail]:
    """The blocks of fields of a report; at least one, perhaps empty."""
    payload = report.get_payload()
    if isinstance(payload, list):
        blocks = [block for block in payload if isinstance(block, Mail)]
    else:
        blocks = [message_from_string(decoded(report))]
    if len(blocks) == 1 and isinstance(blocks[0].get_payload(), str):
        # the parser takes what it does not know for a mail: what follows its first block is text
        rest = str(blocks[0].get_payload())
        if report.get("content-transfer-encoding", "").lower() in ("base64", "quoted-printable"):
            whole = message_from_string(f"Content-Transfer-Encoding: {report['content-transfer-encoding']}\n\n" + rest)
            rest = decoded(whole) if not blocks[0].keys() else rest
        blocks += [message_from_string(block) for block in re.split(r"\r?\n\s*\r?\n", rest) if block.strip()]
    return blocks or [Mail()]


def field(block: Mail, name: str) -> str:
    """A field in one line."""
    return " ".join(str(block.get(name, "")).split())
