"""Requests that the API's own document allows, and some that it does not: no answer is a defect of ours."""

import time
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, seed
from hypothesis import settings as hypothesis_settings
from litestar import Litestar
from litestar.testing import TestClient
from schemathesis import openapi
from schemathesis.generation import GenerationMode
from schemathesis.schemas import APIOperation

from tests.world import World, make_world

Client = TestClient[Litestar]
MOST_CPU_SECONDS = 12.0
EXAMPLES = 3
SEED = 18


@pytest.fixture
def world(client: Client) -> World:
    return make_world()


def operations(app: Litestar) -> Iterator[APIOperation]:
    schema = openapi.from_dict(app.openapi_schema.to_schema())
    for result in schema.get_all_operations():
        yield result.ok()


def test_nothing_that_the_document_allows_or_forbids_is_a_defect(app: Litestar, client: Client, world: World) -> None:
    started = time.process_time()
    tried: dict[str, int] = {}
    for operation in operations(app):
        if time.process_time() - started > MOST_CPU_SECONDS:
            break
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):

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
                asked["headers"] = dict(asked.get("headers") or {}) | world.headers
                asked.pop("cookies", None)
                if isinstance(asked.get("data"), bytes):
                    asked["content"] = asked.pop("data")
                answer = client.request(asked.pop("method"), asked.pop("url"), **asked)
                tried[operation.label] = tried.get(operation.label, 0) + 1
                assert answer.status_code < 500, (operation.label, case, answer.text[:500])

            send()
    print(len(tried), sum(tried.values()), time.process_time() - started)
