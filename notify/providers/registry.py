"""Finds the adapters that the settings name, among those that are installed."""

from collections.abc import Sequence
from importlib.metadata import entry_points

from notify.errors import SetUpError
from notify.providers.base import Channel, Provider
from notify.providers.failover import hand_over
from notify.settings import once_a_process, settings

__all__ = ["GROUP", "UnknownProvider", "close_all", "hand_over", "load", "providers_for"]

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


def providers_for(channel: Channel) -> Sequence[Provider]:
    """The adapters of a channel in order of preference. Raises: UnknownProvider."""
    providers = [load(name) for name in settings().providers_for(channel)]
    for provider in providers:
        if provider.channel != channel:
            raise UnknownProvider(f"{provider.name} sends {provider.channel}, not {channel}: check the settings.")
    return providers
