"""Languages: which one a visitor is spoken to in, and what is said."""

import pytest
from litestar import Litestar
from litestar.testing import TestClient

from notify.languages import _, best_of, both, speaking, spoken

Client = TestClient[Litestar]


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("", "en"),
        ("cy", "cy"),
        ("cy-GB,cy;q=0.9,en;q=0.8", "cy"),
        ("en-GB,en;q=0.9,cy;q=0.1", "en"),
        ("fr,cy;q=0.3", "cy"),
        ("cy;q=0", "en"),
        ("fr;q=x,*;;;", "en"),
        ("," * 1000, "en"),
    ],
)
def test_the_browsers_first_language_that_we_have_is_spoken(accepted: str, language: str) -> None:
    assert best_of(accepted) == language


def test_within_a_block_words_are_in_its_language() -> None:
    assert _("Home") == "Home"
    with speaking("cy"):
        assert (_("Home"), spoken()) == ("Hafan", "cy")
        with speaking("en"):
            assert _("Home") == "Home"
        assert _("{topic} from {council}", topic="Biniau", council="Zed") == "Biniau gan Zed"
    assert spoken() == "en"


def test_a_language_without_a_catalog_is_answered_in_english() -> None:
    with speaking("gd"):
        assert _("Home") == "Home"


def test_words_in_every_language_stand_side_by_side() -> None:
    assert both("Home") == "Home / Hafan"


def test_a_page_speaks_the_language_of_the_browser_or_of_its_address(client: Client) -> None:
    english = client.get("/manage", headers={"Accept-Language": "en-GB"})
    welsh = client.get("/manage", headers={"Accept-Language": "cy"})
    chosen = client.get("/manage?lang=en", headers={"Accept-Language": "cy"})
    assert '<html lang="en">' in english.text
    assert '<html lang="cy">' in welsh.text
    assert "Rheoli eich rhybuddion" in welsh.text
    assert welsh.headers["content-language"] == "cy"
    assert "Accept-Language" in welsh.headers["vary"]
    assert '<html lang="en">' in chosen.text
    assert 'href="/sign-up?lang=en"' in chosen.text  # what was chosen stays chosen
    assert 'href="/sign-up"' in welsh.text


def test_pages_that_are_not_there_say_so_in_the_visitors_language(client: Client) -> None:
    missing = client.get("/nowhere", headers={"Accept": "text/html", "Accept-Language": "cy"})
    staff = client.get("/staff/sign-in", headers={"Accept-Language": "cy"})
    assert missing.status_code == 404
    assert "Heb ei ganfod" in missing.text
    assert '<html lang="en">' in staff.text
