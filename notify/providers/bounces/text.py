"""The text of a bounce that the mail system wrote, up to the copy of our message.

Our alerts hold words and numbers of their own ("Bus 450", "Room 512"), so nothing behind that point is read.
"""

import re
from collections.abc import Iterator
from email.message import Message as Mail
from html import unescape

LONGEST_TEXT = 20_000
LONGEST_LINE = 300  # whatever stands behind that in a line is not read

_RULE = r"[-=_*~+#>\s|:.]*"
# lines after which our own message follows
_COPY = re.compile(
    rf"""^{_RULE}(?:
      below\ this\ line\ is\ (?:a\ copy|the\ (?:original|header))
    | (?:this\ is|here\ is|attached\ is|following\ is|below\ is|the\ following\ is|enclosed\ is)\ (?:a|the
        |your)\ (?:copy\ of|original|full|unsent|headers?|text|first)
    | (?:the\ )?(?:body|text|contents?|header(?:s|\ lines)?)\ of\ (?:the|your)\ (?:original\ )?(?:message
        |mail|e-?mail|sent)\b.{{0,60}}
    | (?:your\ |the\ |start\ of\ |begin(?:ning)?\ (?:of\ )?|returned\ |unsent\ |undelivered\ )*
        (?:original|unsent|returned|forwarded)\ (?:e-?mail\ )?(?:message|mail|text|e-?mail|nachricht)
        (?:\ (?:headers?|text|body|follows?|below|attached|header\ follows|as|is|included|details|content))*
        (?:\ received.*|\ (?:below|attached|included|following).*)?\s*[-:=.*_#]*\s*$
    | (?:attach(?:ment|ed)(?:\ \w+)?)\ is\ (?:a\ copy|your|the\ original)
    | (?:message|mail)\ (?:headers?|body|text|content)\ (?:follows?|below)
    | (?:original|returned|full|raw|your)\ message(?:'s)?\ headers?
    | message\ headers?:?\s*$
    | (?:received|return-path|dkim-signature|x-received|arc-seal|authentication-results
        |delivered-to|x-envelope-from|mime-version|content-type|content-transfer-encoding|list-unsubscribe)\s*:\s*\S
    | (?:urspr(?:ü|ue)ngliche|originale?|orginal)\w*\ (?:nachricht|e-?mail|mail|kopfzeilen)
    | (?:message|en-t(?:ê|e)tes?|courrier)(?:\ (?:du\ message|de\ message))?\ d'origine
    | (?:mensaje|messaggio|oorspronkelijk|mensagem)\ (?:original|originale|bericht)
    | (?:元の|オリジナルの|送信した)?(?:メッセージ|メール)(?:の|・)?(?:ヘッダー?|本文|原文|全文)
    | (?:原始邮件|原邮件|以下是原|исходное\ (?:сообщение|письмо)|текст\ письма)
    )""",
    re.IGNORECASE | re.VERBOSE,
)
_HEADER = re.compile(
    r"^[\s>]*(?:subject|from|to|cc|date|sent|sender|reply-to|message-?id|return-path|size|betreff|von|an|datum|gesendet|objet"
    r"|de|à|envoyé|asunto|para|fecha|oggetto|件名|差出人|宛先|送信日時|题|主题|发件人|收件人|тема)\s*[:：]",
    re.IGNORECASE,
)
_INLINE_COPY = re.compile(r"^(?:>\s|\|\s)")
# Read by hand, in one pass: the parser of the standard library takes a minute over a page made to be hard to read.
_TAG = re.compile(r"<(?P<end>/?)(?P<name>[A-Za-z][A-Za-z0-9]{0,20})?[^<>]{0,2000}>")
_UNSEEN = {"style", "script", "head", "title"}
_ENDS_A_LINE = {"p", "div", "tr", "li", "h1", "h2", "h3", "pre", "table"}
_BEGINS_A_LINE = _ENDS_A_LINE | {"br", "td", "hr"}


def own_text(mail: Mail) -> str:
    """What the mail system wrote, without lines that quote our message's head, and not beyond where its copy begins."""
    return "\n".join(_before_copy(_text(mail)))[:LONGEST_TEXT]


def parts(mail: Mail) -> Iterator[Mail]:
    """The mail and its parts, without those of mails inside it."""
    yield mail
    if mail.is_multipart() and mail.get_content_maintype() == "multipart":
        for part in mail.get_payload():
            if isinstance(part, Mail):
                yield from parts(part)


def _before_copy(text: str) -> Iterator[str]:
    for whole in text.splitlines():
        line = whole[:LONGEST_LINE]
        if _COPY.match(line):
            return
        if not _HEADER.match(line):
            yield line.rstrip()


def _text(mail: Mail) -> str:
    """The plain words that stand before a mail inside, else the words of a page."""
    plain: list[str] = []
    pages: list[str] = []
    for part in parts(mail):
        kind = part.get_content_type()
        if kind in ("message/rfc822", "text/rfc822-headers", "message/rfc822-headers", "message/partial"):
            break  # the copy; attachments behind it are not the system's own words
        if part.get_filename() or part.is_multipart():
            continue
        if kind == "text/html":
            pages.append(_of_page(decoded(part)))
        elif kind.startswith("text/"):
            plain.append(decoded(part))
    return "\n".join(plain) if any(words.strip() for words in plain) else "\n".join(pages)


def decoded(part: Mail) -> str:
    """A part's words, whatever it calls its letters."""
    payload = part.get_payload(decode=True)
    if not isinstance(payload, bytes):
        return ""
    named = (part.get_content_charset() or "").strip("'\"")
    if b"\x1b$" in payload:  # Japanese mail systems often do not say so
        named = "iso-2022-jp"
    for charset in (named, "utf-8"):
        try:
            return payload.decode(charset or "utf-8")
        except (LookupError, UnicodeError):
            continue
    try:
        return payload.decode(named, "replace")
    except (LookupError, UnicodeError):
        return payload.decode("latin-1")


def _of_page(page: str) -> str:
    """The words of an HTML page, a line for each of its blocks."""
    page = _without_comments(page)
    words: list[str] = []
    unseen = at = 0
    for tag in _TAG.finditer(page):
        if not unseen:
            words.append(_plain(page[at : tag.start()]))
        at = tag.end()
        name = (tag["name"] or "").lower()
        if name in _UNSEEN:
            unseen = max(0, unseen - 1) if tag["end"] else unseen + 1
        elif name in (_ENDS_A_LINE if tag["end"] else _BEGINS_A_LINE):
            words.append("\n")
    return "".join(words if unseen else [*words, _plain(page[at:])])


def _without_comments(page: str) -> str:
    kept, at = [], 0
    while (start := page.find("<!--", at)) >= 0:
        kept.append(page[at:start])
        end = page.find("-->", start)
        if end < 0:
            return "".join(kept)
        at = end + len("-->")
    return "".join([*kept, page[at:]])


def _plain(words: str) -> str:
    try:
        return unescape(words).replace("\n", " ")
    except ValueError:  # a character's number with thousands of digits
        return words.replace("\n", " ")
