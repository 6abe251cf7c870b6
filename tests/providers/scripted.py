"""Providers that say what a test tells them to."""

from collections.abc import Callable, Iterator, Sequence
from typing import ClassVar

from notify.providers.base import CallBack, Channel, Message, News, Outcome, send_one


class Scripted:
    """A provider that says what it is told to, and remembers what it was asked."""

    channel: ClassVar[Channel] = Channel.SMS
    name: ClassVar[str] = "scripted"

    def __init__(self, name: str, says: Callable[[Message], str]) -> None:
        self.name = name  # type: ignore[misc]
        self.says = says
        self.asked: list[str] = []

    def send(self, message: Message) -> str:
        self.asked.append(message.address)
        return self.says(message)

    def read_receipt(self, call: CallBack) -> Sequence[News]:
        return []

    def check(self) -> Sequence[str]:
        return []

    def close(self) -> None:
        """Nothing is open."""


class ScriptedMany(Scripted):
    """The same, many at once, and the last first."""

    def send_many(self, messages: Sequence[Message]) -> Iterator[Outcome]:
        for message in reversed(messages):
            yield send_one(self, message)


class ScriptedHook(Scripted):
    """The same, for webhooks: every receiver is a service of its own."""

    channel: ClassVar[Channel] = Channel.WEBHOOK
