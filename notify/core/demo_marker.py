"""What marks the demonstration: the line before the invitation of `notify run`, and the processes that it starts."""

import os
from urllib.parse import urlsplit

from notify.core.settings import settings

INVITATION = "--- invitation ---"
COUNCIL = "zedholm"  # the short name of the invented council
ADDRESSES = "@example.org"  # where its officers' email addresses end
_VARIABLE = "ZEDHOLM_RUNS_HERE"  # no setting: it is set by `notify run` for its own children alone
_LOOPBACK = ("127.0.0.1", "localhost")


def mark() -> None:
    """Let the processes that are started from here know that they are part of `notify run`."""
    os.environ[_VARIABLE] = "yes"


def is_marked() -> bool:
    """Whether this process was started by `notify run` and serves this machine alone, without https."""
    is_own_machine = not settings().is_secure and urlsplit(settings().base_url).hostname in _LOOPBACK
    return os.environ.get(_VARIABLE) == "yes" and is_own_machine
