"""What may be put on the queue: names and ids, nothing personal. `workers.actors` has an actor for each.

A job is a hint. The row it speaks of is already committed, and the reconciler finds it again if the hint is lost.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

import redis
from dramatiq import Message
from dramatiq.brokers.redis import RedisBroker
from dramatiq.errors import BrokerConnectionError
from redis.backoff import NoBackoff
from redis.retry import Retry

from notify.core.settings import once_a_process, settings

log = logging.getLogger(__name__)

NAMESPACE = "notify"


class Lane(StrEnum):
    """A queue with worker processes of its own, so that the urgent never waits behind the bulky."""

    EMERGENCY = "emergency"
    TRANSACTIONAL = "transactional"
    ROUTINE = "routine"


class Job(StrEnum):
    """Every job there is."""

    EXPAND_ALERT = "expand_alert"
    SEND_NEXT = "send_next"
    SEND_SERVICE_MESSAGE = "send_service_message"
    TELL_STAFF = "tell_staff"
    LOAD_COLLECTIONS = "load_collections"
    IMPORT_SUBSCRIBERS = "import_subscribers"
    WORK_ON_RELEASE = "work_on_release"


@dataclass(frozen=True, slots=True)
class Noted:
    """A job to be sent once its transaction has committed."""

    job: Job
    lane: Lane
    args: tuple[str, ...]


class HasInfo(Protocol):
    """Anything that carries notes, as a SQLAlchemy session does."""

    @property
    def info(self) -> dict[object, object]: ...


def note(session: HasInfo, job: Job, *args: str, lane: Lane) -> None:
    """Remember a job for after the commit of `session`."""
    waiting = session.info.setdefault(Noted, [])
    assert isinstance(waiting, list)  # noqa: S101 - tells mypy what this module itself put there
    waiting.append(Noted(job, lane, args))


def noted(session: HasInfo) -> Sequence[Noted]:
    """The jobs noted in `session`, which forgets them."""
    waiting = session.info.pop(Noted, [])
    assert isinstance(waiting, list)  # noqa: S101
    return waiting


@once_a_process
def sending_broker() -> RedisBroker:
    """A broker that only sends. Worker processes build their own, with middleware, in `workers.broker`."""
    broker = RedisBroker(client=redis_client(), middleware=[], namespace=NAMESPACE)  # type: ignore[no-untyped-call]
    for lane in Lane:
        broker.declare_queue(lane)
    return broker


def redis_client(*, answer_s: float = 2, connect_s: float = 2, single_connection_client: bool = False) -> redis.Redis:
    """A client that gives up within two seconds: the queue is a hint, and nobody waits long for a hint.

    `answer_s` is longer for who asks Redis to answer later.
    """
    client: redis.Redis = redis.Redis.from_url(
        redis_url(),
        socket_timeout=answer_s,
        socket_connect_timeout=connect_s,
        retry=Retry(NoBackoff(), 0),
        single_connection_client=single_connection_client,
    )
    return client


def redis_url() -> str:
    """The address of Redis; embedded by default, set by the `notify` command."""
    return settings().redis_url or "redis://127.0.0.1:6379/0"


def waiting(lane: Lane) -> int | None:
    """How many jobs nobody has taken yet; None when the queue is away."""
    try:
        return int(sending_broker().client.llen(f"{NAMESPACE}:{lane}"))
    except (redis.RedisError, BrokerConnectionError):
        return None


def send(waiting: Sequence[Noted]) -> None:
    """Put jobs on their lanes. A queue that is away costs a warning, not the request: see the reconciler."""
    if not waiting:
        return
    try:
        broker = sending_broker()
        for item in waiting:
            broker.enqueue(Message(queue_name=item.lane, actor_name=item.job, args=item.args, kwargs={}, options={}))
    except (redis.RedisError, BrokerConnectionError) as error:
        log.warning("queue away, the reconciler will send these", extra={"jobs": len(waiting), "error": str(error)})
