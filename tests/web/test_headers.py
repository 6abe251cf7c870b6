"""Security headers stand on every answer of every door, errors included, and no page needs what they forbid."""

import re
from pathlib import Path

import pytest
from litestar import Litestar
from litestar.testing import TestClient

from notify.core.rendering import TEMPLATES
from notify.web.headers import SECURITY_HEADERS

Client = TestClient[Litestar]
EXAMPLES = {"alert_id": "0190a000-0000-7000-8000-000000000000", "file_path": "page.css", "postcode": "ZZ11AA"}
STRICT = {
    "content-security-policy": r"default-src 'none'.*frame-ancestors ('none'|'self'|\*)(; frame-src 'self')?"
    r"|default-src 'none'; sandbox",
    "x-content-type-options": r"nosniff",
    "referrer-policy": r"same-origin",
    "strict-transport-security": r"max-age=31536000; includeSubDomains",
    "cross-origin-opener-policy": r"same-origin",
    "cross-origin-resource-policy": r"same-origin|cross-origin",
    "permissions-policy": r"geolocation=\(\).*",
}


LOCATING = {"permissions-policy": "geolocation=(self), camera=(), microphone=()"}


def missing(headers: "dict[str, str]") -> dict[str, str | None]:
    return {name: headers.get(name) for name, value in STRICT.items() if not re.fullmatch(value, headers.get(name, ""))}


def test_every_door_answers_with_every_header(client: Client, app: Litestar) -> None:
    seen = 0
    for route in app.routes:
        path = re.sub(r"{(\w+)(?::\w+)?}", lambda found: EXAMPLES.get(found[1], "x"), route.path)
        for method in ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "BREW"):
            for accept in ("text/html", "application/json"):
                reply = client.request(method, path, headers={"Accept": accept}, follow_redirects=False)
                lacks = missing(dict(reply.headers))
                if path == "/near" and lacks == LOCATING:
                    lacks = {}  # the one page for everybody that asks where its reader is, on a press
                assert lacks == {}, (method, path, reply.status_code)
                seen += 1
    assert seen > 500


@pytest.mark.parametrize(
    "path", ["/nowhere", "/api/v1/nowhere", "/static/nowhere.css", "/alerts/nonsense", "/%00", "/../etc"]
)
def test_what_is_not_there_has_them_too(client: Client, path: str) -> None:
    reply = client.get(path)
    assert reply.status_code in (400, 404, 422)
    assert missing(dict(reply.headers)) == {}


def test_what_is_too_large_or_unexpected_has_them_too(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    large = client.post("/sign-up", content=b"x" * 6_000_000)
    assert large.status_code == 413
    assert missing(dict(large.headers)) == {}

    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("made to fail")

    monkeypatch.setattr("notify.alerts.publishing.queries.directory", fail)
    broken = client.get("/topics", headers={"Accept": "text/html"})
    assert broken.status_code == 500
    assert "made to fail" not in broken.text
    assert missing(dict(broken.headers)) == {}


@pytest.mark.parametrize("path", sorted((TEMPLATES / "pages").rglob("*.html")), ids=lambda path: path.name)
def test_no_page_holds_style_or_script_of_its_own(path: Path) -> None:
    source = path.read_text()
    assert not re.search(r"<style|\sstyle=|\son\w+=|javascript:", source)
    assert all("src=" in tag for tag in re.findall(r"<script[^>]*>", source))
    assert not re.search(r"""(src|href)=["'](https?:)?//""", source)


def test_pages_about_somebody_are_kept_nowhere(client: Client) -> None:
    for path in ("/my", "/manage", "/manage/x", "/confirm/x", "/u/x", "/sign-up"):
        assert client.get(path).headers["cache-control"] == "no-store"
    assert "no-store" not in client.get("/alerts").headers["cache-control"]


def test_the_list_of_headers_is_the_one_that_is_looked_at() -> None:
    assert {name.lower() for name in SECURITY_HEADERS} == set(STRICT)
