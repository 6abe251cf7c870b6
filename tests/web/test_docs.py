"""The API documents itself: a schema for programs and a page for people."""

import pytest
from litestar import Litestar
from litestar.testing import TestClient

from tests.subscribers.html import Page, broken_anchors

Client = TestClient[Litestar]


@pytest.fixture
def docs(client: Client) -> Page:
    answer = client.get("/api/docs")
    assert answer.status_code == 200
    assert "<script" not in answer.text
    return Page(answer.text)


def test_every_call_is_on_the_page(client: Client, docs: Page) -> None:
    for path, item in client.get("/api/openapi.json").json()["paths"].items():
        for method in item:
            assert f"{method.upper()} {path}" in docs.text


def test_every_field_that_can_be_sent_is_on_the_page(client: Client, docs: Page) -> None:
    schema = client.get("/api/openapi.json").json()
    for path, item in schema["paths"].items():
        for operation in item.values():
            assert all(parameter["name"] in docs.text for parameter in operation.get("parameters", ())), path
    for field in ("wording_version", "contacts", "needs_review", "idempotency-key"):
        assert field in docs.text.lower()


def test_calls_are_described_in_sentences(client: Client, docs: Page) -> None:
    assert "Add many residents from a CSV file" in docs.text
    assert "--data-binary @residents.csv" in docs.text
    body = client.get("/api/openapi.json").json()["paths"]["/api/v1/subscribers/import"]["post"]["requestBody"]
    assert body["content"].keys() == {"text/csv", "multipart/form-data"}


def test_links_within_the_page_work(docs: Page) -> None:
    assert not broken_anchors(docs)
    assert len(docs.ids) == len(set(docs.ids))
