"""Who may send a form, and how forms are read."""

import re
from collections.abc import Mapping
from uuid import UUID

import pytest
from litestar import Litestar
from litestar.testing import TestClient

from notify.web import forms
from notify.web.forms import FormNotReadable, is_ours, read_form

HOST = "alerts.example.org"
OURS, THEIRS = f"https://{HOST}", "https://evil.example.org"


@pytest.mark.parametrize(
    ("headers", "allowed"),
    [
        ({"origin": OURS}, True),
        ({"origin": f"http://{HOST}"}, True),  # a proxy speaks http to us
        ({"origin": "http://127.0.0.1:8000"}, True),  # the base address
        ({"origin": THEIRS}, False),
        ({"origin": THEIRS, "sec-fetch-site": "same-origin"}, False),
        ({"origin": f"{OURS}.evil.example.org"}, False),
        ({"origin": f"{OURS}:8443"}, False),
        ({"origin": f"https://evil.example.org/{HOST}"}, False),
        ({"origin": "https://[broken"}, False),
        ({"origin": "null"}, False),
        ({"origin": "null", "sec-fetch-site": "same-origin"}, True),
        ({"origin": "null", "sec-fetch-site": "cross-site"}, False),
        ({"origin": "null", "referer": f"{OURS}/my"}, False),
        ({"sec-fetch-site": "same-origin"}, True),
        ({"sec-fetch-site": "none"}, True),
        ({"sec-fetch-site": "same-site"}, False),
        ({"sec-fetch-site": "cross-site"}, False),
        ({"referer": f"{OURS}/my", "cookie": "resident=x"}, True),
        ({"referer": f"{THEIRS}/{OURS}", "cookie": "resident=x"}, False),
        ({}, True),
        ({"cookie": "resident=x"}, False),
    ],
)
def test_only_our_own_pages_change_anything(headers: Mapping[str, str], allowed: bool) -> None:
    assert is_ours(headers, HOST) is allowed


def page_posts(app: Litestar) -> dict[str, bool]:
    """Every door outside the API that changes something, and whether it asks where the request comes from."""
    return {
        route.path_format: forms.from_our_pages in (handler.guards or ())
        for route in app.routes
        for handler in getattr(route, "route_handlers", ())
        if not route.path.startswith("/api/") and handler.http_methods - forms.SAFE_METHODS
    }


def test_every_page_that_changes_something_is_guarded(app: Litestar) -> None:
    found = page_posts(app)
    assert {"/sign-up", "/confirm/{token}", "/my/erase", "/staff/sign-out"} <= found.keys()
    assert {path for path, guarded in found.items() if not guarded} == forms.OPEN_TO_OTHER_SITES


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_a_form_on_another_site_reaches_no_page(client: TestClient[Litestar], app: Litestar, site: str) -> None:
    for path in set(page_posts(app)) - forms.OPEN_TO_OTHER_SITES:
        headers = {"Sec-Fetch-Site": site, "Origin": THEIRS, "Accept": "text/html"}
        address = re.sub(
            r"\{\w+\}", lambda found: str(UUID(int=0)) if "_id" in found[0] or "contact" in found[0] else "x", path
        )
        answer = client.post(address, headers=headers)
        assert (answer.status_code, "our own page" in answer.text) == (403, True), path


def test_fields_are_trimmed_and_repeated_ones_kept() -> None:
    form = read_form(b"a=+1+&a=2&b=&c=%C5%B5")
    assert (form.all("a"), form.one("b"), form.one("c"), form.one("d")) == (["1", "2"], "", "ŵ", "")
    assert form.has("a")
    assert not form.has("b")


@pytest.mark.parametrize("body", [b"a=%FF", b"\xff", b"a=%00", b"a=1&" * 1000, b"a=" + b"x" * 200_000])
def test_what_no_form_sends_is_refused(body: bytes) -> None:
    with pytest.raises(FormNotReadable):
        read_form(body)
