"""What a mail system's refusal says of an address: one classifier for replies while sending and for bounces later.

Only a verdict that nobody lives there costs an address. It needs a code or words that say so (RFC 3463, RFC 5321, RFC
7505 and what providers publish: docs/providers/bounces.md); whatever is vague passes.
"""

import re
from enum import Enum

from notify.providers.bounces import phrases
from notify.providers.bounces.phrases import any_of, fold

# no mailbox, no system of that name, moved, null MX or Exchange's "recipient not found"
_NOBODY_CODES = {"5.1.1", "5.1.2", "5.1.6", "5.1.10"}
# the sender's address or its domain, whatever the words beside them
_SENDER_CODES = {"5.1.7", "5.1.8"}
# codes that say no more than "failed": the words decide. 5.1.351 and 5.0.350 are Exchange Online's for another's reply.
_VAGUE_CODE = re.compile(r"5\.(?:0\.\d+|[12356]\.0|1\.351)")
# 5.4.6 is a loop between systems that both exist
_DOMAIN_CODE = re.compile(r"5\.(?:4\.(?!6\b)\d+|1\.\d+|0\.\d+)")
_MAILBOX_OFF = re.compile(
    r"\b(?:disabled|inactive|inactivated|deactivated|not active|discontinued|no longer|does(?: not"
    r"|n't) exist)\b|inaktiv|deaktiv"
)
LONGEST = 4_000  # of one refusal; whatever stands behind that is no reply
_TOO_LARGE = re.compile(
    r"\b(?:message|mail|attachment|file)(?: \w+){0,4} (?:size|larg|big|exceeds)|\btoo (?:big|large)"
    r"|\bmessage size"
)
_LINK = re.compile(r"\b(?:https?|ftp)://\S+|\bwww\.\S+", re.IGNORECASE)
_ADDRESS = re.compile(r"<?[^\s<>()\[\]:;,'\"@]{1,100}@[^\s<>()\[\],;:'\"@]{1,255}>?")
_HOST = re.compile(r"(?<![\w.@-])(?:[a-z0-9-]{1,63}\.){1,10}[a-z][a-z0-9-]{1,62}(?![\w-])", re.ASCII | re.IGNORECASE)
_NUMBER = re.compile(r"\[?\b\d{1,3}(?:\.\d{1,3}){3}\b\]?")
# IronPort's and others' heading before the words of another system
_HEADINGS = re.compile(
    r"\bunknown address error\b|\bother (?:or undefined )?(?:mail system|address|network"
    r"|protocol) (?:problem|status|error)s?\b"
)
_ENHANCED = re.compile(r"(?<![\d.])([245])\.(\d{1,3})\.(\d{1,3})(?![\d.]*\d)", re.ASCII)
# bounded, and the indentation is never given back: strangers write what this reads
_BEFORE_CODE = (
    r"(?:^[ \t]*+|[:;>'\"`(\[{#=,-]"
    r"|\b(?:said|says|returned|error|code|status|response|was|reason|is|smtp|reply|replied))"
)
_MARKS = r"[\s\-#'\"(\[]{0,8}"
_REPLY = re.compile(
    _BEFORE_CODE + _MARKS + r"(?P<basic>[245]\d\d)(?=[ \t:,;\]'\"-]|$|[^\x00-\x7f])",
    re.ASCII | re.MULTILINE | re.IGNORECASE,
)
_REPLY_ENHANCED = re.compile(
    rf"(?:{_BEFORE_CODE}|\b[245]\d\d)" + _MARKS + r"(?P<code>(?<![\d.])[245]\.\d{1,3}\.\d{1,3})(?!\.?\d)",
    re.ASCII | re.MULTILINE | re.IGNORECASE,
)
_NOBODY = any_of([*phrases.NOBODY, *phrases.NOBODY_ELSEWHERE])
_UNAVAILABLE = any_of(phrases.UNAVAILABLE)
_NO_DOMAIN = any_of(phrases.NO_DOMAIN)
_FULL = any_of(phrases.FULL)
_FOR_NOW = any_of(phrases.FOR_NOW)
_OURS = any_of(phrases.OURS)


class Verdict(Enum):
    """What a refusal says of the address that it is about."""

    HARD = "nobody lives there"
    SOFT = "the mailbox or its system does not take mail now"
    OURS = "the sender, the text or a policy is in the way"
    VAGUE = "it does not say why"

    @property
    def is_address(self) -> bool:
        """Whether it is about the mailbox but passes; a bounce without a reason is taken for that."""
        return self in (Verdict.SOFT, Verdict.VAGUE)


def judge(words: str, status: str = "", recipient: str = "") -> Verdict:
    """What one refusal says: `words` as the mail system wrote them, perhaps with codes in front, the status field of a
    report, where there is one, and the address that it is about, where that is known.

    Codes count only where a reply has them, not wherever there are digits; the words' own go before the field, which
    is often only its writer's guess.
    """
    words = words[:LONGEST]
    plain = _plain(words)
    basic = next((found["basic"] for found in _REPLY.finditer(words)), "")
    codes = [found["code"] for found in _REPLY_ENHANCED.finditer(words)]
    field = _ENHANCED.search(status)
    if basic.startswith("4") or (not basic and codes and codes[0].startswith("4")):
        return Verdict.OURS if _OURS.search(plain) else Verdict.SOFT
    if field:
        codes.append(field[0])
    is_final = bool(basic) or any(code.startswith("5") for code in codes)
    code = next((one for one in codes if one.startswith("5") and not _VAGUE_CODE.fullmatch(one)), "")
    code = code or next((one for one in codes if is_final and one.startswith("5")), "") or next(iter(codes), "")
    return _of_code_and_words(code, plain, basic, is_theirs=_is_theirs(words, recipient))


def first_reply(words: str) -> int | None:
    """Where the first code in the place of a reply begins, if there is one."""
    found = [
        one.start(name)
        for pattern, name in ((_REPLY, "basic"), (_REPLY_ENHANCED, "code"))
        if (one := pattern.search(words))
    ]
    return min(found, default=None)


def _of_code_and_words(code: str, plain: str, basic: str, *, is_theirs: bool) -> Verdict:
    if code.startswith("4"):
        return Verdict.OURS if _OURS.search(plain) else Verdict.SOFT
    if code in _SENDER_CODES:
        return Verdict.OURS
    if passing := _passing(plain):
        return passing
    if code in _NOBODY_CODES:
        return Verdict.HARD
    if code == "5.2.1":
        return Verdict.HARD if _MAILBOX_OFF.search(plain) else Verdict.SOFT
    if is_theirs and (not code or _DOMAIN_CODE.fullmatch(code)) and _NO_DOMAIN.search(plain):
        return Verdict.HARD
    if (not code or _VAGUE_CODE.fullmatch(code)) and basic != "552" and _says_nobody(plain):
        return Verdict.HARD
    verdict = _of_class(code, basic)
    # a policy's code with words about the mailbox: not believed at once, and counted
    return Verdict.SOFT if verdict is Verdict.OURS and _says_nobody(plain) else verdict


def _is_theirs(words: str, recipient: str) -> bool:
    """Whether a reply that names domains names the recipient's, and not only a relay's or our own."""
    reply = _LINK.sub(" ", words[first_reply(words) or 0 :])
    named = {host.lower() for host in _HOST.findall(_ADDRESS.sub(" ", reply))}
    quoted = {_domain(address) for address in _ADDRESS.findall(reply)}
    if recipient:
        named, about = named | quoted, {_domain(recipient)}
    else:
        about = quoted or {_domain(address) for address in _ADDRESS.findall(words)}
    return not named or any(host == domain or host.endswith(f".{domain}") for host in named for domain in about)


def _domain(address: str) -> str:
    return address.rpartition("@")[2].strip("<> .").lower()


def _passing(plain: str) -> Verdict | None:
    if _FULL.search(plain) and not _TOO_LARGE.search(plain):
        return Verdict.SOFT
    if _OURS.search(plain):
        return Verdict.OURS
    return Verdict.SOFT if _FOR_NOW.search(plain) else None


def _says_nobody(plain: str) -> bool:
    return bool(_NOBODY.search(plain) or _UNAVAILABLE.search(plain))


def _of_class(code: str, basic: str) -> Verdict:
    """What is left where no words helped: the second number says whose matter it is."""
    match code.split(".")[1:2]:
        case ["5" | "6" | "7"] if not code.endswith(".0"):
            return Verdict.OURS
        case ["2" | "3" | "4"] if not code.endswith(".0"):
            return Verdict.SOFT
    return Verdict.SOFT if basic == "552" else Verdict.VAGUE


def _plain(words: str) -> str:
    """Lower case, one space between words, without what only looks like words: links, addresses, headings."""
    text = _NUMBER.sub(" ", _ADDRESS.sub(" @ ", _LINK.sub(" ", words)))
    return _HEADINGS.sub(" ", " ".join(fold(text).split()))
