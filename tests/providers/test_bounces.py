"""Bounces and complaints as mail systems write them: whose they are, and what they say."""

import random
from email.message import EmailMessage
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from notify.providers.base import Accepted, CallBack, Provider, Receipt, ReceiptNotAuthentic, ReceiptState
from notify.providers.base import Message as OutgoingMessage
from notify.providers.bounces.reader import read_bounce, reference_in, signed_sender
from notify.providers.contract import ProviderContract
from notify.providers.smtp.provider import SmtpProvider
from tests.mailbox import Mailbox
from tests.providers.conftest import Provide
from tests.providers.messages import mail
from tests.relay import Relay, serving

pytestmark = pytest.mark.usefixtures("servers")  # for the key that signs

DOMAIN = "bounces.example.org"
DEAD, PASSING = ReceiptState.PERMANENT_FAILURE, ReceiptState.TEMPORARY_FAILURE


def new_reference() -> str:
    return f"{uuid4().hex}-{random.randint(1, 999_999_999)}"


def sender(reference: str) -> str:
    signed = signed_sender(reference, DOMAIN)
    assert signed is not None
    return signed


RETURNED = "From: alerts@example.org\nTo: gone@example.net\nSubject: Road closed\n\nOn Sunday."


def report(fields: str, *, kind: str = "delivery-status", **headers: str) -> bytes:
    """A multipart/report with these fields, and the mail that it is about."""
    named = {"From": "MAILER-DAEMON@mx.example.org", "Subject": "Undelivered Mail Returned to Sender"} | headers
    head = "".join(f"{name.replace('_', '-')}: {value}\n" for name, value in named.items())
    return (
        f'{head}MIME-Version: 1.0\nContent-Type: multipart/report; report-type={kind}; boundary="cut"\n\n'
        "--cut\nContent-Type: text/plain\n\nI am sorry.\n\n"
        f"--cut\nContent-Type: message/{kind}\n\n{fields}\n"
        f"--cut\nContent-Type: message/rfc822\n\n{RETURNED}\n\n--cut--\n"
    ).encode()


def status(action: str, code: str, diagnosis: str = "", **headers: str) -> bytes:
    """A delivery status notification as Postfix writes it."""
    said = f"Diagnostic-Code: smtp; {diagnosis}\n" if diagnosis else ""
    return report(
        "Reporting-MTA: dns; mx.example.org\nArrival-Date: Mon, 23 Nov 2026 15:00:00 +0000\n\n"
        f"Final-Recipient: rfc822; gone@example.net\nAction: {action}\nStatus: {code}\n{said}",
        Auto_Submitted="auto-replied",
        **headers,
    )


def plain(words: str, **headers: str) -> bytes:
    """A mail without any structure."""
    made = EmailMessage()
    for name, value in headers.items():
        made[name.replace("_", "-")] = value
    made.set_content(words)
    return made.as_bytes()


def said(raw: bytes) -> tuple[ReceiptState, str] | None:
    """What a mail to a signed address says of that delivery."""
    reference = new_reference()
    receipts = read_bounce(raw, sender(reference))
    assert [receipt.reference for receipt in receipts] in ([], [reference])
    return (receipts[0].state, receipts[0].reason) if receipts else None


def test_an_envelope_sender_is_short_and_says_whose_it_is_whatever_the_case() -> None:
    for reference in (f"{'f' * 32}-999999999", f"{uuid4().hex}-1", uuid4().hex):
        address = sender(reference)
        local, _, domain = address.partition("@")
        assert (len(local) <= 64, domain, local.lower()) == (True, DOMAIN, local)
        for written in (address, address.upper(), f"<{address}>", f" {address}\n"):
            assert reference_in(written) == reference


def test_addresses_that_we_did_not_sign_say_nothing() -> None:
    one, other = sender(new_reference()), sender(new_reference())
    assert signed_sender("pigeon-7", DOMAIN) is None
    for address in (
        one.replace("b-", "c-", 1),
        one.rpartition("-")[0] + "-" + other.rpartition("-")[2],
        one.replace("@", "a@"),
        one.partition("@")[0],
        "b--@x",
        "",
        "@",
        "é" + one,
        one.replace("-", "–"),
    ):
        assert reference_in(address) is None, address
        assert read_bounce(status("failed", "5.1.1"), address) == []


@pytest.mark.parametrize("at", range(0, 60, 3))
def test_no_letter_of_an_envelope_sender_can_be_changed(at: int) -> None:
    address = sender(f"{uuid4().hex}-123456789")
    changed = address[:at] + ("0" if address[at] != "0" else "1") + address[at + 1 :]
    assert reference_in(changed) is None


REPORTS = [
    (status("failed", "5.1.1", "550 5.1.1 no such user"), (DEAD, "550 5.1.1 no such user")),
    (status("FAILED", "5.1.1"), (DEAD, "5.1.1")),
    (status("failed (permanent)", "5.4.4", "host not found"), (DEAD, "host not found")),
    (status("error", "5.1.1"), (DEAD, "5.1.1")),
    (status("failed", "4.4.1", "connection timed out"), (PASSING, "connection timed out")),
    (status("failed", "4.4.7"), (PASSING, "4.4.7")),
    # the address is good: its mailbox is full, or somebody dislikes the text or the sender
    (status("failed", "5.2.2", "552 5.2.2 over quota"), (PASSING, "552 5.2.2 over quota")),
    (status("failed", "5.7.1", "550 5.7.1 spam"), (PASSING, "550 5.7.1 spam")),
    # a mail system that says "failed" of everything quotes another that says why
    (status("failed", "5.0.0", "550 5.7.26 unauthenticated"), (PASSING, "550 5.7.26 unauthenticated")),
    (status("failed", "5.0.0", "550-5.1.1 gone"), (DEAD, "550-5.1.1 gone")),
    (status("failed", "5.0.0"), (PASSING, "5.0.0")),
    (status("failed", "", "550 user unknown at 192.0.2.5"), (DEAD, "550 user unknown at 192.0.2.5")),
    (status("failed", "", "450 try later"), (PASSING, "450 try later")),
    (status("failed", "", ""), (PASSING, "The message came back without a reason.")),
    (status("delayed", "4.4.1", "connection timed out"), None),
    (status("relayed", "2.0.0"), None),
    (status("expanded", "2.0.0"), None),
    (status("delivered", "2.0.0"), (ReceiptState.DELIVERED, "")),
    (status("dancing", "5.1.1"), None),
    (report(""), (PASSING, "The message came back without a reason.")),
    (report("Action: failed\nStatus: 5.1.1\n"), (DEAD, "5.1.1")),
    (
        report(
            "Reporting-MTA: dns; mx.example.org\n\nFinal-Recipient: utf-8; ty@example.net\nAction: failed\n"
            "Status: 5.1.1\n",
            kind="global-delivery-status",
        ),
        (DEAD, "5.1.1"),
    ),
    # two stand behind the address
    (report("X: y\n\nAction: failed\nStatus: 5.1.1\n\nAction: failed\nStatus: 4.2.0\n"), (PASSING, "4.2.0")),
    (
        report("X: y\n\nAction: failed\nStatus: 5.1.1\n\nAction: delivered\nStatus: 2.0.0\n"),
        (ReceiptState.DELIVERED, ""),
    ),
]


@pytest.mark.parametrize(("raw", "meaning"), REPORTS)
def test_a_delivery_status_notification_is_read_by_its_fields(
    raw: bytes, meaning: tuple[ReceiptState, str] | None
) -> None:
    assert said(raw) == meaning
    assert said(raw.replace(b"\n", b"\r\n")) == meaning


def test_a_reason_is_one_short_line() -> None:
    found = said(status("failed", "5.1.1", "550 5.1.1 no\n such\n user " + "x" * 5000))
    assert found is not None
    assert found[1].startswith("550 5.1.1 no such user xxx")
    assert len(found[1]) == 200


QMAIL = """Hi. This is the qmail-send program at mx.example.org.
I'm afraid I wasn't able to deliver your message to the following addresses.
This is a permanent error; I've given up. Sorry it didn't work out.

<gone@example.net>:
{reason}

--- Below this line is a copy of the message.
"""
EXIM = """This message was created automatically by mail delivery software.

A message that you sent could not be delivered to one or more of its
recipients. This is a permanent error. The following address(es) failed:

  gone@example.net
    {reason}
"""
FROM = "MAILER-DAEMON@mx.example.org"
OWN_WORDS = [
    (plain(QMAIL.format(reason="Sorry, no mailbox here by that name. (#5.1.1)"), From=FROM, Subject="failure notice"),
     (DEAD, "Sorry, no mailbox here by that name. (#5.1.1)")),
    (plain(QMAIL.format(reason="I wasn't able to establish an SMTP connection. (#4.4.1)"), From=FROM),
     (PASSING, "I wasn't able to establish an SMTP connection. (#4.4.1)")),
    (plain(EXIM.format(reason="550 unknown user"), From=FROM, X_Failed_Recipients="gone@example.net",
           Auto_Submitted="auto-replied"), (DEAD, "550 unknown user")),
    (plain(EXIM.format(reason="Unrouteable address"), From="postmaster@example.net",
           X_Failed_Recipients="gone@example.net"), (DEAD, "Unrouteable address")),
    (plain("I am away until Monday. <gone@example.net> user unknown (#5.1.1)", From="ann@example.net",
           Auto_Submitted="auto-replied (vacation)"), None),
    (plain(QMAIL.format(reason="no mailbox (#5.1.1)"), From="ann@example.net", Precedence="auto_reply"), None),
    (plain(QMAIL.format(reason="no mailbox (#5.1.1)"), From="ann@example.net", X_Autoreply="yes"), None),
    (plain("Thank you for telling me! Ann", From="ann@example.net"), None),
    (b"", None),
]  # fmt: skip


@pytest.mark.parametrize(("raw", "meaning"), OWN_WORDS)
def test_a_bounce_in_a_mail_systems_own_words_is_understood_and_a_vacation_is_not_one(
    raw: bytes, meaning: tuple[ReceiptState, str] | None
) -> None:
    assert said(raw) == meaning


def complaint(kind: str, original: str = "") -> bytes:
    return report(
        f"Feedback-Type: {kind}\nUser-Agent: Loop/1\nVersion: 1\nOriginal-Mail-From: <{original}>\n"
        "Original-Rcpt-To: <gone@example.net>\n",
        kind="feedback-report",
    )


@pytest.mark.parametrize(
    ("kind", "meaning"),
    [
        ("abuse", (ReceiptState.COMPLAINED, "Reported as abuse.")),
        ("Fraud", (ReceiptState.COMPLAINED, "Reported as fraud.")),
        ("not-spam", None),
        ("auth-failure", None),
        ("dancing", None),
        ("", None),
    ],
)
def test_a_feedback_report_is_a_complaint(kind: str, meaning: tuple[ReceiptState, str] | None) -> None:
    assert said(complaint(kind)) == meaning


def test_a_complaint_to_the_address_for_all_is_about_the_envelope_sender_that_it_quotes_if_we_signed_it() -> None:
    reference = new_reference()
    told = read_bounce(complaint("abuse", sender(reference)), f"fbl@{DOMAIN}")
    assert told == [Receipt(reference, ReceiptState.COMPLAINED, "Reported as abuse.")]
    forged = sender(reference)[:-30] + "aaaaaaaa" + sender(reference)[-22:]
    assert read_bounce(complaint("abuse", forged), f"fbl@{DOMAIN}") == []
    # a bounce is believed at the address that it came to, and by nothing inside it
    assert read_bounce(status("failed", "5.1.1", f"to {sender(reference)}"), f"fbl@{DOMAIN}") == []


def test_what_is_about_a_mail_inside_the_mail_is_no_news() -> None:
    inner = complaint("abuse").decode()
    assert said(f"From: ann@example.net\nContent-Type: message/rfc822\n\n{inner}".encode()) is None


NASTY = [
    b"\x00" * 1000,
    b"Content-Type: multipart/report; boundary=" + b"=" * 70_000,
    b"Content-Type: multipart/report\n\n--\n",
    b"".join(b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(3000)),
    b"Content-Type: message/rfc822\n\n" * 5000,
    b"Content-Type: message/delivery-status\n\n\xff\xfe: x\n\nAction: failed\nStatus: \xff5.1.1\xff",
    status("failed", "5.1.1").replace(b"Final-Recipient: rfc822; gone", b"Final-Recipient: \xff; \xff"),
    status("failed", "5.1.1")[:-150] + b"x" * 1_000_000,
    complaint("abuse").replace(b"Feedback-Type", b"Feedback-Type\x00"),
]


@pytest.mark.parametrize("raw", NASTY, ids=range(len(NASTY)))
def test_whatever_comes_is_read_without_harm(raw: bytes) -> None:
    read_bounce(raw, sender(new_reference()))


@settings(deadline=None)
@given(st.binary(max_size=300), st.integers(0, 900), st.sampled_from([raw for raw, _ in [*REPORTS, *OWN_WORDS]]))
def test_a_bounce_with_anything_in_it_is_read_without_harm(garbage: bytes, at: int, raw: bytes) -> None:
    reference = new_reference()
    for receipt in read_bounce(raw[:at] + garbage + raw[at:], sender(reference)):
        assert receipt.reference == reference


class TestContractWithSignedSenders(ProviderContract):
    """The whole contract again, with an envelope sender for each message."""

    @pytest.fixture(autouse=True)
    def _relay(self, inbox: Mailbox, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("NOTIFY_SMTP_BOUNCE_DOMAIN", DOMAIN)
        monkeypatch.setenv("NOTIFY_SMTP_BOUNCE_TOKEN", "a word between the mail server and us")

    def make_provider(self) -> Provider:
        return SmtpProvider()

    def a_good_message(self) -> OutgoingMessage:
        return mail()


@pytest.mark.parametrize("extensions", [("8BITMIME", "PIPELINING"), ("8BITMIME",), ()])
def test_the_envelope_sender_of_each_message_is_its_own(provide: Provide, extensions: tuple[str, ...]) -> None:
    with serving(Relay(extensions=extensions)) as relay:
        provider = provide(relay, bounce_domain=DOMAIN, sender="bounces@example.org")
        messages = [mail(f"r{number}@example.org") for number in range(20)]
        provider.send(messages[0])
        assert {type(told) for told in provider.send_many(messages[1:])} == {Accepted}
    senders = [line.split()[1][6:-1] for line in relay.commands if line.upper().startswith("MAIL")]
    assert sorted(filter(None, map(reference_in, senders))) == sorted(message.reference for message in messages)


def test_the_envelope_sender_at_the_catcher_maps_back_to_its_message(
    inbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NOTIFY_SMTP_BOUNCE_DOMAIN", DOMAIN)
    provider = SmtpProvider()
    messages = [mail(f"r{number}@example.org") for number in range(10)]
    assert {type(told) for told in provider.send_many(messages)} == {Accepted}
    provider.close()
    found = {line["to"]: reference_in(line["from"]) for line in inbox.lines()}
    assert found == {message.address: message.reference for message in messages}


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer wrong", "Basic right", "right", "Bearer rïght"])
def test_a_bounce_is_believed_with_the_token_of_the_settings_only(header: str, provide: Provide) -> None:
    call = CallBack(status("failed", "5.1.1"), {"authorization": header, "x-notify-recipient": sender(new_reference())})
    for token in ("right", ""):
        provider = provide(Relay(), bounce_token=token)
        with pytest.raises(ReceiptNotAuthentic, match="NOTIFY_SMTP_BOUNCE_TOKEN"):
            provider.read_receipt(call)


def test_the_recipient_may_stand_in_the_header_or_in_the_query(provide: Provide) -> None:
    provider = provide(Relay(), bounce_token="right")
    reference, url = new_reference(), "https://alerts.example.org/api/v1/webhooks/smtp"
    right, body = {"authorization": "Bearer right"}, status("failed", "5.1.1")
    expected = [Receipt(reference, DEAD, "5.1.1")]
    assert provider.read_receipt(CallBack(body, right | {"x-notify-recipient": sender(reference)}, url)) == expected
    assert provider.read_receipt(CallBack(body, right, f"{url}?recipient={sender(reference)}")) == expected
    assert provider.read_receipt(CallBack(body, right, url)) == []


@pytest.mark.parametrize("domain", ["not a domain", "x>\r\nRCPT TO:<a@b.c", "localhost", "a..b"])
def test_a_bounce_domain_that_is_none_is_refused_when_it_is_read(provide: Provide, domain: str) -> None:
    with pytest.raises(ValueError, match="bounce_domain"):
        provide(Relay(), bounce_domain=domain)
