"""The council's own look."""

from pathlib import Path

import pytest
from litestar import Litestar
from litestar.testing import TestClient

from notify.core.settings import Settings
from notify.web import theme

Client = TestClient[Litestar]

PIXEL = b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1"/>'


@pytest.fixture
def themed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    logo = tmp_path / "logo.svg"
    logo.write_bytes(PIXEL)
    looks = Settings(theme_name="Zed Council alerts", theme_colour="#5c1d4b", theme_logo=logo)
    monkeypatch.setattr(theme, "settings", lambda: looks)
    return logo


def test_name_colour_and_logo_are_the_councils(themed: Path, client: Client) -> None:
    page, css, logo = client.get("/manage"), client.get("/theme.css"), client.get("/theme/logo")
    assert "– Zed Council alerts</title>" in page.text
    assert '<img src="/theme/logo" alt=""' in page.text
    assert "--band: #5c1d4b" in css.text
    assert css.headers["content-type"].startswith("text/css")
    assert css.headers["cache-control"] == "public, max-age=86400"
    assert (logo.content, logo.headers["content-type"]) == (PIXEL, "image/svg+xml")
    assert "sandbox" in logo.headers["content-security-policy"]


def test_without_a_logo_none_is_shown(client: Client) -> None:
    assert "/theme/logo" not in client.get("/manage").text
    assert client.get("/theme/logo").status_code == 404


@pytest.mark.parametrize("colour", ["#ffffff", "#7a8", "red", "#1d4b5c;}", "#888888"])
def test_a_colour_that_hides_white_words_is_refused(colour: str) -> None:
    with pytest.raises(ValueError, match="theme_colour"):
        Settings(theme_colour=colour)


def test_a_logo_that_pages_cannot_carry_is_refused(themed: Path) -> None:
    themed.write_bytes(b"x" * 30_000)
    with pytest.raises(ValueError, match="over 20 kB"):
        theme.logo()
