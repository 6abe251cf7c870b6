"""A browser that opens every link of every message presses nothing."""

import subprocess
import sys
from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
from litestar import Litestar
from litestar.testing import TestClient

from tests.alerts.calls import created
from tests.browser import one_click
from tests.browser.conftest import NewPage
from tests.mailbox import Mailbox
from tests.tracking.following import everything, sent_links
from tests.world import World, add_resident

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


def test_a_separate_program_leaves_with_each_mails_one_click(
    client: TestClient[Litestar], site: str, world: World, work: Callable[[], None], inbox: Mailbox
) -> None:
    people = [f"{name}@example.org" for name in ("ann", "bob", "cas")]
    for address in people:
        add_resident(world, address)
    created(client, world.headers, send=True)
    work()
    kept = sorted((inbox.folder / "kept").glob("*.eml"))
    assert len(kept) == len(people)
    for file in kept:
        argv = [sys.executable, "-I", str(one_click.__file__), urlsplit(site).netloc]
        done = subprocess.run(argv, input=file.read_bytes(), capture_output=True, check=False, timeout=20)
        assert (done.returncode, done.stdout) == (0, b"200\n"), done.stderr
    inbox.empty()
    created(client, world.headers, send=True)
    work()
    assert inbox.recipients() == {}
