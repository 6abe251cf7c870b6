"""Every mail passes our own linter, and a bad one does not."""

import pytest

from notify.core import rendering
from notify.languages import direction
from tests.browser.test_mail import ALERT, MAILS
from tests.tracking.mail_lint import faults

BAD = """
<html><head><title>Bad</title></head><body><table><tr><td><h1>One</h1><h1>Two</h1>
<p>Stay indoors. Close the windows.</p><img src="x.png">
<a href="https://example.org/a">Click here</a></td></tr></table></body></html>
"""


def parts(name: str, values: dict[str, object]) -> tuple[str, str]:
    environment = rendering.environment("email")
    html, text = (environment.get_template(f"{name}.{kind}").render(**values) for kind in ("html", "txt"))
    return html, text


@pytest.mark.parametrize(("name", "values"), MAILS)
def test_a_mail_has_nothing_to_mend(name: str, values: dict[str, object]) -> None:
    assert faults(*parts(name, values)) == []


def test_the_linter_finds_what_is_wrong() -> None:
    assert faults(BAD, "One\nTwo\nStay indoors.") == [
        "no lang",
        "no dir",
        "no color-scheme: nothing for dark mode",
        "2 headings h1",
        "a table for layout without role=presentation",
        "an image without alt: x.png",
        "a link that says 'Click here'",
        "the plain part lacks the address https://example.org/a",
        "the plain part lacks: Close the windows.",
    ]


def test_what_is_written_from_right_to_left_is_marked() -> None:
    html, text = parts("alert", ALERT | {"language": "ur", "title": "سڑک بند ہے"})
    assert '<html lang="ur" dir="rtl">' in html
    assert html.count('lang="en" dir="ltr"') == 4  # our own words, which nobody has translated
    assert faults(html, text) == []


@pytest.mark.parametrize(
    ("language", "way"), [("en", "ltr"), ("cy", "ltr"), ("ar", "rtl"), ("zzz", "ltr"), ("", "ltr")]
)
def test_languages_know_their_direction(language: str, way: str) -> None:
    assert direction(language) == way
