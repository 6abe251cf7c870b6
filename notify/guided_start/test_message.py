"""A message to the administrator's own address, and what is wrong with a council's providers."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import uuid4

from notify.channels import CHANNELS, Channel, Content
from notify.core.jobs import Lane
from notify.core.rendering import mime_skeleton
from notify.deliveries.message_content import email_headers
from notify.providers import registry
from notify.providers.base import Accepted, Message
from notify.staff.council_settings.effective import CouncilSettings

SUBJECT = "Test message"
BODY = "This is a test. If you can read it, {council} can send messages on this channel."


@dataclass(frozen=True, slots=True)
class ChannelState:
    """A channel's providers by name, in order, and what each finds wrong with its own set-up."""

    channel: Channel
    label: str
    providers: Sequence[str]
    findings: Sequence[str]


def channel_states(own: CouncilSettings) -> Sequence[ChannelState]:
    """Every channel that has a provider here. Not inside a transaction: some ask name servers."""
    found = []
    for channel, about in CHANNELS.items():
        chosen = registry.providers_for(channel, Lane.TRANSACTIONAL, chosen=own.providers_for(channel))
        names = [provider.name for provider in chosen]
        findings = [words for provider in chosen for words in provider.check()]
        if names:
            found.append(ChannelState(channel, str(about.label), names, findings))
    return found


def send_test(own: CouncilSettings, channel: Channel, address: str) -> str:
    """Send it; empty if a provider accepted it, else why none did. Not inside a transaction."""
    body = BODY.format(council=own.name)
    reference = uuid4().hex
    if CHANNELS[channel].content is Content.MAIL:
        compiled = mime_skeleton(
            headers=email_headers(f"{own.name}: {SUBJECT}", own) | {"Auto-Submitted": "auto-generated"},
            text=body,
            html_text=None,
            language="en",
            names=("to", "message_id"),
        )
        mail = compiled.fill({"to": address, "message_id": reference})
        message = Message(reference, address, SUBJECT, "", mail)
    else:
        message = Message(reference, address, "", body, sender=own.sms_sender)
    providers = registry.providers_for(channel, Lane.TRANSACTIONAL, chosen=own.providers_for(channel))
    [(_, outcome)] = registry.send_with_failover(providers, [message], lane=Lane.TRANSACTIONAL)
    return "" if isinstance(outcome, Accepted) else str(getattr(outcome, "reason", "")) or "Nobody took it."
