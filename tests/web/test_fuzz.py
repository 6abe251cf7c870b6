"""Requests that the API's own document allows, and some that it does not: no answer is a defect of ours."""

import time
from collections.abc import Iterator
from contextlib import nullcontext, suppress
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, assume, given, seed
from hypothesis import settings as hypothesis_settings
from hypothesis.errors import Unsatisfiable
from litestar import Litestar
from litestar.testing import TestClient
from schemathesis import openapi
from schemathesis.core.result import Ok
from schemathesis.core.transport import Response
from schemathesis.generation import GenerationMode
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.world import World, make_world

Client = TestClient[Litestar]
# an answer has a status and a media type that the document names, and the shape that it gives for them
CHECKS = [status_code_conformance, content_type_conformance, response_schema_conformance]
MOST_CPU_SECONDS = 12.0
EXAMPLES = 3
SEED = 18


@pytest.fixture
def world(client: Client) -> World:
    return make_world()


Operation = APIOperation[Any, Any, Any, Any]


def operations(app: Litestar) -> Iterator[Operation]:
    schema = openapi.from_dict(app.openapi_schema.to_schema())
    for result in schema.get_all_operations():
        operation = result.ok() if isinstance(result, Ok) else None
        assert operation, "the document describes each of its operations"
        yield operation


def test_nothing_that_the_document_allows_or_forbids_is_a_defect(app: Litestar, client: Client, world: World) -> None:
    started, tried, left_out = time.process_time(), set[str](), 0
    for operation in operations(app):
        if time.process_time() - started > MOST_CPU_SECONDS:
            left_out += 1  # a slow machine tries less, and fails nothing for it
            continue
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
            _try(client, world.headers, operation, mode)
        tried.add(operation.label)
    assert len(tried) + left_out > 90
    assert tried


def _try(client: Client, headers: dict[str, str], operation: Operation, mode: GenerationMode) -> None:
    @seed(SEED)
    @hypothesis_settings(
        max_examples=EXAMPLES,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def send(case: Any) -> None:  # noqa: ANN401 - a case has no type of its own
        asked = case.as_transport_kwargs()
        asked["headers"] = dict(asked.get("headers") or {}) | headers
        asked.pop("cookies", None)
        assume(all(value.isascii() for value in asked["headers"].values()))  # no client sends others
        if isinstance(asked.get("data"), bytes):
            asked["content"] = asked.pop("data")
        assume(all(isinstance(file, bytes | str) for file in dict(asked.get("files") or {}).values()))
        answer = client.request(asked.pop("method"), asked.pop("url"), **asked)
        assert answer.status_code < 500, (operation.label, case, answer.text[:500])
        case.validate_response(Response.from_any(answer), checks=CHECKS)

    # a body that may be anything cannot be wrong
    with suppress(Unsatisfiable) if mode == GenerationMode.NEGATIVE else nullcontext():
        send()
