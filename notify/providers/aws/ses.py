"""E-mail by Amazon SES, version 2 of its API."""

import re
from collections.abc import Iterator, Mapping, Sequence
from email import message_from_bytes
from email.policy import SMTP
from typing import ClassVar

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from notify.core.setting_sources import SettingsOfOurs
from notify.core.settings import settings
from notify.providers.aws import sns
from notify.providers.aws.client import QUOTA_PAUSE_S, Access, Amazon, Refusal
from notify.providers.base import (
    CallBack,
    Channel,
    Message,
    News,
    Outcome,
    ProviderRejected,
    ProviderUnavailable,
    ProviderUnsure,
    Receipt,
    ReceiptState,
)
from notify.providers.bounces.verdicts import Verdict, judge
from notify.providers.concurrency import send_parallel

HASTY_S = 6.0
TAG = "reference"
NEARLY_SPENT = 0.8
EVENTS_NEEDED = ("DELIVERY", "BOUNCE", "COMPLAINT")

# one address and nothing that could be read as two
_ADDRESS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@[A-Za-z0-9.-]{1,253}", re.ASCII)
_TAGGABLE = re.compile(r"[A-Za-z0-9_-]{1,256}", re.ASCII)
_MESSAGE_ID = re.compile(r"<([0-9a-f]{32}-[0-9]+)@[^<>]*>", re.ASCII)
_ABOUT_RECIPIENT = re.compile(
    r"illegal address|missing (?:final|'@)|(?:local|domain)\b.*\b(?:character|whitespace)"
    r"|domain (?:name )?(?:contains|starts|ends)|invalid (?:recipient|address|domain)|address.*(?:blacklist|suppress)",
    re.IGNORECASE,
)
_ABOUT_CONTENT = re.compile(r"message length|too (?:long|large)|exceeds the maximum|invalid mime|virus", re.IGNORECASE)
_ABOUT_OURS = {"MessageTooLarge", "ContentRejected", "AttachmentRejected"}  # subtypes of a bounce
_SPEAKS = re.compile(r"\s*[\w-]+;\s*")
_NOT_VERIFIED = re.compile(r"not verified", re.IGNORECASE)

_PASSING = {
    "MailFromDomainNotVerifiedException": "has not verified the MAIL FROM domain: see its MX and SPF records.",
    "AccountSuspendedException": "has suspended this account: see its reputation and ask AWS Support.",
    "SendingPausedException": "has paused sending, of this account or of NOTIFY_SES_CONFIGURATION_SET: "
    "see the reputation, and resume it.",
    "LimitExceededException": "says that a limit of this account is reached: ask for a higher one.",
    "NotFoundException": "does not know NOTIFY_SES_CONFIGURATION_SET in NOTIFY_SES_REGION: correct one of them.",
}
# what a mailbox provider reports; `not-spam` takes a complaint back, and the others are about the text or our set-up
_NO_COMPLAINTS = {"not-spam", "virus", "auth-failure"}


class SesSettings(SettingsOfOurs):
    """How Amazon SES is called, and which of its notifications are believed."""

    model_config = SettingsConfigDict(env_prefix="NOTIFY_SES_", frozen=True)

    region: str = Field("", description="The region, such as eu-west-2; empty: what boto3 finds.")
    access_key_id: str = Field("", description="The key's id; empty: what boto3 finds, such as the machine's role.")
    secret_access_key: str = Field("", description="The key's secret.")
    configuration_set: str = Field("", description="The configuration set that publishes what became of a message.")
    topic_arns: str = Field(
        "", description="SNS topics whose notifications are believed, separated by commas; empty: none."
    )
    endpoint_url: str = Field("", description="Where the API is, such as a VPC endpoint; empty: the region's own.")
    timeout_seconds: float = Field(15.0, gt=0, le=24, description="How long sending one message may take in all.")
    parallel: int = Field(16, ge=1, le=200, description="Messages of one batch sent at the same time.")


class SesProvider:
    """Hands each e-mail to SES as it is, and hears of its result by SNS."""

    name: ClassVar[str] = "ses"
    channel: ClassVar[Channel] = Channel.EMAIL

    def __init__(self, *, fetch: sns.Fetch = sns.fetch_from_amazon) -> None:
        chosen = self.settings = SesSettings()
        self._topics = sns.Topics(chosen.topic_arns, setting="NOTIFY_SES_TOPIC_ARNS", fetch=fetch)
        self._amazon = Amazon(
            Access(
                service="sesv2",
                called="Amazon SES",
                prefix="NOTIFY_SES_",
                region=chosen.region,
                access_key_id=chosen.access_key_id,
                secret_access_key=chosen.secret_access_key,
                endpoint_url=chosen.endpoint_url,
                connections=chosen.parallel * 4,
            )
        )

    def send(self, message: Message) -> str:
        """Send one e-mail; SES's id for it.

        Raises: ProviderRejected for a recipient or content that SES does not take; ProviderUnavailable for limits,
        failures and whatever is wrong with our account; ProviderUnsure when SES heard everything and does not answer.
        """
        if not _ADDRESS.fullmatch(message.address):
            raise ProviderRejected("SES takes no such address: letters, digits and usual signs of ASCII only.")
        limit_s = self.settings.timeout_seconds
        wanted: dict[str, object] = {
            "Destination": {"ToAddresses": [message.address]},
            "Content": {"Raw": {"Data": _seven_bits(message.mime)}},
        }
        if _TAGGABLE.fullmatch(message.reference):
            wanted["EmailTags"] = [{"Name": TAG, "Value": message.reference}]
        if self.settings.configuration_set:
            wanted["ConfigurationSetName"] = self.settings.configuration_set
        try:
            return self._amazon.request(
                "send_email", within_s=min(limit_s, HASTY_S) if message.is_hasty else limit_s, **wanted
            )
        except Refusal as refusal:
            raise _verdict(refusal) from None

    def send_many(self, messages: Sequence[Message]) -> Iterator[Outcome]:
        """Send several at the same time: SES takes one a call."""
        return send_parallel(self, messages, at_once=self.settings.parallel)

    def read_receipt(self, call: CallBack) -> Sequence[News]:
        """What became of a message, as SES published it by SNS. Raises: ReceiptNotAuthentic, Unavailable."""
        return _news(self._topics.read(call))

    def check(self) -> Sequence[str]:
        """Whether SES takes our key and may send, whether it signs for our domain, and whether we hear of receipts."""
        said: list[str] = []
        for look in (self._check_account, self._check_sender, self._check_receipts):
            try:
                said.extend(look())
            except (ProviderUnavailable, ProviderUnsure) as error:
                said.append(str(error))
                break  # it would say the same again
            except Refusal as refusal:
                said.append(f"Amazon SES does not answer ({refusal.kind}): check the settings of NOTIFY_SES_.")
        return [*said, *self._topics.check()]

    def _ask(self, operation: str, **parameters: str) -> Mapping[str, object]:
        return self._amazon.ask(operation, within_s=self.settings.timeout_seconds, **parameters)

    def _check_account(self) -> Iterator[str]:
        account = self._ask("get_account")
        if not account.get("SendingEnabled", True):
            yield "Amazon SES has paused sending of this account: see its reputation and ask AWS Support."
        elif account.get("EnforcementStatus") not in (None, "HEALTHY"):
            yield "Amazon SES reviews this account for bounces or complaints: see its reputation before it is paused."
        if not account.get("ProductionAccessEnabled", True):
            yield "Amazon SES keeps this account in its sandbox, for verified recipients: ask for production access."
        quota = account.get("SendQuota")
        if isinstance(quota, dict):
            yield from _check_quota(
                float(quota.get("Max24HourSend", -1)),
                float(quota.get("SentLast24Hours", 0)),
                float(quota.get("MaxSendRate", 0)),
            )

    def check_sender(self, address: str) -> Sequence[str]:
        """Whether SES may send from this address or its domain, and signs for it."""
        try:
            return list(self._check_identity(address))
        except (ProviderUnavailable, ProviderUnsure) as error:
            return [str(error)]
        except Refusal as refusal:
            return [f"Amazon SES does not say whether it may send from {address} ({refusal.kind}): check its settings."]

    def _check_sender(self) -> Iterator[str]:
        yield from self._check_identity(settings().sender_address)

    def _check_identity(self, address: str) -> Iterator[str]:
        domain = address.rpartition("@")[2]
        identity, called = self._identity(domain), domain
        if identity is None:
            identity, called = self._identity(address), address
        if identity is None:
            yield f"Amazon SES has no identity {domain}: verify the domain of {address} there."
            return
        if not identity.get("VerifiedForSendingStatus"):
            yield f"Amazon SES has not verified {called}: publish the DNS records that it shows."
        signing = identity.get("DkimAttributes")
        if not isinstance(signing, dict) or not signing.get("SigningEnabled") or signing.get("Status") != "SUCCESS":
            yield f"Amazon SES does not sign for {called} by DKIM: publish the CNAME records that it shows."

    def _identity(self, name: str) -> Mapping[str, object] | None:
        try:
            return self._ask("get_email_identity", EmailIdentity=name)
        except Refusal as refusal:
            if refusal.kind == "NotFoundException":
                return None
            raise

    def _check_receipts(self) -> Iterator[str]:
        name = self.settings.configuration_set
        if not name:
            yield "NOTIFY_SES_CONFIGURATION_SET is empty, so SES reports nothing by it: name one that publishes to SNS."
            return
        try:
            found = self._ask("get_configuration_set_event_destinations", ConfigurationSetName=name)
        except Refusal as refusal:
            if refusal.kind != "NotFoundException":
                raise
            yield f"Amazon SES {_PASSING['NotFoundException']}"
            return
        missing = [event for event in EVENTS_NEEDED if event not in _published(found)]
        if missing:
            yield f"The configuration set {name} does not publish {', '.join(missing)} to an SNS topic: add it there."

    def close(self) -> None:
        """End every idle connection; the next message opens one."""
        self._amazon.close()


def _seven_bits(mime: bytes) -> bytes:
    """The message without eight-bit parts, which SES does not promise to carry."""
    return mime if mime.isascii() else message_from_bytes(mime, policy=SMTP.clone(cte_type="7bit")).as_bytes()


def _verdict(refusal: Refusal) -> ProviderRejected | ProviderUnavailable:
    """What SES's refusal means for the message. What is our own fault is never laid at the resident's route."""
    kind, words = refusal.kind, refusal.words
    if _NOT_VERIFIED.search(words):  # its words name the resident
        return ProviderUnavailable(
            "Amazon SES has not verified the sender, or still has this account in its sandbox: verify the domain of "
            "NOTIFY_SENDER_ADDRESS in NOTIFY_SES_REGION and ask for production access.",
            QUOTA_PAUSE_S,
        )
    if kind in _PASSING:
        return ProviderUnavailable(f"Amazon SES {_PASSING[kind]}", QUOTA_PAUSE_S)
    if _ABOUT_RECIPIENT.search(words):
        return ProviderRejected(f"Amazon SES does not take the recipient: {words}.")
    if kind == "MessageRejected" or refusal.status == 413 or _ABOUT_CONTENT.search(words):
        return ProviderRejected(f"Amazon SES does not take the message: {words}.")
    return ProviderUnavailable(
        f"Amazon SES does not take what we send ({words}): check NOTIFY_SES_CONFIGURATION_SET and NOTIFY_SES_REGION.",
        refusal.retry_after_s,
    )


def _check_quota(most_a_day: float, sent: float, a_second: float) -> Iterator[str]:
    if most_a_day > 0 and sent >= most_a_day * NEARLY_SPENT:
        yield f"Of {most_a_day:.0f} messages a day that Amazon SES takes, {sent:.0f} are spent: ask for a higher quota."
    ours = settings().provider_rate(SesProvider.name)
    if a_second > 0 and (ours is None or ours > a_second):
        yield f"Amazon SES takes {a_second:g} messages a second: have NOTIFY_PROVIDER_RATES say ses={a_second:g}."


def _published(found: Mapping[str, object]) -> set[str]:
    """The kinds of events that go to some topic."""
    destinations = found.get("EventDestinations")
    return {
        str(event)
        for one in (destinations if isinstance(destinations, list) else [])
        if one.get("Enabled") and one.get("SnsDestination")
        for event in one.get("MatchingEventTypes", [])
    }


def _news(told: Mapping[str, object]) -> Sequence[News]:
    """The one thing that an event tells. Notifications of the older kind have another name for the kind."""
    kind = told.get("eventType") or told.get("notificationType")
    reference = _reference(_object(told, "mail"))
    if not reference:
        return []
    match kind:
        case "Send":
            return [Receipt(reference, ReceiptState.SENT)]
        case "Delivery":
            return [Receipt(reference, ReceiptState.DELIVERED)]
        case "Complaint":
            return _complaint(reference, _object(told, "complaint"))
        case "Bounce":
            return [_bounce(reference, _object(told, "bounce"))]
        case "Reject" | "Rendering Failure":
            # about what we wrote: a permanent failure would cost every recipient the address
            return [Receipt(reference, ReceiptState.TEMPORARY_FAILURE, "SES did not send this: the content is bad.")]
    return []


def _complaint(reference: str, complaint: Mapping[str, object]) -> Sequence[News]:
    """Without a kind it is one: not every mailbox provider says which."""
    kind = complaint.get("complaintFeedbackType")
    return [] if kind in _NO_COMPLAINTS else [Receipt(reference, ReceiptState.COMPLAINED)]


def _bounce(reference: str, bounce: Mapping[str, object]) -> Receipt:
    """SES calls everything permanent that was refused with 5xx; whether the address is dead is read from the reply."""
    recipients = bounce.get("bouncedRecipients")
    first = recipients[0] if isinstance(recipients, list) and recipients else {}
    status, diagnosis = _words(first, "status"), _words(first, "diagnosticCode")
    kind, finer = _words(bounce, "bounceType"), _words(bounce, "bounceSubType")
    verdict = judge(_SPEAKS.sub("", diagnosis, count=1), status, _words(first, "emailAddress"))
    is_dead = kind == "Permanent" and (finer == "NoEmail" or verdict is Verdict.HARD)
    state = ReceiptState.PERMANENT_FAILURE if is_dead else ReceiptState.TEMPORARY_FAILURE
    is_address = not is_dead and verdict is not Verdict.OURS and finer not in _ABOUT_OURS
    return Receipt(reference, state, " ".join(word for word in (kind, finer, status, diagnosis) if word), is_address)


def _words(told: object, name: str) -> str:
    value = told.get(name) if isinstance(told, dict) else None
    return value if isinstance(value, str) else ""


def _reference(mail: Mapping[str, object]) -> str:
    """Our own name for the message: from its tag, else from its Message-ID; empty if neither is ours."""
    tagged = _object(mail, "tags").get(TAG)
    if isinstance(tagged, list) and tagged and isinstance(tagged[0], str):
        return tagged[0]
    headers = mail.get("headers")
    named = [
        one.get("value")
        for one in (headers if isinstance(headers, list) else [])
        if isinstance(one, dict) and str(one.get("name")).lower() == "message-id"
    ]
    for value in [*named, _object(mail, "commonHeaders").get("messageId")]:
        if isinstance(value, str) and (ours := _MESSAGE_ID.fullmatch(value.strip())):
            return ours[1]
    return ""


def _object(told: Mapping[str, object], name: str) -> Mapping[str, object]:
    value = told.get(name)
    return value if isinstance(value, dict) else {}
