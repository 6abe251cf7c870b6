"""An id for every request: in a header of the answer, in problem documents, and in each line of the log about it."""

from uuid import uuid4

from litestar.datastructures import MutableScopeHeaders
from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from notify.core import logs

HEADER = "X-Request-ID"


def new_request() -> logs.RequestSeen:
    """A request with an id of ours: what a stranger sends could be anyone's."""
    return logs.RequestSeen(str(uuid4()))


class NameRoute(ASGIMiddleware):
    """Notes which route answers, for the log."""

    scopes = (ScopeType.HTTP,)

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Note it and go on."""
        if (seen := logs.request_seen()) and scope["type"] == ScopeType.HTTP:
            seen.route = scope["path_template"]
        await next_app(scope, receive, send)


async def add_request_id(message: Message, scope: Scope) -> None:
    """Name the request in its answer. A hook for Litestar's `before_send`."""
    if message["type"] == "http.response.start" and (seen := logs.request_seen()):
        MutableScopeHeaders.from_message(message=message)[HEADER] = seen.id
