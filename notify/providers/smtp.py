"""E-mail over SMTP, with connections kept open between messages."""

import re
import smtplib
import ssl
from collections.abc import Iterator, Sequence
from typing import ClassVar, Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from notify.providers.base import (
    CallBack,
    Channel,
    Deferred,
    Message,
    News,
    Outcome,
    ProviderRejected,
    ProviderUnavailable,
    ProviderUnsure,
    Refused,
    Unknown,
)
from notify.providers.deadline import Patience, until
from notify.providers.esmtp import not_carried
from notify.providers.lockstep import hand_over
from notify.providers.parallel import send_parallel
from notify.providers.pipelines import send_all
from notify.providers.relay import Connection, Door, Pool, connect, why
from notify.settings import settings

# what may stand between the angle brackets of RCPT; a line break there would be a command of its own
_WRITABLE = re.compile(r"[!-;=?-~]+@[!-;=?-~]+")
NOT_WRITABLE = "The address cannot be written in SMTP."
LOCKSTEP_THREADS = 32


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
    hasty_timeout_seconds: float = Field(
        6.0, description="The same for an emergency's first attempt, so that a relay that hangs does not hold it up."
    )
    messages_per_connection: int = Field(1000, description="A connection is renewed after so many messages.")
    attempt_seconds: float = Field(
        30.0, description="How long handing over one message may take in all, opening the connection included."
    )
    connections: int = Field(
        12, ge=1, le=500, description="Connections a worker process opens at most; 200 for a relay 20 ms away."
    )


class SmtpProvider:
    """Hands each message to one relay. A refused recipient is permanent, everything else passes."""

    name: ClassVar[str] = "smtp"
    channel: ClassVar[Channel] = Channel.EMAIL

    def __init__(self) -> None:
        self.settings = SmtpSettings()
        self._patience = Patience(
            usual_reply_s=self.settings.timeout_seconds,
            hasty_reply_s=min(self.settings.hasty_timeout_seconds, self.settings.timeout_seconds),
            attempt_s=self.settings.attempt_seconds,
        )
        self._sender = self.settings.sender or settings().sender_address
        # read once: the authorities take longer to read than many a connection to open
        self._tls = None if self.settings.security == "none" else ssl.create_default_context()
        self._pool = Pool(
            self._connect, limit=self.settings.connections, messages_each=self.settings.messages_per_connection
        )

    def _connect(self) -> Connection:
        chosen = self.settings
        door = Door(
            host=chosen.host,
            port=chosen.port,
            tls=self._tls,
            asks_for_tls=chosen.security == "starttls",
            username=chosen.username,
            password=chosen.password,
            reply_s=chosen.timeout_seconds,
            attempt_s=chosen.attempt_seconds,
        )
        return connect(door)

    def send(self, message: Message) -> str:
        """Hand over one e-mail; SMTP gives no id.

        Raises: ProviderRejected when the relay refuses this recipient or message with 5xx; ProviderUnavailable for
        4xx and for whatever is wrong between us and the relay, which is no address's fault; ProviderUnsure when the
        relay has the whole message and says nothing.
        """
        if not _WRITABLE.fullmatch(message.address):
            raise ProviderRejected(NOT_WRITABLE)
        with until(self.settings.attempt_seconds) as deadline:
            try:
                connection = self._pool.wait(deadline.left_s())
            except OSError as error:
                raise ProviderUnavailable(why(error)) from None
            try:
                deadline.watch(connection.socket)
                outcome = hand_over(
                    connection,
                    message,
                    sender=self._sender,
                    reply_s=self._patience.reply_s(message),
                    deadline=deadline,
                )
            except BaseException as error:
                connection.close()  # in the middle of something, or of no more use
                if isinstance(error, OSError):
                    raise ProviderUnavailable(why(error)) from None
                raise
            finally:
                self._pool.give_back(connection, is_good=connection.is_open)
        return _told(outcome)

    def send_many(self, messages: Sequence[Message]) -> Iterator[Outcome]:
        """Hand over many e-mails at once, pipelined where the relay offers it, else one by one on each connection."""
        writable = []
        for message in messages:
            if _WRITABLE.fullmatch(message.address):
                writable.append(message)
            else:
                yield Refused(message.reference, NOT_WRITABLE)
        if not writable:
            return
        try:
            first = self._pool.wait(self._patience.attempt_s)
        except OSError as error:
            yield from not_carried([message.reference for message in writable], why(error))
            return
        if first.can_pipeline:
            yield from send_all(self._pool, first, writable, sender=self._sender, patience=self._patience)
            return
        self._pool.give_back(first, is_good=True)
        yield from send_parallel(self, writable, at_once=min(self.settings.connections, LOCKSTEP_THREADS))

    def read_receipt(self, call: CallBack) -> Sequence[News]:
        """Relays do not call back: bounces come by mail."""
        return []

    def check(self) -> Sequence[str]:
        """Whether the relay can be reached and takes our credentials."""
        where = f"{self.settings.host}:{self.settings.port}"
        try:
            self._connect().leave()
        except smtplib.SMTPAuthenticationError:
            return [f"{where} refuses the user name or password: check NOTIFY_SMTP_USERNAME and NOTIFY_SMTP_PASSWORD."]
        except ssl.SSLCertVerificationError as error:
            return [f"{where} has a certificate that is not valid ({error.verify_message}): check NOTIFY_SMTP_HOST."]
        except ssl.SSLError as error:
            return [f"{where} does not speak TLS ({error.reason}): check NOTIFY_SMTP_SECURITY and NOTIFY_SMTP_PORT."]
        except OSError as error:
            return [f"{where} cannot be reached ({error}): check NOTIFY_SMTP_HOST, NOTIFY_SMTP_PORT and the firewall."]
        return []

    def close(self) -> None:
        """End every idle connection."""
        self._pool.close()


def _told(outcome: Outcome) -> str:
    """The same in the way of a provider that takes one message."""
    match outcome:
        case Refused(reason=reason):
            raise ProviderRejected(reason)
        case Deferred(reason=reason, is_address=is_address):
            raise ProviderUnavailable(reason, is_address=is_address)
        case Unknown(reason=reason):
            raise ProviderUnsure(reason)
    return ""
