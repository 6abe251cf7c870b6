"""The Redis broker of worker processes, tuned so that a killed worker's jobs come back in seconds."""

from dramatiq.brokers.redis import RedisBroker
from dramatiq.middleware import Retries, TimeLimit

from notify.core.jobs import NAMESPACE, Lane, redis_client

HEARTBEAT_MS = 15_000


def make_broker() -> RedisBroker:
    """A broker that looks after dead workers at every command instead of at one in a thousand.

    Jobs of a killed worker come back after HEARTBEAT_MS; with the defaults that took 446 to 794 s. The ledger's
    leases make a job that runs twice harmless, and the reconciler makes a lost one late, not lost.
    """
    broker = RedisBroker(  # type: ignore[no-untyped-call]
        client=redis_client(),
        namespace=NAMESPACE,
        middleware=[
            TimeLimit(time_limit=3_600_000),  # a batch to slow receivers prolongs its lease as it goes
            Retries(max_retries=3, min_backoff=1_000, max_backoff=30_000),
        ],
        maintenance_chance=1_000_000,
        heartbeat_timeout=HEARTBEAT_MS,
    )
    for lane in Lane:
        broker.declare_queue(lane)
    return broker
