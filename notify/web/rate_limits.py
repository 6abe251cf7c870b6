"""How often one network may press a button that sends something or tries a secret.

Counted in Redis, for all web processes together. While Redis is away nobody is counted: a resident in a flood must not
be turned away because a counter is missing, and what is dearest (messages to one address) is counted in the database.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from litestar.concurrency import sync_to_thread
from litestar.connection import ASGIConnection
from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Receive, Scope, Send

from notify.core import redis_client, request_origin, tokens
from notify.core.errors import TooMany
from notify.core.jobs import NAMESPACE
from notify.core.settings import settings
from notify.languages import _, later
from notify.web.client_network import network_of, site_of
from notify.web.cookies import DEVICE_COOKIE
from notify.web.forms import AnyConnection

API = "/api/v1/"
# by the route and not by what was written: `//manage` and `/%6danage` lead to the same route
DOORS: Mapping[str, str] = {
    "/sign-up/{step}": "sign-up step",
    "/sign-up/clear": "sign-up step",
    "/sign-up": "sign-up",
    "/manage": "link",
    "/manage/{token}": "secret",
    "/confirm/{token}": "secret",
    "/add-contact/{token}": "secret",
    "/confirm-code": "code",
    "/staff/sign-in": "sign-in",
    "/staff/sign-in/{token}": "code",
    "/u/{token}": "leave",
    "/r/{token}": "reply",
    "/bins/{council}/{reference}/wrong": "report",
    "/near": "look-up",
    "/my/bins": "reminder",
    "/x/{token}": "leave",
}
# opening these asks the identity provider, which takes a thread of ours until it answers, or names homes
OPENED: Mapping[str, str] = {
    "/staff/sign-in/oidc": "secret",
    "/staff/sign-in/oidc/back": "secret",
    "/near": "look-up",
    "/alerts/{alert_id}/share.png": "look-up",  # is drawn for who asks first
    "/incidents/{ref}/share.png": "look-up",
    "/bins": "look-up",
    "/bins/{council}/{reference}": "look-up",
    "/bins/{council}/{reference}/year": "look-up",
    "/api/v1/collections": "look-up",
}
# KEYS: bucket. ARGV: a minute, at once. Returns the seconds until the next is granted (0: granted now); what is left.
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
return {tostring(wait), tostring(tokens)}
"""


class TooManyRequests(TooMany):
    """One network pressed a button too often."""

    title = later("Too many requests")


@dataclass(frozen=True, slots=True)
class Limit:
    """So many at once, and then so many a minute. Offices and libraries share one address."""

    at_once: int
    a_minute: int


@dataclass(frozen=True, slots=True)
class Counted:
    """One bucket that a request is counted in."""

    name: str
    limit: Limit


LIMITS: Mapping[str, Limit] = {
    "sign-up step": Limit(200, 100),
    "sign-up": Limit(30, 10),
    "link": Limit(15, 5),
    "code": Limit(15, 5),
    "sign-in": Limit(15, 5),
    "secret": Limit(60, 30),
    "reply": Limit(600, 600),  # in a flood a whole mobile network answers from a few addresses
    "report": Limit(10, 2),
    "reminder": Limit(20, 5),  # who says that a home is theirs learns what it pays for
    "look-up": Limit(120, 60),  # homes of a postcode: a person looks a few up, a copy of the register many
    "leave": Limit(600, 600),  # a mail provider presses for many of its customers from one address
}

# what the networks of one site may do together: who rents a server has 65,536 of them, a phone company's customers one
OF_A_SITE: Mapping[str, Limit] = {"look-up": Limit(1200, 600)}

# what strangers of the whole world may do together; it costs us much, whether or not they know a password
OF_EVERYBODY: Mapping[str, Limit] = {"sign-in": Limit(60, 60)}


def kind_of(method: str, route: str) -> str | None:
    """What a request to this route counts as; None where it is not counted."""
    return DOORS.get(route) if method == "POST" else OPENED.get(route)


def device_of(connection: AnyConnection) -> str | None:
    """The cookie of a browser in which an officer signed in before; None where there is none that we gave."""
    cookie = connection.cookies.get(settings().cookie_name(DEVICE_COOKIE), "")
    try:
        tokens.read(tokens.Purpose.DEVICE, cookie)
    except tokens.LinkNotValid:
        return None
    return cookie


def network_of_connection(connection: AnyConnection) -> str:
    """The network that a request comes from."""
    peer = connection.client.host if connection.client else ""
    return network_of(peer, connection.headers.getall("x-forwarded-for", []))


def buckets_of(kind: str, network: str, device: str | None) -> Sequence[Counted]:
    """What a request of this kind is counted in. A known browser signs in on a count of its own."""
    if kind not in OF_EVERYBODY:
        site = site_of(network)
        together = [Counted(f"{kind}:{site}", OF_A_SITE[kind])] if kind in OF_A_SITE and site != network else []
        return [Counted(f"{kind}:{network}", LIMITS[kind]), *together]
    if device:
        return [Counted(f"{kind}:device:{tokens.digest(device).hex()}", LIMITS[kind])]
    return [Counted(f"{kind}:{site_of(network)}", LIMITS[kind]), Counted(f"{kind}:everybody", OF_EVERYBODY[kind])]


@dataclass(frozen=True, slots=True)
class Taken:
    """What counting one request found: 0 if it may be answered, else the seconds until another may; what is left."""

    wait_s: float
    left: float


def take(counted: Counted, factor: float) -> Taken:
    """Count one request. While Redis is away nothing is counted, and everything is left."""
    key = f"{NAMESPACE}:limit:{counted.name}"
    most = max(1, counted.limit.at_once * factor)
    found = redis_client.ask(lambda client: client.eval(_TAKE, 1, key, counted.limit.a_minute * factor, most))
    wait, left = found or (0, most)
    return Taken(float(wait), float(left))


def _longest_wait_s(buckets: Sequence[Counted], factor: float) -> float:
    """The wait of the first bucket that is empty; those after it are not asked, so one network empties no other's."""
    return next((waiting for counted in buckets if (waiting := take(counted, factor).wait_s)), 0.0)


class LimitNetworks(ASGIMiddleware):
    """Answers 429 with the time to wait where one network presses a button too often."""

    scopes = (ScopeType.HTTP,)

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Count, and pass on what is within the limit. Raises: TooManyRequests."""
        factor = settings().network_limits
        connection: AnyConnection = ASGIConnection(scope, receive, send)
        network = network_of_connection(connection)
        request_origin.comes_from(network)
        kind = kind_of(scope["method"], scope["path_template"]) if scope["type"] == ScopeType.HTTP else None
        if kind == "look-up" and scope["path_template"].startswith(API) and connection.headers.get("authorization"):
            kind = None  # a key is looked at next, and has a count of its own, of the API alone
        if kind and factor:
            buckets = buckets_of(kind, network, device_of(connection))
            waiting = math.ceil(await sync_to_thread(_longest_wait_s, buckets, factor))
            if waiting:
                detail = _("Wait {seconds} seconds and try again. Nothing you sent was stored.", seconds=waiting)
                raise TooManyRequests(detail, retry_after=waiting)
        await next_app(scope, receive, send)
