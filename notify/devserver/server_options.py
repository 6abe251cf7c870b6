"""The options with which the embedded PostgreSQL and Valkey are started."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

# what `embedded.installed(tuning=…)` is added to
POSTGRESQL_OPTIONS: Mapping[str, str] = MappingProxyType(
    {
        "listen_addresses": "",
        "max_connections": "200",
        "shared_buffers": "128MB",
        "jit": "off",
        "timezone": "UTC",
        "log_timezone": "UTC",
    }
)


def valkey_options(folder: Path, socket: Path) -> Mapping[str, str]:
    """Valkey listens on `socket` alone, keeps its journal in `folder`, and evicts nothing."""
    return {
        "port": "0",
        "unixsocket": str(socket),
        "unixsocketperm": "700",
        "dir": str(folder),
        "save": "",
        "appendonly": "yes",
        "appendfsync": "everysec",
        "maxmemory-policy": "noeviction",
    }
