"""Text messages by AWS End User Messaging, or by Amazon SNS."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar, Literal

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from notify.core.setting_sources import SettingsOfOurs
from notify.providers.aws import sns
from notify.providers.aws.client import QUOTA_PAUSE_S, Access, Amazon, Refusal
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
    ReceiptState,
)
from notify.providers.concurrency import send_parallel

HASTY_S = 6.0
LONGEST_TEXT = 1600
SHORTEST_LIFE_S, LONGEST_LIFE_S = 5, 259_200
COUNTRY = "GB"

_NUMBER = re.compile(r"\+[1-9][0-9]{6,14}", re.ASCII)
_FOREIGN = "Amazon does not send to the country of this number: see the country rules of the account."
_TIER = "Amazon keeps this account in its sandbox, with verified numbers only: ask to move to production."
_OPTED_OUT = "The number is on Amazon's list of those who wrote STOP."
_CONFLICTS = {
    "DESTINATION_PHONE_NUMBER_OPTED_OUT": _OPTED_OUT,
    "DESTINATION_PHONE_NUMBER_BLOCKED_BY_PROTECT_NUMBER_OVERRIDE": "The account's protect configuration blocks it.",
}
_ABROAD = (
    "DESTINATION_COUNTRY_BLOCKED_BY_PROTECT_CONFIGURATION",
    "DESTINATION_COUNTRY_BLOCKED",
    "COUNTRY_NOT_ENABLED",
    "INTERNATIONAL_SENDING_NOT_SUPPORTED",
    "INVALID_IDENTITY_FOR_DESTINATION_COUNTRY",
    "PRICE_OVER_THRESHOLD",
)
_PUBLISHED = {"ALL", "TEXT_ALL", "TEXT_DELIVERED"}

# a carrier's dislike of what we wrote is no fault of the number, which a permanent failure would cost its owner
_STATES = {
    "TEXT_SENT": (ReceiptState.SENT, ""),
    "TEXT_SUCCESSFUL": (ReceiptState.SENT, ""),  # the carrier has it; of some nothing more is heard
    "TEXT_DELIVERED": (ReceiptState.DELIVERED, ""),
    "TEXT_INVALID": (ReceiptState.PERMANENT_FAILURE, "There is no such number, or it takes no texts."),
    "TEXT_BLOCKED": (ReceiptState.PERMANENT_FAILURE, "The phone refuses texts."),
    "TEXT_CARRIER_BLOCKED": (ReceiptState.TEMPORARY_FAILURE, "The carrier blocks texts to this number."),
    "TEXT_UNREACHABLE": (ReceiptState.TEMPORARY_FAILURE, "The phone cannot be reached."),
    "TEXT_CARRIER_UNREACHABLE": (ReceiptState.TEMPORARY_FAILURE, "The carrier cannot be reached."),
    "TEXT_TTL_EXPIRED": (ReceiptState.TEMPORARY_FAILURE, "It expired before the phone could be reached."),
    "TEXT_SPAM": (ReceiptState.TEMPORARY_FAILURE, "The carrier takes this text for spam."),
    "TEXT_INVALID_MESSAGE": (ReceiptState.TEMPORARY_FAILURE, "The carrier does not take this text."),
    "TEXT_PROTECT_BLOCKED": (ReceiptState.TEMPORARY_FAILURE, "The account's protect configuration blocks it."),
    "TEXT_UNKNOWN": (ReceiptState.TEMPORARY_FAILURE, "The carrier did not say what became of it."),
}


class AwsSmsSettings(SettingsOfOurs):
    """How Amazon sends texts, and which of its notifications are believed."""

    model_config = SettingsConfigDict(env_prefix="NOTIFY_AWS_SMS_", frozen=True)

    api: Literal["end-user-messaging", "sns"] = Field(
        "end-user-messaging", description="`end-user-messaging`, or `sns`, which knows neither receipts nor expiry."
    )
    region: str = Field("", description="The region, such as eu-west-2; empty: what boto3 finds.")
    access_key_id: str = Field("", description="The key's id; empty: what boto3 finds, such as the machine's role.")
    secret_access_key: str = Field("", description="The key's secret.")
    origination_identity: str = Field(
        "", description="Who sends: a phone number or sender ID, or with End User Messaging the id or ARN of a pool."
    )
    configuration_set: str = Field("", description="The configuration set that publishes what became of a text.")
    topic_arns: str = Field(
        "", description="SNS topics whose notifications are believed, separated by commas; empty: none."
    )
    endpoint_url: str = Field("", description="Where the API is, such as a VPC endpoint; empty: the region's own.")
    timeout_seconds: float = Field(15.0, gt=0, le=24, description="How long sending one text may take in all.")
    parallel: int = Field(16, ge=1, le=200, description="Texts of one batch sent at the same time.")


class AwsSmsProvider:
    """Sends texts, hears of their results and what residents answer by SNS."""

    name: ClassVar[str] = "aws-sms"
    channel: ClassVar[Channel] = Channel.SMS

    def __init__(self, *, fetch: sns.Fetch = sns.fetch_from_amazon) -> None:
        chosen = self.settings = AwsSmsSettings()
        self._topics = sns.Topics(chosen.topic_arns, setting="NOTIFY_AWS_SMS_TOPIC_ARNS", fetch=fetch)
        self._is_old = chosen.api == "sns"
        self._amazon = Amazon(
            Access(
                service="sns" if self._is_old else "pinpoint-sms-voice-v2",
                called="Amazon SNS" if self._is_old else "AWS End User Messaging",
                prefix="NOTIFY_AWS_SMS_",
                region=chosen.region,
                access_key_id=chosen.access_key_id,
                secret_access_key=chosen.secret_access_key,
                endpoint_url=chosen.endpoint_url,
                connections=chosen.parallel * 4,
            )
        )

    @property
    def takes_replies(self) -> bool:
        """A number or a pool does, a sender ID cannot."""
        ident = self.settings.origination_identity.rpartition(":")[2]
        return re.fullmatch(r"\+?[0-9]+|(?:phone-number/)?phone-.+|(?:pool/)?pool-.+", ident) is not None

    def send(self, message: Message) -> str:
        """Send one text; Amazon's id for it.

        Raises: ProviderRejected for a number or text that Amazon does not take; ProviderUnavailable for limits,
        failures and whatever is wrong with our account; ProviderUnsure when Amazon heard everything and is silent.
        """
        if not _NUMBER.fullmatch(message.address):
            raise ProviderRejected("This is no phone number in international form.")
        if not message.text.strip() or len(message.text) > LONGEST_TEXT:
            raise ProviderRejected(f"Amazon takes texts of 1 to {LONGEST_TEXT} characters.")
        limit_s = self.settings.timeout_seconds
        within_s = min(limit_s, HASTY_S) if message.is_hasty else limit_s
        operation, wanted = (
            ("publish", self._old(message)) if self._is_old else ("send_text_message", self._new(message))
        )
        try:
            return self._amazon.request(operation, within_s=within_s, **wanted)
        except Refusal as refusal:
            raise (_old_verdict if self._is_old else _verdict)(refusal) from None

    def _sender(self, message: Message) -> str:
        # an id of another provider's sender says nothing here
        own = "" if "-" in message.sender else message.sender
        return own or self.settings.origination_identity

    def _new(self, message: Message) -> Mapping[str, object]:
        wanted: dict[str, object] = {
            "DestinationPhoneNumber": message.address,
            "MessageBody": message.text,
            "MessageType": "TRANSACTIONAL",
            "Context": {"reference": message.reference},
        }
        if sender := self._sender(message):
            wanted["OriginationIdentity"] = sender
        if self.settings.configuration_set:
            wanted["ConfigurationSetName"] = self.settings.configuration_set
        life_s = message.life_s()
        if life_s is not None:
            wanted["TimeToLive"] = int(min(max(life_s, SHORTEST_LIFE_S), LONGEST_LIFE_S))
        return wanted

    def _old(self, message: Message) -> Mapping[str, object]:
        attributes = {"AWS.SNS.SMS.SMSType": "Transactional"}
        if sender := self._sender(message):
            is_number = re.fullmatch(r"\+?[0-9]+", sender, re.ASCII)
            attributes["AWS.MM.SMS.OriginationNumber" if is_number else "AWS.SNS.SMS.SenderID"] = sender
        return {
            "PhoneNumber": message.address,
            "Message": message.text,
            "MessageAttributes": {
                name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()
            },
        }

    def send_many(self, messages: Sequence[Message]) -> Iterator[Outcome]:
        """Send several at the same time: Amazon takes one a call."""
        return send_parallel(self, messages, at_once=self.settings.parallel)

    def read_receipt(self, call: CallBack) -> Sequence[News]:
        """What became of a text, or what a resident wrote, by SNS. Raises: ReceiptNotAuthentic, Unavailable."""
        return _news(self._topics.read(call))

    def check(self) -> Sequence[str]:
        """Whether Amazon takes our key, knows who sends, may send to everyone, and whether we hear of receipts."""
        looks = [self._check_old] if self._is_old else [self._check_account, self._check_sender, self._check_receipts]
        said: list[str] = []
        for look in looks:
            try:
                said.extend(look())
            except (ProviderUnavailable, ProviderUnsure) as error:
                said.append(str(error))
                break  # it would say the same again
            except Refusal as refusal:
                said.append(f"Amazon does not answer ({refusal.kind}): check the settings of NOTIFY_AWS_SMS_.")
        return [*said, *self._topics.check()]

    def _ask(self, operation: str, **parameters: object) -> Mapping[str, object]:
        return self._amazon.ask(operation, within_s=self.settings.timeout_seconds, **parameters)

    def _found(self, operation: str, what: str, **parameters: object) -> Sequence[Mapping[str, object]]:
        """The things of this kind; none when Amazon knows of none that is called so."""
        try:
            found = self._ask(operation, **parameters).get(what)
        except Refusal as refusal:
            if refusal.kind in ("ResourceNotFoundException", "ValidationException"):
                return []
            raise
        return found if isinstance(found, list) else []

    def _check_account(self) -> Iterator[str]:
        for one in self._found("describe_account_attributes", "AccountAttributes"):
            if one.get("Name") == "ACCOUNT_TIER" and one.get("Value") == "SANDBOX":
                yield _TIER
        for one in self._found("describe_spend_limits", "SpendLimits"):
            if one.get("Name") == "TEXT_MESSAGE_MONTHLY_SPEND_LIMIT":
                yield from _check_limit(one.get("EnforcedLimit"))

    def _check_sender(self) -> Iterator[str]:
        name = self.settings.origination_identity
        if not name:
            yield "NOTIFY_AWS_SMS_ORIGINATION_IDENTITY is empty: name the number, sender ID or pool that sends."
            return
        found = self._identity(name)
        if found is None:
            yield (
                f"AWS End User Messaging has no {name} in this region: "
                "check NOTIFY_AWS_SMS_ORIGINATION_IDENTITY and NOTIFY_AWS_SMS_REGION."
            )
            return
        if found.get("Status", "ACTIVE") != "ACTIVE":
            yield f"{name} is not active at AWS End User Messaging ({found['Status']}): finish its registration."
        if found.get("TwoWayEnabled") is False:
            yield f"{name} does not pass on what residents answer: switch two-way messages on, to an SNS topic."

    def _identity(self, name: str) -> Mapping[str, object] | None:
        ident = name.rpartition(":")[2].removeprefix("phone-number/").removeprefix("pool/").removeprefix("sender-id/")
        if ident.startswith("pool-"):
            found = self._found("describe_pools", "Pools", PoolIds=[ident])
        elif ident.startswith("phone-"):
            found = self._found("describe_phone_numbers", "PhoneNumbers", PhoneNumberIds=[ident])
        elif re.fullmatch(r"\+?[0-9]+", ident, re.ASCII):
            numbers = self._found("describe_phone_numbers", "PhoneNumbers", MaxResults=100)
            found = [one for one in numbers if str(one.get("PhoneNumber")).lstrip("+") == ident.lstrip("+")]
        else:
            sender = {"SenderId": ident.partition("/")[0], "IsoCountryCode": COUNTRY}
            found = self._found("describe_sender_ids", "SenderIds", SenderIds=[sender])
        return found[0] if found else None

    def _check_receipts(self) -> Iterator[str]:
        name = self.settings.configuration_set
        if not name:
            yield "NOTIFY_AWS_SMS_CONFIGURATION_SET is empty, so no receipts come: name one that publishes to SNS."
            return
        found = self._found("describe_configuration_sets", "ConfigurationSets", ConfigurationSetNames=[name])
        if not found:
            yield f"AWS End User Messaging has no configuration set {name}: check NOTIFY_AWS_SMS_CONFIGURATION_SET."
        elif not _published(found[0]) & _PUBLISHED:
            yield f"The configuration set {name} does not publish TEXT_ALL to an SNS topic: add an event destination."

    def _check_old(self) -> Iterator[str]:
        if self._ask("get_sms_sandbox_account_status").get("IsInSandbox"):
            yield _TIER
        attributes = self._ask("get_sms_attributes", attributes=["MonthlySpendLimit"]).get("attributes")
        if isinstance(attributes, dict):
            yield from _check_limit(attributes.get("MonthlySpendLimit"))

    def close(self) -> None:
        """End every idle connection; the next text opens one."""
        self._amazon.close()


def _check_limit(dollars: object) -> Iterator[str]:
    try:
        limit = float(str(dollars))
    except ValueError:
        return
    if limit <= 1:  # what every account begins with
        yield f"Amazon lets this account spend {limit:g} US dollar a month on texts: ask for a higher spend limit."


def _published(configuration_set: Mapping[str, object]) -> set[str]:
    """The kinds of events that go to some topic."""
    destinations = configuration_set.get("EventDestinations")
    return {
        str(event)
        for one in (destinations if isinstance(destinations, list) else [])
        if one.get("Enabled") and one.get("SnsDestination")
        for event in one.get("MatchingEventTypes", [])
    }


def _verdict(refusal: Refusal) -> ProviderRejected | ProviderUnavailable:
    """What End User Messaging's refusal means. What is our own fault is never laid at the number's route."""
    reason, words = str(refusal.told.get("Reason", "")), refusal.words
    if reason in _ABROAD:
        return ProviderUnavailable(_FOREIGN, QUOTA_PAUSE_S, is_address=True)
    if reason == "DAILY_DESTINATION_CALL_LIMIT":
        return ProviderUnavailable("Amazon sends no more to this number today.", QUOTA_PAUSE_S, is_address=True)
    if reason in _CONFLICTS:
        return ProviderRejected(_CONFLICTS[reason])
    if reason == "DESTINATION_PHONE_NUMBER_NOT_VERIFIED":
        return ProviderUnavailable(_TIER, QUOTA_PAUSE_S)
    if refusal.kind == "ServiceQuotaExceededException":
        return ProviderUnavailable(
            f"A limit of the account at AWS End User Messaging is reached ({reason or words}): ask for a higher one.",
            QUOTA_PAUSE_S,
        )
    fields = refusal.told.get("Fields")
    wrong = {str(one.get("Name")) for one in fields if isinstance(one, dict)} if isinstance(fields, list) else set()
    if refusal.kind == "ValidationException" and wrong == {"DestinationPhoneNumber"}:
        return ProviderRejected(f"AWS End User Messaging does not take the number: {words}.")
    if refusal.kind == "ValidationException" and wrong == {"MessageBody"}:
        return ProviderRejected(f"AWS End User Messaging does not take the text: {words}.")
    return ProviderUnavailable(
        f"AWS End User Messaging does not take what we send ({reason or words}): check "
        "NOTIFY_AWS_SMS_ORIGINATION_IDENTITY, NOTIFY_AWS_SMS_CONFIGURATION_SET and the state of the account.",
        refusal.retry_after_s,
    )


def _old_verdict(refusal: Refusal) -> ProviderRejected | ProviderUnavailable:
    """The same for SNS, which tells more in words than in codes."""
    if re.search(r"opted out", refusal.words, re.IGNORECASE):
        return ProviderRejected(_OPTED_OUT)
    if re.search(r"\bphone ?number\b", refusal.words, re.IGNORECASE) and refusal.kind.startswith("Invalid"):
        return ProviderRejected("Amazon SNS does not take the number.")
    return ProviderUnavailable(
        f"Amazon SNS does not take what we send ({refusal.words}): check NOTIFY_AWS_SMS_ORIGINATION_IDENTITY, "
        "the spend limit and the state of the account.",
        refusal.retry_after_s,
    )


def _news(told: Mapping[str, object]) -> Sequence[News]:
    """The one thing that an event tells."""
    words, number = told.get("messageBody"), told.get("originationNumber")
    if isinstance(words, str) and isinstance(number, str):
        number = number if number.startswith("+") else f"+{number}"
        return [Inbound(Channel.SMS, number, words)] if _NUMBER.fullmatch(number) else []
    context, kind = told.get("context"), told.get("eventType")
    reference = context.get("reference") if isinstance(context, dict) else None
    if not isinstance(reference, str) or not isinstance(kind, str) or kind not in _STATES:
        return []
    state, reason = _STATES[kind]
    return [Receipt(reference, state, reason, is_address=kind == "TEXT_UNREACHABLE")]
