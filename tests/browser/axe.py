"""What axe-core finds on a page, by the rules of WCAG 2.2 AA and its best practices."""

from collections.abc import Sequence

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
COLOUR_RULES = ("color-contrast", "link-in-text-block")  # all that another palette can break
LAYOUT_RULES = ("target-size", "scrollable-region-focusable")  # all that another width can break
LANDMARK_RULES = ("region", "landmark-one-main")  # an e-mail has no landmarks of its own

_SCRIPT = Axe().axe_script


def violations(page: Page, *, only: Sequence[str] = (), without: Sequence[str] = ()) -> list[str]:
    """Each rule that the page breaks, with the elements that break it. `evaluate` works under our real CSP."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(_SCRIPT)
    options = {
        "runOnly": {"type": "rule", "values": list(only)} if only else {"type": "tag", "values": RULES},
        "rules": {rule: {"enabled": False} for rule in without},
        "resultTypes": ["violations"],  # examples of what is right are dear and nobody reads them
    }
    found = page.evaluate("options => axe.run(document, options)", options)["violations"]
    return [f"{fault['id']}: {[node['html'][:120] for node in fault['nodes']]}" for fault in found]
