"""The Redis broker of worker processes, tuned so that a killed worker's jobs come back in seconds."""

import threading
from collections.abc import Callable
from contextlib import suppress

import redis
from dramatiq import MessageProxy
from dramatiq.brokers.redis import RedisBroker, _RedisConsumer
from dramatiq.middleware import Retries, TimeLimit

from notify.core.jobs import NAMESPACE, Lane, redis_client

HEARTBEAT_MS = 15_000
# A worker with nothing to do asks Redis to answer once there is a job. Shorter than the heartbeat, so that nobody takes
# it for dead.
WAIT_S = 4.0


class _WaitingConsumer(_RedisConsumer):
    """Waits in Redis for the next job instead of asking for it again and again."""

    broker: "WaitingBroker"

    def __next__(self) -> MessageProxy | None:
        if not self.outstanding_message_count and self.broker.wait_for(self.queue_name):
            self.misses = 0  # what is asked next is asked for the first time
        found: MessageProxy | None = super().__next__()  # type: ignore[no-untyped-call]
        return found


class WaitingBroker(RedisBroker):
    """A broker whose idle consumers cost nothing: no polling, and no later start for it.

    `BLMOVE` from a list to the same end of itself changes nothing, and answers as soon as the list holds anything. Any
    number of processes may wait so for one list.
    """

    def __init__(self, client: redis.Redis, look_ms: int, **options: object) -> None:
        """`look_ms` is how often a consumer that has jobs under way looks for more."""
        super().__init__(client=client, **options)  # type: ignore[no-untyped-call]
        self._look_ms = look_ms
        self._lines = threading.local()
        self._waiting: set[int] = set()  # the ids of connections that wait
        self._stopped = False

    def consume(self, queue_name: str, prefetch: int = 1, timeout: int = 5000) -> _WaitingConsumer:
        """A consumer of this queue."""
        return _WaitingConsumer(self, queue_name, prefetch, self._look_ms)  # type: ignore[no-untyped-call]

    def wait_for(self, queue_name: str) -> bool:
        """Wait until the queue may hold a job, and no longer than WAIT_S. False where nobody waited."""
        if self._stopped:
            return False
        key = f"{self.namespace}:{queue_name}"
        with suppress(redis.RedisError):  # who asks next says what is wrong
            line = self._line()
            waiting = int(line.client_id())
            self._waiting.add(waiting)
            try:
                line.blmove(key, key, timeout=WAIT_S, src="LEFT", dest="LEFT")  # type: ignore[arg-type]
            finally:
                self._waiting.discard(waiting)
            return True
        self._lines = threading.local()
        return False

    def _line(self) -> redis.Redis:
        """This thread's own connection: it is taken for as long as the thread waits."""
        line: redis.Redis | None = getattr(self._lines, "line", None)
        if line is None:
            line = self._lines.line = redis_client(answer_s=WAIT_S + 2, single_connection_client=True)
        return line

    def stop_waiting(self) -> None:
        """Let everyone who waits go on at once, and nobody wait again: the worker is to stop."""
        self._stopped = True
        for waiting in list(self._waiting):
            with suppress(redis.RedisError):
                self.client.client_unblock(waiting)


def make_broker(look_ms: int | None = None) -> RedisBroker:
    """A broker that looks after dead workers at every command instead of at one in a thousand.

    Jobs of a killed worker come back after HEARTBEAT_MS; with the defaults that took 446 to 794 s. The ledger's
    leases make a job that runs twice harmless, and the reconciler makes a lost one late, not lost.

    With `look_ms` its consumers wait for jobs, and a process that is to stop calls `stop_waiting`.
    """
    make: Callable[..., RedisBroker] = RedisBroker
    if look_ms is not None:
        make = WaitingBroker
    broker = make(
        client=redis_client(),
        namespace=NAMESPACE,
        middleware=[
            TimeLimit(time_limit=3_600_000),  # a batch to slow receivers prolongs its lease as it goes
            Retries(max_retries=3, min_backoff=1_000, max_backoff=30_000),
        ],
        maintenance_chance=1_000_000,
        heartbeat_timeout=HEARTBEAT_MS,
        **({} if look_ms is None else {"look_ms": look_ms}),
    )
    for lane in Lane:
        broker.declare_queue(lane)
    return broker
