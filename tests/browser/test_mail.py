"""The e-mails pass the same checks as the pages, and a few that axe does not know."""

import re
from dataclasses import replace
from typing import Literal

import pytest
from playwright.sync_api import Page

from notify.core import rendering
from notify.deliveries import email_facts
from notify.deliveries.service_message_words import WORDS
from notify.staff.council_settings.effective import Contact, installation_settings
from tests.browser.axe import LANDMARK_RULES, violations

pytestmark = pytest.mark.browser

OWN = replace(
    installation_settings("Zed Council"),
    name_cy="Cyngor Zed",
    contact=Contact("https://www.example.org/contact", "01632 960001", "contact@example.org"),
    data_protection=Contact("https://www.example.org/privacy"),
)
LOOK: dict[str, object] = {"own": OWN, "logo_url": ""}
ALERT: dict[str, object] = LOOK | {
    "council_name": "Zed Council",
    "is_from_council": True,
    "banner": None,
    "what_to_do": "",
    "in_force_until": "In force until 17:00 on 3 March 2027",
    "page_url": "https://alerts.example.org/incidents/river-zed-2027",
    "topic_name": "Road closures",
    "title": "Mill Road <closed> & more",
    "paragraphs": [
        "The bridge is closed from 08:00 to 18:00 on Sunday. " * 8,
        "Line one\nLine two",
        "Take:\n- water\n- a torch",
    ],
    "link_url": "https://alerts.example.org/c/" + "x" * 120,
    "link_text": "example.org/mill-road",
    "greeting": "Dear Sam,",
    "ward": "Ward: Northside",
    "unsubscribe_url": "https://alerts.example.org/u/" + "y" * 90,
    "manage_url": "https://alerts.example.org/manage",
    "pixel_url": None,
    "hidden_url": "https://alerts.example.org/c/" + "y" * 60,
    "reply_url": None,
    "is_training": True,
    "parts": [],
    "zoom": 1,
}
PART = {
    "title": "Mill Road closed",
    "paragraphs": ["The bridge is closed.", "Until Sunday."],
    "link_url": "https://example.org/mill-road",
    "link_text": "example.org/mill-road",
}
OTHER_PART = {"title": "Bins come late", "paragraphs": ["On Friday."], "link_url": None, "link_text": None}
DIGEST = {"paragraphs": [], "parts": [PART, OTHER_PART], "link_url": None, "is_training": False}
NOTICE: dict[str, object] = LOOK | {
    "council_name": "Zed Council",
    "is_from_council": True,
    "url": "https://alerts.example.org/confirm/" + "x" * 43,
    "expires": "3 days",
    "unsubscribe_url": "",
}
MAILS = [("alert", ALERT | {"language": language}) for language in ("en", "cy")]
MAILS += [("alert", ALERT | {"language": "en", "greeting": "", "ward": "", "link_url": None, "link_text": None})]
REPLY = {"reply_url": "https://alerts.example.org/r/" + "z" * 22, "is_training": False}
MAILS += [("alert", ALERT | REPLY | {"language": language}) for language in ("en", "cy")]
ALARM = {"is_training": False, "what_to_do": "Go upstairs now. Take your phone and a torch.", "is_from_council": False}
MAILS += [
    ("alert", ALERT | ALARM | {"language": language, "banner": banner})
    for language in ("en", "cy")
    for banner in email_facts.BANNERS[language].values()
]
MAILS += [("alert", ALERT | {"language": "en", "zoom": 1.5}), ("alert", ALERT | DIGEST | {"language": "cy"})]
MAILS += [
    (
        "service-message",
        NOTICE | {"language": lang, "kind": kind, "words": words and words.filled(council="Zed", what="Bins")},
    )
    for lang in ("en", "cy")
    for kind, words in [("confirm", None), ("sign-in", None), *WORDS[lang].items()]
]


@pytest.mark.parametrize(("name", "values"), MAILS)
def test_a_mail_is_accessible_by_day_and_by_night(page: Page, name: str, values: dict[str, object]) -> None:
    html = rendering.environment("email").get_template(f"{name}.html").render(**values)
    page.set_content(html)
    schemes: tuple[Literal["light", "dark"], ...] = ("light", "dark")
    for scheme in schemes:
        page.emulate_media(color_scheme=scheme)
        assert violations(page, without=LANDMARK_RULES) == []
    assert page.locator("h1").count() == 1
    assert page.locator("table:not([role=presentation])").count() == 0
    assert page.evaluate("document.documentElement.lang") == values["language"]
    for link in page.get_by_role("link").all():
        assert link.inner_text().strip().lower() not in ("here", "click here", "link", "more", "yma")


@pytest.mark.parametrize(("name", "values"), MAILS)
def test_lines_are_short_and_links_whole(name: str, values: dict[str, object]) -> None:
    environment = rendering.environment("email")
    html = environment.get_template(f"{name}.html").render(**values)
    text = environment.get_template(f"{name}.txt").render(**values)
    assert all(len(line) <= 76 for line in text.splitlines() if "https://" not in line)
    assert all(len(line) <= 160 for line in html.splitlines() if "https://" not in line)
    for address in (str(value) for key, value in values.items() if key.endswith("url") and value):
        assert address in text.splitlines() or address == values.get("hidden_url")
        assert f'"{address}"' in html
    assert not re.search(r"\n\n\n\n", text)


def test_what_an_officer_wrote_is_shown_and_not_run(page: Page) -> None:
    evil = ALERT | {"title": "<script>x</script>", "paragraphs": ["<img src=x onerror=alert(1)>"], "language": "en"}
    html = rendering.environment("email").get_template("alert.html").render(**evil)
    assert "<script>" not in html
    assert "<img src=x" not in html
