"""Answers that their reader may have already: an `ETag`, and 304 where it comes back in `If-None-Match`.

Routes that programs ask again and again carry `opt=POLLED`; their answers are named here, by what they say. Public
files and feeds are named by `known_by`.
"""

import hashlib
from collections.abc import Mapping, MutableMapping
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from typing import Any

from litestar import Response
from litestar.datastructures import Headers, MutableScopeHeaders
from litestar.enums import ScopeType
from litestar.handlers import BaseRouteHandler
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, HTTPResponseBodyEvent, Message, Receive, Scope, Send

from notify.web.forms import AnyConnection

OPTION = "is_polled"
POLLED: Mapping[str, bool] = {OPTION: True}
KEEP_AND_ASK = "private, no-cache"  # keep it, and ask each time whether it still holds


def is_polled(handler: BaseRouteHandler) -> bool:
    """Whether this route's answers are named."""
    return bool(handler.opt.get(OPTION))


def etag_of(body: bytes) -> str:
    """The name of this body. Weak: the same body compressed has the same name."""
    return f'W/"{hashlib.sha256(body).hexdigest()[:32]}"'


def is_known(headers: Headers, etag: str, changed: datetime | None = None) -> bool:
    """Whether the reader has it already, by RFC 9110: a name says so better than a moment."""
    if sent := ",".join(headers.getall("if-none-match", [])):
        known = {name.strip().removeprefix("W/") for name in sent.split(",")}
        return "*" in known or etag.removeprefix("W/") in known
    since = headers.get("if-modified-since")
    try:
        moment = parsedate_to_datetime(since) if since else None
    except ValueError:
        return False
    return moment is not None and moment.tzinfo is not None and changed is not None and changed <= moment


def known_by(
    request: AnyConnection,
    body: bytes,
    media_type: str,
    *,
    headers: Mapping[str, str],
    named: bytes | None = None,
    changed: datetime | None = None,
) -> Response[bytes]:
    """The file, or the news that it is what the reader has. `named` stands for a body that differs each time."""
    etag = etag_of(body if named is None else named)
    about = {**headers, "ETag": etag}
    if changed:
        about["Last-Modified"] = format_datetime(changed.astimezone(UTC), usegmt=True)
    if is_known(request.headers, etag, changed):
        return Response(b"", status_code=304, headers=about, media_type=media_type)
    return Response(body, headers=about, media_type=media_type)


class NameAnswers(ASGIMiddleware):
    """Names what polled routes answer, and answers 304 without a body where the reader has it."""

    scopes = (ScopeType.HTTP,)

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Pass on; hold the answer of a polled route until its body is known."""
        if not is_polled(scope["route_handler"]):
            return await next_app(scope, receive, send)
        sent = Headers.from_scope(scope)
        begun: MutableMapping[str, Any] = {}

        async def named(message: Message) -> None:
            if message["type"] == "http.response.start":
                begun["start"] = message
                return
            start = begun.pop("start", None)
            if start is not None:
                if start["status"] == 200 and message["type"] == "http.response.body":
                    message = _named(sent, start, message)
                await send(start)
            await send(message)

        await next_app(scope, receive, named)


def _named(sent: Headers, start: Any, message: HTTPResponseBodyEvent) -> HTTPResponseBodyEvent:  # noqa: ANN401
    """Write the name into the answer's head; the body that goes with it, empty where the reader has it."""
    etag = etag_of(message["body"])
    headers = MutableScopeHeaders.from_message(start)
    headers["ETag"] = etag
    headers["Cache-Control"] = KEEP_AND_ASK
    headers["Vary"] = ", ".join(filter(None, [headers.get("Vary"), "Authorization, Cookie"]))
    if not is_known(sent, etag):
        return message
    start["status"] = 304
    for name in ("content-length", "content-type", "content-encoding"):
        if name in headers:
            del headers[name]
    return {**message, "body": b""}
