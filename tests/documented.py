"""Holds every answer that any test gets from the API against the OpenAPI document."""

import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import httpx
from litestar import Litestar

Json = Mapping[str, Any]  # a part of the document


def hold_against_document(app: Litestar) -> Callable[[httpx.Response], None]:
    """What a client calls with each response. Raises: AssertionError where the document does not name its status."""

    def check(response: httpx.Response) -> None:
        method, path = response.request.method, response.request.url.path
        if not path.startswith("/api/v1/") or method == "HEAD":
            return
        operation = _operation(app, method.lower(), path)
        if operation is None:
            return
        said = operation["responses"].get(str(response.status_code))
        assert said, f"{method} {path} answered {response.status_code}: the document names {[*operation['responses']]}"
        if response.status_code >= 400:
            assert response.headers["content-type"] == "application/problem+json", f"{method} {path}"

    return check


def _operation(app: Litestar, method: str, path: str) -> Json | None:
    # an address of its own comes before one with a name to fill in, also where it knows no such method
    for pattern, item in _paths(app):
        if pattern.fullmatch(path):
            found: Json | None = item.get(method)
            return found
    return None


@cache
def _paths(app: Litestar) -> list[tuple[re.Pattern[str], Json]]:
    paths = app.openapi_schema.to_schema()["paths"]
    return [(re.compile(re.sub(r"\{\w+\}", "[^/]+", path)), paths[path]) for path in sorted(paths, key=_by_names)]


def _by_names(path: str) -> tuple[int, str]:
    return path.count("{"), path
