"""Addresses that end in the name of a format, which the router would take for a part of an id."""

import re
from typing import cast

from litestar import Litestar
from litestar.enums import ScopeType
from litestar.types import LifeSpanReceive, LifeSpanScope, LifeSpanSend, Receive, Scope, Send

_FORMAT = re.compile(r"(/alerts/[0-9a-f-]{36})\.(cap)")


class Application(Litestar):
    """`/alerts/{id}.cap` is answered by the route `/alerts/{id}/cap`."""

    async def __call__(
        self,
        scope: Scope | LifeSpanScope,
        receive: Receive | LifeSpanReceive,
        send: Send | LifeSpanSend,
    ) -> None:
        """Answer one request."""
        # the name of a scope's type is all that tells them apart
        if scope["type"] == ScopeType.HTTP and (found := _FORMAT.fullmatch(scope["path"])):  # type: ignore[typeddict-item]
            path = f"{found[1]}/{found[2]}"
            scope = cast(Scope, scope | {"path": path, "raw_path": path.encode()})
        await super().__call__(scope, receive, send)
