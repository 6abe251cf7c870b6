"""Reads bounces and complaints that arrive by email, and the envelope senders that identify them.

Who is meant is read from an address that we signed, and from nothing else: anyone can write a bounce. What it says
is read from the fields of RFC 3464 and RFC 5965, and where a mail system has neither from the words that it wrote
before the copy of our own message. `verdicts.py` decides what that means for the address.
"""

import base64
import hmac
import logging
import re
from collections.abc import Sequence
from email import message_from_bytes
from email.message import Message as Mail

from notify.core.tokens import keyed_hash
from notify.providers.base import Receipt, ReceiptState
from notify.providers.bounces.feedback_reports import complained_of, complaint, field, fields, part_of
from notify.providers.bounces.signs import is_bounce, is_rejection
from notify.providers.bounces.text import own_text
from notify.providers.bounces.verdicts import Verdict, first_reply, judge

log = logging.getLogger(__name__)

MOST_READ_BYTES = 256 * 1024
LONGEST_REASON = 200
SIGNATURE_BYTES = 10
NO_REASON = "The message came back without a reason."

_OURS = re.compile(r"[0-9a-f]{32}(?:-[1-9][0-9]{0,8})?", re.ASCII)
_SIGNED = re.compile(rf"b-({_OURS.pattern})-([a-z2-7]{{16}})", re.ASCII)
Said = tuple[ReceiptState, str, bool]


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
        reference = reference_in(recipient) or (complained_of(mail, reference_in) if complaint(mail) else None)
        said = _said(mail) if reference else None
    except Exception as error:  # strangers' mail may break any parser
        log.info("a mail to a bounce address cannot be read", extra={"error": type(error).__name__})
        return []
    return [Receipt(reference, *said)] if reference and said else []


def _said(mail: Mail) -> Said | None:
    kind = complaint(mail)
    if kind is not None:
        return (ReceiptState.COMPLAINED, f"Reported as {kind}.", False) if kind else None
    status = part_of(mail, "message/delivery-status", "message/global-delivery-status")
    if status:
        return _of_status(mail, fields(status))
    if part_of(mail, "message/disposition-notification") and not is_rejection(mail):
        return None  # read, or deleted unread
    return _of_words(mail) if is_bounce(mail) else None


def _of_status(mail: Mail, blocks: Sequence[Mail]) -> Said | None:
    """What a delivery status notification says; nothing while someone still tries."""
    about = [(_action(block), block) for block in blocks]
    failed = [block for action, block in about if action.startswith(("fail", "error"))]
    if any(action.startswith("delivered") for action, _ in about):
        return ReceiptState.DELIVERED, "", False  # to one of those behind the address, if it failed for others
    if not any(action for action, _ in about):  # a report without its fields
        return _of_words(mail) if is_bounce(mail) else None
    if not failed or any(action.startswith(("delayed", "relayed", "expanded")) for action, _ in about):
        return None if not failed else (ReceiptState.TEMPORARY_FAILURE, _reason(failed[0]), True)
    verdicts = [judge(_reason(block), field(block, "status"), _recipient(block)) for block in failed]
    if set(verdicts) == {Verdict.HARD}:
        return _told(Verdict.HARD, _reason(failed[0]))
    verdict = next(one for one in verdicts if one is not Verdict.HARD)
    reason = _reason(failed[verdicts.index(verdict)])
    if set(verdicts) == {Verdict.VAGUE}:  # the words for people may say more
        by_words, words = _verdict_of(own_text(mail))
        if by_words is not Verdict.VAGUE:
            return _told(by_words, words)
    return _told(verdict, reason)


def _action(block: Mail) -> str:
    """What was done; a block about a recipient without this field is read by its status."""
    action = field(block, "action").lower()
    if action or not (block.get("final-recipient") or block.get("original-recipient")):
        return action
    return "failed" if field(block, "status")[:1] in ("4", "5") else ""


def _told(verdict: Verdict, reason: str) -> Said:
    state = ReceiptState.PERMANENT_FAILURE if verdict is Verdict.HARD else ReceiptState.TEMPORARY_FAILURE
    return state, (reason or NO_REASON)[:LONGEST_REASON], verdict.is_address


def _reason(block: Mail) -> str:
    return _diagnosis(block) or field(block, "status")


def _recipient(block: Mail) -> str:
    """The address that a block is about: as we wrote to it, where that is said."""
    named = field(block, "original-recipient") or field(block, "final-recipient")
    return named.rpartition(";")[2].strip()


def _diagnosis(block: Mail) -> str:
    """The mail system's own words, without the kind of system before them."""
    words = field(block, "diagnostic-code")
    kind, found, rest = words.partition(";")
    return rest.strip() if found and " " not in kind else words


def _of_words(mail: Mail) -> Said | None:
    """What a bounce in a mail system's own form says."""
    return _told(*_verdict_of(own_text(mail)))


def _verdict_of(words: str) -> tuple[Verdict, str]:
    """What free text says, and the words that say so: replies with a code before others, paragraph by paragraph."""
    paragraphs = [part for part in re.split(r"\n\s*\n", words) if part.strip()]
    starts = ((part, at) for part in paragraphs if (at := first_reply(part)) is not None)
    replies = [part[part.rfind("\n", 0, at) + 1 :] for part, at in starts]
    judged = [(judge(reply), reply) for reply in replies]
    told = [one for one in judged if one[0] is not Verdict.VAGUE]
    if told:
        verdict, reply = told[-1]
        return verdict, _line(reply)
    plain = [(verdict, part) for part in paragraphs if (verdict := judge(part)) is not Verdict.VAGUE]
    if plain:
        return plain[0][0], _line(plain[0][1])
    return Verdict.VAGUE, _line(judged[-1][1]) if judged else ""


def _line(words: str) -> str:
    """A paragraph in one line, without lines that only name the address."""
    kept = [line for line in words.splitlines() if not _is_address(line)]
    return " ".join(" ".join(kept or words.splitlines()).split())


def _is_address(line: str) -> bool:
    """Whether a line names an address and nothing else; in one pass, for strangers write these lines."""
    core = line.strip().lstrip("<>\"' \t").rstrip("<>\"':; \t")
    return "@" in core[1:-1] and len(core.split(maxsplit=1)) == 1
