"""Where a visitor comes from, as far as it can be known: who they are is none of our business."""

import re
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from notify.core.settings import once_a_process, settings

AnyNetwork = IPv4Network | IPv6Network
AnyAddress = IPv4Address | IPv6Address

UNKNOWN = "unknown"
IPV6_PREFIX = 64  # one household or phone has a whole such network to itself
SITE_PREFIX = 48  # and whoever rents a server often has 65,536 of them

# some proxies add the port: 192.0.2.7:4711, [2001:db8::1]:4711
WITH_PORT = re.compile(r"(?:\[([^\]]+)\]|([\d.]+))(?::\d+)?")


@once_a_process
def _proxies() -> Sequence[AnyNetwork]:
    return settings().proxies


def network_of(peer: str, forwarded: Sequence[str]) -> str:
    """The visitor's network: an IPv4 address, or the first 64 bits of an IPv6 address.

    `forwarded` holds every `X-Forwarded-For` line in its order: some proxies write into the visitor's own line, others
    add one below it. They count only where the request came from a trusted proxy, and are read from their end: the
    first address that is no trusted proxy is the visitor. Whatever they wrote themselves stands before it.
    """
    return network_behind(peer, ",".join(forwarded), _proxies())


def site_of(network: str) -> str:
    """The site that a network of `network_of` belongs to: the first 48 bits of an IPv6 address, else the same."""
    try:
        known = ip_network(network)
    except ValueError:
        return network
    return str(known.supernet(new_prefix=SITE_PREFIX)) if isinstance(known, IPv6Network) else network


def network_behind(peer: str, forwarded: str, proxies: Sequence[AnyNetwork]) -> str:
    """The same for given proxies."""
    hops = [*forwarded.split(","), peer] if forwarded else [peer]
    found = None
    for hop in reversed(hops):
        found = _read(hop)
        if found is None or not any(found in network for network in proxies):
            break
    return _grouped(found)


def is_this_machine(peer: str) -> bool:
    """Whether a connection comes from a loopback address."""
    known = _read(peer)
    return known is not None and known.is_loopback


def _read(hop: str) -> AnyAddress | None:
    """The address. A server that listens on both kinds of network is given `::ffff:192.0.2.7` for 192.0.2.7."""
    with_port = WITH_PORT.fullmatch(hop.strip())
    try:
        known = ip_address((with_port[1] or with_port[2]) if with_port else hop.strip())
    except ValueError:
        return None
    return (known.ipv4_mapped or known) if isinstance(known, IPv6Address) else known


def _grouped(known: AnyAddress | None) -> str:
    if isinstance(known, IPv6Address):
        return str(ip_network((known, IPV6_PREFIX), strict=False))
    return str(known) if known else UNKNOWN
