"""E-mail and text messages by GOV.UK Notify, through its official client."""

import hmac
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, time, timedelta
from typing import ClassVar

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from notify.core import clock
from notify.core.setting_sources import SettingsOfOurs
from notify.providers.base import (
    CallBack,
    Channel,
    Inbound,
    Message,
    News,
    Outcome,
    ProviderRejected,
    ProviderUnavailable,
    ProviderUnsure,
    Receipt,
    ReceiptNotAuthentic,
    ReceiptState,
)
from notify.providers.concurrency import send_parallel
from notify.providers.govuk.client import Api, Clients, Refusal, Silence, as_object
from notify.providers.govuk.wording import for_markdown, read_mail

HASTY_S = 6.0
FIND_S = 3.0
RATE_PAUSE_S = 10.0  # Notify's bucket fills continuously: by then it holds a sixth of a minute's messages
DAILY_PAUSE_S = 900.0  # a limit may be raised before midnight, so Notify is asked again sooner

_UUID = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_API_KEY = re.compile(rf".*{_UUID}-{_UUID}", re.ASCII | re.IGNORECASE)
_ABOUT_RECIPIENT = re.compile(
    r"\b(?:phone_number|email_address)\b|send to this recipient|send to (?:international|landline|premium)"
    r"|InvalidPhoneError|InvalidEmailError",
    re.IGNORECASE,
)
_NOT_LIVE = re.compile(r"team-only|trial mode", re.IGNORECASE)
_ABOUT_CONTENT = re.compile(r"cannot be longer than|message is empty|\btoo long\b", re.IGNORECASE)

_STATES = {
    "sent": (ReceiptState.SENT, ""),
    "delivered": (ReceiptState.DELIVERED, ""),
    "permanent-failure": (ReceiptState.PERMANENT_FAILURE, "There is no such address or number, or it takes nothing."),
    "temporary-failure": (ReceiptState.TEMPORARY_FAILURE, "A full mailbox, or a phone that was off for long."),
    # theirs or ours, but never the resident's: the address must not be lost by it
    "technical-failure": (ReceiptState.TEMPORARY_FAILURE, "GOV.UK Notify had a technical failure."),
}


class GovukSettings(SettingsOfOurs):
    """How GOV.UK Notify is called, and how it calls back."""

    model_config = SettingsConfigDict(env_prefix="NOTIFY_GOVUK_", frozen=True)

    api_key: str = Field("", description="The whole API key: name, service and secret.")
    email_template_id: str = Field("", description="The e-mail template: `((subject))` and `((body))`.")
    sms_template_id: str = Field("", description="The text message template: `((body))`.")
    email_reply_to_id: str = Field("", description="The id of a reply-to address; empty: the service's default.")
    sms_sender_id: str = Field("", description="The id of a text message sender; empty: the service's default.")
    sms_takes_replies: bool = Field(
        False, description="Whether residents can answer: the sender is an inbound number of your service, not a name."
    )
    base_url: str = Field(
        "https://api.notifications.service.gov.uk", min_length=1, description="Where GOV.UK Notify's API is."
    )
    callback_token: str = Field("", description="The bearer token that Notify sends with its call-backs.")
    timeout_seconds: float = Field(15.0, gt=0, le=24, description="How long sending one message may take in all.")
    parallel: int = Field(16, ge=1, le=200, description="Messages of one batch sent at the same time.")


class _Govuk:
    """What both channels have in common."""

    name: ClassVar[str]
    channel: ClassVar[Channel]
    template_setting: ClassVar[str]
    placeholders: ClassVar[Mapping[str, str]]  # what the template must hold, and where

    def __init__(self) -> None:
        self.settings = GovukSettings()
        self._clients = Clients(api_key=self.settings.api_key, base_url=self.settings.base_url)

    def _post(self, client: Api, message: Message) -> object:
        raise NotImplementedError

    @property
    def _template_id(self) -> str:
        raise NotImplementedError

    def send(self, message: Message) -> str:
        """Send one message; Notify's id for it.

        Raises: ProviderRejected for a recipient or a length that Notify does not take; ProviderUnavailable for limits,
        failures and whatever is wrong with our key or template; ProviderUnsure when Notify has the whole request,
        does not answer, and does not know our reference when asked.
        """
        if wrong := self._not_set():
            raise ProviderUnavailable(wrong)
        limit_s = self.settings.timeout_seconds
        within_s = min(limit_s, HASTY_S) if message.is_hasty else limit_s
        try:
            reply = self._clients.ask(lambda client: self._post(client, message), within_s=within_s)
        except Refusal as refusal:
            if refusal.status in (502, 504):  # a gateway speaks: Notify may have the message
                if identity := self._find(message.reference):
                    return identity
                raise ProviderUnsure(f"GOV.UK Notify's gateway answered {refusal.status}.") from None
            raise _verdict(refusal, self.template_setting) from None
        except Silence as silence:
            if not silence.was_heard:
                raise ProviderUnavailable(str(silence)) from None
            if identity := self._find(message.reference):
                return identity
            raise ProviderUnsure(str(silence)) from None
        return str(reply.get("id") or "")

    def _find(self, reference: str) -> str:
        """Notify's id for what we called so; empty when it knows of none yet, or does not say."""
        try:
            found = self._clients.ask(lambda client: client.get_all_notifications(reference=reference), within_s=FIND_S)
        except (Refusal, Silence):
            return ""
        known = found.get("notifications")
        first = known[0] if isinstance(known, list) and known else {}
        is_ours = isinstance(first, dict) and first.get("reference") == reference
        return str(first.get("id") or "") if is_ours else ""

    def send_many(self, messages: Sequence[Message]) -> Iterator[Outcome]:
        """Send several at the same time: Notify takes one a call."""
        return send_parallel(self, messages, at_once=self.settings.parallel)

    def read_receipt(self, call: CallBack) -> Sequence[News]:
        """What became of a message, or what a resident wrote, whichever the channel. Raises: ReceiptNotAuthentic."""
        token = self.settings.callback_token
        given = call.headers.get("authorization", "")
        if not token or not hmac.compare_digest(given.encode(errors="replace"), f"Bearer {token}".encode()):
            raise ReceiptNotAuthentic("The bearer token is missing or wrong.")
        return _news(as_object(call.body))

    def check(self) -> Sequence[str]:
        """Whether Notify takes our key and has a template as we need it, and whether it could call back."""
        said = [wrong] if (wrong := self._not_set()) else list(self._check_template())
        if not self.settings.callback_token:
            said.append("NOTIFY_GOVUK_CALLBACK_TOKEN is empty, so neither receipts nor STOP are believed: set it.")
        return said

    def _not_set(self) -> str:
        if not _API_KEY.fullmatch(self.settings.api_key):
            return "NOTIFY_GOVUK_API_KEY is no whole API key: name, service and secret, as Notify shows it once."
        return "" if self._template_id else f"{self.template_setting} is empty: it is the id of a template at Notify."

    def _check_template(self) -> Iterator[str]:
        where = self.settings.base_url
        try:
            template = self._clients.ask(
                lambda client: client.get_template(self._template_id), within_s=self.settings.timeout_seconds
            )
        except Refusal as refusal:
            if refusal.status in (400, 404):
                yield f"The service of this key has no template {self._template_id}: check {self.template_setting}."
            else:
                yield str(_verdict(refusal, self.template_setting))
            return
        except Silence as silence:
            yield f"{where} cannot be used. {silence} Check NOTIFY_GOVUK_BASE_URL, the firewall and HTTPS_PROXY."
            return
        if template.get("type") != self.channel:
            yield f"{self.template_setting} is a template of type {template.get('type')}: it must be {self.channel}."
            return
        for placeholder, part in self.placeholders.items():
            if not re.search(rf"\(\( *{placeholder} *\)\)", str(template.get(part) or ""), re.IGNORECASE):
                yield f"The {part} of the template in {self.template_setting} lacks (({placeholder})): add it there."

    def close(self) -> None:
        """End every idle connection; the next message opens one."""
        self._clients.close()


class GovukEmailProvider(_Govuk):
    """Sends the plain words of an e-mail; Notify puts them into its own frame."""

    name: ClassVar[str] = "govuk-email"
    speaks_for: ClassVar[Sequence[str]] = ("govuk-sms",)  # one call-back serves both
    channel: ClassVar[Channel] = Channel.EMAIL
    template_setting: ClassVar[str] = "NOTIFY_GOVUK_EMAIL_TEMPLATE_ID"
    placeholders: ClassVar[Mapping[str, str]] = {"subject": "subject", "body": "body"}

    @property
    def _template_id(self) -> str:
        return self.settings.email_template_id

    def _post(self, client: Api, message: Message) -> object:
        subject, words, unsubscribe_url = read_mail(message)
        return client.send_email_notification(
            email_address=message.address,
            template_id=self._template_id,
            personalisation={"subject": subject, "body": for_markdown(words)},
            reference=message.reference,
            email_reply_to_id=self.settings.email_reply_to_id or None,
            one_click_unsubscribe_url=unsubscribe_url,
        )


class GovukSmsProvider(_Govuk):
    """Sends text messages."""

    name: ClassVar[str] = "govuk-sms"
    speaks_for: ClassVar[Sequence[str]] = ("govuk-email",)
    channel: ClassVar[Channel] = Channel.SMS
    template_setting: ClassVar[str] = "NOTIFY_GOVUK_SMS_TEMPLATE_ID"
    placeholders: ClassVar[Mapping[str, str]] = {"body": "body"}

    @property
    def takes_replies(self) -> bool:
        """As the settings say: Notify itself does not tell."""
        return self.settings.sms_takes_replies

    @property
    def _template_id(self) -> str:
        return self.settings.sms_template_id

    def _post(self, client: Api, message: Message) -> object:
        return client.send_sms_notification(
            phone_number=message.address,
            template_id=self._template_id,
            personalisation={"body": message.text},
            reference=message.reference,
            # a name or number of another provider's sender says nothing here
            sms_sender_id=(message.sender if "-" in message.sender else self.settings.sms_sender_id) or None,
        )


def _verdict(refusal: Refusal, template_setting: str) -> ProviderRejected | ProviderUnavailable:
    """What Notify's refusal means for the message. What is our own fault is never laid at the resident's route."""
    status, words, wish_s = refusal.status, refusal.words, refusal.retry_after_s
    if status in (401, 403) or (status == 400 and _NOT_LIVE.search(words)):
        return _about_key(words)
    if status == 429:
        return _limited(refusal)
    if status in (400, 413) and _ABOUT_RECIPIENT.search(f"{refusal.kind} {words}"):
        return ProviderRejected(f"GOV.UK Notify does not take the recipient: {words}.")
    if status == 413 or (status == 400 and _ABOUT_CONTENT.search(words)):
        return ProviderRejected(f"GOV.UK Notify does not take the content: {words}.")
    if status < 400:
        return ProviderUnavailable(f"GOV.UK Notify answered {status}: check NOTIFY_GOVUK_BASE_URL.")
    if status < 500:
        return ProviderUnavailable(
            f"GOV.UK Notify does not take what we send ({words}): check {template_setting} and the ids of senders.",
            wish_s,
        )
    return ProviderUnavailable(f"GOV.UK Notify answered {status}.", wish_s)


def _about_key(words: str) -> ProviderUnavailable:
    if _NOT_LIVE.search(words):
        return ProviderUnavailable(f"GOV.UK Notify does not write to residents yet ({words}): use a live key.")
    if "clock" in words.lower():
        return ProviderUnavailable("GOV.UK Notify finds our clock more than 30 seconds wrong: set it by NTP.")
    return ProviderUnavailable(f"GOV.UK Notify does not take our key ({words}): check NOTIFY_GOVUK_API_KEY.")


def _limited(refusal: Refusal) -> ProviderUnavailable:
    """Too many a minute, or a day: days end at midnight UTC."""
    if refusal.kind != "TooManyRequestsError":
        return ProviderUnavailable(f"GOV.UK Notify: {refusal.words}.", refusal.retry_after_s or RATE_PAUSE_S)
    now = clock.now()
    midnight = datetime.combine(now.date() + timedelta(days=1), time.min, now.tzinfo)
    pause_s = refusal.retry_after_s or min(DAILY_PAUSE_S, (midnight - now).total_seconds())
    return ProviderUnavailable(f"GOV.UK Notify's limit for today is reached: {refusal.words}.", pause_s)


def _moment(written: object) -> datetime | None:
    try:
        found = datetime.fromisoformat(str(written))
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _news(told: Mapping[str, object]) -> Sequence[News]:
    """The one thing that a call-back tells."""
    if "source_number" in told:
        number = _international(str(told["source_number"]))
        words = told.get("message")
        at = _moment(told.get("date_received"))
        return [Inbound(Channel.SMS, number, words, at)] if number and isinstance(words, str) else []
    reference, status = told.get("reference"), told.get("status")
    if not isinstance(reference, str) or not reference:
        return []
    if "complaint_id" in told:
        return [Receipt(reference, ReceiptState.COMPLAINED)]
    if not isinstance(status, str) or status not in _STATES:
        return []
    state, reason = _STATES[status]
    return [Receipt(reference, state, reason, is_address=status == "temporary-failure")]


def _international(number: str) -> str:
    """E.164 for `447700900001`, as Notify writes numbers, and for the ways people do. Empty for a sender's name."""
    digits = re.sub(r"[ ()-]", "", number).removeprefix("+").removeprefix("00")
    if digits.startswith("0"):
        digits = "44" + digits[1:]
    return f"+{digits}" if re.fullmatch(r"[1-9][0-9]{6,14}", digits, re.ASCII) else ""
