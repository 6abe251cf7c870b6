"""Where the request that is being answered comes from, for rules that count strangers apart from each other."""

from contextvars import ContextVar

_network: ContextVar[str] = ContextVar("network", default="")


def network() -> str:
    """The visitor's network; empty outside of a request. Personal data: store only keyed hashes of it."""
    return _network.get()


def comes_from(network: str) -> None:
    """Say so for the rest of this request."""
    _network.set(network)
