"""E-mail over SMTP, with connections kept open between messages."""

import re
import select
import smtplib
import ssl
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from email import message_from_bytes
from email.policy import SMTP as SEVEN_BIT
from queue import Empty, LifoQueue
from typing import ClassVar, Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from notify.providers.base import (
    Channel,
    Deferred,
    Message,
    Outcome,
    ProviderRejected,
    ProviderUnavailable,
    Receipt,
    Refused,
    send_each,
)
from notify.providers.esmtp import Pipeline, send_all
from notify.settings import settings

# what may stand between the angle brackets of RCPT; a line break there would be a command of its own
_WRITABLE = re.compile(r"[!-;=?-~]+@[!-;=?-~]+")
NOT_WRITABLE = "The address cannot be written in SMTP."


class SmtpSettings(BaseSettings):
    """Where mail is handed over."""

    model_config = SettingsConfigDict(env_prefix="NOTIFY_SMTP_", frozen=True)

    host: str = Field("127.0.0.1", description="The relay's name.")
    port: int = Field(1025, description="The relay's port: 587 with starttls, 465 with tls.")
    security: Literal["none", "starttls", "tls"] = Field(
        "none", description="`starttls` and `tls` check the certificate; `none` is for the loopback."
    )
    username: str = Field("", description="User for AUTH; empty: no AUTH.")
    password: str = Field("", description="Password for AUTH.")
    sender: str = Field("", description="The envelope sender, where bounces go; empty: NOTIFY_SENDER_ADDRESS.")
    timeout_seconds: float = Field(15.0, description="How long to wait for one reply.")
    messages_per_connection: int = Field(1000, description="A connection is renewed after so many messages.")
    connections: int = Field(
        4, ge=1, le=500, description="Connections one batch is handed over on; 50 for a relay 20 ms away."
    )


class _Connection:
    """One open connection and how many messages went through it."""

    def __init__(self, settings: SmtpSettings) -> None:
        kind = smtplib.SMTP_SSL if settings.security == "tls" else smtplib.SMTP
        self.smtp = kind(settings.host, settings.port, timeout=settings.timeout_seconds)
        try:
            if settings.security == "starttls":
                self.smtp.starttls(context=ssl.create_default_context())
            if settings.username:
                self.smtp.login(settings.username, settings.password)
            self.smtp.ehlo_or_helo_if_needed()
        except BaseException:
            self.smtp.close()
            raise
        self.takes_eight_bits = self.smtp.has_extn("8bitmime")
        self.sent = 0

    def is_fresh(self) -> bool:
        """Whether the relay has kept silent since the last message, as it does while a connection is good."""
        if self.smtp.sock is None:
            return False
        readable = select.poll()
        readable.register(self.smtp.sock, select.POLLIN)
        return not readable.poll(0)


class _NotOffered(Exception):
    """The relay does not offer pipelining with eight-bit text."""


class SmtpProvider:
    """Hands each message to one relay. A refused recipient is permanent, everything else passes."""

    name: ClassVar[str] = "smtp"
    channel: ClassVar[Channel] = Channel.EMAIL

    def __init__(self) -> None:
        self.settings = SmtpSettings()
        self._sender = self.settings.sender or settings().sender_address
        self._idle: LifoQueue[_Connection] = LifoQueue()
        self._pipelines: LifoQueue[Pipeline] = LifoQueue()

    def send(self, message: Message) -> str:
        """Hand over one e-mail; SMTP gives no id.

        Raises: ProviderRejected when the relay refuses this recipient or message with 5xx, ProviderUnavailable for
        4xx and for whatever is wrong between us and the relay, which is no address's fault.
        """
        if not _WRITABLE.fullmatch(message.address):
            raise ProviderRejected(NOT_WRITABLE)
        try:
            with self._connection() as connection:
                mime, options = _fitting(message.mime, eight_bits=connection.takes_eight_bits)
                connection.smtp.sendmail(self._sender, [message.address], mime, mail_options=options)
        except smtplib.SMTPRecipientsRefused as error:
            _raise_for(*next(iter(error.recipients.values())))
        except smtplib.SMTPDataError as error:
            _raise_for(error.smtp_code, error.smtp_error)
        except OSError as error:  # with everything else that smtplib raises
            raise ProviderUnavailable(_why(error)) from None
        return ""

    def send_many(self, messages: Sequence[Message]) -> Iterator[Outcome]:
        """Hand over many e-mails at once, pipelined where the relay offers it, else one after another."""
        yield from (Refused(m.reference, NOT_WRITABLE) for m in messages if not _WRITABLE.fullmatch(m.address))
        messages = [message for message in messages if _WRITABLE.fullmatch(message.address)]
        if not messages:
            return
        try:
            pipelines = self._take_pipelines(min(self.settings.connections, len(messages)))
        except _NotOffered:
            yield from send_each(self, messages)
            return
        except OSError as error:
            yield from (Deferred(message.reference, _why(error)) for message in messages)
            return
        try:
            yield from send_all(pipelines, messages, seconds=self.settings.timeout_seconds)
        finally:
            for pipeline in pipelines:
                self._give_back_pipeline(pipeline)

    def _take_pipelines(self, wanted: int) -> Sequence[Pipeline]:
        """Open connections, at least one: those that are idle and still good, and new ones.

        Raises: _NotOffered when the relay cannot pipeline, and what connecting raises when none can be opened.
        """
        taken: list[Pipeline] = []
        with suppress(Empty):
            while len(taken) < wanted:
                pipeline = self._pipelines.get_nowait()
                if pipeline.is_fresh():
                    taken.append(pipeline)
                else:
                    pipeline.close()
        if not taken:
            taken.append(self._open_pipeline())  # the first tells whether the relay is there and what it offers
        missing = wanted - len(taken)
        if missing > 0:
            with ThreadPoolExecutor(min(missing, 16)) as opening:
                opened = [opening.submit(self._open_pipeline) for _ in range(missing)]
            taken += [future.result() for future in opened if future.exception() is None]
        return taken

    def _open_pipeline(self) -> Pipeline:
        connection = _Connection(self.settings)
        if not (connection.takes_eight_bits and connection.smtp.has_extn("pipelining")):
            self._idle.put(connection)
            raise _NotOffered
        return Pipeline(connection.smtp, self._sender)

    def _give_back_pipeline(self, pipeline: Pipeline) -> None:
        if pipeline.is_idle and pipeline.is_open and pipeline.handed_in < self.settings.messages_per_connection:
            self._pipelines.put(pipeline)
        else:
            pipeline.close()

    @contextmanager
    def _connection(self) -> Iterator[_Connection]:
        """An open connection for one message, given back unless something broke."""
        connection = self._idle_connection() or _Connection(self.settings)
        try:
            yield connection
        except (smtplib.SMTPResponseException, smtplib.SMTPRecipientsRefused):
            self._give_back(connection)  # it answered: sendmail has reset the session
            raise
        except BaseException:
            connection.smtp.close()
            raise
        else:
            self._give_back(connection)

    def _idle_connection(self) -> _Connection | None:
        with suppress(Empty):
            while True:
                connection = self._idle.get_nowait()
                if connection.is_fresh():
                    return connection
                connection.smtp.close()
        return None

    def _give_back(self, connection: _Connection) -> None:
        connection.sent += 1
        if connection.sent >= self.settings.messages_per_connection:
            _quit(connection)
        else:
            self._idle.put(connection)

    def read_receipt(self, body: bytes, headers: Mapping[str, str]) -> Sequence[Receipt]:
        """Relays do not call back: bounces come by mail."""
        return []

    def check(self) -> Sequence[str]:
        """Whether the relay can be reached and takes our credentials."""
        where = f"{self.settings.host}:{self.settings.port}"
        try:
            _quit(_Connection(self.settings))
        except smtplib.SMTPAuthenticationError:
            return [f"{where} refuses the user name or password: check NOTIFY_SMTP_USERNAME and NOTIFY_SMTP_PASSWORD."]
        except ssl.SSLError as error:
            return [f"{where} has a certificate that is not valid ({error.reason}): check NOTIFY_SMTP_HOST."]
        except (OSError, smtplib.SMTPException) as error:
            return [f"{where} cannot be reached ({error}): check NOTIFY_SMTP_HOST, NOTIFY_SMTP_PORT and the firewall."]
        return []

    def close(self) -> None:
        """End every idle connection."""
        with suppress(Empty):
            while True:
                _quit(self._idle.get_nowait())
        with suppress(Empty):
            while True:
                self._pipelines.get_nowait().close()


def _fitting(mime: bytes, *, eight_bits: bool) -> tuple[bytes, Sequence[str]]:
    """The message as this relay takes it, and the MAIL options that say so."""
    if eight_bits:
        return mime, ["BODY=8BITMIME"]
    return message_from_bytes(mime, policy=SEVEN_BIT.clone(cte_type="7bit")).as_bytes(), []


def _why(error: OSError) -> str:
    """What is wrong between us and the relay, for whoever looks after it."""
    match error:
        case smtplib.SMTPAuthenticationError():
            return f"The mail relay refuses our user name or password: {_answer(error.smtp_code, error.smtp_error)}"
        case smtplib.SMTPSenderRefused():
            return f"The mail relay refuses our sender address: {_answer(error.smtp_code, error.smtp_error)}"
        case smtplib.SMTPResponseException():
            return f"The mail relay turns us away: {_answer(error.smtp_code, error.smtp_error)}"
        case smtplib.SMTPNotSupportedError():
            return f"The mail relay lacks what the settings ask for: {error}"
        case ssl.SSLError():
            return f"The mail relay's certificate is not valid: {error.reason}"
        case _:
            return f"The mail relay is away: {type(error).__name__}"


def _answer(code: int, words: bytes | str) -> str:
    text = words.decode("utf-8", "replace") if isinstance(words, bytes) else words
    return f"{code} {' '.join(text.split())[:200]}"


def _raise_for(code: int, words: bytes | str) -> None:
    reason = _answer(code, words)
    if 500 <= code < 600:
        raise ProviderRejected(reason)
    raise ProviderUnavailable(reason)


def _quit(connection: _Connection) -> None:
    with suppress(OSError, smtplib.SMTPException):
        connection.smtp.quit()
