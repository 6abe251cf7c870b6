"""E-mail over SMTP, with connections kept open between messages."""

import contextlib
import hmac
import re
import smtplib
import socket
import ssl
from collections.abc import Iterator, Sequence
from dataclasses import replace
from ipaddress import ip_address
from typing import ClassVar, Literal
from urllib.parse import parse_qs, urlsplit

from cryptography import x509
from pydantic import Field
from pydantic_settings import SettingsConfigDict

from notify.core import clock
from notify.core.setting_sources import SettingsOfOurs
from notify.core.settings import settings
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
    ReceiptNotAuthentic,
    Refused,
    Unknown,
)
from notify.providers.bounces.reader import read_bounce, signed_sender
from notify.providers.concurrency import send_parallel
from notify.providers.deadline import Patience, until
from notify.providers.smtp import dkim_signatures, sender_dns
from notify.providers.smtp.connection_pool import Connection, Door, Pool, answer, connect, why
from notify.providers.smtp.pipelined_connection import not_carried
from notify.providers.smtp.pipelines import send_all
from notify.providers.smtp.plain_connection import send_over

# what may stand between the angle brackets of RCPT, where a line break would be a command of its own, and alone in To,
# where a comma would make two of one
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_WRITABLE = re.compile(rf"{_ATOM}(?:\.{_ATOM})*@(?:[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*|\[[A-Za-z0-9.:-]+\])")
NOT_WRITABLE = "The address cannot be written in SMTP."
LOCKSTEP_THREADS = 32

PASSWORD_IN_CLEAR = "the password would travel in clear; set NOTIFY_SMTP_SECURITY to starttls or tls"  # noqa: S105
EXPIRED, WRONG_NAME = 10, (62, 64)  # OpenSSL's numbers; the second is for a host or an address
# kinds of errors before those that they are kinds of
COMPLAINTS: Sequence[tuple[type[OSError], str]] = (
    (
        smtplib.SMTPAuthenticationError,
        "refuses the user name or password ({}): check NOTIFY_SMTP_USERNAME and NOTIFY_SMTP_PASSWORD.",
    ),
    (
        smtplib.SMTPNotSupportedError,
        "lacks what the settings ask for ({}): check NOTIFY_SMTP_SECURITY, NOTIFY_SMTP_USERNAME and NOTIFY_SMTP_PORT.",
    ),
    (smtplib.SMTPResponseException, "turns us away ({}): ask the people who run it, or check NOTIFY_SMTP_HOST."),
    (smtplib.SMTPException, "does not speak SMTP ({}): check NOTIFY_SMTP_SECURITY and NOTIFY_SMTP_PORT."),
    (ssl.SSLError, "does not speak TLS 1.2 or later ({}): check NOTIFY_SMTP_SECURITY and NOTIFY_SMTP_PORT."),
    (
        socket.gaierror,
        "cannot be reached, because its name leads nowhere ({}): check NOTIFY_SMTP_HOST and this machine's resolver.",
    ),
    (
        ConnectionRefusedError,
        "cannot be reached, because nothing listens there ({}): check NOTIFY_SMTP_HOST and NOTIFY_SMTP_PORT, "
        "and that the relay runs.",
    ),
    (
        TimeoutError,
        "cannot be reached, because it does not answer in time ({}): check NOTIFY_SMTP_HOST, NOTIFY_SMTP_PORT, "
        "NOTIFY_SMTP_SECURITY and the firewall.",
    ),
    (OSError, "cannot be reached ({}): check NOTIFY_SMTP_HOST, NOTIFY_SMTP_PORT and the firewall."),
)


class SmtpSettings(SettingsOfOurs):
    """Where mail is sent."""

    model_config = SettingsConfigDict(env_prefix="NOTIFY_SMTP_", frozen=True)

    host: str = Field("127.0.0.1", description="The relay's name.")
    port: int = Field(1025, description="The relay's port: 587 with starttls, 465 with tls.")
    security: Literal["none", "starttls", "tls"] = Field(
        "none", description="`starttls` and `tls` check the certificate; `none` is for the loopback."
    )
    username: str = Field("", description="User for AUTH; empty: no AUTH.")
    password: str = Field("", description="Password for AUTH.")
    sender: str = Field("", description="The envelope sender, where bounces go; empty: NOTIFY_SENDER_ADDRESS.")
    bounce_domain: str = Field(
        "",
        pattern=r"^([A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+)?$",
        description="A domain for bounces: each message gets an envelope sender of its own there, so that a bounce "
        "tells whose it is. Empty: all share one.",
    )
    bounce_token: str = Field(
        "", description="The word with which bounces may be posted to us; empty: they may not, only `notify bounce`."
    )
    dkim_selectors: str = Field(
        "", description="The DKIM selectors that the relay signs with, separated by commas, for `notify doctor`."
    )
    dkim_keys: str = Field(
        "",
        description="Where the relay does not sign: `domain:selector:file` of each sender's domain, separated by "
        "commas. The file is an RSA private key (PEM). Empty: nothing is signed here.",
    )
    timeout_seconds: float = Field(15.0, description="How long to wait for one reply.")
    hasty_timeout_seconds: float = Field(
        6.0, description="The same for an emergency's first attempt, so that a relay that hangs does not hold it up."
    )
    messages_per_connection: int = Field(1000, description="A connection is renewed after so many messages.")
    attempt_seconds: float = Field(
        30.0, description="How long sending one message may take in all, opening the connection included."
    )
    connections: int = Field(
        12, ge=1, le=500, description="Connections a worker process opens at most; 200 for a relay 20 ms away."
    )


class SmtpProvider:
    """Hands each message to one relay. A refused recipient is permanent, everything else passes."""

    name: ClassVar[str] = "smtp"
    channel: ClassVar[Channel] = Channel.EMAIL

    def __init__(self, *, resolver: sender_dns.Resolver | None = None) -> None:
        """`resolver` looks up what is published of our domains; this machine's own unless it is given."""
        self.settings = SmtpSettings()
        self._resolver = resolver or sender_dns.Dns()
        self._patience = Patience(
            usual_reply_s=self.settings.timeout_seconds,
            hasty_reply_s=min(self.settings.hasty_timeout_seconds, self.settings.timeout_seconds),
            attempt_s=self.settings.attempt_seconds,
        )
        self._sender = self.settings.sender or settings().sender_address
        self._signs = bool(self.settings.bounce_domain)
        if self._signs:
            self._sender_of("0" * 32)  # a key that is missing is missed now, and not by the first alert
        self._keys = dkim_signatures.read_keys(self.settings.dkim_keys)
        # read once: the authorities take longer to read than many a connection to open
        self._tls = None if self.settings.security == "none" else _context()
        self._pool = Pool(
            self._connect, limit=self.settings.connections, messages_each=self.settings.messages_per_connection
        )

    def _sender_of(self, reference: str) -> str:
        """The envelope sender of one message."""
        return (self._signs and signed_sender(reference, self.settings.bounce_domain)) or self._sender

    def _signed(self, message: Message) -> Message:
        """The message as it leaves: with a signature of ours where there is a key for its sender."""
        return replace(message, mime=dkim_signatures.signed(message.mime, self._keys)) if self._keys else message

    def _connect(self) -> Connection:
        if self._bares_password:
            raise smtplib.SMTPNotSupportedError(PASSWORD_IN_CLEAR)
        try:
            return connect(self._door())
        except UnicodeError:
            raise socket.gaierror(socket.EAI_NONAME, "it cannot be a name") from None

    @property
    def _bares_password(self) -> bool:
        """Whether whoever listens on the way to the relay would learn the password."""
        return bool(self.settings.username) and self._tls is None and not _is_loopback(self.settings.host)

    def _door(self) -> Door:
        chosen = self.settings
        return Door(
            host=chosen.host,
            port=chosen.port,
            tls=self._tls,
            asks_for_tls=chosen.security == "starttls",
            username=chosen.username,
            password=chosen.password,
            reply_s=chosen.timeout_seconds,
            attempt_s=chosen.attempt_seconds,
        )

    def send(self, message: Message) -> str:
        """Send one e-mail; SMTP gives no id.

        Raises: ProviderRejected when the relay refuses this recipient or message with 5xx; ProviderUnavailable for
        4xx and for whatever is wrong between us and the relay, which is no address's fault; ProviderUnsure when the
        relay has the whole message and says nothing.
        """
        if not _WRITABLE.fullmatch(message.address):
            raise ProviderRejected(NOT_WRITABLE)
        message = self._signed(message)
        with until(self.settings.attempt_seconds) as deadline:
            try:
                connection = self._pool.wait(deadline.left_s())
            except OSError as error:
                raise ProviderUnavailable(why(error)) from None
            try:
                deadline.watch(connection.socket)
                outcome = send_over(
                    connection,
                    message,
                    sender=self._sender_of(message.reference),
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
        """Send many e-mails at once, pipelined where the relay offers it, else one by one on each connection."""
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
            yield from send_all(
                self._pool,
                first,
                [self._signed(message) for message in writable] if self._keys else writable,
                sender=self._sender,
                sender_of=self._sender_of if self._signs else None,
                patience=self._patience,
            )
            return
        self._pool.give_back(first, is_good=True)
        yield from send_parallel(self, writable, at_once=min(self.settings.connections, LOCKSTEP_THREADS))

    def read_receipt(self, call: CallBack) -> Sequence[News]:
        """What a bounce or a complaint says that our mail server posts to us, as it came.

        The envelope address it came to is in the header `x-notify-recipient` or in the query, as `recipient`.
        Raises: ReceiptNotAuthentic without the token of the settings.
        """
        token = self.settings.bounce_token
        scheme, _, given = call.headers.get("authorization", "").partition(" ")
        if not token:
            raise ReceiptNotAuthentic("NOTIFY_SMTP_BOUNCE_TOKEN is not set, so nobody may post bounces here.")
        if scheme.lower() != "bearer" or not hmac.compare_digest(given.strip().encode(), token.encode()):
            raise ReceiptNotAuthentic("Send NOTIFY_SMTP_BOUNCE_TOKEN as `Authorization: Bearer <token>`.")
        return read_bounce(call.body, call.headers.get("x-notify-recipient") or _queried(call.url, "recipient"))

    def check(self) -> Sequence[str]:
        """Whether the relay can be reached and takes our credentials, and what the world can read of our domains."""
        return [*self._check_relay(), *self._check_domains()]

    def _check_relay(self) -> Sequence[str]:
        where = f"{self.settings.host}:{self.settings.port}"
        if self._bares_password:
            return [f"{where} is not on this machine, so it gets no mail: {PASSWORD_IN_CLEAR}."]
        try:
            self._connect().leave()
        except ssl.SSLCertVerificationError as error:
            return [f"{where} {self._about_certificate(error)}"]
        except OSError as error:
            return [f"{where} {_about(error)}"]
        return []

    def _about_certificate(self, error: ssl.SSLCertVerificationError) -> str:
        shown = self._shown_certificate()
        if error.verify_code == EXPIRED:
            ended = shown.not_valid_after_utc if shown else None
            since = f" since {ended:%-d %B %Y, %H:%M} UTC" if ended and ended < clock.now() else ""
            return f"has a certificate that has expired{since}: have it renewed; until then no mail is sent."
        if error.verify_code in WRONG_NAME:
            names = ", ".join(_names_in(shown)) if shown else ""
            return f"has a certificate for another name ({names or error.verify_message}): fix NOTIFY_SMTP_HOST."
        return (
            f"has a certificate that is not valid ({error.verify_message}): check NOTIFY_SMTP_HOST, "
            "and that this machine knows the authority behind it."
        )

    def _shown_certificate(self) -> x509.Certificate | None:
        """What the relay shows, believed or not; it is told nothing but hello."""
        unchecked = _context()
        unchecked.check_hostname, unchecked.verify_mode = False, ssl.CERT_NONE
        try:
            connection = connect(replace(self._door(), tls=unchecked, username="", password=""))
        except OSError:
            return None
        with contextlib.closing(connection):
            encoded = connection.socket.getpeercert(True) if isinstance(connection.socket, ssl.SSLSocket) else None
        try:
            return x509.load_der_x509_certificate(encoded) if encoded else None
        except ValueError:
            return None

    def check_sender(self, address: str) -> Sequence[str]:
        """What keeps mail from this address from being believed: its domain's DKIM and DMARC.

        SPF is not asked for: the envelope sender is the installation's, whose domain `check` looks at.
        """
        if self._stays_here:
            return []
        domain = address.rpartition("@")[2]
        return sender_dns.check_author(domain, resolver=self._resolver, selectors=self._selectors(domain))

    def _check_domains(self) -> Sequence[str]:
        chosen = self.settings
        if self._stays_here:
            return []
        records = {key.record: key.published for key in self._keys.values()}
        problems = sender_dns.check_keys(records, resolver=self._resolver)
        return problems or sender_dns.check_domain(
            settings().sender_address.rpartition("@")[2],
            resolver=self._resolver,
            selectors=self._selectors(settings().sender_address.rpartition("@")[2]),
            envelope=chosen.bounce_domain or self._sender.rpartition("@")[2],
            bounces=chosen.bounce_domain,
        )

    @property
    def _stays_here(self) -> bool:
        """Whether mail goes no further than this machine, as in development: nobody asks for its domain then."""
        return self.settings.security == "none" and _is_loopback(self.settings.host)

    def _selectors(self, domain: str) -> Sequence[str]:
        """Those that the relay signs with, or ours where we sign mail of this domain."""
        own = self._keys.get(domain.lower())
        named = [name for item in self.settings.dkim_selectors.split(",") if (name := item.strip())]
        return named or ([own.selector] if own else [])

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


def _context() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _queried(url: str, name: str) -> str:
    return parse_qs(urlsplit(url).query).get(name, [""])[0]


def _about(error: OSError) -> str:
    """What is wrong between us and the relay, and where to fix it."""
    if isinstance(error, smtplib.SMTPServerDisconnected) and isinstance(error.__context__, TimeoutError):
        error = error.__context__  # smtplib does not tell silence from hanging up
    words = next(words for kind, words in COMPLAINTS if isinstance(error, kind))
    if isinstance(error, smtplib.SMTPResponseException):
        return words.format(answer(error.smtp_code, error.smtp_error))
    return words.format(getattr(error, "reason", None) or error.strerror or str(error) or type(error).__name__)


def _names_in(certificate: x509.Certificate) -> Sequence[str]:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, ValueError):
        return []
    return [str(name.value) for name in names][:5]
