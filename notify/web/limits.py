"""How often one network may press a button that sends something or tries a secret.

Counted in Redis, for all web processes together. While Redis is away nobody is counted: a resident in a flood must not
be turned away because a counter is missing, and what is dearest (messages to one address) is counted in the database.
"""

import logging
import math
from collections.abc import Mapping
from dataclasses import dataclass

from litestar.concurrency import sync_to_thread
from litestar.connection import ASGIConnection
from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Receive, Scope, Send

from notify import redis_line
from notify.errors import TooMany
from notify.jobs import NAMESPACE
from notify.languages import _, later
from notify.settings import settings
from notify.web.networks import network_of

log = logging.getLogger(__name__)


class TooManyRequests(TooMany):
    """One network pressed a button too often."""

    title = later("Too many requests")


@dataclass(frozen=True, slots=True)
class Limit:
    """So many at once, and then so many a minute. Offices and libraries share one address."""

    at_once: int
    a_minute: int


LIMITS: Mapping[str, Limit] = {
    "sign-up step": Limit(200, 100),
    "sign-up": Limit(30, 10),
    "link": Limit(15, 5),
    "code": Limit(15, 5),
    "secret": Limit(60, 30),
    "reply": Limit(600, 600),  # in a flood a whole mobile network answers from a few addresses
    "leave": Limit(600, 600),  # a mail provider presses for many of its customers from one address
}

# by the route and not by what was written: `//manage` and `/%6danage` lead to the same door
DOORS: Mapping[str, str] = {
    "/sign-up/answers": "sign-up step",
    "/sign-up": "sign-up",
    "/manage": "link",
    "/manage/{token}": "secret",
    "/confirm/{token}": "secret",
    "/add-contact/{token}": "secret",
    "/confirm-code": "code",
    "/staff/sign-in": "code",
    "/staff/sign-in/{token}": "code",
    "/u/{token}": "leave",
    "/r/{token}": "reply",
    "/x/{token}": "leave",
}

# opening these asks the identity provider, which takes a thread of ours until it answers
OPENED: Mapping[str, str] = {"/staff/sign-in/oidc": "secret", "/staff/sign-in/oidc/back": "secret"}

# KEYS: bucket. ARGV: a minute, at once. Returns the seconds until the next is granted; 0: granted now.
_TAKE = """
local clock = redis.call('TIME')
local now = tonumber(clock[1]) + tonumber(clock[2]) / 1000000
local rate, most = tonumber(ARGV[1]) / 60, tonumber(ARGV[2])
local kept = redis.call('HMGET', KEYS[1], 'tokens', 'at')
local tokens = math.min(most, (tonumber(kept[1]) or most) + math.max(0, now - (tonumber(kept[2]) or now)) * rate)
local wait = 0
if tokens >= 1 then tokens = tokens - 1 else wait = (1 - tokens) / rate end
redis.call('HSET', KEYS[1], 'tokens', string.format('%.6f', tokens), 'at', string.format('%.6f', now))
redis.call('EXPIRE', KEYS[1], math.ceil(most / rate) + 1)
return tostring(wait)
"""


def kind_of(method: str, route: str) -> str | None:
    """What a request to this route counts as; None where it is not counted."""
    return DOORS.get(route) if method == "POST" else OPENED.get(route)


def wait_s(kind: str, network: str, factor: float) -> float:
    """Count one request of this kind; 0 if it may be answered, else the seconds until another may."""
    limit = LIMITS[kind]
    key = f"{NAMESPACE}:limit:{kind}:{network}"
    most = max(1, limit.at_once * factor)
    waiting = redis_line.ask(lambda client: client.eval(_TAKE, 1, key, limit.a_minute * factor, most))
    return float(waiting or 0)


class LimitNetworks(ASGIMiddleware):
    """Answers 429 with the time to wait where one network presses a button too often."""

    scopes = (ScopeType.HTTP,)

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Count, and pass on what is within the limit. Raises: TooManyRequests."""
        factor = settings().network_limits
        kind = kind_of(scope["method"], scope["path_template"]) if scope["type"] == ScopeType.HTTP else None
        if kind and factor:
            connection: ASGIConnection[object, object, object, object] = ASGIConnection(scope, receive, send)  # type: ignore[type-var]
            peer = connection.client.host if connection.client else ""
            network = network_of(peer, connection.headers.getall("x-forwarded-for", []))
            waiting = math.ceil(await sync_to_thread(wait_s, kind, network, factor))
            if waiting:
                log.warning("network limited", extra={"kind": kind})
                detail = _("Wait {seconds} seconds and try again. Nothing you sent was stored.", seconds=waiting)
                raise TooManyRequests(detail, retry_after=waiting)
        await next_app(scope, receive, send)
