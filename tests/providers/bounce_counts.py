"""Reads labelled mails and counts what they were read as: `python -m tests.providers.bounce_counts [FOLDER]`.

A mail's label is its file's name up to the first hyphen: hard, soft, ignored, delivered or complaint. `@@RCPT@@` in it
stands for the envelope sender that we signed. The last line says how many hard ones were read as hard, and how many
soft ones as dead.
"""

import os
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from notify.providers.base import Receipt, ReceiptState
from notify.providers.bounces.reader import read_bounce, signed_sender

MAILS = Path(__file__).parent / "bounce_mails"
PLACEHOLDER = b"@@RCPT@@"
DOMAIN = "bounces.example.org"
REFERENCE = f"{'0123456789abcdef' * 2}-7"
READ_AS = {
    ReceiptState.PERMANENT_FAILURE: "hard",
    ReceiptState.TEMPORARY_FAILURE: "soft",
    ReceiptState.DELIVERED: "delivered",
    ReceiptState.COMPLAINED: "complaint",
}


@dataclass(frozen=True, slots=True)
class Labelled:
    """A mail with what it is."""

    name: str
    label: str
    raw: bytes

    def to(self, sender: str) -> bytes:
        """The mail as it came back to this envelope sender."""
        return self.raw.replace(PLACEHOLDER, sender.encode())


def labelled(folder: Path = MAILS) -> Sequence[Labelled]:
    """Every mail of the folder."""
    return [
        Labelled(file.stem, file.stem.partition("-")[0], file.read_bytes()) for file in sorted(folder.glob("*.eml"))
    ]


def read(mail: Labelled) -> tuple[str, str]:
    """What a mail is read as, and why."""
    sender = signed_sender(REFERENCE, DOMAIN) or ""
    recipient = f"fbl@{DOMAIN}" if b"\nTo: fbl@" in mail.raw else sender
    found: Sequence[Receipt] = read_bounce(mail.to(sender), recipient)
    return (READ_AS[found[0].state], found[0].reason) if found else ("ignored", "")


def report(mails: Sequence[Labelled]) -> Iterator[str]:
    """A line for each mail that was read as something else, a table, and the two shares that matter."""
    seen: Counter[tuple[str, str]] = Counter()
    for mail in mails:
        result, reason = read(mail)
        seen[mail.label, result] += 1
        if result != mail.label:
            yield f"{mail.name}: {result} ({reason})"
    for label, result in sorted(seen):
        yield f"{label:10} read as {result:10} {seen[label, result]:4}"
    hard, soft = (sum(n for (label, _), n in seen.items() if label == kind) for kind in ("hard", "soft"))
    yield (
        f"{len(mails)} mails: {seen['hard', 'hard']} of {hard} hard read as hard, "
        f"{seen['soft', 'hard']} of {soft} soft read as dead"
    )


if __name__ == "__main__":
    os.environ.setdefault("NOTIFY_SECRET_KEY", "only for mails that this command signs itself")
    for line in report(labelled(Path(sys.argv[1]) if len(sys.argv) > 1 else MAILS)):
        print(line)
