"""Stands where the settings name no provider any more: messages that were meant for it wait and say why."""

from collections.abc import Sequence
from typing import ClassVar

from notify.providers.base import CallBack, Channel, Message, News, ProviderUnavailable


class Unset:
    """Takes nothing."""

    name: ClassVar[str] = "unset"
    channel: ClassVar[Channel] = Channel.VOICE  # the only one that may go without

    def send(self, message: Message) -> str:
        """Raises: ProviderUnavailable, always."""
        raise ProviderUnavailable(
            "No provider is named for this channel: set its providers (NOTIFY_VOICE_PROVIDERS for calls)."
        )

    def read_receipt(self, call: CallBack) -> Sequence[News]:
        """Nobody calls back."""
        return []

    def check(self) -> Sequence[str]:
        """Nothing can be wrong."""
        return []

    def close(self) -> None:
        """Nothing is open."""
