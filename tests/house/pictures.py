"""Takes the pictures of docs/pictures from a running demo: `python -m tests.house.pictures BASE SIGN-IN-LINK [NAME …]`.

With names, only those pictures whose name begins so.
Start the demo with `notify run`, send an alert, leave a draft, and print a link with `notify officer link`.
"""

import os
import re
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from tests.browser.conftest import FLAGS

FOLDER = Path(__file__).parents[2] / "docs" / "pictures"
COMPUTER, PHONE = (1100, 900), (390, 844)

# the file, the page, and whether it is a phone's
SHOTS = (
    ("home", "/", COMPUTER),
    ("near-phone", "/near?postcode=ZZ1+1AB", PHONE),
    ("near-welsh-phone", "/near?postcode=ZZ1+1AB&lang=cy", PHONE),
    ("sign-up", "/sign-up", COMPUTER),
    ("public-alert", "/alerts", COMPUTER),
    ("performance", "/performance", COMPUTER),
    ("performance-welsh-phone", "/performance?lang=cy", PHONE),
    ("alert", "{alert}", COMPUTER),
    ("figures-alert", "{alert}/figures", COMPUTER),
    ("figures-alert-phone", "{alert}/figures", PHONE),
    ("figures-overview", "/staff/figures", COMPUTER),
    ("figures-overview-phone", "/staff/figures", PHONE),
    ("figures-wards", "/staff/figures/wards", COMPUTER),
    ("figures-growth", "/staff/figures/growth", COMPUTER),
    ("figures-reach", "/staff/figures/reach", COMPUTER),
    ("figures-fatigue", "/staff/figures/fatigue", COMPUTER),
    ("figures-targets", "/staff/figures/targets", COMPUTER),
    ("figures-targets-phone", "/staff/figures/targets", PHONE),
    ("service-levels", "/staff/figures/service-levels", COMPUTER),
    ("costs", "/staff/figures/costs", COMPUTER),
    ("exports-schedules", "/staff/exports/schedules", COMPUTER),
    ("exports-retention", "/staff/exports/retention", COMPUTER),
    ("evidence", "/staff/evidence", COMPUTER),
    ("evidence-phone", "/staff/evidence", PHONE),
    ("officer-emergency", "/staff/emergency", COMPUTER),
    ("officer-where", "{draft}/where", COMPUTER),
    ("officer-check", "{draft}/check", COMPUTER),
    ("bins-home-phone", "/bins/zedholm/99000000001", PHONE),
    ("bins-officer", "/staff/bins", COMPUTER),
    ("bins-happened", "/staff/bins/happened", COMPUTER),
)


@contextmanager
def signed_in(base: str, link: str) -> Iterator[Page]:
    """A browser in which this link was used."""
    with sync_playwright() as playwright:
        path = os.environ.get("CHROMIUM") or shutil.which("chromium-headless-shell") or shutil.which("chromium")
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        page = browser.new_page(base_url=base)
        page.goto(link)
        page.get_by_role("button", name="Sign in").click()
        yield page
        browser.close()


def first(page: Page, address: str, pattern: str) -> str:
    """The first link of that page whose address fits."""
    page.goto(address)
    found = re.search(pattern, page.content())
    assert found, f"{address} has no link like {pattern}"
    return found[1]


def main() -> None:
    """Write every picture."""
    base, link, *wanted = sys.argv[1:]
    shots = [shot for shot in SHOTS if not wanted or shot[0].startswith(tuple(wanted))]
    with signed_in(base, link) as page:
        names = (
            {}
            if not any("{" in shot[1] for shot in shots)
            else {
                "alert": first(page, "/staff", r'href="(/staff/alerts/[0-9a-f-]{36})"'),
                "draft": first(page, "/staff/compose", r'href="(/staff/compose/[0-9a-f-]{36})/'),
            }
        )
        for name, path, (width, height) in shots:
            page.set_viewport_size({"width": width, "height": height})
            page.goto(path.format(**names))
            page.screenshot(path=FOLDER / f"{name}.png")


if __name__ == "__main__":
    main()
