"""A client that `openapi-python-client` makes of the document: without a warning, and with errors that have a type."""

import importlib
import json
import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from litestar import Litestar
from litestar.testing import TestClient

from notify.api_examples import BODIES
from tests.world import make_world

Client = TestClient[Litestar]
SETTINGS = Path(__file__).parents[2] / "docs" / "openapi-python-client.yml"


@pytest.mark.long
def test_a_client_is_generated_without_warnings_and_reads_errors(
    app: Litestar, client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = tmp_path / "openapi.json"
    document.write_text(json.dumps(app.openapi_schema.to_schema()))
    where = ["--path", str(document), "--config", str(SETTINGS), "--output-path", str(tmp_path / "made_client")]
    made = subprocess.run(
        [sys.executable, "-m", "openapi_python_client", "generate", "--meta", "none", *where],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert "WARNING" not in made.stdout + made.stderr
    monkeypatch.syspath_prepend(str(tmp_path))
    package = importlib.import_module("made_client")
    names = ("create_alert", "list_alerts", "read_alert")
    call = {name: importlib.import_module(f"made_client.api.alerts.{name}") for name in names}
    models = importlib.import_module("made_client.models")
    world = make_world()
    service = package.AuthenticatedClient(base_url=str(client.base_url), token=world.key)
    monkeypatch.setattr(client, "headers", httpx.Headers(world.headers))
    service.set_httpx_client(client)
    body, key = models.NewAlert.from_dict(BODIES["create_alert"]), uuid4().hex
    sent, again = (call["create_alert"].sync(client=service, body=body, idempotency_key=key) for _ in range(2))
    assert isinstance(sent, models.AlertView)
    assert sent.id == again.id
    assert [one.id for one in call["list_alerts"].sync(client=service).alerts] == [sent.id]
    missing = call["read_alert"].sync(client=service, alert_id=uuid4())
    assert isinstance(missing, models.Problem)
    assert (missing.status, missing.type_) == (404, "/problems/unknown-alert")
