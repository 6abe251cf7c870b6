"""Errors as RFC 9457 problem documents for programs and as pages for people."""

import logging
import traceback
from collections.abc import Callable, Mapping
from typing import Any

from litestar import Request, Response
from litestar.exceptions import HTTPException, NotFoundException, ValidationException
from litestar.status_codes import HTTP_422_UNPROCESSABLE_ENTITY
from sqlalchemy.exc import DataError, IntegrityError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from notify.core import logs
from notify.core.errors import NotifyError
from notify.languages import later
from notify.web.templates import page
from notify.web.visitor_language import greeted

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"

AnyRequest = Request[Any, Any, Any]
# the longest name and the longest path of a file, on every system that we run on
LONGEST_NAME_BYTES, LONGEST_PATH_BYTES = 255, 1_000


def address(slug: str) -> str:
    """Where the page about this type of problem is, from the root of this service."""
    return f"/problems/{slug}"


def problem(
    request: AnyRequest, *, status: int, slug: str, title: str, detail: str, fields: Mapping[str, object]
) -> Response[object]:
    """The error as a page for browsers and as a problem document for everyone else."""
    headers = {"Retry-After": "5"} if status == 503 else {}
    if "retry_after" in fields:
        headers["Retry-After"] = str(fields["retry_after"])
    if status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    path, seen = request.url.path, logs.request_seen()
    # browsers name HTML; programs that take anything (`*/*`) want the document
    if path != "/api" and not path.startswith("/api/") and "text/html" in request.headers.get("accept", ""):
        with greeted(request.scope):  # where no route is found nobody has been greeted yet
            return page("layout/error.html", status=status, headers=headers, title=title, detail=detail, code=status)
    body: dict[str, object] = {
        "type": address(slug),
        "title": title,
        "status": status,
        "detail": detail,
        **fields,
    }
    if seen:
        body["request_id"] = seen.id
    return Response(body, status_code=status, media_type=MEDIA_TYPE, headers=headers)


def on_known_error(request: AnyRequest, error: NotifyError) -> Response[object]:
    """A typed error from one of our rooms."""
    if error.is_logged or error.status in (401, 429) or error.status >= 500:
        log.warning("refused", extra={"reason": error.reason or error.slug(), "status": error.status})
    return problem(
        request, status=error.status, slug=error.slug(), title=error.title, detail=error.detail, fields=error.fields
    )


def on_validation_error(request: AnyRequest, error: ValidationException) -> Response[object]:
    """Input that does not fit its model: each fault with the field it is in."""
    problems = [_field_error(item) for item in error.extra] if isinstance(error.extra, list) else []
    detail = "; ".join(f"{error['field']}: {error['message']}" for error in problems) or error.detail
    return problem(
        request,
        status=HTTP_422_UNPROCESSABLE_ENTITY,
        slug="not-valid",
        title="The request is not valid",
        detail=detail,
        fields={"errors": problems} if problems else {},
    )


def _field_error(item: object) -> dict[str, object]:
    known = item if isinstance(item, Mapping) else {}
    return {"field": known.get("key") or "body", "message": known.get("message") or str(item)}


def on_http_error(request: AnyRequest, error: HTTPException) -> Response[object]:
    """What the framework refuses: unknown route, wrong method, body too large."""
    phrase = error.detail or "The request could not be answered."
    if error.status_code in (401, 429) or error.status_code >= 500:
        log.warning("refused", extra={"reason": f"http-{error.status_code}", "status": error.status_code})
    return problem(
        request,
        status=error.status_code,
        slug=f"http-{error.status_code}",
        title=HTTP_TITLES.get(error.status_code, "The request could not be answered"),
        detail=phrase,
        fields={},
    )


def on_database_away(request: AnyRequest, error: Exception) -> Response[object]:
    """PostgreSQL cannot be reached, or every connection is busy: nothing was stored, trying again is safe."""
    log.warning("database away", extra={"reason": "unavailable", "status": 503, "error": type(error).__name__})
    return problem(
        request,
        status=503,
        slug="unavailable",
        title="Temporarily unavailable",
        detail="The service cannot reach its database. Nothing was changed. Try again in a few seconds.",
        fields={},
    )


def on_collision(request: AnyRequest, error: Exception) -> Response[object]:
    """Two requests added the same thing at the same moment: the later one changed nothing and may be repeated."""
    log.warning("collision", extra={"reason": type(error).__name__})
    return problem(
        request,
        status=409,
        slug="changed-meanwhile",
        title="Someone else was faster",
        detail="The same thing was changed at this very moment. Nothing of your request was stored. Send it again.",
        fields={},
    )


def on_unstorable(request: AnyRequest, error: Exception) -> Response[object]:
    """A value that PostgreSQL cannot hold, such as text with a NUL character."""
    log.warning("value cannot be stored", extra={"reason": type(error).__name__})
    return problem(
        request,
        status=HTTP_422_UNPROCESSABLE_ENTITY,
        slug="not-valid",
        title="The request is not valid",
        detail="A value holds characters that cannot be stored, or is too large.",
        fields={},
    )


def on_unexpected_error(request: AnyRequest, error: Exception) -> Response[object]:
    """A defect of ours. The cause goes to the log, never to the caller."""
    log.error("unexpected error", exc_info=error, extra={"reason": type(error).__name__, "status": 500})
    return problem(
        request,
        status=500,
        slug="unexpected",
        title=later("Something went wrong on our side"),
        detail=later("It has been logged. Trying again may help."),
        fields={},
    )


def on_unreadable_body(request: AnyRequest, error: Exception) -> Response[object]:
    """JSON that is no UTF-8, or nested deeper than anything is. The same from our own code is a defect."""
    frames = [frame.f_code.co_name for frame, _ in traceback.walk_tb(error.__traceback__)]
    if "decode_json" not in frames:
        return on_unexpected_error(request, error)
    why = "is not UTF-8" if isinstance(error, UnicodeDecodeError) else "is nested too deeply"
    return problem(
        request,
        status=400,
        slug="http-400",
        title=HTTP_TITLES[400],
        detail=f"The JSON of the request {why}.",
        fields={},
    )


def refuse_impossible_paths(request: AnyRequest) -> None:
    """Refuse an address that no file and no row can have. Raises: NotFoundException."""
    path = request.scope["path"]
    if "\0" in path or (path.startswith("/static/") and _is_too_long(path.encode(errors="replace"))):
        raise NotFoundException


def _is_too_long(path: bytes) -> bool:
    return len(path) > LONGEST_PATH_BYTES or any(len(name) > LONGEST_NAME_BYTES for name in path.split(b"/"))


HTTP_TITLES = {
    400: "The request could not be read",
    404: later("Not found"),
    405: "This address does not answer that method",
    413: later("The request is too large"),
    429: later("Too many requests"),
}

HANDLERS: dict[int | type[Exception], Callable[[AnyRequest, Any], Response[Any]]] = {
    NotifyError: on_known_error,
    ValidationException: on_validation_error,
    HTTPException: on_http_error,
    IntegrityError: on_collision,
    DataError: on_unstorable,
    OperationalError: on_database_away,
    PoolTimeout: on_database_away,
    UnicodeDecodeError: on_unreadable_body,
    RecursionError: on_unreadable_body,
    Exception: on_unexpected_error,
}
