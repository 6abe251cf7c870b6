"""Which addresses of strangers may be called: public ones, and those inside that an installation allows.

A name is looked up once. Whoever calls then connects to one of the addresses that were checked, never to the name.
Source: the IANA special-purpose address registries; RFC 6052, 6890 and 8215.
"""

import ipaddress
import re
import socket
import threading
import unicodedata
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from typing import Self
from urllib.parse import urlsplit

import idna

from notify.providers.base import ProviderRejected, ProviderUnavailable

Resolver = Callable[[str, int], Sequence[str]]
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_ODD = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp", "Zs"})  # controls, invisible ones, and spaces
_AUTHORITY = re.compile(r"(?:\[(?P<six>[0-9a-fA-F:.]+)\]|(?P<name>[^\[\]:@%]+))(?::(?P<port>[0-9]{0,5}))?")
_NAME = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?:\.(?!-)[a-z0-9_-]{1,63})*")
_NUMBER = re.compile(r"(?:.*\.)?(?:[0-9]+|0x[0-9a-f]*)")  # what some programs take for an IPv4 address
_LONGEST_NAME = 253
HTTPS_ONLY = "Webhooks are called by https only."
_GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_ISATAP = (0x0000_5EFE, 0x0200_5EFE)  # before the IPv4 address in the lower half


def _networks(*texts: str) -> Sequence[Network]:
    return [ipaddress.ip_network(text) for text in texts]


_NOT_PUBLIC = _networks(
    *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16"),
    *("192.0.0.0/24", "192.88.99.0/24", "198.18.0.0/15"),  # the IETF's, relays of 6to4, benchmarks
    *("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24"),  # documentation
    *("224.0.0.0/4", "240.0.0.0/4"),  # multicast; reserved, with broadcast
    "168.63.129.16/32",  # of every machine at Azure: its host
    *("2001::/23", "2001:db8::/32", "3fff::/20"),  # the IETF's, Teredo among them; documentation
    "2002::/16",  # 6to4
)
_INSIDE = _networks(
    *("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "127.0.0.0/8", "fc00::/7", "::1/128")
)
_METADATA = _networks(
    "100.100.100.200/32", "fd00:ec2::/32", "fd20:ce::/32", "fd00:c1::/32"
)  # of clouds, with passwords; others are link-local


def is_public(address: str) -> bool:
    """Whether an address is one of the internet at large, whatever form it hides another one in."""
    ip = _plain(address)
    if ip is None or not ip.is_global or any(ip in network for network in _NOT_PUBLIC):
        return False
    if isinstance(ip, IPv4Address):
        return True
    return ip in _GLOBAL_UNICAST and (int(ip) >> 32) & 0xFFFF_FFFF not in _ISATAP


def is_inside(address: str) -> bool:
    """Whether an address is private in a way that a receiver of one's own may be: never a cloud's metadata."""
    ip = _plain(address)
    return ip is not None and _is_in(ip, _INSIDE) and not _is_in(ip, _METADATA)


def _plain(address: str) -> IPv4Address | IPv6Address | None:
    """The address itself; the IPv4 address inside, where one reaches that by writing this. None: not to be called."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return None
    if isinstance(ip, IPv4Address):
        return ip
    if ip.scope_id is not None:
        return None
    if ip in _NAT64:
        return IPv4Address(int(ip) & 0xFFFF_FFFF)
    return ip.ipv4_mapped or ip


def _is_in(ip: IPv4Address | IPv6Address, networks: Sequence[Network]) -> bool:
    return any(ip in network for network in networks)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A web address as someone gave it, read in one way only. `host` is a name in ASCII or an IP address."""

    scheme: str
    host: str
    port: int | None
    path: str

    @property
    def authority(self) -> str:
        """What the Host header says."""
        return _authority(self.host, self.port)

    @property
    def is_literal(self) -> bool:
        """Whether the host is an IP address, which nobody needs to be asked for."""
        return ":" in self.host or self.host.rpartition(".")[2].isdigit()

    def url_at(self, address: str) -> str:
        """The same place with this IP address for its host."""
        return f"{self.scheme}://{_authority(address, self.port)}{self.path}"


def _authority(host: str, port: int | None) -> str:
    return (f"[{host}]" if ":" in host else host) + (f":{port}" if port else "")


def read(url: str) -> Wanted:
    """What a web address means. Whatever two programs might read in two ways is refused. Raises: ProviderRejected."""
    try:
        if "\\" in url or any(unicodedata.category(char) in _ODD for char in url):
            raise ValueError
        parts = urlsplit(url)
        found = _AUTHORITY.fullmatch(parts.netloc)
        if parts.scheme not in ("https", "http") or found is None:
            raise ValueError
        host = str(IPv6Address(found["six"])) if found["six"] else _host(found["name"])
        port = int(found["port"]) if found["port"] else None
        if port is not None and not 0 < port < 65_536:
            raise ValueError
    except ValueError:  # and what idna and ipaddress raise
        raise ProviderRejected("The receiver's address cannot be read.") from None
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Wanted(parts.scheme, host, port, path)


def _host(name: str) -> str:
    """A name in ASCII and small letters, or an IPv4 address of four decimal numbers. Raises: ValueError."""
    plain = name if name.isascii() else idna.encode(name, uts46=True).decode()
    plain = plain.lower().removesuffix(".")
    if _NUMBER.fullmatch(plain):
        return str(IPv4Address(plain))
    if len(plain) > _LONGEST_NAME or not _NAME.fullmatch(plain):
        raise ValueError
    return plain


@dataclass(frozen=True, slots=True)
class Allowed:
    """Hosts and networks inside that may be called all the same. `mistakes` are the entries that mean nothing."""

    hosts: frozenset[str] = frozenset()
    networks: Sequence[Network] = ()
    mistakes: Sequence[str] = ()

    @classmethod
    def from_text(cls, text: str) -> Self:
        """From words with commas between them: host names, IP addresses, and networks such as 10.20.0.0/16."""
        hosts: set[str] = set()
        networks: list[Network] = []
        mistakes: list[str] = []
        for entry in filter(None, (part.strip() for part in text.split(","))):
            try:
                if "/" in entry:
                    networks.append(ipaddress.ip_network(entry))
                else:
                    hosts.add(str(IPv6Address(entry.strip("[]"))) if ":" in entry else _host(entry))
            except ValueError:
                mistakes.append(entry)
        return cls(frozenset(hosts), tuple(networks), tuple(mistakes))

    def holds(self, address: str) -> bool:
        """Whether an address lies in one of the networks."""
        ip = _plain(address)
        return ip is not None and _is_in(ip, self.networks)


def ask_the_system(host: str, port: int) -> Sequence[str]:
    """The addresses of a name, as this machine is told. Raises: OSError, UnicodeError."""
    return list(dict.fromkeys(str(entry[4][0]) for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)))


class Guard:
    """Says where a web address leads, or that it must not be called."""

    def __init__(self, allowed: Allowed, *, resolve: Resolver = ask_the_system) -> None:
        self._allowed, self._resolve = allowed, resolve

    def checked(self, wanted: Wanted, *, within_s: float) -> Sequence[str]:
        """The addresses to connect to, best first, looked up once. Every one of them may be called.

        Raises: ProviderRejected; ProviderUnavailable when the name is unknown or the answer takes longer.
        """
        is_named = wanted.host in self._allowed.hosts
        is_plain = wanted.scheme == "http"
        if is_plain and not is_named and not self._allowed.networks:
            raise ProviderRejected(HTTPS_ONLY)
        addresses = [wanted.host] if wanted.is_literal else self._look_up(wanted, within_s)
        leads_inside = is_named or all(self._allowed.holds(address) for address in addresses)
        if is_plain and not leads_inside:
            raise ProviderRejected(HTTPS_ONLY)
        for address in addresses:
            if not (is_public(address) or ((is_named or self._allowed.holds(address)) and is_inside(address))):
                raise ProviderRejected("The receiver's address is not a public one.")
        return addresses

    def _look_up(self, wanted: Wanted, within_s: float) -> Sequence[str]:
        found: Future[Sequence[str]] = Future()

        def ask() -> None:
            try:
                found.set_result(self._resolve(wanted.host, wanted.port or 443))
            except Exception as error:  # whoever waits gets it
                found.set_exception(error)

        threading.Thread(target=ask, daemon=True).start()  # nothing else can leave a name service that does not answer
        try:
            addresses = found.result(within_s)
        except (OSError, ValueError):
            addresses = []
        if not addresses:
            raise ProviderUnavailable("The receiver's name cannot be resolved.", is_address=True)
        return addresses
