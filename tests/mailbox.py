"""What a test's SMTP server and file of texts received."""

import json
from collections import Counter
from dataclasses import dataclass
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Mailbox:
    """The catcher's folder: `mail.jsonl`, one line a recipient, `sms.jsonl`, and each message as sent."""

    folder: Path

    def empty(self) -> None:
        """Forget what was received so far."""
        for name in ("mail.jsonl", "sms.jsonl"):
            (self.folder / name).write_bytes(b"")  # the catcher goes on appending to the same file
        for kept in self.folder.glob("kept/*.eml"):
            kept.unlink()

    def lines(self, name: str = "mail.jsonl") -> list[dict[str, str]]:
        """One object a message received."""
        file = self.folder / name
        return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []

    def recipients(self) -> Counter[str]:
        """How many e-mails went to each address."""
        return Counter(line["to"] for line in self.lines())

    def texts(self) -> Counter[str]:
        """How many texts went to each number."""
        return Counter(line["to"] for line in self.lines("sms.jsonl"))

    def messages(self) -> list[EmailMessage]:
        """Every e-mail received, parsed."""
        return [
            message_from_bytes(file.read_bytes(), policy=default) for file in sorted(self.folder.glob("kept/*.eml"))
        ]
