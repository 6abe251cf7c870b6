"""Text messages and telephone calls by Twilio."""

import base64
import hashlib
import hmac
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar
from urllib.parse import parse_qs, parse_qsl, quote, urlsplit

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from notify.core.setting_sources import SettingsOfOurs
from notify.core.settings import settings
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
from notify.providers.twilio.client import Api, Key, Refusal, Silence
from notify.providers.twilio.voice import NOTHING, STOP_KEY, Script

HASTY_S = 6.0
LONGEST_VALIDITY_S = 36_000
XML = "application/xml"
STOPPED = 21610

_E164 = re.compile(r"\+[1-9][0-9]{6,14}", re.ASCII)
_ACCOUNT_SID = re.compile(r"AC[0-9a-f]{32}", re.ASCII | re.IGNORECASE)
NOT_A_NUMBER = "The number is not in the international form, such as +447700900001."

_TEXT_STATES = {
    "sent": ReceiptState.SENT,
    "delivered": ReceiptState.DELIVERED,
    "read": ReceiptState.DELIVERED,
    "undelivered": ReceiptState.TEMPORARY_FAILURE,
    "failed": ReceiptState.TEMPORARY_FAILURE,
    "canceled": ReceiptState.TEMPORARY_FAILURE,
}
# that the number is at fault, now and later; whatever else went wrong must cost nobody the address
# (30006 is also for networks that cannot be reached now)
_DEAD_NUMBER = {21211, 21614, 21635, 30005}
# what is about the number or its phone but may pass; the rest is about our text, our account or time
_OF_NUMBER = {30003, 30006}
_WHY = {
    21211: "There is no such number.",
    21614: "This number takes no texts.",
    STOPPED: "The resident told Twilio STOP.",
    21635: "This is a landline.",
    30003: "The phone was off or out of reach.",
    30004: "The network blocks our texts to this number.",
    30005: "There is no such number, or it is out of service.",
    30006: "This is a landline, or a network that cannot be reached.",
    30007: "Twilio or the network took the text for spam.",
    30008: "The network did not say why.",
    30036: "The alert expired in Twilio's queue.",
}
_CALL_STATES = {
    "completed": (ReceiptState.DELIVERED, ""),
    "busy": (ReceiptState.TEMPORARY_FAILURE, "The line was busy."),
    "no-answer": (ReceiptState.TEMPORARY_FAILURE, "Nobody answered."),
    "canceled": (ReceiptState.TEMPORARY_FAILURE, "The call was called off at Twilio."),
    "failed": (ReceiptState.TEMPORARY_FAILURE, "The call could not be put through."),
}
# SIP: not found, gone, not assigned there, incomplete address, exists nowhere
_DEAD_LINE = {"404", "410", "484", "604"}


class TwilioSettings(SettingsOfOurs):
    """How Twilio is called, and how it calls back."""

    model_config = SettingsConfigDict(env_prefix="NOTIFY_TWILIO_", frozen=True)

    account_sid: str = Field("", description="The account's SID, `AC…`.")
    auth_token: str = Field("", description="The account's auth token. It verifies call-backs, so it is always needed.")
    api_key_sid: str = Field("", description="An API key's SID, `SK…`, used to send; empty: the auth token is.")
    api_key_secret: str = Field("", description="The API key's secret.")
    from_number: str = Field("", description="The number or name that texts come from.")
    messaging_service_sid: str = Field("", description="A messaging service, `MG…`, instead of one sender.")
    voice_from_number: str = Field("", description="The number that calls come from.")
    voice_english: str = Field("Polly.Amy", description="The voice for English, one of Twilio's for `en-GB`.")
    voice_welsh: str = Field("Polly.Gwyneth", description="The voice for Welsh, one of Twilio's for `cy-GB`.")
    voice_ring_seconds: int = Field(30, ge=5, le=600, description="How long a telephone rings.")
    voice_waits_for_beep: bool = Field(
        False, description="Find out whether a machine answered, and speak after its beep. Twilio charges for it."
    )
    base_url: str = Field("https://api.twilio.com", min_length=1, description="Where Twilio's API is.")
    timeout_seconds: float = Field(15.0, gt=0, le=25, description="How long sending one message may take in all.")
    parallel: int = Field(16, ge=1, le=200, description="Messages of one batch sent at the same time.")


class _Twilio:
    """What both channels have in common."""

    name: ClassVar[str]
    channel: ClassVar[Channel]
    resource: ClassVar[str]

    def __init__(self) -> None:
        self.settings = TwilioSettings()
        self._api = Api(account_sid=self.settings.account_sid, base_url=self.settings.base_url)

    def _form(self, message: Message) -> Mapping[str, str]:
        raise NotImplementedError

    def _no_sender(self) -> str:
        """What is wrong with the settings of the sender; empty if nothing is."""
        raise NotImplementedError

    def _news(self, told: Mapping[str, str], reference: str) -> Sequence[News]:
        raise NotImplementedError

    def send(self, message: Message) -> str:
        """Send one message; Twilio's SID for it.

        Raises: ProviderRejected for a number or a text that Twilio does not take; ProviderUnavailable for limits,
        failures and whatever is wrong with our key, sender or permissions; ProviderUnsure when Twilio may have the
        whole request and does not answer.
        """
        if not _E164.fullmatch(message.address):
            raise ProviderRejected(NOT_A_NUMBER)
        if wrong := self._not_set():
            raise ProviderUnavailable(wrong)
        limit_s = self.settings.timeout_seconds
        within_s = min(limit_s, HASTY_S) if message.is_hasty else limit_s
        try:
            taken = self._api.post(self.resource, self._form(message), key=self._key, within_s=within_s)
        except Refusal as refusal:
            raise refusal.verdict() from None
        except Silence as silence:
            raise (ProviderUnsure if silence.was_heard else ProviderUnavailable)(str(silence)) from None
        return str(taken.get("sid") or "")

    def send_many(self, messages: Sequence[Message]) -> Iterator[Outcome]:
        """Send several at the same time: Twilio takes one a request."""
        return send_parallel(self, messages, at_once=self.settings.parallel)

    @property
    def _key(self) -> Key:
        if self.settings.api_key_sid:
            return Key(self.settings.api_key_sid, self.settings.api_key_secret)
        return self._account_key

    @property
    def _account_key(self) -> Key:
        return Key(self.settings.account_sid, self.settings.auth_token)

    def _url(self, reference: str, **more: str) -> str:
        query = "&".join(f"{name}={quote(value, safe='')}" for name, value in {"reference": reference, **more}.items())
        return f"{settings().base_url}/api/v1/webhooks/{self.name}?{query}"

    def _not_set(self) -> str:
        if not _ACCOUNT_SID.fullmatch(self.settings.account_sid):
            return "NOTIFY_TWILIO_ACCOUNT_SID is no account's SID: AC and 32 characters, as Twilio's console shows it."
        if bool(self.settings.api_key_sid) != bool(self.settings.api_key_secret):
            return "NOTIFY_TWILIO_API_KEY_SID and NOTIFY_TWILIO_API_KEY_SECRET belong together: set both or neither."
        if not self.settings.api_key_sid and not self.settings.auth_token:
            return "NOTIFY_TWILIO_AUTH_TOKEN is empty: copy it from Twilio's console."
        return self._no_sender()

    def read_receipt(self, call: CallBack) -> Sequence[News]:
        """What became of a message, or what a resident wrote or pressed. Raises: ReceiptNotAuthentic."""
        return self._news(_authentic(call, self.settings.auth_token), _query(call).get("reference", ""))

    def answer(self, call: CallBack, news: Sequence[News]) -> tuple[bytes, str]:
        """TwiML that does nothing: Twilio takes any other text for an answer to the resident, or for an error."""
        return NOTHING.encode(), XML

    def check(self) -> Sequence[str]:
        """Whether Twilio takes our keys, the account is active, and it could call back."""
        said = [wrong] if (wrong := self._not_set()) else list(self._check_account())
        if not self.settings.auth_token:
            said.append(
                "NOTIFY_TWILIO_AUTH_TOKEN is empty, so neither receipts nor STOP are believed: set it, also beside "
                "an API key."
            )
        if not settings().is_secure:
            said.append(f"NOTIFY_BASE_URL is {settings().base_url}: Twilio calls back to public https addresses only.")
        return said

    def _check_account(self) -> Iterator[str]:
        within_s, where = self.settings.timeout_seconds, self.settings.base_url
        try:
            if self.settings.api_key_sid:
                self._api.get(self.resource, key=self._key, within_s=within_s)
            if self.settings.auth_token:  # a standard API key may not look at the account
                account = self._api.get("", key=self._account_key, within_s=within_s)
                if (status := str(account.get("status", "active"))) != "active":
                    yield f"The account in NOTIFY_TWILIO_ACCOUNT_SID is {status}: see Twilio's console."
                elif account.get("type") == "Trial":
                    yield "The account in NOTIFY_TWILIO_ACCOUNT_SID is a trial: it reaches verified numbers only."
        except Refusal as refusal:
            yield str(refusal.verdict())
        except Silence as silence:
            yield f"{where} cannot be used. {silence} Check NOTIFY_TWILIO_BASE_URL and the firewall."

    def close(self) -> None:
        """End every idle connection; the next message opens one."""
        self._api.close()


class TwilioSmsProvider(_Twilio):
    """Sends text messages, every letter as it is written."""

    name: ClassVar[str] = "twilio-sms"
    channel: ClassVar[Channel] = Channel.SMS
    resource: ClassVar[str] = "Messages"

    @property
    def takes_replies(self) -> bool:
        """A number or a messaging service does, a sender's name cannot."""
        return bool(self.settings.messaging_service_sid or re.fullmatch(r"\+?[0-9]+", self.settings.from_number))

    def _no_sender(self) -> str:
        if bool(self.settings.from_number) != bool(self.settings.messaging_service_sid):
            return ""
        return (
            "Set one of NOTIFY_TWILIO_FROM_NUMBER and NOTIFY_TWILIO_MESSAGING_SERVICE_SID: it is who texts come from."
        )

    def _sender(self, message: Message) -> Mapping[str, str]:
        service = self.settings.messaging_service_sid
        if message.sender and "-" not in message.sender:  # an id of another provider's sender says nothing here
            return {"From": message.sender}
        return {"MessagingServiceSid": service} if service else {"From": self.settings.from_number}

    def _form(self, message: Message) -> Mapping[str, str]:
        life_s = message.life_s()
        validity_s = LONGEST_VALIDITY_S if life_s is None else max(1, min(int(life_s), LONGEST_VALIDITY_S))
        return {
            "To": message.address,
            **self._sender(message),
            "Body": message.text,
            "ValidityPeriod": str(validity_s),
            "SmartEncoded": "false",  # or ŵ and ŷ would lose their hats
            "StatusCallback": self._url(message.reference),
        }

    def _news(self, told: Mapping[str, str], reference: str) -> Sequence[News]:
        status = told.get("MessageStatus", "")
        if not status and "Body" in told:
            words = told.get("OptOutType") or told["Body"]
            return [Inbound(Channel.SMS, told["From"], words)] if _E164.fullmatch(told.get("From", "")) else []
        if status not in _TEXT_STATES or not reference:
            return []
        state = _TEXT_STATES[status]
        if state != ReceiptState.TEMPORARY_FAILURE:
            return [Receipt(reference, state)]
        code = _number(told.get("ErrorCode", ""))
        why = _WHY.get(code, f"Twilio says {status}, error {code}." if code else f"Twilio says {status}.")
        if code == STOPPED and _E164.fullmatch(told.get("To", "")):
            # not a dead number: START must be able to lift it
            return [Receipt(reference, state, why), Inbound(Channel.SMS, told["To"], "STOP")]
        state = ReceiptState.PERMANENT_FAILURE if code in _DEAD_NUMBER else state
        return [Receipt(reference, state, why, is_address=code in _OF_NUMBER)]


class TwilioVoiceProvider(_Twilio):
    """Calls and reads the alert out twice; a key stops the calls."""

    name: ClassVar[str] = "twilio-voice"
    channel: ClassVar[Channel] = Channel.VOICE
    resource: ClassVar[str] = "Calls"

    def _no_sender(self) -> str:
        if _E164.fullmatch(self.settings.voice_from_number):
            return ""
        return "NOTIFY_TWILIO_VOICE_FROM_NUMBER is no number such as +441632960001: it is who calls come from."

    def _script(self, reference: str, language: str) -> Script:
        voices = {"en": self.settings.voice_english, "cy": self.settings.voice_welsh}
        return Script(voices, self._url(reference, language=language))

    def _form(self, message: Message) -> Mapping[str, str]:
        waits = {"MachineDetection": "DetectMessageEnd"} if self.settings.voice_waits_for_beep else {}
        return {
            "To": message.address,
            "From": self.settings.voice_from_number,
            "Twiml": self._script(message.reference, message.language).call(message.text, message.language),
            "Timeout": str(self.settings.voice_ring_seconds),
            "StatusCallback": self._url(message.reference),
            **waits,
        }

    def _news(self, told: Mapping[str, str], reference: str) -> Sequence[News]:
        if "Digits" in told:
            resident = told.get("From" if told.get("Direction") == "inbound" else "To", "")
            is_stop = told["Digits"] == STOP_KEY and _E164.fullmatch(resident)
            return [Inbound(Channel.VOICE, resident, "STOP")] if is_stop else []
        status = told.get("CallStatus", "")
        if status not in _CALL_STATES or not reference:
            return []
        state, why = _CALL_STATES[status]
        if status == "failed" and told.get("SipResponseCode") in _DEAD_LINE:
            return [Receipt(reference, ReceiptState.PERMANENT_FAILURE, "There is no such number.")]
        if status == "completed" and told.get("AnsweredBy", "").startswith(("machine", "fax")):
            why = "A machine answered."
        return [Receipt(reference, state, why)]

    def answer(self, call: CallBack, news: Sequence[News]) -> tuple[bytes, str]:
        """What is said to someone who pressed a key; TwiML that does nothing for other call-backs."""
        if "Digits" not in _fields(call.body):
            return super().answer(call, news)
        query = _query(call)
        script = self._script(query.get("reference", ""), query.get("language", "en"))
        is_stopped = any(isinstance(one, Inbound) for one in news)
        return script.after_key(query.get("language", "en"), is_stopped=is_stopped).encode(), XML


def _authentic(call: CallBack, token: str) -> Mapping[str, str]:
    """The fields of a call-back that bears our account's signature. Raises: ReceiptNotAuthentic."""
    given = call.headers.get("x-twilio-signature", "")
    try:
        fields = parse_qsl(call.body.decode(), keep_blank_values=True, errors="strict", max_num_fields=500)
    except ValueError:
        fields = []
    signed = "".join(name + value for name, value in sorted(set(fields)))
    known = [
        base64.b64encode(hmac.digest(token.encode(), f"{url}{signed}".encode(errors="replace"), hashlib.sha1)).decode()
        for url in _spellings(call.url)
    ]
    # all are compared, so that the time tells nothing
    matches = [hmac.compare_digest(given.encode(errors="replace"), one.encode()) for one in known]
    if not token or not any(matches):
        raise ReceiptNotAuthentic("The signature is missing or wrong.")
    return dict(fields)


def _spellings(url: str) -> set[str]:
    """The address with and without its port: Twilio is not consistent in what it signs."""
    try:
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        return {url}
    host = parts.netloc.removesuffix(f":{port}")
    return {url, parts._replace(netloc=host).geturl(), parts._replace(netloc=f"{host}:{port}").geturl()}


def _fields(body: bytes) -> Mapping[str, str]:
    return dict(parse_qsl(body.decode(errors="replace"), keep_blank_values=True))


def _query(call: CallBack) -> Mapping[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(call.url).query).items()}


def _number(words: str) -> int:
    return int(words) if words.isascii() and words.isdecimal() and len(words) < 10 else 0
