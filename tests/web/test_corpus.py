"""Depths, columns, NULs, encodings and sizes on every body and every path: refused, never a defect of ours."""

import json
import re
from collections.abc import Iterator, Mapping
from urllib.parse import quote
from uuid import uuid4

import pytest
from litestar import Litestar
from litestar.testing import TestClient

from notify.staff.models import Role
from tests.staff.test_routes import doors
from tests.world import at_the_desk, make_key, make_world

Client = TestClient[Litestar]
Headers = dict[str, str]

WIDE = ",".join(["email", *(f"column{number}" for number in range(200_000))])
JSON_BODIES: Mapping[str, bytes] = {
    "arrays within arrays": b"[" * 50_000,
    "objects within objects": b'{"a":' * 20_000,
    "closed nesting": b'{"title":' + b"[" * 900 + b"]" * 900 + b"}",
    "not UTF-8": b'{"title":"Caf\xe9","name":"Caf\xe9"}',
    "UTF-16": '{"title":"a"}'.encode("utf-16"),
    "a NUL": json.dumps(dict.fromkeys(("title", "name", "slug", "topic", "reason", "body", "email"), "a\0b")).encode(),
    "half a character": b'{"title":"\\ud800","name":"\\ud800","reason":"\\ud800","topic":"\\ud800"}',
    "numbers beyond all": b'{"minutes":1e999,"value":' + b"9" * 400 + b"}",
    "other things": b"[1,null,{}]",
    "nothing": b"",
}
FORM_BODIES: Mapping[str, bytes] = {
    "a NUL": b"title=%00&body=%00&postcode=%00&email=%00&reach=%00&shape=%00&send_at=%00",
    "not UTF-8": b"title=%FF&postcode=%C3%28&email=\xff",
    "many fields": b"a=1&" * 5_000,
    "one long field": b"title=" + b"x" * 150_000,
    "deep shapes": b"reach=places&shape=" + b"%5B" * 5_000 + b"&centre=1e400,1e400&radius=nan",
    "odd numbers": b"day=%D9%A3&month=1e9&year=99999999999&minutes=nan&percent=inf&pence=1e999&radius=-0&every=%C2%B2",
}
FILES: Mapping[str, tuple[bytes, str]] = {
    "200,000 columns": (WIDE.encode() + b"\na@example.org\n", "text/csv"),
    "a row of 200,000 values": (b"email\n" + b"," * 200_000 + b"\n", "text/csv"),
    "NULs": (b"email,name\n\0,\0\n" + b"\0" * 1_000, "text/csv"),
    "cut UTF-16": (b"\xff\xfee", "text/csv"),
    "one quotation mark": (b'email\n"' + b"a\n" * 50_000, "text/csv"),
    "deep XML": (b"<a>" * 20_000, "application/cap+xml"),
    "a zip that is none": (b"PK\x03\x04" + bytes(500), "application/zip"),
    "a database that is none": (b"SQLite format 3\0" + bytes(500), "application/octet-stream"),
}
PATHS = (
    "%00",
    "a%00b",
    "%FF",
    "%C0%AF",
    "..%2F..%2Fetc",
    quote("Ÿ" * 500),
    "-" * 2_000,
    "%ED%A0%80",
    "null",
    "0",
    "%25%30%30",
)


def written_to(app: Litestar) -> Iterator[tuple[str, str]]:
    """Method and address of every route that takes a body, with ids that nothing has."""
    for door, _rights in doors(app):
        method, _, path = door.partition(" ")
        if method in ("POST", "PUT", "PATCH"):
            named = re.sub(r"\{\w+:(\w+)\}", lambda found: str(uuid4()) if found[1] == "uuid" else "none", path)
            yield method, named


def tried(
    client: Client, headers: Headers, asked: Iterator[tuple[str, str]], bodies: Mapping[str, tuple[bytes, str]]
) -> int:
    """How many requests were answered; each answer below 500."""
    wrong, number = [], 0
    for method, address in asked:
        for name, (content, kind) in bodies.items():
            about = headers | {"Content-Type": kind, "Idempotency-Key": uuid4().hex}
            answer = client.request(method, address, content=content, headers=about, follow_redirects=False)
            number += 1
            if answer.status_code >= 500:
                wrong.append((method, address, name, answer.status_code))
    assert wrong == []
    return number


@pytest.fixture
def headers(client: Client) -> Headers:
    return make_key(make_world(), Role.PLANNER)


def test_json_of_every_kind_on_every_route_of_the_api(app: Litestar, client: Client, headers: Headers) -> None:
    bodies = {name: (content, "application/json") for name, content in JSON_BODIES.items()}
    api = ((method, address) for method, address in written_to(app) if address.startswith("/api/"))
    assert tried(client, headers, api, bodies) > 300


def test_forms_of_every_kind_on_every_page(app: Litestar, client: Client, headers: Headers) -> None:
    bodies = {name: (content, "application/x-www-form-urlencoded") for name, content in FORM_BODIES.items()}
    bodies |= {
        "no boundary": (b"--a\r\n\r\n", "multipart/form-data"),
        "a boundary that never comes": (b"x" * 1_000, "multipart/form-data; boundary=b"),
        "a file of NULs": (
            b'--b\r\nContent-Disposition: form-data; name="file"; filename="\0"\r\n\r\n\0\0\r\n--b--\r\n',
            "multipart/form-data; boundary=b",
        ),
    }
    written = written_to(app)
    # who signs out would try the rest as a stranger
    pages = ((method, at) for method, at in written if not at.startswith("/api/") and "sign-out" not in at)
    assert tried(client, at_the_desk(headers), pages, bodies) > 300


def test_files_of_every_kind_where_files_are_read(client: Client, headers: Headers) -> None:
    query = "wording_version=1&wording=Yes.&consent_source=paper"
    routes = [
        ("POST", f"/api/v1/subscribers/import?{query}"),
        ("POST", "/api/v1/suppressions/import"),
        ("POST", "/api/v1/shapes"),
        ("POST", "/api/v1/calls"),
        ("POST", "/api/v1/cap"),
    ]
    assert tried(client, headers, iter(routes), FILES) == len(routes) * len(FILES)


def test_paths_of_every_kind_on_every_route_with_a_name_in_it(app: Litestar, client: Client, headers: Headers) -> None:
    desk, wrong, number = at_the_desk(headers), [], 0
    for door, _rights in doors(app):
        method, _, path = door.partition(" ")
        if "{" not in path or (path.startswith("/static") and method != "GET"):
            continue
        # ids are taken apart by the router alone: two kinds tell as much as eleven
        for odd in PATHS if re.search(r"\{\w+:(?!uuid)", path) else PATHS[:2]:
            address = re.sub(r"\{[^}]+\}", lambda _, odd=odd: odd, path)  # type: ignore[misc]
            answer = client.request(method, address, headers=desk, follow_redirects=False)
            number += 1
            if answer.status_code >= 500:
                wrong.append((door, odd, answer.status_code))
    assert wrong == []
    assert number > 400
