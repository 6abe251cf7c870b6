"""A primary that is broken hardly delays anybody: real adapters that nothing answers, and a next one that takes all."""

import time
from collections.abc import Callable, Sequence

import pytest

from notify.core.jobs import Lane
from notify.providers import registry
from notify.providers.base import Accepted, Channel, Message, Provider
from tests.providers.messages import mail
from tests.providers.scripted import ScriptedMany
from tests.running import free_port

MESSAGES, SLICE = 1_000, 100
LATE_S = 1.0


def primary(channel: Channel, choose: Callable[..., None]) -> Provider:
    """The channel's own adapter, set up for a service at whose address nobody listens."""
    nowhere = str(free_port())
    choose(
        SMTP_HOST="127.0.0.1",
        SMTP_PORT=nowhere,
        TWILIO_BASE_URL=f"http://127.0.0.1:{nowhere}",
        TWILIO_ACCOUNT_SID="AC" + "0" * 32,
        TWILIO_AUTH_TOKEN="not a secret",
        TWILIO_FROM_NUMBER="+447700900000",
        TWILIO_VOICE_FROM_NUMBER="+441632960000",
    )
    return registry.load({"email": "smtp", "sms": "twilio-sms", "voice": "twilio-voice"}[channel])


def messages(channel: Channel) -> Sequence[Message]:
    if channel == Channel.EMAIL:
        return [mail(f"r{number}@example.org") for number in range(MESSAGES)]
    return [
        Message(f"{number:032x}-1", f"+4477009{number:05}"[:13], "Flood", "Move to higher ground.")
        for number in range(MESSAGES)
    ]


@pytest.mark.parametrize("lane", [Lane.ROUTINE, Lane.EMERGENCY])
@pytest.mark.parametrize("channel", [Channel.EMAIL, Channel.SMS, Channel.VOICE])
def test_at_most_one_in_a_hundred_waits_a_second_longer(
    choose: Callable[..., None], database: None, channel: Channel, lane: Lane
) -> None:
    broken, second = primary(channel, choose), ScriptedMany("second", lambda _: "taken")
    second.channel = channel  # type: ignore[misc]
    late: list[int] = []
    taken = 0
    waiting = messages(channel)
    for start in range(0, MESSAGES, SLICE):
        begun = time.monotonic()
        late.append(0)
        for provider, outcome in registry.send_with_failover(
            [broken, second], waiting[start : start + SLICE], lane=lane
        ):
            assert (provider.name, type(outcome)) == ("second", Accepted)
            taken += 1
            late[-1] += time.monotonic() - begun > LATE_S
    assert taken == MESSAGES
    # a machine that stops for a moment holds up one slice as a whole, which says nothing of the breaker
    late.remove(max(late[1:]))
    assert sum(late) <= MESSAGES / 100
