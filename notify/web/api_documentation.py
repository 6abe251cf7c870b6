"""The documentation page of the API, written from its own OpenAPI schema by the server: no script, nothing foreign."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from litestar import Request, Response
from litestar.datastructures import State

from notify.core.settings import settings
from notify.web.routes import page_get
from notify.web.templates import page

Json = Mapping[str, Any]  # a part of the schema: JSON objects of every shape

METHODS = ("get", "post", "patch", "put", "delete")
EXAMPLES = {"string": "…", "integer": 1, "number": 1.5, "boolean": True, "array": [], "object": {}}
REF = "#/components/schemas/"
DEEPEST = 1  # how many objects within objects are shown


@dataclass(frozen=True, slots=True)
class FieldDoc:
    """One parameter, or one field of a body or reply."""

    name: str
    where: str
    kind: str
    required: bool
    description: str


@dataclass(frozen=True, slots=True)
class OperationDoc:
    """One call."""

    anchor: str
    method: str
    path: str
    summary: str
    description: str
    parameters: Sequence[FieldDoc]
    body: Sequence[FieldDoc]
    replies: Sequence[tuple[str, str, Sequence[FieldDoc]]]
    curl: str


@page_get("/api/docs")
def read_docs(request: Request[object, object, State]) -> Response[object]:
    """Every call of the API: what it takes, what it answers, and an example."""
    schema = request.app.openapi_schema.to_schema()
    groups: dict[str, list[OperationDoc]] = {}
    for tag, operation in _operations(schema):
        groups.setdefault(tag, []).append(operation)
    return page("web/api-documentation.html", groups=sorted(groups.items()), base_url=settings().base_url)


def _operations(schema: Json) -> Iterator[tuple[str, OperationDoc]]:
    models: Json = schema.get("components", {}).get("schemas", {})
    for path, item in sorted(schema["paths"].items()):
        for method in METHODS:
            if method in item:
                tag = (item[method].get("tags") or ["other"])[0]
                yield tag, _operation(method.upper(), path, item[method], models)


def _operation(method: str, path: str, operation: Json, models: Json) -> OperationDoc:
    content = operation.get("requestBody", {}).get("content", {})
    replies = [
        (status, reply.get("description", ""), _fields(_model_of(reply.get("content", {}), models), models))
        for status, reply in sorted(operation.get("responses", {}).items())
        if status.startswith("2")
    ]
    # the first paragraph says what a call is for; the framework's own summary is only its name
    summary, _, rest = operation.get("description", operation.get("summary", "")).partition("\n\n")
    return OperationDoc(
        anchor=f"{method.lower()}{path.replace('/', '-').replace('{', '').replace('}', '')}",
        method=method,
        path=path,
        summary=summary,
        description=" ".join(rest.split()),
        parameters=[_parameter(parameter, models) for parameter in operation.get("parameters", [])],
        body=_fields(_model_of(content, models), models),
        replies=replies,
        curl=_curl(method, path, operation, content, models),
    )


def _parameter(parameter: Json, models: Json) -> FieldDoc:
    schema = parameter.get("schema", {})
    description = parameter.get("description") or schema.get("description") or ""
    required = parameter.get("required", False)
    return FieldDoc(parameter["name"], parameter["in"], _kind(schema, models), required, description)


def _model_of(content: Json, models: Json) -> Json:
    for media in content.values():
        return _resolved(media.get("schema", {}), models)
    return {}


def _resolved(schema: Json, models: Json) -> Json:
    """The schema itself, or the one that it refers to."""
    name = schema.get("$ref", "").removeprefix(REF)
    found: Json = models.get(name, schema) if name else schema
    return found


def _fields(schema: Json, models: Json, within: str = "") -> list[FieldDoc]:
    """The fields of an object, each followed by those inside it: `consent`, `consent.source`."""
    required = schema.get("required", ())
    found = []
    for name, field in schema.get("properties", {}).items():
        description = field.get("description") or _about(field, models)
        found.append(FieldDoc(within + name, "body", _kind(field, models), name in required, description))
        if within.count(".") < DEEPEST:
            found += _fields(_inner(field, models), models, f"{within}{name}.")
    return found


def _inner(field: Json, models: Json) -> Json:
    """What a field holds, or each item of its list: an object, if it is one."""
    for choice in (field, *field.get("oneOf", ()), *field.get("anyOf", ())):
        model = _resolved(choice.get("items", choice), models)
        if "properties" in model:
            return model
    return {}


def _about(field: Json, models: Json) -> str:
    """What the type of a field says of itself."""
    inner = field.get("items", field)
    return str(_resolved(inner, models).get("description") or "").partition("\n")[0]


def _kind(schema: Json, models: Json) -> str:
    """The type in words: `string`, `list of object`, `one of a, b`."""
    schema = _resolved(schema, models)
    choices = schema.get("oneOf") or schema.get("anyOf")
    if choices:
        return " or ".join(_kind(choice, models) for choice in choices)
    if "enum" in schema:
        return "one of " + ", ".join(str(value) for value in schema["enum"])
    kind = schema.get("type", "any")
    if kind == "array":
        return f"list of {_kind(schema.get('items', {}), models)}"
    if isinstance(kind, list):
        return " or ".join(kind)
    return schema.get("format", kind) if kind == "string" else str(kind)


def _curl(method: str, path: str, operation: Json, content: Json, models: Json) -> str:
    lines = [f"curl -X {method} '{settings().base_url}{path}{_required_query(operation)}'"]
    if operation.get("security") != []:
        lines.append("-H 'Authorization: Bearer YOUR_KEY'")
    lines += [
        f"-H '{parameter['name']}: …'"
        for parameter in operation.get("parameters", ())
        if parameter["in"] == "header" and parameter["required"]
    ]
    if "application/json" in content:
        media = content["application/json"]
        body = media.get("example") or _example(_resolved(media.get("schema", {}), models), models)
        lines += ["-H 'Content-Type: application/json'", f"-d '{json.dumps(body, ensure_ascii=False)}'"]
    elif "text/csv" in content:
        lines += ["-H 'Content-Type: text/csv'", "--data-binary @residents.csv"]
    return " \\\n  ".join(lines)


def _required_query(operation: Json) -> str:
    names = [p["name"] for p in operation.get("parameters", ()) if p["in"] == "query" and p.get("required")]
    return "?" + "&".join(f"{name}=…" for name in names) if names else ""


def _example(schema: Json, models: Json, depth: int = 0) -> object:
    """The smallest body that has every field that is needed."""
    schema = _resolved(schema, models)
    if schema.get("properties") and depth < 3:
        needed = schema.get("required") or list(schema["properties"])[:2]
        return {name: _example(schema["properties"][name], models, depth + 1) for name in needed}
    for choice in (*schema.get("oneOf", ()), *schema.get("anyOf", ())):
        return _example(choice, models, depth)
    if schema.get("enum"):
        return schema["enum"][0]
    if schema.get("type") == "array" and depth < 3:
        return [_example(schema.get("items", {}), models, depth + 1)]
    kind = schema.get("type", "string")
    return EXAMPLES.get(kind if isinstance(kind, str) else "string", "…")
