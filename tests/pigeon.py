"""Puts the third-party provider of `tests/plugin` in place, as an installer would, and speaks for its pigeons."""

import hashlib
import hmac
import json
import shutil
import tomllib
from pathlib import Path

from httpx import Response
from litestar import Litestar
from litestar.testing import TestClient

PLUGIN = Path(__file__).parent / "plugin"
RING = "the secret of the test's pigeons"


def install(site: Path) -> None:
    """The package and its metadata in a folder that is to be on the path, from its own pyproject.toml."""
    project = tomllib.loads((PLUGIN / "pyproject.toml").read_text())["project"]
    shutil.copytree(PLUGIN / "notify_pigeon", site / "notify_pigeon", ignore=shutil.ignore_patterns("__pycache__"))
    metadata = site / f"notify_pigeon-{project['version']}.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
    )
    lines = []
    for group, points in project["entry-points"].items():
        lines += [f"[{group}]", *(f"{name} = {target}" for name, target in points.items())]
    (metadata / "entry_points.txt").write_text("\n".join(lines) + "\n")


def report(client: TestClient[Litestar], *receipts: dict[str, str], ring: str = RING) -> Response:
    """A pigeon comes back with receipts."""
    body = json.dumps(receipts).encode()
    signature = hmac.new(ring.encode(), body, hashlib.sha256).hexdigest()
    headers = {"pigeon-ring": signature, "content-type": "application/json"}
    return client.post("/api/v1/webhooks/pigeon", content=body, headers=headers)
