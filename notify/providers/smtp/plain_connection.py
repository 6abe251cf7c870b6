"""One message after another over smtplib, for relays that do not offer pipelining with eight-bit text."""

import smtplib
from collections.abc import Sequence
from email import message_from_bytes
from email.policy import SMTP as SEVEN_BIT

from notify.providers.base import Accepted, Deferred, Message, Outcome, Unknown, stayed
from notify.providers.deadline import Deadline
from notify.providers.smtp.connection_pool import Connection, answer
from notify.providers.smtp.pipelined_connection import UNKNOWN, ended, refused


def send_over(connection: Connection, message: Message, *, sender: str, reply_s: float, deadline: Deadline) -> Outcome:
    """What became of this message; the connection is closed if it is of no more use.

    Raises: OSError when the relay went away while it certainly did not have the message.
    """
    smtp = connection.for_smtplib(reply_s)
    mime, options = _fitting(message.mime, eight_bits=connection.takes_eight_bits)
    connection.sent += 1
    if refusal := _announce(smtp, message, sender, options):
        _reset(connection)
        return refusal
    if words := message.must_stay():
        connection.close()  # there is no other way to take an announced message back
        return stayed(message, words)
    smtp.send(b"".join(ended(mime)))
    return _end(connection, message, deadline)


def _end(connection: Connection, message: Message, deadline: Deadline) -> Outcome:
    """What the relay says to the end of the text."""
    try:
        code, reply = connection.smtp.getreply()
    except OSError as error:
        connection.close()
        return Unknown(message.reference, f"{UNKNOWN} {type(error).__name__}")
    if deadline.is_over or not 200 <= code < 600:  # smtplib takes what came before the end of the line for a reply
        connection.close()
        return Unknown(message.reference, UNKNOWN)
    if code == 421:
        connection.close()
        return Deferred(message.reference, answer(code, reply))
    words = answer(code, reply).partition(" ")[2]
    return Accepted(message.reference) if code < 300 else refused(message.reference, code, words)


def _announce(smtp: smtplib.SMTP, message: Message, sender: str, options: Sequence[str]) -> Outcome | None:
    """Everything before the text; what the relay has against it."""
    code, words = smtp.mail(sender, options)
    if not 200 <= code < 300:
        reason = f"The mail relay refuses our sender address: {answer(code, words)}"
        return Deferred(message.reference, reason)
    code, words = smtp.rcpt(message.address)
    if 200 <= code < 300:
        code, words = smtp.docmd("DATA")
    if code == 354:
        return None
    if code == 421:
        return Deferred(message.reference, answer(code, words))
    return refused(message.reference, code, answer(code, words).partition(" ")[2])


def _reset(connection: Connection) -> None:
    try:
        code, _ = connection.smtp.rset()
    except OSError:
        code = 421
    if code == 421:
        connection.close()


def _fitting(mime: bytes, *, eight_bits: bool) -> tuple[bytes, Sequence[str]]:
    """The message as this relay takes it, and the MAIL options that say so."""
    if eight_bits:
        return mime, ["BODY=8BITMIME"]
    if mime.isascii():
        return mime, []  # written anew, a signed header could come out differently
    return message_from_bytes(mime, policy=SEVEN_BIT.clone(cte_type="7bit")).as_bytes(), []
