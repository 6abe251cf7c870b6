"""What all processes together may hand one provider: kept in Redis, on its own clock, in one step a question.

While Redis is away every process keeps to its own part of the rate, so that all together stay about within it.
"""

import threading
import time

from notify.core import redis_client
from notify.core.jobs import NAMESPACE, Lane
from notify.core.settings import settings

RESERVE = 0.2  # this part of a second's messages is for emergencies only

# KEYS: bucket, pause. ARGV: rate, burst, reserve, whether the reserve may be used, wanted, least worth waiting for.
# Returns how many are granted, and after how many seconds to ask again for the others.
# A bucket that Redis does not know holds the reserve only: it may have been full, or used up, before it was lost.
_TAKE = """
local paused = redis.call('PTTL', KEYS[2])
if paused > 0 then return {0, tostring(paused / 1000), 1} end
local clock = redis.call('TIME')
local now = tonumber(clock[1]) + tonumber(clock[2]) / 1000000
local rate, burst, reserve = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local floor = ARGV[4] == '1' and 0 or reserve
local wanted = tonumber(ARGV[5])
local kept = redis.call('HMGET', KEYS[1], 'tokens', 'at')
local tokens, at = tonumber(kept[1]) or reserve, tonumber(kept[2]) or now
tokens = math.min(burst, tokens + math.max(0, now - at) * rate)
local granted = math.max(0, math.min(wanted, math.floor(tokens - floor)))
tokens = tokens - granted
redis.call('HSET', KEYS[1], 'tokens', string.format('%.6f', tokens), 'at', string.format('%.6f', now))
local next = math.min(wanted - granted, tonumber(ARGV[6]))
return {granted, tostring(math.max(0, floor + next - tokens) / rate), 0}
"""

# KEYS: pause. ARGV: milliseconds. A shorter wish does not undo a longer one.
_PAUSE = """
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[1]) then redis.call('SET', KEYS[1], '1', 'PX', ARGV[1]) end
"""


class Bucket:
    """A token bucket of this process alone. Holds a second's worth, and nothing at first."""

    def __init__(self, rate: float, now: float) -> None:
        self._rate, self._tokens, self._at = rate, 0.0, now
        self._lock = threading.Lock()

    def take(self, wanted: int, now: float) -> tuple[int, float]:
        """How many are granted, and after how many seconds to ask again for the others."""
        with self._lock:
            self._tokens = min(burst_of(self._rate), self._tokens + (now - self._at) * self._rate)
            self._at = now
            granted = min(wanted, int(self._tokens))
            self._tokens -= granted
            following = min(wanted - granted, worth_waiting_for(self._rate))
            return granted, max(0.0, following - self._tokens) / self._rate


def probe_every_s(lane: Lane) -> float:
    """How often some process may try a failing provider. With only one, nothing is sent in between."""
    return 1.0 if lane is Lane.EMERGENCY else 10.0


def burst_of(rate: float) -> float:
    """A second's worth, and at least one message."""
    return max(1.0, rate)


def reserve_of(rate: float) -> float:
    """What only emergencies may take; everyone may always get one message."""
    return min(RESERVE * burst_of(rate), burst_of(rate) - 1)


def worth_waiting_for(rate: float) -> float:
    """So many messages are sent together while the rate is the limit."""
    return max(1.0, rate / 10)


class Shared:
    """What the processes know together about one provider, as far as Redis can be reached."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._buckets: dict[bool, Bucket] = {}

    def take(self, rate: float, wanted: int, lane: Lane) -> tuple[int, float, bool]:
        """How many messages are granted, after how many seconds to ask for the others, and whether a pause is why."""
        is_urgent = lane is Lane.EMERGENCY
        figures = (rate, burst_of(rate), reserve_of(rate), int(is_urgent), wanted, worth_waiting_for(rate))
        keys = [self._key("bucket"), self._key("pause")]
        answer = redis_client.ask(lambda client: client.eval(_TAKE, len(keys), *keys, *figures))
        if answer is not None:
            self._buckets.clear()
            return int(answer[0]), float(answer[1]), bool(answer[2])
        now = time.monotonic()
        part = rate / 2 if is_urgent else rate / settings().provider_rate_share
        return (*self._buckets.setdefault(is_urgent, Bucket(part, now)).take(wanted, now), False)

    def pause(self, seconds: float) -> None:
        """Let all processes know that nothing is to go there for so long."""
        redis_client.ask(lambda client: client.eval(_PAUSE, 1, self._key("pause"), int(seconds * 1000) + 1))

    def paused_s(self) -> float:
        """For how many more seconds some process was told to send nothing; 0: nobody was."""
        left = redis_client.ask(lambda client: client.pttl(self._key("pause")))
        return max(0.0, (left or 0) / 1000)

    def may_probe(self, lane: Lane) -> bool:
        """Whether this process may try a provider that is failing. True once in ten seconds among all processes.

        Emergencies have a turn of their own, each second.
        """
        milliseconds = int(probe_every_s(lane) * 1000)
        won = redis_client.ask(lambda client: [client.set(self._probe_key(lane), "1", nx=True, px=milliseconds)])
        return won is None or bool(won[0])

    def let_others_probe(self) -> None:
        """The provider works again: the others need not wait to find out."""
        redis_client.ask(lambda client: client.delete(*{self._probe_key(lane) for lane in Lane}))

    def _probe_key(self, lane: Lane) -> str:
        return self._key("probe:emergency" if lane is Lane.EMERGENCY else "probe")

    def _key(self, what: str) -> str:
        return f"{NAMESPACE}:provider:{self._name}:{what}"
