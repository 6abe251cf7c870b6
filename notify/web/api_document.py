"""The OpenAPI document: what each operation answers, worked out from what its route has.

A guard can refuse (401, 403), a body can be unreadable, too large or not valid (400, 413, 422), what a caller names may
not exist (404), and so on. The list of statuses is `_statuses`; no route keeps one of its own. A route declares with
`responses` only what nothing about it shows, such as a postcode that has ended (410).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, TypeVar

from litestar import Router
from litestar.handlers import HTTPRouteHandler
from litestar.openapi import OpenAPIConfig, ResponseSpec
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import Components, OpenAPI, Reference, SecurityScheme

from notify.core.settings import settings
from notify.web import problems
from notify.web.api_rate_limits import is_counted
from notify.web.conditional import is_polled

Json = dict[str, Any]  # a part of the document: JSON objects of every shape
Reply = TypeVar("Reply")

METHODS = ("get", "post", "patch", "put", "delete")
# what says how a list is read names nothing that could be missing
HOW_TO_READ = frozenset({"limit", "after", "changed_since", "since", "until", "page", "month", "If-None-Match"})
PUBLIC: Sequence[Mapping[str, Sequence[str]]] = ()
# routes whose callers show that they may ask in another way than with a key
OWN_SECURITY: Mapping[str, Sequence[Mapping[str, Sequence[str]]]] = {"/metrics": ({"metricsToken": ()}, {})}

MEANINGS: Mapping[int, str] = {
    400: "The request cannot be read, or a header is missing.",
    401: "No key, or one that is unknown or has expired.",
    403: "The key or the user may not do this.",
    404: "There is no such thing, or it belongs to another council.",
    405: "The address does not answer this method.",
    409: "Not possible in this state, or the same thing was changed at this very moment.",
    410: "There was such a thing, and it is no longer in use.",
    413: "The request is too large.",
    422: "A value is missing, unknown or wrong; `errors` names each.",
    429: "Too many requests: wait `Retry-After` seconds.",
    500: "A defect. It has been logged.",
    503: "A part of the service is away. Nothing was changed: try again after `Retry-After` seconds.",
}
SLUGS: Mapping[int, str] = {
    400: "http-400",
    401: "unauthenticated",
    403: "not-your-role",
    404: "not-found",
    405: "http-405",
    409: "wrong-state",
    410: "gone",
    413: "http-413",
    422: "not-valid",
    429: "too-many-requests",
    500: "unexpected",
    503: "unavailable",
}

FIELD_ERROR: Json = {
    "type": "object",
    "description": "One value that is wrong.",
    "required": ["field", "message"],
    "properties": {
        "field": {"type": "string", "description": "Where the value is, such as `audience.wards.0`."},
        "message": {"type": "string", "description": "What is wrong with it."},
    },
}
PROBLEM: Json = {
    "type": "object",
    "description": "An error as RFC 9457 has it. Some types say more in further fields.",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {
            "type": "string",
            "format": "uri-reference",
            "description": "The address of a page about this type of error. Decide by it, never by the words.",
        },
        "title": {"type": "string", "description": "The same for every error of this type."},
        "status": {"type": "integer", "description": "The status of the answer."},
        "detail": {"type": "string", "description": "What happened this time and, where possible, what to do."},
        "request_id": {"type": "string", "description": "Quote it when you ask us: the log has a line of this id."},
        "errors": {"type": "array", "items": {"$ref": "#/components/schemas/FieldError"}},
        "retry_after": {"type": "integer", "description": "Seconds to wait before trying again."},
    },
    "additionalProperties": True,
}
HEADERS: Mapping[str, Json] = {
    "X-Request-ID": {"description": "Names this request in the log.", "schema": {"type": "string"}},
    "RateLimit": {
        "description": 'How many requests are left: `"api";r=2999;t=1`. Absent where there is no limit.',
        "schema": {"type": "string"},
    },
    "RateLimit-Policy": {
        "description": 'How many requests fill up again in how many seconds: `"api";q=3000;w=60`.',
        "schema": {"type": "string"},
    },
    "Retry-After": {"description": "Seconds to wait before trying again.", "schema": {"type": "integer"}},
    "WWW-Authenticate": {"description": "How to say who is asking.", "schema": {"type": "string"}},
    "ETag": {"description": "Names this state; send it in `If-None-Match` next time.", "schema": {"type": "string"}},
    "Location": {"description": "Where what was made is found.", "schema": {"type": "string"}},
    "Idempotent-Replay": {
        "description": "`true` where this is the answer to an earlier request with the same key.",
        "schema": {"type": "string"},
    },
}
OF_STATUS: Mapping[int, str] = {401: "WWW-Authenticate", 429: "Retry-After", 503: "Retry-After"}
IF_NONE_MATCH: Json = {
    "name": "If-None-Match",
    "in": "header",
    "required": False,
    "description": "The `ETag` of the answer before: 304 without a body where nothing has changed.",
    "schema": {"type": "string"},
}


NEEDED_HEADERS = "needed_headers"


def needs(*headers: str) -> Mapping[str, Sequence[str]]:
    """For a route's `opt`: headers that it refuses to do without, by an error of its own."""
    return {NEEDED_HEADERS: headers}


def also(status: int, why: str) -> dict[int, ResponseSpec]:
    """For a route's `responses`: an error that nothing else about the route shows."""
    return {status: ResponseSpec(None, generate_examples=False, description=why)}


def answers(status: int, content: type[Reply], what: str) -> dict[int, ResponseSpec]:
    """For a route's `responses`: a further answer, or one whose type the handler does not name."""
    return {status: ResponseSpec(content, generate_examples=False, description=what)}


class Document(OpenAPI):
    """The document with everything that follows from the routes."""

    complete: Callable[[Json], Json]

    def to_schema(self) -> Json:
        """The document as JSON."""
        return self.complete(super().to_schema())


@dataclass
class DocumentConfig(OpenAPIConfig):
    """What the framework asks for when it makes the document; remembers the handler of each operation."""

    handlers: dict[str, HTTPRouteHandler] = field(default_factory=dict)
    examples: Mapping[str, object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.operation_id_creator = self._name_of

    def _name_of(self, handler: HTTPRouteHandler, method: object, path: object) -> str:
        name = handler.handler_name
        self.handlers[name] = handler
        return name

    def to_openapi_schema(self) -> OpenAPI:
        """The document without paths; the framework adds them."""
        made = super().to_openapi_schema()
        made.__class__ = Document
        made.complete = self._complete  # type: ignore[attr-defined]
        return made

    def _complete(self, schema: Json) -> Json:
        used: set[int] = set()
        for path, item in schema["paths"].items():
            for method in METHODS:
                if method in item:
                    used |= self._complete_operation(method, path, item[method])
        parts = schema["components"]
        for name, part in parts["schemas"].items():
            if part.get("title") != name:  # generators name their classes by titles, and two features may use one word
                part.pop("title", None)
        parts["schemas"] |= {"Problem": PROBLEM, "FieldError": FIELD_ERROR}
        parts["responses"] = {str(status): _problem_reply(status) for status in sorted(used)}
        parts["headers"] = dict(HEADERS)
        return schema

    def _complete_operation(self, method: str, path: str, operation: Json) -> set[int]:
        """Complete one operation in place; returns the statuses of its errors."""
        handler = self.handlers[operation["operationId"]]
        if not handler.resolve_guards():
            operation["security"] = [*OWN_SECURITY.get(path, PUBLIC)]
        for parameter in operation.get("parameters", ()):
            parameter["required"] |= parameter["name"] in handler.opt.get(NEEDED_HEADERS, ())
        if is_polled(handler):
            operation.setdefault("parameters", []).append(IF_NONE_MATCH)
        content = operation.get("requestBody", {}).get("content", {})
        if "application/json" in content and operation["operationId"] in self.examples:
            content["application/json"]["example"] = self.examples[operation["operationId"]]
        kept = {status: reply for status, reply in operation["responses"].items() if int(status) < 300}
        for reply in kept.values():
            reply["headers"] = _headers_of(handler, path, operation) | reply.get("headers", {})
        declared = {int(s): reply for s, reply in operation["responses"].items() if int(s) > 400}
        statuses = _statuses(handler, method, path, operation) | declared.keys()
        errors = {str(status): {"$ref": f"#/components/responses/{status}"} for status in sorted(statuses)}
        unchanged = (
            {"304": {"description": "Nothing has changed.", "headers": _refer("ETag")}} if is_polled(handler) else {}
        )
        operation["responses"] = kept | unchanged | errors
        return statuses


def _statuses(handler: HTTPRouteHandler, method: str, path: str, operation: Json) -> set[int]:
    """The statuses of the errors that a route can answer, from what it has."""
    parameters = operation.get("parameters", ())
    has_body = "requestBody" in operation
    names = {parameter["name"] for parameter in parameters} - HOW_TO_READ
    asks_database = path != "/health/live"
    rules = {
        400: has_body or any(parameter["in"] == "header" and parameter["required"] for parameter in parameters),
        401: asks_database,  # a key that is not valid is refused wherever one is sent
        403: bool(handler.resolve_guards()),
        404: bool(names) or has_body,
        409: method != "get",
        413: has_body,
        422: bool(parameters) or has_body,
        429: is_counted(path),
        500: True,
        503: asks_database,
    }
    return {status for status, holds in rules.items() if holds}


def _headers_of(handler: HTTPRouteHandler, path: str, operation: Json) -> Json:
    names = ["X-Request-ID"]
    names += ["RateLimit", "RateLimit-Policy"] if is_counted(path) else []
    names += ["ETag"] if is_polled(handler) else []
    takes_key = any(parameter["name"] == "Idempotency-Key" for parameter in operation.get("parameters", ()))
    names += ["Location", "Idempotent-Replay"] if takes_key else []
    return _refer(*names)


def _refer(*names: str) -> Json:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def _problem_reply(status: int) -> Json:
    example = {
        "type": problems.address(SLUGS[status]),
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": MEANINGS[status],
    }
    names = ["X-Request-ID"] + ([OF_STATUS[status]] if status in OF_STATUS else [])
    return {
        "description": MEANINGS[status],
        "headers": _refer(*names),
        "content": {
            problems.MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}, "example": example},
        },
    }


def document_config(examples: Mapping[str, object], openapi_router: Router) -> OpenAPIConfig:
    """How the application describes itself; `examples` are bodies by the id of their operation."""
    schemes: dict[str, SecurityScheme | Reference] = {
        "apiKey": SecurityScheme(type="http", scheme="bearer", description="An API key of your council."),
        "session": SecurityScheme(
            type="apiKey",
            name=settings().cookie_name("officer"),
            security_scheme_in="cookie",
            description="The session of a user who is signed in.",
        ),
        "metricsToken": SecurityScheme(type="http", scheme="bearer", description="NOTIFY_METRICS_TOKEN."),
    }
    return DocumentConfig(
        title="Notify",
        version="1.0.0",
        description="Alerts by topic and place for residents who asked for them.",
        openapi_router=openapi_router,
        render_plugins=[JsonRenderPlugin(path="/openapi.json")],
        use_handler_docstrings=True,
        security=[{"apiKey": []}, {"session": []}],
        components=Components(security_schemes=schemes),
        examples=examples,
    )
