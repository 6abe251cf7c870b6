"""Messages for adapters to carry."""

from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP, default
from uuid import uuid4

from notify.core.tokens import webhook_secret
from notify.providers.base import Message

WELSH = "Mae’r ffordd ar gau ddydd Sul.\nTŷ, ŵyl a môr; £5.\n.\n..dau ddot\n"


def mail(address: str = "a@example.org", *, text: str = WELSH, subject: str = "Ffordd ar gau: tŷ") -> Message:
    """An e-mail with both parts in eight bits, as alerts have."""
    reference = f"{uuid4().hex}-1"
    made = EmailMessage(policy=SMTP.clone(cte_type="8bit"))
    made["From"] = "alerts@example.org"
    made["To"] = "a@example.org"
    made["Subject"] = subject
    made["Message-ID"] = f"<{reference}@example.org>"
    made.set_content(text, cte="8bit")
    made.add_alternative(f"<p>{text}</p>", subtype="html", cte="8bit")
    return Message(reference, address, subject, "", made.as_bytes())


def parsed(mime: bytes) -> EmailMessage:
    """The e-mail as the standard library reads it."""
    return message_from_bytes(mime, policy=default)


def text_of(mime: bytes) -> str:
    """The plain part's words."""
    part = parsed(mime).get_body(("plain",))
    assert part is not None
    words: str = part.get_content()
    return words.replace("\r\n", "\n")


def call(address: str, *, text: str = '{"type": "alert.published"}', secret: str | None = None) -> Message:
    """A webhook call."""
    return Message(f"{uuid4().hex}-1", address, "Road closed", text, secret=secret or webhook_secret())
