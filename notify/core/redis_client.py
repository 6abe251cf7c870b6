"""Short Redis calls with a tight timeout: without Redis there is no answer, and nobody waits."""

import logging
import time
from collections.abc import Callable
from typing import Any, TypeVar

import redis

from notify.core.jobs import redis_client
from notify.core.settings import once_a_process

log = logging.getLogger(__name__)

T = TypeVar("T")

TIMEOUT_S = 0.25
AWAY_S = 1.0  # Redis is not asked again for so long after it did not answer


class _Line:
    """The way to Redis of this process. It never makes anyone wait for long."""

    def __init__(self) -> None:
        self._client = redis_client(answer_s=TIMEOUT_S, connect_s=TIMEOUT_S)
        self._away_until = 0.0
        self._is_away = False

    def ask(self, question: Callable[[Any], T]) -> T | None:
        """The answer; None while there is none to be had."""
        if time.monotonic() < self._away_until:
            return None
        try:
            answer = question(self._client)
        except redis.RedisError as error:
            self._away_until = time.monotonic() + AWAY_S
            if not self._is_away:
                log.warning("queue away, each process keeps to its part", extra={"error": type(error).__name__})
            self._is_away = True
            return None
        self._is_away = False
        return answer

    def close(self) -> None:
        """Close the connection; the next question opens another."""
        self._client.close()


@once_a_process
def _line() -> _Line:
    return _Line()


def ask(question: Callable[[Any], T]) -> T | None:
    """What Redis answers to `question`, which is given its client; None while it is away."""
    return _line().ask(question)


def close() -> None:
    """Close this process's connection to Redis; the next question opens another."""
    _line().close()
