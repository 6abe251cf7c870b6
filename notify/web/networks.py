"""Where a visitor comes from, as far as it can be known: who they are is none of our business."""

from collections.abc import Mapping, Sequence
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from notify.settings import once_a_process, settings

AnyNetwork = IPv4Network | IPv6Network

UNKNOWN = "unknown"
IPV6_PREFIX = 64  # one household or phone has a whole such network to itself


@once_a_process
def _proxies() -> Sequence[AnyNetwork]:
    return settings().proxies


def network_of(peer: str, headers: Mapping[str, str]) -> str:
    """The visitor's network: an IPv4 address, or the first 64 bits of an IPv6 address.

    `X-Forwarded-For` counts only where the request came from a trusted proxy, and is read from its end: the first
    address that is no trusted proxy is the visitor. Whatever they wrote themselves stands before it.
    """
    return network_behind(peer, headers.get("x-forwarded-for", ""), _proxies())


def network_behind(peer: str, forwarded: str, proxies: Sequence[AnyNetwork]) -> str:
    """The same for given proxies."""
    found = peer
    for hop in reversed([peer] if not forwarded else [*forwarded.split(","), peer]):
        found = hop.strip()
        if not _is_within(found, proxies):
            break
    return _grouped(found)


def _is_within(address: str, proxies: Sequence[AnyNetwork]) -> bool:
    try:
        known = ip_address(address)
    except ValueError:
        return False
    return any(known in network for network in proxies)


def _grouped(address: str) -> str:
    try:
        known = ip_address(address)
    except ValueError:
        return UNKNOWN
    if not isinstance(known, IPv6Address):
        return str(known)
    return str(known.ipv4_mapped or ip_network((known, IPV6_PREFIX), strict=False))
