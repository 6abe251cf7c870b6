"""No link, tab or form of days on a staff page leads to an error of ours."""

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from html import unescape
from urllib.parse import urlencode, urljoin, urlsplit

from litestar import Litestar
from litestar.testing import TestClient

from tests import moments
from tests.alerts.calls import act, created
from tests.world import add_resident, administrator, make_world

Client = TestClient[Litestar]
MOST = 400
_LINK = re.compile(r'<a[^>]*\shref="([^"]+)"')
_GET_FORM = re.compile(r'<form method="get" action="([^"]+)".*?</form>', re.S)
_SELECT = re.compile(r'<select[^>]*\sname="([^"]+)".*?</select>', re.S)
_OPTION = re.compile(r'<option[^>]*value="([^"]*)"')
_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}")


def paths_on(page: str, at: str) -> Iterator[str]:
    """Where the page leads without changing anything, with its queries."""
    for href in _LINK.findall(page):
        yield urljoin(at, unescape(href)).partition("#")[0]
    for form in _GET_FORM.finditer(page):
        for select in _SELECT.finditer(form[0]):
            for value in _OPTION.findall(select[0]):
                yield f"{form[1]}?{urlencode({select[1]: unescape(value)})}"


def kind_of(path: str) -> str:
    """What is the same for every alert and day, so that each kind of page is opened a few times only."""
    return re.sub(r"\d{4}-\d{2}(-\d{2})?", "day", _ID.sub("id", path))


def test_every_page_opens_with_every_query_that_its_own_links_carry(client: Client, work: Callable[[], None]) -> None:
    world = make_world()
    add_resident(world, "a@example.org", topics=["road-closures", "emergencies"], postcodes=["ZZ1 1AA"])
    first = created(client, world.headers, topic="emergencies", priority="emergency", asks_reply=True, send=True)
    created(client, world.headers, send=True)
    created(client, world.headers, send=True, send_at=(moments.present() + timedelta(hours=1)).isoformat())
    created(client, world.headers)
    work()
    act(client, administrator(world), first["id"], "update", {"title": "News", "body": "It goes on."})
    desk = administrator(world) | {"Accept": "text/html"}
    waiting, seen, failed = ["/staff"], set[str](), list[tuple[str, int]]()
    while waiting:
        path = waiting.pop()
        answer = client.get(path, headers=desk)
        if answer.status_code >= 500:
            failed.append((path, answer.status_code))
        if not answer.headers.get("content-type", "").startswith("text/html"):
            continue
        for further in paths_on(answer.text, path):
            kind = kind_of(further)
            if urlsplit(further).path.startswith("/staff") and "/live" not in further and kind not in seen:
                seen.add(kind)
                waiting.append(further)
        assert len(seen) < MOST
    assert not failed
    assert "/staff/figures/service-levels?period=quarter" in seen
    assert sum("?" in path for path in seen) > 50
