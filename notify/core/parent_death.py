"""Children that do not outlive their parent, however it dies."""

import ctypes
import os
import signal
import sys
from collections.abc import Callable

_PR_SET_PDEATHSIG = 1


def die_with_parent(farewell: signal.Signals) -> Callable[[], None]:
    """A `preexec_fn`: the kernel sends the child `farewell` when the thread that started it ends.

    So start children from a thread that lives as long as they should: the main one. Elsewhere than on Linux
    the child is not told.
    """
    # A preexec_fn runs between fork and exec, where another thread's lock would stay locked for ever. This
    # one takes none: the library is loaded here, before the fork, and the child makes two system calls.
    # It has to run that late, because a change of user clears the setting.
    if sys.platform != "linux":
        return lambda: None
    kernel = ctypes.CDLL(None)
    parent = os.getpid()

    def arm() -> None:
        kernel.prctl(_PR_SET_PDEATHSIG, int(farewell), 0, 0, 0)
        if os.getppid() != parent:  # it died before the kernel was asked
            os._exit(1)

    return arm
