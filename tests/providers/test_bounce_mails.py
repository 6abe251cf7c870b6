"""Labelled mails in the forms of many mail systems, and the classifier that reads them and replies alike."""

from pathlib import Path
from time import thread_time

import pytest

from notify.providers.bounces.reader import read_bounce, signed_sender
from notify.providers.bounces.verdicts import Verdict, judge
from notify.subscribers.suppression.bounces import cause_of
from tests.providers import bounce_counts
from tests.providers.bounce_counts import REFERENCE, Labelled

pytestmark = pytest.mark.usefixtures("servers")  # for the key that signs

MAILS = bounce_counts.labelled()


@pytest.mark.parametrize("labelled", MAILS, ids=lambda labelled: labelled.name)
def test_a_mail_is_read_as_what_it_is(labelled: Labelled) -> None:
    assert bounce_counts.read(labelled)[0] == labelled.label


def test_line_ends_make_no_difference() -> None:
    for mail in MAILS:
        carriage = Labelled(mail.name, mail.label, mail.raw.replace(b"\n", b"\r\n"))
        assert bounce_counts.read(carriage)[0] == mail.label, mail.name


def test_the_counts_are_printed_with_a_line_for_each_mail_read_otherwise() -> None:
    *table, last = bounce_counts.report(MAILS)
    assert last.endswith("70 of 70 hard read as hard, 0 of 61 soft read as dead")
    wrong = list(bounce_counts.report([Labelled("hard-wrong", "hard", b"From: ann@example.org\n\nHello.")]))
    assert wrong[0] == "hard-wrong: ignored ()"
    assert len(table) < 10


def test_no_reason_is_taken_from_the_copy_of_our_own_message() -> None:
    for mail in MAILS:
        assert not {"Bus", "houses", "leaflets"} & set(bounce_counts.read(mail)[1].split()), mail.name


CASES = {"d": "hard", "q1": "hard", "q2": "soft", "s": "soft", "n": "ignored"}


def test_the_cases_beside_the_real_data_are_read_as_they_say(real_data: Path) -> None:
    files = sorted((real_data.parent / "cases" / "bounces").glob("*.eml"))
    assert files
    for file in files:
        label = next(label for start, label in CASES.items() if file.name.startswith(start))
        assert bounce_counts.read(Labelled(file.stem, label, file.read_bytes()))[0] == label, file.name


# the table of docs/providers/bounces.md: words, the field of a report, verdict
TABLE = [
    ("550 5.1.1", "", Verdict.HARD),
    ("550 5.1.2 no such system", "", Verdict.HARD),
    ("551 5.1.6 moved", "", Verdict.HARD),
    ("550 5.1.10 Recipient not found", "", Verdict.HARD),
    ("550 5.2.1 Mailbox disabled", "", Verdict.HARD),
    ("550 5.2.1 The account is inactive", "", Verdict.HARD),
    ("550 5.2.1 Not now", "", Verdict.SOFT),
    ("550 5.4.4 Host not found", "", Verdict.HARD),
    ("550 5.4.4 unable to route", "", Verdict.SOFT),
    ("550 User unknown", "", Verdict.HARD),
    ("Domain does not exist", "5.0.0", Verdict.HARD),
    ("", "5.1.1", Verdict.HARD),
    ("550 5.7.1 blocked by policy", "5.1.1", Verdict.OURS),
    ("550 5.1.1 mailbox full", "5.1.1", Verdict.SOFT),
    ("450 4.1.1 User unknown", "", Verdict.SOFT),
    ("User unknown", "4.1.1", Verdict.SOFT),
    ("552 user unknown", "", Verdict.SOFT),
    ("550", "", Verdict.VAGUE),
    ("", "5.0.0", Verdict.VAGUE),
    ("550 5.1.3 bad syntax", "", Verdict.VAGUE),
    ("550 5.1.7 bad sender", "", Verdict.OURS),
    ("550 5.1.8 no", "", Verdict.OURS),
    ("550 5.1.8 Domain does not exist", "", Verdict.OURS),
    ("553 5.1.8 <bins@council.example.org>: domain not found", "", Verdict.OURS),
    ("550 5.1.7 unknown domain council.example.org", "", Verdict.OURS),
    ("550 Unknown domain alerts.example.org in MAIL FROM", "", Verdict.OURS),
    ("553 Your domain is invalid", "", Verdict.OURS),
    ("550 invalid mailbox syntax in From", "", Verdict.OURS),
    ("550 Message contains invalid address in To header", "", Verdict.OURS),
    ("550 5.4.4 Host relay.council.example.org not found", "", Verdict.SOFT),
    ("550 Hostname alerts.example.org could not be resolved", "", Verdict.VAGUE),
    ("550 5.4.4 <ann@gone.example.net>: Host gone.example.net not found", "", Verdict.HARD),
    ("550 5.4.6 mail server not found", "", Verdict.SOFT),
    ("550 account inactive: please pay your SMTP relay invoice", "", Verdict.OURS),
    ("550 No such user - your account on this relay is inactive", "", Verdict.OURS),
    ("550 5.1.1 User unknown in relay recipient table", "", Verdict.HARD),
    ("550 5.6.0 no", "", Verdict.VAGUE),
    ("550 5.7.1 no such user", "", Verdict.SOFT),
    ("Bus 450 leaves, user unknown", "", Verdict.HARD),
]


@pytest.mark.parametrize(("words", "field", "verdict"), TABLE)
def test_the_table_of_the_documentation_holds(words: str, field: str, verdict: Verdict) -> None:
    assert judge(words, field) is verdict


def test_a_domain_that_is_named_must_be_the_recipients() -> None:
    def of(words: str) -> Verdict:
        return judge(words, "5.4.4", "ann@gone.example.net")

    assert of("Host or domain name not found: name=gone.example.net type=A") is Verdict.HARD
    assert of("host mx.example.org said: 550 5.4.4 Host not found") is Verdict.HARD
    assert of("Host or domain name not found: name=relay.example.org type=A") is Verdict.SOFT
    assert of("550 5.4.4 <bins@example.org>: domain not found") is Verdict.SOFT


def test_a_long_refusal_is_judged_in_time() -> None:
    for words in ("mailbox " * 40_000, "a" * 200_000, "@" * 50_000, "550-" * 50_000, "user is " * 30_000):
        assert judge(words) is not Verdict.HARD
    sender = signed_sender(REFERENCE, bounce_counts.DOMAIN) or ""
    long = b"From: postmaster@mail.example.com\nSubject: Undeliverable\n\n" + b"user was not " * 18_000
    assert len(read_bounce(long, sender)) == 1


HOSTILE = [
    "@",
    ":",
    "-",
    "<",
    "(",
    "#",
    " ",
    "\t",
    "'",
    "5.",
    "550-",
    "- ",
    ": ",
    "@:",
    "a@",
    "x@y\n",
    "a\n\n",
    "550\n\n",
]


@pytest.mark.parametrize("kind", HOSTILE)
def test_twenty_thousand_hostile_characters_cost_less_than_a_second(kind: str) -> None:
    sender = signed_sender(REFERENCE, bounce_counts.DOMAIN) or ""
    words = (kind * 20_000)[:20_000]
    lines = "\n".join([f"{(kind * 300)[:300]} x"] * 60 + ["@" * 100 + ":" * 100 + " x"] * 60)
    began = thread_time()
    for body in (f"{words}x", f"550 5.1.1 no such user\n{lines}"):
        read_bounce(f"From: postmaster@mail.example.com\nSubject: Undeliverable\n\n{body}\n".encode(), sender)
    cause_of(words)
    assert thread_time() - began < 1


@pytest.mark.parametrize("kind", [*HOSTILE, "<a ", "<!--", "<!-", "</", "<a>", "<style>", "&#", "&#1", "&a"])
def test_a_page_of_a_quarter_of_a_million_hostile_characters_costs_less_than_a_second(kind: str) -> None:
    sender = signed_sender(REFERENCE, bounce_counts.DOMAIN) or ""
    head = "From: postmaster@mail.example.com\nSubject: Undeliverable\nContent-Type: text/html\n\n"
    began = thread_time()
    read_bounce(f"{head}<html><body>{(kind * 250_000)[:250_000]}</body></html>\n".encode(), sender)
    assert thread_time() - began < 1


def test_a_line_is_read_as_far_as_lines_go() -> None:
    sender = signed_sender(REFERENCE, bounce_counts.DOMAIN) or ""
    head = b"From: postmaster@mail.example.com\nSubject: Undeliverable\n\n"
    [far] = read_bounce(head + b"x" * 300 + b": 550 5.1.1 no such user\n", sender)
    [near] = read_bounce(head + b" " * 40 + b"550 5.1.1 no such user\n", sender)
    assert [far.state.value, near.state.value] == ["temporary-failure", "permanent-failure"]
