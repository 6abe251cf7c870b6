"""Bounces and complaints that come back by mail, and the envelope senders that say whose they are.

Who is meant is read from an address that we signed, and from nothing else: anybody can write a bounce. What it says
is read by RFC 3464 and RFC 5965, and by flufl.bounce where a mail system follows neither.
"""

import base64
import hmac
import logging
import re
from collections.abc import Iterator, Sequence
from email import message_from_bytes, message_from_string
from email.message import Message as Mail
from email.utils import parseaddr

from flufl.bounce import all_failures  # type: ignore[import-untyped]

from notify.providers.base import Receipt, ReceiptState
from notify.tokens import keyed_hash

log = logging.getLogger(__name__)
logging.getLogger("flufl.bounce").setLevel(logging.WARNING)  # it tells of each of its detectors

MOST_READ_BYTES = 256 * 1024
LONGEST_REASON = 200
SIGNATURE_BYTES = 10
NO_REASON = "The message came back without a reason."

_OURS = re.compile(r"[0-9a-f]{32}(?:-[1-9][0-9]{0,8})?", re.ASCII)
_SIGNED = re.compile(rf"b-({_OURS.pattern})-([a-z2-7]{{16}})", re.ASCII)
_STATUS = re.compile(r"(?<!\d)(?<!\d\.)([245])\.(\d{1,3})\.(\d{1,3})(?!\.?\d)", re.ASCII)
_REPLY = re.compile(r"(?<![\d.])([45])\d\d(?![\d.])", re.ASCII)
# a full mailbox, a text that is too large or not liked, a system or a policy in the way: the address itself is good
_OF_ANOTHER = re.compile(r"5\.(?:2\.[23]|[367]\.\d+)", re.ASCII)
_COMPLAINTS = {"abuse", "fraud", "opt-out", "opt-out-list"}
_SYSTEMS = {"mailer-daemon", "postmaster", "mail-daemon", "mailerdaemon"}
_REPLIES_BY_ITSELF = ("x-autoreply", "x-autorespond", "x-auto-response-suppress", "x-vacation")

Said = tuple[ReceiptState, str]


def signed_sender(reference: str, domain: str) -> str | None:
    """The envelope sender whose bounces are about this delivery or notice alone; None for a reference not our own.

    The part before the @ has 61 characters at most. Raises: SecretKeyMissing.
    """
    return f"b-{reference}-{_signature(reference)}@{domain}" if _OURS.fullmatch(reference) else None


def reference_in(address: str) -> str | None:
    """The delivery or notice that we made this envelope sender for; None if we did not. Capitals do not matter."""
    local = address.strip().strip("<>").rpartition("@")[0]
    found = _SIGNED.fullmatch(local.lower()) if local.isascii() else None
    if found and hmac.compare_digest(_signature(found[1]), found[2]):
        return found[1]
    return None


def _signature(reference: str) -> str:
    return base64.b32encode(keyed_hash("bounce", reference)[:SIGNATURE_BYTES]).decode().lower()


def read_bounce(raw: bytes, recipient: str) -> Sequence[Receipt]:
    """What a mail to the envelope address `recipient` says of the message it is about: one receipt or none.

    None for addresses that we did not sign, and for replies, vacations, delays and whatever else is no outcome.
    """
    try:
        mail = message_from_bytes(raw[:MOST_READ_BYTES])
        reference = reference_in(recipient) or _complained_of(mail)
        said = _said(mail) if reference else None
    except Exception as error:  # strangers' mail may break any parser
        log.info("a mail to a bounce address cannot be read", extra={"error": type(error).__name__})
        return []
    return [Receipt(reference, *said)] if reference and said else []


def _complained_of(mail: Mail) -> str | None:
    """Complaints come to one address for all; the envelope sender that they quote is signed as well."""
    report = _part(mail, "message/feedback-report")
    return reference_in(_field(_fields(report)[0], "original-mail-from")) if report else None


def _said(mail: Mail) -> Said | None:
    if report := _part(mail, "message/feedback-report"):
        kind = _field(_fields(report)[0], "feedback-type").lower()
        return (ReceiptState.COMPLAINED, f"Reported as {kind}.") if kind in _COMPLAINTS else None
    status = _part(mail, "message/delivery-status") or _part(mail, "message/global-delivery-status")
    if status:
        return _of_status(_fields(status))
    return None if _is_automatic_reply(mail) else _of_words(mail)


def _parts(mail: Mail) -> Iterator[Mail]:
    """The mail and its parts, without those of mails inside it."""
    yield mail
    if mail.is_multipart() and mail.get_content_maintype() == "multipart":
        for part in mail.get_payload():
            if isinstance(part, Mail):
                yield from _parts(part)


def _part(mail: Mail, kind: str) -> Mail | None:
    return next((part for part in _parts(mail) if part.get_content_type() == kind), None)


def _fields(report: Mail) -> Sequence[Mail]:
    """The blocks of fields of a report; at least one, perhaps empty."""
    payload = report.get_payload()
    blocks = [block for block in payload if isinstance(block, Mail)] if isinstance(payload, list) else []
    if len(blocks) == 1:  # the parser takes what it does not know for a mail: what follows its first block is text
        rest = str(blocks[0].get_payload())
        blocks += [message_from_string(block) for block in re.split(r"\r?\n\r?\n", rest) if block.strip()]
    return blocks or [Mail()]


def _field(block: Mail, name: str) -> str:
    return " ".join(str(block.get(name, "")).split())


def _of_status(blocks: Sequence[Mail]) -> Said | None:
    """What a delivery status notification says; nothing while somebody still tries."""
    actions = [(_field(block, "action").lower(), block) for block in blocks]
    failed = [block for action, block in actions if action.startswith(("fail", "error"))]
    if any(action.startswith("delivered") for action, _ in actions):
        return ReceiptState.DELIVERED, ""  # to one of those behind the address, if it failed for others
    if not failed:
        return None
    is_dead = all(_is_permanent(_field(block, "status"), _diagnosis(block)) for block in failed)
    state = ReceiptState.PERMANENT_FAILURE if is_dead else ReceiptState.TEMPORARY_FAILURE
    reason = _diagnosis(failed[0]) or _field(failed[0], "status") or NO_REASON
    return state, reason[:LONGEST_REASON]


def _diagnosis(block: Mail) -> str:
    """The mail system's own words, without the kind of system before them."""
    words = _field(block, "diagnostic-code")
    kind, found, rest = words.partition(";")
    return rest.strip() if found and " " not in kind else words


def _is_permanent(status: str, words: str) -> bool:
    """Whether a failure means that the address is dead. Without any code it does."""
    code = _STATUS.search(status)
    if code is None or code[0].endswith(".0.0"):  # x.0.0 says nothing more than failed or not
        code = _STATUS.search(words) or code
    if code:
        return code[1] == "5" and not _OF_ANOTHER.fullmatch(code[0])
    reply = _REPLY.search(words)
    return reply is None or reply[1] == "5"


def _is_automatic_reply(mail: Mail) -> bool:
    """Whether a person's mailbox answered by itself. Mail systems say so of their bounces, too."""
    is_system = parseaddr(_field(mail, "from"))[1].partition("@")[0].lower() in _SYSTEMS
    if is_system or "x-failed-recipients" in mail:
        return False
    submitted = _field(mail, "auto-submitted").partition(";")[0].strip().lower()
    is_marked = any(name in mail for name in _REPLIES_BY_ITSELF)
    return submitted not in ("", "no") or is_marked or _field(mail, "precedence").lower() == "auto_reply"


def _of_words(mail: Mail) -> Said | None:
    """What a bounce in a mail system's own form says; warnings of delay are no news."""
    _, failed = all_failures(mail)
    if not failed:
        return None
    lines = _text(mail).splitlines()
    reason = " ".join(next((line for line in lines if _STATUS.search(line)), "").split())
    if not reason:
        reason = " ".join(next((line for line in lines if _REPLY.search(line)), "").split())
    is_dead = _is_permanent("", reason)
    state = ReceiptState.PERMANENT_FAILURE if is_dead else ReceiptState.TEMPORARY_FAILURE
    return state, (reason or NO_REASON)[:LONGEST_REASON]


def _text(mail: Mail) -> str:
    """The first plain part's words."""
    part = _part(mail, "text/plain")
    payload = part.get_payload(decode=True) if part else None
    return payload.decode("utf-8", "replace") if isinstance(payload, bytes) else ""
