"""Loads collection days through the API, and reads them as everybody does."""

import io
import json
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from typing import Any

from httpx import Response
from litestar import Litestar
from litestar.testing import TestClient

from notify.core import clock
from tests.world import World

Client = TestClient[Litestar]
HOME, POSTCODE = "10000000001", "ZZ1 1AA"
DECEMBER = datetime(2026, 12, 1, 12, tzinfo=UTC)  # a Tuesday

Json = Mapping[str, Any]


def schedule(*rules: Json, **more: object) -> dict[str, Any]:
    """A file with one home, 1 Invented Lane, on round R1 with these rules."""
    home = {"uprn": HOME, "address": "1 Invented Lane", "postcode": POSTCODE, "rounds": ["R1"]}
    return {"rounds": [{"code": "R1", "rules": list(rules)}], "properties": [home], **more}


def weekly(stream: str, weekday: str, **more: object) -> dict[str, object]:
    """A rule for every week."""
    return {"stream": stream, "weekday": weekday, **more}


def upload(client: Client, world: World, files: Mapping[str, bytes], **fields: str) -> Response:
    """Load files as a release."""
    parts = [("files", (name, io.BytesIO(content))) for name, content in files.items()]
    path = "/api/v1/collections/releases"
    return client.post(path, files=parts, data={"source": "Zed Council", **fields}, headers=world.headers)


def put_into_force(client: Client, world: World, files: Mapping[str, bytes] | Json, **fields: str) -> Response:
    """Load files, or a schedule as JSON, and activate them; the answer with the comparison."""
    given = files if all(isinstance(one, bytes) for one in files.values()) else {"days.json": as_json(files)}
    made = upload(client, world, given, **fields)
    assert made.status_code == 201, made.text
    release = made.json()["id"]
    return client.post(f"/api/v1/collections/releases/{release}/activate", headers=world.headers)


def as_json(file: object) -> bytes:
    """The file's bytes."""
    return json.dumps(file).encode()


def read(client: Client, postcode: str = POSTCODE, /, **query: str) -> dict[str, Any]:
    """What everybody is told about this postcode."""
    return read_as({}, client, postcode, **query)


def read_as(headers: Mapping[str, str], client: Client, postcode: str = POSTCODE, /, **query: str) -> dict[str, Any]:
    """What who sends these headers is told about it."""
    answer = client.get("/api/v1/collections", params={"postcode": postcode, **query}, headers=headers)
    assert answer.status_code == 200, answer.text
    shown: dict[str, Any] = answer.json()
    return shown


def dates(shown: Json, *streams: str) -> list[str]:
    """The days on which these streams are collected, or any."""
    return [one["date"] for one in shown["collections"] if one["date"] and (not streams or one["stream"] in streams)]


def it_is(moment: datetime | date) -> None:
    """From now on it is this moment, or noon of this day."""
    at = moment if isinstance(moment, datetime) else datetime(moment.year, moment.month, moment.day, 12, tzinfo=UTC)
    clock.use(lambda: at)


def csv_of(*rows: Iterable[object]) -> bytes:
    """Rows as CSV."""
    return "\r\n".join(",".join(str(cell) for cell in row) for row in rows).encode()
