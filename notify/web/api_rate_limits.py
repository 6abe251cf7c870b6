"""How many requests one caller of the API may send, said in every answer.

The headers are those of draft-ietf-httpapi-ratelimit-headers: `RateLimit-Policy: "api";q=3000;w=60` says how many
requests (`q`) fill up again in how many seconds (`w`), and `RateLimit: "api";r=2999;t=1` how many are left (`r`) and
after how many seconds all of them are back (`t`). Receipts of providers are not counted.
"""

import math

from litestar.concurrency import sync_to_thread
from litestar.connection import ASGIConnection
from litestar.datastructures import MutableScopeHeaders
from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from notify.core.limit_settings import limit_settings
from notify.web.forms import AnyConnection
from notify.web.rate_limits import Counted, Limit, TooManyRequests, network_of_connection, take

API = "/api/v1/"
CALL_BACKS = "/api/v1/webhooks/"
MINUTE_S = 60
STATE = "rate_limit"


def is_counted(route: str) -> bool:
    """Whether requests to this route count."""
    return route.startswith(API) and not route.startswith(CALL_BACKS)


class LimitCallers(ASGIMiddleware):
    """Answers 429 with the time to wait where a key, a session or a network sends too many requests to the API."""

    scopes = (ScopeType.HTTP,)

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Count, and pass on what is within the limit. Raises: TooManyRequests."""
        most = limit_settings().api_per_minute
        route = scope["path_template"] if scope["type"] == ScopeType.HTTP else ""
        if most and is_counted(route):
            connection: AnyConnection = ASGIConnection(scope, receive, send)
            caller = getattr(scope.get("user"), "actor", None) or network_of_connection(connection)
            taken = await sync_to_thread(take, Counted(f"api:{caller}", Limit(most, most)), 1.0)
            full_in = math.ceil((most - taken.left) * MINUTE_S / most)
            scope["state"][STATE] = {
                "RateLimit-Policy": f'"api";q={most};w={MINUTE_S}',
                "RateLimit": f'"api";r={int(taken.left)};t={full_in}',
            }
            if taken.wait_s:
                wait = math.ceil(taken.wait_s)
                raise TooManyRequests(f"Wait {wait} seconds and send it again. Nothing was stored.", retry_after=wait)
        await next_app(scope, receive, send)


async def add_rate_limits(message: Message, scope: Scope) -> None:
    """Say how much is left. A hook for Litestar's `before_send`."""
    if message["type"] == "http.response.start" and (said := scope["state"].get(STATE)):
        headers = MutableScopeHeaders.from_message(message=message)
        for name, value in said.items():
            headers[name] = value
