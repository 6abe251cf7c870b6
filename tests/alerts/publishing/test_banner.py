"""While an emergency goes on, every page that residents read names it."""

import re
from collections.abc import Callable, Iterator

import pytest
from litestar import Litestar
from litestar.enums import HttpMethod
from litestar.testing import TestClient

from notify.alerts.publishing import banner
from notify.app import WITHOUT_BANNER
from tests.alerts.calls import created
from tests.web.test_headers import EXAMPLES
from tests.world import add_resident, make_world

Client = TestClient[Litestar]
OWN_PAGE = "/incidents/{ref:str}"  # says it in full
WITHOUT = ("/widget", "/bins/widget", "/problems", "/problems/{slug:str}")  # frames of other sites, and programmers'


@pytest.fixture(autouse=True)
def _forgotten() -> Iterator[None]:
    banner.forget()
    yield
    banner.forget()


def test_every_public_page_names_the_emergency_that_goes_on(
    client: Client, app: Litestar, work: Callable[[], None]
) -> None:
    world = make_world()
    add_resident(world, "a@example.org", topics=["emergencies"])
    created(client, world.headers, topic="emergencies", priority="emergency", title="River over its banks", send=True)
    work()
    seen, silent = set(), []
    for route in app.routes:
        if route.path.startswith(WITHOUT_BANNER) or route.path_format in (OWN_PAGE, *WITHOUT):
            continue
        path = re.sub(r"{(\w+)(?::\w+)?}", lambda found: EXAMPLES.get(found[1], "x"), route.path)
        for method in sorted({HttpMethod.GET, HttpMethod.POST} & getattr(route, "methods", set())):
            headers = {"Accept": "text/html", "Sec-Fetch-Site": "same-origin"}
            reply = client.request(method, path, headers=headers, follow_redirects=False)
            if reply.headers.get("content-type", "").startswith("text/html"):
                seen.add(route.path)
                if "River over its banks" not in reply.text:
                    silent.append((method, route.path, reply.status_code))
    assert silent == []
    assert {"/", "/near", "/bins", "/notices", "/sign-up", "/topics", "/poster", "/my"} <= seen
