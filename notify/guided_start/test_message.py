"""A test message to the user's own address or number, and what is wrong with a council's providers."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import uuid4

from sqlmodel import Session

from notify.channels import CHANNELS, Channel, Content
from notify.core.errors import Conflict, Forbidden
from notify.core.jobs import Lane
from notify.core.rendering import mime_skeleton
from notify.core.settings import settings
from notify.deliveries.message_content import email_headers
from notify.providers import registry
from notify.providers.base import Accepted, Message
from notify.staff.council_settings.effective import CouncilSettings
from notify.staff.models import Officer
from notify.staff.rights import Principal
from notify.staff.service import audit
from notify.subscribers import message_limits

SUBJECT = "Test message"
BODY = "This is a test. If you can read it, {council} can send messages on this channel."


class OnlyToOneself(Forbidden):
    """A program has no mailbox and no phone."""

    title = "Test messages are for people"


class NotNow(Conflict):
    """There is no number to send to, or enough was sent for this hour."""

    title = "No test message can be sent now"


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
        if channel is Channel.EMAIL and own.sender_address != settings().sender_address:
            findings += registry.check_sender(chosen, own.sender_address)
        if names:
            found.append(ChannelState(channel, str(about.label), names, findings))
    return found


def own_address(session: Session, user: Principal, channel: Channel) -> str:
    """Where this user's test goes, which counts as one of those they may send in an hour. The audit trail says so.

    Raises: OnlyToOneself, NotNow.
    """
    if user.is_key or user.officer_id is None:
        raise OnlyToOneself("Sign in as a user. A key sends no test messages.")
    officer = session.get_one(Officer, user.officer_id)
    address = officer.phone if channel is Channel.SMS else officer.email
    if not address:
        raise NotNow("We do not know your mobile number. Enter it on your own page under Users and roles.")
    if not message_limits.may_send_test(session, officer.id):
        raise NotNow(f"You have sent {message_limits.TESTS_PER_HOUR} tests within the hour. Try again in an hour.")
    audit(
        session,
        council_id=user.council_id,
        actor=user.actor,
        action="council.test-message",
        subject=str(officer.id),
        channel=channel.value,
    )
    return address


def send_test(own: CouncilSettings, channel: Channel, address: str) -> str:
    """Send it; empty if a provider accepted it, else why none did. Not inside a transaction."""
    body = BODY.format(council=own.name)
    reference = uuid4().hex
    if CHANNELS[channel].content is Content.MAIL:
        compiled = mime_skeleton(
            headers=email_headers(SUBJECT, own) | {"Auto-Submitted": "auto-generated"},
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
