"""Following any link of any message changes nothing: scanners, previews and curious fingers may try them all."""

from collections.abc import Callable

import pytest
from litestar import Litestar
from litestar.testing import TestClient

from tests.mailbox import Mailbox
from tests.tracking.following import everything, sent_links
from tests.world import World, make_world

Client = TestClient[Litestar]
Work = Callable[[], None]


@pytest.fixture
def world(client: Client) -> World:
    return make_world()


@pytest.fixture
def links(client: Client, world: World, work: Work, inbox: Mailbox) -> set[str]:
    return sent_links(client, world, work, inbox)


def test_following_every_link_three_times_changes_nothing(client: Client, links: set[str]) -> None:
    before = everything()
    for _ in range(3):
        for path in links:
            for method in ("GET", "HEAD"):
                reply = client.request(method, path, follow_redirects=False)
                assert reply.status_code in (200, 302, 303), (method, path)
                assert method == "GET" or reply.content == b""
    after = everything()
    # how often an alert's own page was followed is counted, for nobody in particular
    counted = {"hit", "rollup_hit", "rollup_hit_total", "visitor_key"}
    assert {table: rows for table, rows in after.items() if rows != before[table]}.keys() <= counted
    assert len(set(after["hit"]) - set(before["hit"])) <= 3 * sum(path.startswith("/c/") for path in links)


def test_the_links_work_after_scanners_followed_them(client: Client, links: set[str]) -> None:
    for path in links:
        client.get(path, follow_redirects=False)
        client.head(path, follow_redirects=False)
    for kind, words in (("/confirm/", "You are signed up"), ("/u/", "Done: no more")):
        path = next(path for path in sorted(links) if path.startswith(kind))
        assert words in client.post(path, headers={"Accept": "text/html"}).text
    manage = next(path for path in sorted(links) if path.startswith("/manage/"))
    assert client.post(manage, follow_redirects=False).headers["location"] == "/my"
