"""Finds the adapters that the settings name, among those that are installed."""

import random
from collections.abc import Sequence
from importlib.metadata import entry_points

from notify.core.errors import SetUpError
from notify.core.jobs import Lane
from notify.core.setting_values import Choice
from notify.core.settings import once_a_process, settings
from notify.providers.base import Channel, ChecksSenders, Provider, TakesReplies
from notify.providers.failover import send_with_failover

__all__ = [
    "GROUP",
    "UnknownProvider",
    "close_all",
    "load",
    "named",
    "providers_for",
    "send_with_failover",
    "takes_replies",
]

GROUP = "notify.providers"
_loaded: list[Provider] = []


class UnknownProvider(SetUpError):
    """The settings name an adapter that is not installed, or one for another channel."""

    title = "There is no such provider"


@once_a_process
def load(name: str) -> Provider:
    """The one instance of this adapter in this process. An installed adapter that nobody names is never imported.

    Raises: UnknownProvider.
    """
    found = entry_points(group=GROUP, name=name)
    if not found:
        installed = ", ".join(sorted(entry_points(group=GROUP).names))
        raise UnknownProvider(f"No provider {name!r} is installed; there are {installed}.")
    provider: Provider = next(iter(found)).load()()
    _loaded.append(provider)
    return provider


def close_all() -> None:
    """Give back the connections of every adapter in use. They may be used again afterwards."""
    for provider in _loaded:
        provider.close()


def providers_for(
    channel: Channel, lane: Lane = Lane.ROUTINE, *, chosen: Sequence[Choice] | None = None
) -> Sequence[Provider]:
    """The adapters of a channel in order of preference, which are to be tried in turn. Empty for voice unless set.

    `chosen` is a council's own order, where it is known. Where shares are set, chance decides at each call who comes
    first. Raises: UnknownProvider.
    """
    if chosen is None:
        chosen = settings().providers_for(channel, emergency=lane is Lane.EMERGENCY)
    providers = [load(choice.name) for choice in _in_turn(chosen)]
    for provider in providers:
        if provider.channel != channel:
            raise UnknownProvider(f"{provider.name} sends {provider.channel}, not {channel}: check the settings.")
    return providers


def takes_replies(channel: Channel) -> bool:
    """Whether an answer to a message comes back to us, whichever of the channel's adapters carries it."""
    found = [load(one.name) for urgent in (False, True) for one in settings().providers_for(channel, emergency=urgent)]
    return bool(found) and all(isinstance(one, TakesReplies) and one.takes_replies for one in found)


def check_sender(chosen: Sequence[Provider], address: str) -> Sequence[str]:
    """What keeps mail in this address's name from being believed, a sentence each with its remedy.

    Asks name servers and providers: not inside a transaction.
    """
    asked = [provider for provider in chosen if isinstance(provider, ChecksSenders)]
    return [f"{provider.name}: {words}" for provider in asked for words in provider.check_sender(address)]


def named() -> Sequence[Provider]:
    """Every adapter that the settings name, for whatever channel and lane, each once. Raises: UnknownProvider."""
    lanes = (Lane.ROUTINE, Lane.EMERGENCY)
    found = {one.name: one for channel in Channel for lane in lanes for one in providers_for(channel, lane)}
    return list(found.values())


def _in_turn(choices: Sequence[Choice]) -> Sequence[Choice]:
    """By share: who is drawn comes first, then who is drawn of the others."""
    if not choices or choices[0].share is None:
        return choices
    left, order = list(choices), []
    while left:
        [drawn] = random.choices(left, [choice.share or 0.0 for choice in left])  # noqa: S311 - no secret
        left.remove(drawn)
        order.append(drawn)
    return order
