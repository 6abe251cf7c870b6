"""What SpamAssassin's offline rules look for is in no mail of ours; docs/providers/smtp.md says what was run."""

import base64
import email
import re
from collections.abc import Mapping
from email.message import EmailMessage
from email.policy import default

import pytest
from litestar import Litestar
from litestar.testing import TestClient

from tests.tracking.every_mail import every_mail
from tests.tracking.reading import part

Client = TestClient[Litestar]
NEEDED = ("From", "To", "Subject", "Date", "Message-ID", "MIME-Version", "Auto-Submitted")
END_FUTURE = re.compile(
    r"\b(?:end|stop|cease|removed?)[- ](?:these|our|any|future|further) (?:e-?mails?|alerts?|notices?)", re.IGNORECASE
)
PHRASES = re.compile(r"click here|act now|100% free|dear friend|viagra|winner|!!", re.IGNORECASE)


@pytest.fixture
def mails(client: Client) -> Mapping[str, tuple[bytes, EmailMessage]]:
    return {name: (raw, email.message_from_bytes(raw, policy=default)) for name, raw in every_mail().items()}


def luminance(colour: str) -> float:
    """The relative luminance of `#rrggbb` (WCAG 2)."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def complaints(raw: bytes, mail: EmailMessage) -> list[str]:
    """The rules that this mail would meet, by SpamAssassin's names where it has one."""
    found = [f"MISSING_{name.upper()}" for name in NEEDED if len(mail.get_all(name, [])) != 1]
    subject = str(mail["Subject"])
    found += ["SUBJ_ALL_CAPS"] if subject.isupper() else []
    found += ["SUBJECT_NEEDS_ENCODING"] if not raw.split(b"\r\n\r\n")[0].isascii() else []
    found += ["PLING_PLING"] if "!!" in subject else []
    found += ["PHRASE"] if PHRASES.search(part(mail, "plain")) else []
    found += ["END_FUTURE_EMAILS"] if END_FUTURE.search(part(mail, "plain")) and not mail["DKIM-Signature"] else []
    found += ["INVALID_MSGID"] if not re.fullmatch(r"<[^@\s<>]+@[\w.-]+>", str(mail["Message-ID"])) else []
    found += ["BASE64_TEXT"] if b"base64" in raw.lower() else []
    found += ["LONG_LINE"] if any(len(line) > 998 for line in raw.split(b"\r\n")) else []
    found += ["BARE_LF"] if re.search(rb"(?<!\r)\n", raw) else []
    return found + (_about_html(part(mail, "html"), part(mail, "plain"), mail) if mail.get_body(("html",)) else [])


def _about_html(html: str, plain: str, mail: EmailMessage) -> list[str]:
    words = re.sub(r"<style>.*?</style>|<[^>]+>", " ", html, flags=re.DOTALL)
    pictures = re.findall(r"<img\b", html)
    found = ["MIME_HTML_ONLY"] if not plain.strip() else []
    found += ["HTML_IMAGE_RATIO"] if pictures and len(" ".join(words.split())) < 400 else []
    found += ["HTML_IFRAME"] if re.search(r"<(?:iframe|script|form|object|embed)\b", html) else []
    is_list = bool(mail["List-Unsubscribe"])
    hidden = re.findall(r'style="[^">]{0,80}(?:visibility\s*:\s*hidden|display\s*:\s*none)', html)
    found += ["STY_INVIS"] if hidden and not is_list else []
    for style in re.findall(r'style="([^"]*)"', html):
        pair = [re.search(rf"(?<![-\w]){name}:(#[0-9a-f]{{6}})", style) for name in ("color", "background")]
        if pair[0] and pair[1]:
            light, dark = sorted((luminance(one[1]) for one in pair if one), reverse=True)
            found += ["HTML_FONT_LOW_CONTRAST"] if (light + 0.05) / (dark + 0.05) < 7 else []
    return found


def test_no_mail_meets_a_rule(mails: Mapping[str, tuple[bytes, EmailMessage]]) -> None:
    assert {name: met for name, (raw, mail) in mails.items() if (met := complaints(raw, mail))} == {}
    assert len(mails) > 80


def test_bad_mail_meets_them() -> None:
    words = base64.encodebytes(b"<img src=x><p style='display:none'>Click here</p>").decode()
    raw = (
        "From: a@example.org\r\nSubject: ACT NOW\r\nMIME-Version: 1.0\r\nContent-Type: text/plain\r\n"
        f"Content-Transfer-Encoding: base64\r\n\r\n{words}"
    ).encode()
    met = complaints(raw, email.message_from_bytes(raw, policy=default))
    assert {"MISSING_DATE", "MISSING_MESSAGE-ID", "SUBJ_ALL_CAPS", "PHRASE", "BASE64_TEXT", "BARE_LF"} <= set(met)


def test_alerts_carry_what_mail_programs_count_by(mails: Mapping[str, tuple[bytes, EmailMessage]]) -> None:
    _raw, mail = mails["routine-en-standard"]
    assert mail["Feedback-ID"] == "road-closures:routine:zed:notify"
    assert mail["List-Id"] == "<road-closures.zed.example.org>"
    assert mail["Reply-To"] == "contact@example.org"
    assert mail["From"].addresses[0].display_name == "Zed Council"
    assert "Zed Council" not in str(mail["Subject"])
    assert mails["sign-in-en"][1]["Feedback-ID"] == "sign-in:service:zed:notify"


def test_an_emergency_begins_with_what_to_do(mails: Mapping[str, tuple[bytes, EmailMessage]]) -> None:
    _raw, mail = mails["emergency-en-standard"]
    lines = [line for line in part(mail, "plain").splitlines() if line]
    assert lines[:4] == [
        "Emergency alert",
        "River Zed is flooding",
        "Road closures",
        "Go upstairs now. Take your phone and a torch.",
    ]
    assert "<li" in part(mail, "html")
    assert "In force until" in part(mail, "plain")
    assert lines.count("Ward: Northside") == 1
