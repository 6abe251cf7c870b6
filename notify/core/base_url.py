"""The address that residents and staff reach this service by."""

from ipaddress import ip_address
from urllib.parse import urlsplit


def require_https(value: str) -> str:
    """The same address, if it begins with https:// or names this machine. Raises: ValueError."""
    parts = urlsplit(value)
    if parts.scheme != "https" and (parts.scheme != "http" or not _is_this_machine(parts.hostname or "")):
        raise ValueError(
            f"{value!r} is not safe: others must come by https. Give an address that begins with https://, or for "
            "development one of this machine, such as http://127.0.0.1:8000"
        )
    return value


def _is_this_machine(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
