"""Where the messages of test keys go: nowhere, as realistically as can be.

An address chooses what becomes of its message, as documented in docs/sandbox.md; every other address takes it.
"""

import re
from collections.abc import Sequence
from typing import ClassVar

from notify.providers.base import (
    CallBack,
    Channel,
    Message,
    News,
    ProviderRejected,
    ProviderUnavailable,
    ProviderUnsure,
    Receipt,
    ReceiptState,
)

NAME = "sandbox"
# the last digit of Ofcom's numbers for drama, +44 7700 900 00x, says what the first word of an e-mail address says
SCENES = (
    "delivered",
    "permanent-failure",
    "temporary-failure",
    "refused",
    "unavailable",
    "unknown",
    "complained",
)
_EMAIL = re.compile(r"([a-z-]+)(?:[+.].*)?@simulator\.example\.org", re.IGNORECASE)
_PHONE = re.compile(r"\+4477009000(\d)\d")
_URL = re.compile(r"https://simulator\.example\.org/([a-z-]+)", re.IGNORECASE)
# the same addresses and all of Ofcom's mobile numbers for drama, as Python and PostgreSQL read it alike
INVENTED = r"^([a-z-]+([+.].*)?@simulator\.example\.org|\+447700900[0-9]{3}|https://simulator\.example\.org/[a-z-]+.*)$"
_INVENTED = re.compile(INVENTED, re.IGNORECASE)


def scene_of(address: str) -> str:
    """What becomes of a message to this address: one of SCENES."""
    if found := _PHONE.fullmatch(address):
        return SCENES[int(found[1])] if int(found[1]) < len(SCENES) else SCENES[0]
    found = _EMAIL.fullmatch(address) or _URL.match(address)
    return found[1].lower() if found and found[1].lower() in SCENES else SCENES[0]


def is_simulated(address: str) -> bool:
    """Whether nobody but the sandbox is ever written to at this address."""
    return bool(_EMAIL.fullmatch(address) or _URL.match(address))


def is_invented(address: str) -> bool:
    """Whether this address, as it is stored, is nobody's: simulated, or a number that is kept free for drama."""
    return bool(_INVENTED.fullmatch(address))


class Sandbox:
    """Takes, refuses or defers each message as its address says. Nothing leaves the process."""

    name: ClassVar[str] = NAME
    channel: ClassVar[Channel]

    def send(self, message: Message) -> str:
        """Do what the address says. Raises: ProviderRejected, ProviderUnavailable, ProviderUnsure."""
        match scene_of(message.address):
            case "refused":
                raise ProviderRejected("550 5.1.1 No such mailbox (simulated).")
            case "unavailable":
                raise ProviderUnavailable("451 4.2.2 Mailbox full (simulated).", is_address=True)
            case "unknown":
                raise ProviderUnsure("The provider heard everything and did not answer (simulated).")
        return f"sandbox-{message.reference}"

    def receipt(self, address: str, reference: str) -> Receipt:
        """What a provider would report a little later of a message that it took."""
        scene = scene_of(address)
        state = ReceiptState(scene) if scene in set(ReceiptState) else ReceiptState.DELIVERED
        failed = state in (ReceiptState.PERMANENT_FAILURE, ReceiptState.TEMPORARY_FAILURE)
        return Receipt(reference, state, "simulated" if failed else "")

    def read_receipt(self, call: CallBack) -> Sequence[News]:
        """Nobody calls back."""
        return []

    def check(self) -> Sequence[str]:
        """Nothing can be wrong here."""
        return []

    def close(self) -> None:
        """Nothing is open."""


def _of(channel: Channel) -> Sandbox:
    # a provider's channel belongs to its class
    class Box(Sandbox):
        pass

    Box.channel = channel
    return Box()


_BOXES = {channel: _of(channel) for channel in Channel}


def of(channel: Channel) -> Sandbox:
    """The sandbox of a channel."""
    return _BOXES[channel]
