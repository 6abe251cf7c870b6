"""A browser that opens every link of every message presses nothing."""

from collections.abc import Callable

import pytest
from litestar import Litestar
from litestar.testing import TestClient

from tests.browser.conftest import NewPage
from tests.mailbox import Mailbox
from tests.tracking.following import everything, sent_links
from tests.world import World

pytestmark = pytest.mark.browser


def test_a_browser_that_opens_every_link_changes_nothing(
    client: TestClient[Litestar], new_page: NewPage, world: World, work: Callable[[], None], inbox: Mailbox
) -> None:
    links = sent_links(client, world, work, inbox)
    before = everything()
    page = new_page()
    for path in sorted(path for path in links if not path.startswith("/c/")):
        for _ in range(3):
            reply = page.goto(path, wait_until="networkidle")
            assert reply is not None
            assert reply.status == 200, path
    assert everything() == before
