"""The database and the queue of this installation, for as long as a command needs them."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from notify.core.private_files import private_folder
from notify.core.setting_errors import unknown
from notify.core.settings import reread, settings
from notify.devserver import embedded

Servers = Callable[[], AbstractContextManager[None]]  # what a command enters to use the database and the queue


@contextmanager
def servers() -> Iterator[None]:
    """The servers that the settings name, or the embedded ones while this block runs.

    Says on standard error what looks like a setting and is none.
    """
    chosen = settings()
    for sentence in unknown():
        sys.stderr.write(f"Warning: {sentence}\n")
    if chosen.database_url and chosen.redis_url:
        if chosen.data_dir.exists():
            private_folder(chosen.data_dir)  # one that was made before may stand open
        yield
        return
    with embedded.servers(chosen.data_dir) as addresses:
        use_addresses(addresses)
        yield


def use_addresses(addresses: embedded.Addresses) -> None:
    """Let this process and its children use these servers wherever the environment names none."""
    os.environ.setdefault("NOTIFY_DATABASE_URL", addresses.database_url)
    os.environ.setdefault("NOTIFY_REDIS_URL", addresses.redis_url)
    os.environ.setdefault("NOTIFY_SECRET_KEY", addresses.secret_key)
    reread()
