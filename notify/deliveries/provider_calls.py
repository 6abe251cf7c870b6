"""One call to the providers for a slice of messages, and what each answer means for the ledger."""

import logging
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from notify.channels import CHANNELS, Channel, CostUnit
from notify.core.jobs import Lane
from notify.deliveries import retry_pauses
from notify.deliveries.failure_reasons import cleaned, printable
from notify.deliveries.message_content import AlertContent, Recipient
from notify.deliveries.models import DeliveryState
from notify.deliveries.service import Claim, Result
from notify.providers import registry, sandbox, sms_segments
from notify.providers.base import Accepted, Deferred, Message, Outcome, Provider, Refused, Unknown, send_one
from notify.providers.missing_provider import Unset

log = logging.getLogger(__name__)

LONGEST_WISH_S = 3600.0  # then a provider is asked again whether it still wishes so
_UNSET = Unset()


def send_messages(
    words: AlertContent, held: Claim, recipients: Sequence[Recipient], withdrawn: threading.Event
) -> Iterator[Result]:
    """What the providers say of each message. A message that cannot be made fails alone."""
    messages: list[Message] = []
    by_reference: dict[str, Recipient] = {}
    for recipient in recipients:
        by_reference[recipient.reference] = recipient
        try:
            messages.append(words.message(recipient, withdrawn))
        except Exception as error:  # the worker's edge: one bad row must not hold up the others
            log.exception("message could not be made", extra={"reference": recipient.reference})
            yield Result(recipient.number, DeliveryState.TECHNICAL_FAILURE, reason=type(error).__name__)
    if not messages:
        return
    parts = _parts(held.channel, messages)
    for provider, outcome in _outcomes(messages, held, words):
        result = _result(by_reference[outcome.reference], provider, outcome, held)
        yield replace(result, parts=parts[outcome.reference]) if parts else result


def _outcomes(messages: Sequence[Message], held: Claim, words: AlertContent) -> Iterator[tuple[Provider, Outcome]]:
    """What the council's providers say of each message; of a test key's the sandbox alone, which no breaker and no rate
    is for.

    A simulated resident's messages never leave, whoever sends them.
    """
    box, others = sandbox.of(held.channel), []
    for message in messages:
        if words.alert.is_test or sandbox.is_simulated(message.address):
            yield box, send_one(box, message)
        else:
            others.append(message)
    if not others:
        return
    chosen = words.own.providers_for(held.channel, emergency=held.lane is Lane.EMERGENCY)
    providers = registry.providers_for(held.channel, held.lane, chosen=chosen) or [_UNSET]
    yield from registry.send_with_failover(providers, others, lane=held.lane)


def _parts(channel: Channel, messages: Sequence[Message]) -> Mapping[str, int]:
    """How many parts of a text each message is paid for as; empty where a message is a message."""
    if CHANNELS[channel].cost_unit is not CostUnit.PART:
        return {}
    counted = {text: sms_segments.count(text).segments for text in {message.text for message in messages}}
    return {message.reference: counted[message.text] for message in messages}


def _result(recipient: Recipient, provider: Provider, outcome: Outcome, held: Claim) -> Result:
    now, number = time.monotonic(), recipient.number
    match outcome:
        case Accepted(provider_reference=reference):
            return Result(number, DeliveryState.SENT, provider.name, printable(reference), at=now)
        case Refused(reason=reason):
            return Result(number, DeliveryState.PERMANENT_FAILURE, provider.name, reason=cleaned(reason), at=now)
        case Deferred():
            is_own = outcome.is_address and CHANNELS[held.channel].is_own_service
            longest = retry_pauses.PAUSES_S[held.lane][1] if outcome.is_address and not is_own else LONGEST_WISH_S
            return Result(
                number,
                None,
                provider.name,
                reason=cleaned(outcome.reason),
                retry_after_s=min(
                    outcome.retry_after_s or 0.0, longest
                ),  # one address must not keep all others waiting
                was_held_back=outcome.was_held_back,
                is_own_wish=is_own,
            )
        case Unknown(reason=reason):
            state = DeliveryState.UNKNOWN if _is_enough(recipient, held) else None
            return Result(number, state, provider.name, reason=cleaned(reason), unsure=True)


def _is_enough(recipient: Recipient, held: Claim) -> bool:
    """Whether to leave a message alone that may have arrived. A second text costs money and worries people.

    A repeated e-mail has the same Message-ID and a repeated webhook the same webhook-id, so receivers can tell.
    """
    return held.channel == Channel.SMS and held.lane != Lane.EMERGENCY and recipient.is_unsure
